/* How a consumer fetches: sessions, nearer replicas, epochs and truncation, memory, what is asked and committed.
 * Checks 31 to 34 of Kafka's own behaviour bear their numbers. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "devbroker/call.h"
#include "proto/fetch.h"
#include "sim/world.h"

static int ids[WORLD_RECORDS];

/* |n| records in a partition, in batches of ten. */
static void fill(const char *name, int32_t partition, int n)
{
    kfk_producer *p = producer("linger.ms", "5", NULL);

    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(send_to(p, name, partition), KFK_OK);
        if (i % 10 == 9)
            flush(p);
    }
    flush(p);
    kfk_producer_free(p);
}

/* The next |n| records' numbers go up by one from |first|. */
static void expect(kfk_consumer *c, int first, int n)
{
    int got = read_records(c, n, 60000, ids);

    ck_assert_int_eq(got, n);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(ids[i], first + i);
}

static void nothing_comes(kfk_consumer *c, int64_t ms)
{
    ck_assert_int_eq(read_records(c, 1, ms, ids), 0);
}

static kfk_err poll_error(kfk_consumer *c)
{
    kfk_records *rs = NULL;
    kfk_err err = kfk_consumer_poll(c, 10000, &rs, &w.e);

    ck_assert_ptr_null(rs);
    return err;
}

static kfk_tp position(kfk_consumer *c)
{
    kfk_tp at = tp("t", 0, 0);

    ck_assert_int_eq(kfk_consumer_position(c, &at, 1, 10000, &w.e), KFK_OK);
    return at;
}

static void assign_all(kfk_consumer *c, const char *name, int32_t n)
{
    kfk_tp tps[64];

    for (int32_t i = 0; i < n; i++)
        tps[i] = tp(name, i, KFK_OFFSET_EARLIEST);
    ck_assert_int_eq(kfk_consumer_assign(c, tps, (size_t)n, &w.e), KFK_OK);
}

/* Begins without an offset. */
static void assign_open(kfk_consumer *c)
{
    kfk_tp at = {.topic = "t"};

    ck_assert_int_eq(kfk_consumer_assign(c, &at, 1, &w.e), KFK_OK);
}

/* ---- sessions ---- */

/* What Fetch requests came to; the broker's thread counts. */
static struct {
    atomic_int full, incremental, named, forgotten;
    atomic_int by_node[4];
} heard;

static void forget_heard(void)
{
    heard.full = heard.incremental = heard.named = heard.forgotten = 0;
    for (int i = 0; i < 4; i++)
        heard.by_node[i] = 0;
}

static void hear(void *arg, const kfk__dev_call *call)
{
    const kfk__fetch_request *rq = call->request;

    (void)arg;
    if (call->key != FETCH)
        return;
    heard.full += rq->session_epoch <= 0;
    heard.incremental += rq->session_epoch > 0;
    heard.by_node[call->node]++;
    for (int32_t i = 0; i < rq->topics.n; i++)
        heard.named += rq->session_epoch > 0 ? rq->topics.v[i].partitions.n : 0;
    for (int32_t i = 0; i < rq->forgotten_topics_data.n; i++)
        heard.forgotten += rq->forgotten_topics_data.v[i].partitions.n;
}

#define PARTITIONS 50

/* The idle ones are told of once. */
static void tells_what_has_changed(void)
{
    kfk_consumer *c = consumer(NULL);

    forget_heard();
    topic("t", PARTITIONS, 1);
    assign_all(c, "t", PARTITIONS);
    nothing_comes(c, 1000);
    ck_assert_int_eq(heard.full, 1);
    heard.named = 0;
    fill("t", 7, 100);
    expect(c, 0, 100);
    ck_assert_int_eq(heard.full, 1);
    ck_assert_int_gt(heard.incremental, 2);
    ck_assert_int_le(heard.named, heard.incremental); /* no more than the busy one */
    ck_assert_int_eq(heard.forgotten, 0);
    kfk_consumer_free(c);
}

START_TEST(check_31_a_session_names_what_has_changed)
{
    world_seeds(&(world_opts){.heard = hear}, 10, tells_what_has_changed);
    world_seeds(&(world_opts){.heard = hear, .profile = "2.1"}, 10, tells_what_has_changed);
}
END_TEST

