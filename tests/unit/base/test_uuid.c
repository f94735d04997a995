#include "unit/suite.h"

#include "base/uuid.h"

static const struct {
    kfk__uuid id;
    const char *text; /* as org.apache.kafka.common.Uuid has it */
} rows[] = {
    {{{0}}, "AAAAAAAAAAAAAAAAAAAAAA"},
    {{{[15] = 1}}, "AAAAAAAAAAAAAAAAAAAAAQ"},
    {{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}, "AAECAwQFBgcICQoLDA0ODw"},
    {{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
       0xff}},
     "_____________________w"},
    {{{0xfb, 0xef, 0xbe, [15] = 0xfb}}, "----AAAAAAAAAAAAAAAA-w"},
};

START_TEST(text_is_that_of_kafka)
{
    char text[23];
    kfk__uuid id;

    kfk__uuid_format(&rows[_i].id, text);
    ck_assert_str_eq(text, rows[_i].text);
    ck_assert(kfk__uuid_parse(rows[_i].text, &id));
    ck_assert(kfk__uuid_equal(&id, &rows[_i].id));
}
END_TEST

START_TEST(every_bit_comes_back)
{
    for (unsigned bit = 0; bit < 128; bit++) {
        kfk__uuid id = {{0}}, back;
        char text[23];

        id.b[bit / 8] = (uint8_t)(1 << bit % 8);
        kfk__uuid_format(&id, text);
        ck_assert(kfk__uuid_parse(text, &back));
        ck_assert(kfk__uuid_equal(&id, &back));
        ck_assert(!kfk__uuid_is_zero(&id));
        ck_assert(!kfk__uuid_equal(&id, &rows[0].id));
    }
    ck_assert(kfk__uuid_is_zero(&rows[0].id));
}
END_TEST

START_TEST(what_is_no_id_is_refused)
{
    static const char *const bad[] = {
        "",
        "AAAAAAAAAAAAAAAAAAAAA",   /* 21 */
        "AAAAAAAAAAAAAAAAAAAAAAA", /* 23 */
        "AAAAAAAAAAAAAAAAAAAAAQ==",
        "AAAAAAAAAAAAAAAAAAAAAR", /* more than 16 bytes hold */
        "AAAAAAAAAAAAAAAAAAAAAI",
        "+AAAAAAAAAAAAAAAAAAAAA",
        "/AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAA AAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAA\303\244",
    };
    kfk__uuid id;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!kfk__uuid_parse(bad[i], &id), "%s", bad[i]);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("uuid");

    tcase_add_loop_test(t, text_is_that_of_kafka, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, every_bit_comes_back);
    tcase_add_test(t, what_is_no_id_is_refused);
    return run_suite("base/uuid", t);
}
