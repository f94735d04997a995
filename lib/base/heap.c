#include "base/heap.h"

#include "base/mem.h"

void kfk__heap_init(kfk__heap *h, const kfk_allocator *a)
{
    *h = (kfk__heap){.alloc = a};
}

void kfk__heap_fini(kfk__heap *h)
{
    kfk__release(h->alloc, h->v);
    kfk__heap_init(h, h->alloc);
}

bool kfk__heap_reserve(kfk__heap *h, size_t n)
{
    size_t cap = h->cap * 2 > n + 1 ? h->cap * 2 : n + 1;
    kfk__heap_node **v;

    if (n < h->cap)
        return true;
    v = kfk__array(h->alloc, h->v, cap, sizeof *v);
    if (!v)
        return false;
    h->v = v;
    h->cap = cap;
    return true;
}

static bool before(const kfk__heap_node *a, const kfk__heap_node *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(kfk__heap *h, size_t i, kfk__heap_node *node)
{
    h->v[i] = node;
    node->index = i;
}

static void settle(kfk__heap *h, size_t i, kfk__heap_node *node)
{
    while (i > 1 && before(node, h->v[i / 2])) {
        put(h, i, h->v[i / 2]);
        i /= 2;
    }
    for (;;) {
        size_t child = i * 2;

        if (child < h->n && before(h->v[child + 1], h->v[child]))
            child++;
        if (child > h->n || !before(h->v[child], node))
            break;
        put(h, i, h->v[child]);
        i = child;
    }
    put(h, i, node);
}

void kfk__heap_set(kfk__heap *h, kfk__heap_node *node, int64_t at)
{
    node->at = at;
    node->order = h->next_order++;
    settle(h, node->index ? node->index : ++h->n, node);
}

void kfk__heap_remove(kfk__heap *h, kfk__heap_node *node)
{
    size_t i = node->index;
    kfk__heap_node *last;

    if (!i)
        return;
    node->index = 0;
    last = h->v[h->n--];
    if (last != node)
        settle(h, i, last);
}
