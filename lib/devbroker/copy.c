#include "devbroker/copy.h"

#include <string.h>

#include "base/mem.h"

bool kfk__dev_copy(const kfk_allocator *a, kfk_bytes from, kfk_bytes *to)
{
    *to = from;
    if (!from.data)
        return true;
    to->data = kfk__strndup(a, from.data, from.len);
    if (!to->data)
        to->len = 0;
    return to->data != NULL;
}

void kfk__dev_copy_free(const kfk_allocator *a, kfk_bytes *b)
{
    kfk__release(a, (void *)(uintptr_t)b->data);
    *b = (kfk_bytes){0};
}

bool kfk__dev_copy_in(kfk__arena *a, kfk_bytes from, kfk_bytes *to)
{
    void *p = from.data ? kfk__arena_alloc(a, from.len + 1) : NULL;

    *to = (kfk_bytes){p, p ? from.len : 0};
    if (p && from.len)
        memcpy(p, from.data, from.len);
    return p || !from.data;
}
