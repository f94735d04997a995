#include "unit/net/net.h"

#include <string.h>
#include <time.h>

static kfk__env env;

static void setup(void)
{
    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, NULL), KFK_OK);
}

START_TEST(every_operation_is_there)
{
    void (*const *op)(void) = (void (*const *)(void))env.ops;

    for (size_t i = 0; i < sizeof *env.ops / sizeof *op; i++)
        ck_assert(op[i] != NULL);
    ck_assert_mem_eq(&env.alloc, &kfk__malloc_allocator, sizeof env.alloc);
}
END_TEST

START_TEST(default_poller_is_epoll)
{
    ck_assert_ptr_eq(env.ctx, &kfk__poller_epoll);
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, &kfk__poller_poll, NULL),
                     KFK_OK);
    ck_assert_ptr_eq(env.ctx, &kfk__poller_poll);
}
END_TEST

START_TEST(now_is_monotonic_nanoseconds)
{
    int64_t before = now(), between = kfk__now(&env), after = now();

    ck_assert_int_le(before, between);
    ck_assert_int_le(between, after);
}
END_TEST

/* The coarse clock is behind by at most a tick; a second bears any machine. */
START_TEST(wall_is_milliseconds_since_1970)
{
    struct timespec before, after;
    int64_t ms;

    clock_gettime(CLOCK_REALTIME, &before);
    ms = env.ops->wall_ms(env.ctx);
    clock_gettime(CLOCK_REALTIME, &after);
    ck_assert_int_ge(ms, (int64_t)before.tv_sec * 1000 - 1000);
    ck_assert_int_le(ms, (int64_t)after.tv_sec * 1000 + 1000);
}
END_TEST

START_TEST(deadlines)
{
    ck_assert_int_eq(kfk__deadline(1000, -1), KFK__NEVER);
    ck_assert_int_eq(kfk__deadline(1000, 0), 1000);
    ck_assert_int_eq(kfk__deadline(1000, 7), 7001000);
    ck_assert_int_eq(kfk__deadline(1000, INT64_MAX), KFK__NEVER);
    ck_assert_int_eq(kfk__deadline(INT64_MAX - 1, 1), KFK__NEVER);
}
END_TEST

/* All of it, and no more than it; and each time another. */
START_TEST(random_fills)
{
    enum { N = 100000 };
    static unsigned char a[N + 1], b[N + 1];
    int count[256] = {0};

    a[N] = b[N] = 0xa5;
    env.ops->random(env.ctx, a, N);
    env.ops->random(env.ctx, b, N);
    ck_assert_uint_eq(a[N], 0xa5);
    ck_assert_mem_ne(a, b, N);
    ck_assert_mem_ne(a + N - 16, b + N - 16, 16);
    for (int i = 0; i < N; i++)
        count[a[i]]++;
    for (int i = 0; i < 256; i++) { /* 390 on average, 20 the deviation */
        ck_assert_int_gt(count[i], 390 - 10 * 20);
        ck_assert_int_lt(count[i], 390 + 10 * 20);
    }
    env.ops->random(env.ctx, NULL, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env_posix");
    TCase *t = tcase_create("env_posix");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, every_operation_is_there);
    tcase_add_test(t, default_poller_is_epoll);
    tcase_add_test(t, now_is_monotonic_nanoseconds);
    tcase_add_test(t, wall_is_milliseconds_since_1970);
    tcase_add_test(t, deadlines);
    tcase_add_test(t, random_fills);
    suite_add_tcase(s, t);
    return run_suite(s);
}
