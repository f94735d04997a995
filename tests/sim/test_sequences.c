/* What makes sends idempotent, as the brokers see it: what a retry looks like, what is in flight
 * together, where sequences wrap, and how a producer finds its way back when the broker and it no
 * longer agree. */
#include "producer/handle.h"
#include "sim/wire.h"
#include "sim/world.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 3 };
#else
enum { SEEDS = 10 };
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

static void send_some(kfk_producer *p, int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
}

/* All that were sent were delivered, and are in the log once, in order. */
static void log_is_all(void)
{
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), w.sent);
    for (int i = 0; i < w.sent; i++)
        ck_assert_int_eq(ids[i], i);
}

/* ---- the same bytes ---- */

static const char *codec;

static bool is_same_batch(const wire_batch *a, const wire_batch *b)
{
    return a->partition == b->partition && a->h.producer_id == b->h.producer_id &&
           a->h.producer_epoch == b->h.producer_epoch && a->h.base_sequence == b->h.base_sequence;
}

/* Returns how many came more than once, of those from |from| on. */
static int repeated(int from)
{
    int n = 0;

    for (int i = from; i < wire_batches(); i++) {
        const wire_batch one = wire_at(i);

        ck_assert_msg(one.sound, "batch %d has a wrong crc", i);
        for (int k = i + 1; k < wire_batches(); k++) {
            const wire_batch other = wire_at(k);

            if (!is_same_batch(&one, &other))
                continue;
            ck_assert_uint_eq(one.size, other.size);
            ck_assert_uint_eq(one.print, other.print);
            n++;
        }
    }
    return n;
}

static void retried(void)
{
    kfk_producer *p = producer("compression.type", codec, "batch.size", "700", "linger.ms", "0",
                               "request.timeout.ms", "1000", "delivery.timeout.ms", "60000", NULL);

    topic("t", 1, 2);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE, .skip = 2);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE, .skip = 4, .after = true);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = PRODUCE, .skip = 6);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .skip = 8, .count = 2,
          .level = KFK__DEV_ANY, .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .skip = 10, .after = true,
          .level = KFK__DEV_ANY, .value = KFK_ERR_REQUEST_TIMED_OUT);
    for (int i = 0; i < 20; i++) {
        send_some(p, 10);
        nap(200);
    }
    flush(p);
    log_is_all();
    ck_assert_int_ge(repeated(0), 6);
    ends(p);
}

START_TEST(check_10_a_retry_has_the_same_bytes)
{
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};

    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        codec = codecs[i];
        EACH(retried, .nodes = 2);
    }
}
END_TEST

/* ---- in flight together ---- */

static kfk__dev_fault first;

/* A batch has been acknowledged, so that more than one may be in flight; the broker stands still
 * while five others come, and the answer to the first of them is lost. */
static void five_in_flight(void)
{
    kfk_producer *p = producer("batch.size", "200", "linger.ms", "0", NULL);
    int64_t at;

    topic("t", 1, 1);
    send_some(p, 1);
    flush(p);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 300);
    first.skip = 1;
    (void)fault(first);
    send_some(p, 30);
    flush(p);
    log_is_all();
    at = wire_at(1).at + 300 * SIM_MS;
    if (first.kind == KFK__DEV_FAULT_ERROR) {
        for (int i = 2; i < 6; i++)
            ck_assert_int_lt(wire_at(i).at, at + SIM_MS / 20); /* no round trip between them */
        ck_assert_int_ge(wire_at(6).at, at + SIM_MS / 20);
    }
    ck_assert_int_ge(repeated(1), 1);
    ends(p);
}

START_TEST(check_11_an_answer_is_lost_with_five_in_flight)
{
    first = (kfk__dev_fault){.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE, .after = true};
    EACH(five_in_flight, 0);
    first.after = false;
    EACH(five_in_flight, 0);
    first = (kfk__dev_fault){.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .after = true,
                             .value = KFK_ERR_REQUEST_TIMED_OUT, .level = KFK__DEV_ANY};
    EACH(five_in_flight, 0);
    first.after = false;
    first.value = KFK_ERR_NOT_LEADER_OR_FOLLOWER;
    EACH(five_in_flight, 0);
}
END_TEST

