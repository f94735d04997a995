#include "unit/suite.h"

#include <string.h>

#include "base/mem.h"
#include "sim/failalloc.h"

static failalloc mem;
static kfk_allocator alloc;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
}

START_TEST(zalloc_gives_zeroes)
{
    unsigned char *p = kfk__zalloc(&alloc, 1000);

    for (int i = 0; i < 1000; i++)
        MUST(p[i] == 0);
    kfk__release(&alloc, p);
    failalloc_fail_once(&mem, 1);
    ck_assert_ptr_null(kfk__zalloc(&alloc, 1000));
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}
END_TEST

START_TEST(an_array_whose_size_overflows_is_refused_and_stays)
{
    char *p = kfk__array(&alloc, NULL, 4, 1);

    memcpy(p, "abc", 4);
    failalloc_fail_once(&mem, 0);
    ck_assert_ptr_null(kfk__array(&alloc, p, SIZE_MAX, 2));
    ck_assert_ptr_null(kfk__array(&alloc, p, SIZE_MAX / 8 + 1, 8));
    ck_assert_ptr_null(kfk__array(&alloc, NULL, SIZE_MAX / 2 + 1, 2));
    ck_assert_uint_eq(failalloc_calls(&mem), 0); /* the allocator was not asked for the rest */
    ck_assert_str_eq(p, "abc");
    kfk__release(&alloc, p);
}
END_TEST

START_TEST(an_array_keeps_what_it_had_when_it_grows)
{
    int *p = kfk__array(&alloc, NULL, 3, sizeof *p), *q;

    for (int i = 0; i < 3; i++)
        p[i] = i;
    failalloc_fail_once(&mem, 1);
    ck_assert_ptr_null(kfk__array(&alloc, p, 100, sizeof *p));
    q = kfk__array(&alloc, p, 100, sizeof *q);
    ck_assert_ptr_nonnull(q);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(q[i], i);
    q[99] = 1;
    kfk__release(&alloc, q);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}
END_TEST

START_TEST(a_copy_ends_where_it_is_told_to)
{
    static const char three[3] = {'a', 'b', 'c'}; /* no NUL */
    char *p = kfk__strndup(&alloc, three, 3), *q = kfk__strdup(&alloc, "de");
    char *empty = kfk__strndup(&alloc, "x", 0);

    ck_assert_str_eq(p, "abc");
    ck_assert_str_eq(q, "de");
    ck_assert_str_eq(empty, "");
    ck_assert_uint_eq(failalloc_bytes(&mem), 4 + 3 + 1);
    kfk__release(&alloc, p);
    kfk__release(&alloc, q);
    kfk__release(&alloc, empty);
}
END_TEST

START_TEST(a_copy_for_which_there_is_no_room_is_null)
{
    failalloc_fail_once(&mem, 1);
    ck_assert_ptr_null(kfk__strdup(&alloc, "abc"));
    failalloc_fail_once(&mem, 0);
    ck_assert_ptr_null(kfk__strndup(&alloc, "abc", SIZE_MAX));
    ck_assert_uint_eq(failalloc_calls(&mem), 0); /* one more would have been none */
}
END_TEST

/* NULL would be taken for a lack of memory. */
START_TEST(the_default_allocator_gives_something_for_nothing)
{
    const kfk_allocator *a = &kfk__malloc_allocator;
    void *p = kfk__alloc(a, 0);

    ck_assert_ptr_nonnull(p);
    p = kfk__resize(a, p, 0);
    ck_assert_ptr_nonnull(p);
    kfk__release(a, p);
    p = kfk__resize(a, NULL, 0);
    ck_assert_ptr_nonnull(p);
    kfk__release(a, p);
    kfk__release(a, NULL);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("mem");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, zalloc_gives_zeroes);
    tcase_add_test(t, an_array_whose_size_overflows_is_refused_and_stays);
    tcase_add_test(t, an_array_keeps_what_it_had_when_it_grows);
    tcase_add_test(t, a_copy_ends_where_it_is_told_to);
    tcase_add_test(t, a_copy_for_which_there_is_no_room_is_null);
    tcase_add_test(t, the_default_allocator_gives_something_for_nothing);
    return run_suite("base/mem", t);
}
