/* Messages of before Kafka 0.11, made by hand. */
#ifndef TESTS_UNIT_RECORD_MESSAGES_H
#define TESTS_UNIT_RECORD_MESSAGES_H

#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "record/message.h"

typedef struct message_spec {
    int magic;
    int attributes;
    int64_t offset;
    int64_t timestamp; /* in version 1 */
    const char *key;   /* NULL: null */
    const char *value;
    size_t value_len; /* 0: as long as the string */
} message_spec;

/* Makes the crc right. */
static inline void seal_message(uint8_t *p, size_t size)
{
    kfk__put_be32(p + 12, (uint32_t)crc32(0, p + 16, (uInt)(size - 16)));
}

static inline void put_number(kfk__buf *b, uint64_t v, size_t n)
{
    uint8_t bytes[8];

    kfk__put_be64(bytes, v);
    kfk__buf_put(b, bytes + 8 - n, n);
}

static inline void put_field(kfk__buf *b, const char *p, size_t n)
{
    put_number(b, p ? n : UINT32_MAX, 4);
    if (p)
        kfk__buf_put(b, p, n);
}

/* At the end of |b|; returns where. */
static inline uint8_t *put_message(kfk__buf *b, const message_spec *s)
{
    const size_t at = b->len;
    size_t value_len = s->value_len || !s->value ? s->value_len : strlen(s->value);

    put_number(b, (uint64_t)s->offset, 8);
    put_number(b, 0, 8); /* size and crc */
    put_number(b, (uint64_t)s->magic, 1);
    put_number(b, (uint64_t)s->attributes, 1);
    if (s->magic)
        put_number(b, (uint64_t)s->timestamp, 8);
    put_field(b, s->key, s->key ? strlen(s->key) : 0);
    put_field(b, s->value, value_len);
    kfk__put_be32(b->data + at + 8, (uint32_t)(b->len - at - 12));
    seal_message(b->data + at, b->len - at);
    return b->data + at;
}

#endif
