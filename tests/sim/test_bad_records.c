/* Records that cannot be read: whatever is wrong with a batch, nothing wrong is handed out, the
 * position stays, poll says where, the broker is left in peace, and there is a way past it. The
 * broker serves its log as it is, which is spoiled here in its memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/broker.h"
#include "record/write.h"
#include "sim/world.h"

/* Three batches of five records, whose values are their offsets; the second one is bad. */
enum { IN_BATCH = 5, BAD = 5, BEHIND = 10, END = 15, RECORD = 15, BATCH_MAX = 4096 };
enum { AT_LENGTH = 8, AT_MAGIC = 16, AT_CRC = 17, AT_ATTRIBUTES = 21, AT_LAST_DELTA = 23 };
enum {
    AT_BASE_TIME = 27,
    AT_COUNT = 57,
    AT_RECORD = KFK__BATCH_HEADER + 2 * RECORD /* the third */
};
enum { SIZE = KFK__BATCH_HEADER + IN_BATCH * RECORD };

/* ---- batches ---- */

static uint8_t *put_record(uint8_t *p, int32_t i, int64_t offset)
{
    char value[16];

    (void)snprintf(value, sizeof value, "%08d", (int)offset);
    return kfk__record_write(p, i, i, (kfk_bytes){0}, (kfk_bytes){value, 8}, NULL, 0);
}

static void seal(uint8_t *batch, size_t size)
{
    struct iovec body = {batch + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER};

    kfk__batch_seal(batch, &body, 1);
}

static void load(uint8_t *batch, size_t size, int64_t base, int32_t n, int attributes,
                 int64_t producer)
{
    kfk__batch_header h = {.base_offset = base,
                           .length = (int32_t)size - KFK__BATCH_LOG_OVERHEAD,
                           .magic = 2,
                           .attributes = (int16_t)attributes,
                           .last_offset_delta = n - 1,
                           .producer_id = producer,
                           .producer_epoch = producer < 0 ? -1 : 0,
                           .base_sequence = producer < 0 ? -1 : 0,
                           .count = n};

    kfk__batch_header_write(batch, &h);
    seal(batch, size);
    ck_assert_int_eq(kfk__devbroker_load(w.broker, "t", 0, batch, size), KFK_OK);
}

static void load_part(int64_t producer, int64_t base, int32_t n)
{
    uint8_t batch[BATCH_MAX], *p = batch + KFK__BATCH_HEADER;

    for (int32_t i = 0; i < n; i++)
        p = put_record(p, i, base + i);
    load(batch, (size_t)(p - batch), base, n, producer < 0 ? 0 : KFK__BATCH_TRANSACTIONAL,
         producer);
}

static void load_good(int64_t base)
{
    load_part(-1, base, IN_BATCH);
}

/* The bytes of the batch at |offset| in the broker's memory. The broker's lock is held. */
static uint8_t *stored(int64_t offset, size_t *size)
{
    kfk__dev_topic *t = kfk__dev_cluster_topic(&w.broker->service.cluster, kfk__bytes("t", 1));
    const kfk__dev_batch *b = kfk__dev_log_find(&kfk__dev_topic_partition(t, 0)->log, offset);

    *size = b->size;
    return b->chunk->bytes + b->at;
}

/* Writes |width| bytes over the batch at |offset|. */
static void spoil(int64_t offset, size_t at, const void *bytes, size_t width, bool sealed)
{
    uint8_t *batch;
    size_t size;

    kfk__lock(&w.broker->service.lock);
    batch = stored(offset, &size);
    ck_assert_uint_le(at + width, size);
    memcpy(batch + at, bytes, width);
    if (sealed)
        seal(batch, size);
    kfk__unlock(&w.broker->service.lock);
}

static void spoil_number(int64_t offset, size_t at, size_t width, int64_t value, bool sealed)
{
    uint8_t bytes[8];

    kfk__put_be64(bytes, (uint64_t)value);
    spoil(offset, at, bytes + 8 - width, width, sealed);
}

/* ---- reading ---- */

static kfk_consumer *c;
static int64_t next; /* the offset that is to be read next */

