/* Fibers, locks, waiters, threads and virtual time: base/env.h's contract, without the network. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rig.h"

#define SEEDS 200

static rig r; /* of the test that runs; each has a process of its own */

static int64_t now(void)
{
    return kfk__now(&r.env);
}

static bool wait_until(kfk__waiter *w, int64_t until)
{
    return r.env.ops->wait(r.env.ctx, w, until);
}

static void wake(kfk__waiter *w)
{
    r.env.ops->wake(r.env.ctx, w);
}

static kfk__thread *spawn(const char *name, void (*body)(void *arg), void *arg)
{
    kfk__thread *t;

    ck_assert_int_eq(r.env.ops->spawn(r.env.ctx, &r.env.alloc, name, body, arg, &t), 0);
    return t;
}

static bool join(kfk__thread *t, int64_t until)
{
    return r.env.ops->join(r.env.ctx, t, until);
}

/* ---- waiters ---- */

static void waits_alone(void *arg)
{
    kfk__waiter w;
    int64_t start = now();

    (void)arg;
    ck_assert_int_eq(r.env.ops->waiter_init(r.env.ctx, &w), 0);
    ck_assert(!wait_until(&w, 0)); /* looks only */
    ck_assert_int_eq(now(), start);
    ck_assert(!wait_until(&w, start + 250 * SIM_MS + 1));
    ck_assert_int_eq(now(), start + 250 * SIM_MS + 1); /* to the nanosecond */
    wake(&w);
    wake(&w);
    ck_assert(wait_until(&w, KFK__NEVER)); /* kept */
    ck_assert(!wait_until(&w, 0));         /* and used up, both */
    wake(&w);
    ck_assert(wait_until(&w, 0));
    r.env.ops->waiter_fini(r.env.ctx, &w);
}

START_TEST(waiter_alone)
{
    rig_start(&r, (uint64_t)_i);
    sim_spawn(r.s, 1, "alone", waits_alone, NULL);
    rig_end(&r);
}
END_TEST

/* A ball that two fibers pass to each other. */
typedef struct player {
    kfk__waiter own;
    struct player *other;
    int caught;
} player;

static void plays(void *arg)
{
    player *p = arg;

    for (int i = 0; i < 100; i++) {
        ck_assert(wait_until(&p->own, now() + SIM_S));
        p->caught++;
        wake(&p->other->own);
    }
}

START_TEST(waiter_wakes)
{
    player a = {.caught = 0}, b = {.other = &a};

    rig_start(&r, (uint64_t)_i);
    a.other = &b;
    ck_assert_int_eq(r.env.ops->waiter_init(r.env.ctx, &a.own), 0);
    ck_assert_int_eq(r.env.ops->waiter_init(r.env.ctx, &b.own), 0);
    sim_spawn(r.s, 1, "a", plays, &a);
    sim_spawn(r.s, 1, "b", plays, &b);
    wake(&a.own); /* before anything runs */
    ck_assert_int_eq(sim_run(r.s, 10 * SIM_S), SIM_DONE);
    ck_assert_int_eq(a.caught + b.caught, 200);
    ck_assert_int_eq(now(), SIM_S); /* none of it took time */
    rig_end(&r);
}
END_TEST

/* ---- locks ---- */

typedef struct shared {
    kfk__mutex lock;
    int counter;
    int inside;
} shared;

static void counts(void *arg)
{
    shared *sh = arg;

    for (int i = 0; i < 50; i++) {
        kfk__lock(&sh->lock);
        ck_assert_int_eq(sh->inside++, 0);
        sim_yield(r.s); /* the others come as far as the lock */
        sh->counter++;
        sh->inside--;
        kfk__unlock(&sh->lock);
    }
}

START_TEST(lock_excludes)
{
    shared sh = {.counter = 0};

    rig_start(&r, (uint64_t)_i);
    kfk__mutex_init(&sh.lock);
    if (_i % 2)
        sim_stalls(r.s, 10, SIM_MS);
    for (int i = 0; i < 5; i++)
        sim_spawn(r.s, 1, "counter", counts, &sh);
    ck_assert_int_eq(sim_run(r.s, 10 * SIM_S), SIM_DONE);
    ck_assert_int_eq(sh.counter, 250);
    ck_assert(_i % 2 ? now() > SIM_S : now() == SIM_S);
    kfk__lock(&sh.lock); /* outside of fibers too */
    kfk__unlock(&sh.lock);
    rig_end(&r);
}
END_TEST

