/* Lanes: several that read one consumer's partitions, each its own, while they come and go. */
#include <stdatomic.h>
#include <string.h>

#include "consumer/lane.h"
#include "sim/world.h"

enum { PARTITIONS = 8, EACH = 40, MOST_WORKERS = 4 };

static kfk_consumer *c;
static struct {
    int reads[PARTITIONS]; /* how many workers are at it */
    int64_t next[PARTITIONS];
    atomic_int total, wanted;
    atomic_int out; /* workers that have not returned */
    atomic_bool stop;
} seen;

typedef struct worker {
    kfk__lane lane;
    kfk__cut_options cut;
    bool quits; /* soon */
} worker;

static worker workers[MOST_WORKERS];

static void start(void)
{
    memset(&seen, 0, sizeof seen);
    topic("t", PARTITIONS, 1);
    c = consumer("max.poll.records", "3", "enable.auto.commit", "false", NULL);
}

static void fill(void)
{
    kfk_producer *p = producer("linger.ms", "5", NULL);

    for (int i = 0; i < EACH * PARTITIONS; i++)
        ck_assert_int_eq(send_to(p, "t", i % PARTITIONS), KFK_OK);
    flush(p);
    kfk_producer_free(p);
    seen.wanted += EACH * PARTITIONS;
}

static void assign_from(int32_t first, int32_t n)
{
    kfk_tp tps[PARTITIONS];

    for (int32_t i = 0; i < n; i++)
        tps[i] = tp("t", first + i, KFK_OFFSET_EARLIEST);
    ck_assert_int_eq(kfk_consumer_incremental_assign(c, tps, (size_t)n, &w.e), KFK_OK);
}

/* Nobody else is at the partition, and each record comes once, in order. */
static void read_run(kfk_records *rs)
{
    const int32_t p = kfk_records_tp(rs)->partition;
    const kfk_record_view *v;

    ck_assert_int_eq(seen.reads[p]++, 0);
    while ((v = kfk_records_next(rs)) != NULL) {
        ck_assert_int_eq(v->offset, seen.next[p]++);
        seen.total++;
    }
    if (sim_below(w.rig.s, 3) == 0)
        nap((int64_t)sim_below(w.rig.s, 20));
    kfk_records_free(rs);
    if (sim_below(w.rig.s, 3) == 0)
        nap((int64_t)sim_below(w.rig.s, 5));
    seen.reads[p]--;
}

static void work(void *arg)
{
    worker *me = arg;
    kfk_records *rs;
    kfk_error e;
    int left = me->quits ? 1 + (int)sim_below(w.rig.s, 10) : INT32_MAX;

    kfk__lane_add(c, &me->lane);
    while (!seen.stop && left-- > 0) {
        (void)kfk__lane_heed(&me->lane);
        if (seen.stop)
            break;
        ck_assert_int_eq(kfk__consumer_take(c, &me->lane, &me->cut, &rs, &e), KFK_OK);
        if (rs)
            read_run(rs);
        else
            (void)kfk__lane_await(c, &me->lane, KFK__NEVER, false);
    }
    kfk__lane_remove(c, &me->lane);
    kfk__compressor_free(me->cut.compressor);
    seen.out--;
}

static void hire(int i, bool quits)
{
    worker *me = &workers[i];

    memset(me, 0, sizeof *me);
    me->cut = c->cut;
    me->quits = quits;
    me->cut.compressor = kfk__compressor_new(&c->env.alloc);
    ck_assert_ptr_nonnull(me->cut.compressor);
    seen.out++;
    sim_spawn(w.rig.s, 1, "works", work, me);
}

static void await_all(void)
{
    for (int64_t until = now() + 60000 * KFK__MS; seen.total < seen.wanted && now() < until;)
        nap(10);
    ck_assert_int_eq(seen.total, seen.wanted);
}

/* However long they would wait. */
static void stop_all(void)
{
    seen.stop = true;
    kfk__lane_wake_all(c);
    for (int64_t until = now() + 1000 * KFK__MS; seen.out > 0 && now() < until;)
        nap(1);
    ck_assert_int_eq(seen.out, 0);
}

static void share_the_work(void)
{
    start();
    assign_from(0, 3);
    fill();
    for (int i = 0; i < MOST_WORKERS; i++)
        hire(i, i % 2 == 0);
    nap((int64_t)sim_below(w.rig.s, 30));
    assign_from(3, PARTITIONS - 3);
    await_all();
    fill();
    await_all();
    stop_all();
    kfk_consumer_free(c);
}