/* What is unassigned is forgotten there, and comes back from where it is told. */
static void forgets(void)
{
    kfk_consumer *c = consumer(NULL);
    kfk_tp one = tp("t", 1, KFK_OFFSET_EARLIEST);

    forget_heard();
    topic("t", 2, 1);
    fill("t", 1, 20);
    assign_all(c, "t", 2);
    expect(c, 0, 20);
    ck_assert_int_eq(kfk_consumer_incremental_unassign(c, &one, 1, &w.e), KFK_OK);
    fill("t", 1, 10);
    nothing_comes(c, 1200);
    ck_assert_int_eq(heard.forgotten, 1);
    ck_assert_int_eq(kfk_consumer_incremental_unassign(c, &one, 1, &w.e), KFK_ERR_STATE);
    ck_assert_int_eq(kfk_consumer_incremental_assign(c, &one, 1, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_incremental_assign(c, &one, 1, &w.e), KFK_ERR_STATE);
    expect(c, 0, 30);
    ck_assert_int_eq(heard.full, 1);
    kfk_consumer_free(c);
}

START_TEST(check_31_what_is_unassigned_is_forgotten)
{
    world_seeds(&(world_opts){.heard = hear}, 20, forgets);
}
END_TEST

/* Whatever becomes of sessions, no record is missed or comes twice. */
static void loses_sessions(void)
{
    kfk_consumer *c = consumer("fetch.max.wait.ms", "50", NULL), *other = consumer(NULL);
    kfk_producer *p = producer("linger.ms", "0", NULL);
    int next = 0;

    topic("t", 3, 3);
    assign_all(c, "t", 3);
    assign_all(other, "t", 3);
    for (int round = 0; round < 60; round++) {
        switch (sim_below(w.rig.s, 6)) {
        case 0:
            (void)kfk__devbroker_expire_sessions(w.broker, KFK__DEV_ANY);
            break;
        case 1:
            (void)kfk__devbroker_set_session_epoch(w.broker, KFK__DEV_ANY, 77);
            break;
        case 2:
            (void)kfk__devbroker_limit_sessions(w.broker, KFK__DEV_ANY,
                                                (int32_t)sim_below(w.rig.s, 3));
            break;
        case 3:
            simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
            break;
        case 4:
            (void)kfk__devbroker_move_leader(w.broker, "t", (int32_t)sim_below(w.rig.s, 3),
                                             (int32_t)sim_below(w.rig.s, 3) + 1);
            break;
        default:
            FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FETCH,
                  .value = KFK_ERR_FETCH_SESSION_TOPIC_ID_ERROR);
            break;
        }
        send_and_flush(p, "t", 0);
        expect(c, next++, 1);
    }
    kfk_producer_free(p);
    kfk_consumer_free(c);
    kfk_consumer_free(other);
}

START_TEST(check_31_sessions_that_are_lost_lose_no_record)
{
    world_seeds(&(world_opts){.nodes = 3}, 30, loses_sessions);
    world_seeds(&(world_opts){.nodes = 3, .profile = "2.4"}, 10, loses_sessions);
}
END_TEST

/* The name is the same, the topic is not: nothing of it was read. */
static void is_made_again(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", "metadata.max.age.ms", "1000", NULL);
    kfk_consumer *none = consumer("auto.offset.reset", "none", "metadata.max.age.ms", "1000", NULL);
    kfk_err err;

    topic("t", 1, 1);
    fill("t", 0, 50);
    assign(c, "t", 0, 0);
    assign(none, "t", 0, 0);
    expect(c, 0, 50);
    expect(none, 0, 50);
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    nothing_comes(c, (int64_t)sim_below(w.rig.s, 3000));
    topic("t", 1, 1);
    fill("t", 0, 70); /* the position that was is within it */
    expect(c, 50, 70);
    err = poll_error(none); /* or the new log was asked before metadata told whose it is */
    ck_assert(err == KFK_ERR_UNKNOWN_TOPIC_ID || err == KFK_ERR_TRUNCATED);
    kfk_consumer_free(c);
    kfk_consumer_free(none);
}

