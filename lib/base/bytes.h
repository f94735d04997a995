/* bytes: big-endian integers in memory, and small helpers for kfk_bytes. */
#ifndef KFK_BASE_BYTES_H
#define KFK_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <kfk/types.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define KFK__BE16(v) (v)
#define KFK__BE32(v) (v)
#define KFK__BE64(v) (v)
#else
#define KFK__BE16(v) __builtin_bswap16(v)
#define KFK__BE32(v) __builtin_bswap32(v)
#define KFK__BE64(v) __builtin_bswap64(v)
#endif

static inline void kfk__put_be16(uint8_t *p, uint16_t v)
{
    v = KFK__BE16(v);
    memcpy(p, &v, sizeof v);
}

static inline void kfk__put_be32(uint8_t *p, uint32_t v)
{
    v = KFK__BE32(v);
    memcpy(p, &v, sizeof v);
}

static inline void kfk__put_be64(uint8_t *p, uint64_t v)
{
    v = KFK__BE64(v);
    memcpy(p, &v, sizeof v);
}

static inline uint16_t kfk__get_be16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return KFK__BE16(v);
}

static inline uint32_t kfk__get_be32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return KFK__BE32(v);
}

static inline uint64_t kfk__get_be64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return KFK__BE64(v);
}

static inline kfk_bytes kfk__bytes(const void *data, size_t len)
{
    return (kfk_bytes){data, len};
}

/* A C string as bytes; NULL is null. */
static inline kfk_bytes kfk__bytes_str(const char *s)
{
    return (kfk_bytes){s, s ? strlen(s) : 0};
}

/* null equals null only. */
static inline bool kfk__bytes_equal(kfk_bytes a, kfk_bytes b)
{
    return a.len == b.len && !a.data == !b.data && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
