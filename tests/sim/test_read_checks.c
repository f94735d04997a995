/* What a consumer is held to, by the numbers of the checks: transactions, batches that are not as
 * one would have them, and what Kafka itself wrote (tests/unit/record/golden). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "consumer/handle.h"
#include "devbroker/call.h"
#include "proto/fetch.h"
#include "record/write.h"
#include "sim/world.h"
#include "unit/record/listing.h"

#define GOLDEN "tests/unit/record/golden/"

enum { BATCH_MAX = 4096, RECORD = 15 };

/* ---- reading ---- */

static kfk_consumer *c;
static const char *max_bytes, *max_records, *level;

static void open_reader(int64_t from)
{
    c = consumer("max.partition.fetch.bytes", max_bytes, "max.poll.records", max_records,
                 "isolation.level", level, "auto.offset.reset", "none", NULL);
    ck_assert_ptr_nonnull(c);
    assign(c, "t", 0, from);
}

static int64_t position(void)
{
    kfk_tp at = tp("t", 0, 0);

    ck_assert_int_eq(kfk_consumer_position(c, &at, 1, 0, &w.e), KFK_OK);
    ck_assert_int_eq(at.err, KFK_OK);
    return at.offset;
}

/* Once an answer has told where the end is. */
static int64_t lag(void)
{
    kfk_tp at = tp("t", 0, 0);

    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(kfk_consumer_lag(c, &at, 1, &w.e), KFK_OK);
        if (at.err != KFK_ERR_WOULD_BLOCK)
            break;
        nap(100);
    }
    ck_assert_int_eq(at.err, KFK_OK);
    return at.offset;
}

/* Of the next run, which has at least one and no more than there may be in it. false: nothing
 * comes. */
static bool take_run(void (*take)(kfk_records *rs, const kfk_record_view *v))
{
    const kfk_record_view *v;
    kfk_records *rs;
    int n = 0;

    ck_assert_msg(kfk_consumer_poll(c, 1000, &rs, &w.e) == KFK_OK, "%s", w.e.msg);
    if (!rs)
        return false;
    for (; (v = kfk_records_next(rs)) != NULL; n++)
        take(rs, v);
    ck_assert_int_eq(kfk_records_status(rs, &w.e), KFK_OK);
    ck_assert_int_ge(n, 1);
    ck_assert_int_le(n, atoi(max_records));
    kfk_records_free(rs);
    return true;
}

/* With every limit on what is fetched and handed out at once. */
static void limits(const world_opts *o, void (*app)(void))
{
    static const char *const bytes[] = {"1", "100", "400", "1048576"};
    static const char *const records[] = {"1", "2", "500"};

    for (size_t i = 0; i < 12; i++) {
        max_bytes = bytes[i % 4];
        max_records = records[i / 4];
        (void)world_run(o, app);
    }
}

/* ---- batches ---- */

static void load(uint8_t *batch, size_t size, int64_t base, int32_t last_delta, int32_t count,
                 int attributes, int64_t producer)
{
    kfk__batch_header h = {.base_offset = base,
                           .length = (int32_t)size - KFK__BATCH_LOG_OVERHEAD,
                           .magic = 2,
                           .attributes = (int16_t)attributes,
                           .last_offset_delta = last_delta,
                           .producer_id = producer,
                           .producer_epoch = producer < 0 ? -1 : 0,
                           .base_sequence = producer < 0 ? -1 : 0,
                           .count = count};
    struct iovec body = {batch + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER};

    kfk__batch_header_write(batch, &h);
    kfk__batch_seal(batch, &body, 1);
    ck_assert_int_eq(kfk__devbroker_load(w.broker, "t", 0, batch, size), KFK_OK);
}

static uint8_t *put_record(uint8_t *p, int32_t delta)
{
    return kfk__record_write(p, 0, delta, (kfk_bytes){0}, (kfk_bytes){"12345678", 8}, NULL, 0);
}