/* Every record is what was written at its offset. */
static void take(kfk_records *rs)
{
    const kfk_record_view *v;
    char text[9] = "";

    while ((v = kfk_records_next(rs)) != NULL) {
        ck_assert_int_eq(v->offset, next);
        ck_assert_uint_eq(v->value.len, 8);
        memcpy(text, v->value.data, 8);
        ck_assert_int_eq(atoi(text), next);
        next++;
    }
    kfk_records_free(rs);
}

/* Until poll tells an error, |end| is reached, or nothing comes for two seconds. */
static kfk_err read_to(int64_t end)
{
    kfk_err err = KFK_OK;
    kfk_records *rs;

    do {
        err = kfk_consumer_poll(c, 2000, &rs, &w.e);
        if (rs)
            take(rs);
    } while (!err && rs && next < end);
    return err;
}

static int64_t position(void)
{
    kfk_tp at = tp("t", 0, 0);

    ck_assert_int_eq(kfk_consumer_position(c, &at, 1, 0, &w.e), KFK_OK);
    return at.offset;
}

static void go_to(int64_t offset)
{
    kfk_tp at = tp("t", 0, offset);

    ck_assert_int_eq(kfk_consumer_seek(c, &at, 1, &w.e), KFK_OK);
    next = offset;
}

/* Who polls for a minute is told the same each time, and the broker hears little of it. */
static void stays(kfk_err err, int64_t at)
{
    int64_t before = requests(FETCH);

    for (int i = 0; i < 60; i++) {
        kfk_records *rs;

        ck_assert_int_eq(kfk_consumer_poll(c, 1000, &rs, &w.e), err);
        ck_assert_ptr_null(rs);
        ck_assert_str_eq(w.e.topic, "t");
        ck_assert_int_eq(w.e.partition, 0);
        ck_assert_int_eq(w.e.offset, at);
        ck_assert_int_eq(position(), at);
        nap(1000);
    }
    ck_assert_int_le(requests(FETCH) - before, 3);
}

/* ---- what may be wrong with a batch ---- */

/* Who knows where the next one begins. */
typedef enum who { ITS_HEADER, THE_NEXT, NOBODY } who;

typedef struct wrong {
    const char *what;
    size_t at, width;
    int64_t value;
    bool sealed; /* the checksum is right */
    kfk_err err;
    int good; /* records in front of the bad one in the batch */
    who knows;
} wrong;

#define CRC KFK_ERR_CORRUPT_MESSAGE
#define RECORDS KFK_ERR_BAD_RECORD

