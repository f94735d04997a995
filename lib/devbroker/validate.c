#include "devbroker/validate.h"

#include <inttypes.h>

#include "devbroker/records.h"
#include "devbroker/text.h"

enum { FIRST_ZSTD_PRODUCE = 7, MAGIC_AT = 16 };

typedef struct check {
    const kfk__dev_rules *rules;
    kfk__arena *arena;
    kfk__dev_refusal *no;
    const kfk__batch_header *h;
} check;

static kfk_err refuse(const check *k, int16_t code, const char *fmt, ...) KFK_PRINTF(3, 4);
static kfk_err refuse(const check *k, int16_t code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    k->no->code = code;
    k->no->why = kfk__dev_vtext(k->arena, fmt, ap);
    va_end(ap);
    return code;
}

/* ---- the batch ---- */

/* Exactly one whole batch of magic 2. */
static kfk_err check_shape(const check *k, kfk_bytes records, kfk__batch_header *h)
{
    int version = k->rules->version;
    const char *why = "";
    size_t size;
    kfk_err err;

    if (!records.data || records.len == 0)
        return refuse(
            k, KFK_ERR_INVALID_RECORD,
            "Produce requests with version %d must have at least one record batch per partition",
            version);
    err = kfk__batch_header_read(records.data, records.len, h, &size, &why);
    if (err == KFK_ERR_UNSUPPORTED && ((const uint8_t *)records.data)[MAGIC_AT] == 2)
        return refuse(k, KFK_ERR_UNSUPPORTED_COMPRESSION_TYPE, "%s", why);
    if (err == KFK_ERR_UNSUPPORTED)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Produce requests with version %d are only allowed to contain record batches "
                      "with magic "
                      "version 2",
                      version);
    if (err == KFK_ERR_WOULD_BLOCK)
        return refuse(k, KFK_ERR_CORRUPT_MESSAGE,
                      "The record batch in the append to %s-%d ends too early", k->rules->topic,
                      (int)k->rules->partition);
    if (err)
        return refuse(k, KFK_ERR_CORRUPT_MESSAGE,
                      "The record batch in the append to %s-%d is malformed: %s", k->rules->topic,
                      (int)k->rules->partition, why);
    if (size != records.len)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Produce requests with version %d are only allowed to contain exactly one "
                      "record batch per "
                      "partition",
                      version);
    return KFK_OK;
}

static kfk_err check_offsets(const check *k)
{
    const kfk__batch_header *h = k->h;
    const char *topic = k->rules->topic;
    int partition = (int)k->rules->partition;

    if (h->base_offset != 0)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "The baseOffset of the record batch in the append to %s-%d should be 0, but "
                      "it is %" PRId64,
                      topic, partition, h->base_offset);
    if (h->count <= 0)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Invalid reported count for record batch: %" PRId32
                      " in topic partition %s-%d",
                      h->count, topic, partition);
    if (h->last_offset_delta != h->count - 1)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Inconsistent batch offset range [0, %" PRId32
                      "] and count of records %" PRId32 " in topic partition %s-%d",
                      h->last_offset_delta, h->count, topic, partition);
    return KFK_OK;
}

static kfk_err check_attributes(const check *k)
{
    const kfk__batch_header *h = k->h;
    int codec = h->attributes & KFK__BATCH_CODEC;

    if (h->attributes & KFK__BATCH_CONTROL)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Clients are not allowed to write control records in topic partition %s-%d",
                      k->rules->topic, (int)k->rules->partition);
    if (codec == KFK__CODEC_ZSTD && k->rules->version < FIRST_ZSTD_PRODUCE)
        return refuse(
            k, KFK_ERR_UNSUPPORTED_COMPRESSION_TYPE,
            "Produce requests with version %d are not allowed to use ZStandard compression",
            (int)k->rules->version);
    if (h->producer_id >= 0 && h->base_sequence < 0)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Invalid sequence number %" PRId32 " in record batch with producerId %" PRId64
                      " in topic partition %s-%d",
                      h->base_sequence, h->producer_id, k->rules->topic, (int)k->rules->partition);
    return KFK_OK;
}

