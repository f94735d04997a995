/* Commits as a member of a group: as whom, of what, and what becomes of those that are refused. */
#include <stdatomic.h>
#include <string.h>

#include "consumer/handle.h"
#include "devbroker/call.h"
#include "proto/offset_commit.h"
#include "sim/world.h"

static kfk_consumer *c;

/* What the broker was asked, and what the handle was told. */
static struct {
    atomic_int commits, partitions;
    atomic_int generation[8];
    atomic_int offset[8]; /* of the first partition */
    atomic_bool named;    /* the last as m1, i1 */
    atomic_int becomes;   /* at the first commit the handle becomes that; 0: it does not */
    atomic_int refusals, refusal, refused_generation;
} seen;

static void be(bool member, int32_t generation)
{
    kfk__group_meta who = {"g", generation < 0 ? "" : "m1", "i1", generation};

    ck_assert_int_eq(kfk__shared_be(c->shared, member, &who), KFK_OK);
}

static bool is(kfk_bytes b, const char *text)
{
    return b.len == strlen(text) && memcmp(b.data, text, b.len) == 0;
}

static void hear(void *arg, const kfk__dev_call *call)
{
    const kfk__offset_commit_request *rq = call->request;
    int i = seen.commits;

    (void)arg;
    if (call->key != OFFSET_COMMIT || i == 8)
        return;
    seen.commits++;
    seen.generation[i] = rq->generation_id_or_member_epoch;
    seen.named = is(rq->member_id, "m1") && is(rq->group_instance_id, "i1");
    seen.partitions = 0;
    for (int32_t k = 0; k < rq->topics.n; k++)
        seen.partitions += rq->topics.v[k].partitions.n;
    seen.offset[i] = (int)rq->topics.v[0].partitions.v[0].committed_offset;
    if (seen.becomes > 0)
        be(true, seen.becomes);
    seen.becomes = 0;
}

static void refused(void *owner, kfk_err code, int32_t generation)
{
    ck_assert_ptr_eq(owner, &seen);
    seen.refusals++;
    seen.refusal = code;
    seen.refused_generation = generation;
}

static void start(const char *every_ms)
{
    kfk_tp tps[2];

    memset(&seen, 0, sizeof seen);
    topic("t", 4, 1);
    c = consumer("group.id", "g", "enable.auto.commit", every_ms ? "true" : "false",
                 "auto.commit.interval.ms", every_ms ? every_ms : "5000", NULL);
    kfk__shared_on_refused(c->shared, refused, &seen);
    tps[0] = tp("t", 0, 0);
    tps[1] = tp("t", 1, 0);
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 2, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_commit(c, tps, 1, 10000, &w.e), KFK_OK); /* so there is a group */
    seen.commits = 0;
}

