/* When a producer sends, how long its callers wait, what it does with its memory and where its
 * records go: Kafka's own client as it is observed from outside. */
#include <stdio.h>
#include <string.h>

#include "producer/handle.h"
#include "sim/wire.h"
#include "sim/world.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 3, SPREAD = 30000, CYCLES = 300 };
#else
enum { SEEDS = 10, SPREAD = 300000, CYCLES = 5000 };
#endif

static int ids[WORLD_RECORDS];

static void each(void (*app)(void), const world_opts *o)
{
    world_opts one = *o;

    one.heard = wire_heard;
    for (one.seed = 0; one.seed < SEEDS; one.seed++) {
        wire_begin();
        (void)world_run(&one, app);
    }
}

#define EACH(app, ...) each(app, &(world_opts){__VA_ARGS__})

static void ends(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_close(p, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_producer_free(p);
}

/* ---- where to ---- */

/* murmur2 of "k0" means partition 2 of 3; it has no leader, and the record waits for one. */
static void leaderless(void)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .key = {"k0", 2}};
    kfk_producer *p = producer("linger.ms", "0", NULL);
    kfk__devbroker_offsets at;
    int32_t node, epoch;

    topic("t", 3, 1);
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(kfk__devbroker_leader(w.broker, "t", 2, &node, &epoch), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, node), KFK_OK);
    nap(2000);
    ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &w.e), KFK_OK);
    nap(1000);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, node), KFK_OK);
    flush(p);
    ck_assert_int_eq(kfk__devbroker_offsets_of(w.broker, "t", 2, &at), KFK_OK);
    ck_assert_int_eq(at.end, 1);
    ends(p);
}

START_TEST(check_05_a_key_means_a_partition_with_a_leader_or_without)
{
    EACH(leaderless, .nodes = 3);
}
END_TEST

enum { SPREAD_PARTITIONS = 3 };

/* Sixteen records to a batch, and as many batches as a million records of 1 KiB to ten partitions
 * of the usual batch.size make. */
static void spread(void)
{
    static const char value[86];
    const kfk_record r = {
        .struct_size = sizeof r, .topic = "t", .value = {value, sizeof value}};
    kfk_producer *p = producer("batch.size", "1600", NULL);
    int64_t bytes = 0;

    topic("t", SPREAD_PARTITIONS, 1);
    for (int i = 0; i < SPREAD; i++)
        ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &w.e), KFK_OK);
    flush(p);
    for (int32_t i = 0; i < SPREAD_PARTITIONS; i++) {
        kfk__devbroker_offsets at;

        ck_assert_int_eq(kfk__devbroker_offsets_of(w.broker, "t", i, &at), KFK_OK);
        ck_assert_int_ge(at.end, SPREAD / SPREAD_PARTITIONS / 100 * 95);
        ck_assert_int_le(at.end, SPREAD / SPREAD_PARTITIONS / 100 * 105);
    }
    for (int i = 0; i < wire_batches() && i < WIRE_BATCHES; i++)
        bytes += (int64_t)wire_at(i).size;
    ck_assert_int_ge(bytes / (wire_batches() < WIRE_BATCHES ? wire_batches() : WIRE_BATCHES),
                     1600 / 100 * 90);
    ends(p);
}

START_TEST(check_06_records_without_a_key_are_spread_in_full_batches)
{
    wire_begin();
    (void)world_run(&(world_opts){.seed = 1, .heard = wire_heard}, spread);
}
END_TEST

/* ---- when ---- */

static void lingers(void)
{
    kfk_producer *p = producer("linger.ms", "5", "batch.size", "1000", NULL);
    int64_t start;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    start = now();
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(20);
    ck_assert_int_eq(report_of(1).n, 1);
    ck_assert_int_ge(report_of(1).at - start, 5 * SIM_MS);
    ck_assert_int_le(report_of(1).at - start, 6 * SIM_MS);
    ends(p);
}

static void does_not_linger(void)
{
    kfk_producer *p = producer("linger.ms", "10000", "batch.size", "1000", NULL);
    int64_t start;

    topic("t", 1, 1);
    start = now();
    send_and_flush(p, "t", 0);
    ck_assert_int_lt(now() - start, 10 * SIM_MS);
    start = now();
    for (int i = 0; i < 15; i++) /* more than one batch, less than two */
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 80), KFK_OK);
    nap(10);
    ck_assert_int_eq(wire_batches(), 2);
    ck_assert_int_lt(wire_at(1).at - start, SIM_MS);
    ck_assert_uint_le(wire_at(1).size, 1000);
    ck_assert_uint_gt(wire_at(1).size, 900);
    flush(p);
    ck_assert_int_lt(now() - start, 20 * SIM_MS);
    ck_assert_int_eq(told(KFK_DELIVERED), 16);
    ends(p);
}