START_TEST(each_partition_is_read_by_one_in_order)
{
    world_seeds(&(world_opts){0}, 60, share_the_work);
}
END_TEST

/* Loads as even as can be. */
static void are_even(void)
{
    kfk_tp tps[PARTITIONS];
    kfk__lane lanes[3];

    start();
    assign_from(0, PARTITIONS);
    ck_assert_uint_eq(c->shared->lane.n, PARTITIONS);
    kfk__lane_add(c, &lanes[0]);
    ck_assert_uint_eq(lanes[0].n, PARTITIONS);
    ck_assert_uint_eq(c->shared->lane.n, 0);
    kfk__lane_add(c, &lanes[1]);
    ck_assert_uint_eq(lanes[1].n, PARTITIONS / 2);
    kfk__lane_add(c, &lanes[2]);
    for (int i = 0; i < 3; i++) {
        tps[i] = tp("t", i, 0);
        ck_assert_uint_ge(lanes[i].n, 2);
        ck_assert_uint_le(lanes[i].n, 3);
    }
    kfk__lane_remove(c, &lanes[1]);
    ck_assert_uint_eq(lanes[0].n, PARTITIONS / 2);
    ck_assert_uint_eq(lanes[2].n, PARTITIONS / 2);
    ck_assert_int_eq(kfk_consumer_incremental_unassign(c, tps, 3, &w.e), KFK_OK);
    ck_assert_uint_eq(lanes[0].n + lanes[2].n, PARTITIONS - 3);
    assign_from(0, 3);
    ck_assert_uint_eq(lanes[0].n, PARTITIONS / 2);
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 3, &w.e), KFK_OK); /* five go, three stay */
    ck_assert_uint_eq(lanes[0].n + lanes[2].n, 3);
    kfk__lane_remove(c, &lanes[0]);
    kfk__lane_remove(c, &lanes[2]);
    ck_assert_uint_eq(c->shared->lane.n, 3);
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    ck_assert_uint_eq(c->shared->lane.n, 0);
    kfk_consumer_free(c);
}

START_TEST(lanes_have_even_parts)
{
    world_seeds(&(world_opts){0}, 2, are_even);
}
END_TEST

