#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

typedef struct got {
    int n, level;
    char subsystem[16], line[2 * KFK__LOG_LINE_MAX];
} got;

static void take(int level, const char *subsystem, const char *msg, void *arg)
{
    got *g = arg;

    g->n++;
    g->level = level;
    strcpy(g->subsystem, subsystem);
    strcpy(g->line, msg);
}

START_TEST(levels)
{
    got g = {0};
    kfk__log log = {take, &g, KFK_LOG_INFO};
    int evaluated = 0;

    kfk__log_write(&log, KFK_LOG_INFO, "client", "%s is %d", "a", ++evaluated);
    ck_assert_int_eq(g.n, 1);
    ck_assert_int_eq(g.level, KFK_LOG_INFO);
    ck_assert_str_eq(g.subsystem, "client");
    ck_assert_str_eq(g.line, "a is 1");
    kfk__log_write(&log, KFK_LOG_DEBUG, "client", "%d", ++evaluated);
    ck_assert_int_eq(g.n, 1);
    ck_assert_int_eq(evaluated, 1);
    kfk__log_write(&log, KFK_LOG_ERROR, "client", "b");
    ck_assert_int_eq(g.n, 2);
}
END_TEST

START_TEST(nobody_listens)
{
    kfk__log log = {NULL, NULL, KFK_LOG_DEBUG};
    int evaluated = 0;

    kfk__log_write(&log, KFK_LOG_ERROR, "client", "%d", ++evaluated);
    ck_assert_int_eq(evaluated, 0);
}
END_TEST

START_TEST(long_lines_are_cut)
{
    got g = {0};
    kfk__log log = {take, &g, KFK_LOG_INFO};
    char text[KFK__LOG_LINE_MAX + 1];

    memset(text, 'x', sizeof text);
    text[KFK__LOG_LINE_MAX - 1] = '\0';
    kfk__log_write(&log, KFK_LOG_INFO, "client", "%s", text);
    ck_assert_str_eq(g.line, text);
    text[KFK__LOG_LINE_MAX - 1] = 'x';
    text[KFK__LOG_LINE_MAX] = '\0';
    kfk__log_write(&log, KFK_LOG_INFO, "client", "%s", text);
    ck_assert_uint_eq(strlen(g.line), KFK__LOG_LINE_MAX - 1);
    ck_assert_str_eq(g.line + KFK__LOG_LINE_MAX - 5, "x...");
}
END_TEST

START_TEST(one_line_without_control_characters)
{
    got g = {0};
    kfk__log log = {take, &g, KFK_LOG_INFO};

    kfk__log_write(&log, KFK_LOG_INFO, "client", "a\nb\r\t\033[2J\177 \303\251");
    ck_assert_str_eq(g.line, "a?b???[2J? \303\251");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/log");
    TCase *t = tcase_create("log");
    SRunner *r;
    int failed;

    tcase_add_test(t, levels);
    tcase_add_test(t, nobody_listens);
    tcase_add_test(t, long_lines_are_cut);
    tcase_add_test(t, one_line_without_control_characters);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