static const wrong wrongs[] = {
    {"crc", AT_CRC, 4, 12345, false, CRC, 0, ITS_HEADER},
    {"a value's byte", SIZE - 3, 1, 'x', false, CRC, 0, ITS_HEADER},
    {"magic 3", AT_MAGIC, 1, 3, true, CRC, 0, NOBODY},
    {"magic below 0", AT_MAGIC, 1, -1, true, CRC, 0, NOBODY},
    {"length below 0", AT_LENGTH, 4, -1, true, CRC, 0, NOBODY},
    {"length far below 0", AT_LENGTH, 4, INT32_MIN, true, CRC, 0, NOBODY},
    {"length 0", AT_LENGTH, 4, 0, true, CRC, 0, NOBODY},
    {"length of less than a header", AT_LENGTH, 4, 48, true, CRC, 0, NOBODY},
    {"length of more than there is", AT_LENGTH, 4, 4000, true, CRC, 0, NOBODY},
    {"length of all that can be", AT_LENGTH, 4, INT32_MAX, true, CRC, 0, NOBODY},
    {"codec 5", AT_ATTRIBUTES, 2, 5, true, KFK_ERR_UNSUPPORTED, 0, THE_NEXT},
    {"codec 7", AT_ATTRIBUTES, 2, 7, true, KFK_ERR_UNSUPPORTED, 0, THE_NEXT},
    {"gzip that is none", AT_ATTRIBUTES, 2, 1, true, KFK_ERR_DECOMPRESS, 0, ITS_HEADER},
    {"snappy that is none", AT_ATTRIBUTES, 2, 2, true, KFK_ERR_DECOMPRESS, 0, ITS_HEADER},
    {"lz4 that is none", AT_ATTRIBUTES, 2, 3, true, KFK_ERR_DECOMPRESS, 0, ITS_HEADER},
    {"zstd that is none", AT_ATTRIBUTES, 2, 4, true, KFK_ERR_DECOMPRESS, 0, ITS_HEADER},
    {"base offset below 0", 0, 8, -1, true, CRC, 0, THE_NEXT},
    {"base offset far below 0", 0, 8, INT64_MIN, true, CRC, 0, THE_NEXT},
    {"base offset at the end of all", 0, 8, INT64_MAX, true, CRC, 0, THE_NEXT},
    {"last offset at the end of all", 0, 8, INT64_MAX - 4, true, CRC, 0, THE_NEXT},
    {"last offset delta below 0", AT_LAST_DELTA, 4, -1, true, CRC, 0, THE_NEXT},
    {"last offset delta far below 0", AT_LAST_DELTA, 4, INT32_MIN, true, CRC, 0, THE_NEXT},
    {"last offset delta that lies", AT_LAST_DELTA, 4, 1000, false, CRC, 0, THE_NEXT},
    {"last offset delta at its end", AT_LAST_DELTA, 4, INT32_MAX, false, CRC, 0, THE_NEXT},
    {"last offset delta of less than there is", AT_LAST_DELTA, 4, 3, true, CRC, 0, THE_NEXT},
    {"count below 0", AT_COUNT, 4, -1, true, CRC, 0, THE_NEXT},
    {"count far below 0", AT_COUNT, 4, INT32_MIN, true, CRC, 0, THE_NEXT},
    {"count of more than there are offsets", AT_COUNT, 4, 6, true, CRC, 0, THE_NEXT},
    {"count of all that can be", AT_COUNT, 4, INT32_MAX, true, CRC, 0, THE_NEXT},
    {"count of less than there is", AT_COUNT, 4, 3, true, RECORDS, 3, ITS_HEADER},
    {"timestamp that overflows", AT_BASE_TIME, 8, INT64_MAX, true, RECORDS, 1, ITS_HEADER},
    {"record's length below 0", AT_RECORD, 1, 1, true, RECORDS, 2, ITS_HEADER},
    {"record's length 0", AT_RECORD, 1, 0, true, RECORDS, 2, ITS_HEADER},
    {"record's length too short", AT_RECORD, 1, 26, true, RECORDS, 2, ITS_HEADER},
    {"record's length too long", AT_RECORD, 1, 30, true, RECORDS, 2, ITS_HEADER},
    {"record's length huge", AT_RECORD, 4, 0xfefefe7e, true, RECORDS, 2, ITS_HEADER},
    {"record's length without end", AT_RECORD, 8, -1, true, RECORDS, 2, ITS_HEADER},
    {"record's offset delta below 0", AT_RECORD + 3, 1, 1, true, RECORDS, 2, ITS_HEADER},
    {"record's offset again", AT_RECORD + 3, 1, 2, true, RECORDS, 2, ITS_HEADER},
    {"record's offset beyond the last", AT_RECORD + 3, 1, 10, true, RECORDS, 2, ITS_HEADER},
    {"key's length below -1", AT_RECORD + 4, 1, 3, true, RECORDS, 2, ITS_HEADER},
    {"key's length too long", AT_RECORD + 4, 1, 0x7e, true, RECORDS, 2, ITS_HEADER},
    {"value's length below -1", AT_RECORD + 5, 1, 3, true, RECORDS, 2, ITS_HEADER},
    {"value's length too short", AT_RECORD + 5, 1, 14, true, RECORDS, 2, ITS_HEADER},
    {"value's length too long", AT_RECORD + 5, 1, 0x7e, true, RECORDS, 2, ITS_HEADER},
    {"header count below 0", AT_RECORD + 14, 1, 1, true, RECORDS, 2, ITS_HEADER},
    {"header count of what is not there", AT_RECORD + 14, 1, 2, true, RECORDS, 2, ITS_HEADER},
};

static const wrong *bad;
static bool alone; /* every batch is an answer of its own */
static const char *checks, *policy;

static void open_reader(const char *level, const char *max_inflated)
{
    c = consumer("max.partition.fetch.bytes", alone ? "1" : "1048576", "check.crcs", checks,
                 "corrupt.batch.policy", policy, "isolation.level", level,
                 "max.decompressed.batch.bytes", max_inflated, NULL);
    ck_assert_ptr_nonnull(c);
    assign(c, "t", 0, 0);
    next = 0;
}

