#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/properties.h"

typedef struct read {
    kfk__properties_reader r;
    uint8_t *text, *line;
    char *out;
} read;

/* Every buffer is exactly as large as promised, so that a sanitizer sees each byte too many. */
static void start(read *x, const char *text, size_t n)
{
    x->text = malloc(n + !n);
    x->line = malloc(n + !n);
    x->out = malloc(KFK__PROPERTIES_OUT(n));
    memcpy(x->text, text, n);
    kfk__properties_init(&x->r, x->text, n, x->line, x->out);
}

static void stop(read *x)
{
    free(x->text);
    free(x->line);
    free(x->out);
}

/* What java.util.Properties.load of OpenJDK 17 makes of each text. */
static const struct {
    const char *text, *key, *value;
} rows[] = {
    {"# a comment\n   ! another \\\na=1\n", "a", "1"},
    {"b:2\n", "b", "2"},
    {"c 3\n", "c", "3"},
    {"d\t=\t4 \n", "d", "4 "},
    {"e = : 5\n", "e", ": 5"},
    {"f  :=6\n", "f", "=6"},
    {"\\ g\\=h\\:\\# = i\n", " g=h:#", "i"},
    {"j\n", "j", ""},
    {"k=\n", "k", ""},
    {"=l\n", "", "l"},
    {"m = n\\\n    o\n", "m", "no"},
    {"p = q\\\\\n", "p", "q\\"},
    {"r = s\\\n# t\n", "r", "s# t"},
    {"u\\\n  v = w\n", "uv", "w"},
    {"x = \\t\\n\\r\\f\\z\\\"\\\\|\n", "x", "\t\n\r\fz\"\\|"},
    {"y = \\u0041\\u00e9\\u20ac\\ud83d\\ude00\n", "y", "A\303\251\342\202\254\360\237\230\200"},
    {"z = \351\n", "z", "\303\251"},
    {"\f D = 4", "D", "4"},
    {"E = a\\\r\n   b\n", "E", "ab"},
    {"F = a\\\n\n", "F", "a"},
    {"\\\n# still a comment\nH = x # y ! z\n", "H", "x # y ! z"},
    {"I==J\n", "I", "=J"},
    {"K:\\ \\ L\n", "K", "  L"},
    {"M = a\\\\\\\n b\n", "M", "a\\b"},
    {"\\\n\\\n\nN\\u003dO = P\n", "N=O", "P"},
    {"Q=R\\", "Q", "R"},
};

START_TEST(as_java)
{
    kfk__pair pair;
    read x;

    start(&x, rows[_i].text, strlen(rows[_i].text));
    ck_assert_int_eq(kfk__properties_next(&x.r, &pair), 1);
    ck_assert_ptr_null(pair.wrong);
    ck_assert_str_eq(pair.key, rows[_i].key);
    ck_assert_str_eq(pair.value, rows[_i].value);
    ck_assert_int_eq(kfk__properties_next(&x.r, &pair), 0);
    stop(&x);
}
END_TEST

START_TEST(lines_are_counted)
{
    static const char text[] = "a=1\n\n# c\r\nb=2\\\n3\rc=4\r\n  \n\\\nd=5";
    static const struct {
        const char *key, *value;
        int line;
    } want[] = {{"a", "1", 1}, {"b", "23", 4}, {"c", "4", 6}, {"d", "5", 9}};
    kfk__pair pair;
    read x;

    start(&x, text, sizeof text - 1);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        ck_assert_int_eq(kfk__properties_next(&x.r, &pair), 1);
        ck_assert_str_eq(pair.key, want[i].key);
        ck_assert_str_eq(pair.value, want[i].value);
        ck_assert_int_eq(pair.line, want[i].line);
    }
    ck_assert_int_eq(kfk__properties_next(&x.r, &pair), 0);
    stop(&x);
}
END_TEST

START_TEST(nothing_there)
{
    static const char *const texts[] = {"", "\n", " ", "#", "! x", "\\", "\\\n", " \f\t\r\n\r"};
    kfk__pair pair;
    read x;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        start(&x, texts[i], strlen(texts[i]));
        ck_assert_int_eq(kfk__properties_next(&x.r, &pair), 0);
        stop(&x);
    }
}
END_TEST

START_TEST(malformed)
{
    static const struct {
        const char *text;
        size_t n;
    } bad[] = {
        {"a=\\u", 4},         {"a=\\u12", 6},         {"a=\\u12x4", 8},  {"a=\\u0000", 8},
        {"a=\\udc00", 8},     {"a=\\ud800", 8},       {"a=\\ud800x", 9}, {"a=\\ud800\\u0041", 14},
        {"a=\\ud800\\u", 10}, {"\\u1=2", 5},          {"a=b\0c", 5},     {"a\0=b", 4},
        {"a=\\\0", 4},        {"a=\\ud83d\\ude0", 13}};
    kfk__pair pair;
    read x;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        start(&x, bad[i].text, bad[i].n);
        ck_assert_int_eq(kfk__properties_next(&x.r, &pair), 1);
        ck_assert_msg(pair.wrong != NULL, "row %zu", i);
        ck_assert_int_eq(pair.line, 1);
        stop(&x);
    }
}
END_TEST

/* Whatever comes: no byte outside the buffers, and an end. */
START_TEST(noise)
{
    static const char alphabet[] = "\\\\\\u0d8c= :#!\n\r\t\f\351a\0";
    uint32_t seed = 1;

    for (int run = 0; run < 20000; run++) {
        char text[48];
        size_t n = (size_t)run % sizeof text;
        kfk__pair pair;
        read x;

        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        start(&x, text, n);
        for (size_t pairs = 0; kfk__properties_next(&x.r, &pair); pairs++)
            ck_assert_uint_lt(pairs, sizeof text);
        stop(&x);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/properties");
    TCase *t = tcase_create("properties");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, as_java, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, lines_are_counted);
    tcase_add_test(t, nothing_there);
    tcase_add_test(t, malformed);
    tcase_add_test(t, noise);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
