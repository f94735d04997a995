/* Groups whose handlers run in several threads, and runs that the application keeps. */
#include <stdio.h>
#include <string.h>

#include "sim/groups.h"

static member a, b;

enum { PARTS = 6, EACH = 30 };

static void begin(void)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    topic("t", PARTS, 1);
    group_fill("t", PARTS, PARTS * EACH);
}

static void all_is_committed(int n)
{
    for (int i = 0; i < PARTS; i++)
        ck_assert_int_eq(group_committed("t", i), n);
}

/* ---- workers ---- */

static void in_three(void)
{
    int64_t began;

    begin();
    a.record_ms = 10;
    group_new(&a, "consume.threads", "3", "max.poll.records", "7", NULL);
    group_run(&a);
    group_await_records(&a, 1, 20000);
    began = now();
    group_await_records(&a, PARTS * EACH, 60000);
    ck_assert_int_le(now() - began, PARTS * EACH * 10 / 2 * SIM_MS); /* three at once */
    group_end(&a, KFK_OK);
    all_is_committed(EACH);
    ck_assert_int_eq(a.setups, 1);
    ck_assert_int_eq(a.cleanups, 1);
}

START_TEST(partitions_are_read_at_once_and_each_in_order)
{
    world_seeds(&(world_opts){0}, 20, in_three);
}
END_TEST

/* The same with threads of the application's. */
static void run_thrice(void)
{
    begin();
    a.record_ms = 5;
    group_new(&a, NULL);
    for (int i = 0; i < 3; i++)
        group_run(&a);
    group_await_records(&a, PARTS * EACH, 60000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(a.n_runs, 3);
    all_is_committed(EACH);
}

START_TEST(run_may_be_called_by_several)
{
    world_seeds(&(world_opts){0}, 20, run_thrice);
}
END_TEST

/* Members come and go while workers are at it. */
static void come_and_go(void)
{
    begin();
    a.record_ms = 20;
    b.record_ms = 20;
    group_new(&a, "consume.threads", "2", NULL);
    group_run(&a);
    group_await_records(&a, 10, 20000);
    group_new(&b, "consume.threads", "2", NULL);
    group_run(&b);
    group_until(&b.setups, 1, 60000);
    nap(500);
    group_end(&b, KFK_OK);
    for (int i = 0; i < 6000 && a.next[0] + a.next[1] + a.next[2] + a.next[3] + a.next[4] + a.next[5] < PARTS * EACH; i++)
        nap(10);
    group_end(&a, KFK_OK);
    all_is_committed(EACH);
    for (int i = 0; i < PARTS; i++)
        ck_assert_int_eq(a.seen[i] + b.seen[i], EACH); /* each once */
}

START_TEST(nothing_is_lost_or_done_twice_as_members_come_and_go)
{
    world_seeds(&(world_opts){0}, 20, come_and_go);
}
END_TEST

/* ---- runs that are kept ---- */

typedef struct kept_run {
    kfk_records *rs;
    int64_t first, last;
} kept_run;

static struct {
    kfk__mutex lock;
    kept_run v[256];
    int n;
} kept;

static void put_kept(kept_run run)
{
    kfk__lock(&kept.lock);
    ck_assert_int_lt(kept.n, 256);
    kept.v[kept.n++] = run;
    kfk__unlock(&kept.lock);
}

/* The one that came last. false: there is none. */
static bool take_kept(kept_run *run)
{
    bool any;

    kfk__lock(&kept.lock);
    any = kept.n > 0;
    if (any)
        *run = kept.v[--kept.n];
    kfk__unlock(&kept.lock);
    return any;
}

static kfk_err keep(kfk_group *g, kfk_records *rs, void *arg)
{
    member *m = arg;
    kept_run run = {rs, kfk_records_tp(rs)->offset, 0};
    int n = 0;

    (void)g;
    ck_assert_int_eq(m->at[0]++, 0);
    while (kfk_records_next(rs))
        n++;
    m->at[0]--;
    run.last = run.first + n - 1;
    if (n > 0)
        put_kept(run);
    m->records += n;
    return n > 0 ? KFK_PENDING : KFK_OK;
}

static void mark(const kept_run *run, int64_t first, int64_t last, kfk_err err)
{
    ck_assert_int_eq(kfk_records_mark(run->rs, first, last, &w.e), err);
}

static void begin_keeping(void)
{
    memset(&kept, 0, sizeof kept);
    kfk__mutex_init(&kept.lock);
    memset(&a, 0, sizeof a);
    a.h.consume = keep;
    topic("t", 1, 1);
    group_fill("t", 1, 40);
}

/* Marks come in any order; only what has no gap before it is committed. */
static void out_of_order(void)
{
    kept_run run = {0};

    begin_keeping();
    group_new(&a, "max.poll.records", "10", "auto.commit.interval.ms", "200", NULL);
    group_run(&a);
    group_await_records(&a, 40, 20000);
    while (take_kept(&run) && run.first > 0) {
        mark(&run, run.first, run.last, KFK_OK);
        kfk_records_free(run.rs);
    }
    nap(1000);
    ck_assert_int_le(group_committed("t", 0), 0);
    for (int64_t o = run.last; o > 0; o--)
        mark(&run, o, o, KFK_OK);
    nap(1000);
    ck_assert_int_le(group_committed("t", 0), 0);
    mark(&run, 0, 0, KFK_OK);
    nap(1000);
    ck_assert_int_eq(group_committed("t", 0), 40);
    kfk_records_free(run.rs);
    group_end(&a, KFK_OK);
}

START_TEST(a_gap_is_never_committed)
{
    world_seeds(&(world_opts){0}, 20, out_of_order);
}
END_TEST

/* What was marked before the end is committed, and no more; later marks are refused. */
static void after_the_end(void)
{
    kept_run run = {0};

    begin_keeping();
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 40, 20000);
    while (take_kept(&run) && run.first > 0)
        kfk_records_free(run.rs);
    mark(&run, 0, 4, KFK_OK);
    kfk_group_stop(a.g);
    group_await(&a, 20000);
    ck_assert_int_eq(a.cleaned[0].offset, 5);
    mark(&run, 5, 6, KFK_ERR_REVOKED);
    group_end(&a, KFK_OK);
    mark(&run, 5, 6, KFK_ERR_REVOKED);
    kfk_records_free(run.rs); /* after the group */
    ck_assert_int_eq(group_committed("t", 0), 5);
}