static void said_to_be_there(void)
{
    kfk_producer *p = producer("linger.ms", "50", NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .after = true, .level = KFK__DEV_ANY,
          .value = KFK_ERR_DUPLICATE_SEQUENCE_NUMBER);
    send_some(p, 10);
    flush(p);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(report_of(i).offset, -1);
    send_some(p, 10);
    flush(p);
    ck_assert_int_eq(report_of(10).offset, 10);
    log_is_all();
    ck_assert_int_eq(wire_batches(), 2);
    ends(p);
}

START_TEST(check_12_what_the_broker_has_already_is_delivered)
{
    EACH(said_to_be_there, 0);
}
END_TEST

/* The partition's numbers, which nobody touches while nothing is queued or in flight. */
static kfk__partition *numbers_of(kfk_producer *p)
{
    return kfk__topic_partitions(kfk__topics_find(&p->accumulator.topics, "t", 1))->v[0];
}

static void near_the_wrap(kfk_producer *p)
{
    kfk__partition *n = numbers_of(p);

    n->next_sequence = INT32_MAX - 12;
    n->acked_sequence = INT32_MAX - 13;
    kfk__devbroker_expire_producers(w.broker); /* which then takes any */
}

static void wraps(void)
{
    kfk_producer *p = producer("batch.size", "800", "linger.ms", "0", NULL);
    int over = 0;

    topic("t", 1, 1);
    send_some(p, 1);
    flush(p);
    near_the_wrap(p);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .skip = 1, .count = 3, .after = true,
          .level = KFK__DEV_ANY, .value = KFK_ERR_REQUEST_TIMED_OUT);
    send_some(p, 60);
    flush(p);
    log_is_all();
    ck_assert_int_ge(repeated(1), 1);
    for (int i = 1; i < wire_batches(); i++) {
        ck_assert_int_eq(wire_at(i).h.producer_epoch, wire_at(0).h.producer_epoch);
        ck_assert_int_ge(wire_at(i).h.base_sequence, 0);
        over += wire_at(i).h.base_sequence < 60;
    }
    ck_assert_int_gt(over, 1);
    ends(p);
}

/* One batch goes across, and then it is split. */
static void wraps_in_parts(void)
{
    kfk_producer *p = producer("batch.size", "8000", "linger.ms", "50", NULL);

    topic("t", 1, 1);
    send_some(p, 1);
    flush(p);
    near_the_wrap(p);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "max.message.bytes", "600"), KFK_OK);
    send_some(p, 60);
    flush(p);
    log_is_all();
    ends(p);
}

START_TEST(check_13_sequences_wrap)
{
    EACH(wraps, 0);
    EACH(wraps_in_parts, 0);
}
END_TEST

/* ---- a hole ---- */

/* The first batch expires while it is in flight. Nothing follows it until its request has ended;
 * then a new epoch begins, without anybody being asked for it. */
static void expires_in_flight(void)
{
    kfk_producer *p = producer("linger.ms", "0", "request.timeout.ms", "1000",
                               "delivery.timeout.ms", "1500", NULL);
    int64_t start = now();

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = PRODUCE, .count = 2, .after = true);
    send_some(p, 1);
    nap(1550);
    ck_assert_int_eq(report_of(0).n, 1);
    ck_assert_int_eq(report_of(0).status, KFK_UNKNOWN);
    ck_assert_int_eq(report_of(0).err, KFK_ERR_DELIVERY_TIMEOUT);
    send_some(p, 2);
    nap(300);
    ck_assert_int_eq(wire_batches(), 2);
    flush(p);
    ck_assert_int_ge(wire_at(2).at, start + 2000 * SIM_MS);
    ck_assert_int_eq(wire_at(1).h.base_sequence, 0);
    ck_assert_int_eq(wire_at(2).h.producer_id, wire_at(1).h.producer_id);
    ck_assert_int_eq(wire_at(2).h.producer_epoch, wire_at(1).h.producer_epoch + 1);
    ck_assert_int_eq(wire_at(2).h.base_sequence, 0);
    ck_assert_int_eq(requests(INIT_PRODUCER_ID), 1);
    ck_assert_int_eq(told(KFK_DELIVERED), 2);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 3);
    ends(p);
}