/* Kafka 2.8 tells ids in metadata and fetches by names: the new log is seen before the new id. */
static void is_seen_by_name(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", "metadata.max.age.ms", "5000", NULL);
    kfk_consumer *none = consumer("auto.offset.reset", "none", "metadata.max.age.ms", "5000", NULL);
    kfk_tp t = tp("t", 0, 0);

    topic("t", 1, 1);
    fill("t", 0, 50);
    assign(c, "t", 0, 0);
    assign(none, "t", 0, 0);
    expect(c, 0, 50);
    expect(none, 0, 50);
    ck_assert_int_eq(kfk_consumer_pause(c, &t, 1, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_pause(none, &t, 1, &w.e), KFK_OK);
    nap(1000); /* nothing is under way that would be told of the deletion */
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    topic("t", 1, 1);
    fill("t", 0, 20);
    ck_assert_int_eq(kfk_consumer_resume(c, &t, 1, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_resume(none, &t, 1, &w.e), KFK_OK);
    expect(c, 50, 20);
    nothing_comes(c, 12000);
    (void)poll_error(none);
    t.offset = 5;
    ck_assert_int_eq(kfk_consumer_seek(none, &t, 1, &w.e), KFK_OK);
    expect(none, 55, 15);
    nothing_comes(none, 12000);
    kfk_consumer_free(c);
    kfk_consumer_free(none);
}

START_TEST(check_31_a_topic_made_again_is_another)
{
    world_seeds(&(world_opts){.no_auto_create = true}, 20, is_made_again);
    world_seeds(&(world_opts){.no_auto_create = true, .profile = "2.8"}, 20, is_seen_by_name);
    world_seeds(&(world_opts){.no_auto_create = true, .profile = "2.4"}, 5, is_seen_by_name);
}
END_TEST

/* ---- nearer replicas ---- */

static const char *const racks[] = {"a", "b", "c"};

/* Which node does not lead "t". */
static int32_t follower_in(const char *rack)
{
    for (int32_t i = 0; i < 3; i++)
        if (strcmp(racks[i], rack) == 0)
            return i + 1;
    return -1;
}

static void reads_nearby(void)
{
    kfk_consumer *c = consumer("client.rack", "b", NULL);
    kfk__devbroker_offsets behind = {.start = 0, .high = 60, .end = 60};
    int32_t near = follower_in("b");

    forget_heard();
    topic("t", 1, 3);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 1), KFK_OK);
    fill("t", 0, 50);
    assign(c, "t", 0, 0);
    expect(c, 0, 50);
    ck_assert_int_ge(heard.by_node[near], 1);
    heard.by_node[1] = 0;
    fill("t", 0, 50);
    expect(c, 50, 50);
    ck_assert_int_eq(heard.by_node[1], 0); /* it is not asked any more */

    /* The follower falls behind: what it does not have is not out of range. */
    ck_assert_int_eq(kfk__devbroker_set_follower(w.broker, "t", 0, near, &behind), KFK_OK);
    fill("t", 0, 10);
    expect(c, 100, 10);
    ck_assert_int_gt(heard.by_node[1], 0);
    ck_assert_int_eq(kfk__devbroker_set_follower(w.broker, "t", 0, near, NULL), KFK_OK);

    /* It stops: the leader is there. */
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, near), KFK_OK);
    fill("t", 0, 10);
    expect(c, 110, 10);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, near), KFK_OK);
    fill("t", 0, 10);
    expect(c, 120, 10);
    kfk_consumer_free(c);
}

START_TEST(check_32_a_follower_that_is_behind_resets_nothing)
{
    world_seeds(&(world_opts){.nodes = 3, .racks = racks, .heard = hear}, 20, reads_nearby);
    world_seeds(&(world_opts){.nodes = 3, .racks = racks, .heard = hear, .profile = "2.4"}, 5,
                reads_nearby);
}
END_TEST

/* Brokers told of none there when they were asked last. */
static void finds_one_that_comes(void)
{
    kfk_consumer *c = consumer("client.rack", "b", NULL);
    int32_t near = follower_in("b");
    int64_t metadata;

    topic("t", 1, 3);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 1), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, near), KFK_OK);
    fill("t", 0, 10);
    assign(c, "t", 0, 0);
    expect(c, 0, 10);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, near), KFK_OK);
    forget_heard();
    metadata = requests(METADATA);
    for (int i = 1; i <= 5; i++) {
        fill("t", 0, 10);
        expect(c, 10 * i, 10);
        nap(1000);
    }
    ck_assert_int_ge(heard.by_node[near], 1);
    ck_assert_int_le(requests(METADATA) - metadata, 5 * 2 + 5); /* those of the producers, too */
    heard.by_node[1] = 0;
    fill("t", 0, 10);
    expect(c, 60, 10);
    ck_assert_int_eq(heard.by_node[1], 0);
    kfk_consumer_free(c);
}

START_TEST(check_32_a_follower_that_comes_is_found)
{
    world_seeds(&(world_opts){.nodes = 3, .racks = racks, .heard = hear}, 20, finds_one_that_comes);
}
END_TEST

/* ---- truncation ---- */

/* An unclean election: from |offset| on the log is another one. */
static void truncate_at(int64_t offset, int n)
{
    ck_assert_int_eq(kfk__devbroker_truncate(w.broker, "t", 0, offset), KFK_OK);
    if (n > 0)
        fill("t", 0, n);
}

