#include "record/message.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/bytes.h"

enum {
    CORRUPT_MESSAGE = 2, /* Kafka's error code */
    LAST_CODEC = 3,      /* lz4 */
    NEWEST = 1
};

/* Where each field lies. */
enum {
    AT_OFFSET = 0,
    AT_SIZE = 8,
    AT_CRC = 12,
    AT_MAGIC = 16,
    AT_ATTRIBUTES = 17,
    AT_TIMESTAMP = 18,
    LEAST = 14,   /* what the size counts of a message with nothing in it */
    TIMESTAMP = 8 /* what version 1 has more */
};

static kfk_err corrupt(const char **why, const char *text)
{
    *why = text;
    return CORRUPT_MESSAGE;
}

/* What can be told before the whole message is there: *size, if all is well so far. */
static kfk_err read_frame(const uint8_t *p, size_t n, size_t *size, const char **why)
{
    int32_t length;

    *size = 0;
    if (n <= AT_MAGIC)
        return KFK_ERR_WOULD_BLOCK;
    if (p[AT_MAGIC] > NEWEST)
        return corrupt(why, "the message's magic is neither 0 nor 1");
    length = (int32_t)kfk__get_be32(p + AT_SIZE);
    if (length < LEAST + p[AT_MAGIC] * TIMESTAMP)
        return corrupt(why, "the message's size is less than its header's");
    *size = (size_t)length + KFK__BATCH_LOG_OVERHEAD;
    return n < *size ? KFK_ERR_WOULD_BLOCK : KFK_OK;
}

/* A length, -1 for null, and so many bytes. NULL: they do not fit in front of |end|. */
static const uint8_t *get_bytes(const uint8_t *p, const uint8_t *end, kfk_bytes *out)
{
    int32_t len;

    if (end - p < 4)
        return NULL;
    len = (int32_t)kfk__get_be32(p);
    p += 4;
    if (len < -1 || len > end - p)
        return NULL;
    *out = (kfk_bytes){len < 0 ? NULL : p, len < 0 ? 0 : (size_t)len};
    return p + out->len;
}

static bool read_payload(const uint8_t *p, const uint8_t *end, kfk__message *m)
{
    p = get_bytes(p, end, &m->key);
    if (p)
        p = get_bytes(p, end, &m->value);
    return p == end;
}

kfk_err kfk__message_read(const uint8_t *p, size_t n, kfk__message *m, size_t *size,
                          const char **why)
{
    kfk_err err = read_frame(p, n, size, why);
    bool timed;

    if (err != KFK_OK)
        return err;
    timed = p[AT_MAGIC] > 0;
    *m = (kfk__message){.offset = (int64_t)kfk__get_be64(p + AT_OFFSET),
                        .timestamp = timed ? (int64_t)kfk__get_be64(p + AT_TIMESTAMP) : -1,
                        .magic = (int8_t)p[AT_MAGIC],
                        .attributes = p[AT_ATTRIBUTES] & KFK__BATCH_CODEC};
    if (timed)
        m->attributes |= p[AT_ATTRIBUTES] & KFK__BATCH_LOG_APPEND;
    if (m->offset < 0 || m->offset == INT64_MAX)
        return corrupt(why, "the message's offset is out of range");
    if (!read_payload(p + AT_TIMESTAMP + (timed ? TIMESTAMP : 0), p + *size, m))
        return corrupt(why, "key and value do not fill the message");
    if ((m->attributes & KFK__BATCH_CODEC) > LAST_CODEC) {
        *why = "the message is compressed by an unknown codec";
        return KFK_ERR_UNSUPPORTED;
    }
    if ((m->attributes & KFK__BATCH_CODEC) && !m->value.data)
        return corrupt(why, "a compressed message has no value");
    return KFK_OK;
}

bool kfk__message_crc_ok(const uint8_t *p, size_t size)
{
    return crc32(0, p + AT_MAGIC, (uInt)(size - AT_MAGIC)) == kfk__get_be32(p + AT_CRC);
}

/* ---- messages among batches ---- */

kfk_err kfk__message_header_read(const uint8_t *p, size_t n, kfk__batch_header *h, size_t *size,
                                 const char **why)
{
    kfk__message m;
    kfk_err err;

    if (n <= AT_MAGIC || p[AT_MAGIC] > NEWEST)
        return kfk__batch_header_read(p, n, h, size, why);
    err = kfk__message_read(p, n, &m, size, why);
    if (err != KFK_OK)
        return err;
    *h = (kfk__batch_header){.base_offset = m.offset,
                             .length = (int32_t)(*size - KFK__BATCH_LOG_OVERHEAD),
                             .leader_epoch = -1,
                             .magic = m.magic,
                             .crc = kfk__get_be32(p + AT_CRC),
                             .attributes = m.attributes,
                             .base_timestamp = m.timestamp,
                             .max_timestamp = m.timestamp,
                             .producer_id = -1,
                             .producer_epoch = -1,
                             .base_sequence = -1,
                             .count = 1};
    return KFK_OK;
}

/* What is wrong with |m|, of a set with header |h|, after one at |before|; NULL: nothing. */
static const char *misfit(const kfk__message *m, const kfk__batch_header *h, int64_t before)
{
    if (m->magic != h->magic)
        return "a message is of another version than the compressed set it is in";
    if (m->attributes & KFK__BATCH_CODEC)
        return "a compressed message is in a compressed set";
    if (m->offset <= before)
        return "the offsets in a compressed set do not rise";
    return NULL;
}

/* Sets what |h| says of the set's offsets: as they stand there, from |first| to |last|. */
static kfk_err place_set(kfk__batch_header *h, int64_t first, int64_t last, const char **why)
{
    const int64_t own = h->base_offset;

    if (last > own)
        return corrupt(why, "the offsets in a compressed set go beyond its own");
    if (h->magic > 0)
        first += own - last;
    if (own - first > INT32_MAX)
        return corrupt(why, "the offsets in a compressed set are too far apart");
    h->base_offset = first;
    h->last_offset_delta = (int32_t)(own - first);
    return KFK_OK;
}

kfk_err kfk__message_set_open(const uint8_t *p, size_t n, bool check_crcs, kfk__batch_header *h,
                              const char **why)
{
    int64_t first = -1, last = -1;
    kfk__message m;
    size_t size;

    for (h->count = 0; n > 0; p += size, n -= size, h->count++) {
        kfk_err err = kfk__message_read(p, n, &m, &size, why);

        if (err == KFK_ERR_WOULD_BLOCK)
            return corrupt(why, "a compressed set ends within a message");
        if (err != KFK_OK)
            return err;
        *why = misfit(&m, h, last);
        if (*why)
            return CORRUPT_MESSAGE;
        if (check_crcs && !kfk__message_crc_ok(p, size))
            return corrupt(why, "the checksum of a message in a compressed set is wrong");
        last = m.offset;
        first = first < 0 ? last : first;
    }
    if (h->count == 0)
        return corrupt(why, "a compressed set is empty");
    return place_set(h, first, last, why);
}
