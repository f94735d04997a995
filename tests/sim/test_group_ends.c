/* Groups: how they end, in every state; and handlers that take too long. */
#include <stdio.h>
#include <string.h>

#include "sim/groups.h"

static member a, b;

enum { HEARTBEAT = 12, JOIN_GROUP = 11, LEAVE_GROUP = 13 };

static void begin(int parts, int n)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    topic("t", parts, 1);
    if (n > 0)
        group_fill("t", parts, n);
}

/* ---- stop ---- */

static kfk_err stop_at_five(kfk_group *g, const kfk_record_view *r, void *arg)
{
    member *m = arg;
    kfk_error e;

    m->records++;
    if (r->offset < 5)
        return KFK_OK;
    ck_assert_int_eq(kfk_group_run(g, &e), KFK_ERR_IN_CALLBACK);
    ck_assert_int_eq(kfk_group_dispatch(g, 0, NULL, &e), KFK_ERR_IN_CALLBACK);
    ck_assert_int_eq(kfk_group_close(g, 1000, &e), KFK_ERR_IN_CALLBACK);
    kfk_group_stop(g);
    return KFK_OK;
}

static void from_handler(void)
{
    begin(1, 20);
    a.h.record = stop_at_five;
    group_new(&a, NULL);
    group_run(&a);
    group_await(&a, 20000);
    ck_assert_int_eq(a.result[0], KFK_OK);
    ck_assert_int_eq(a.records, 6);
    ck_assert_str_eq(a.text, "+t-0;-t-0;");
    ck_assert_int_eq(kfk_group_run(a.g, &w.e), KFK_ERR_CLOSED);
    ck_assert_int_eq(kfk_group_close(a.g, 1000, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_group_close(a.g, 1000, &w.e), KFK_OK);
    kfk_group_free(a.g);
    ck_assert_int_eq(group_committed("t", 0), 6);
}

START_TEST(a_handler_may_stop_it)
{
    world_seeds(&(world_opts){0}, 20, from_handler);
}
END_TEST

static void before_run(void)
{
    begin(1, 20);
    group_new(&a, NULL);
    nap((int64_t)sim_below(w.rig.s, 3000));
    kfk_group_stop(a.g);
    group_run(&a);
    group_await(&a, 20000);
    ck_assert_int_eq(a.result[0], KFK_OK);
    ck_assert_int_eq(a.records, 0);
    kfk_group_free(a.g);
}

START_TEST(a_stop_before_the_run_ends_that)
{
    world_seeds(&(world_opts){0}, 20, before_run);
}
END_TEST

static void anytime(void)
{
    begin(3, 60);
    a.record_ms = 7;
    group_new(&a, "consume.threads", "2", NULL);
    group_run(&a);
    nap((int64_t)sim_below(w.rig.s, 4500));
    group_end(&a, KFK_OK);
    for (int i = 0; i < 3; i++) {
        int64_t committed = group_committed("t", i);

        ck_assert_int_eq(committed < 0 ? 0 : committed, a.next[i]); /* what was done, and just that */
    }
}

START_TEST(a_stop_at_any_time_commits_what_is_done)
{
    world_seeds(&(world_opts){0}, 60, anytime);
}
END_TEST

/* ---- close, free ---- */

static void closed(void)
{
    begin(2, 20);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    ck_assert_int_eq(kfk_group_close(a.g, 10000, &w.e), KFK_OK);
    group_await(&a, 100);
    ck_assert_int_eq(a.result[0], KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), 10);
    kfk_group_free(a.g);
}

START_TEST(close_ends_the_run)
{
    world_seeds(&(world_opts){0}, 20, closed);
}
END_TEST