/* It is answered after all: there is no hole, and the sequences go on. */
static void expires_and_is_answered(void)
{
    kfk_producer *p = producer("linger.ms", "0", "request.timeout.ms", "1000",
                               "delivery.timeout.ms", "1100", "retry.backoff.ms", "200", NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 950);
    send_some(p, 1);
    nap(1105);
    ck_assert_int_eq(report_of(0).status, KFK_UNKNOWN);
    send_some(p, 2);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 2);
    for (int i = 0; i < wire_batches(); i++)
        ck_assert_int_eq(wire_at(i).h.producer_epoch, 0);
    ck_assert_int_eq(wire_at(2).h.base_sequence, 1);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 3);
    ends(p);
}

/* The first of five is refused for good, and the others with it. What comes behind them waits for
 * the new epoch. */
static void refused_for_good(void)
{
    kfk_producer *p = producer("batch.size", "200", "linger.ms", "0", NULL);
    int old = 0;

    topic("t", 1, 1);
    send_some(p, 1);
    flush(p);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 100);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .skip = 1, .level = KFK__DEV_ANY,
          .value = KFK_ERR_INVALID_RECORD);
    send_some(p, 20);
    flush(p);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN), 1);
    ck_assert_int_eq(told(KFK_DELIVERED), 20);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 20);
    for (int i = 1; i < 20; i++)
        ck_assert_int_gt(ids[i], ids[i - 1]);
    for (int i = 0; i < wire_batches(); i++)
        old += wire_at(i).h.producer_epoch == 0;
    ck_assert_int_le(old, 3 + 5); /* at most three were acknowledged */
    ends(p);
}

START_TEST(check_14_after_a_hole_a_new_epoch_begins)
{
    EACH(expires_in_flight, 0);
    EACH(expires_and_is_answered, 0);
    EACH(refused_for_good, 0);
}
END_TEST

static int32_t leader_of(int32_t partition)
{
    int32_t node, epoch;

    ck_assert_int_eq(kfk__devbroker_leader(w.broker, "t", partition, &node, &epoch), KFK_OK);
    return node;
}

/* Partition 0 begins a new epoch while partition 1 has two batches in flight, of which the second is to be sent again.
 * What comes behind them has the same epoch: with the new one it would be taken before that. */
static void hole_elsewhere(void)
{
    kfk_producer *p = producer("batch.size", "200", "linger.ms", "0", "retry.backoff.ms", "10",
                               NULL);
    int one;

    topic("t", 2, 1);
    send_and_flush(p, "t", 0);
    send_and_flush(p, "t", 1);
    one = w.sent;
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .node = leader_of(1), .value = 100);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .node = leader_of(1), .level = KFK__DEV_ANY,
          .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .node = leader_of(0), .level = KFK__DEV_ANY,
          .value = KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 1, 0, 100), KFK_OK);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(50);
    ck_assert_int_eq(report_of(one + 2).status, KFK_DELIVERED);
    ck_assert_int_eq(report_of(one).n, 0);
    ck_assert_int_eq(send_record(p, new_record(), "t", 1, 0, 100), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    ck_assert_int_eq(log_of("t", 1, ids, WORLD_RECORDS), 4);
    ck_assert_int_eq(ids[1], one);
    ck_assert_int_eq(ids[2], one + 1);
    ck_assert_int_eq(ids[3], one + 3);
    send_and_flush(p, "t", 1);
    ck_assert_int_eq(wire_at(wire_batches() - 1).h.producer_epoch, 1);
    ends(p);
}

START_TEST(a_new_epoch_waits_for_what_has_the_old_one)
{
    EACH(hole_elsewhere, .nodes = 2);
}
END_TEST

/* ---- the end of the epochs ---- */

static void begin_near_the_end(void)
{
    ck_assert_int_eq(kfk__devbroker_set_producer_epoch(w.broker, INT16_MAX - 1), KFK_OK);
}

