#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/error.h>

/* What org.apache.kafka.common.protocol.Errors of Kafka 4.3.1 holds: number, name, retriable. */
static const struct {
    kfk_err code;
    const char *name;
    int retriable;
} kafka[] = {
#include "kafka_errors.inc"
};

enum { N_KAFKA = sizeof kafka / sizeof *kafka };

START_TEST(kafkas_codes_are_kafkas)
{
    ck_assert_int_eq(N_KAFKA, 135);
    for (size_t i = 0; i < N_KAFKA; i++) {
        kfk_err listed = 12345;

        ck_assert_str_eq(kfk_err_name(kafka[i].code), kafka[i].name);
        ck_assert_uint_eq(kfk_err_flags(kafka[i].code), kafka[i].retriable ? KFK_RETRIABLE : 0);
        ck_assert_int_eq(kfk_err_list(i, &listed), 1);
        ck_assert_int_eq(listed, kafka[i].code);
    }
}
END_TEST

START_TEST(public_constants)
{
    ck_assert_int_eq(KFK_ERR_UNKNOWN_SERVER_ERROR, -1);
    ck_assert_int_eq(KFK_ERR_NOT_LEADER_OR_FOLLOWER, 6);
    ck_assert_int_eq(KFK_ERR_INVALID_TOPIC_EXCEPTION, 17);
    ck_assert_int_eq(KFK_ERR_UNKNOWN_TOPIC_ID, 100);
    ck_assert_int_eq(KFK_ERR_SHARE_SESSION_LIMIT_REACHED, 133);
}
END_TEST

START_TEST(our_codes)
{
    static const struct {
        kfk_err code;
        const char *name;
        uint32_t flags;
    } rows[] = {
        {-1000, "KFK_ERR_NOMEM", 0},
        {-1004, "KFK_ERR_TIMED_OUT", KFK_RETRIABLE},
        {-1007, "KFK_ERR_CLOSED", KFK_FATAL},
        {-1010, "KFK_ERR_FORKED", KFK_FATAL},
        {-1013, "KFK_ERR_RESOLVE", KFK_RETRIABLE},
        {-1023, "KFK_ERR_INTERNAL", KFK_FATAL},
        {-1024, "KFK_ERR_NO_OFFSET", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(kfk_err_name(rows[i].code), rows[i].name);
        ck_assert_uint_eq(kfk_err_flags(rows[i].code), rows[i].flags);
    }
}
END_TEST

START_TEST(every_code_is_one_sentence)
{
    kfk_err code;
    size_t n = 0;

    for (; kfk_err_list(n, &code); n++) {
        const char *s = kfk_err_str(code);
        size_t len = strlen(s);

        ck_assert_msg(len > 7 && s[len - 1] == '.', "%d: %s", code, s);
        ck_assert_msg(!strchr(s, '\n'), "%d", code);
        ck_assert_str_ne(kfk_err_name(code), "UNKNOWN");
    }
    ck_assert_uint_eq(n, N_KAFKA + 29);
    code = 777;
    ck_assert_int_eq(kfk_err_list(SIZE_MAX, &code), 0);
    ck_assert_int_eq(code, 777);
}
END_TEST

START_TEST(codes_without_a_name)
{
    static const kfk_err codes[] = {-2, 134, -999, -1029, INT32_MIN, INT32_MAX};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_str_eq(kfk_err_name(codes[i]), "UNKNOWN");
        ck_assert_str_eq(kfk_err_str(codes[i]),
                         "An error code that this version of the library has no name for.");
        ck_assert_uint_eq(kfk_err_flags(codes[i]), 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/errtab");
    TCase *t = tcase_create("errtab");
    SRunner *r;
    int failed;

    tcase_add_test(t, kafkas_codes_are_kafkas);
    tcase_add_test(t, public_constants);
    tcase_add_test(t, our_codes);
    tcase_add_test(t, every_code_is_one_sentence);
    tcase_add_test(t, codes_without_a_name);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
