/* Records that change batches: of one that a broker finds too large, and of those that were sent to
 * a topic before anything was known of it. Each is told once, and the log has them in order. */
#include <string.h>

#include "sim/world.h"

static int ids[WORLD_RECORDS];

static void ends(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_close(p, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_producer_free(p);
}

#define EACH(app, ...) world_seeds(&(world_opts){__VA_ARGS__}, 10, app)

/* Without idempotence a retry may overtake. */
static bool in_order = true;

/* All that were delivered are in the log at their offsets, and nothing else is. */
static void log_has(const char *name, int32_t partition, int n)
{
    ck_assert_int_eq(log_of(name, partition, ids, WORLD_RECORDS), n);
    for (int i = 0; i < n; i++) {
        if (i > 0 && in_order)
            ck_assert_int_lt(ids[i - 1], ids[i]);
        ck_assert_int_eq(w.reports[ids[i]].status, KFK_DELIVERED);
        ck_assert_int_eq(w.reports[ids[i]].offset, i);
        ck_assert_int_eq(w.reports[ids[i]].partition, partition);
    }
}

/* ---- split ---- */

static void limit(const char *bytes)
{
    topic("t", 1, 1);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "max.message.bytes", bytes), KFK_OK);
}

static const char *const *setting;

/* Check 16: batches of up to 64 KiB to a topic that takes 2,000 bytes at a time. */
static void too_large(void)
{
    kfk_producer *p = producer("batch.size", "65536", setting[0], setting[1], NULL);
    int64_t start = now();

    limit("2000");
    in_order = strcmp(setting[0], "enable.idempotence") != 0;
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 8 + (size_t)(i % 7) * 100), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 300);
    ck_assert_int_lt(now() - start, SIM_S); /* parts do not back off, nor those of parts */
    log_has("t", 0, 300);
    ends(p);
}

START_TEST(check_16_too_large_batches_are_split)
{
    static const char *const settings[][2] = {
        {"linger.ms", "50"},           {"enable.idempotence", "false"}, {"compression.type", "lz4"},
        {"compression.type", "gzip"},  {"compression.type", "zstd"},    {"compression.type", "snappy"},
        {"retries", "1"},              {"max.in.flight.requests.per.connection", "1"},
    };

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        setting = settings[i];
        EACH(too_large, 0);
    }
}
END_TEST

static void one_is_too_large(void)
{
    kfk_producer *p = producer("batch.size", "65536", "linger.ms", "50", NULL);

    limit("1000");
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, i == 7 ? 3000 : 100), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 19);
    ck_assert_int_eq(w.reports[7].err, KFK_ERR_MESSAGE_TOO_LARGE);
    ck_assert_int_eq(w.reports[7].status, KFK_NOT_WRITTEN);
    log_has("t", 0, 19);
    ends(p);
}

START_TEST(a_record_that_is_too_large_by_itself_fails_alone)
{
    EACH(one_is_too_large, 0);
}
END_TEST

/* The first answers are late or lost, and other batches are on their way. */
static void split_under_fire(void)
{
    kfk_producer *p = producer("batch.size", "16384", "linger.ms", "1", "request.timeout.ms", "2000",
                               "delivery.timeout.ms", "60000", NULL);

    limit("3000");
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE, .skip = 2, .count = 2, .after = true);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .skip = 5, .count = 2, .value = 500);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .skip = 8, .count = 3,
          .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER, .level = KFK__DEV_ANY);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
        if (i % 100 == 0)
            nap(3);
    }
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 1000);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(ids[i], i);
    ends(p);
}

START_TEST(parts_keep_their_order_whatever_happens)
{
    EACH(split_under_fire, 0);
}
END_TEST

/* ---- kept ---- */

/* Nobody has asked for the topic yet, and none of these sends waits. */
static void kept(void)
{
    kfk_producer *p = producer(setting[0], setting[1], NULL);

    topic("t", 3, 1);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", i % 3, KFK_NOWAIT, 100), KFK_OK);
    ck_assert_int_eq(requests(METADATA), 0);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 300);
    for (int32_t i = 0; i < 3; i++)
        log_has("t", i, 100);
    ends(p);
}

START_TEST(records_are_kept_until_the_topic_is_known)
{
    static const char *const settings[][2] = {
        {"linger.ms", "5"}, {"compression.type", "lz4"}, {"batch.size", "500"}, {"batch.size", "0"}};

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        setting = settings[i];
        EACH(kept, 0);
    }
}
END_TEST

/* Keys, null values, headers and timestamps come out as they went in. */
static void as_they_were(void)
{
    kfk_producer *p = producer(NULL);
    const kfk_header headers[] = {{{"h", 1}, {"1", 1}}, {{"n", 1}, {NULL, 0}}, {{"", 0}, {"", 0}}};
    const kfk_record r = {.struct_size = sizeof r,
                          .flags = KFK_NOWAIT | KFK_TIMESTAMP,
                          .topic = "t",
                          .key = {"abc", 3}, /* murmur2: partition 7 of 100 */
                          .headers = headers,
                          .n_headers = 3,
                          .timestamp_ms = 1234567890123};
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);
    const kfk_record_view *v;
    kfk_records *rs;
    kfk_header got[3];
    size_t n;

    topic("t", 100, 1);
    ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &w.e), KFK_OK);
    flush(p);
    assign(c, "t", 7, 0);
    ck_assert_int_eq(kfk_consumer_poll(c, 10000, &rs, &w.e), KFK_OK);
    ck_assert_ptr_nonnull(rs);
    v = kfk_records_next(rs);
    ck_assert_ptr_nonnull(v);
    ck_assert_uint_eq(v->key.len, 3);
    ck_assert_int_eq(memcmp(v->key.data, "abc", 3), 0);
    ck_assert_ptr_null(v->value.data);
    ck_assert_int_eq(v->timestamp_ms, 1234567890123);
    ck_assert_uint_eq(v->n_headers, 3);
    n = kfk_records_headers(rs, got, 3);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(memcmp(got[0].value.data, "1", 1), 0);
    ck_assert_ptr_null(got[1].value.data);
    ck_assert_ptr_nonnull(got[2].value.data);
    kfk_records_free(rs);
    kfk_consumer_free(c);
    ends(p);
}

