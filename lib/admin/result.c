#include "admin/result.h"

#include <stdalign.h>
#include <string.h>

#include "base/ledger.h"
#include "base/mem.h"

/* The root lies behind the result, where any type may. */
enum { ROOT = (sizeof(kfk__result) + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1) };

kfk__result *kfk__result_of(void *root)
{
    return (kfk__result *)(void *)((char *)root - ROOT);
}

void *kfk__result_new(const kfk_allocator *a, size_t size)
{
    kfk__result *r;

    a = kfk__ledger_beneath(a);
    r = kfk__zalloc(a, ROOT + size);
    if (!r)
        return NULL;
    r->alloc = *a;
    kfk__arena_init(&r->arena, &r->alloc);
    return (char *)r + ROOT;
}

void kfk__result_free(void *root)
{
    kfk__result *r;
    kfk_allocator a;

    if (!root)
        return;
    r = kfk__result_of(root);
    a = r->alloc;
    kfk__arena_fini(&r->arena);
    kfk__release(&a, r);
}

static void *take(kfk__result *r, size_t n)
{
    void *p = r->failed ? NULL : kfk__arena_alloc(&r->arena, n);

    r->failed = !p;
    return p;
}

void *kfk__result_zalloc(kfk__result *r, size_t n)
{
    void *p = take(r, n);

    if (p)
        memset(p, 0, n);
    return p;
}

const char *kfk__result_string(kfk__result *r, kfk_bytes s)
{
    char *p;

    if (!s.data)
        return NULL;
    p = take(r, s.len + 1);
    if (!p)
        return NULL;
    if (s.len)
        memcpy(p, s.data, s.len);
    p[s.len] = '\0';
    return p;
}

const char *kfk__result_uuid(kfk__result *r, const kfk__uuid *id)
{
    char text[23] = "";

    if (!kfk__uuid_is_zero(id))
        kfk__uuid_format(id, text);
    return kfk__result_string(r, (kfk_bytes){text, strlen(text)});
}

kfk_ids kfk__result_ids(kfk__result *r, const int32_t *v, int32_t n)
{
    int32_t *copy;

    if (n < 0)
        return (kfk_ids){NULL, 0};
    copy = take(r, ((size_t)n + 1) * sizeof *copy);
    if (!copy)
        return (kfk_ids){NULL, 0};
    if (n)
        memcpy(copy, v, (size_t)n * sizeof *copy);
    return (kfk_ids){copy, (size_t)n};
}

/* No overflow: |n| is at most what an answer of 2 GiB can hold, and |size| that of a small struct.
 */
void *kfk__result_array(kfk__result *r, size_t n, size_t size)
{
    void **v = kfk__result_zalloc(r, (n + 1) * sizeof *v);
    char *elements = v ? kfk__result_zalloc(r, n * size + 1) : NULL;

    if (!elements)
        return NULL;
    for (size_t i = 0; i < n; i++)
        v[i] = elements + i * size;
    return v;
}

void *kfk__result_grow(kfk__result *r, const void *old, size_t n, size_t more, size_t size)
{
    void **v = kfk__result_zalloc(r, (n + more + 1) * sizeof *v);
    void **added = kfk__result_array(r, more, size);

    if (!v || !added)
        return NULL;
    if (n)
        memcpy(v, old, n * sizeof *v);
    memcpy(v + n, added, more * sizeof *v);
    return v;
}
