/* What the tests of the decoder share: an arena that counts, a sink, and the head of a fetch
 * response. */
#ifndef DECODE_TEST_H
#define DECODE_TEST_H

#include "golden.h"

enum { BASE_BYTES = 4096 }; /* what decoding may allocate whatever comes in */

static kfk__arena arena;

static inline void setup(void)
{
    counted = (counts){.bytes = 0};
    kfk__arena_init(&arena, &counting);
}

static inline void teardown(void)
{
    kfk__arena_fini(&arena);
}

/* Records go to memory of 7 bytes at a time. */
typedef struct sink {
    uint8_t *bytes;
    size_t asked;
    kfk_err err;
} sink;

static inline kfk_err take_records(void *ctx, const void *parent, size_t len, size_t have,
                                   uint8_t **to, size_t *room, kfk_bytes *value)
{
    sink *s = ctx;

    MUST(parent);
    s->asked++;
    if (s->err)
        return s->err;
    if (have == 0) {
        s->bytes = kfk__arena_alloc(&arena, len ? len : 1);
        MUST(s->bytes);
    }
    if (have == len) {
        *value = (kfk_bytes){s->bytes, len};
    } else {
        *to = s->bytes + have;
        *room = 7;
        if (*room > len - have)
            *room = len - have;
    }
    return KFK_OK;
}

/* Fetch v4: one topic "t", one partition, records of |n| bytes: what comes in front of these. */
static inline size_t fetch_head(uint8_t *to, int32_t n)
{
    static const uint8_t head[] = {
        0,    0,    0,    0,   0, 0, 0, 1,
        0,    1,    't',  0,   0, 0, 1, /* throttle, topics, name, partitions */
        0,    0,    0,    4,   0, 0,    /* index, error_code */
        0,    0,    0,    0,   0, 0, 0, 9,
        0,    0,    0,    0,   0, 0, 0, 9, /* high_watermark, last_stable_offset */
        0xff, 0xff, 0xff, 0xff};           /* aborted_transactions */

    memcpy(to, head, sizeof head);
    to[sizeof head] = (uint8_t)((uint32_t)n >> 24);
    to[sizeof head + 1] = (uint8_t)(n >> 16);
    to[sizeof head + 2] = (uint8_t)(n >> 8);
    to[sizeof head + 3] = (uint8_t)n;
    return sizeof head + 4;
}

#endif