START_TEST(marks_after_the_end_are_refused)
{
    world_seeds(&(world_opts){0}, 20, after_the_end);
}
END_TEST

static void only_so_many(void)
{
    kept_run run = {0};

    begin_keeping();
    group_new(&a, "max.poll.records", "5", "max.unacked", "10", NULL);
    group_run(&a);
    group_await_records(&a, 10, 20000);
    nap(3000);
    ck_assert_int_le(a.records, 14);
    for (int i = 0; a.records < 40 && i < 1000; i++) {
        while (take_kept(&run)) {
            mark(&run, run.first, run.last, KFK_OK);
            kfk_records_free(run.rs);
        }
        nap(10);
    }
    ck_assert_int_eq(a.records, 40);
    while (take_kept(&run))
        kfk_records_free(run.rs);
    group_end(&a, KFK_OK);
}

START_TEST(with_so_many_undone_no_more_is_handed_out)
{
    world_seeds(&(world_opts){0}, 20, only_so_many);
}
END_TEST

/* What cleanup marks is committed before the other has the partition; what is marked later is refused. */
static kfk_err mark_some(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;
    kept_run run;

    (void)g;
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(tps[0].offset, m->cleanups == 0 ? 0 : tps[0].offset);
    while (take_kept(&run)) {
        if (run.first == 0)
            mark(&run, 0, 6, KFK_OK);
        kfk_records_free(run.rs);
    }
    m->cleanups++;
    return KFK_OK;
}