/* |n| records, one in every |step| offsets. */
static void load_spread(int64_t base, int32_t n, int32_t step, int64_t producer)
{
    uint8_t batch[BATCH_MAX], *p = batch + KFK__BATCH_HEADER;

    for (int32_t i = 0; i < n; i++)
        p = put_record(p, i * step);
    load(batch, (size_t)(p - batch), base, n * step - 1, n,
         producer < 0 ? 0 : KFK__BATCH_TRANSACTIONAL, producer);
}

/* One that compaction has emptied. */
static void load_empty(int64_t base, int32_t offsets)
{
    uint8_t batch[KFK__BATCH_HEADER];

    load(batch, sizeof batch, base, offsets - 1, 0, 0, -1);
}

static void load_marker(int64_t producer, int64_t base, bool commit)
{
    uint8_t batch[BATCH_MAX], key[4] = {0, 0, 0, commit}, value[6] = {0}, *end;

    end = kfk__record_write(batch + KFK__BATCH_HEADER, 0, 0, (kfk_bytes){key, 4},
                            (kfk_bytes){value, 6}, NULL, 0);
    load(batch, (size_t)(end - batch), base, 0, 1, KFK__BATCH_TRANSACTIONAL | KFK__BATCH_CONTROL,
         producer);
}

/* ---- 29: transactions ---- */

/* A log by chance: producers begin, go on, commit and abort, and others write among them. */
enum { PRODUCERS = 4, LOG = 400 };
enum { OPEN, KEPT, ABORTED, MARKER };
static int log_is[LOG];    /* of each offset, what has become of it */
static int log_whose[LOG]; /* of each that is open */
static int64_t end_of_log;
static bool is_open[PRODUCERS];

static void write_part(void)
{
    int who = (int)sim_below(w.rig.s, PRODUCERS + 1);
    int32_t n = 1 + (int32_t)sim_below(w.rig.s, 4);

    load_spread(end_of_log, n, 1, who < PRODUCERS ? who : -1);
    for (; n > 0; n--, end_of_log++) {
        log_is[end_of_log] = who < PRODUCERS ? OPEN : KEPT;
        log_whose[end_of_log] = who;
    }
    if (who < PRODUCERS)
        is_open[who] = true;
}

static void write_marker(int who, bool commit)
{
    load_marker(who, end_of_log, commit);
    for (int64_t i = 0; i < end_of_log; i++)
        if (log_is[i] == OPEN && log_whose[i] == who)
            log_is[i] = commit ? KEPT : ABORTED;
    log_is[end_of_log++] = MARKER;
    is_open[who] = false;
}

static void write_some(int n)
{
    for (; n > 0 && end_of_log < LOG - 10; n--)
        if (sim_below(w.rig.s, 3))
            write_part();
        else /* also of a transaction that has nothing here */
            write_marker((int)sim_below(w.rig.s, PRODUCERS), sim_below(w.rig.s, 2));
}

/* Where the first open transaction begins. */
static int64_t stable(void)
{
    int64_t i = 0;

    while (i < end_of_log && log_is[i] != OPEN)
        i++;
    return i;
}

static int64_t next; /* all before it has been read, or is not to be */

static void take_kept(kfk_records *rs, const kfk_record_view *v)
{
    (void)rs;
    for (; next < v->offset; next++)
        ck_assert_msg(log_is[next] != KEPT, "%d was not read", (int)next);
    ck_assert_msg(log_is[next] == KEPT, "%d was read, which is %d", (int)next, log_is[next]);
    next++;
}

static void reads_to_the_end(void)
{
    int64_t end = stable();

    for (int64_t until = now() + 30 * SIM_S; position() < end && now() < until;)
        (void)take_run(take_kept);
    ck_assert_int_eq(position(), end);
    for (; next < end; next++)
        ck_assert_msg(log_is[next] != KEPT, "%d was not read", (int)next);
    ck_assert_int_eq(lag(), 0);
}