static kfk_err check_batch(const check *k, kfk_bytes records)
{
    kfk_err err;

    if (records.len > (size_t)k->rules->max_message_bytes)
        return refuse(
            k, KFK_ERR_MESSAGE_TOO_LARGE,
            "The record batch size in the append to %s-%d is %zu bytes which exceeds the maximum "
            "configured value of %" PRId32 ".",
            k->rules->topic, (int)k->rules->partition, records.len, k->rules->max_message_bytes);
    if (!kfk__batch_crc_ok(records.data, records.len))
        return refuse(k, KFK_ERR_CORRUPT_MESSAGE,
                      "Record is corrupt (stored crc = %" PRIu32 ") in topic partition %s-%d.",
                      k->h->crc, k->rules->topic, (int)k->rules->partition);
    err = check_offsets(k);
    return err ? err : check_attributes(k);
}

/* ---- its records ---- */

/* The text if this record alone must be refused, with its code; null: it may go in. */
static kfk_bytes check_record(const check *k, const kfk__batch_cursor *at, int16_t *code)
{
    const kfk__dev_rules *rules = k->rules;
    int64_t oldest = rules->wall_ms - rules->before_max_ms;
    int64_t newest = rules->after_max_ms > INT64_MAX - rules->wall_ms
                         ? INT64_MAX
                         : rules->wall_ms + rules->after_max_ms;

    if (rules->compacted && !at->record.key.data) {
        *code = KFK_ERR_INVALID_RECORD;
        return kfk__dev_text(
            k->arena, "Compacted topic cannot accept message without key in topic partition %s-%d.",
            rules->topic, (int)rules->partition);
    }
    if (rules->log_append || at->timestamp == -1 ||
        (at->timestamp >= oldest && at->timestamp <= newest))
        return (kfk_bytes){0};
    *code = KFK_ERR_INVALID_TIMESTAMP;
    return kfk__dev_text(k->arena,
                         "Timestamp %" PRId64 " of message with offset %" PRId64
                         " is out of range. The timestamp should be within [%" PRId64 ", %" PRId64
                         "]",
                         at->timestamp, at->offset, oldest, newest);
}

static kfk_err add_bad(const check *k, int32_t index, kfk_bytes why)
{
    kfk__dev_refusal *no = k->no;
    size_t old = (size_t)no->n_records * sizeof *no->records;
    kfk__dev_bad_record *v = kfk__arena_grow(k->arena, no->records, old, old + sizeof *no->records);

    if (!v)
        return KFK_ERR_NOMEM;
    v[no->n_records++] = (kfk__dev_bad_record){index, why};
    no->records = v;
    return KFK_OK;
}

static kfk_err walk(const check *k, kfk__batch_cursor *at)
{
    int16_t code = KFK_ERR_INVALID_RECORD;

    for (int32_t i = 0; kfk__batch_cursor_next(at); i++) {
        kfk_bytes why = check_record(k, at, &code);

        if (why.data && add_bad(k, i, why))
            return KFK_ERR_NOMEM;
    }
    if (at->why)
        return refuse(k, KFK_ERR_INVALID_RECORD,
                      "Found invalid record structure in topic partition %s-%d: %s",
                      k->rules->topic, (int)k->rules->partition, at->why);
    if (k->no->n_records == 0)
        return KFK_OK;
    if (code == KFK_ERR_INVALID_TIMESTAMP)
        return refuse(k, code, "One or more records have been rejected due to invalid timestamp");
    return refuse(
        k, code, "One or more records have been rejected due to %" PRId32 " record errors in total",
        k->no->n_records);
}

kfk_err kfk__dev_validate(const kfk__dev_rules *rules, kfk__compressor *c, kfk_bytes records,
                          kfk__arena *arena, kfk__batch_header *h, kfk__dev_refusal *no)
{
    check k = {rules, arena, no, h};
    kfk__dev_records it;
    const char *why = "";
    kfk_err err;

    *no = (kfk__dev_refusal){0};
    err = check_shape(&k, records, h);
    if (!err)
        err = check_batch(&k, records);
    if (err)
        return err;
    err = kfk__dev_records_open(&it, c, arena->alloc, records.data, records.len, h, &why);
    if (err == KFK_ERR_DECOMPRESS)
        return refuse(&k, KFK_ERR_INVALID_RECORD,
                      "Records in topic partition %s-%d cannot be decompressed: %s", rules->topic,
                      (int)rules->partition, why);
    if (err)
        return err;
    err = walk(&k, &it.cursor);
    kfk__dev_records_close(&it);
    return err;
}
