/* A whole consumer against an embedded cluster. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "record/batch.h"
#include "sim/world.h"

#define N 300

static int ids[WORLD_RECORDS];

/* |n| records in partition 0 of "t", in batches of ten. */
static void fill(int n, const char *codec)
{
    kfk_producer *p = producer("compression.type", codec, "linger.ms", "5", NULL);

    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
        if (i % 10 == 9)
            flush(p);
    }
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), accepted());
    kfk_producer_free(p);
}

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

static int64_t position(kfk_consumer *c)
{
    kfk_tp at = tp("t", 0, 0);

    ck_assert_int_eq(kfk_consumer_position(c, &at, 1, 0, &w.e), KFK_OK);
    return at.err ? -1 : at.offset;
}

static void seek(kfk_consumer *c, int64_t offset)
{
    kfk_tp at = tp("t", 0, offset);

    ck_assert_int_eq(kfk_consumer_seek(c, &at, 1, &w.e), KFK_OK);
}

static void profiles(void (*app)(void), int32_t nodes)
{
    static const char *const all[] = {"2.1", "2.4", "2.8", "3.3", "3.7", "4.3"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (uint64_t seed = 0; seed < 5; seed++)
            (void)world_run(&(world_opts){.seed = seed, .profile = all[i], .nodes = nodes}, app);
}

static void seeds(void (*app)(void), int32_t nodes)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        (void)world_run(&(world_opts){.seed = seed, .nodes = nodes}, app);
}

/* ---- reading ---- */

static void reads_all(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);

    topic("t", 1, 1);
    fill(N, "none");
    assign(c, "t", 0, KFK_OFFSET_EARLIEST);
    expect(c, 0, N);
    ck_assert_int_eq(position(c), N);
    fill(20, "lz4");
    expect(c, N, 20);
    seek(c, 5);
    expect(c, 5, N + 15);
    kfk_consumer_free(c);
}

START_TEST(every_version_reads_all)
{
    profiles(reads_all, 1);
}
END_TEST

static void resets(void)
{
    kfk_consumer *late = consumer("auto.offset.reset", "latest", NULL);
    kfk_consumer *none = consumer("auto.offset.reset", "none", NULL);
    kfk_tp at = {.topic = "t"};

    topic("t", 1, 1);
    fill(50, "none");
    ck_assert_int_eq(kfk_consumer_assign(late, &at, 1, &w.e), KFK_OK);
    nothing_comes(late, 1000);
    ck_assert_int_eq(position(late), 50);
    fill(10, "none");
    expect(late, 50, 10);

    ck_assert_int_eq(kfk_consumer_assign(none, &at, 1, &w.e), KFK_OK);
    ck_assert_int_eq(poll_error(none), KFK_ERR_NO_OFFSET);
    ck_assert_int_eq(poll_error(none), KFK_ERR_NO_OFFSET);
    seek(none, 55);
    expect(none, 55, 5);
    seek(none, 1000);
    ck_assert_int_eq(poll_error(none), KFK_ERR_OFFSET_OUT_OF_RANGE);
    ck_assert_int_eq(w.e.offset, 1000);
    ck_assert_str_eq(w.e.topic, "t");
    seek(late, 1000);
    nothing_comes(late, 1000);
    ck_assert_int_eq(position(late), 60);
    kfk_consumer_free(late);
    kfk_consumer_free(none);
}

START_TEST(resets_as_it_is_told)
{
    seeds(resets, 1);
}
END_TEST

static void seeks_while_answers_come(void)
{
    kfk_consumer *c = consumer("max.poll.records", "7", NULL);

    topic("t", 1, 1);
    fill(200, "none");
    assign(c, "t", 0, 0);
    for (int i = 0; i < 30; i++) {
        int to = (int)sim_below(w.rig.s, 190), n;

        seek(c, to);
        if (sim_below(w.rig.s, 2))
            nap((int64_t)sim_below(w.rig.s, 3));
        n = read_records(c, 1, 10000, ids);
        ck_assert(n >= 1 && n <= 7);
        ck_assert_int_eq(ids[0], to);
        ck_assert_int_eq(position(c), to + n);
    }
    kfk_consumer_free(c);
}

