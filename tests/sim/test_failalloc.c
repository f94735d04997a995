#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sim/rig.h"

static failalloc f;
static kfk_allocator a;

static void setup(void)
{
    failalloc_init(&f);
    a = failalloc_allocator(&f);
}

START_TEST(counts_what_is_out)
{
    char *p = kfk__alloc(&a, 10), *q = kfk__alloc(&a, 0);

    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_nonnull(q);
    ck_assert_uint_eq(failalloc_blocks(&f), 2);
    ck_assert_uint_eq(failalloc_bytes(&f), 10);
    memcpy(p, "0123456789", 10);
    p = kfk__resize(&a, p, 100000);
    ck_assert_mem_eq(p, "0123456789", 10);
    ck_assert_uint_eq(failalloc_bytes(&f), 100000);
    p = kfk__resize(&a, p, 4);
    ck_assert_mem_eq(p, "0123", 4);
    kfk__release(&a, p);
    kfk__release(&a, q);
    a.release(a.ctx, NULL);
    ck_assert_uint_eq(failalloc_blocks(&f), 0);
    ck_assert_uint_eq(failalloc_bytes(&f), 0);
    ck_assert_uint_eq(failalloc_calls(&f), 4);
    ck_assert(!failalloc_failed(&f));
    ck_assert_ptr_null(kfk__alloc(&a, SIZE_MAX));
}
END_TEST

START_TEST(fails_once)
{
    void *p, *q;

    failalloc_fail_once(&f, 2);
    p = kfk__alloc(&a, 1);
    ck_assert(!failalloc_failed(&f));
    ck_assert_ptr_null(kfk__resize(&a, p, 2)); /* |p| is as it was */
    ck_assert(failalloc_failed(&f));
    q = kfk__alloc(&a, 1);
    ck_assert_ptr_nonnull(q);
    ck_assert_uint_eq(failalloc_blocks(&f), 2);
    kfk__release(&a, p);
    kfk__release(&a, q);
}
END_TEST

START_TEST(fails_from)
{
    void *p;

    failalloc_fail_from(&f, 2);
    p = kfk__alloc(&a, 1);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(kfk__alloc(&a, 1));
    kfk__release(&a, p);
    failalloc_fail_from(&f, 0);
    p = kfk__alloc(&a, 1);
    ck_assert_ptr_nonnull(p);
    kfk__release(&a, p);
}
END_TEST

START_TEST(new_memory_is_junk)
{
    unsigned char *p = kfk__alloc(&a, 2);

    ck_assert_uint_ne(p[0], 0);
    p = kfk__resize(&a, p, 5000);
    ck_assert_uint_ne(p[4999], 0);
    kfk__release(&a, p);
}
END_TEST

/* The sweep that the header shows, over something of the library's. */
START_TEST(sweep)
{
    uint64_t n = 0;

    do {
        kfk__buf b;

        failalloc_fail_once(&f, ++n);
        kfk__buf_init(&b, &a);
        for (int i = 0; i < 1000; i++)
            kfk__buf_put(&b, "some bytes", 10);
        ck_assert_int_eq(kfk__buf_ok(&b), !failalloc_failed(&f));
        kfk__buf_fini(&b);
        ck_assert_uint_eq(failalloc_blocks(&f), 0);
    } while (failalloc_failed(&f));
    ck_assert_uint_gt(n, 2);
}
END_TEST

START_TEST(foreign_release_aborts)
{
    _Alignas(max_align_t) char not_ours[64] = {0};

    if (!freopen("/dev/null", "w", stderr))
        ck_abort();
    kfk__release(&a, not_ours + 48);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/failalloc");
    TCase *tc = tcase_create("allocator");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, counts_what_is_out);
    tcase_add_test(tc, fails_once);
    tcase_add_test(tc, fails_from);
    tcase_add_test(tc, new_memory_is_junk);
    tcase_add_test(tc, sweep);
    tcase_add_test_raise_signal(tc, foreign_release_aborts, SIGABRT);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