/* Nobody runs it: the close does what there is to do. */
static void close_alone(void)
{
    begin(2, 20);
    group_new(&a, NULL);
    nap((int64_t)sim_below(w.rig.s, 8000));
    ck_assert_int_eq(kfk_group_close(a.g, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(a.records, 0);
    ck_assert_int_eq(a.setups, a.cleanups);
    ck_assert_int_eq(kfk_group_run(a.g, &w.e), KFK_ERR_CLOSED);
    kfk_group_free(a.g);
}

START_TEST(close_needs_nobody)
{
    world_seeds(&(world_opts){0}, 20, close_alone);
}
END_TEST

static void close_late(void)
{
    begin(1, 20);
    a.record_ms = 3000;
    group_new(&a, NULL);
    group_run(&a);
    group_until(&a.setups, 1, 20000);
    nap(1000);
    ck_assert_int_eq(kfk_group_close(a.g, 500, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(kfk_group_close(a.g, 0, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(kfk_group_close(a.g, 20000, &w.e), KFK_OK);
    group_await(&a, 100);
    ck_assert_int_eq(a.result[0], KFK_OK);
    kfk_group_free(a.g);
    ck_assert_int_eq(group_committed("t", 0), a.next[0]);
}

START_TEST(close_is_back_by_its_time)
{
    world_seeds(&(world_opts){0}, 20, close_late);
}
END_TEST

static void freed_at_once(void)
{
    begin(1, 20);
    group_new(&a, NULL);
    nap((int64_t)sim_below(w.rig.s, 5000));
    kfk_group_free(a.g);
}

/* No handler is called any more once it returns. */
static void freed_while_run(void)
{
    int64_t seen;
    int cleanups;

    begin(2, 200);
    a.record_ms = 5;
    group_new(&a, "consume.threads", "2", NULL);
    group_run(&a);
    nap((int64_t)sim_below(w.rig.s, 6000));
    kfk_group_free(a.g);
    nap(10);
    seen = a.records;
    cleanups = a.cleanups;
    group_await(&a, 60000);
    ck_assert_int_eq(a.records, seen);
    ck_assert_int_eq(a.cleanups, cleanups);
}

static kfk_err free_it(kfk_group *g, const kfk_record_view *r, void *arg)
{
    member *m = arg;

    (void)r;
    ck_assert_int_eq(m->records++, 0);
    kfk_group_free(g);
    return KFK_OK;
}

static void freed_by_handler(void)
{
    begin(1, 20);
    a.h.record = free_it;
    group_new(&a, NULL);
    group_run(&a);
    group_await(&a, 60000);
    ck_assert_int_eq(a.records, 1);
}

START_TEST(it_may_be_freed_in_any_state)
{
    world_seeds(&(world_opts){0}, 20, freed_at_once);
    world_seeds(&(world_opts){0}, 40, freed_while_run);
    world_seeds(&(world_opts){0}, 20, freed_by_handler);
}
END_TEST

/* ---- handlers that do not return ---- */

static void straggler(void)
{
    int64_t began;

    begin(2, 40);
    a.record_ms = 8000;
    group_new(&a, "consume.threads", "3", "close.timeout.ms", "1000", NULL);
    group_run(&a);
    group_until(&a.setups, 1, 20000);
    nap(2000);
    began = now();
    kfk_group_stop(a.g);
    group_await(&a, 60000);
    if (a.result[0] == KFK_OK) { /* the run's own thread had one of the two, and had to wait for it */
        ck_assert_int_eq(a.losts, 0);
    } else {
        ck_assert_int_eq(a.result[0], KFK_ERR_TIMED_OUT);
        ck_assert_int_le(now() - began, 8500 * SIM_MS);
    }
    kfk_group_free(a.g);
    nap(10000);
}

START_TEST(a_run_does_not_wait_for_ever_for_other_threads)
{
    world_seeds(&(world_opts){0}, 30, straggler);
}
END_TEST

/* The handler's thread is not run's: run is back in time, lost() follows, and the last one out frees. */
static void orphan(void)
{
    int64_t began;

    begin(1, 10);
    a.record_ms = 8000;
    group_new(&a, "consume.threads", "2", "close.timeout.ms", "1000", NULL);
    group_run(&a);
    for (int i = 0; !a.at[0] && i < 10000; i++)
        nap(1);
    nap(100);
    began = now();
    kfk_group_stop(a.g);
    group_await(&a, 60000);
    if (a.result[0] == KFK_ERR_TIMED_OUT && now() - began < 2000 * SIM_MS) {
        ck_assert_int_eq(a.at[0], 1);
        ck_assert_int_eq(a.losts, 0);
        ck_assert_int_eq(kfk_group_close(a.g, 0, &w.e), KFK_ERR_TIMED_OUT);
        if (sim_below(w.rig.s, 2)) {
            kfk_group_free(a.g);
            nap(10000);
            ck_assert_int_eq(a.losts, 0); /* which nobody is told any more */
            return;
        }
        nap(9000);
        ck_assert_int_eq(a.losts, 1);
        ck_assert_int_eq(a.cleanups, 0);
        ck_assert_str_eq(a.text, "+t-0;!t-0;");
        ck_assert_int_eq(kfk_group_close(a.g, 0, &w.e), KFK_ERR_TIMED_OUT); /* as it had ended */
    }
    kfk_group_free(a.g);
}

START_TEST(who_returns_last_is_told_of_what_was_lost)
{
    world_seeds(&(world_opts){0}, 40, orphan);
}
END_TEST

/* ---- max.poll.interval.ms ---- */

static kfk_err slow_run(kfk_group *g, kfk_records *rs, void *arg)
{
    member *m = arg;
    kfk_tp tp = *kfk_records_tp(rs);
    const kfk_record_view *r;
    kfk_error e;

    m->at[tp.partition]++;
    while ((r = kfk_records_next(rs)) != NULL) {
        m->records++;
        if (tp.partition == 0 && m->record_ms) {
            nap(m->record_ms);
            ck_assert_int_eq(kfk_group_time_left(g), 0);
            ck_assert_int_eq(kfk_records_mark(rs, r->offset, r->offset, &e), KFK_ERR_REVOKED);
            tp.offset = r->offset + 1;
            ck_assert_int_eq(kfk_group_commit(g, &tp, 1, 5000, &e), KFK_ERR_REVOKED);
            ck_assert_ptr_null(kfk_records_next(rs));
            ck_assert_int_eq(kfk_records_status(rs, NULL), KFK_ERR_REVOKED);
            m->record_ms = 0;
            m->failures++; /* it has been there */
            break;
        }
        m->next[tp.partition] = r->offset + 1;
    }
    m->at[tp.partition]--;
    return KFK_OK;
}

static bool named(void)
{
    return a.errors > 0 && group_error(&a).code == KFK_ERR_POLL_INTERVAL;
}

/* What a metric of that name is now; with |at| of the partition 0 only. */
typedef struct sought {
    const char *name;
    bool at;
    int64_t value;
} sought;

static int find_metric(const kfk_metric *m, void *arg)
{
    sought *s = arg;
    bool here = !s->at;

    for (size_t i = 0; i < m->n_labels; i++)
        here |= strcmp(m->labels[i].name, "partition") == 0 && strcmp(m->labels[i].value, "0") == 0;
    if (strcmp(m->name, s->name) == 0 && here)
        s->value = m->value;
    return 0;
}

static int64_t metric(const char *name, bool at)
{
    sought s = {name, at, -1};

    ck_assert_int_eq(kfk_group_metrics(a.g, find_metric, &s), KFK_OK);
    return s.value;
}

static void overrun(const char *protocol, const char *threads)
{
    int64_t began;
    bool several = strcmp(threads, "1") != 0;

    begin(2, 40);
    a.h.consume = slow_run;
    a.record_ms = 10000;
    group_new(&a, "max.poll.interval.ms", "3000", "consume.threads", threads, "group.protocol", protocol, NULL);
    group_run(&a);
    for (int i = 0; !a.at[0] && i < 20000; i++)
        nap(1);
    began = now();
    group_new(&b, "group.protocol", protocol, "max.poll.interval.ms", "3000", NULL);
    group_run(&b);
    while (a.losts == 0 && now() - began < 9500 * SIM_MS) {
        if (several && named())
            ck_assert_int_ge(now() - began, 2500 * SIM_MS);
        nap(100);
    }
    ck_assert_int_eq(a.failures, 0); /* it runs still */
    ck_assert(!several || named());
    ck_assert(!several || group_error(&a).partition == 0);
    ck_assert_int_eq(metric("kfk_group_overdue_handlers_total", false), 1);
    ck_assert_int_ge(metric("kfk_group_running_handler_seconds", true), 3000);
    ck_assert_int_gt(b.next[0], 0); /* another has its partition */
    group_until(&a.losts, 1, 10000);
    ck_assert_int_eq(a.failures, 1); /* it has returned before */
    ck_assert(named());
    group_until(&a.setups, 2, 60000); /* and it joins again */
    group_end(&b, KFK_OK);
    group_end(&a, KFK_OK);
}

static void overrun_classic(void)
{
    overrun("classic", "1");
}

static void overrun_workers(void)
{
    overrun("classic", "2");
}

static void overrun_modern(void)
{
    overrun("consumer", "2");
}

START_TEST(a_handler_that_takes_too_long_loses_its_partitions)
{
    world_seeds(&(world_opts){0}, 10, overrun_classic);
    world_seeds(&(world_opts){0}, 10, overrun_workers);
    world_seeds(&(world_opts){0}, 10, overrun_modern);
}
END_TEST

/* The same with cleanup(): it was that, and lost() is not called, too. */
static void slow_cleanup(void)
{
    int64_t began;

    begin(2, 40);
    a.cleanup_ms = 9000;
    group_new(&a, "max.poll.interval.ms", "3000", NULL);
    group_run(&a);
    group_await_records(&a, 40, 20000);
    group_new(&b, "max.poll.interval.ms", "3000", NULL);
    group_run(&b);
    group_until(&b.setups, 1, 60000);
    ck_assert_int_eq(a.cleanups, 0); /* it is at it still */
    began = now();
    group_until(&a.cleanups, 1, 10000);
    ck_assert_int_ge(now() - began, 1000 * SIM_MS);
    ck_assert_int_eq(a.losts, 0);
    a.cleanup_ms = 0;
    group_until(&a.errors, 1, 10000);
    ck_assert(named());
    group_until(&a.setups, 2, 60000);
    group_end(&b, KFK_OK);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(b.records, 0); /* all had been committed before */
}

START_TEST(a_cleanup_that_takes_too_long_holds_nobody_up)
{
    world_seeds(&(world_opts){0}, 10, slow_cleanup);
}
END_TEST

/* Many short calls are no long one. */
static void many_short(void)
{
    begin(1, 40);
    a.record_ms = 500;
    group_new(&a, "max.poll.interval.ms", "4000", NULL);
    group_run(&a);
    group_await_records(&a, 40, 60000);
    ck_assert_int_eq(a.errors, 0);
    ck_assert_int_eq(a.losts, 0);
    group_end(&a, KFK_OK);
}

START_TEST(many_short_calls_are_no_long_one)
{
    world_seeds(&(world_opts){0}, 10, many_short);
}
END_TEST

/* ---- the group is none any more ---- */

static void fenced(void)
{
    begin(1, 10);
    group_new(&a, "group.instance.id", "i", NULL);
    group_run(&a);
    group_await_records(&a, 10, 20000);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .value = KFK_ERR_FENCED_INSTANCE_ID);
    group_await(&a, 60000);
    ck_assert_int_eq(a.result[0], KFK_ERR_FENCED_INSTANCE_ID);
    ck_assert_msg(strstr(a.error[0].msg, "group g"), "%s", a.error[0].msg);
    ck_assert_str_eq(a.text, "+t-0;!t-0;");
    ck_assert_int_eq(kfk_group_last_error(a.g, &w.e), KFK_ERR_FENCED_INSTANCE_ID);
    kfk_group_free(a.g);
}

static void forbidden(void)
{
    begin(1, 10);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = JOIN_GROUP, .value = KFK_ERR_GROUP_AUTHORIZATION_FAILED, .count = -1);
    group_new(&a, NULL);
    group_run(&a);
    group_await(&a, 60000);
    ck_assert_int_eq(a.result[0], KFK_ERR_GROUP_AUTHORIZATION_FAILED);
    kfk_group_free(a.g);
}

START_TEST(fatal_errors_end_the_run)
{
    world_seeds(&(world_opts){0}, 10, fenced);
    world_seeds(&(world_opts){0}, 10, forbidden);
}
END_TEST

/* ---- the coordinator does not answer ---- */

static void no_answers(void)
{
    int64_t began;

    begin(1, 10);
    group_new(&a, "close.timeout.ms", "2000", "enable.auto.commit", "true", NULL);
    group_run(&a);
    group_await_records(&a, 10, 20000);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = OFFSET_COMMIT, .count = -1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = LEAVE_GROUP, .count = -1);
    began = now();
    kfk_group_stop(a.g);
    group_await(&a, 60000);
    ck_assert_int_le(now() - began, 5000 * SIM_MS);
    ck_assert_int_eq(a.cleanups, 1);
    ck_assert_int_ge(a.errors, 1);
    kfk_group_free(a.g);
}

START_TEST(the_end_waits_for_a_coordinator_only_so_long)
{
    world_seeds(&(world_opts){0}, 10, no_answers);
}
END_TEST

/* A refusal that may pass is no end of the last commit. */
static void refused_for_a_while(void)
{
    begin(2, 20);
    group_new(&a, "auto.commit.interval.ms", "100000", NULL);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY, .count = 3,
          .value = KFK_ERR_REBALANCE_IN_PROGRESS);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), 10);
    ck_assert_int_eq(group_committed("t", 1), 10);
    ck_assert_int_eq(a.errors, 0);
}