START_TEST(check_07_full_batches_and_flushes_do_not_linger)
{
    EACH(lingers, 0);
    EACH(does_not_linger, 0);
}
END_TEST

/* ---- memory ---- */

enum { WAITERS = 16 };
static kfk_producer *shared;
static kfk__mutex lock; /* guards the next two */
static int arrived[WAITERS], n_arrived;

/* What metadata has taken is no longer there for memory, which is all in use until somebody
 * dispatches. */
static void waits_in_all(void)
{
    kfk_producer *p = producer("buffer.memory", "30000", "batch.size", "1000", "max.block.ms",
                               "500", "dispatch", "app", NULL);
    int64_t start;

    topic("t", 1, 1);
    topic("u", 1, 1);
    send_and_flush(p, "t", 0);
    while (send_record(p, new_record(), "t", 0, KFK_NOWAIT, 800) == KFK_OK)
        ;
    nap(100);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = METADATA, .value = 300);
    start = now();
    ck_assert_int_eq(send_record(p, new_record(), "u", 0, 0, 800), KFK_ERR_BUFFER_FULL);
    ck_assert_int_eq(now() - start, 500 * SIM_MS);
    ends(p);
}

static size_t first_size;

static void arrives(void *arg)
{
    int which = (int)(intptr_t)arg;
    size_t size = which ? 800 : first_size;

    ck_assert_int_eq(send_record(shared, new_record(), "t", 0, 0, size), KFK_OK);
    kfk__lock(&lock);
    arrived[n_arrived++] = which;
    kfk__unlock(&lock);
}

/* Memory comes back a batch at a time. Where the first wants more than that, nobody comes before
 * it; behind it, several may go on at once. */
static void served_in_turn(void)
{
    shared = producer("buffer.memory", "30000", "batch.size", "1000", "linger.ms", "0", NULL);
    kfk__mutex_init(&lock);
    n_arrived = 0;
    topic("t", 1, 1);
    send_and_flush(shared, "t", 0);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 100, .count = -1);
    while (send_record(shared, new_record(), "t", 0, KFK_NOWAIT, 800) == KFK_OK)
        ;
    for (int i = 0; i < WAITERS; i++) {
        sim_spawn(w.rig.s, 1, "arrives", arrives, (void *)(intptr_t)i);
        nap(first_size > 800 ? 60 : 1);
    }
    nap(30000);
    kfk__lock(&lock);
    ck_assert_int_eq(n_arrived, WAITERS);
    for (int i = 0; i < (first_size > 800 ? 1 : WAITERS); i++)
        ck_assert_int_eq(arrived[i], i);
    kfk__unlock(&lock);
    ends(shared);
}

/* Waits that end in time and waits that do not, splits, expiry: in the end all of it is there. */
static void comes_back(void)
{
    kfk_producer *p = producer("buffer.memory", "20000", "batch.size", "1000", "max.block.ms", "5",
                               "linger.ms", "0", "request.timeout.ms", "100",
                               "delivery.timeout.ms", "300", NULL);
    kfk__pool *pool = &p->accumulator.pool;

    topic("t", 2, 1);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "max.message.bytes", "600"), KFK_OK);
    for (int i = 0; i < CYCLES; i++) {
        const kfk_record r = {.struct_size = sizeof r,
                              .topic = "t",
                              .flags = sim_below(w.rig.s, 2) ? 0 : KFK_NOWAIT,
                              .value = {w.reports, (size_t)sim_below(w.rig.s, 900)}};

        if (sim_below(w.rig.s, 100) == 0)
            FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE,
                  .value = (int32_t)sim_below(w.rig.s, 500));
        (void)kfk_producer_send(p, &r, NULL, NULL, &w.e);
        if (sim_below(w.rig.s, 50) == 0)
            nap((int64_t)sim_below(w.rig.s, 100));
    }
    kfk__devbroker_fault_clear(w.broker);
    flush(p);
    nap(1000); /* for what has expired and is in flight */
    kfk__lock(&pool->lock);
    ck_assert_uint_eq(pool->available, pool->total);
    ck_assert_uint_eq(pool->owed, 0);
    kfk__unlock(&pool->lock);
    ends(p);
}