/* Without a lock the seed finds the moment between the read and the write. */
static void races(void *arg)
{
    _Atomic int *counter = arg;

    for (int i = 0; i < 10; i++) {
        int seen = *counter;
        sim_yield(r.s);
        *counter = seen + 1;
    }
}

START_TEST(without_a_lock_updates_are_lost)
{
    _Atomic int counter = 0;

    rig_start(&r, 1);
    sim_spawn(r.s, 1, "a", races, &counter);
    sim_spawn(r.s, 1, "b", races, &counter);
    ck_assert_int_eq(sim_run(r.s, 10 * SIM_S), SIM_DONE);
    ck_assert_int_lt(counter, 20);
    rig_end(&r);
}
END_TEST

/* ---- threads ---- */

static void sleeps(void *arg)
{
    sim_sleep(r.s, *(const int64_t *)arg);
}

static void joins(void *arg)
{
    int64_t short_nap = 10 * SIM_MS, long_nap = 100 * SIM_MS, start = now();
    kfk__thread *t = spawn("short", sleeps, &short_nap);

    (void)arg;
    ck_assert(join(t, KFK__NEVER));
    ck_assert_int_eq(now(), start + short_nap);

    t = spawn("short", sleeps, &short_nap);
    sim_sleep(r.s, SIM_S);
    start = now();
    ck_assert(join(t, 0)); /* has ended already */
    ck_assert_int_eq(now(), start);

    t = spawn("long", sleeps, &long_nap);
    ck_assert(!join(t, start + 40 * SIM_MS));
    ck_assert_int_eq(now(), start + 40 * SIM_MS);
    ck_assert_uint_eq(failalloc_blocks(&r.mem), 1); /* the orphan */
    sim_sleep(r.s, SIM_S);
    ck_assert_uint_eq(failalloc_blocks(&r.mem), 0);
}

START_TEST(thread_join_and_orphan)
{
    rig_start(&r, (uint64_t)_i);
    sim_spawn(r.s, 1, "joiner", joins, NULL);
    rig_end(&r);
}
END_TEST

static void cannot_spawn(void *arg)
{
    kfk__thread *t = NULL;
    int64_t none = 0;

    (void)arg;
    sim_fail_spawn(r.s, 1);
    ck_assert(join(spawn("first", sleeps, &none), KFK__NEVER));
    ck_assert_int_eq(r.env.ops->spawn(r.env.ctx, &r.env.alloc, "second", sleeps, &none, &t),
                     EAGAIN);
    ck_assert(join(spawn("third", sleeps, &none), KFK__NEVER));
    failalloc_fail_once(&r.mem, 1);
    ck_assert_int_eq(r.env.ops->spawn(r.env.ctx, &r.env.alloc, "fourth", sleeps, &none, &t),
                     ENOMEM);
}

START_TEST(thread_spawn_fails)
{
    rig_start(&r, 7);
    sim_spawn(r.s, 1, "spawner", cannot_spawn, NULL);
    rig_end(&r);
}
END_TEST

/* errno is one variable here, and the switch keeps it apart: ThreadSanitizer cannot know. */
__attribute__((no_sanitize_thread)) static void keeps_errno(void *arg)
{
    int mine = *(const int *)arg;

    for (int i = 0; i < 20; i++) {
        errno = mine;
        sim_yield(r.s);
        ck_assert_int_eq(errno, mine);
    }
}

START_TEST(thread_errno)
{
    int a = EPERM, b = EINTR;

    rig_start(&r, 3);
    sim_spawn(r.s, 1, "a", keeps_errno, &a);
    sim_spawn(r.s, 1, "b", keeps_errno, &b);
    rig_end(&r);
}
END_TEST

/* ---- pollers, as far as they need no socket ---- */

typedef struct loop {
    kfk__poller *poller;
    int turns;
} loop;

