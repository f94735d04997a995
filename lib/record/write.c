#include "record/write.h"

#include "base/varint.h"

static uint64_t zigzag_length(kfk_bytes b)
{
    return b.data ? 2 * (uint64_t)b.len : 1;
}

static size_t bytes_size(kfk_bytes b)
{
    return kfk__uvarint_size(zigzag_length(b)) + (b.data ? b.len : 0);
}

static uint8_t *put_bytes(uint8_t *p, kfk_bytes b)
{
    p = kfk__uvarint_put(p, zigzag_length(b));
    if (!b.data)
        return p;
    memcpy(p, b.data, b.len);
    return p + b.len;
}

size_t kfk__record_headers_size(const kfk_header *headers, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        const kfk_header *h = &headers[i];

        if (!h->key.data || h->key.len > INT32_MAX || h->value.len > INT32_MAX)
            return SIZE_MAX;
        /* In two steps, each of less than 2^31 on top of less than 2^31: no wrap, even in 32 bits.
         */
        sum += bytes_size(h->key);
        if (sum > INT32_MAX)
            return SIZE_MAX;
        sum += bytes_size(h->value);
        if (sum > INT32_MAX)
            return SIZE_MAX;
    }
    return sum;
}

size_t kfk__record_closer_bound(kfk_bytes key, kfk_bytes value, const kfk_header *headers,
                                size_t n_headers)
{
    enum { LENGTH = 5, ATTRIBUTES = 1, TIMESTAMP = 10, OFFSET = 5 };

    return LENGTH + ATTRIBUTES + TIMESTAMP + OFFSET + bytes_size(key) + bytes_size(value) +
           kfk__uvarint_size(2 * (uint64_t)n_headers) + kfk__record_headers_size(headers, n_headers);
}

uint8_t *kfk__record_put_long(uint8_t *p, int64_t v)
{
    return kfk__varint_put(p, v);
}

uint8_t *kfk__record_widen(uint8_t *record, uint8_t *p, size_t body)
{
    memmove(record + 2, record + 1, (size_t)(p - record) - 1);
    kfk__record_put_two(record, 2 * (uint32_t)body);
    return p + 1;
}

uint8_t *kfk__record_write_any(uint8_t *p, int64_t timestamp_delta, int32_t offset_delta,
                               kfk_bytes key, kfk_bytes value, const kfk_header *headers,
                               size_t n_headers)
{
    size_t body = 1 + kfk__uvarint_size(kfk__zigzag(timestamp_delta)) +
                  kfk__uvarint_size(kfk__zigzag(offset_delta)) + bytes_size(key) +
                  bytes_size(value) + kfk__uvarint_size(2 * (uint64_t)n_headers) +
                  kfk__record_headers_size(headers, n_headers);

    p = kfk__uvarint_put(p, 2 * (uint64_t)body);
    *p++ = 0;
    p = kfk__varint_put(p, timestamp_delta);
    p = kfk__varint_put(p, offset_delta);
    p = put_bytes(p, key);
    p = put_bytes(p, value);
    p = kfk__uvarint_put(p, 2 * (uint64_t)n_headers);
    for (size_t i = 0; i < n_headers; i++) {
        p = put_bytes(p, headers[i].key);
        p = put_bytes(p, headers[i].value);
    }
    return p;
}
