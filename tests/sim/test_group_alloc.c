/* Groups that run out of memory: the n-th allocation fails, for every n, alone or with all that follow for a while. Nothing
 * is left of anybody's memory; what was committed was done; and once there is memory again all goes on by itself. */
#include <string.h>

#include "sim/groups.h"

#if defined(__SANITIZE_ADDRESS__)
enum { STEP = 5 };
#elif defined(__SANITIZE_THREAD__)
enum { STEP = 23 };
#else
enum { STEP = 1 };
#endif
enum { PARTS = 3, EACH = 12, RELIEF_MS = 2500 };

static uint64_t nth;
static bool a_while, hit;
static member a;

static void relief(void *arg)
{
    (void)arg;
    nap(RELIEF_MS);
    hit |= failalloc_failed(&w.rig.mem);
    failalloc_fail_from(&w.rig.mem, 0);
}

static void begin_shortage(void)
{
    if (!a_while) {
        failalloc_fail_once(&w.rig.mem, nth);
        return;
    }
    failalloc_fail_from(&w.rig.mem, nth);
    sim_spawn(w.rig.s, 1, "relief", relief, NULL);
}

static kfk_err hand(kfk_group *g, const kfk_record_view *r, void *arg)
{
    return group_record(g, r, arg);
}

/* KFK_OK; or KFK_ERR_NOMEM, and there is none. */
static kfk_err make(void)
{
    static const char *const topics[] = {"t", NULL};

    a.topics = topics;
    a.h.record = hand;
    return group_try(&a, "group.id", "g", "auto.offset.reset", "earliest", "consume.threads", "2",
                     "auto.commit.interval.ms", "300", "retry.backoff.ms", "20", "max.poll.records", "5", NULL);
}

/* Both partitions' records are done; again and again if run had no memory to begin with. */
static void run_it(void)
{
    bool all = false;

    for (int tries = 0; tries < 400 && !all; tries++) {
        if (a.out == 0 && a.n_runs < GROUP_RUNS && tries % 10 == 0)
            group_run(&a);
        nap(100);
        all = true;
        for (int i = 0; i < PARTS; i++)
            all &= a.next[i] == EACH;
    }
    ck_assert_msg(all, "nth %llu: %s", (unsigned long long)nth, a.text);
}

static void scenario(void)
{
    int64_t committed;
    kfk_err err;

    memset(&a, 0, sizeof a);
    topic("t", PARTS, 1);
    group_fill("t", PARTS, PARTS * EACH);
    a.answer = (kfk_err)-9;
    a.fails_at = 3;
    a.fails_in = 1;
    a.verdict = KFK_SKIP;
    begin_shortage();
    err = make();
    for (int i = 0; err && i < 100; i++) {
        ck_assert_msg(failalloc_failed(&w.rig.mem) || hit, "%s", w.e.msg);
        nap(100);
        err = make();
    }
    ck_assert_int_eq(err, KFK_OK);
    run_it();
    kfk_group_stop(a.g);
    group_await(&a, 60000);
    kfk_group_free(a.g);
    hit |= failalloc_failed(&w.rig.mem);
    failalloc_fail_from(&w.rig.mem, 0);
    for (int i = 0; i < PARTS; i++) {
        committed = group_committed("t", i);
        ck_assert_int_le(committed, EACH);
    }
}

static void sweep(bool for_a_while)
{
    a_while = for_a_while;
    hit = true;
    for (nth = 1; hit; nth += STEP) {
        hit = false;
        (void)world_run(&(world_opts){.seed = nth % 3}, scenario);
    }
    ck_assert_uint_gt(nth, 100);
}

START_TEST(one_allocation_fails)
{
    sweep(false);
}
END_TEST

START_TEST(all_fail_for_a_while)
{
    sweep(true);
}
END_TEST

int main(void)
{
    return world_main("sim/group_alloc", (const TTest *const[]){
                                             one_allocation_fails,
                                             all_fail_for_a_while,
                                             NULL,
                                         });
}
