/* The lock among threads. A wake-up that is lost shows as Check's time limit. */
#include "unit/suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/lock.h"

enum { THREADS = 4, TURNS = 20000 };

static kfk__mutex mutex;
static int64_t count; /* guarded by it, and not atomic */
static atomic_int inside;
static bool yields;

static void setup(void)
{
    kfk__mutex_init(&mutex);
}

static void start(pthread_t *threads, int n, void *(*body)(void *))
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, body, NULL), 0);
}

static void join(const pthread_t *threads, int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(a_lock_that_is_free_can_be_taken_again_and_again)
{
    for (int i = 0; i < 1000; i++) {
        kfk__lock(&mutex);
        ck_assert_uint_eq(mutex.state, 1);
        kfk__unlock(&mutex);
        ck_assert_uint_eq(mutex.state, 0);
    }
    kfk__mutex_fini(&mutex);
}
END_TEST

static void *add_many(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        kfk__lock(&mutex);
        if (atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed) != 0)
            abort(); /* not alone */
        count++;
        if (yields && i % 64 == 0)
            sched_yield(); /* so that others come to sleep, whatever the number of processors */
        atomic_fetch_sub_explicit(&inside, 1, memory_order_relaxed);
        kfk__unlock(&mutex);
    }
    return arg;
}

START_TEST(one_thread_at_a_time_is_inside)
{
    pthread_t threads[THREADS];

    yields = _i;
    start(threads, THREADS, add_many);
    join(threads, THREADS);
    ck_assert_int_eq(count, THREADS * TURNS);
    ck_assert_uint_eq(mutex.state, 0);
}
END_TEST

static void *add_one(void *arg)
{
    kfk__lock(&mutex);
    count++;
    kfk__unlock(&mutex);
    return arg;
}

/* Nobody comes by later to make good a wake-up that was forgotten: each that sleeps is woken by the
 * one before. */
START_TEST(all_who_sleep_are_woken_one_after_the_other)
{
    pthread_t threads[THREADS];

    kfk__lock(&mutex);
    start(threads, THREADS, add_one);
    while (atomic_load(&mutex.state) != 2)
        sched_yield();
    for (int i = 0; i < 1000; i++) /* the others follow */
        sched_yield();
    count = 0; /* the lock is held still */
    kfk__unlock(&mutex);
    join(threads, THREADS);
    ck_assert_int_eq(count, THREADS);
}
END_TEST

/* What was written under the lock is seen by whoever takes it next, the data of another place
 * included. */
static int64_t *shared;

static void *replace_many(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        int64_t *mine = malloc(sizeof *mine), *old;

        *mine = i;
        kfk__lock(&mutex);
        old = shared;
        shared = mine;
        count += old ? *old : 0;
        kfk__unlock(&mutex);
        free(old);
    }
    return arg;
}

START_TEST(what_was_done_inside_is_seen_by_the_next)
{
    pthread_t threads[THREADS];

    start(threads, THREADS, replace_many);
    join(threads, THREADS);
    ck_assert_int_eq(count + *shared, THREADS * (999 * 1000 / 2));
    free(shared);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("lock");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, a_lock_that_is_free_can_be_taken_again_and_again);
    tcase_add_loop_test(t, one_thread_at_a_time_is_inside, 0, 2);
    tcase_add_loop_test(t, all_who_sleep_are_woken_one_after_the_other, 0, 50);
    tcase_add_test(t, what_was_done_inside_is_seen_by_the_next);
    return run_suite("base/lock", t);
}