static void loop_turns(void *arg)
{
    loop *l = arg;
    kfk__event ev;
    int64_t start = now();

    ck_assert_int_eq(r.env.ops->poll(l->poller, &ev, 1, 0), 0);
    ck_assert_int_eq(now(), start);
    ck_assert_int_eq(r.env.ops->poll(l->poller, &ev, 1, start + 5 * SIM_MS), 0);
    ck_assert_int_eq(now(), start + 5 * SIM_MS);
    r.env.ops->poller_wake(l->poller);
    r.env.ops->poller_wake(l->poller);
    ck_assert_int_eq(r.env.ops->poll(l->poller, &ev, 1, KFK__NEVER), 0); /* kept */
    start = now();
    ck_assert_int_eq(r.env.ops->poll(l->poller, &ev, 1, start + SIM_S), 0); /* coalesced */
    ck_assert_int_eq(now(), start + SIM_S);
    ck_assert_int_eq(r.env.ops->poll(l->poller, &ev, 1, KFK__NEVER), 0);
    ck_assert_int_eq(now(), start + 3 * SIM_S); /* the other fiber's wake */
    r.env.ops->poller_free(l->poller);
}

static void wakes_later(void *arg)
{
    loop *l = arg;

    sim_sleep(r.s, 5 * SIM_MS + 3 * SIM_S);
    r.env.ops->poller_wake(l->poller);
}

START_TEST(poller_wakes)
{
    loop l = {.turns = 0};

    rig_start(&r, (uint64_t)_i);
    ck_assert_int_eq(r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &l.poller), 0);
    ck_assert_int_eq(r.env.ops->poller_fd(l.poller), -1);
    sim_spawn(r.s, 1, "loop", loop_turns, &l);
    sim_spawn(r.s, 1, "waker", wakes_later, &l);
    rig_end(&r);
}
END_TEST

/* ---- how a run ends ---- */

typedef struct knot {
    kfk__mutex a, b;
    kfk__waiter never;
    kfk__poller *poller;
    kfk__thread *sleeper;
} knot;

static knot k;

static void takes_ab(void *arg)
{
    (void)arg;
    kfk__lock(&k.a);
    sim_yield(r.s);
    kfk__lock(&k.b);
    kfk__unlock(&k.b);
    kfk__unlock(&k.a);
}

static void takes_ba(void *arg)
{
    (void)arg;
    kfk__lock(&k.b);
    sim_yield(r.s);
    kfk__lock(&k.a);
    kfk__unlock(&k.a);
    kfk__unlock(&k.b);
}

static void waits_for_ever(void *arg)
{
    (void)arg;
    (void)wait_until(&k.never, KFK__NEVER);
}

static void polls_for_ever(void *arg)
{
    kfk__event ev;

    (void)arg;
    (void)r.env.ops->poll(k.poller, &ev, 1, KFK__NEVER);
}

static void joins_for_ever(void *arg)
{
    (void)arg;
    k.sleeper = spawn("sleeper", waits_for_ever, NULL);
    (void)join(k.sleeper, KFK__NEVER);
}

static void returns(void *arg)
{
    (void)arg;
}

START_TEST(hang_of_waits)
{
    const char *text;

    rig_start(&r, (uint64_t)_i);
    ck_assert_int_eq(r.env.ops->waiter_init(r.env.ctx, &k.never), 0);
    ck_assert_int_eq(r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &k.poller), 0);
    sim_spawn(r.s, 1, "innocent", returns, NULL);
    sim_spawn(r.s, 1, "joiner", joins_for_ever, NULL);
    sim_spawn(r.s, 3, "poller", polls_for_ever, NULL);
    ck_assert_int_eq(sim_run(r.s, 10 * SIM_S), SIM_HANG);
    text = sim_report(r.s);
    ck_assert_ptr_nonnull(strstr(text, "hang at 1.000000000 s"));
    ck_assert_ptr_nonnull(strstr(text, "\n  2 joiner (host 1): join of sleeper"));
    ck_assert_ptr_nonnull(strstr(text, "\n  3 poller (host 3): poll"));
    ck_assert_ptr_nonnull(strstr(text, "\n  4 sleeper (host 1): wait"));
    ck_assert_ptr_null(strstr(text, "innocent"));
    sim_free(r.s);
}
END_TEST

