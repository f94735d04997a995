/* kfk_consumer_commit_async: who is told what became of a commit, when, and in which order; and kfk_consumer_assignment. */
#include <string.h>

#include "consumer/handle.h"
#include "sim/world.h"

enum { MOST = 64 };

static kfk_consumer *c;
static struct {
    int n;
    int id[MOST];
    kfk_err err[MOST], first[MOST]; /* as a whole, and of the first partition */
    int64_t offset[MOST];
    size_t partitions[MOST];
    void *opaque[MOST];
    uint32_t flags[MOST];
    bool again; /* the first makes another, and calls what tells */
} seen;

static void hears(kfk_consumer *of, const kfk_tp *tps, size_t n, const kfk_error *e, void *arg)
{
    int i = seen.n++;
    kfk_tp t = tp("t", 0, 77);
    kfk_records *rs;

    ck_assert_ptr_eq(of, c);
    ck_assert_int_lt(i, MOST);
    seen.id[i] = *(const int *)arg;
    seen.err[i] = e->code;
    seen.flags[i] = e->flags;
    seen.partitions[i] = n;
    seen.first[i] = n ? tps[0].err : KFK_OK;
    seen.offset[i] = n ? tps[0].offset : -1;
    seen.opaque[i] = n ? tps[0].opaque : NULL;
    if (!seen.again)
        return;
    seen.again = false;
    ck_assert_int_eq(kfk_consumer_commit_async(c, &t, 1, hears, arg, NULL), KFK_OK);
    ck_assert_int_eq(kfk_consumer_commit(c, &t, 1, 10000, NULL), KFK_OK);
    ck_assert_int_eq(kfk_consumer_poll(c, 0, &rs, NULL), KFK_ERR_BUSY);
    ck_assert_int_eq(seen.n, i + 1); /* not before this one has returned */
}

static const int ids[MOST] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                              16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static void start(void)
{
    memset(&seen, 0, sizeof seen);
    topic("t", 4, 1);
    c = consumer("group.id", "g", "enable.auto.commit", "false", NULL);
}

static void commit(int id, int32_t partition)
{
    kfk_tp t = tp("t", partition, 10 + id);
    char text[] = "m";

    t.opaque = &seen;
    t.metadata = text;
    ck_assert_int_eq(kfk_consumer_commit_async(c, &t, 1, hears, (void *)(uintptr_t)&ids[id], &w.e),
                     KFK_OK);
    memset(text, 'x', 1); /* it was copied */
}

static void check_order(int n)
{
    ck_assert_int_eq(seen.n, n);
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(seen.id[i], i);
        ck_assert_int_eq(seen.err[i], KFK_OK);
        ck_assert_int_eq(seen.first[i], KFK_OK);
        ck_assert_int_eq(seen.offset[i], 10 + i);
        ck_assert_ptr_eq(seen.opaque[i], &seen);
    }
}

