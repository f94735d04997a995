#include "record/batch.h"

#include <sys/uio.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
    CORRUPT_MESSAGE = 2, /* Kafka's error code */
    LAST_CODEC = 4,
    MAGIC = 2,
    MIN_RECORD = 7 /* length, attributes, two deltas, two null lengths, a header count */
};

/* Where each field lies. */
enum {
    AT_BASE_OFFSET = 0,
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_LAST_OFFSET_DELTA = 23,
    AT_BASE_TIMESTAMP = 27,
    AT_MAX_TIMESTAMP = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    AT_COUNT = 57
};

void kfk__batch_header_write(uint8_t *to, const kfk__batch_header *h)
{
    kfk__put_be64(to + AT_BASE_OFFSET, (uint64_t)h->base_offset);
    kfk__put_be32(to + AT_LENGTH, (uint32_t)h->length);
    kfk__put_be32(to + AT_LEADER_EPOCH, (uint32_t)h->leader_epoch);
    to[AT_MAGIC] = (uint8_t)h->magic;
    kfk__put_be32(to + AT_CRC, h->crc);
    kfk__put_be16(to + AT_ATTRIBUTES, (uint16_t)h->attributes);
    kfk__put_be32(to + AT_LAST_OFFSET_DELTA, (uint32_t)h->last_offset_delta);
    kfk__put_be64(to + AT_BASE_TIMESTAMP, (uint64_t)h->base_timestamp);
    kfk__put_be64(to + AT_MAX_TIMESTAMP, (uint64_t)h->max_timestamp);
    kfk__batch_set_producer(to, h->producer_id, h->producer_epoch, h->base_sequence);
    kfk__put_be32(to + AT_COUNT, (uint32_t)h->count);
}

void kfk__batch_set_producer(uint8_t *batch, int64_t producer_id, int16_t epoch,
                             int32_t base_sequence)
{
    kfk__put_be64(batch + AT_PRODUCER_ID, (uint64_t)producer_id);
    kfk__put_be16(batch + AT_PRODUCER_EPOCH, (uint16_t)epoch);
    kfk__put_be32(batch + AT_BASE_SEQUENCE, (uint32_t)base_sequence);
}

void kfk__batch_seal(uint8_t *header, const struct iovec *body, int n)
{
    uint32_t crc = kfk__crc32c(0, header + AT_ATTRIBUTES, KFK__BATCH_HEADER - AT_ATTRIBUTES);

    for (int i = 0; i < n; i++)
        crc = kfk__crc32c(crc, body[i].iov_base, body[i].iov_len);
    kfk__put_be32(header + AT_CRC, crc);
}

static void read_fields(const uint8_t *p, kfk__batch_header *h)
{
    *h = (kfk__batch_header){
        .base_offset = (int64_t)kfk__get_be64(p + AT_BASE_OFFSET),
        .length = (int32_t)kfk__get_be32(p + AT_LENGTH),
        .leader_epoch = (int32_t)kfk__get_be32(p + AT_LEADER_EPOCH),
        .magic = (int8_t)p[AT_MAGIC],
        .crc = kfk__get_be32(p + AT_CRC),
        .attributes = (int16_t)kfk__get_be16(p + AT_ATTRIBUTES),
        .last_offset_delta = (int32_t)kfk__get_be32(p + AT_LAST_OFFSET_DELTA),
        .base_timestamp = (int64_t)kfk__get_be64(p + AT_BASE_TIMESTAMP),
        .max_timestamp = (int64_t)kfk__get_be64(p + AT_MAX_TIMESTAMP),
        .producer_id = (int64_t)kfk__get_be64(p + AT_PRODUCER_ID),
        .producer_epoch = (int16_t)kfk__get_be16(p + AT_PRODUCER_EPOCH),
        .base_sequence = (int32_t)kfk__get_be32(p + AT_BASE_SEQUENCE),
        .count = (int32_t)kfk__get_be32(p + AT_COUNT),
    };
}

/* What in a header cannot be; NULL: nothing. Brokers take no batch whose count is not its span of
 * offsets, and compaction only takes records out of it. */
static const char *contradiction(const kfk__batch_header *h)
{
    const int32_t body = h->length - (KFK__BATCH_HEADER - KFK__BATCH_LOG_OVERHEAD);

    if (h->base_offset < 0)
        return "the base offset is negative";
    if (h->last_offset_delta < 0)
        return "the last offset delta is negative";
    if (h->base_offset >= INT64_MAX - h->last_offset_delta)
        return "the last offset is out of range";
    if (h->count < 0)
        return "the record count is negative";
    if (h->count - 1 > h->last_offset_delta)
        return "there are more records than offsets";
    if (!(h->attributes & KFK__BATCH_CODEC) && h->count > body / MIN_RECORD)
        return "there are more records than the batch has room for";
    return NULL;
}

/* What can be told before the whole header is there: *size, if all is well so far. */
static kfk_err read_frame(const uint8_t *p, size_t n, size_t *size, const char **why)
{
    const int32_t least = KFK__BATCH_HEADER - KFK__BATCH_LOG_OVERHEAD;
    int32_t length;

    *size = 0;
    if (n <= AT_MAGIC)
        return KFK_ERR_WOULD_BLOCK;
    if (p[AT_MAGIC] < MAGIC) {
        *why = "the message format is version 0 or 1, of before Kafka 0.11";
        return KFK_ERR_UNSUPPORTED;
    }
    if (p[AT_MAGIC] > MAGIC) {
        *why = "the batch's magic is not 2";
        return CORRUPT_MESSAGE;
    }
    length = (int32_t)kfk__get_be32(p + AT_LENGTH);
    if (length < least) {
        *why = "the batch's length is less than its header's";
        return CORRUPT_MESSAGE;
    }
    *size = (size_t)length + KFK__BATCH_LOG_OVERHEAD;
    return n < *size ? KFK_ERR_WOULD_BLOCK : KFK_OK;
}

kfk_err kfk__batch_header_read(const uint8_t *p, size_t n, kfk__batch_header *h, size_t *size,
                               const char **why)
{
    kfk_err err = read_frame(p, n, size, why);

    if (err != KFK_OK)
        return err;
    read_fields(p, h);
    *why = contradiction(h);
    if (*why)
        return CORRUPT_MESSAGE;
    if ((h->attributes & KFK__BATCH_CODEC) > LAST_CODEC) {
        *why = "the batch is compressed by an unknown codec";
        return KFK_ERR_UNSUPPORTED;
    }
    return KFK_OK;
}

bool kfk__batch_crc_ok(const uint8_t *p, size_t size)
{
    return kfk__crc32c(0, p + AT_ATTRIBUTES, size - AT_ATTRIBUTES) == kfk__get_be32(p + AT_CRC);
}
