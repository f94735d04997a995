#include "record/read.h"

#include "base/bytes.h"
#include "base/varint.h"

/* A length, -1 for null, and so many bytes. */
static const uint8_t *get_any_bytes(const uint8_t *p, const uint8_t *end, kfk_bytes *out)
{
    int32_t len;

    p = kfk__varint_get(p, end, &len);
    if (!p || len < -1 || len > end - p)
        return NULL;
    *out = (kfk_bytes){len < 0 ? NULL : p, len < 0 ? 0 : (size_t)len};
    return p + out->len;
}

/* The same, short for less than 64 bytes, as most keys and values of headers have. */
static inline const uint8_t *get_bytes(const uint8_t *p, const uint8_t *end, kfk_bytes *out)
{
    if (p == end || *p & 0x81 || *p / 2 > end - p - 1)
        return get_any_bytes(p, end, out);
    *out = (kfk_bytes){p + 1, *p / 2};
    return p + 1 + *p / 2;
}

static inline const uint8_t *get_header(const uint8_t *p, const uint8_t *end, kfk_header *out)
{
    p = get_bytes(p, end, &out->key);
    if (!p || !out->key.data)
        return NULL;
    return get_bytes(p, end, &out->value);
}

const uint8_t *kfk__record_read_headers(const uint8_t *p, const uint8_t *end, kfk__record *r)
{
    kfk_header ignored;
    int32_t n;

    p = kfk__varint_get(p, end, &n);
    if (!p || n < 0 || n > (end - p) / 2)
        return NULL;
    r->n_headers = (uint32_t)n;
    r->headers = (kfk_bytes){p, (size_t)(end - p)};
    while (n-- > 0 && p)
        p = get_header(p, end, &ignored);
    return p == end ? p : NULL;
}

const uint8_t *kfk__record_read_any(const uint8_t *p, const uint8_t *end, kfk__record *r)
{
    int32_t body;

    p = kfk__varint_get(p, end, &body);
    if (!p || body < 1 || body > end - p)
        return NULL;
    end = p + body;
    p++; /* the attributes, of which none is defined */
    p = kfk__varlong_get(p, end, &r->timestamp_delta);
    if (p)
        p = kfk__varint_get(p, end, &r->offset_delta);
    if (p)
        p = get_bytes(p, end, &r->key);
    if (p)
        p = get_bytes(p, end, &r->value);
    return p ? kfk__record_read_headers(p, end, r) : NULL;
}

size_t kfk__record_headers(const kfk__record *r, kfk_header *out, size_t max)
{
    const uint8_t *p = r->headers.data, *end = p + r->headers.len;
    size_t n = 0;

    while (n < max && n < r->n_headers && (p = get_header(p, end, &out[n])))
        n++;
    return n;
}

int kfk__control_type(kfk_bytes key)
{
    const uint8_t *p = key.data;

    /* A later version may be longer, but begins in the same way. */
    if (key.len < 4 || (int16_t)kfk__get_be16(p) < 0 || (int16_t)kfk__get_be16(p + 2) < 0)
        return -1;
    return kfk__get_be16(p + 2);
}