static void by_chance(void)
{
    end_of_log = next = 0;
    memset(is_open, 0, sizeof is_open);
    topic("t", 1, 1);
    open_reader(0);
    for (int i = 0; i < 10; i++) {
        write_some(1 + (int)sim_below(w.rig.s, 12));
        if (sim_below(w.rig.s, 4) == 0 && stable() > 0) {
            kfk_tp to = tp("t", 0, (int64_t)sim_below(w.rig.s, (uint64_t)stable()));

            ck_assert_int_eq(kfk_consumer_seek(c, &to, 1, &w.e), KFK_OK);
            next = to.offset;
        }
        reads_to_the_end();
    }
    for (int i = 0; i < PRODUCERS; i++) /* markers, and nothing behind them */
        if (is_open[i])
            write_marker(i, i % 2);
    reads_to_the_end();
    ck_assert_int_eq(position(), end_of_log);
    kfk_consumer_free(c);
}

START_TEST(check_29_committed_records_are_read_and_aborted_ones_are_not)
{
    level = "read_committed";
    for (uint64_t seed = 0; seed < 15; seed++)
        limits(&(world_opts){.seed = seed, .profile = seed % 2 ? "2.1" : NULL}, by_chance);
}
END_TEST

/* What is asked for first brings records alone, the next answer how they ended. */
static void marker_comes_later(void)
{
    topic("t", 1, 1);
    end_of_log = next = 0;
    open_reader(0);
    load_spread(0, 3, 1, 1);
    load_spread(3, 3, 1, -1);
    for (; end_of_log < 6; end_of_log++) {
        log_is[end_of_log] = end_of_log < 3 ? OPEN : KEPT;
        log_whose[end_of_log] = 1;
    }
    ck_assert(!take_run(take_kept));
    ck_assert_int_eq(position(), 0);
    ck_assert_int_eq(lag(), 0);
    write_marker(1, false);
    reads_to_the_end();
    ck_assert_int_eq(position(), 7);
    kfk_consumer_free(c);
}

START_TEST(check_29_a_transaction_may_end_in_a_later_answer)
{
    level = "read_committed";
    limits(&(world_opts){0}, marker_comes_later);
}
END_TEST

/* ---- 30: batches that are not as one would have them ---- */

enum { N = 12, IN_BATCH = 4 };

static void take_next(kfk_records *rs, const kfk_record_view *v)
{
    (void)rs;
    ck_assert_int_eq(v->offset, next);
    next++;
}

/* From every offset, most of which are within a batch, which then comes whole. */
static void from_within(void)
{
    topic("t", 1, 1);
    for (int64_t base = 0; base < N; base += IN_BATCH)
        load_spread(base, IN_BATCH, 1, -1);
    for (int64_t from = 0; from <= N; from++) {
        open_reader(from);
        next = from;
        while (next < N)
            ck_assert(take_run(take_next));
        ck_assert(!take_run(take_next));
        ck_assert_int_eq(position(), N);
        ck_assert_int_eq(lag(), 0);
        kfk_consumer_free(c);
    }
}

START_TEST(check_30_answers_that_begin_before_the_position_or_end_within_a_batch)
{
    level = "read_uncommitted";
    limits(&(world_opts){0}, from_within);
    limits(&(world_opts){.profile = "2.1"}, from_within);
}
END_TEST

/* Five records within 15 offsets, or 500, and none, at the beginning, in the middle and at the end.
 */
static int64_t sparse[16];
static int n_sparse;

static void take_sparse(kfk_records *rs, const kfk_record_view *v)
{
    (void)rs;
    sparse[n_sparse++ % 16] = v->offset;
}