static bool goes_on(void)
{
    return policy[0] == 's' && (bad->knows == ITS_HEADER || (bad->knows == THE_NEXT && !alone));
}

static void meets(void)
{
    topic("t", 1, 1);
    for (int64_t base = 0; base < END; base += IN_BATCH)
        load_good(base);
    spoil_number(BAD, bad->at, bad->width, bad->value, bad->sealed);
    open_reader("read_uncommitted", "100000");
    nap(5000); /* nobody has looked at it yet, and it is not asked for over and over */
    ck_assert_msg(requests(FETCH) <= 13, "%s: %d", bad->what, (int)requests(FETCH));
    ck_assert_msg(read_to(END) == bad->err, "%s, %s: %s", bad->what,
                  alone ? "alone" : "among others", w.e.msg);
    ck_assert_msg(next == BAD + bad->good, "%s: %d", bad->what, (int)next);
    ck_assert_str_eq(w.e.topic, "t");
    ck_assert_int_eq(w.e.partition, 0);
    ck_assert_int_eq(w.e.offset, BAD + bad->good);
    if (goes_on()) {
        next = BEHIND;
    } else {
        stays(bad->err, BAD + bad->good);
        go_to(BEHIND);
    }
    ck_assert_msg(read_to(END) == KFK_OK, "%s: %s", bad->what, w.e.msg);
    ck_assert_msg(next == END, "%s, %s: %d", bad->what, policy, (int)next);
    ck_assert_int_eq(position(), END);
    kfk_consumer_free(c);
}

/* With |crcs|; without, all but those that only a checksum finds. */
static void meet_all(const char *crcs, const char *how, const char *profile)
{
    checks = crcs;
    policy = how;
    for (size_t i = 0; i < 2 * sizeof wrongs / sizeof *wrongs; i++) {
        bad = &wrongs[i / 2];
        alone = i % 2;
        if (crcs[0] == 't' || bad->sealed)
            (void)world_run(&(world_opts){.seed = i, .profile = profile}, meets);
    }
}

START_TEST(what_cannot_be_read_stops_the_partition_until_a_seek)
{
    meet_all("true", "fail", NULL);
    meet_all("true", "fail", "2.1");
    meet_all("false", "fail", NULL);
}
END_TEST

START_TEST(what_cannot_be_read_is_passed_over_where_that_is_wanted)
{
    meet_all("true", "skip", NULL);
    meet_all("false", "skip", NULL);
}
END_TEST

/* ---- what cannot be said of one batch ---- */

static void runs(void (*app)(void))
{
    static const char *const profiles[] = {NULL, "2.1"};

    for (int i = 0; i < 8; i++) {
        alone = i & 1;
        policy = i & 2 ? "skip" : "fail";
        checks = i & 4 ? "false" : "true";
        for (size_t k = 0; k < 2; k++)
            (void)world_run(&(world_opts){.seed = (uint64_t)i, .profile = profiles[k]}, app);
    }
}

static void load_all(void)
{
    topic("t", 1, 1);
    for (int64_t base = 0; base < END; base += IN_BATCH)
        load_good(base);
}

