/* What the simulator does not put up with: each of these aborts. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rig.h"

static rig r;
static kfk__mutex m;
static kfk__waiter never;
static kfk__poller *poller;

static bool wait_until(kfk__waiter *w, int64_t until)
{
    return r.env.ops->wait(r.env.ctx, w, until);
}

static kfk__thread *spawn(const char *name, void (*body)(void *arg), void *arg)
{
    kfk__thread *t;

    ck_assert_int_eq(r.env.ops->spawn(r.env.ctx, &r.env.alloc, name, body, arg, &t), 0);
    return t;
}

static void waits_for_ever(void *arg)
{
    (void)arg;
    (void)wait_until(&never, KFK__NEVER);
}

static void polls_for_ever(void *arg)
{
    kfk__event ev;

    (void)arg;
    (void)r.env.ops->poll(poller, &ev, 1, KFK__NEVER);
}

static void returns(void *arg)
{
    (void)arg;
}

static void wait_locked(void *arg)
{
    kfk__waiter w;

    (void)arg;
    (void)r.env.ops->waiter_init(r.env.ctx, &w);
    kfk__lock(&m);
    (void)wait_until(&w, 0);
}

static void poll_locked(void *arg)
{
    kfk__event ev;

    (void)arg;
    (void)r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &poller);
    kfk__lock(&m);
    (void)r.env.ops->poll(poller, &ev, 1, 0);
}

static void join_locked(void *arg)
{
    kfk__thread *t = spawn("t", returns, NULL);

    (void)arg;
    kfk__lock(&m);
    (void)r.env.ops->join(r.env.ctx, t, KFK__NEVER);
}

static void lock_twice(void *arg)
{
    (void)arg;
    kfk__lock(&m);
    kfk__lock(&m);
}

static void unlock_free(void *arg)
{
    (void)arg;
    kfk__unlock(&m);
}

static void unlock_others(void *arg)
{
    (void)arg;
    (void)spawn("locker", wait_locked, NULL); /* dies in its wait, if not here */
    kfk__unlock(&m);
}

static void end_locked(void *arg)
{
    (void)arg;
    kfk__lock(&m);
}

static void wait_uninitialised(void *arg)
{
    kfk__waiter w;

    (void)arg;
    memset(&w, 0, sizeof w);
    (void)wait_until(&w, 0);
}

static void wait_in_two(void *arg)
{
    (void)arg;
    (void)r.env.ops->waiter_init(r.env.ctx, &never);
    (void)spawn("sleeper", waits_for_ever, NULL);
    sim_sleep(r.s, SIM_MS);
    (void)wait_until(&never, KFK__NEVER);
}

static void fini_slept_on(void *arg)
{
    (void)arg;
    (void)r.env.ops->waiter_init(r.env.ctx, &never);
    (void)spawn("sleeper", waits_for_ever, NULL);
    sim_sleep(r.s, SIM_MS);
    r.env.ops->waiter_fini(r.env.ctx, &never);
}

static void poll_in_two(void *arg)
{
    (void)arg;
    (void)r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &poller);
    (void)spawn("owner", polls_for_ever, NULL);
    sim_sleep(r.s, SIM_MS);
    polls_for_ever(NULL);
}

static void free_before_job(void *arg)
{
    kfk__job *j;

    (void)arg;
    (void)r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &poller);
    (void)r.env.ops->resolve(poller, "broker", NULL, &j);
    r.env.ops->poller_free(poller);
}

static void (*const mistakes[])(void *) = {
    wait_locked, poll_locked,        join_locked, lock_twice,    unlock_free, unlock_others,
    end_locked,  wait_uninitialised, wait_in_two, fini_slept_on, poll_in_two, free_before_job,
};

START_TEST(mistake)
{
    if (!freopen("/dev/null", "w", stderr))
        ck_abort();
    rig_start(&r, 1);
    sim_spawn(r.s, 1, "mistaken", mistakes[_i], NULL);
    (void)sim_run(r.s, 10 * SIM_S);
}
END_TEST

int main(void)
{
    static const int n_mistakes = (int)(sizeof mistakes / sizeof mistakes[0]);
    Suite *suite = suite_create("sim/mistakes");
    TCase *tc = tcase_create("abort");
    SRunner *runner;
    int failed;

    tcase_add_loop_test_raise_signal(tc, mistake, SIGABRT, 0, n_mistakes);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
