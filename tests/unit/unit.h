/* unit: the main of a test program whose tests are a list. */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Each a START_TEST, ended by NULL. */
static inline int unit_main(const char *name, const TTest *const *tests)
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create(name);
    SRunner *r;
    int failed;

    for (; *tests; tests++)
        tcase_add_test(t, *tests);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
