/* The names: base/env.h's contract of resolve and its jobs. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rig.h"

static rig r;

static int64_t now(void)
{
    return kfk__now(&r.env);
}

static kfk__poller *new_poller(void)
{
    kfk__poller *p;

    ck_assert_int_eq(r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &p), 0);
    return p;
}

static int poll_one(kfk__poller *p, kfk__event *ev, int64_t until)
{
    return r.env.ops->poll(p, ev, 1, until);
}

static void run_app(uint64_t seed, void (*app)(void *arg))
{
    rig_start(&r, seed);
    sim_spawn(r.s, 1, "app", app, NULL);
    rig_end(&r);
}

typedef struct answer {
    int rc, n;
    const char *why;
    kfk__addr addrs[4];
    int64_t took;
} answer;

static answer look_up(kfk__poller *p, const char *host, int max)
{
    int64_t start = now();
    kfk__event ev;
    kfk__job *j;
    answer a;

    ck_assert_int_eq(r.env.ops->resolve(p, host, &a, &j), 0);
    ck_assert_int_eq(poll_one(p, &ev, KFK__NEVER), 1);
    ck_assert_ptr_eq(ev.owner, &a);
    ck_assert_uint_eq(ev.what, KFK__EV_JOB);
    ck_assert_int_eq(poll_one(p, &ev, now() + SIM_S), 0); /* told once */
    a.rc = r.env.ops->resolved(j, a.addrs, max, &a.n, &a.why);
    a.took = now() - start - SIM_S;
    r.env.ops->job_end(j);
    return a;
}

static void look_ups(void *arg)
{
    kfk__poller *p = new_poller();
    kfk__addr six = {.family = 6, .bytes = {[15] = 1}};
    answer a;

    (void)arg;
    simnet_name(r.s, "broker", (const uint32_t[]){5, 3}, 2);
    simnet_name_add(r.s, "broker", &six);
    a = look_up(p, "broker", 4);
    ck_assert(a.rc == 0 && a.n == 3 && a.took == SIM_MS);
    ck_assert_uint_eq(a.addrs[0].bytes[3], 5);
    ck_assert_uint_eq(a.addrs[1].bytes[3], 3);
    ck_assert_uint_eq(a.addrs[2].family, 6);
    ck_assert_uint_eq(a.addrs[0].port, 0);
    a = look_up(p, "broker", 1);
    ck_assert(a.rc == 0 && a.n == 1 && a.addrs[0].bytes[3] == 5);

    simnet_name(r.s, "broker", (const uint32_t[]){7}, 1); /* it has moved */
    simnet_name_delay(r.s, "broker", 5 * SIM_S);
    a = look_up(p, "broker", 4);
    ck_assert(a.rc == 0 && a.n == 1 && a.addrs[0].bytes[3] == 7 && a.took == 5 * SIM_S);

    simnet_name_fails(r.s, "broker", EAI_AGAIN);
    a = look_up(p, "broker", 4);
    ck_assert(a.rc == EAI_AGAIN && a.n == 0 && strlen(a.why) > 0);
    simnet_name_fails(r.s, "broker", 0);
    a = look_up(p, "broker", 4);
    ck_assert(a.rc == 0 && a.n == 1);

    a = look_up(p, "nobody", 4);
    ck_assert(a.rc == EAI_NONAME && a.n == 0);
    a = look_up(p, "10.0.0.6", 4);
    ck_assert(a.rc == 0 && a.n == 1 && a.addrs[0].bytes[3] == 6 && a.took == 0);
    a = look_up(p, "::1", 4);
    ck_assert(a.rc == 0 && a.n == 1 && memcmp(&a.addrs[0], &six, sizeof six) == 0);
    r.env.ops->poller_free(p);
}

START_TEST(names)
{
    run_app((uint64_t)_i, look_ups);
}
END_TEST

static void forgets(void *arg)
{
    kfk__poller *p = new_poller();
    kfk__job *slow, *never, *ready;
    kfk__event ev;

    (void)arg;
    simnet_name_delay(r.s, "never", KFK__NEVER);
    ck_assert_int_eq(r.env.ops->resolve(p, "slow", NULL, &slow), 0);
    ck_assert_int_eq(r.env.ops->resolve(p, "never", NULL, &never), 0);
    ck_assert_int_eq(r.env.ops->resolve(p, "10.0.0.1", NULL, &ready), 0);
    r.env.ops->job_end(slow);
    sim_sleep(r.s, SIM_S);
    r.env.ops->job_end(ready); /* done, and not told of */
    ck_assert_int_eq(poll_one(p, &ev, now() + 100 * SIM_MS), 0);
    r.env.ops->job_end(never);
    r.env.ops->job_end(NULL);
    failalloc_fail_once(&r.mem, 1);
    ck_assert_int_eq(r.env.ops->resolve(p, "slow", NULL, &slow), ENOMEM);
    r.env.ops->poller_free(p);
}

START_TEST(job_ends_before_its_event)
{
    run_app((uint64_t)_i, forgets);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/names");
    TCase *tc = tcase_create("contract");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, names, 0, 5);
    tcase_add_loop_test(tc, job_ends_before_its_event, 0, 5);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