START_TEST(nothing_from_before_a_seek)
{
    seeds(seeks_while_answers_come, 1);
}
END_TEST

static void assigns(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);
    kfk_tp both[2] = {{.topic = "t", .opaque = &w}, {.topic = "u"}};

    topic("t", 1, 1);
    topic("u", 1, 1);
    fill(40, "none");
    assign(c, "t", 0, 10);
    expect(c, 10, 30);
    ck_assert_int_eq(kfk_consumer_assign(c, both, 2, &w.e), KFK_OK);
    ck_assert_int_eq(position(c), 40);
    nothing_comes(c, 600);
    fill(10, "none");
    expect(c, 40, 10);
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    fill(10, "none");
    nothing_comes(c, 600);
    ck_assert_int_eq(kfk_consumer_seek(c, both, 1, &w.e), KFK_ERR_STATE);
    kfk_consumer_free(c);
}

START_TEST(assign_keeps_positions)
{
    seeds(assigns, 1);
}
END_TEST

/* ---- the cluster moves ---- */

static void moves(void)
{
    kfk_consumer *c = consumer("reconnect.backoff.ms", "50", NULL);
    int64_t start;

    topic("t", 1, 3);
    fill(100, "none");
    assign(c, "t", 0, 0);
    expect(c, 0, 100);
    for (int32_t i = 0; i < 6; i++) {
        int32_t node = i % 3 + 1;

        if (i < 3)
            ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, node), KFK_OK);
        else
            ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, node), KFK_OK);
        start = now();
        fill(10, "none");
        expect(c, 100 + i * 10, 10);
        ck_assert_int_lt(now() - start, 3 * SIM_S);
        (void)kfk__devbroker_start_node(w.broker, node);
    }
    kfk_consumer_free(c);
}

START_TEST(follows_the_leader)
{
    profiles(moves, 3);
}
END_TEST

static void out_of_range_after_trim(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);

    topic("t", 1, 1);
    fill(100, "none");
    ck_assert_int_eq(kfk__devbroker_trim(w.broker, "t", 0, 50), KFK_OK);
    assign(c, "t", 0, 10);
    expect(c, 50, 50);
    kfk_consumer_free(c);
}

START_TEST(what_is_gone_is_passed_over)
{
    seeds(out_of_range_after_trim, 1);
}
END_TEST

/* ---- transactions ---- */

/* A log of a real broker (tests/kafka/golden), which ends at 24. */
static uint8_t transactions[4096];
static size_t transactions_len;

static void read_golden(void)
{
    FILE *f = fopen("tests/unit/record/golden/transactions.bin", "rb");

    ck_assert_ptr_nonnull(f);
    transactions_len = fread(transactions, 1, sizeof transactions, f);
    ck_assert_uint_lt(transactions_len, sizeof transactions);
    fclose(f);
}

/* The next |n| of its batches become the topic's. */
static void load_batches(size_t *at, int n)
{
    kfk__batch_header h;
    const char *why;
    size_t size;

    for (; n > 0 && *at < transactions_len; n--, *at += size) {
        ck_assert_int_eq(
            kfk__batch_header_read(transactions + *at, transactions_len - *at, &h, &size, &why),
            KFK_OK);
        ck_assert_int_eq(kfk__devbroker_load(w.broker, "t", 0, transactions + *at, size), KFK_OK);
    }
}