START_TEST(check_08_memory_is_waited_for_in_turn_and_comes_back)
{
    EACH(waits_in_all, 0);
    first_size = 800;
    EACH(served_in_turn, 0);
    first_size = 4000;
    EACH(served_in_turn, 0);
    EACH(comes_back, 0);
}
END_TEST

/* ---- delivery.timeout.ms ---- */

/* From its send on. The broker stands still: what it is sent is kept somewhere, and it may find it
 * when it goes on. */
static void stands_still(void)
{
    kfk_producer *p = producer("linger.ms", "0", "request.timeout.ms", "1000", "batch.size", "100",
                               "delivery.timeout.ms", "3000", NULL);
    int64_t sent_at[21];
    int n;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    simnet_hold(w.rig.s, 1, WORLD_HOST, true);
    for (int i = 1; i <= 20; i++) {
        sent_at[i] = now();
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 50), KFK_OK);
        nap(100);
    }
    nap(3100);
    for (int i = 1; i <= 20; i++) {
        ck_assert_int_eq(report_of(i).n, 1);
        ck_assert_int_ne(report_of(i).status, KFK_DELIVERED);
        ck_assert_int_le(report_of(i).at - sent_at[i], 3001 * SIM_MS);
        /* What is unanswered behind one that has expired cannot be numbered anew. */
        if (report_of(i).err == KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER)
            ck_assert_int_eq(report_of(i).status, KFK_UNKNOWN);
        else
            ck_assert_int_ge(report_of(i).at - sent_at[i], 3000 * SIM_MS);
    }
    simnet_hold(w.rig.s, 1, WORLD_HOST, false);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(report_of(21).status, KFK_DELIVERED);
    nap(5000);
    (void)told(0);
    n = log_of("t", 0, ids, WORLD_RECORDS);
    for (int i = 0; i < n; i++)
        ck_assert_int_ne(report_of(ids[i]).status, KFK_NOT_WRITTEN);
    ends(p);
}

static void hangs(void)
{
    kfk_producer *p = producer("linger.ms", "0", "request.timeout.ms", "1000", "batch.size", "100",
                               "delivery.timeout.ms", "3000", NULL);
    int64_t start;
    int unknown;

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = PRODUCE, .count = -1);
    start = now();
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 50), KFK_OK);
    flush(p);
    ck_assert_int_ge(now() - start, 3000 * SIM_MS);
    ck_assert_int_le(now() - start, 3001 * SIM_MS);
    unknown = told(KFK_UNKNOWN);
    ck_assert_int_ge(unknown, 1);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN), 20 - unknown);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 0);
    kfk_producer_free(p);
}

START_TEST(check_09_every_record_ends_by_delivery_timeout)
{
    EACH(stands_still, 0);
    EACH(hangs, 0);
}
END_TEST

/* ---- without an answer ---- */

static void acks_0(void)
{
    kfk_producer *p = producer("acks", "0", "linger.ms", "0", "batch.size", "200", NULL);
    int32_t n;

    topic("t", 1, 1);
    topic("u", 7, 1);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    /* A question on the same connection, whose answer is the next to come. */
    ck_assert_int_eq(kfk_producer_partitions(p, "u", 5000, &n, &w.e), KFK_OK);
    ck_assert_int_eq(n, 7);
    flush(p);
    ck_assert_int_eq(told(KFK_UNKNOWN), 100);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(report_of(i).err, KFK_OK);
        ck_assert_int_eq(report_of(i).offset, -1);
    }
    nap(100);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 100);
    ck_assert_int_eq(requests(API_VERSIONS), 1);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK);
    ends(p);
}

START_TEST(check_17_without_acks_nothing_is_waited_for)
{
    EACH(acks_0, 0);
}
END_TEST

/* ---- one bad record ---- */

static void delivered_to(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    report *r = arg;

    (void)p;
    r->n++;
    r->status = d->status;
    r->err = d->err;
    (void)snprintf(r->msg, sizeof r->msg, "%s", d->msg ? d->msg : "");
}

static int32_t bad_one;