/* What a worker is at stays its own, whoever comes; and after the last of them kfk_consumer_poll reads on. */
static void stays(void)
{
    kfk__lane a, b;
    kfk_records *rs = NULL;
    const kfk__assigned *p;

    start();
    fill();
    kfk__lane_add(c, &a);
    assign_from(0, 1);
    while (!rs) {
        (void)kfk__lane_heed(&a);
        (void)kfk__lane_await(c, &a, KFK__NEVER, false);
        ck_assert_int_eq(kfk__consumer_take(c, &a, &c->cut, &rs, &w.e), KFK_OK);
    }
    p = a.reading;
    ck_assert(p && kfk__shared_is_read(c->shared, p));
    kfk__lane_add(c, &b);
    ck_assert_uint_eq(a.n, 1);
    ck_assert_uint_eq(b.n, 0);
    kfk_records_free(rs);
    kfk__lane_rest(c, &a);
    ck_assert(!kfk__shared_is_read(c->shared, p));
    kfk__lane_remove(c, &a);
    ck_assert_uint_eq(b.n, 1);
    ck_assert_int_eq(kfk__consumer_take(c, &b, &c->cut, &rs, &w.e), KFK_OK);
    ck_assert_ptr_nonnull(rs); /* it was ready, and still is */
    ck_assert_int_eq(kfk_records_next(rs)->offset, 3);
    kfk_records_free(rs);
    kfk__lane_remove(c, &b);
    ck_assert_int_eq(kfk_consumer_poll(c, 10000, &rs, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_records_next(rs)->offset, 6);
    kfk_records_free(rs);
    kfk_consumer_free(c);
}

START_TEST(what_is_being_read_stays_in_its_lane)
{
    world_seeds(&(world_opts){0}, 20, stays);
}
END_TEST

static bool not_read(void *p)
{
    return !kfk__shared_is_read(c->shared, p);
}

static void rests(void *arg)
{
    nap(500);
    kfk__lane_rest(c, arg);
    seen.out--;
}

/* A partition is taken away, and the end of what was read of it is waited for. */
static void is_waited_for(void)
{
    kfk__lane a;
    kfk_records *rs = NULL;
    kfk_tp t = tp("t", 0, 0);
    kfk__assigned *p;

    start();
    fill();
    kfk__lane_add(c, &a);
    assign_from(0, 1);
    while (!rs) {
        (void)kfk__lane_heed(&a);
        (void)kfk__lane_await(c, &a, KFK__NEVER, false);
        ck_assert_int_eq(kfk__consumer_take(c, &a, &c->cut, &rs, &w.e), KFK_OK);
    }
    p = kfk__assigned_hold(a.reading);
    ck_assert_int_eq(kfk_consumer_incremental_unassign(c, &t, 1, &w.e), KFK_OK);
    ck_assert_ptr_null(kfk_records_next(rs));
    ck_assert_int_eq(kfk_records_status(rs, NULL), KFK_ERR_REVOKED);
    kfk_records_free(rs);
    ck_assert_int_eq(kfk__consumer_watch(c, 100, not_read, p), KFK_ERR_TIMED_OUT);
    seen.out = 1;
    sim_spawn(w.rig.s, 1, "rests", rests, &a);
    ck_assert_int_eq(kfk__consumer_watch(c, 1000, not_read, p), KFK_OK);
    while (seen.out > 0)
        nap(1);
    kfk__assigned_drop(p);
    kfk__lane_remove(c, &a);
    kfk_consumer_free(c);
}

START_TEST(the_end_of_reading_is_told)
{
    world_seeds(&(world_opts){0}, 20, is_waited_for);
}
END_TEST

static void wakes(void *arg)
{
    nap(300);
    kfk__lane_wake(c, arg);
    seen.out--;
}

/* A wake ends the wait, also one that comes before it, until it is heeded. */
static void are_woken(void)
{
    int64_t from;
    kfk__lane a;

    start();
    kfk__lane_add(c, &a);
    seen.out = 1;
    from = now();
    sim_spawn(w.rig.s, 1, "wakes", wakes, &a);
    ck_assert_int_eq(kfk__lane_await(c, &a, KFK__NEVER, false), KFK_OK);
    ck_assert_int_ge(now() - from, 300 * KFK__MS);
    ck_assert_int_eq(kfk__lane_await(c, &a, KFK__NEVER, false), KFK_OK);
    ck_assert(kfk__lane_heed(&a));
    ck_assert(!kfk__lane_heed(&a));
    ck_assert_int_eq(kfk__lane_await(c, &a, now() + 50 * KFK__MS, false), KFK_ERR_TIMED_OUT);
    while (seen.out > 0)
        nap(1);
    kfk__lane_remove(c, &a);
    kfk_consumer_free(c);
}

START_TEST(who_waits_in_a_lane_is_woken_from_outside)
{
    world_seeds(&(world_opts){0}, 10, are_woken);
}
END_TEST

/* ---- marks ---- */

enum { LIMIT = 10 };

static kfk__assigned *the_partition(void)
{
    kfk__assigned *p;

    kfk__lock(&c->shared->lock);
    p = kfk__assigned_hold(kfk__shared_find(c->shared, "t", 0));
    kfk__unlock(&c->shared->lock);
    return p;
}

/* Some of the runs that are out, in any order; all of each. */
static void mark_some(kfk_records **out, int *n, bool all)
{
    while (*n > 0 && (all || sim_below(w.rig.s, 3) > 0)) {
        int i = (int)sim_below(w.rig.s, (uint64_t)*n);
        int64_t end = kfk_records_tp(out[i])->offset;

        for (int64_t k = end - 3 > 0 ? end - 3 : 0; k < end; k++) /* runs of up to three */
            if (kfk_records_mark(out[i], k, k, &w.e) != KFK_OK)
                ck_assert_int_eq(w.e.code, KFK_ERR_INVALID_ARG);
        kfk_records_free(out[i]);
        out[i] = out[--*n];
    }
}

/* Runs are kept and marked later, as far as the limit allows. */
static void keeps_runs(void)
{
    kfk_records *out[LIMIT + 1], *rs;
    kfk__assigned *p;
    kfk__lane a;
    int32_t epoch;
    int n = 0, read = 0;

    start();
    c->marks = true;
    c->max_undone = LIMIT;
    fill();
    kfk__lane_add(c, &a);
    assign_from(0, 1);
    p = the_partition();
    while (read < EACH) {
        ck_assert_int_eq(kfk__consumer_take(c, &a, &c->cut, &rs, &w.e), KFK_OK);
        ck_assert_int_lt(kfk__marks_undone(p->marks), LIMIT + 3);
        (void)kfk__lane_heed(&a);
        if (!rs && kfk__lane_await(c, &a, now() + 5000 * KFK__MS, false) != KFK_OK)
            ck_assert(kfk__marks_full(p->marks)); /* nothing came, and that is why */
        for (; rs && kfk_records_next(rs); read++)
            ;
        if (rs)
            out[n++] = rs;
        if (kfk__marks_full(p->marks) || sim_below(w.rig.s, 2))
            mark_some(out, &n, false);
    }
    mark_some(out, &n, true);
    ck_assert_int_eq(kfk__marks_done(p->marks, &epoch), EACH);
    ck_assert_int_ge(epoch, 0);
    kfk__lane_remove(c, &a);
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__marks_done(p->marks, &epoch), -1);
    kfk__assigned_drop(p);
    kfk_consumer_free(c);
}

