/* Regular expressions of Java's, of which those that choose topics are taken. */
#include <check.h>
#include <stdlib.h>

#include "../tools/kfk/expression.h"

static const struct {
    const char *text, *yes, *no;
} taken[] = {
    {"a.*", "abc", "bac"},
    {"a|bc", "bc", "abc"},
    {"a|", "a", "b"},
    {"()|a", "a", "b"},
    {"a\\.b", "a.b", "axb"},
    {"a\\-b", "a-b", "ab"},
    {"\\d+", "0190", "a1"},
    {"\\w\\W\\w", "a-b", "a_b"},
    {"\\S{3}", "a.b", "ab"},
    {"[\\w.-]+", "a.b-c_d", "a,b"},
    {"[^\\d]*", "abc", "a1"},
    {"[a-cx]+", "abcx", "d"},
    {"[^a-c]", "d", "a"},
    {"[a-z&&[^bc]]+", "ad", "ab"},
    {"[a-z&&[def]]", "d", "a"},
    {"[a-c[x-z]]+", "ay", "d"},
    {"[]a]+", "a", "b"},
    {"[a-]+", "a-", "b"},
    {"[\\-a]+", "a-", "b"},
    {"\\p{Upper}\\P{Upper}", "Aa", "AA"},
    {"\\x41\\u0042", "AB", "ab"},
    {"\\Qa.b\\E.", "a.bc", "axbc"},
    {"(?i)Abc", "aBC", "abd"},
    {"(?:ab)+", "abab", "aba"},
    {"(?<name>ab)?c", "abc", "abab"},
    {"a+?b*?c??", "aab", "b"},
    {"a{2}b{1,}c{0,1}", "aab", "ab"},
    {"a{1,2}?", "aa", "aaa"},
    {"^a$", "a", "aa"},
    {"\\Aa\\z", "a", "aa"},
    {"a.c", "abc", "ac"},
};

START_TEST(takes)
{
    expression x;

    ck_assert_msg(expression_init(&x, taken[_i].text), "%s", taken[_i].text);
    ck_assert_msg(expression_matches(&x, taken[_i].yes), "%s", taken[_i].text);
    ck_assert_msg(!expression_matches(&x, taken[_i].no), "%s", taken[_i].text);
    expression_fini(&x);
}
END_TEST

START_TEST(refuses)
{
    static const char *const texts[] = {
        "*",      "a**",    "+a",     "|*",    "(*a)",       "a)",    "(a",
        "((a)",   "[a",     "[z-a]",  "a{",    "a{,2}",      "a{x}",  "{1}",
        "a\\",    "\\y",    "\\1",    "a++",   "a?+",        "a{1}+", "(?=a)b",
        "(?!a)b", "(?<=a)", "(?<!a)", "(?>a)", "\\p{Greek}", "\\x4",  "[a-\\]"};
    expression x;

    ck_assert_msg(!expression_init(&x, texts[_i]), "%s", texts[_i]);
}
END_TEST

START_TEST(lists)
{
    static const char *const texts[][2] = {{"a,b", "a|b"}, {" a , b ", "a|b"}, {"'\"a\"'", "a"},
                                           {"a'b", "a'b"}, {"\"", ""},         {"", ""}};
    char *text = expression_of_list(texts[_i][0]);

    ck_assert_str_eq(text, texts[_i][1]);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("expression");
    TCase *t = tcase_create("expression");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, takes, 0, (int)(sizeof taken / sizeof *taken));
    tcase_add_loop_test(t, refuses, 0, 28);
    tcase_add_loop_test(t, lists, 0, 6);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
