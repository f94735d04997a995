/* mem: allocation through a handle's allocator.
 *
 * Nothing in the library calls malloc but the default allocator here. Every size that is computed from two numbers
 * goes through kfk__array, which refuses what overflows. NULL means KFK_ERR_NOMEM to whoever called. */
#ifndef KFK_BASE_MEM_H
#define KFK_BASE_MEM_H

#include <kfk/types.h>

/* malloc, realloc, free. */
extern const kfk_allocator kfk__malloc_allocator;

static inline void *kfk__alloc(const kfk_allocator *a, size_t n)
{
    return a->alloc(a->ctx, n);
}

static inline void *kfk__resize(const kfk_allocator *a, void *p, size_t n)
{
    return a->resize(a->ctx, p, n);
}

static inline void kfk__release(const kfk_allocator *a, void *p)
{
    if (p)
        a->release(a->ctx, p);
}

/* Zeroed memory. */
void *kfk__zalloc(const kfk_allocator *a, size_t n);

/* Zeroed memory in cache lines that nothing else lies in (line.h), from a multiple of |align| on, which is a power of two
 * and no less than a line. */
void *kfk__zalloc_lines(const kfk_allocator *a, size_t n, size_t align);
void kfk__release_lines(const kfk_allocator *a, void *p);
/* |p| (or NULL) made room for |n| elements of |size| bytes; NULL if that overflows, and |p| is then as it was. */
void *kfk__array(const kfk_allocator *a, void *p, size_t n, size_t size);
/* Copies, NUL-terminated. */
char *kfk__strdup(const kfk_allocator *a, const char *s);
char *kfk__strndup(const kfk_allocator *a, const char *s, size_t n);

#endif
