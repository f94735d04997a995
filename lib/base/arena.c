#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024 };

struct kfk__arena_block {
    struct kfk__arena_block *next;
    size_t used;
    size_t cap;
    alignas(max_align_t) unsigned char data[];
};

void kfk__arena_init(kfk__arena *a, const kfk_allocator *alloc)
{
    *a = (kfk__arena){.alloc = alloc};
}

void kfk__arena_fini(kfk__arena *a)
{
    struct kfk__arena_block *b, *next;

    for (b = a->blocks; b; b = next) {
        next = b->next;
        kfk__release(a->alloc, b);
    }
    kfk__arena_init(a, a->alloc);
}

void kfk__arena_reset(kfk__arena *a)
{
    struct kfk__arena_block *keep = NULL, *b, *next;

    for (b = a->blocks; b; b = next) {
        next = b->next;
        if (!keep || b->cap > keep->cap) {
            kfk__release(a->alloc, keep);
            keep = b;
        } else {
            kfk__release(a->alloc, b);
        }
    }
    a->blocks = keep;
    a->total = 0;
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
        a->total = keep->cap;
    }
}

static size_t aligned(size_t n)
{
    const size_t mask = alignof(max_align_t) - 1;

    return (n + mask) & ~mask;
}

/* Blocks double, so that a message of any size costs few of them and wastes at most half of what it uses. */
static struct kfk__arena_block *add_block(kfk__arena *a, size_t n)
{
    size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;
    struct kfk__arena_block *b;

    if (cap > LARGEST_BLOCK)
        cap = LARGEST_BLOCK;
    if (cap < n)
        cap = n;
    b = kfk__alloc(a->alloc, sizeof *b + cap);
    if (!b)
        return NULL;
    b->next = a->blocks;
    b->used = 0;
    b->cap = cap;
    a->blocks = b;
    a->total += cap;
    return b;
}

void *kfk__arena_alloc(kfk__arena *a, size_t n)
{
    struct kfk__arena_block *b = a->blocks;
    void *p;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = aligned(n);
    if (!b || b->cap - b->used < n)
        b = add_block(a, n);
    if (!b)
        return NULL;
    p = b->data + b->used;
    b->used += n;
    return p;
}

void *kfk__arena_grow(kfk__arena *a, void *p, size_t old, size_t n)
{
    struct kfk__arena_block *b = a->blocks;
    void *q;

    if (n > SIZE_MAX / 2)
        return NULL;
    if (p && n <= aligned(old))
        return p;
    if (p && b && (unsigned char *)p + aligned(old) == b->data + b->used &&
        aligned(n) - aligned(old) <= b->cap - b->used) {
        b->used += aligned(n) - aligned(old);
        return p;
    }
    q = kfk__arena_alloc(a, n);
    if (q && old)
        memcpy(q, p, old);
    return q;
}
