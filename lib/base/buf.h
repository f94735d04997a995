/* buf: a growing run of bytes with a sticky error, for what is written piece by piece.
 *
 * Once an append fails for lack of memory (or against |limit|), the buffer stays failed and further appends do
 * nothing, so that a writer checks kfk__buf_ok once, at its end. */
#ifndef KFK_BASE_BUF_H
#define KFK_BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <kfk/types.h>

typedef struct kfk__buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t limit; /* len never exceeds it; SIZE_MAX: none */
    const kfk_allocator *alloc;
    bool failed;
} kfk__buf;

void kfk__buf_init(kfk__buf *b, const kfk_allocator *a);
/* Releases the memory; the buffer is as after init. */
void kfk__buf_fini(kfk__buf *b);
/* Room for |n| more bytes at data + len; NULL, and failed, if there is none. Does not change len. */
uint8_t *kfk__buf_reserve(kfk__buf *b, size_t n);

static inline bool kfk__buf_ok(const kfk__buf *b)
{
    return !b->failed;
}

static inline void kfk__buf_clear(kfk__buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* |n| more bytes, not initialised; NULL if there is no room. */
static inline uint8_t *kfk__buf_add(kfk__buf *b, size_t n)
{
    uint8_t *p = b->cap - b->len >= n && !b->failed ? b->data + b->len : kfk__buf_reserve(b, n);

    if (p)
        b->len += n;
    return p;
}

static inline void kfk__buf_put(kfk__buf *b, const void *p, size_t n)
{
    uint8_t *to = kfk__buf_add(b, n);

    if (to && n)
        memcpy(to, p, n);
}

#endif
