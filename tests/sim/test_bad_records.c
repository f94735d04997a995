/* Records that cannot be read: whatever is wrong with a batch, nothing wrong is handed out, the position stays, poll says
 * where, the broker is left in peace, and there is a way past it. The broker serves its log as it is, which is spoiled here
 * in its memory. */
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
enum { AT_BASE_TIME = 27, AT_COUNT = 57, AT_RECORD = KFK__BATCH_HEADER + 2 * RECORD /* the third */ };
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
    load(batch, (size_t)(p - batch), base, n, producer < 0 ? 0 : KFK__BATCH_TRANSACTIONAL, producer);
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
    ck_assert_msg(read_to(END) == bad->err, "%s, %s: %s", bad->what, alone ? "alone" : "among others",
                  w.e.msg);
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

int main(void)
{
    const TTest *const tests[] = {what_cannot_be_read_stops_the_partition_until_a_seek,
                                  what_cannot_be_read_is_passed_over_where_that_is_wanted, NULL};

    return world_main("sim/bad_records", tests);
}