static void reads_compacted(void)
{
    static const int64_t want[] = {10, 13, 16, 19, 22, 2000, 2100, 2200, 2300, 2400};
    int runs = 0;

    topic("t", 1, 1);
    load_empty(0, 10);
    load_spread(10, 5, 3, -1);
    load_empty(30, 1);
    load_empty(31, 1000);
    load_spread(2000, 5, 100, -1);
    load_empty(3000, 5);
    open_reader(0);
    for (n_sparse = 0; take_run(take_sparse); runs++)
        ;
    ck_assert_int_eq(n_sparse, 10);
    ck_assert_mem_eq(sparse, want, sizeof want);
    ck_assert_int_eq(position(), 3005);
    ck_assert_int_eq(lag(), 0);
    ck_assert_int_le(runs, 10);
    ck_assert_int_le(requests(FETCH), 20);
    kfk_consumer_free(c);
}

START_TEST(check_30_batches_that_compaction_has_thinned_out_or_emptied)
{
    level = "read_uncommitted";
    limits(&(world_opts){0}, reads_compacted);
    level = "read_committed";
    limits(&(world_opts){0}, reads_compacted);
}
END_TEST

/* ---- 31: sessions ---- */

enum { PARTITIONS = 4, HEARD = 4096 };
static int64_t nexts[PARTITIONS]; /* of each partition, what is to be read */
static int32_t epochs[HEARD];     /* of all Fetch requests */
static int n_epochs;

static void hears(void *arg, const kfk__dev_call *call)
{
    (void)arg;
    if (call->key == FETCH && n_epochs < HEARD)
        epochs[n_epochs++] = ((const kfk__fetch_request *)call->request)->session_epoch;
}

static void take_in_turn(kfk_records *rs, const kfk_record_view *v)
{
    (void)rs;
    ck_assert_int_eq(v->offset, nexts[v->partition]);
    nexts[v->partition]++;
}

static void send_some(kfk_producer *p)
{
    for (uint64_t n = sim_below(w.rig.s, 6); n > 0; n--)
        ck_assert_int_eq(send_to(p, "t", (int32_t)sim_below(w.rig.s, PARTITIONS)), KFK_OK);
    flush(p);
}

static void assign_all(void)
{
    kfk_tp tps[PARTITIONS];

    for (int32_t i = 0; i < PARTITIONS; i++)
        tps[i] = tp("t", i, nexts[i]);
    ck_assert_int_eq(kfk_consumer_assign(c, tps, PARTITIONS, &w.e), KFK_OK);
}

/* One partition goes, or stays in spite of a pause. */
static void leaves_and_returns(void)
{
    int32_t i = (int32_t)sim_below(w.rig.s, PARTITIONS);
    bool pauses = sim_below(w.rig.s, 2);
    kfk_tp one = tp("t", i, nexts[i]);

    ck_assert_int_eq(
        (pauses ? kfk_consumer_pause : kfk_consumer_incremental_unassign)(c, &one, 1, &w.e),
        KFK_OK);
    nap((int64_t)sim_below(w.rig.s, 600));
    ck_assert_int_eq(
        (pauses ? kfk_consumer_resume : kfk_consumer_incremental_assign)(c, &one, 1, &w.e), KFK_OK);
}

/* Something happens to sessions. */
static void happens(void)
{
    switch (sim_below(w.rig.s, 6)) {
    case 0:
        (void)kfk__devbroker_expire_sessions(w.broker, KFK__DEV_ANY);
        break;
    case 1:
        (void)kfk__devbroker_set_session_epoch(w.broker, KFK__DEV_ANY,
                                               1 + (int32_t)sim_below(w.rig.s, INT32_MAX));
        break;
    case 2:
        (void)kfk__devbroker_limit_sessions(w.broker, KFK__DEV_ANY, (int32_t)sim_below(w.rig.s, 2));
        break;
    case 3:
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        break;
    case 4:
        assign_all();
        break;
    default:
        leaves_and_returns();
    }
}

