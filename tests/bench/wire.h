/* wire: reads Kafka's inflexible messages, and writes answers to them. For nullbroker.c alone. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *need(void *p)
{
    if (!p) {
        perror("nullbroker");
        exit(1);
    }
    return p;
}

/* ---- reading a request: past its end everything is 0, and |bad| ---- */

struct in {
    const uint8_t *p, *end;
    bool bad;
};

static inline const uint8_t *take(struct in *in, size_t n)
{
    static const uint8_t nothing[8];

    if (n > (size_t)(in->end - in->p)) {
        in->bad = true;
        in->p = in->end;
        return n <= sizeof nothing ? nothing : NULL;
    }
    in->p += n;
    return in->p - n;
}

static inline int64_t get(struct in *in, size_t n)
{
    const uint8_t *p = take(in, n);
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

static inline int8_t get8(struct in *in)
{
    return (int8_t)get(in, 1);
}

static inline int16_t get16(struct in *in)
{
    return (int16_t)get(in, 2);
}

static inline int32_t get32(struct in *in)
{
    return (int32_t)get(in, 4);
}

struct str {
    const uint8_t *p;
    int16_t len; /* -1: null */
};

static inline struct str get_str(struct in *in)
{
    struct str s = {NULL, get16(in)};

    if (s.len > 0)
        s.p = take(in, (size_t)s.len);
    if (s.len > 0 && !s.p)
        s.len = 0;
    return s;
}

/* ---- writing an answer: bytes of its own, and pieces of the prepared batch between them ---- */

struct piece {
    size_t at;      /* so many of the answer's own bytes come before */
    int64_t offset; /* the batch's base offset, big-endian */
};

struct out {
    uint8_t *bytes;
    size_t len, cap;
    struct piece *pieces;
    size_t n_pieces, max_pieces;
};

static inline uint8_t *room(struct out *out, size_t n)
{
    if (out->cap - out->len < n) {
        out->cap = (out->cap + n) * 2;
        out->bytes = need(realloc(out->bytes, out->cap));
    }
    out->len += n;
    return out->bytes + out->len - n;
}

static inline void put(struct out *out, size_t n, int64_t v)
{
    uint8_t *p = room(out, n);

    for (size_t i = n; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

static inline void put8(struct out *out, int v)
{
    put(out, 1, v);
}

static inline void put16(struct out *out, int v)
{
    put(out, 2, v);
}

static inline void put32(struct out *out, int64_t v)
{
    put(out, 4, v);
}

static inline void put64(struct out *out, int64_t v)
{
    put(out, 8, v);
}

static inline void put_str(struct out *out, struct str s)
{
    put16(out, s.len);
    if (s.len > 0)
        memcpy(room(out, (size_t)s.len), s.p, (size_t)s.len);
}

static inline void put_text(struct out *out, const char *text)
{
    put_str(out, (struct str){(const uint8_t *)text, (int16_t)strlen(text)});
}

static inline void put_batch(struct out *out, int64_t offset)
{
    if (out->n_pieces == out->max_pieces) {
        out->max_pieces = out->max_pieces * 2 + 64;
        out->pieces = need(realloc(out->pieces, out->max_pieces * sizeof *out->pieces));
    }
    out->pieces[out->n_pieces++] = (struct piece){out->len, (int64_t)htobe64((uint64_t)offset)};
}

#endif