static void goes_on_where_it_parted(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", sim_below(w.rig.s, 2) ? "earliest" : "latest",
                               NULL);
    kfk_consumer *none = consumer("auto.offset.reset", "none", NULL);
    int64_t cut = 10 * (1 + (int64_t)sim_below(w.rig.s, 8));
    int again = 40;
    kfk_tp at;

    topic("t", 1, 1);
    fill("t", 0, 100);
    assign(c, "t", 0, 0);
    assign(none, "t", 0, 0);
    expect(c, 0, 100);
    expect(none, 0, 100);
    truncate_at(cut, again);
    expect(c, 100, again);
    at = position(c);
    ck_assert_int_eq(at.offset, cut + again);

    ck_assert_int_eq(poll_error(none), KFK_ERR_TRUNCATED);
    ck_assert_int_eq(w.e.offset, cut);
    ck_assert_str_eq(w.e.topic, "t");
    ck_assert_int_eq(position(none).offset, 100);
    at = tp("t", 0, w.e.offset);
    ck_assert_int_eq(kfk_consumer_seek(none, &at, 1, &w.e), KFK_OK);
    expect(none, 100, again);
    kfk_consumer_free(c);
    kfk_consumer_free(none);
}

START_TEST(check_33_a_truncated_log_is_read_on_from_where_it_parted)
{
    world_seeds(&(world_opts){0}, 40, goes_on_where_it_parted);
    world_seeds(&(world_opts){.profile = "2.4"}, 10, goes_on_where_it_parted);
}
END_TEST

/* What was fetched and not handed out is not handed out either, if it is not there any more. */
static void forgets_what_is_not_there(void)
{
    kfk_consumer *c = consumer("max.poll.records", "10", "auto.offset.reset", "none", NULL);

    topic("t", 1, 1);
    fill("t", 0, 100);
    assign(c, "t", 0, 0);
    expect(c, 0, 20);
    truncate_at(50, 30);
    nap(2000); /* until the Fetcher knows */
    expect(c, 20, 30);
    expect(c, 100, 30);
    kfk_consumer_free(c);
}

START_TEST(check_33_what_was_fetched_and_is_gone_is_not_read)
{
    world_seeds(&(world_opts){0}, 20, forgets_what_is_not_there);
}
END_TEST

/* A position that is given with its epoch is checked before anything is read. */
static void checks_what_it_is_given(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);
    kfk_tp at;

    topic("t", 1, 1);
    fill("t", 0, 50);
    assign(c, "t", 0, 0);
    expect(c, 0, 50);
    at = position(c);
    ck_assert_int_ge(at.leader_epoch, 0);
    truncate_at(20, 60);
    at.flags = KFK_OFFSET | KFK_EPOCH;
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_assign(c, &at, 1, &w.e), KFK_OK);
    expect(c, 50, 60);
    kfk_consumer_free(c);
}

START_TEST(check_33_a_position_with_an_epoch_is_checked_first)
{
    world_seeds(&(world_opts){0}, 20, checks_what_it_is_given);
}
END_TEST

/* ---- where it begins ---- */