/* Ids that are asked for from now on begin with epoch 0, as they do. */
static void ids_are_new(void)
{
    ck_assert_int_eq(kfk__devbroker_set_producer_epoch(w.broker, 0), KFK_OK);
}

/* The next batch meets a broker that is told to have lost track: its producer moves on. */
static void lose_track(void)
{
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY,
          .value = KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
}

static kfk__batch_header last_header(void)
{
    return wire_at(wire_batches() - 1).h;
}

/* Partition 1, which has no trouble, goes on with the new id too, once nothing of the old one is out. */
static void epochs_end(void)
{
    kfk_producer *p = producer("linger.ms", "0", NULL);
    int64_t old;

    begin_near_the_end();
    topic("t", 2, 1);
    send_and_flush(p, "t", 1);
    send_and_flush(p, "t", 0);
    old = last_header().producer_id;
    ck_assert_int_eq(last_header().producer_epoch, INT16_MAX - 1);
    ids_are_new();
    lose_track();
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(last_header().producer_id, old);
    ck_assert_int_eq(last_header().producer_epoch, INT16_MAX);
    ck_assert_int_eq(last_header().base_sequence, 0);
    ck_assert_int_eq(requests(INIT_PRODUCER_ID), 1);
    lose_track();
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(requests(INIT_PRODUCER_ID), 2);
    ck_assert_int_gt(last_header().producer_id, old);
    ck_assert_int_eq(last_header().producer_epoch, 0);
    ck_assert_int_eq(last_header().base_sequence, 0);
    for (int32_t i = 1; i >= 0; i--) {
        send_and_flush(p, "t", i);
        ck_assert_int_gt(last_header().producer_id, old);
        ck_assert_int_eq(last_header().producer_epoch, 0);
        ck_assert_int_eq(last_header().base_sequence, i == 0 ? 1 : 0);
    }
    ck_assert_int_eq(requests(INIT_PRODUCER_ID), 2);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 4);
    ck_assert_int_eq(log_of("t", 1, ids, WORLD_RECORDS), 2);
    ends(p);
}

/* The same under way: five batches in flight at each of two brokers, of which one is slow; and the new id is long in
 * coming, or is refused for a while. */
static void epochs_end_under_way(void)
{
    kfk_producer *p = producer("batch.size", "200", "linger.ms", "0", NULL);
    int n[2] = {0, 0}, last[2] = {-1, -1};

    begin_near_the_end();
    topic("t", 2, 1);
    send_and_flush(p, "t", 0);
    send_and_flush(p, "t", 1);
    ids_are_new();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = INIT_PRODUCER_ID, .level = KFK__DEV_ANY, .count = 2,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = INIT_PRODUCER_ID, .value = 500);
    for (int i = 0; i < 60; i++) {
        if (i % 20 == 5)
            lose_track();
        if (i % 20 == 8)
            FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 50);
        ck_assert_int_eq(send_record(p, new_record(), "t", i % 2, 0, 100), KFK_OK);
        nap((int64_t)sim_below(w.rig.s, 3));
    }
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    ck_assert_int_eq(requests(INIT_PRODUCER_ID), 4);
    for (int32_t k = 0; k < 2; k++) {
        n[k] = log_of("t", k, ids, WORLD_RECORDS);
        for (int i = 0; i < n[k]; i++) {
            ck_assert_int_gt(ids[i], last[k]);
            last[k] = ids[i];
        }
    }
    ck_assert_int_eq(n[0] + n[1], w.sent);
    ck_assert_int_gt(last_header().producer_id, wire_at(0).h.producer_id);
    for (int i = 0; i < wire_batches(); i++) {
        ck_assert_int_ge(wire_at(i).h.producer_id, wire_at(0).h.producer_id);
        ck_assert_int_ge(wire_at(i).h.producer_epoch, 0);
    }
    ends(p);
}

START_TEST(after_the_last_epoch_a_new_producer_id_is_asked_for)
{
    EACH(epochs_end, 0);
    EACH(epochs_end_under_way, .nodes = 2);
}
END_TEST