START_TEST(what_was_kept_is_as_it_was)
{
    EACH(as_they_were, 0);
}
END_TEST

/* max.block.ms=0: every send is one that does not wait. Partitions that are not there are refused by
 * the callback, since nobody could know before. */
static void no_such_partition(void)
{
    kfk_producer *p = producer("max.block.ms", "0", NULL);

    topic("t", 2, 1);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", i % 4, 0, 50), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 6);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN), 4);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(w.reports[i].err,
                         i % 4 < 2 ? KFK_OK : KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(send_record(p, new_record(), "t", 3, 0, 50), KFK_ERR_TIMED_OUT);
    ends(p);
}

START_TEST(a_partition_that_is_not_there_is_told)
{
    EACH(no_such_partition, 0);
}
END_TEST

static void never_there(void)
{
    kfk_producer *p = producer("delivery.timeout.ms", "3000", "linger.ms", "0",
                               "request.timeout.ms", "1000", NULL);
    int64_t start = now();

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(send_record(p, new_record(), "nowhere", -1, KFK_NOWAIT, 50), KFK_OK);
    flush(p);
    ck_assert_int_ge(now() - start, 3000 * SIM_MS);
    ck_assert_int_le(now() - start, 3100 * SIM_MS);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN), 5);
    ck_assert_int_eq(w.reports[0].err, KFK_ERR_DELIVERY_TIMEOUT);
    ck_assert_int_eq(send_record(p, new_record(), "a bad name", -1, KFK_NOWAIT, 50), KFK_OK);
    flush(p);
    ck_assert_int_eq(w.reports[5].err, KFK_ERR_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(w.reports[5].status, KFK_NOT_WRITTEN);
    ends(p);
}

START_TEST(what_is_never_known_expires_or_is_refused)
{
    EACH(never_there, .no_auto_create = true);
}
END_TEST

/* The broker answers metadata late: close waits for it, or not. */
static void closed_meanwhile(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = METADATA, .value = 500, .count = 2);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, KFK_NOWAIT, 50), KFK_OK);
    ck_assert_int_eq(kfk_producer_close(p, 10000, &w.e), KFK_OK);
    kfk_producer_free(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 50);
    log_has("t", 0, 50);
    p = producer(NULL);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = METADATA, .value = 500, .count = 2);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, KFK_NOWAIT, 50), KFK_OK);
    ck_assert_int_eq(kfk_producer_close(p, 100, &w.e), KFK_ERR_TIMED_OUT);
    kfk_producer_free(p);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN), 50);
}

START_TEST(close_counts_what_is_kept)
{
    EACH(closed_meanwhile, 0);
}
END_TEST

/* ---- many threads ---- */

static kfk_producer *shared;
static kfk__waiter done;
static _Atomic int running;

static void sends(void *arg)
{
    int32_t partition = *(const int32_t *)arg;

    for (int i = 0; i < 100; i++) {
        /* Some wait for the topic, some do not: each thread's records stay in order. */
        uint32_t flags = (i + partition) % 3 ? KFK_NOWAIT : 0;

        ck_assert_int_eq(send_record(shared, new_record(), "t", partition, flags, 30), KFK_OK);
    }
    if (--running == 0)
        w.rig.env.ops->wake(w.rig.env.ctx, &done);
}

static void crowd(void)
{
    static const int32_t partitions[] = {0, 1, 2, 3, 4, 5, 6, 7};

    shared = producer("batch.size", "700", NULL);
    ck_assert_int_eq(w.rig.env.ops->waiter_init(w.rig.env.ctx, &done), 0);
    topic("t", 8, 1);
    running = 8;
    for (int i = 0; i < 8; i++)
        sim_spawn(w.rig.s, 1, "sends", sends, (void *)(uintptr_t)&partitions[i]);
    (void)w.rig.env.ops->wait(w.rig.env.ctx, &done, KFK__NEVER);
    w.rig.env.ops->waiter_fini(w.rig.env.ctx, &done);
    flush(shared);
    ck_assert_int_eq(told(KFK_DELIVERED), 800);
    for (int32_t i = 0; i < 8; i++)
        log_has("t", i, 100);
    ends(shared);
}

START_TEST(each_thread_finds_its_records_in_order)
{
    EACH(crowd, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {check_16_too_large_batches_are_split,
                                  a_record_that_is_too_large_by_itself_fails_alone,
                                  parts_keep_their_order_whatever_happens,
                                  records_are_kept_until_the_topic_is_known,
                                  what_was_kept_is_as_it_was,
                                  a_partition_that_is_not_there_is_told,
                                  what_is_never_known_expires_or_is_refused,
                                  close_counts_what_is_kept,
                                  each_thread_finds_its_records_in_order,
                                  NULL};

    return world_main("sim/regroup", tests);
}