static void commit(kfk_consumer *c, int64_t offset, const char *metadata)
{
    kfk_tp at = tp("t", 0, offset);

    at.metadata = metadata;
    ck_assert_int_eq(kfk_consumer_commit(c, &at, 1, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(at.err, KFK_OK);
}

static kfk_tp committed(kfk_consumer *c)
{
    kfk_tp at = {.topic = "t"};

    ck_assert_msg(kfk_consumer_committed(c, &at, 1, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_eq(at.err, KFK_OK);
    return at;
}

static void begins_where_it_left_off(void)
{
    kfk_consumer *c = consumer("group.id", "g", "enable.auto.commit", "false", "auto.offset.reset",
                               "latest", "auto.offset.start", "earliest", NULL);
    kfk_tp at;

    topic("t", 1, 1);
    fill("t", 0, 50);
    ck_assert_int_eq(committed(c).offset, -1);
    assign_open(c);
    expect(c, 0, 50); /* nothing is committed: auto.offset.start */
    commit(c, 30, "half way");
    at = committed(c);
    ck_assert_int_eq(at.offset, 30);
    ck_assert_str_eq(at.metadata, "half way");
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    assign_open(c);
    expect(c, 30, 20); /* what is committed */

    /* What is committed is not there any more: auto.offset.reset, not auto.offset.start. */
    commit(c, 10, NULL);
    ck_assert_int_eq(kfk__devbroker_trim(w.broker, "t", 0, 20), KFK_OK);
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    assign_open(c);
    nothing_comes(c, 1000);
    ck_assert_int_eq(position(c).offset, 50);
    kfk_consumer_free(c);
}

START_TEST(check_34_what_is_committed_goes_before_auto_offset_reset)
{
    world_seeds(&(world_opts){.nodes = 3}, 20, begins_where_it_left_off);
    world_seeds(&(world_opts){.nodes = 3, .profile = "2.1"}, 10, begins_where_it_left_off);
}
END_TEST

static void begins_some_time_ago(void)
{
    kfk_consumer *hour = consumer("auto.offset.reset", "by_duration:PT1H", NULL);
    kfk_consumer *second = consumer("auto.offset.reset", "by_duration:PT1S", NULL);
    kfk_consumer *never = consumer("auto.offset.reset", "by_duration:PT0S", NULL);
    kfk_tp at = {.topic = "t", .flags = KFK_TIMESTAMP};
    int64_t then;

    topic("t", 1, 1);
    fill("t", 0, 10);
    nap(5000);
    then = w.rig.env.ops->wall_ms(w.rig.env.ctx);
    nap(100);
    fill("t", 0, 10);
    assign_open(hour);
    expect(hour, 0, 20);
    assign_open(second);
    expect(second, 10, 10);
    nap(10);
    assign_open(never); /* no record is that young: what comes next */
    nothing_comes(never, 300);
    fill("t", 0, 10);
    expect(never, 20, 10);
    at.offset = then;
    ck_assert_int_eq(kfk_consumer_seek(hour, &at, 1, &w.e), KFK_OK);
    expect(hour, 10, 20);
    kfk_consumer_free(hour);
    kfk_consumer_free(second);
    kfk_consumer_free(never);
}

START_TEST(check_34_by_duration)
{
    world_seeds(&(world_opts){0}, 10, begins_some_time_ago);
}
END_TEST

/* ---- pausing ---- */

static void pauses(void)
{
    kfk_consumer *c = consumer("max.poll.records", "10", NULL);
    kfk_tp one = tp("t", 0, 0), both[2] = {tp("t", 0, 0), tp("u", 0, 0)};
    int64_t fetches;

    topic("t", 1, 1);
    topic("u", 1, 1);
    fill("t", 0, 40);
    assign(c, "t", 0, 0);
    expect(c, 0, 10);
    nap(1000); /* the rest is there */
    ck_assert_int_eq(kfk_consumer_pause(c, both, 2, &w.e), KFK_ERR_STATE); /* u is not */
    ck_assert_int_eq(kfk_consumer_pause(c, &one, 1, &w.e), KFK_OK);
    nothing_comes(c, 1000);
    ck_assert_int_eq(position(c).offset, 10);
    fetches = requests(FETCH);
    nothing_comes(c, 5000);
    ck_assert_int_le(requests(FETCH), fetches + 1); /* nothing is wanted */
    fetches = requests(FETCH);
    ck_assert_int_eq(kfk_consumer_resume(c, &one, 1, &w.e), KFK_OK);
    ck_assert_int_eq(read_records(c, 10, 1, ids), 10); /* it was kept */
    ck_assert_int_eq(ids[0], 10);
    expect(c, 20, 20);
    kfk_consumer_free(c);
}

START_TEST(what_is_paused_is_kept_and_not_handed_out)
{
    world_seeds(&(world_opts){0}, 20, pauses);
}
END_TEST

/* ---- memory ---- */

/* One partition that nobody reads pins its own bytes, and the others go on. */
static void slow_one(void)
{
    kfk_consumer *c = consumer("fetch.buffer.memory", "65536", "max.partition.fetch.bytes", "8192",
                               NULL);
    kfk_producer *p = producer("linger.ms", "0", NULL);
    kfk_tp slow = tp("t", 0, 0);

    topic("t", 2, 1);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 1000), KFK_OK);
    flush(p);
    assign_all(c, "t", 2);
    nap(2000); /* it is full */
    ck_assert_int_eq(kfk_consumer_pause(c, &slow, 1, &w.e), KFK_OK);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(send_record(p, new_record(), "t", 1, 0, 1000), KFK_OK);
        flush(p);
        expect(c, 300 + i, 1);
    }
    ck_assert_int_eq(kfk_consumer_resume(c, &slow, 1, &w.e), KFK_OK);
    expect(c, 0, 300);
    kfk_producer_free(p);
    kfk_consumer_free(c);
}

START_TEST(one_that_is_not_read_pins_its_own_bytes)
{
    world_seeds(&(world_opts){0}, 10, slow_one);
}
END_TEST

/* What the application holds is of the budget: then poll says so, and goes on when it is freed. */
static void holds_all(void)
{
    kfk_consumer *c = consumer("fetch.buffer.memory", "65536", "max.partition.fetch.bytes", "8192",
                               NULL);
    kfk_producer *p = producer("linger.ms", "0", NULL);
    kfk_records *held[64];
    kfk_err err = KFK_OK;
    int64_t start;
    int n = 0, read = 0;

    topic("t", 1, 1);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 1000), KFK_OK);
    flush(p);
    assign(c, "t", 0, 0);
    while (n < 64 && !err) {
        start = now();
        err = kfk_consumer_poll(c, -1, &held[n], &w.e);
        n += held[n] != NULL;
    }
    ck_assert_int_eq(err, KFK_ERR_BUFFER_FULL);
    ck_assert_int_ge(now() - start, 900 * SIM_MS);
    ck_assert_int_lt(now() - start, 3 * SIM_S);
    ck_assert_int_eq(kfk_consumer_poll(c, 100, &held[n], &w.e), KFK_ERR_BUFFER_FULL);
    for (int i = n; i-- > 0;) { /* in any order */
        while (kfk_records_next(held[i]))
            read++;
        kfk_records_free(held[i]);
    }
    expect(c, read, 300 - read);
    kfk_producer_free(p);
    kfk_consumer_free(c);
}

