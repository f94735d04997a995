#include "unit/net/net.h"

#include <pthread.h>

#include "net/waiter.h"

enum { WAKERS = 8, ROUNDS = 500 };

static void *wake(void *arg)
{
    kfk__waiter_wake(NULL, arg);
    return NULL;
}

START_TEST(wake_before_wait_is_kept)
{
    kfk__waiter w;

    ck_assert_int_eq(kfk__waiter_init(NULL, &w), 0);
    kfk__waiter_wake(NULL, &w);
    ck_assert(kfk__waiter_wait(NULL, &w, KFK__NEVER));
    kfk__waiter_wake(NULL, &w);
    ck_assert(kfk__waiter_wait(NULL, &w, 0));
    kfk__waiter_fini(NULL, &w);
}
END_TEST

START_TEST(several_wakes_are_one)
{
    kfk__waiter w;

    ck_assert_int_eq(kfk__waiter_init(NULL, &w), 0);
    for (int i = 0; i < 3; i++)
        kfk__waiter_wake(NULL, &w);
    ck_assert(kfk__waiter_wait(NULL, &w, far_off()));
    ck_assert(!kfk__waiter_wait(NULL, &w, 0));
    kfk__waiter_fini(NULL, &w);
}
END_TEST

START_TEST(no_wake_no_earlier_than_the_deadline)
{
    static const int64_t spans[] = {1, 300000, 5 * KFK__MS};
    kfk__waiter w;

    ck_assert_int_eq(kfk__waiter_init(NULL, &w), 0);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        int64_t until = now() + spans[i];

        ck_assert(!kfk__waiter_wait(NULL, &w, until));
        ck_assert_int_ge(now(), until);
    }
    ck_assert(!kfk__waiter_wait(NULL, &w, 1));
    ck_assert(!kfk__waiter_wait(NULL, &w, -1));
    kfk__waiter_fini(NULL, &w);
}
END_TEST

/* Whether the sleeper sleeps already when the wake comes is up to the scheduler: both must do. */
START_TEST(woken_by_another_thread)
{
    static const int64_t NEVER_BUT_ONE = KFK__NEVER - 1;

    for (int i = 0; i < ROUNDS; i++) {
        kfk__waiter w;
        pthread_t t;

        ck_assert_int_eq(kfk__waiter_init(NULL, &w), 0);
        ck_assert_int_eq(pthread_create(&t, NULL, wake, &w), 0);
        ck_assert(kfk__waiter_wait(NULL, &w, i % 2 ? KFK__NEVER : NEVER_BUT_ONE));
        /* The waker may still be inside its call. */
        kfk__waiter_fini(NULL, &w);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
    }
}
END_TEST

static void *wake_often(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        kfk__waiter_wake(NULL, arg);
    return NULL;
}

START_TEST(many_wakers_none_lost)
{
    kfk__waiter w;
    pthread_t t[WAKERS];

    ck_assert_int_eq(kfk__waiter_init(NULL, &w), 0);
    for (int i = 0; i < WAKERS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, wake_often, &w), 0);
    ck_assert(kfk__waiter_wait(NULL, &w, far_off()));
    for (int i = 0; i < WAKERS; i++)
        ck_assert_int_eq(pthread_join(t[i], NULL), 0);
    (void)kfk__waiter_wait(NULL, &w, 0);
    kfk__waiter_wake(NULL, &w);
    ck_assert(kfk__waiter_wait(NULL, &w, far_off()));
    kfk__waiter_fini(NULL, &w);
}
END_TEST

struct pair {
    kfk__waiter ping, pong;
};

static void *answer(void *arg)
{
    struct pair *p = arg;

    for (int i = 0; i < ROUNDS; i++) {
        if (!kfk__waiter_wait(NULL, &p->ping, far_off()))
            return arg;
        kfk__waiter_wake(NULL, &p->pong);
    }
    return NULL;
}

START_TEST(ping_pong)
{
    struct pair p;
    pthread_t t;
    void *failed;

    ck_assert_int_eq(kfk__waiter_init(NULL, &p.ping), 0);
    ck_assert_int_eq(kfk__waiter_init(NULL, &p.pong), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, answer, &p), 0);
    for (int i = 0; i < ROUNDS; i++) {
        kfk__waiter_wake(NULL, &p.ping);
        ck_assert(kfk__waiter_wait(NULL, &p.pong, far_off()));
    }
    ck_assert_int_eq(pthread_join(t, &failed), 0);
    ck_assert_ptr_null(failed);
    kfk__waiter_fini(NULL, &p.ping);
    kfk__waiter_fini(NULL, &p.pong);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("waiter");
    TCase *t = tcase_create("waiter");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, wake_before_wait_is_kept);
    tcase_add_test(t, several_wakes_are_one);
    tcase_add_test(t, no_wake_no_earlier_than_the_deadline);
    tcase_add_test(t, woken_by_another_thread);
    tcase_add_test(t, many_wakers_none_lost);
    tcase_add_test(t, ping_pong);
    suite_add_tcase(s, t);
    return run_suite(s);
}
