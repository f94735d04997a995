/* An env whose time stands still until a test moves it, whose chance is what the test says, and
 * whose memory fails on command. What it does not have (threads, waits, sockets) nobody may ask
 * for: those entries are NULL. */
#ifndef TESTS_UNIT_FAKEENV_H
#define TESTS_UNIT_FAKEENV_H

#include <string.h>

#include "base/env.h"
#include "sim/failalloc.h"

typedef struct fakeenv {
    kfk__env env;
    failalloc mem;
    int64_t now;
    uint8_t chance; /* each byte of what is asked for */
    int wakes;      /* of waiters */
    const kfk__waiter *woken;
} fakeenv;

static inline int64_t fakeenv_now(void *ctx)
{
    return ((const fakeenv *)ctx)->now;
}

static inline void fakeenv_random(void *ctx, void *out, size_t n)
{
    memset(out, ((const fakeenv *)ctx)->chance, n);
}

static inline void fakeenv_wake(void *ctx, kfk__waiter *w)
{
    fakeenv *f = ctx;

    f->wakes++;
    f->woken = w;
}

static const kfk__env_ops fakeenv_ops = {
    .now_ns = fakeenv_now, .random = fakeenv_random, .wake = fakeenv_wake};

static inline void fakeenv_init(fakeenv *f)
{
    *f = (fakeenv){.now = 1000 * KFK__MS};
    failalloc_init(&f->mem);
    f->env = (kfk__env){.ops = &fakeenv_ops, .ctx = f, .alloc = failalloc_allocator(&f->mem)};
}

#endif