START_TEST(poll_says_when_the_application_holds_all)
{
    world_seeds(&(world_opts){0}, 10, holds_all);
}
END_TEST

/* ---- asking ---- */

static void asks_for_offsets(void)
{
    kfk_consumer *c = consumer(NULL);
    int64_t then;
    kfk_tp tps[6];

    topic("t", 1, 3);
    topic("u", 2, 3);
    fill("t", 0, 10);
    nap(5000);
    then = w.rig.env.ops->wall_ms(w.rig.env.ctx);
    nap(100);
    fill("t", 0, 10);
    fill("u", 1, 5);
    ck_assert_int_eq(kfk__devbroker_trim(w.broker, "t", 0, 3), KFK_OK);
    tps[0] = tp("t", 0, KFK_OFFSET_EARLIEST);
    tps[1] = tp("t", 0, KFK_OFFSET_LATEST); /* the same one twice */
    tps[2] = tp("u", 1, KFK_OFFSET_LATEST);
    tps[3] = (kfk_tp){.topic = "t", .offset = then, .flags = KFK_TIMESTAMP};
    tps[4] = (kfk_tp){.topic = "t", .offset = then + 3600000, .flags = KFK_TIMESTAMP};
    tps[5] = tp("t", 0, KFK_OFFSET_MAX_TIMESTAMP);
    ck_assert_int_eq(kfk_consumer_list_offsets(c, tps, 6, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(tps[0].offset, 3);
    ck_assert_int_eq(tps[1].offset, 20);
    ck_assert_int_eq(tps[2].offset, 5);
    ck_assert_int_eq(tps[3].offset, 10);
    ck_assert_int_eq(tps[4].offset, -1);
    ck_assert_int_eq(tps[4].err, KFK_OK);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tps[i].err, KFK_OK);
    if (tps[5].err) /* before Kafka 3.0 there was no such question */
        ck_assert_int_eq(tps[5].err, KFK_ERR_UNSUPPORTED_VERSION);
    else
        ck_assert_int_ge(tps[5].offset, 10);
    tps[0] = tp("t", 0, 5);
    ck_assert_int_eq(kfk_consumer_list_offsets(c, tps, 1, 10000, &w.e), KFK_ERR_INVALID_ARG);
    kfk_consumer_free(c);
}

START_TEST(offsets_are_asked_of_each_leader)
{
    world_seeds(&(world_opts){.nodes = 3}, 10, asks_for_offsets);
    world_seeds(&(world_opts){.nodes = 3, .profile = "2.1"}, 5, asks_for_offsets);
}
END_TEST

/* What did not come in time goes on; the same call asks for it. */
static void asks_again(void)
{
    kfk_consumer *c = consumer("group.id", "g", "enable.auto.commit", "false", NULL);
    kfk_tp end = tp("t", 0, KFK_OFFSET_LATEST), at = tp("t", 0, 4);
    int64_t asked;

    topic("t", 1, 1);
    fill("t", 0, 10);
    ck_assert_int_eq(kfk_consumer_list_offsets(c, &end, 1, 0, &w.e), KFK_ERR_TIMED_OUT);
    nap(1000);
    asked = requests(LIST_OFFSETS);
    ck_assert_int_eq(kfk_consumer_list_offsets(c, &end, 1, 0, &w.e), KFK_OK);
    ck_assert_int_eq(end.offset, 10);
    ck_assert_int_eq(requests(LIST_OFFSETS), asked);

    ck_assert_int_eq(kfk_consumer_commit(c, &at, 1, 0, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_uint_ne(w.e.flags & KFK_MAYBE_DONE, 0);
    nap(1000);
    ck_assert_int_eq(kfk_consumer_commit(c, &at, 1, 0, &w.e), KFK_OK);
    ck_assert_int_eq(committed(c).offset, 4);
    kfk_consumer_free(c);
}

START_TEST(the_same_call_asks_for_what_went_on)
{
    world_seeds(&(world_opts){0}, 20, asks_again);
}
END_TEST

/* A commit that another came after is not the answer to a third one. */
static void commits_again(void)
{
    kfk_consumer *c = consumer("group.id", "g", "enable.auto.commit", "false", NULL);
    kfk_tp ten = tp("t", 0, 10);

    topic("t", 1, 1);
    ck_assert_int_eq(kfk_consumer_commit(c, &ten, 1, 0, &w.e), KFK_ERR_TIMED_OUT);
    commit(c, 5, NULL);
    ck_assert_int_eq(committed(c).offset, 5);
    commit(c, 10, NULL);
    ck_assert_int_eq(committed(c).offset, 10);
    kfk_consumer_free(c);
}

START_TEST(a_commit_is_not_answered_by_one_of_before)
{
    world_seeds(&(world_opts){0}, 10, commits_again);
}
END_TEST

static void asks_how_many(void)
{
    kfk_consumer *c = consumer(NULL);
    int32_t n = 0;

    topic("t", 7, 1);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 0, &n, &w.e), KFK_ERR_TIMED_OUT);
    nap(1000);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 0, &n, &w.e), KFK_OK);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(kfk_consumer_partitions(c, "u", 2000, &n, &w.e),
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    kfk_consumer_free(c);
}