/* Behind the error at |at|, by itself or by a seek, is what begins at |offset|. */
static void goes_past(kfk_err err, int64_t at, int64_t offset)
{
    ck_assert_int_eq(w.e.offset, at);
    if (policy[0] == 's') {
        next = offset;
    } else {
        stays(err, at);
        go_to(offset);
    }
    ck_assert_msg(read_to(END) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_eq(next, END);
    ck_assert_int_eq(position(), END);
    kfk_consumer_free(c);
}

/* Bits of the attributes that nobody has a meaning for yet, of a batch and of a record, say
 * nothing. */
static void new_attributes(void)
{
    load_all();
    spoil_number(BAD, AT_ATTRIBUTES, 2, 0xff80, true);
    spoil_number(BAD, AT_RECORD + 1, 1, 0xff, true);
    open_reader("read_uncommitted", "100000");
    ck_assert_int_eq(read_to(END), KFK_OK);
    ck_assert_int_eq(next, END);
    kfk_consumer_free(c);
}

START_TEST(attributes_of_later_versions_are_passed_over)
{
    runs(new_attributes);
}
END_TEST

/* A batch that the broker sends for another: among others it goes backwards, alone it is not what
 * was asked for. */
static void base_below(void)
{
    load_all();
    spoil_number(BAD, 0, 8, 0, false);
    open_reader("read_uncommitted", "100000");
    ck_assert_int_eq(read_to(END), CRC);
    ck_assert_int_eq(next, BAD);
    if (alone) /* nothing tells where it should end */
        policy = "fail";
    goes_past(CRC, BAD, BEHIND);
}

START_TEST(a_batch_of_before_the_offset_is_not_read_again)
{
    runs(base_below);
}
END_TEST

/* As compaction leaves them. */
static void gaps(void)
{
    kfk_records *rs;
    int64_t last = -1;

    topic("t", 1, 1);
    load_good(0);
    load_good(100);
    open_reader("read_uncommitted", "100000");
    for (int n = 0; n < 2 * IN_BATCH;) {
        const kfk_record_view *v;

        ck_assert_int_eq(kfk_consumer_poll(c, 1000, &rs, &w.e), KFK_OK);
        ck_assert_ptr_nonnull(rs);
        for (; (v = kfk_records_next(rs)) != NULL; n++) {
            ck_assert_int_gt(v->offset, last);
            last = v->offset;
        }
        kfk_records_free(rs);
    }
    ck_assert_int_eq(last, 104);
    ck_assert_int_eq(position(), 105);
    kfk_consumer_free(c);
}

START_TEST(offsets_that_are_not_there_are_passed_over)
{
    runs(gaps);
}
END_TEST

/* What was fetched before that is handed out first, so that a seek past it leaves nothing out. */
static void broker_says_so(void)
{
    load_all();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FETCH, .value = CRC, .level = KFK__DEV_ANY,
          .skip = 1, .count = -1);
    c = consumer("max.partition.fetch.bytes", "300", NULL); /* two batches; it goes on from there */
    assign(c, "t", 0, 0);
    next = 0;
    nap(10000);
    ck_assert_int_ge(requests(FETCH), 2);
    ck_assert_int_le(requests(FETCH), 20);
    ck_assert_int_eq(read_to(END), CRC);
    ck_assert_int_eq(next, BEHIND);
    ck_assert_int_eq(w.e.offset, BEHIND);
    stays(CRC, BEHIND);
    kfk__devbroker_fault_clear(w.broker);
    go_to(BEHIND);
    ck_assert_int_eq(read_to(END), KFK_OK);
    ck_assert_int_eq(next, END);
    kfk_consumer_free(c);
}

START_TEST(a_log_that_its_broker_cannot_read_stops_the_partition_there)
{
    world_seeds(&(world_opts){0}, 10, broker_says_so);
    world_seeds(&(world_opts){.profile = "2.1"}, 10, broker_says_so);
}
END_TEST

/* ---- compression ---- */

static kfk__codec inner, outer;

/* |n| bytes of records at BAD, compressed by |codec|; gives what it came to. */
static kfk__buf compress_by(kfk__codec codec, const void *records, size_t n)
{
    kfk__compressor *z = kfk__compressor_new(&kfk__malloc_allocator);
    struct iovec in = {(void *)(uintptr_t)records, n};
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__compress(z, codec, 3, &in, 1, &out), KFK_OK);
    kfk__compressor_free(z);
    return out;
}

static void load_compressed(kfk__codec codec, const kfk__buf *body, int32_t n)
{
    uint8_t *batch = malloc(KFK__BATCH_HEADER + body->len);

    ck_assert_ptr_nonnull(batch);
    memcpy(batch + KFK__BATCH_HEADER, body->data, body->len);
    load(batch, KFK__BATCH_HEADER + body->len, BAD, n, (int)codec, -1);
    free(batch);
}

