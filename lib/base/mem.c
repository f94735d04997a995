#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"

static void *heap_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n ? n : 1);
}

static void *heap_resize(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return realloc(p, n ? n : 1);
}

static void heap_release(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

const kfk_allocator kfk__malloc_allocator = {heap_alloc, heap_resize, heap_release, NULL};

void *kfk__zalloc(const kfk_allocator *a, size_t n)
{
    void *p = kfk__alloc(a, n);

    if (p)
        memset(p, 0, n);
    return p;
}

void *kfk__zalloc_lines(const kfk_allocator *a, size_t n, size_t align)
{
    const size_t mask = align - 1;
    size_t extra = sizeof(void *) + mask + KFK__LINE - 1;
    char *from = n <= SIZE_MAX - extra ? kfk__alloc(a, n + extra) : NULL;
    void **p;

    if (!from)
        return NULL;
    /* Behind where the memory begins and room to say so; in front of the end of the line that the last byte is in. */
    p = (void **)(void *)(from + sizeof *p + (-(uintptr_t)(from + sizeof *p) & mask));
    p[-1] = from;
    return memset(p, 0, n);
}

void kfk__release_lines(const kfk_allocator *a, void *p)
{
    if (p)
        kfk__release(a, ((void **)p)[-1]);
}

void *kfk__array(const kfk_allocator *a, void *p, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    return p ? kfk__resize(a, p, total) : kfk__alloc(a, total);
}

char *kfk__strdup(const kfk_allocator *a, const char *s)
{
    return kfk__strndup(a, s, strlen(s));
}

char *kfk__strndup(const kfk_allocator *a, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? kfk__alloc(a, n + 1) : NULL;

    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}