START_TEST(partitions_are_asked_for_without_waiting)
{
    world_seeds(&(world_opts){.no_auto_create = true}, 10, asks_how_many);
}
END_TEST

/* What is wrong with the next batch is no matter of those that were handed out. */
static void reads_on(void)
{
    kfk_consumer *c = consumer("max.poll.records", "10", "auto.offset.reset", "none", NULL);
    const kfk_record_view *v;
    kfk_records *rs;
    int n = 0;

    topic("t", 1, 1);
    fill("t", 0, 20);
    assign(c, "t", 0, 0);
    ck_assert_int_eq(kfk_consumer_poll(c, 10000, &rs, &w.e), KFK_OK);
    v = kfk_records_next(rs);
    ck_assert_int_eq(v->offset, n++);
    truncate_at(5, 0); /* even what the log does not have any more */
    nap(2000);         /* until the Fetcher knows */
    ck_assert_int_eq(poll_error(c), KFK_ERR_TRUNCATED);
    while ((v = kfk_records_next(rs)) != NULL)
        ck_assert_int_eq(v->offset, n++);
    ck_assert_int_eq(kfk_records_status(rs, &w.e), KFK_OK);
    ck_assert_int_eq(n, 10);
    kfk_records_free(rs);
    kfk_consumer_free(c);
}

START_TEST(a_failure_revokes_nothing_that_was_handed_out)
{
    world_seeds(&(world_opts){0}, 10, reads_on);
}
END_TEST