static void one_is_bad(void)
{
    kfk_producer *p = producer("linger.ms", "50", NULL);
    report got[5] = {0};

    topic("t", 1, 1);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "cleanup.policy", "compact"), KFK_OK);
    for (int i = 0; i < 5; i++) {
        const kfk_record r = {.struct_size = sizeof r,
                              .topic = "t",
                              .key = {i == bad_one ? NULL : "k", i != bad_one}};

        ck_assert_int_eq(kfk_producer_send(p, &r, delivered_to, &got[i], &w.e), KFK_OK);
    }
    flush(p);
    ck_assert_int_eq(wire_batches(), 1);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(got[i].n, 1);
        ck_assert_int_eq(got[i].err,
                         i == bad_one ? KFK_ERR_INVALID_RECORD : KFK_ERR_BATCH_REFUSED);
        ck_assert_int_eq(got[i].status, KFK_NOT_WRITTEN);
        ck_assert_msg((strstr(got[i].msg, "without key") != NULL) == (i == bad_one), "%d: %s", i,
                      got[i].msg);
        ck_assert_msg((strstr(got[i].msg, "another record") != NULL) == (i != bad_one), "%d: %s", i,
                      got[i].msg);
    }
    ends(p);
}

START_TEST(check_18_a_bad_record_is_told_apart_from_the_others_of_its_batch)
{
    for (bad_one = 0; bad_one < 5; bad_one += 2)
        EACH(one_is_bad, 0);
}
END_TEST

/* ---- turns ---- */

enum { TURNS = 6, ROUNDS = 5 };

/* Two batches fit into a request, and six partitions have five each. */
static void in_turn(void)
{
    kfk_producer *p = producer("batch.size", "700", "max.request.size", "1500", "linger.ms", "0",
                               "max.in.flight.requests.per.connection", "1", NULL);

    topic("t", TURNS, 1);
    send_and_flush(p, "t", 0);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 100);
    ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 600), KFK_OK);
    nap(1);
    for (int32_t i = 0; i < TURNS; i++)
        for (int k = 0; k < ROUNDS; k++)
            ck_assert_int_eq(send_record(p, new_record(), "t", i, 0, 600), KFK_OK);
    flush(p);
    ck_assert_int_eq(wire_batches(), 2 + TURNS * ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned seen = 0;

        for (int i = 0; i < TURNS; i++) {
            const wire_batch b = wire_at(2 + round * TURNS + i);

            ck_assert_int_eq(b.request, 2 + (round * TURNS + i) / 2);
            seen |= 1u << b.partition;
        }
        ck_assert_uint_eq(seen, (1u << TURNS) - 1);
    }
    ends(p);
}

START_TEST(partitions_take_turns)
{
    EACH(in_turn, 0);
}
END_TEST

/* ---- backing off ---- */

/* Nothing is left of what it backs off for, and then there is something again. */
static void purged_meanwhile(void)
{
    kfk_producer *p = producer("linger.ms", "0", "retry.backoff.ms", "1000", NULL);
    int64_t start = now();

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY,
          .value = KFK_ERR_NOT_ENOUGH_REPLICAS);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(100);
    ck_assert_int_eq(kfk_producer_purge(p, &w.e), KFK_OK);
    nap(100);
    ck_assert_int_eq(report_of(0).status, KFK_NOT_WRITTEN);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(1200);
    ck_assert_int_eq(report_of(1).status, KFK_DELIVERED);
    ck_assert_int_lt(now() - start, 1500 * SIM_MS);
    ends(p);
}

START_TEST(what_comes_while_nothing_backs_off_is_seen)
{
    EACH(purged_meanwhile, 0);
}
END_TEST

/* The same, and what comes lingers far beyond the backoff, until it fills its batch. */
static void filled_meanwhile(void)
{
    kfk_producer *p = producer("linger.ms", "60000", "batch.size", "200", "retry.backoff.ms", "1000",
                               NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY,
          .value = KFK_ERR_NOT_ENOUGH_REPLICAS);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    nap(100);
    ck_assert_int_eq(kfk_producer_purge(p, &w.e), KFK_OK);
    nap(100);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN), 3);
    ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    nap(50);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    nap(1500);
    ck_assert_int_eq(report_of(3).status, KFK_DELIVERED);
    ends(p);
}

START_TEST(what_fills_a_batch_while_nothing_backs_off_is_seen)
{
    EACH(filled_meanwhile, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {check_05_a_key_means_a_partition_with_a_leader_or_without,
                                  check_06_records_without_a_key_are_spread_in_full_batches,
                                  check_07_full_batches_and_flushes_do_not_linger,
                                  check_08_memory_is_waited_for_in_turn_and_comes_back,
                                  check_09_every_record_ends_by_delivery_timeout,
                                  check_17_without_acks_nothing_is_waited_for,
                                  check_18_a_bad_record_is_told_apart_from_the_others_of_its_batch,
                                  partitions_take_turns,
                                  what_comes_while_nothing_backs_off_is_seen,
                                  what_fills_a_batch_while_nothing_backs_off_is_seen,
                                  NULL};

    return world_main("sim/checks", tests);
}
