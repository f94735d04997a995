#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
