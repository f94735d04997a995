/* write: one record into a batch, inline, for the path that every send takes.
 *
 *   length varint · attributes i8 · timestamp delta varlong · offset delta varint
 *   · key length varint, key · value length varint, value · header count varint
 *   · for each: key length varint, key, value length varint, value
 *   (all varints zigzag; length -1 is null)
 *
 * The length stands first, and how many bytes it takes depends on all that follows. Adding that up
 * beforehand would cost half as much again as writing it, so the width is told from the payload:
 * it is certain but for a few small sizes, where it may come out a byte short and is put right. */
#ifndef KFK_RECORD_WRITE_H
#define KFK_RECORD_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <kfk/types.h>

enum {
    KFK__RECORD_OVERHEAD = 36, /* every varint at its longest, and the attributes */
    KFK__RECORD_SHORT = 58,    /* with so much key and value, or more: a body of 64 bytes or more */
    KFK__RECORD_WIDE = 64,     /* from this on a length takes two bytes */
    KFK__RECORD_LONG = 8160    /* with less key and value than that: a body below 8192 bytes */
};

/* Small as they are, they are left to calls where there are several of them. */
#define KFK__ALWAYS_INLINE static inline __attribute__((always_inline))

/* Nothing is kept in a register for the sake of what runs after such a call. */
#define KFK__RARE __attribute__((cold))

/* Bytes of the headers' encoding, without the count. SIZE_MAX: a null key, or 2 GiB and more. */
size_t kfk__record_headers_size(const kfk_header *headers, size_t n);

/* kfk__record_write, for what it does not do inline. */
uint8_t *kfk__record_write_any(uint8_t *p, int64_t timestamp_delta, int32_t offset_delta,
                               kfk_bytes key, kfk_bytes value, const kfk_header *headers,
                               size_t n_headers);
/* Makes the length of the record that is written up to |p| two bytes wide, for a |body| of 64 or
 * more; returns where |p| has gone. */
KFK__RARE uint8_t *kfk__record_widen(uint8_t *record, uint8_t *p, size_t body);
KFK__RARE uint8_t *kfk__record_put_long(uint8_t *p, int64_t v);

/* The most that a record can take. SIZE_MAX: no batch can hold it, or a header's key is null. */
static inline size_t kfk__record_bound(kfk_bytes key, kfk_bytes value, const kfk_header *headers,
                                       size_t n_headers)
{
    const size_t max = INT32_MAX - KFK__RECORD_OVERHEAD, n = key.len + value.len;
    size_t h = 0;

    /* The first condition is there for the second: the sum of two such lengths does not wrap. */
    if ((key.len | value.len) > INT32_MAX || n > max)
        return SIZE_MAX;
    if (n_headers)
        h = kfk__record_headers_size(headers, n_headers);
    return h > max - n ? SIZE_MAX : n + h + KFK__RECORD_OVERHEAD;
}

/* The same to within a few bytes, as Java's client has it, which refuses records by it. For one that has a bound. */
size_t kfk__record_closer_bound(kfk_bytes key, kfk_bytes value, const kfk_header *headers,
                                size_t n_headers);

