/* heap: things by time, the earliest first. Intrusive: each holds its kfk__heap_node. Equal times come in the order in
 * which they were put in. */
#ifndef KFK_BASE_HEAP_H
#define KFK_BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

typedef struct kfk__heap_node {
    int64_t at;
    uint64_t order;
    size_t index; /* 1 and up while in the heap; 0: in none */
} kfk__heap_node;

typedef struct kfk__heap {
    kfk__heap_node **v; /* v[0] is not used */
    size_t n, cap;
    uint64_t next_order;
    const kfk_allocator *alloc;
} kfk__heap;

void kfk__heap_init(kfk__heap *h, const kfk_allocator *a);
void kfk__heap_fini(kfk__heap *h);
/* Room for |n| nodes at once, so that kfk__heap_set cannot fail. false: no memory. */
bool kfk__heap_reserve(kfk__heap *h, size_t n);
/* Puts |node| in, or moves it, to |at|. There is room. */
void kfk__heap_set(kfk__heap *h, kfk__heap_node *node, int64_t at);
/* Takes |node| out, if it is in. */
void kfk__heap_remove(kfk__heap *h, kfk__heap_node *node);

/* The earliest, or NULL. */
static inline kfk__heap_node *kfk__heap_first(const kfk__heap *h)
{
    return h->n ? h->v[1] : NULL;
}

#endif