/* Not every schedule falls into it, and none falls into anything else. */
START_TEST(hang_of_locks)
{
    int hangs = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        rig_start(&r, seed);
        memset(&k, 0, sizeof k);
        sim_spawn(r.s, 1, "one", takes_ab, NULL);
        sim_spawn(r.s, 1, "other", takes_ba, NULL);
        if (sim_run(r.s, 10 * SIM_S) == SIM_HANG) {
            const char *text = sim_report(r.s);

            hangs++;
            ck_assert_ptr_nonnull(strstr(text, "one (host 1): lock, held by other"));
            ck_assert_ptr_nonnull(strstr(text, "other (host 1): lock, held by one"));
        }
        sim_free(r.s);
    }
    ck_assert_int_gt(hangs, SEEDS / 10);
    ck_assert_int_lt(hangs, SEEDS - SEEDS / 10);
}
END_TEST

static void spins(void *arg)
{
    (void)arg;
    for (;;)
        sim_yield(r.s);
}

START_TEST(spin)
{
    rig_start(&r, 1);
    sim_spawn(r.s, 1, "spinner", spins, NULL);
    ck_assert_int_eq(sim_run(r.s, 10 * SIM_S), SIM_SPIN);
    ck_assert_ptr_nonnull(strstr(sim_report(r.s), "spinner (host 1): can go on"));
    sim_free(r.s);
}
END_TEST

START_TEST(run_in_parts)
{
    int64_t nap = 3 * SIM_S;

    rig_start(&r, 1);
    sim_spawn(r.s, 1, "sleeper", sleeps, &nap);
    ck_assert_int_eq(sim_run(r.s, 2 * SIM_S), SIM_UNTIL);
    ck_assert_int_eq(now(), 2 * SIM_S);
    ck_assert_ptr_nonnull(strstr(sim_report(r.s), "sleep, until 4.000000000 s"));
    ck_assert_int_eq(sim_run(r.s, 4 * SIM_S), SIM_DONE);
    ck_assert_int_eq(now(), 4 * SIM_S);
    rig_end(&r);
}
END_TEST

/* ---- clocks and chance ---- */

START_TEST(wall_clock)
{
    int64_t wall;

    rig_start(&r, 1);
    wall = r.env.ops->wall_ms(r.env.ctx);
    ck_assert_int_gt(wall, INT64_C(1600000000000));
    ck_assert_int_eq(sim_run(r.s, SIM_S), SIM_DONE);
    sim_wall_jump(r.s, -5000);
    ck_assert_int_eq(r.env.ops->wall_ms(r.env.ctx), wall - 5000);
    ck_assert_int_eq(now(), SIM_S);
    rig_end(&r);
}
END_TEST

START_TEST(random_is_the_seed)
{
    unsigned char a[40], b[40], c[40];

    rig_start(&r, 5);
    r.env.ops->random(r.env.ctx, a, sizeof a);
    rig_end(&r);
    rig_start(&r, 5);
    r.env.ops->random(r.env.ctx, b, sizeof b);
    rig_end(&r);
    rig_start(&r, 6);
    r.env.ops->random(r.env.ctx, c, sizeof c);
    ck_assert_mem_eq(a, b, sizeof a);
    ck_assert_mem_ne(a, c, sizeof a);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(sim_below(r.s, 3), 3);
    rig_end(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/sched");
    TCase *tc = tcase_create("contract");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, waiter_alone, 0, 20);
    tcase_add_loop_test(tc, waiter_wakes, 0, 20);
    tcase_add_loop_test(tc, lock_excludes, 0, 20);
    tcase_add_test(tc, without_a_lock_updates_are_lost);
    tcase_add_loop_test(tc, thread_join_and_orphan, 0, 20);
    tcase_add_test(tc, thread_spawn_fails);
    tcase_add_test(tc, thread_errno);
    tcase_add_loop_test(tc, poller_wakes, 0, 20);
    tcase_add_loop_test(tc, hang_of_waits, 0, 5);
    tcase_add_test(tc, hang_of_locks);
    tcase_add_test(tc, spin);
    tcase_add_test(tc, run_in_parts);
    tcase_add_test(tc, wall_clock);
    tcase_add_test(tc, random_is_the_seed);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
