/* arena: memory that is given back all at once. For what one message decodes to. */
#ifndef KFK_BASE_ARENA_H
#define KFK_BASE_ARENA_H

#include <stddef.h>

#include <kfk/types.h>

typedef struct kfk__arena {
    struct kfk__arena_block *blocks;
    size_t total; /* bytes taken from the allocator */
    const kfk_allocator *alloc;
} kfk__arena;

void kfk__arena_init(kfk__arena *a, const kfk_allocator *alloc);
/* Gives everything back; the arena is as after init. */
void kfk__arena_fini(kfk__arena *a);
/* Forgets everything but keeps the largest block for the next message. */
void kfk__arena_reset(kfk__arena *a);
/* Aligned for any type, not zeroed. NULL: no memory. */
void *kfk__arena_alloc(kfk__arena *a, size_t n);
/* |p|, of |old| bytes, made |n| bytes long: in place where it is the last thing allocated, else copied. NULL: no
 * memory, or n overflows. |p| may be NULL with old 0. */
void *kfk__arena_grow(kfk__arena *a, void *p, size_t old, size_t n);

#endif