static kfk_err begin_where_it_was(kfk_group *g, const kfk_record_view *r, void *arg)
{
    member *m = arg;

    (void)g;
    if (m->records++ == 0)
        ck_assert_int_eq(r->offset, 7);
    return KFK_OK;
}

static void cleanup_marks(void)
{
    begin_keeping();
    a.h.cleanup = mark_some;
    memset(&b, 0, sizeof b);
    b.h.record = begin_where_it_was;
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 40, 20000);
    kfk_group_stop(a.g);
    group_await(&a, 20000);
    ck_assert_int_eq(a.cleanups, 1);
    ck_assert_int_eq(group_committed("t", 0), 7);
    group_new(&b, NULL);
    group_run(&b);
    group_await_records(&b, 33, 20000);
    group_end(&b, KFK_OK);
    kfk_group_free(a.g);
}

START_TEST(what_cleanup_marks_is_committed)
{
    world_seeds(&(world_opts){0}, 20, cleanup_marks);
}
END_TEST

/* Runs that are kept hold up no rebalance; the marks of those that went are refused. */
static void kept_and_taken(void)
{
    kept_run run;
    int revoked = 0;

    begin_keeping();
    topic("u", 1, 1);
    memset(&b, 0, sizeof b);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 40, 20000);
    group_new(&b, "session.timeout.ms", "6000", NULL);
    group_run(&b);
    for (int i = 0; a.setups < 2 && b.setups == 0 && i < 6000; i++)
        nap(10);
    ck_assert_int_eq(a.losts, 0);
    ck_assert_int_ge(a.cleanups, 1); /* of an eager group all goes, and comes again */
    while (take_kept(&run)) {
        revoked += kfk_records_mark(run.rs, run.first, run.last, &w.e) == KFK_ERR_REVOKED;
        kfk_records_free(run.rs);
    }
    ck_assert_int_ge(revoked, 1);
    group_end(&b, KFK_OK);
    while (take_kept(&run))
        kfk_records_free(run.rs);
    kfk_group_stop(a.g);
    group_await(&a, 60000);
    while (take_kept(&run))
        kfk_records_free(run.rs);
    kfk_group_free(a.g);
}

START_TEST(kept_runs_hold_up_no_rebalance)
{
    world_seeds(&(world_opts){0}, 20, kept_and_taken);
}
END_TEST

/* ---- consume() fails ---- */

static struct {
    atomic_int calls;
    atomic_llong seen[64];
} fails;

/* Marks some, and fails; the second time it is given just what is left. */
static kfk_err mark_and_fail(kfk_group *g, kfk_records *rs, void *arg)
{
    member *m = arg;
    const kfk_record_view *r;

    (void)g;
    fails.calls++;
    while ((r = kfk_records_next(rs)) != NULL) {
        fails.seen[r->offset]++;
        m->records++;
        if (fails.calls == 1 && r->offset != 3 && r->offset != 7)
            ck_assert_int_eq(kfk_records_mark(rs, r->offset, r->offset, &w.e), KFK_OK);
    }
    return fails.calls == 1 ? (kfk_err)-5 : KFK_OK;
}

static void some_marked(void)
{
    memset(&fails, 0, sizeof fails);
    memset(&a, 0, sizeof a);
    a.h.consume = mark_and_fail;
    topic("t", 1, 1);
    group_fill("t", 1, 20);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 22, 20000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(a.failures, 1);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(fails.seen[i], i == 3 || i == 7 ? 2 : 1);
    ck_assert_int_eq(group_committed("t", 0), 20);
}

START_TEST(what_was_not_marked_comes_again)
{
    world_seeds(&(world_opts){0}, 10, some_marked);
}
END_TEST

static kfk_err take_three(kfk_group *g, kfk_records *rs, void *arg)
{
    member *m = arg;
    const kfk_record_view *r;

    (void)g;
    for (int i = 0; i < 3 && (r = kfk_records_next(rs)) != NULL; i++)
        ck_assert_int_eq(r->offset, m->records++);
    return KFK_OK;
}