static void as_nobody(void)
{
    kfk_tp t = tp("t", 2, 7); /* which is not assigned: a plain consumer may */

    start(NULL);
    ck_assert_int_eq(kfk_consumer_commit(c, &t, 1, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(seen.generation[0], -1);
    ck_assert(!seen.named);
    ck_assert_int_eq(seen.refusals, 0);
    kfk_consumer_free(c);
}

START_TEST(a_plain_consumer_commits_as_nobody)
{
    world_seeds(&(world_opts){.heard = hear}, 5, as_nobody);
}
END_TEST

/* Whom the group does not know. */
static void as_member(void)
{
    kfk_tp tps[3];

    start(NULL);
    be(true, 5);
    tps[0] = tp("t", 3, 7);
    tps[1] = tp("t", 1, 8);
    ck_assert_int_eq(kfk_consumer_commit(c, tps, 2, 10000, &w.e), KFK_ERR_REVOKED);
    ck_assert(strstr(w.e.msg, "t-3") != NULL);
    ck_assert_int_eq(tps[0].err, KFK_ERR_REVOKED);
    ck_assert_int_eq(tps[1].err, KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(seen.commits, 1);
    ck_assert_int_eq(seen.partitions, 1);
    ck_assert_int_eq(seen.offset[0], 8);
    ck_assert_int_eq(seen.generation[0], 5);
    ck_assert(seen.named);
    ck_assert_int_eq(seen.refusals, 1);
    ck_assert_int_eq(seen.refusal, KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(seen.refused_generation, 5);
    kfk_consumer_free(c);
}

START_TEST(a_member_commits_what_is_its_own_as_itself)
{
    world_seeds(&(world_opts){.heard = hear}, 10, as_member);
}
END_TEST

/* It has not joined yet, or has been thrown out: nobody is asked. */
static void as_no_member(void)
{
    kfk_tp tps[2];

    start(NULL);
    ck_assert_int_eq(kfk__shared_be(c->shared, true, NULL), KFK_OK);
    for (int i = 0; i < 2; i++) {
        tps[0] = tp("t", 0, 7);
        tps[1] = tp("t", 1, 8);
        ck_assert_int_eq(kfk_consumer_commit(c, tps, 2, 10000, &w.e), KFK_ERR_REVOKED);
        ck_assert_int_eq(tps[0].err, KFK_ERR_REVOKED);
        ck_assert_int_eq(tps[1].err, KFK_ERR_REVOKED);
        be(true, -1);
    }
    ck_assert_int_eq(seen.commits, 0);
    ck_assert_int_eq(seen.refusals, 0);
    ck_assert_int_eq(kfk__shared_be(c->shared, false, NULL), KFK_OK);
    ck_assert_int_eq(kfk_consumer_commit(c, tps, 2, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(who_is_no_member_now_commits_nothing)
{
    world_seeds(&(world_opts){.heard = hear}, 5, as_no_member);
}
END_TEST

static void refuse(kfk_err err)
{
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY, .value = err);
}

/* The member has gone on to epoch 6 while the commit of 5 was under way. */
static void goes_on(void)
{
    kfk_tp t = tp("t", 0, 7);

    start(NULL);
    be(true, 5);
    refuse(KFK_ERR_STALE_MEMBER_EPOCH);
    seen.becomes = 6;
    ck_assert_int_eq(kfk__consumer_commit(c, &t, 1, 10000, KFK__COMMIT_FOLLOWS, &w.e),
                     KFK_ERR_UNKNOWN_MEMBER_ID); /* which is said of the second */
    ck_assert_int_eq(seen.commits, 2);
    ck_assert_int_eq(seen.generation[0], 5);
    ck_assert_int_eq(seen.generation[1], 6);
    ck_assert_int_eq(seen.offset[1], 7);
    ck_assert_int_eq(seen.refusals, 1);
    ck_assert_int_eq(seen.refused_generation, 6);

    /* One that does not follow is told, */
    refuse(KFK_ERR_STALE_MEMBER_EPOCH);
    seen.becomes = 7;
    ck_assert_int_eq(kfk_consumer_commit(c, &t, 1, 10000, &w.e), KFK_ERR_STALE_MEMBER_EPOCH);
    ck_assert_int_eq(seen.commits, 3);
    ck_assert_int_eq(seen.refusals, 2);
    ck_assert_int_eq(seen.refusal, KFK_ERR_STALE_MEMBER_EPOCH);

    /* and one whose member has not gone on. */
    refuse(KFK_ERR_STALE_MEMBER_EPOCH);
    ck_assert_int_eq(kfk__consumer_commit(c, &t, 1, 10000, KFK__COMMIT_FOLLOWS, &w.e),
                     KFK_ERR_STALE_MEMBER_EPOCH);
    ck_assert_int_eq(seen.commits, 4);
    ck_assert_int_eq(seen.refusals, 3);
    kfk_consumer_free(c);
}

START_TEST(a_commit_follows_its_member_into_the_next_epoch)
{
    world_seeds(&(world_opts){.heard = hear}, 10, goes_on);
}
END_TEST

/* By the time that the old one is refused a newer one waits: that is not undone. */
static void newer_is_there(void)
{
    kfk_tp old = tp("t", 0, 7), new = tp("t", 0, 9);

    start(NULL);
    be(true, 5);
    refuse(KFK_ERR_STALE_MEMBER_EPOCH);
    (void)kfk__consumer_commit(c, &old, 1, 0, KFK__COMMIT_FOLLOWS | KFK__COMMIT_IS_LEFT, NULL);
    be(true, 6);
    ck_assert_int_eq(kfk_consumer_commit(c, &new, 1, 10000, &w.e), KFK_ERR_UNKNOWN_MEMBER_ID);
    nap(1000);
    ck_assert_int_eq(seen.commits, 2);
    ck_assert_int_eq(seen.offset[1], 9);
    ck_assert_int_eq(seen.generation[1], 6);
    kfk_consumer_free(c);
}

START_TEST(an_older_commit_does_not_follow_a_newer_one)
{
    world_seeds(&(world_opts){.heard = hear}, 20, newer_is_there);
}
END_TEST

/* Commits by themselves are made as the member, too, and follow it. */
static void by_itself(void)
{
    kfk_records *rs;

    start("1000");
    be(true, 5);
    refuse(KFK_ERR_STALE_MEMBER_EPOCH);
    seen.becomes = 6;
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(kfk_consumer_poll(c, 100, &rs, &w.e), KFK_OK);
    ck_assert_int_ge(seen.commits, 2);
    ck_assert_int_eq(seen.generation[0], 5);
    ck_assert_int_eq(seen.generation[1], 6);
    ck_assert_int_eq(seen.partitions, 2);
    kfk_consumer_free(c);
}

START_TEST(auto_commits_follow)
{
    world_seeds(&(world_opts){.heard = hear}, 10, by_itself);
}
END_TEST

int main(void)
{
    return world_main("sim/members", (const TTest *const[]){
                                         a_plain_consumer_commits_as_nobody,
                                         a_member_commits_what_is_its_own_as_itself,
                                         who_is_no_member_now_commits_nothing,
                                         a_commit_follows_its_member_into_the_next_epoch,
                                         an_older_commit_does_not_follow_a_newer_one,
                                         auto_commits_follow,
                                         NULL,
                                     });
}
