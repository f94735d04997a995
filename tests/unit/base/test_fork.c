#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fork.h"

START_TEST(child_counts_and_parent_does_not)
{
    unsigned before;
    int status;
    pid_t pid;

    ck_assert_int_eq(kfk__fork_watch(), 0);
    ck_assert_int_eq(kfk__fork_watch(), 0);
    before = kfk__fork_count();
    pid = fork();
    if (pid == 0)
        _exit(kfk__fork_count() == before + 1 ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(kfk__fork_count(), before);
}
END_TEST

START_TEST(grandchild_differs_from_both)
{
    unsigned before;
    int status;
    pid_t pid;

    ck_assert_int_eq(kfk__fork_watch(), 0);
    before = kfk__fork_count();
    pid = fork();
    if (pid == 0) {
        pid = fork();
        if (pid == 0)
            _exit(kfk__fork_count() == before + 2 ? 0 : 1);
        _exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fork");
    TCase *t = tcase_create("fork");
    SRunner *runner;
    int failed;

    tcase_add_test(t, child_counts_and_parent_does_not);
    tcase_add_test(t, grandchild_differs_from_both);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
