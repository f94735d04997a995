/* secret: memory that held a password is cleared before it is given back. */
#ifndef KFK_BASE_SECRET_H
#define KFK_BASE_SECRET_H

#include <string.h>

#include "base/mem.h"

/* Clears |n| bytes in a way that the compiler cannot leave out. */
static inline void kfk__wipe(void *p, size_t n)
{
    if (p)
        memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* Clears and gives back a string; NULL is allowed. */
static inline void kfk__release_secret(const kfk_allocator *a, char *s)
{
    if (s)
        kfk__wipe(s, strlen(s));
    kfk__release(a, s);
}

#endif
