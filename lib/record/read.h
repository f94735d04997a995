/* read: one record out of a batch, inline, for the path that every record received takes.
 *
 * What is read is never believed: nothing is looked at past |end|, and a record whose parts do not
 * fill it exactly is none. The inline part takes the common record, whose varints have no more than
 * two bytes, and leaves headers and all other records, wrong ones included, to read.c. */
#ifndef KFK_RECORD_READ_H
#define KFK_RECORD_READ_H

#include <stddef.h>
#include <stdint.h>

#include <kfk/types.h>

/* One record, its bytes where they lie. */
typedef struct kfk__record {
    int64_t timestamp_delta;
    int32_t offset_delta;
    uint32_t n_headers;
    kfk_bytes key;
    kfk_bytes value;
    kfk_bytes headers; /* as encoded, after the count */
} kfk__record;

/* kfk__record_read for any record. */
const uint8_t *kfk__record_read_any(const uint8_t *p, const uint8_t *end, kfk__record *r);

/* Checks the headers from their count at |p| on, which must reach exactly to |end|, and sets what
 * |r| has of them. Returns |end|, or NULL. */
const uint8_t *kfk__record_read_headers(const uint8_t *p, const uint8_t *end, kfk__record *r);

/* The first |max| headers of a record that was read; returns how many. */
size_t kfk__record_headers(const kfk__record *r, kfk_header *out, size_t max);

/* A control record's type. */
enum { KFK__CONTROL_ABORT = 0, KFK__CONTROL_COMMIT = 1 };
/* The type in a control record's key; -1: malformed. Types other than the above are to be passed
 * over. */
int kfk__control_type(kfk_bytes key);

/* ---- the common record ---- */

enum {
    /* No more bytes than these are looked at before a length is checked: five varints of at most
     * two bytes, of which a null key takes one, and the attributes. */
    KFK__RECORD_PREFIX = 10,
    /* The bits that a common record's numbers may have, as they stand on the wire: not the sign,
     * and none that would take a third byte. */
    KFK__RECORD_COMMON = 0x3ffe
};

/* A varint of one or two bytes, as it stands on the wire; 2^14 or more: it is longer. */
static inline const uint8_t *kfk__record_get_two(const uint8_t *p, uint32_t *v)
{
    *v = p[0];
    if (*v < 0x80)
        return p + 1;
    *v += ((uint32_t)p[1] << 7) - 0x80;
    return p + 2;
}

/* The fields of |r| up to the value, and where the record ends: *stop. Returns where its headers begin; NULL: it is for
 * kfk__record_read_any. */
static inline __attribute__((always_inline)) const uint8_t *
kfk__record_read_fields(const uint8_t *p, const uint8_t *end, kfk__record *r, const uint8_t **stop)
{
    uint32_t body, timestamp, offset, key = 0, value;
    const uint8_t *start;

    if (end - p < KFK__RECORD_PREFIX)
        return NULL;
    start = kfk__record_get_two(p, &body);
    p = kfk__record_get_two(start + 1, &timestamp);
    p = kfk__record_get_two(p, &offset);
    if (*p == 1) {
        r->key = (kfk_bytes){NULL, 0};
        p++;
    } else {
        p = kfk__record_get_two(p, &key);
        if (end - p < (ptrdiff_t)(key / 2 + 2))
            return NULL;
        r->key = (kfk_bytes){p, key / 2};
        p += key / 2;
    }
    p = kfk__record_get_two(p, &value);
    if ((body | timestamp | offset | key | value) & ~(uint32_t)KFK__RECORD_COMMON)
        return NULL;
    if (end - start < (ptrdiff_t)(body / 2))
        return NULL;
    *stop = start + body / 2;
    if (*stop - p <= (ptrdiff_t)(value / 2))
        return NULL;
    r->timestamp_delta = timestamp / 2;
    r->offset_delta = (int32_t)(offset / 2);
    r->value = (kfk_bytes){p, value / 2};
    return p + value / 2;
}

/* kfk__record_read for a common record without headers, of which |r| has n_headers and headers as they were: |r| may live in
 * registers. NULL: kfk__record_read has to look. */
static inline __attribute__((always_inline)) const uint8_t *
kfk__record_read_plain(const uint8_t *p, const uint8_t *end, kfk__record *r)
{
    const uint8_t *stop;

    p = kfk__record_read_fields(p, end, r, &stop);
    return p && *p == 0 && p + 1 == stop ? stop : NULL;
}

/* Reads the record at |p|; returns where the next one starts, or NULL if this one does not fit in
 * front of |end| or contradicts itself. Headers are checked, but not decoded. The deltas are as
 * they stand there: whoever adds them looks out for overflow. */
static inline const uint8_t *kfk__record_read(const uint8_t *p, const uint8_t *end, kfk__record *r)
{
    const uint8_t *stop, *headers = kfk__record_read_fields(p, end, r, &stop), *next = NULL;

    if (__builtin_expect(headers != NULL, 1))
        next = kfk__record_read_headers(headers, stop, r);
    return __builtin_expect(next != NULL, 1) ? next : kfk__record_read_any(p, end, r);
}

#endif
