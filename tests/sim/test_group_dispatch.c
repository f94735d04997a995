/* Groups in a loop of the host's own: kfk_group_dispatch, which never waits. */
#include <stdio.h>
#include <string.h>

#include "sim/groups.h"

static member a, b;

static void begin(int parts, int n)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    topic("t", parts, 1);
    group_fill("t", parts, n);
}

/* Dispatches, and never for longer than no time, until |records| were handed out. */
static void turn_until(member *m, int records, int max)
{
    for (int64_t until = now() + 60000 * SIM_MS; m->records < records && now() < until;) {
        int64_t began = now();
        int n, before = m->records;

        ck_assert_msg(kfk_group_dispatch(m->g, max, &n, &w.e) == KFK_OK, "%s", w.e.msg);
        ck_assert_int_eq(now(), began);
        if (max > 0) {
            ck_assert_int_le(n, max);
            ck_assert_int_le(m->records - before, max);
        }
        nap(1);
    }
    ck_assert_int_ge(m->records, records);
}

static void turn_to_the_end(member *m)
{
    kfk_err err = KFK_OK;

    kfk_group_stop(m->g);
    for (int i = 0; !err && i < 30000; i++) {
        err = kfk_group_dispatch(m->g, 0, NULL, &w.e);
        nap(1);
    }
    ck_assert_msg(err == KFK_ERR_CLOSED, "%s", w.e.msg);
    ck_assert_int_eq(kfk_group_dispatch(m->g, 0, NULL, &w.e), KFK_ERR_CLOSED);
}

static void all(void)
{
    begin(3, 60);
    group_new(&a, NULL);
    turn_until(&a, 60, 0);
    turn_to_the_end(&a);
    ck_assert_str_eq(a.text, "+t-0 t-1 t-2;-t-0 t-1 t-2;");
    kfk_group_free(a.g);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(group_committed("t", i), 20);
}

START_TEST(a_loop_of_ones_own)
{
    world_seeds(&(world_opts){0}, 20, all);
}
END_TEST

static void few_at_a_time(void)
{
    begin(3, 60);
    group_new(&a, NULL);
    turn_until(&a, 60, 1 + (int)sim_below(w.rig.s, 4));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(a.seen[i], 20);
    turn_to_the_end(&a);
    kfk_group_free(a.g);
}

START_TEST(so_many_calls_at_most)
{
    world_seeds(&(world_opts){0}, 20, few_at_a_time);
}
END_TEST

/* What is committed at a revocation is waited for over several calls. */
static void with_another(void)
{
    begin(2, 40);
    group_new(&a, "auto.commit.interval.ms", "100000", NULL);
    turn_until(&a, 40, 0);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = OFFSET_COMMIT, .value = 1500);
    group_new(&b, NULL);
    group_run(&b);
    for (int i = 0; b.setups == 0 && i < 60000; i++) {
        int64_t began = now();

        ck_assert_int_eq(kfk_group_dispatch(a.g, 0, NULL, &w.e), KFK_OK);
        ck_assert_int_eq(now(), began);
        nap(1);
    }
    ck_assert_int_eq(b.setups, 1);
    ck_assert_int_ge(a.cleanups, 1);
    turn_to_the_end(&a);
    nap(2000);
    ck_assert_int_eq(b.records, 0);
    group_end(&b, KFK_OK);
    kfk_group_free(a.g);
}

START_TEST(a_commit_is_not_waited_for)
{
    world_seeds(&(world_opts){0}, 10, with_another);
}
END_TEST

static void again(void)
{
    begin(1, 20);
    a.answer = (kfk_err)-4;
    a.fails_at = 5;
    a.fails_in = 0;
    group_new(&a, NULL);
    turn_until(&a, 8, 0);
    ck_assert_int_ge(a.failures, 3);
    a.answer = KFK_OK;
    for (int i = 0; a.next[0] < 20 && i < 10000; i++) {
        ck_assert_int_eq(kfk_group_dispatch(a.g, 0, NULL, &w.e), KFK_OK);
        nap(1);
    }
    ck_assert_int_eq(a.next[0], 20);
    ck_assert_int_eq(kfk_group_close(a.g, 10000, &w.e), KFK_OK);
    kfk_group_free(a.g);
    ck_assert_int_eq(group_committed("t", 0), 20);
}

START_TEST(what_is_tried_again_comes_in_a_later_call)
{
    world_seeds(&(world_opts){0}, 10, again);
}
END_TEST

/* What an end was for is told once. */
static void with_error(void)
{
    kfk_err err = KFK_OK;

    begin(1, 20);
    a.answer = (kfk_err)-4;
    a.fails_at = 5;
    a.fails_in = 0;
    a.verdict = KFK_STOP;
    group_new(&a, NULL);
    for (int i = 0; !err && i < 30000; i++) {
        err = kfk_group_dispatch(a.g, 0, NULL, &w.e);
        nap(1);
    }
    ck_assert_int_eq(err, -4);
    ck_assert_int_eq(kfk_group_dispatch(a.g, 0, NULL, &w.e), KFK_ERR_CLOSED);
    kfk_group_free(a.g);
    ck_assert_int_eq(group_committed("t", 0), 5);
}

START_TEST(an_error_that_ends_it_is_told_once)
{
    world_seeds(&(world_opts){0}, 10, with_error);
}
END_TEST

/* A dispatch, then a run: the partitions are the worker's. */
static void then_run(void)
{
    begin(3, 60);
    group_new(&a, NULL);
    turn_until(&a, 10, 3);
    group_run(&a);
    group_await_records(&a, 60, 20000);
    group_end(&a, KFK_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(group_committed("t", i), 20);
}

START_TEST(who_dispatched_may_run)
{
    world_seeds(&(world_opts){0}, 20, then_run);
}
END_TEST

static kfk_err free_it(kfk_group *g, const kfk_record_view *r, void *arg)
{
    (void)r;
    ((member *)arg)->records++;
    kfk_group_free(g);
    return KFK_OK;
}

static void freed_inside(void)
{
    begin(1, 20);
    a.h.record = free_it;
    group_new(&a, NULL);
    for (int i = 0; a.records == 0 && i < 30000; i++) {
        (void)kfk_group_dispatch(a.g, 0, NULL, &w.e);
        nap(1);
    }
    ck_assert_int_eq(a.records, 1);
}

START_TEST(a_handler_may_free_it)
{
    world_seeds(&(world_opts){0}, 10, freed_inside);
}
END_TEST

int main(void)
{
    return world_main("sim/group_dispatch", (const TTest *const[]){
                                                a_loop_of_ones_own,
                                                so_many_calls_at_most,
                                                a_commit_is_not_waited_for,
                                                what_is_tried_again_comes_in_a_later_call,
                                                an_error_that_ends_it_is_told_once,
                                                who_dispatched_may_run,
                                                a_handler_may_free_it,
                                                NULL,
                                            });
}