START_TEST(a_last_commit_that_is_refused_for_a_while_is_made_again)
{
    world_seeds(&(world_opts){0}, 10, refused_for_a_while);
}
END_TEST

/* ---- what cannot be made ---- */

static void refused(void)
{
    static const char *const none[] = {NULL};
    kfk_config *c;
    kfk_group_handler h = {.struct_size = sizeof h};
    kfk_group *g;

    memset(&a, 0, sizeof a);
    a.topics = none;
    (void)group_refused(&a, NULL);
    memset(&a, 0, sizeof a);
    a.bare = true;
    ck_assert_int_eq(group_refused(&a, NULL), KFK_ERR_INVALID_ARG);
    a.h.record = group_record;
    a.h.consume = slow_run;
    ck_assert_int_eq(group_refused(&a, NULL), KFK_ERR_INVALID_ARG);
    c = kfk_config_new(NULL);
    h.record = group_record;
    (void)kfk_config_set(c, "bootstrap.servers", "localhost:1", NULL);
    ck_assert_int_eq(kfk_group_new(&g, c, &none[0], 0, &h, NULL, &w.e), KFK_ERR_INVALID_ARG);
    kfk_config_free(c);
}

START_TEST(what_cannot_be_made_is_refused)
{
    world_seeds(&(world_opts){0}, 1, refused);
}
END_TEST

int main(void)
{
    return world_main("sim/group_ends", (const TTest *const[]){
                                            a_handler_may_stop_it,
                                            a_stop_before_the_run_ends_that,
                                            a_stop_at_any_time_commits_what_is_done,
                                            close_ends_the_run,
                                            close_needs_nobody,
                                            close_is_back_by_its_time,
                                            it_may_be_freed_in_any_state,
                                            a_run_does_not_wait_for_ever_for_other_threads,
                                            who_returns_last_is_told_of_what_was_lost,
                                            a_handler_that_takes_too_long_loses_its_partitions,
                                            a_cleanup_that_takes_too_long_holds_nobody_up,
                                            many_short_calls_are_no_long_one,
                                            fatal_errors_end_the_run,
                                            the_end_waits_for_a_coordinator_only_so_long,
                                            a_last_commit_that_is_refused_for_a_while_is_made_again,
                                            what_cannot_be_made_is_refused,
                                            NULL,
                                        });
}