static void in_order(void)
{
    kfk_records *rs;
    kfk_tp t = tp("t", 2, 0);

    start();
    for (int i = 0; i < 12; i++) {
        commit(i, i % 4);
        if (sim_below(w.rig.s, 2))
            nap((int64_t)sim_below(w.rig.s, 10));
    }
    ck_assert_int_eq(seen.n, 0); /* never from inside the call, nor by the Fetcher */
    for (int i = 0; seen.n < 12 && i < 100; i++)
        ck_assert_int_eq(kfk_consumer_poll(c, (int)sim_below(w.rig.s, 50), &rs, &w.e), KFK_OK);
    check_order(12);
    ck_assert_int_eq(kfk_consumer_committed(c, &t, 1, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(t.offset, 20);
    ck_assert_str_eq(t.metadata, "m");
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(seen.n, 12);
    kfk_consumer_free(c);
}

START_TEST(commits_are_told_once_in_order)
{
    world_seeds(&(world_opts){0}, 30, in_order);
}
END_TEST

/* A poll that waits tells, and waits on. */
static void while_waiting(void)
{
    kfk_records *rs;
    int64_t from;

    start();
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = OFFSET_COMMIT, .value = 300);
    commit(0, 0);
    from = now();
    ck_assert_int_eq(kfk_consumer_poll(c, 2000, &rs, &w.e), KFK_OK);
    ck_assert_int_ge(now() - from, 2000 * KFK__MS);
    check_order(1);
    kfk_consumer_free(c);
}

START_TEST(a_poll_that_waits_tells)
{
    world_seeds(&(world_opts){0}, 10, while_waiting);
}
END_TEST

static void by_commit(void)
{
    kfk_tp t = tp("t", 1, 5);

    start();
    commit(0, 0);
    commit(1, 1);
    ck_assert_int_eq(kfk_consumer_commit(c, &t, 1, 10000, &w.e), KFK_OK);
    check_order(2);
    commit(2, 0);
    commit(3, 1);
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    check_order(4);
    ck_assert_int_eq(kfk_consumer_commit_async(c, &t, 1, hears, NULL, &w.e), KFK_ERR_CLOSED);
    kfk_consumer_free(c);
    ck_assert_int_eq(seen.n, 4);
}

START_TEST(commit_and_close_tell)
{
    world_seeds(&(world_opts){0}, 20, by_commit);
}
END_TEST

/* Nobody knows what becomes of it. */
static void without_answer(void)
{
    kfk_records *rs;
    int64_t from;

    start();
    commit(0, 0);
    while (seen.n == 0)
        ck_assert_int_eq(kfk_consumer_poll(c, 10, &rs, &w.e), KFK_OK);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = OFFSET_COMMIT);
    commit(1, 0);
    commit(2, 1);
    from = now();
    ck_assert_int_eq(kfk_consumer_close(c, 700, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_int_le(now() - from, 800 * KFK__MS);
    ck_assert_int_eq(seen.n, 3);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(seen.id[i], i);
        ck_assert(seen.err[i] == KFK_ERR_TIMED_OUT || seen.err[i] == KFK_ERR_CLOSED);
        ck_assert_int_eq(seen.first[i], seen.err[i]);
    }
    ck_assert_int_eq(kfk_consumer_close(c, 0, &w.e), KFK_OK);
    kfk_consumer_free(c);
    ck_assert_int_eq(seen.n, 3);
}

START_TEST(close_tells_even_without_an_answer)
{
    world_seeds(&(world_opts){0}, 20, without_answer);
}
END_TEST

static void is_freed(void)
{
    start();
    for (int i = 0; i < 3; i++)
        commit(i, i);
    nap((int64_t)sim_below(w.rig.s, 30));
    kfk_consumer_free(c);
    ck_assert_int_eq(seen.n, 0);
}

START_TEST(free_tells_nobody)
{
    world_seeds(&(world_opts){0}, 20, is_freed);
}
END_TEST

static void from_inside(void)
{
    kfk_records *rs;

    start();
    seen.again = true;
    commit(0, 0);
    for (int i = 0; seen.n < 2 && i < 100; i++)
        ck_assert_int_eq(kfk_consumer_poll(c, 100, &rs, &w.e), KFK_OK);
    ck_assert_int_eq(seen.n, 2);
    ck_assert_int_eq(seen.offset[1], 77);
    kfk_consumer_free(c);
}

START_TEST(who_is_told_may_commit)
{
    world_seeds(&(world_opts){0}, 10, from_inside);
}
END_TEST

/* What is committed where nothing is named; and what is committed where it may not be. */
static void of_all(void)
{
    kfk_tp tps[2] = {tp("t", 0, 40), tp("t", 1, 50)};

    start();
    ck_assert_int_eq(kfk_consumer_commit_async(c, NULL, 0, hears, (void *)(uintptr_t)&ids[9], &w.e),
                     KFK_OK); /* nothing */
    tps[0].opaque = tps[1].opaque = &w;
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 2, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_commit_async(c, NULL, 0, hears, (void *)(uintptr_t)&ids[8], &w.e),
                     KFK_OK);
    ck_assert_int_eq(kfk_consumer_commit_async(c, NULL, 0, NULL, NULL, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__shared_be(c->shared, true, NULL), KFK_OK);
    commit(7, 0);
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(seen.n, 3);
    ck_assert_uint_eq(seen.partitions[0], 0);
    ck_assert_uint_eq(seen.partitions[1], 2);
    ck_assert_int_eq(seen.offset[1], 40);
    ck_assert_int_eq(seen.err[1], KFK_OK);
    ck_assert_ptr_eq(seen.opaque[1], &w);
    ck_assert_int_eq(seen.err[2], KFK_ERR_REVOKED);
    ck_assert_int_eq(seen.first[2], KFK_ERR_REVOKED);
    kfk_consumer_free(c);
}

START_TEST(positions_are_committed_where_nothing_is_named)
{
    world_seeds(&(world_opts){0}, 20, of_all);
}
END_TEST

static void are_refused(void)
{
    kfk_tp t = tp("t", 0, -3);
    kfk_consumer *none = consumer(NULL);
    kfk_err err = KFK_ERR_NOMEM;
    int n = 0;

    start();
    ck_assert_int_eq(kfk_consumer_commit_async(c, &t, 1, hears, NULL, &w.e), KFK_ERR_INVALID_ARG);
    t.offset = 3;
    ck_assert_int_eq(kfk_consumer_commit_async(none, &t, 1, hears, NULL, &w.e), KFK_ERR_CONFIG);
    nap(100);
    for (uint64_t i = 1; err; i++, n++) {
        failalloc_fail_once(&w.rig.mem, i);
        err = kfk_consumer_commit_async(c, &t, 1, hears, (void *)(uintptr_t)&ids[0], &w.e);
        failalloc_fail_once(&w.rig.mem, 0);
        ck_assert(err == KFK_OK || err == KFK_ERR_NOMEM);
    }
    ck_assert_int_gt(n, 2);
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(seen.n, 1);
    kfk_consumer_free(c);
    kfk_consumer_free(none);
}

START_TEST(what_was_not_begun_is_not_told)
{
    world_seeds(&(world_opts){0}, 5, are_refused);
}
END_TEST

/* ---- what is assigned ---- */

static void is_listed(void)
{
    kfk_tp tps[4], out[4];
    size_t n = 7;

    start();
    ck_assert_int_eq(kfk_consumer_assignment(c, NULL, 0, &n, &w.e), KFK_OK);
    ck_assert_uint_eq(n, 0);
    for (int i = 0; i < 3; i++) {
        tps[i] = tp("t", i, i == 2 ? KFK_OFFSET_LATEST : 5 + i);
        tps[i].opaque = &seen.id[i];
    }
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 3, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_assignment(c, out, 4, &n, &w.e), KFK_OK);
    ck_assert_uint_eq(n, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(out[i].topic, "t");
        ck_assert_int_eq(out[i].partition, i);
        ck_assert_ptr_eq(out[i].opaque, &seen.id[i]);
        ck_assert(i == 2 || (out[i].offset == 5 + i && out[i].flags & KFK_OFFSET));
    }
    ck_assert(out[2].offset == 0 || (out[2].offset == -1 && !(out[2].flags & KFK_OFFSET)));
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    ck_assert_str_eq(out[1].topic, "t"); /* still valid */
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 3, &w.e), KFK_OK);
    memset(out, 0, sizeof out);
    ck_assert_int_eq(kfk_consumer_assignment(c, out, 2, &n, &w.e), KFK_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_ptr_null(out[2].topic);
    ck_assert_int_eq(kfk_consumer_assignment(c, NULL, 2, &n, &w.e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_consumer_assignment(c, out, 2, NULL, &w.e), KFK_ERR_INVALID_ARG);
    failalloc_fail_once(&w.rig.mem, 1);
    ck_assert_int_eq(kfk_consumer_assignment(c, out, 2, &n, &w.e), KFK_ERR_NOMEM);
    ck_assert_int_eq(kfk_consumer_close(c, 1000, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_assignment(c, out, 2, &n, &w.e), KFK_ERR_CLOSED);
    ck_assert_str_eq(out[1].topic, "t");
    kfk_consumer_free(c);
}

START_TEST(the_assignment_can_be_looked_at)
{
    world_seeds(&(world_opts){0}, 10, is_listed);
}
END_TEST

int main(void)
{
    return world_main("sim/async", (const TTest *const[]){
                                       commits_are_told_once_in_order,
                                       a_poll_that_waits_tells,
                                       commit_and_close_tell,
                                       close_tells_even_without_an_answer,
                                       free_tells_nobody,
                                       who_is_told_may_commit,
                                       positions_are_committed_where_nothing_is_named,
                                       what_was_not_begun_is_not_told,
                                       the_assignment_can_be_looked_at,
                                       NULL,
                                   });
}
