#include "unit/suite.h"

#include <stdalign.h>
#include <string.h>

#include "admin/result.h"
#include "base/bytes.h"
#include "sim/failalloc.h"

typedef struct root {
    int number;
    const char *text;
} root;

static failalloc mem;
static kfk_allocator alloc;
static root *top;
static kfk__result *r;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    top = kfk__result_new(&alloc, sizeof *top);
    ck_assert_ptr_nonnull(top);
    r = kfk__result_of(top);
}

static void teardown(void)
{
    kfk__result_free(top);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

START_TEST(a_root_is_zeroed_and_aligned)
{
    ck_assert_uint_eq((uintptr_t)top % alignof(max_align_t), 0);
    ck_assert_int_eq(top->number, 0);
    ck_assert_ptr_null(top->text);
    ck_assert(!r->failed);
    kfk__result_free(NULL);
}
END_TEST

/* The handle, and the allocator's struct in it, may be gone. */
START_TEST(a_result_outlives_the_allocator_s_struct)
{
    (void)kfk__result_zalloc(r, 10000);
    memset(&alloc, 0, sizeof alloc);
    (void)kfk__result_zalloc(r, 10000);
    ck_assert(!r->failed);
}
END_TEST

START_TEST(memory_is_zeroed)
{
    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = kfk__result_zalloc(r, n);

        MUST(p);
        for (size_t i = 0; i < n; i++)
            MUST(p[i] == 0);
        memset(p, 0xff, n);
    }
}
END_TEST

START_TEST(strings_are_copied_and_null_stays_null)
{
    char from[] = "abc";
    const char *s = kfk__result_string(r, kfk__bytes(from, 2));

    from[0] = 'x';
    ck_assert_str_eq(s, "ab");
    ck_assert_str_eq(kfk__result_string(r, kfk__bytes("", 0)), "");
    ck_assert_ptr_null(kfk__result_string(r, kfk__bytes(NULL, 0)));
    ck_assert(!r->failed); /* null is no failure */
}
END_TEST

START_TEST(the_zero_id_has_no_text)
{
    kfk__uuid id = {{0}};

    ck_assert_str_eq(kfk__result_uuid(r, &id), "");
    id.b[15] = 1;
    ck_assert_str_eq(kfk__result_uuid(r, &id), "AAAAAAAAAAAAAAAAAAAAAQ");
}
END_TEST

START_TEST(ids_are_copied_and_none_is_not_unknown)
{
    static const int32_t v[] = {1, -5, INT32_MAX};
    kfk_ids ids = kfk__result_ids(r, v, 3);

    ck_assert_uint_eq(ids.n, 3);
    ck_assert_mem_eq(ids.v, v, sizeof v);
    ck_assert_ptr_ne(ids.v, v);
    ids = kfk__result_ids(r, NULL, 0);
    ck_assert_uint_eq(ids.n, 0);
    ck_assert_ptr_nonnull(ids.v);
    ids = kfk__result_ids(r, NULL, -1);
    ck_assert_uint_eq(ids.n, 0);
    ck_assert_ptr_null(ids.v);
}
END_TEST

START_TEST(an_array_points_at_zeroed_elements)
{
    root **v = kfk__result_array(r, 100, sizeof **v);

    for (int i = 0; i < 100; i++) {
        MUST(v[i]->number == 0 && !v[i]->text);
        v[i]->number = i;
        v[i]->text = "x";
    }
    for (int i = 0; i < 100; i++)
        MUST(v[i]->number == i);
    ck_assert_ptr_nonnull(kfk__result_array(r, 0, sizeof **v)); /* none is not a failure */
}
END_TEST

START_TEST(an_array_grows_and_keeps_what_it_has)
{
    root **v = NULL;

    for (size_t n = 0; n < 30; n += 3) {
        v = kfk__result_grow(r, v, n, 3, sizeof **v);
        for (size_t i = n; i < n + 3; i++) {
            MUST(v[i]->number == 0);
            v[i]->number = (int)i;
        }
    }
    for (int i = 0; i < 30; i++)
        MUST(v[i]->number == i);
    ck_assert_ptr_nonnull(kfk__result_grow(r, NULL, 0, 0, 8));
}
END_TEST

START_TEST(after_one_failure_there_is_nothing_more)
{
    static const int32_t id = 1;
    const kfk__uuid uuid = {{1}};

    failalloc_fail_once(&mem, 1);
    ck_assert_ptr_null(kfk__result_zalloc(r, 10));
    ck_assert(r->failed);
    failalloc_fail_once(&mem, 0); /* there would be memory again, but what is missing is missing */
    ck_assert_ptr_null(kfk__result_zalloc(r, 10));
    ck_assert_ptr_null(kfk__result_string(r, kfk__bytes("a", 1)));
    ck_assert_ptr_null(kfk__result_uuid(r, &uuid));
    ck_assert_ptr_null(kfk__result_ids(r, &id, 1).v);
    ck_assert_uint_eq(kfk__result_ids(r, &id, 1).n, 0);
    ck_assert_ptr_null(kfk__result_array(r, 3, 8));
    ck_assert_ptr_null(kfk__result_grow(r, NULL, 0, 3, 8));
    ck_assert(r->failed);
}
END_TEST

START_TEST(an_array_fails_as_a_whole)
{
    (void)kfk__result_zalloc(r, 1024); /* the arena's first block is full */
    failalloc_fail_once(&mem, 2);
    ck_assert_ptr_null(kfk__result_array(r, 1000, 1000)); /* the elements, behind the pointers */
    ck_assert(r->failed);
}
END_TEST

START_TEST(no_root_leaves_nothing)
{
    failalloc_fail_once(&mem, 1);
    ck_assert_ptr_null(kfk__result_new(&alloc, 100));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("result");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_root_is_zeroed_and_aligned);
    tcase_add_test(t, a_result_outlives_the_allocator_s_struct);
    tcase_add_test(t, memory_is_zeroed);
    tcase_add_test(t, strings_are_copied_and_null_stays_null);
    tcase_add_test(t, the_zero_id_has_no_text);
    tcase_add_test(t, ids_are_copied_and_none_is_not_unknown);
    tcase_add_test(t, an_array_points_at_zeroed_elements);
    tcase_add_test(t, an_array_grows_and_keeps_what_it_has);
    tcase_add_test(t, after_one_failure_there_is_nothing_more);
    tcase_add_test(t, an_array_fails_as_a_whole);
    tcase_add_test(t, no_root_leaves_nothing);
    return run_suite("admin/result", t);
}