static void compressed_twice(void)
{
    uint8_t records[BATCH_MAX], *p = records;
    kfk__buf once, twice;

    topic("t", 1, 1);
    load_good(0);
    for (int32_t i = 0; i < IN_BATCH; i++)
        p = put_record(p, i, BAD + i);
    once = compress_by(inner, records, (size_t)(p - records));
    twice = compress_by(outer, once.data, once.len);
    load_compressed(outer, &twice, IN_BATCH);
    kfk__buf_fini(&once);
    kfk__buf_fini(&twice);
    load_good(BEHIND);
    open_reader("read_uncommitted", "100000");
    ck_assert_msg(read_to(END) == RECORDS, "%d in %d: %s", (int)inner, (int)outer, w.e.msg);
    ck_assert_int_eq(next, BAD);
    goes_past(RECORDS, BAD, BEHIND);
}

START_TEST(what_was_compressed_twice_is_inflated_once)
{
    for (inner = KFK__CODEC_GZIP; inner <= KFK__CODEC_ZSTD; inner++)
        for (outer = KFK__CODEC_GZIP; outer <= KFK__CODEC_ZSTD; outer++)
            runs(compressed_twice);
}
END_TEST

enum { BOMB = 4 << 20, LITTLE = 1 << 20 };

/* One record of zeros, which take little room as long as they are compressed. */
static void load_bomb(void)
{
    uint8_t *records = calloc(1, BOMB + 100), *zeros = calloc(1, BOMB), *end;
    kfk__buf body;

    ck_assert(records && zeros);
    end = kfk__record_write(records, 0, 0, (kfk_bytes){0}, kfk__bytes(zeros, BOMB), NULL, 0);
    body = compress_by(outer, records, (size_t)(end - records));
    ck_assert_uint_lt(body.len, LITTLE);
    load_compressed(outer, &body, 1);
    kfk__buf_fini(&body);
    free(records);
    free(zeros);
}

/* Nobody has memory for it. */
static void bombs(void)
{
    topic("t", 1, 1);
    load_good(0);
    load_bomb();
    load_good(BEHIND);
    open_reader("read_uncommitted", "1048576");
    ck_assert_int_eq(read_to(END), KFK_ERR_DECOMPRESS);
    ck_assert_ptr_nonnull(strstr(w.e.msg, "max.decompressed.batch.bytes"));
    ck_assert_int_eq(next, BAD);
    ck_assert_uint_lt(failalloc_bytes(&w.rig.mem), BOMB);
    goes_past(KFK_ERR_DECOMPRESS, BAD, BEHIND);
}

static void allowed_bombs(void)
{
    kfk_records *rs;

    topic("t", 1, 1);
    load_good(0);
    load_bomb();
    open_reader("read_uncommitted", "8388608");
    go_to(BAD);
    ck_assert_int_eq(kfk_consumer_poll(c, 1000, &rs, &w.e), KFK_OK);
    ck_assert_ptr_nonnull(rs);
    ck_assert_uint_eq(kfk_records_next(rs)->value.len, BOMB);
    ck_assert_ptr_null(kfk_records_next(rs));
    kfk_records_free(rs);
    kfk_consumer_free(c);
}

START_TEST(what_inflates_past_the_limit_is_not_inflated)
{
    for (outer = KFK__CODEC_GZIP; outer <= KFK__CODEC_ZSTD; outer++) {
        runs(bombs);
        runs(allowed_bombs);
    }
}
END_TEST

/* ---- control batches ---- */

enum { AT_KEY = KFK__BATCH_HEADER + 5, MARKER = 7 };

/* How a transaction ended: version, type, and in the value another version and the coordinator's
 * epoch. */
static void load_marker(int64_t producer, int64_t base, uint8_t type)
{
    uint8_t batch[BATCH_MAX], key[4] = {0, 0, 0, type}, value[6] = {0}, *end;

    end = kfk__record_write(batch + KFK__BATCH_HEADER, 0, 0, (kfk_bytes){key, 4},
                            (kfk_bytes){value, 6}, NULL, 0);
    load(batch, (size_t)(end - batch), base, 1, KFK__BATCH_TRANSACTIONAL | KFK__BATCH_CONTROL,
         producer);
}

typedef struct marker {
    const char *what;
    size_t at, width;
    const char *bytes;
    kfk_err err;
    bool aborts; /* all the same */
} marker;