/* Adds the offsets of what comes within |ms|, or before the position is at |end|, to |text|. */
static void read_offsets(kfk_consumer *c, int64_t end, int64_t ms, char *text, size_t size)
{
    int64_t until = now() + ms * SIM_MS;

    while (position(c) < end && now() < until) {
        kfk_records *rs;
        const kfk_record_view *v;

        ck_assert_int_eq(kfk_consumer_poll(c, 100, &rs, &w.e), KFK_OK);
        while (rs && (v = kfk_records_next(rs)) != NULL) {
            size_t n = strlen(text);

            (void)snprintf(text + n, size - n, " %d", (int)v->offset);
        }
        kfk_records_free(rs);
    }
}

static int take_lag(const kfk_metric *m, void *lag)
{
    if (strcmp(m->name, "kfk_consumer_lag_records") == 0)
        *(int64_t *)lag = m->value;
    return 0;
}

static const char COMMITTED[] = " 2 3 4 5 8 9 10 16 17";
static const char ALL[] = " 0 1 2 3 4 5 6 8 9 10 12 13 14 15 16 17 20 21";

/* All at once or, with few |max_bytes|, an answer for each batch. */
static void reads_transactions(const char *level, const char *max_bytes, const char *want)
{
    kfk_consumer *c =
        consumer("isolation.level", level, "max.partition.fetch.bytes", max_bytes, NULL);
    char text[256] = "";
    int64_t lag = -1;
    size_t at = 0;

    topic("t", 1, 1);
    load_batches(&at, INT_MAX);
    assign(c, "t", 0, KFK_OFFSET_EARLIEST);
    read_offsets(c, 24, 60000, text, sizeof text);
    ck_assert_str_eq(text, want);
    ck_assert_int_eq(position(c), 24);
    ck_assert_int_eq(kfk_consumer_metrics(c, take_lag, &lag), KFK_OK);
    ck_assert_int_eq(lag, 0);
    kfk_consumer_free(c);
}

static void reads_committed(void)
{
    reads_transactions("read_committed", "1048576", COMMITTED);
}

static void reads_committed_piecewise(void)
{
    reads_transactions("read_committed", "1", COMMITTED);
}

static void reads_uncommitted(void)
{
    reads_transactions("read_uncommitted", "1048576", ALL);
}

START_TEST(what_was_aborted_is_not_read)
{
    read_golden();
    profiles(reads_committed, 1);
    profiles(reads_committed_piecewise, 1);
    profiles(reads_uncommitted, 1);
}
END_TEST

/* Batch by batch, as they would come: what is not decided yet is not there, and not at the end. */
static void waits_for_markers(void)
{
    kfk_consumer *c = consumer("isolation.level", "read_committed", NULL);
    kfk_consumer *late = consumer("isolation.level", "read_committed", NULL);
    char text[256] = "";
    size_t at = 0;

    topic("t", 1, 1);
    assign(c, "t", 0, KFK_OFFSET_EARLIEST);
    load_batches(&at, 6); /* up to the first marker; producer 2's transaction is open from 2 on */
    read_offsets(c, 24, 1000, text, sizeof text);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(position(c), 2);
    assign(late, "t", 0, KFK_OFFSET_LATEST);
    read_offsets(late, 24, 1000, text, sizeof text);
    ck_assert_int_eq(position(late), 2);
    while (at < transactions_len) {
        load_batches(&at, 1);
        read_offsets(c, 24, 1000, text, sizeof text);
        ck_assert_int_eq(strncmp(text, COMMITTED, strlen(text)), 0);
    }
    ck_assert_str_eq(text, COMMITTED);
    kfk_consumer_free(c);
    kfk_consumer_free(late);
}

START_TEST(what_is_not_decided_is_not_read)
{
    read_golden();
    seeds(waits_for_markers, 1);
}
END_TEST

/* ---- waiting, closing ---- */

static kfk_consumer *shared;
static _Atomic kfk_err polled; /* what the poll in the other thread came back with */

static void polls(void *arg)
{
    kfk_records *rs;
    int64_t start = now();

    (void)arg;
    polled = kfk_consumer_poll(shared, 100000, &rs, NULL);
    ck_assert_ptr_null(rs);
    ck_assert_int_lt(now() - start, 2 * SIM_S);
}