static void sessions_by_chance(void)
{
    kfk_producer *p = producer(NULL);
    int64_t sent = 0, read = 0;

    memset(nexts, 0, sizeof nexts);
    topic("t", PARTITIONS, 2);
    c = consumer("reconnect.backoff.ms", "50", NULL);
    assign_all();
    for (int i = 0; i < 30; i++) {
        send_some(p);
        happens();
        while (sim_below(w.rig.s, 4))
            (void)take_run(take_in_turn);
    }
    while (take_run(take_in_turn))
        ;
    for (int32_t i = 0; i < PARTITIONS; i++) {
        kfk__devbroker_offsets of;

        ck_assert_int_eq(kfk__devbroker_offsets_of(w.broker, "t", i, &of), KFK_OK);
        sent += of.end;
        read += nexts[i];
    }
    ck_assert_int_eq(read, sent);
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

START_TEST(check_31_whatever_happens_to_sessions_no_record_is_missed_or_repeated)
{
    max_records = "500";
    for (uint64_t seed = 0; seed < 40; seed++)
        (void)world_run(&(world_opts){.seed = seed,
                                      .nodes = 2,
                                      .profile = seed % 4 ? NULL : "2.1",
                                      .limit = 3600 * SIM_S},
                        sessions_by_chance);
}
END_TEST

/* As after two thousand million requests: while no Fetch is out, both sides are told so. The lock
 * is one that the Fetcher takes in each step. */
static void age_session(int32_t epoch)
{
    kfk__list *sources = &c->fetcher.sources;

    kfk__lock(&c->shared->lock);
    ck_assert(!kfk__list_empty(sources));
    KFK__ENTRY(sources->next, kfk__fetch_source, link)->session.epoch = epoch;
    kfk__unlock(&c->shared->lock);
    ck_assert_int_eq(kfk__devbroker_set_session_epoch(w.broker, KFK__DEV_ANY, epoch), KFK_OK);
}

static void epochs_wrap(void)
{
    kfk_producer *p = producer(NULL);
    kfk_tp one = tp("t", 0, 0);
    int at = 0;

    memset(nexts, 0, sizeof nexts);
    n_epochs = 0;
    topic("t", 1, 1);
    c = consumer(NULL);
    assign(c, "t", 0, 0);
    nap(2000);
    ck_assert_int_eq(kfk_consumer_pause(c, &one, 1, &w.e), KFK_OK);
    nap(2000);
    age_session(INT32_MAX - 1);
    at = n_epochs;
    ck_assert_int_eq(kfk_consumer_resume(c, &one, 1, &w.e), KFK_OK);
    for (int i = 0; i < 10; i++) {
        send_and_flush(p, "t", 0);
        ck_assert(take_run(take_in_turn));
    }
    ck_assert_int_ge(n_epochs, at + 10);
    for (int i = 0; at + i < n_epochs; i++)
        ck_assert_int_eq(epochs[at + i], i < 2 ? INT32_MAX - 1 + i : i - 1);
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

START_TEST(check_31_after_the_last_epoch_of_a_session_comes_the_first)
{
    max_records = "500";
    (void)world_run(&(world_opts){.heard = hears}, epochs_wrap);
    (void)world_run(&(world_opts){.heard = hears, .profile = "2.1"}, epochs_wrap);
}
END_TEST

/* Another log under the same name: it is read from its beginning, and nothing of the old one. */
static void made_again(void)
{
    kfk_producer *p = producer(NULL);

    memset(nexts, 0, sizeof nexts);
    topic("t", PARTITIONS, 1);
    c = consumer("auto.offset.reset", "earliest", "metadata.max.age.ms", "2000", NULL);
    assign_all();
    for (int i = 0; i < 4; i++) {
        int64_t read = 0, until = now() + 20 * SIM_S;

        for (int k = 0; k < 20; k++)
            ck_assert_int_eq(send_to(p, "t", k % PARTITIONS), KFK_OK);
        flush(p);
        for (; read < 20 && now() < until; read = nexts[0] + nexts[1] + nexts[2] + nexts[3])
            (void)take_run(take_in_turn);
        ck_assert_int_eq(read, 20);
        ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
        topic("t", PARTITIONS, 1);
        memset(nexts, 0, sizeof nexts);
        nap(3000);
    }
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

START_TEST(check_31_a_topic_that_is_made_again_is_read_from_its_beginning)
{
    max_records = "500";
    for (uint64_t seed = 0; seed < 20; seed++)
        (void)world_run(&(world_opts){.seed = seed}, made_again);
}
END_TEST

/* ---- 40: what others wrote ---- */

static const char *golden;
static FILE *listing;

static void list(kfk_records *rs, const kfk_record_view *v)
{
    static kfk_header headers[1000];
    size_t n = kfk_records_headers(rs, headers, 1000);

    ck_assert_uint_eq(n, v->n_headers);
    list_record(listing, v->offset, v->timestamp_ms, v->key, v->value, -1, headers, n);
}

/* The lines that are records of an application. */
static char *golden_lines(void)
{
    char path[256];
    size_t n = 0, len = 0;
    char *text;

    (void)snprintf(path, sizeof path, GOLDEN "%s.txt", golden);
    text = (char *)read_whole_file(path, &n);
    ck_assert_ptr_nonnull(text);
    text[n] = '\0';
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (line[0] != ' ' || strstr(line, " type="))
            continue;
        memmove(text + len, line, (size_t)(end - line));
        len += (size_t)(end - line);
        text[len++] = '\n';
    }
    text[len] = '\0';
    return text;
}

static void reads_golden(void)
{
    char path[256], *want = golden_lines(), *got = NULL;
    size_t n = 0, got_n;
    uint8_t *batches;
    kfk__devbroker_offsets of;

    (void)snprintf(path, sizeof path, GOLDEN "%s.bin", golden);
    batches = read_whole_file(path, &n);
    listing = open_memstream(&got, &got_n);
    topic("t", 1, 1);
    ck_assert_int_eq(kfk__devbroker_load(w.broker, "t", 0, batches, n), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_offsets_of(w.broker, "t", 0, &of), KFK_OK);
    open_reader(of.start);
    while (position() < of.end)
        (void)take_run(list);
    fclose(listing);
    ck_assert_msg(strcmp(got, want) == 0, "%s:\n%s", golden, got);
    ck_assert_int_eq(lag(), 0);
    kfk_consumer_free(c);
    free(got);
    free(want);
    free(batches);
}

START_TEST(check_40_what_kafka_wrote_is_read)
{
    static const char *const names[] = {
        "none",          "gzip",        "snappy",      "lz4",           "zstd",
        "control",       "compacted",   "magic0-none", "magic0-gzip",   "magic0-snappy",
        "magic0-lz4",    "magic1-none", "magic1-gzip", "magic1-snappy", "magic1-lz4",
        "magic1-append", "transactions"};

    level = "read_uncommitted";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        golden = names[i];
        limits(&(world_opts){.seed = i}, reads_golden);
    }
}
END_TEST

/* What some clients called snappy: one block, here of one literal, without framing. */
static void raw_snappy(void)
{
    uint8_t batch[BATCH_MAX], records[BATCH_MAX], *end = records;
    uint8_t *p = batch + KFK__BATCH_HEADER;
    size_t n;

    for (int32_t i = 0; i < 8; i++)
        end = put_record(end, i);
    n = (size_t)(end - records);
    ck_assert_uint_lt(n, 128);
    p[0] = (uint8_t)n;
    p[1] = 60 << 2;
    p[2] = (uint8_t)(n - 1);
    memcpy(p + 3, records, n);
    topic("t", 1, 1);
    load(batch, KFK__BATCH_HEADER + 3 + n, 0, 7, 8, KFK__CODEC_SNAPPY, -1);
    open_reader(0);
    next = 0;
    while (next < 8)
        ck_assert(take_run(take_next));
    kfk_consumer_free(c);
}

START_TEST(check_40_snappy_without_framing_is_read)
{
    level = "read_uncommitted";
    limits(&(world_opts){0}, raw_snappy);
}
END_TEST

enum { HEADERS = 10000 };
static const char *codec;

/* Every third value is null, every third empty. */
static kfk_header header_of(int i, char key[16], char value[16])
{
    size_t n = (size_t)snprintf(value, 16, "%d", i * 7);

    return (kfk_header){.key = {key, (size_t)snprintf(key, 16, "h%d", i % 100)},
                        .value = {i % 3 ? value : NULL, i % 3 == 1 ? n : 0}};
}

static void send_headers(void)
{
    static kfk_header headers[HEADERS];
    static char keys[HEADERS][16], values[HEADERS][16];
    kfk_producer *p = producer("compression.type", codec, NULL);
    kfk_record r = {.struct_size = sizeof r,
                    .topic = "t",
                    .value = {"v", 1},
                    .headers = headers,
                    .n_headers = HEADERS};

    for (int i = 0; i < HEADERS; i++)
        headers[i] = header_of(i, keys[i], values[i]);
    ck_assert_msg(kfk_producer_send(p, &r, NULL, NULL, &w.e) == KFK_OK, "%s", w.e.msg);
    flush(p);
    kfk_producer_free(p);
}

static void check_bytes(kfk_bytes got, kfk_bytes want)
{
    ck_assert_uint_eq(got.len, want.len);
    ck_assert(!got.data == !want.data);
    ck_assert(want.len == 0 || memcmp(got.data, want.data, want.len) == 0);
}

static void check_headers(const kfk_header *got, size_t n)
{
    char key[16], value[16];

    ck_assert_uint_eq(n, HEADERS);
    for (int i = 0; i < HEADERS; i++) {
        kfk_header want = header_of(i, key, value);

        check_bytes(got[i].key, want.key);
        check_bytes(got[i].value, want.value);
    }
}

static void take_headers(kfk_records *rs, const kfk_record_view *v)
{
    static kfk_header headers[HEADERS + 1];
    kfk_record_owned *copy = kfk_record_copy(rs);

    ck_assert_uint_eq(v->n_headers, HEADERS);
    check_headers(headers, kfk_records_headers(rs, headers, HEADERS + 1));
    ck_assert_uint_eq(kfk_records_headers(rs, headers, 5), 5);
    ck_assert_ptr_nonnull(copy);
    check_headers(copy->headers, copy->view.n_headers);
    kfk_record_free(copy);
    next++;
}

static void many_headers(void)
{
    topic("t", 1, 1);
    send_headers();
    open_reader(0);
    next = 0;
    ck_assert(take_run(take_headers));
    ck_assert_int_eq(next, 1);
    kfk_consumer_free(c);
}

START_TEST(check_40_a_record_has_ten_thousand_headers)
{
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};

    level = "read_uncommitted";
    max_bytes = "1048576";
    max_records = "500";
    for (size_t i = 0; i < 5; i++) {
        codec = codecs[i];
        (void)world_run(&(world_opts){0}, many_headers);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        check_29_committed_records_are_read_and_aborted_ones_are_not,
        check_29_a_transaction_may_end_in_a_later_answer,
        check_30_answers_that_begin_before_the_position_or_end_within_a_batch,
        check_30_batches_that_compaction_has_thinned_out_or_emptied,
        check_31_whatever_happens_to_sessions_no_record_is_missed_or_repeated,
        check_31_after_the_last_epoch_of_a_session_comes_the_first,
        check_31_a_topic_that_is_made_again_is_read_from_its_beginning,
        check_40_what_kafka_wrote_is_read,
        check_40_snappy_without_framing_is_read,
        check_40_a_record_has_ten_thousand_headers,
        NULL};

    return world_main("sim/read_checks", tests);
}
