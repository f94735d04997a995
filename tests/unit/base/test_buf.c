#include "unit/suite.h"

#include <string.h>

#include "base/buf.h"
#include "sim/failalloc.h"

static failalloc mem;
static kfk_allocator alloc;
static kfk__buf buf;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__buf_init(&buf, &alloc);
}

static void teardown(void)
{
    kfk__buf_fini(&buf);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

START_TEST(what_is_put_stands_there_in_order)
{
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[3] = {(uint8_t)i, (uint8_t)(i >> 8), 0x77};

        kfk__buf_put(&buf, bytes, i % 4);
    }
    ck_assert(kfk__buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 5000 / 4 * 6);
    for (unsigned i = 0, at = 0; i < 5000; at += i++ % 4) {
        MUST(i % 4 < 1 || buf.data[at] == (uint8_t)i);
        MUST(i % 4 < 2 || buf.data[at + 1] == (uint8_t)(i >> 8));
        MUST(i % 4 < 3 || buf.data[at + 2] == 0x77);
    }
}
END_TEST

START_TEST(it_grows_by_doubling)
{
    for (int i = 0; i < 100000; i++)
        kfk__buf_put(&buf, "x", 1);
    ck_assert_uint_le(failalloc_calls(&mem), 12);
    ck_assert_uint_eq(failalloc_blocks(&mem), 1);
}
END_TEST

START_TEST(nothing_may_be_put)
{
    kfk__buf_put(&buf, NULL, 0);
    ck_assert(kfk__buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(reserve_leaves_the_length_alone)
{
    uint8_t *p;

    kfk__buf_put(&buf, "abc", 3);
    p = kfk__buf_reserve(&buf, 1000);
    ck_assert_ptr_nonnull(p);
    memset(p, 'x', 1000);
    ck_assert_uint_eq(buf.len, 3);
    ck_assert_ptr_eq(p, buf.data + 3);
    failalloc_fail_from(&mem, 1);
    ck_assert_ptr_eq(kfk__buf_add(&buf, 1000), p); /* the room is there */
    ck_assert_mem_eq(buf.data, "abcx", 4);
}
END_TEST

START_TEST(the_limit_is_reached_and_not_passed)
{
    buf.limit = 100;
    for (int i = 0; i < 100; i++)
        kfk__buf_put(&buf, "x", 1);
    ck_assert(kfk__buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 100);
    ck_assert_uint_le(buf.cap, 100);
    kfk__buf_put(&buf, "x", 1);
    ck_assert(!kfk__buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 100);
}
END_TEST

START_TEST(a_limit_of_nothing_takes_nothing)
{
    buf.limit = 0;
    kfk__buf_put(&buf, "", 0);
    ck_assert(kfk__buf_ok(&buf));
    kfk__buf_put(&buf, "x", 1);
    ck_assert(!kfk__buf_ok(&buf));
}
END_TEST

START_TEST(a_failure_stays_until_it_is_cleared)
{
    buf.limit = 10;
    kfk__buf_put(&buf, "12345678", 8);
    kfk__buf_put(&buf, "abc", 3);
    ck_assert(!kfk__buf_ok(&buf));
    kfk__buf_put(&buf, "d", 1); /* there would be room for it */
    ck_assert_uint_eq(buf.len, 8);
    ck_assert_ptr_null(kfk__buf_add(&buf, 1));
    ck_assert_ptr_null(kfk__buf_reserve(&buf, 1));
    kfk__buf_clear(&buf);
    kfk__buf_put(&buf, "0123456789", 10);
    ck_assert(kfk__buf_ok(&buf));
    ck_assert_mem_eq(buf.data, "0123456789", 10);
}
END_TEST

START_TEST(a_size_that_would_wrap_is_refused)
{
    kfk__buf_put(&buf, "x", 1);
    failalloc_fail_once(&mem, 0);
    ck_assert_ptr_null(kfk__buf_add(&buf, SIZE_MAX));
    ck_assert_uint_eq(failalloc_calls(&mem), 0);
    kfk__buf_clear(&buf);
    buf.len = 1;
    ck_assert_ptr_null(kfk__buf_reserve(&buf, SIZE_MAX));
    ck_assert_uint_eq(failalloc_calls(&mem), 0);
    ck_assert_uint_eq(buf.len, 1);
}
END_TEST

/* An allocator that notes how much it was asked for, and has nothing. */
static size_t asked;

static void *refuse(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)p;
    asked = n;
    return NULL;
}

START_TEST(a_huge_capacity_doubles_without_wrapping)
{
    uint8_t some[1];
    kfk_allocator none = {.resize = refuse};
    kfk__buf huge = {.data = some,
                     .len = SIZE_MAX / 2 + 1,
                     .cap = SIZE_MAX / 2 + 1,
                     .limit = SIZE_MAX,
                     .alloc = &none};

    ck_assert_ptr_null(kfk__buf_add(&huge, 1));
    ck_assert_uint_eq(asked, SIZE_MAX);
    ck_assert(!kfk__buf_ok(&huge));
}
END_TEST

START_TEST(a_lack_of_memory_leaves_what_is_there)
{
    kfk__buf_put(&buf, "abc", 3);
    failalloc_fail_once(&mem, 1);
    kfk__buf_put(&buf, (char[1000]){0}, 1000);
    ck_assert(!kfk__buf_ok(&buf));
    kfk__buf_put(&buf, "d", 1);
    ck_assert_uint_eq(buf.len, 3);
    ck_assert_mem_eq(buf.data, "abc", 3);
}
END_TEST

START_TEST(fini_keeps_the_limit)
{
    buf.limit = 3;
    kfk__buf_put(&buf, "1234", 4);
    kfk__buf_fini(&buf);
    ck_assert(kfk__buf_ok(&buf));
    kfk__buf_put(&buf, "123", 3);
    ck_assert(kfk__buf_ok(&buf));
    kfk__buf_put(&buf, "4", 1);
    ck_assert(!kfk__buf_ok(&buf));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("buf");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_is_put_stands_there_in_order);
    tcase_add_test(t, it_grows_by_doubling);
    tcase_add_test(t, nothing_may_be_put);
    tcase_add_test(t, reserve_leaves_the_length_alone);
    tcase_add_test(t, the_limit_is_reached_and_not_passed);
    tcase_add_test(t, a_limit_of_nothing_takes_nothing);
    tcase_add_test(t, a_failure_stays_until_it_is_cleared);
    tcase_add_test(t, a_size_that_would_wrap_is_refused);
    tcase_add_test(t, a_huge_capacity_doubles_without_wrapping);
    tcase_add_test(t, a_lack_of_memory_leaves_what_is_there);
    tcase_add_test(t, fini_keeps_the_limit);
    return run_suite("base/buf", t);
}