/* ---- a broker that has lost track ---- */

static int32_t says;

static void sent_with_trouble(kfk_producer *p, void (*trouble)(void))
{
    for (int i = 0; i < 10; i++) {
        if (i % 3 == 1)
            trouble();
        send_some(p, 12);
        nap((int64_t)sim_below(w.rig.s, 3));
    }
    flush(p);
    log_is_all();
    ends(p);
}

static void says_so(void)
{
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .skip = (int32_t)sim_below(w.rig.s, 3),
          .level = KFK__DEV_ANY, .value = says);
}

static void lied_to(void)
{
    kfk_producer *p = producer("batch.size", "300", "linger.ms", "0", NULL);

    topic("t", 1, 1);
    sent_with_trouble(p, says_so);
}

/* Retention has taken all there was, and with it what the broker knew. */
static void forgets(void)
{
    kfk__devbroker_expire_producers(w.broker);
}

static void forgotten(void)
{
    kfk_producer *p = producer("batch.size", "300", "linger.ms", "0", NULL);

    topic("t", 1, 1);
    sent_with_trouble(p, forgets);
}

START_TEST(check_15_a_broker_that_has_lost_track_is_nobodys_error)
{
    static const int32_t codes[] = {KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                    KFK_ERR_UNKNOWN_PRODUCER_ID, KFK_ERR_INVALID_PRODUCER_EPOCH};

    for (size_t i = 0; i < 3; i++) {
        says = codes[i];
        EACH(lied_to, 0);
    }
    EACH(forgotten, .profile = "2.1");
    EACH(forgotten, .profile = "2.4");
    EACH(forgotten, 0);
}
END_TEST

/* The first of two batches is in the log, but its answer said that nobody knows; the second one is
 * acknowledged before the first is found to be there. Then the broker forgets. */
static void answered_backwards(void)
{
    kfk_producer *p = producer("batch.size", "200", "linger.ms", "0", NULL);
    int64_t start;

    topic("t", 1, 1);
    send_some(p, 1);
    flush(p);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .after = true, .level = KFK__DEV_ANY,
          .value = KFK_ERR_REQUEST_TIMED_OUT);
    send_some(p, 2);
    flush(p);
    kfk__devbroker_expire_producers(w.broker);
    start = now();
    send_some(p, 2);
    flush(p);
    ck_assert_int_lt(now() - start, SIM_S);
    log_is_all();
    ends(p);
}

START_TEST(what_is_acknowledged_late_does_not_turn_the_numbers_back)
{
    EACH(answered_backwards, .profile = "2.4");
}
END_TEST

/* ---- the topic is another one ---- */

static void recreated(void)
{
    kfk_producer *p = producer("linger.ms", "0", NULL);
    int64_t start;

    topic("t", 1, 2);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(kfk__devbroker_bump_epoch(w.broker, "t", 0), KFK_OK);
    send_some(p, 3);
    flush(p);
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    topic("t", 1, 2);
    start = now();
    send_some(p, 3);
    flush(p);
    ck_assert_int_lt(now() - start, SIM_S);
    ck_assert_int_eq(told(KFK_DELIVERED), 6);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ids[i], 3 + i);
    ends(p);
}

START_TEST(check_20_a_topic_that_was_made_anew_is_found)
{
    EACH(recreated, .nodes = 2);
    EACH(recreated, .nodes = 2, .profile = "3.7");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {check_10_a_retry_has_the_same_bytes,
                                  check_11_an_answer_is_lost_with_five_in_flight,
                                  check_12_what_the_broker_has_already_is_delivered,
                                  check_13_sequences_wrap,
                                  check_14_after_a_hole_a_new_epoch_begins,
                                  a_new_epoch_waits_for_what_has_the_old_one,
                                  after_the_last_epoch_a_new_producer_id_is_asked_for,
                                  check_15_a_broker_that_has_lost_track_is_nobodys_error,
                                  what_is_acknowledged_late_does_not_turn_the_numbers_back,
                                  check_20_a_topic_that_was_made_anew_is_found,
                                  NULL};

    return world_main("sim/sequences", tests);
}