static void not_all(void)
{
    memset(&a, 0, sizeof a);
    a.h.consume = take_three;
    topic("t", 1, 1);
    group_fill("t", 1, 20);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), 20);
}

START_TEST(what_consume_does_not_take_comes_again)
{
    world_seeds(&(world_opts){0}, 10, not_all);
}
END_TEST

/* ---- pause ---- */

static void paused(void)
{
    kfk_tp t0 = {.topic = "t"}, other = {.topic = "t", .partition = 99};
    int64_t seen;

    begin();
    a.record_ms = 20;
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 3, 20000);
    ck_assert_int_eq(kfk_group_pause(a.g, &other, 1, &w.e), KFK_ERR_REVOKED);
    ck_assert_int_eq(kfk_group_pause(a.g, &t0, 1, &w.e), KFK_OK);
    nap(25);
    seen = a.seen[0];
    group_await_records(&a, (PARTS - 1) * EACH, 20000);
    nap(500);
    ck_assert_int_eq(a.seen[0], seen);
    ck_assert_int_eq(kfk_group_resume(a.g, &t0, 1, &w.e), KFK_OK);
    group_await_records(&a, PARTS * EACH, 20000);
    group_end(&a, KFK_OK);
    all_is_committed(EACH);
}

START_TEST(a_pause_holds_from_the_next_record_on)
{
    world_seeds(&(world_opts){0}, 10, paused);
}
END_TEST

/* ---- commits of one's own ---- */

static void own_commits(void)
{
    kfk_tp tps[2];

    begin();
    group_new(&a, "enable.auto.commit", "false", NULL);
    group_run(&a);
    group_await_records(&a, PARTS * EACH, 20000);
    nap(6000);
    ck_assert_int_eq(group_committed("t", 0), -1);
    ck_assert_int_eq(kfk_group_commit(a.g, NULL, 0, 5000, &w.e), KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), EACH);
    tps[0] = tp("t", 1, 7);
    tps[1] = tp("t", 77, 7);
    ck_assert_int_eq(kfk_group_commit(a.g, tps, 2, 5000, &w.e), KFK_ERR_REVOKED);
    ck_assert_int_eq(tps[0].err, KFK_OK);
    ck_assert_int_eq(tps[1].err, KFK_ERR_REVOKED);
    ck_assert_int_eq(group_committed("t", 1), 7);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 1), 7); /* nothing by itself */
}

START_TEST(without_auto_commit_only_the_application_commits)
{
    world_seeds(&(world_opts){0}, 10, own_commits);
}
END_TEST

static void in_cleanup(void)
{
    begin();
    a.commits = true;
    group_new(&a, "enable.auto.commit", "false", NULL);
    group_run(&a);
    group_await_records(&a, PARTS * EACH, 20000);
    group_end(&a, KFK_OK);
    all_is_committed(EACH);
}

START_TEST(cleanup_may_commit)
{
    world_seeds(&(world_opts){0}, 10, in_cleanup);
}
END_TEST

/* ---- a topic that is not there yet, an expression ---- */

int main(void)
{
    return world_main("sim/group_workers", (const TTest *const[]){
                                               partitions_are_read_at_once_and_each_in_order,
                                               run_may_be_called_by_several,
                                               nothing_is_lost_or_done_twice_as_members_come_and_go,
                                               a_gap_is_never_committed,
                                               marks_after_the_end_are_refused,
                                               with_so_many_undone_no_more_is_handed_out,
                                               what_cleanup_marks_is_committed,
                                               kept_runs_hold_up_no_rebalance,
                                               what_was_not_marked_comes_again,
                                               what_consume_does_not_take_comes_again,
                                               a_pause_holds_from_the_next_record_on,
                                               without_auto_commit_only_the_application_commits,
                                               cleanup_may_commit,
                                               NULL,
                                           });
}
