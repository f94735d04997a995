#include "unit/suite.h"

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"
#include "sim/failalloc.h"

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024 };

static failalloc mem;
static kfk_allocator alloc;
static kfk__arena arena;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__arena_init(&arena, &alloc);
}

static void teardown(void)
{
    kfk__arena_fini(&arena);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

/* |n| bytes that are all |c|. */
static unsigned char *filled(size_t n, int c)
{
    unsigned char *p = kfk__arena_alloc(&arena, n);

    MUST(p);
    memset(p, c, n);
    return p;
}

static void check_filled(const unsigned char *p, size_t n, int c)
{
    for (size_t i = 0; i < n; i++)
        MUST(p[i] == (unsigned char)c);
}

START_TEST(pieces_are_aligned_and_do_not_overlap)
{
    unsigned char *v[300];

    for (size_t i = 0; i < 300; i++) {
        v[i] = filled(i, (int)i);
        MUST((uintptr_t)v[i] % alignof(max_align_t) == 0);
    }
    for (size_t i = 0; i < 300; i++)
        check_filled(v[i], i, (int)i);
}
END_TEST

START_TEST(a_block_is_filled_to_its_last_byte)
{
    (void)filled(FIRST_BLOCK - 16, 1);
    (void)filled(16, 2);
    ck_assert_uint_eq(failalloc_blocks(&mem), 1);
    (void)filled(1, 3);
    ck_assert_uint_eq(failalloc_blocks(&mem), 2);
}
END_TEST

START_TEST(what_is_larger_than_any_block_gets_one_of_its_own)
{
    unsigned char *p = filled(3 * LARGEST_BLOCK + 1, 1);
    unsigned char *q = filled(LARGEST_BLOCK, 2);

    check_filled(p, 3 * LARGEST_BLOCK + 1, 1);
    check_filled(q, LARGEST_BLOCK, 2);
    ck_assert_uint_eq(failalloc_blocks(&mem), 2);
}
END_TEST

START_TEST(blocks_double_up_to_a_bound)
{
    for (size_t i = 0; i < 16 * LARGEST_BLOCK; i += 64)
        (void)filled(64, 1);
    ck_assert_uint_le(failalloc_blocks(&mem), 16 + 7);
    ck_assert_uint_le(arena.total, 17 * LARGEST_BLOCK);
}
END_TEST

START_TEST(a_size_that_would_wrap_is_refused)
{
    unsigned char *p = filled(8, 7);

    failalloc_fail_once(&mem, 0);
    ck_assert_ptr_null(kfk__arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(kfk__arena_alloc(&arena, SIZE_MAX - 14));
    ck_assert_ptr_null(kfk__arena_alloc(&arena, SIZE_MAX / 2 + 1));
    ck_assert_ptr_null(kfk__arena_grow(&arena, p, 8, SIZE_MAX));
    ck_assert_ptr_null(kfk__arena_grow(&arena, p, 8, SIZE_MAX / 2 + 1));
    ck_assert_ptr_null(kfk__arena_grow(&arena, NULL, 0, SIZE_MAX));
    ck_assert_uint_eq(failalloc_calls(&mem), 0);
    check_filled(p, 8, 7);
}
END_TEST

START_TEST(the_last_piece_grows_where_it_lies)
{
    unsigned char *p = filled(16, 1);

    failalloc_fail_from(&mem, 1);
    for (size_t n = 17; n <= FIRST_BLOCK; n++)
        MUST(kfk__arena_grow(&arena, p, n - 1, n) == p);
    ck_assert_ptr_null(kfk__arena_grow(&arena, p, FIRST_BLOCK, FIRST_BLOCK + 1));
    check_filled(p, 16, 1);
}
END_TEST

START_TEST(what_is_grown_in_place_is_not_handed_out_again)
{
    unsigned char *p = filled(16, 1), *q;

    ck_assert_ptr_eq(kfk__arena_grow(&arena, p, 16, 100), p);
    memset(p, 1, 100);
    q = filled(100, 2);
    check_filled(p, 100, 1);
    check_filled(q, 100, 2);
}
END_TEST

START_TEST(another_piece_is_copied_when_it_grows)
{
    unsigned char *p = filled(16, 1), *last = filled(16, 2);
    unsigned char *q = kfk__arena_grow(&arena, p, 16, 17);

    ck_assert_ptr_nonnull(q);
    ck_assert_ptr_ne(q, p);
    memset(q + 16, 3, 1);
    check_filled(q, 16, 1);
    check_filled(last, 16, 2);
}
END_TEST

START_TEST(a_piece_of_the_block_before_is_copied_when_it_grows)
{
    unsigned char *p = filled(FIRST_BLOCK, 1), *q;

    (void)filled(16, 2);
    q = kfk__arena_grow(&arena, p, FIRST_BLOCK, 2 * FIRST_BLOCK);
    ck_assert_ptr_nonnull(q);
    check_filled(q, FIRST_BLOCK, 1);
}
END_TEST

START_TEST(growing_from_nothing_allocates)
{
    unsigned char *p = kfk__arena_grow(&arena, NULL, 0, 40);

    ck_assert_ptr_nonnull(p);
    memset(p, 1, 40);
    (void)filled(40, 2);
    check_filled(p, 40, 1);
}
END_TEST

START_TEST(two_empty_pieces_do_not_grow_into_each_other)
{
    unsigned char *p = kfk__arena_alloc(&arena, 0), *q = kfk__arena_alloc(&arena, 0);

    p = kfk__arena_grow(&arena, p, 0, 32);
    ck_assert_ptr_nonnull(p);
    memset(p, 1, 32);
    q = kfk__arena_grow(&arena, q, 0, 32);
    ck_assert_ptr_nonnull(q);
    memset(q, 2, 32);
    check_filled(p, 32, 1);
}
END_TEST

START_TEST(reset_keeps_the_largest_block_and_no_other)
{
    (void)filled(FIRST_BLOCK, 1);
    (void)filled(5 * LARGEST_BLOCK, 1);
    (void)filled(FIRST_BLOCK, 1);
    ck_assert_uint_eq(failalloc_blocks(&mem), 3);
    kfk__arena_reset(&arena);
    ck_assert_uint_eq(failalloc_blocks(&mem), 1);
    ck_assert_uint_eq(arena.total, 5 * LARGEST_BLOCK);
    failalloc_fail_from(&mem, 1);
    (void)filled(5 * LARGEST_BLOCK, 2);
    ck_assert_ptr_null(kfk__arena_alloc(&arena, 1));
}
END_TEST

START_TEST(reset_of_an_empty_arena_does_nothing)
{
    kfk__arena_reset(&arena);
    ck_assert_uint_eq(arena.total, 0);
    (void)filled(1, 1);
}
END_TEST

START_TEST(an_arena_can_be_used_again_after_fini)
{
    (void)filled(10, 1);
    kfk__arena_fini(&arena);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
    ck_assert_uint_eq(arena.total, 0);
    (void)filled(10, 1);
}
END_TEST

START_TEST(total_is_what_the_allocator_gave)
{
    for (size_t i = 0; i < 100; i++)
        (void)filled(997, 1);
    ck_assert_uint_ge(failalloc_bytes(&mem), arena.total);
    ck_assert_uint_le(failalloc_bytes(&mem), arena.total + 64 * failalloc_blocks(&mem));
}
END_TEST

START_TEST(a_lack_of_memory_harms_nothing_that_is_there)
{
    unsigned char *p = filled(FIRST_BLOCK, 5);

    failalloc_fail_from(&mem, 1);
    ck_assert_ptr_null(kfk__arena_alloc(&arena, 1));
    ck_assert_ptr_null(kfk__arena_grow(&arena, p, FIRST_BLOCK, FIRST_BLOCK + 1));
    check_filled(p, FIRST_BLOCK, 5);
    ck_assert_uint_eq(arena.total, FIRST_BLOCK);
    failalloc_fail_once(&mem, 0);
    (void)filled(100, 6);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("arena");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, pieces_are_aligned_and_do_not_overlap);
    tcase_add_test(t, a_block_is_filled_to_its_last_byte);
    tcase_add_test(t, what_is_larger_than_any_block_gets_one_of_its_own);
    tcase_add_test(t, blocks_double_up_to_a_bound);
    tcase_add_test(t, a_size_that_would_wrap_is_refused);
    tcase_add_test(t, the_last_piece_grows_where_it_lies);
    tcase_add_test(t, what_is_grown_in_place_is_not_handed_out_again);
    tcase_add_test(t, another_piece_is_copied_when_it_grows);
    tcase_add_test(t, a_piece_of_the_block_before_is_copied_when_it_grows);
    tcase_add_test(t, growing_from_nothing_allocates);
    tcase_add_test(t, two_empty_pieces_do_not_grow_into_each_other);
    tcase_add_test(t, reset_keeps_the_largest_block_and_no_other);
    tcase_add_test(t, reset_of_an_empty_arena_does_nothing);
    tcase_add_test(t, an_arena_can_be_used_again_after_fini);
    tcase_add_test(t, total_is_what_the_allocator_gave);
    tcase_add_test(t, a_lack_of_memory_harms_nothing_that_is_there);
    return run_suite("base/arena", t);
}