static const marker markers[] = {
    {"key of three bytes", AT_KEY - 1, 5, "\6\0\0\0\16", CRC, false},
    {"key of none", AT_KEY - 1, 2, "\0\24", CRC, false},
    {"key that is null", AT_KEY - 1, 2, "\1\24", CRC, false},
    {"version below 0", AT_KEY, 2, "\377\377", CRC, false},
    {"compressed", AT_ATTRIBUTES, 2, "\0\61", CRC, false},
    {"no record", AT_COUNT, 4, "\0\0\0\0", CRC, false},
    {"record of another length", KFK__BATCH_HEADER, 1, "\176", CRC, false},
    {"record at another offset", KFK__BATCH_HEADER + 3, 1, "\2", CRC, false},
    {"type that is not known", AT_KEY, 4, "\0\0\0\5", KFK_OK, false},
    {"type of all bits", AT_KEY, 4, "\0\0\177\377", KFK_OK, false},
    {"version that is not known", AT_KEY, 2, "\0\1", KFK_OK, true},
};
static const marker *mark;

/* Producer 1 aborts 5 and 6, whose marker is spoiled, and commits 8 and 9. */
static void load_transactions(void)
{
    topic("t", 1, 1);
    load_good(0);
    load_part(1, 5, 2);
    load_marker(1, MARKER, 0);
    load_part(1, 8, 2);
    load_marker(1, 10, 1);
    load_part(-1, 11, 4);
    spoil(MARKER, mark->at, mark->bytes, mark->width, true);
}

/* The offsets of what comes until an error or the end. */
static kfk_err offsets_to(int64_t end, char *text, size_t size)
{
    int64_t until = now() + 5 * SIM_S;
    kfk_err err = KFK_OK;

    text[0] = '\0';
    while (!err && position() < end && now() < until) {
        const kfk_record_view *v;
        kfk_records *rs;

        err = kfk_consumer_poll(c, 1000, &rs, &w.e);
        while (rs && (v = kfk_records_next(rs)) != NULL) {
            size_t n = strlen(text);

            (void)snprintf(text + n, size - n, " %d", (int)v->offset);
        }
        kfk_records_free(rs);
    }
    return err;
}

static void expect(kfk_err err, const char *offsets)
{
    char text[128];

    ck_assert_msg(offsets_to(END, text, sizeof text) == err, "%s: %s, %s", mark->what, text,
                  w.e.msg);
    ck_assert_msg(strcmp(text, offsets) == 0, "%s:%s, not%s", mark->what, text, offsets);
}

static void bad_marker(void)
{
    load_transactions();
    open_reader("read_committed", "100000");
    if (mark->err) {
        expect(mark->err, " 0 1 2 3 4");
        ck_assert_int_eq(w.e.offset, MARKER);
        if (policy[0] == 'f') {
            stays(mark->err, MARKER);
            go_to(MARKER + 1);
        }
        expect(KFK_OK, " 8 9 11 12 13 14");
    } else {
        /* Within one answer it is as if the transaction had not ended yet. */
        expect(KFK_OK,
               alone || mark->aborts ? " 0 1 2 3 4 8 9 11 12 13 14" : " 0 1 2 3 4 11 12 13 14");
    }
    ck_assert_int_eq(position(), END);
    kfk_consumer_free(c);
}

/* Who reads all does not ask how transactions ended. */
static void bad_marker_unread(void)
{
    load_transactions();
    open_reader("read_uncommitted", "100000");
    expect(KFK_OK, " 0 1 2 3 4 5 6 8 9 11 12 13 14");
    kfk_consumer_free(c);
}

START_TEST(a_marker_that_cannot_be_read_ends_nothing_in_silence)
{
    for (mark = markers; mark < markers + sizeof markers / sizeof *markers; mark++) {
        runs(bad_marker);
        runs(bad_marker_unread);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_cannot_be_read_stops_the_partition_until_a_seek,
                                  what_cannot_be_read_is_passed_over_where_that_is_wanted,
                                  attributes_of_later_versions_are_passed_over,
                                  a_batch_of_before_the_offset_is_not_read_again,
                                  offsets_that_are_not_there_are_passed_over,
                                  a_log_that_its_broker_cannot_read_stops_the_partition_there,
                                  what_was_compressed_twice_is_inflated_once,
                                  what_inflates_past_the_limit_is_not_inflated,
                                  a_marker_that_cannot_be_read_ends_nothing_in_silence,
                                  NULL};

    return world_main("sim/bad_records", tests);
}