/* A varint below 2^14: its upper part moves up by a bit, which adding it once more does. */
KFK__ALWAYS_INLINE uint8_t *kfk__record_put_two(uint8_t *p, uint32_t v)
{
    v += (v | 0x7f) + 1;
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

/* A length below 8192. */
KFK__ALWAYS_INLINE uint8_t *kfk__record_put_length(uint8_t *p, size_t n)
{
    if (n >= KFK__RECORD_WIDE)
        return kfk__record_put_two(p, 2 * (uint32_t)n);
    *p = (uint8_t)(2 * n);
    return p + 1;
}

KFK__ALWAYS_INLINE uint8_t *kfk__record_put_delta(uint8_t *p, int64_t v)
{
    if (__builtin_expect((uint64_t)v < 64, 1)) {
        *p = (uint8_t)(2 * v);
        return p + 1;
    }
    if ((uint64_t)v < 8192)
        return kfk__record_put_two(p, 2 * (uint32_t)v);
    return kfk__record_put_long(p, v);
}

/* The same for an offset, most of which take two bytes. */
KFK__ALWAYS_INLINE uint8_t *kfk__record_put_offset(uint8_t *p, int32_t v)
{
    if (__builtin_expect((uint32_t)v - 64 < 8192 - 64, 1))
        return kfk__record_put_two(p, 2 * (uint32_t)v);
    if ((uint32_t)v < 64) {
        *p = (uint8_t)(2 * v);
        return p + 1;
    }
    return kfk__record_put_long(p, v);
}

/* A key shorter than KFK__RECORD_LONG, with its length. */
KFK__ALWAYS_INLINE uint8_t *kfk__record_put_key(uint8_t *p, kfk_bytes key)
{
    if (!key.data) {
        *p = 1;
        return p + 1;
    }
    p = kfk__record_put_length(p, key.len);
    memcpy(p, key.data, key.len);
    return p + key.len;
}

/* The value, where there is one, and the header count. Nothing has to outlive the call, which comes last: *end has been
 * told before. */
KFK__ALWAYS_INLINE void kfk__record_put_value(uint8_t *p, kfk_bytes value, uint8_t **end)
{
    p[value.len] = 0;
    *end = p + value.len + 1;
    memcpy(p, value.data, value.len);
}

/* The same of a value of KFK__RECORD_WIDE bytes or more. Of up to twice that it is two pieces of a size that the compiler
 * knows, which overlap: less than a call. */
KFK__ALWAYS_INLINE void kfk__record_put_wide(uint8_t *p, kfk_bytes value, uint8_t **end)
{
    if (value.len > 2 * KFK__RECORD_WIDE) {
        kfk__record_put_value(p, value, end);
        return;
    }
    memcpy(p, value.data, KFK__RECORD_WIDE);
    p += value.len;
    memcpy(p - KFK__RECORD_WIDE, (const uint8_t *)value.data + value.len - KFK__RECORD_WIDE,
           KFK__RECORD_WIDE);
    *p = 0;
    *end = p + 1;
}

/* kfk__record_write_quick of a value of KFK__RECORD_WIDE bytes or more: its length takes two bytes, and so does the
 * record's. */
KFK__ALWAYS_INLINE void kfk__record_write_wide(uint8_t *record, int64_t timestamp_delta,
                                               int32_t offset_delta, kfk_bytes key,
                                               kfk_bytes value, uint8_t **end)
{
    uint32_t twice = 2 * (uint32_t)value.len;
    uint8_t *p = record + 2;

    *p++ = 0;
    p = kfk__record_put_delta(p, timestamp_delta);
    p = kfk__record_put_offset(p, offset_delta);
    p = kfk__record_put_key(p, key);
    p = kfk__record_put_two(p, twice);
    /* The two bytes of the length are not in it, the header count is. */
    kfk__record_put_two(record, twice + 2 * (uint32_t)(p - record) - 2);
    kfk__record_put_wide(p, value, end);
}

/* Writes a record without headers whose key and value are shorter than KFK__RECORD_LONG together. *end: where it ends. */
KFK__ALWAYS_INLINE void kfk__record_write_quick(uint8_t *record, int64_t timestamp_delta,
                                                int32_t offset_delta, kfk_bytes key,
                                                kfk_bytes value, uint8_t **end)
{
    const bool wide = key.len + value.len >= KFK__RECORD_SHORT;
    uint8_t *p = record + 1 + wide;
    size_t body;

    if (__builtin_expect(value.len >= KFK__RECORD_WIDE, 1)) {
        kfk__record_write_wide(record, timestamp_delta, offset_delta, key, value, end);
        return;
    }
    *p++ = 0;
    p = kfk__record_put_delta(p, timestamp_delta);
    p = kfk__record_put_offset(p, offset_delta);
    p = kfk__record_put_key(p, key);
    *p++ = value.data ? (uint8_t)(2 * value.len) : 1;
    /* One byte of the length is in it; the header count, which is not, makes up for that. */
    body = (size_t)(p - record) + value.len;
    if (wide)
        kfk__record_put_two(record, 2 * (uint32_t)(body - 1));
    else if (__builtin_expect(body < 64, 1))
        *record = (uint8_t)(2 * body);
    else
        p = kfk__record_widen(record, p, body);
    if (value.data) {
        kfk__record_put_value(p, value, end);
        return;
    }
    *p = 0;
    *end = p + 1;
}

/* Writes a record where there is room for its bound, which is not SIZE_MAX; returns its end. A key
 * or value that is null has length 0. */
static inline uint8_t *kfk__record_write(uint8_t *record, int64_t timestamp_delta,
                                         int32_t offset_delta, kfk_bytes key, kfk_bytes value,
                                         const kfk_header *headers, size_t n_headers)
{
    uint8_t *end;

    if (__builtin_expect(n_headers || key.len + value.len >= KFK__RECORD_LONG, 0))
        return kfk__record_write_any(record, timestamp_delta, offset_delta, key, value, headers,
                                     n_headers);
    kfk__record_write_quick(record, timestamp_delta, offset_delta, key, value, &end);
    return end;
}

#endif
