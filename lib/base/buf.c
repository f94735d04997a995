#include "base/buf.h"

#include "base/mem.h"

void kfk__buf_init(kfk__buf *b, const kfk_allocator *a)
{
    *b = (kfk__buf){.limit = SIZE_MAX, .alloc = a};
}

void kfk__buf_fini(kfk__buf *b)
{
    kfk__release(b->alloc, b->data);
    *b = (kfk__buf){.limit = b->limit, .alloc = b->alloc};
}

uint8_t *kfk__buf_reserve(kfk__buf *b, size_t n)
{
    size_t cap;
    uint8_t *data;

    if (b->failed || n > b->limit - b->len)
        goto fail;
    if (b->cap - b->len >= n && b->data)
        return b->data + b->len;
    cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;
    if (cap < b->len + n)
        cap = b->len + n;
    if (cap < 64)
        cap = 64;
    if (cap > b->limit)
        cap = b->limit;
    data = kfk__resize(b->alloc, b->data, cap);
    if (!data)
        goto fail;
    b->data = data;
    b->cap = cap;
    return data + b->len;
fail:
    b->failed = true;
    return NULL;
}
