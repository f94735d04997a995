/* varint: Kafka's variable-length integers: 7 bits a byte, the low ones first; signed ones zigzag. */
#ifndef KFK_BASE_VARINT_H
#define KFK_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { KFK__VARINT_MAX = 5, KFK__VARLONG_MAX = 10 };

static inline uint64_t kfk__zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t kfk__unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Bytes that |v| takes: 1 to 10. Each takes 7 bits: (bits * 9 + 64) / 64 is ceil(bits / 7) for 1 to 64 bits. */
static inline size_t kfk__uvarint_size(uint64_t v)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(v | 1);

    return (bits * 9 + 64) >> 6;
}

static inline uint8_t *kfk__uvarint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *kfk__varint_put(uint8_t *p, int64_t v)
{
    return kfk__uvarint_put(p, kfk__zigzag(v));
}

/* Reads one of at most |max| bytes in front of |end|. NULL: it does not end there, or does not fit in 64 bits. */
static inline const uint8_t *kfk__uvarint_get(const uint8_t *p, const uint8_t *end, size_t max, uint64_t *out)
{
    uint64_t v;

    if (p < end && *p < 0x80) {
        *out = *p;
        return p + 1;
    }
    v = 0;
    for (unsigned shift = 0; max > 0 && p < end; max--, shift += 7) {
        uint8_t b = *p++;

        if (shift == 63 && b > 1)
            return NULL;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return p;
        }
    }
    return NULL;
}

static inline const uint8_t *kfk__varlong_get(const uint8_t *p, const uint8_t *end, int64_t *out)
{
    uint64_t v;

    p = kfk__uvarint_get(p, end, KFK__VARLONG_MAX, &v);
    if (p)
        *out = kfk__unzigzag(v);
    return p;
}

/* A 32-bit one. NULL also where the value does not fit. */
static inline const uint8_t *kfk__varint_get(const uint8_t *p, const uint8_t *end, int32_t *out)
{
    uint64_t v;

    p = kfk__uvarint_get(p, end, KFK__VARINT_MAX, &v);
    if (!p || v > UINT32_MAX)
        return NULL;
    *out = (int32_t)kfk__unzigzag(v);
    return p;
}

#endif