/* Close waits for a commit that is under way, as long as it may. */
static void closes_after_commits(void)
{
    kfk_consumer *c = consumer("group.id", "g", "enable.auto.commit", "false", NULL), *after;
    kfk_tp at = tp("t", 0, 7);

    topic("t", 1, 1);
    commit(c, 1, NULL);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = OFFSET_COMMIT, .value = 2000);
    ck_assert_int_eq(kfk_consumer_commit(c, &at, 1, 0, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
    after = consumer("group.id", "g", NULL);
    ck_assert_int_eq(committed(after).offset, 7);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = OFFSET_COMMIT);
    ck_assert_int_eq(kfk_consumer_commit(after, &at, 1, 0, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(kfk_consumer_close(after, 1000, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_uint_ne(w.e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(kfk_consumer_commit(after, &at, 1, 1000, &w.e), KFK_ERR_CLOSED);
    kfk_consumer_free(after);
}

START_TEST(close_waits_for_commits)
{
    world_seeds(&(world_opts){0}, 10, closes_after_commits);
}
END_TEST

/* What has been handed out by polls before, and no more. */
static void commits_by_itself(void)
{
    kfk_consumer *c = consumer("group.id", "g", "auto.commit.interval.ms", "1000",
                               "max.poll.records", "10", "auto.offset.reset", "earliest", NULL);
    kfk_consumer *other = consumer("group.id", "g", "enable.auto.commit", "false", NULL);
    kfk_records *rs;

    topic("t", 1, 1);
    fill("t", 0, 30);
    assign_open(c);
    expect(c, 0, 10);
    nap(1500);
    ck_assert_int_eq(kfk_consumer_poll(c, 10000, &rs, &w.e), KFK_OK); /* which commits 10 */
    nap(500);
    ck_assert_int_eq(committed(other).offset, 10);
    kfk_records_free(rs);
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    ck_assert_int_eq(committed(other).offset, 20);
    kfk_consumer_free(c);
    kfk_consumer_free(other);
}

START_TEST(positions_are_committed_by_themselves)
{
    world_seeds(&(world_opts){0}, 10, commits_by_itself);
}
END_TEST

static void tells_lag(void)
{
    kfk_consumer *c = consumer("max.poll.records", "10", NULL);
    kfk_tp at = tp("t", 0, 0);

    topic("t", 1, 1);
    fill("t", 0, 30);
    ck_assert_int_eq(kfk_consumer_lag(c, &at, 1, &w.e), KFK_OK);
    ck_assert_int_eq(at.err, KFK_ERR_STATE);
    assign(c, "t", 0, 0);
    expect(c, 0, 10);
    ck_assert_int_eq(kfk_consumer_lag(c, &at, 1, &w.e), KFK_OK);
    ck_assert_int_eq(at.err, KFK_OK);
    ck_assert_int_eq(at.offset, 20);
    kfk_consumer_free(c);
}

START_TEST(lag_is_what_the_last_answer_told)
{
    world_seeds(&(world_opts){0}, 5, tells_lag);
}
END_TEST

/* From assign to the first record, once ApiVersions and Metadata are over: ListOffsets and Fetch, or Fetch alone. */
static void round_trips(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);
    int32_t n;

    topic("t", 1, 1);
    fill("t", 0, 10);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 10000, &n, &w.e), KFK_OK);
    ck_assert_int_eq(n, 1);
    assign_open(c);
    expect(c, 0, 10);
    ck_assert_int_eq(requests(LIST_OFFSETS), 1);
    ck_assert_int_le(requests(FETCH), 2); /* the next is on its way */
    ck_assert_int_eq(requests(OFFSET_FOR_LEADER_EPOCH), 0);
    assign(c, "t", 0, 5);
    expect(c, 5, 5);
    ck_assert_int_eq(requests(LIST_OFFSETS), 1);
    kfk_consumer_free(c);
}

START_TEST(two_round_trips_to_the_first_record)
{
    world_seeds(&(world_opts){0}, 10, round_trips);
}
END_TEST

int main(void)
{
    return world_main("sim/fetching", (const TTest *const[]){
                                          check_31_a_session_names_what_has_changed,
                                          check_31_what_is_unassigned_is_forgotten,
                                          check_31_sessions_that_are_lost_lose_no_record,
                                          check_31_a_topic_made_again_is_another,
                                          check_32_a_follower_that_is_behind_resets_nothing,
                                          check_32_a_follower_that_comes_is_found,
                                          check_33_a_truncated_log_is_read_on_from_where_it_parted,
                                          check_33_what_was_fetched_and_is_gone_is_not_read,
                                          check_33_a_position_with_an_epoch_is_checked_first,
                                          check_34_what_is_committed_goes_before_auto_offset_reset,
                                          check_34_by_duration,
                                          what_is_paused_is_kept_and_not_handed_out,
                                          one_that_is_not_read_pins_its_own_bytes,
                                          poll_says_when_the_application_holds_all,
                                          offsets_are_asked_of_each_leader,
                                          the_same_call_asks_for_what_went_on,
                                          a_commit_is_not_answered_by_one_of_before,
                                          partitions_are_asked_for_without_waiting,
                                          a_failure_revokes_nothing_that_was_handed_out,
                                          close_waits_for_commits,
                                          positions_are_committed_by_themselves,
                                          lag_is_what_the_last_answer_told,
                                          two_round_trips_to_the_first_record,
                                          NULL});
}
