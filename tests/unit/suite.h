/* What unit tests share that need no more than this: one test case a program, and chance that is
 * the same in every run. */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

/* ck_assert writes down each time it is passed, which is too slow to be passed a million times. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

/* The next of a sequence that |*state| (not 0) begins (xorshift64). */
static inline uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Runs the test case and makes the exit status. */
static inline int run_suite(const char *name, TCase *t)
{
    Suite *s = suite_create(name);
    SRunner *r = srunner_create(s);
    int failed;

    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The same for tests that are a list, ended by NULL. */
static inline int unit_main(const char *name, const TTest *const *tests)
{
    TCase *t = tcase_create(name);

    for (; *tests; tests++)
        tcase_add_test(t, *tests);
    return run_suite(name, t);
}

#endif