static void wakes(void)
{
    kfk_records *rs;

    topic("t", 1, 1);
    shared = consumer(NULL);
    assign(shared, "t", 0, 0);
    sim_spawn(w.rig.s, 1, "polls", polls, NULL);
    nap(1000);
    ck_assert_int_eq(kfk_consumer_poll(shared, 0, &rs, &w.e), KFK_ERR_BUSY);
    kfk_consumer_wakeup(shared);
    nap(10);
    ck_assert_int_eq(polled, KFK_ERR_WOKEN);
    kfk_consumer_wakeup(shared);
    ck_assert_int_eq(kfk_consumer_poll(shared, 1000, &rs, &w.e), KFK_ERR_WOKEN);
    ck_assert_int_eq(kfk_consumer_poll(shared, 0, &rs, &w.e), KFK_OK);
    polled = KFK_OK;
    sim_spawn(w.rig.s, 1, "polls", polls, NULL);
    nap(1000);
    ck_assert_int_eq(kfk_consumer_close(shared, 0, &w.e), KFK_OK);
    nap(10);
    ck_assert_int_eq(polled, KFK_ERR_CLOSED);
    kfk_consumer_free(shared);
}

START_TEST(wakeup_and_close_end_a_poll)
{
    seeds(wakes, 1);
}
END_TEST

static void closes_at_any_time(void)
{
    kfk_records *held = NULL, *rs = NULL;
    const kfk_record_view *v;
    int n = 0;
    kfk_consumer *c = consumer(NULL);

    topic("t", 1, 1);
    fill(100, "zstd");
    assign(c, "t", 0, 0);
    nap((int64_t)sim_below(w.rig.s, 20));
    if (sim_below(w.rig.s, 2))
        ck_assert_int_eq(kfk_consumer_poll(c, (int)sim_below(w.rig.s, 20), &held, &w.e), KFK_OK);
    if (sim_below(w.rig.s, 2))
        ck_assert_int_eq(kfk_consumer_close(c, 100, &w.e), KFK_OK);
    else
        (void)kfk_consumer_poll(c, 0, &rs, &w.e);
    kfk_consumer_free(c);
    while (held && (v = kfk_records_next(held)) != NULL)
        ck_assert_int_eq(v->offset, n++);
    if (held)
        ck_assert_int_eq(kfk_records_status(held, &w.e), KFK_OK);
    kfk_records_free(rs);
    kfk_records_free(held);
}

START_TEST(closes_with_runs_out)
{
    for (uint64_t seed = 0; seed < 200; seed++)
        (void)world_run(&(world_opts){.seed = seed}, closes_at_any_time);
}
END_TEST

static void asks_for_partitions(void)
{
    kfk_consumer *c = consumer(NULL);
    int32_t n = 0;

    topic("t", 7, 1);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 5000, &n, &w.e), KFK_OK);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(kfk_consumer_partitions(c, "nosuch", 3000, &n, &w.e),
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_le(requests(METADATA), 3 * 20);
    ck_assert_int_eq(kfk_consumer_partitions(c, "b@d", 3000, &n, &w.e),
                     KFK_ERR_INVALID_TOPIC_EXCEPTION);
    kfk_consumer_free(c);
}

START_TEST(partitions_of_a_topic)
{
    (void)world_run(&(world_opts){.no_auto_create = true}, asks_for_partitions);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_version_reads_all,
                                  resets_as_it_is_told,
                                  nothing_from_before_a_seek,
                                  assign_keeps_positions,
                                  follows_the_leader,
                                  what_is_gone_is_passed_over,
                                  what_was_aborted_is_not_read,
                                  what_is_not_decided_is_not_read,
                                  wakeup_and_close_end_a_poll,
                                  closes_with_runs_out,
                                  partitions_of_a_topic,
                                  NULL};

    return world_main("sim/consumer", tests);
}