START_TEST(no_more_is_handed_out_than_may_be_undone)
{
    world_seeds(&(world_opts){0}, 30, keeps_runs);
}
END_TEST

/* A seek, the end of the ownership, the close: what was read before is nobody's. */
static void is_not_ours(void)
{
    kfk_records *rs[3];
    kfk_tp t = tp("t", 0, 0);

    start();
    c->marks = true;
    fill();
    for (int i = 0; i < 3; i++) {
        if (i < 2)
            ck_assert_int_eq(kfk_consumer_assign(c, &t, 1, &w.e), KFK_OK);
        ck_assert_int_eq(kfk_consumer_poll(c, 10000, &rs[i], &w.e), KFK_OK);
        ck_assert_int_eq(kfk_records_next(rs[i])->offset, i < 2 ? 0 : 3);
        ck_assert_int_eq(kfk_records_mark(rs[i], i < 2 ? 0 : 3, i < 2 ? 0 : 3, &w.e), KFK_OK);
        if (i == 0)
            ck_assert_int_eq(kfk_consumer_seek(c, &t, 1, &w.e), KFK_OK);
        if (i == 1)
            continue; /* the next is of the same */
        if (i == 2)
            ck_assert_int_eq(kfk_consumer_close(c, 0, &w.e), KFK_OK);
        ck_assert_int_eq(kfk_records_mark(rs[i], i < 2 ? 0 : 3, i < 2 ? 0 : 3, &w.e),
                         KFK_ERR_REVOKED);
    }
    kfk_consumer_free(c);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kfk_records_mark(rs[i], i < 2 ? 0 : 3, i < 2 ? 0 : 3, &w.e),
                         KFK_ERR_REVOKED);
        kfk_records_free(rs[i]);
    }
}

START_TEST(marks_are_of_one_ownership)
{
    world_seeds(&(world_opts){0}, 10, is_not_ours);
}
END_TEST

/* ---- the end ---- */

static void closes(void *arg)
{
    nap((int64_t)sim_below(w.rig.s, 50));
    (void)kfk_consumer_close(c, 1000, NULL);
    (void)arg;
    seen.stop = true;
    seen.out--;
}

/* The close ends every wait. */
static void are_closed(void)
{
    start();
    fill();
    assign_from(0, PARTITIONS);
    for (int i = 0; i < MOST_WORKERS; i++)
        hire(i, false);
    seen.out++;
    sim_spawn(w.rig.s, 1, "closes", closes, NULL);
    for (int64_t until = now() + 2000 * KFK__MS; seen.out > 0 && now() < until;)
        nap(1);
    ck_assert_int_eq(seen.out, 0);
    kfk_consumer_free(c);
}

START_TEST(the_close_ends_all_waits)
{
    world_seeds(&(world_opts){0}, 20, are_closed);
}
END_TEST

int main(void)
{
    return world_main("sim/lanes", (const TTest *const[]){
                                       each_partition_is_read_by_one_in_order,
                                       lanes_have_even_parts,
                                       what_is_being_read_stays_in_its_lane,
                                       the_end_of_reading_is_told,
                                       who_waits_in_a_lane_is_woken_from_outside,
                                       no_more_is_handed_out_than_may_be_undone,
                                       marks_are_of_one_ownership,
                                       the_close_ends_all_waits,
                                       NULL,
                                   });
}
