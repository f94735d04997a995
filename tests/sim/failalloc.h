/* failalloc: an allocator that fails on command and knows what is still out. For the simulator and
 * outside of it; any thread may use it.
 *
 *     for (uint64_t n = 1; ; n++) {           the sweep: fail the first, the second, ...
 *         failalloc_fail_once(&f, n);
 *         ... the scenario, with failalloc_allocator(&f) ...
 *         ck_assert_uint_eq(failalloc_blocks(&f), 0);
 *         if (!failalloc_failed(&f)) break;   there is no n-th
 *     }
 *
 * New memory is full of junk, so that nobody takes it for zeroes. A release of what is not its own,
 * or twice, aborts. */
#ifndef SIM_FAILALLOC_H
#define SIM_FAILALLOC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

typedef struct failalloc {
    atomic_ullong calls; /* of alloc and resize, since it was last told when to fail */
    atomic_ullong blocks, bytes;
    atomic_ullong fail_at; /* 0: never */
    atomic_bool fail_on;   /* from there on, all */
} failalloc;

void failalloc_init(failalloc *f);
/* |f| stays the caller's, and outlives what is allocated. */
kfk_allocator failalloc_allocator(failalloc *f);

/* Counted from now, 1 is the next. 0: none. */
void failalloc_fail_once(failalloc *f, uint64_t nth);
void failalloc_fail_from(failalloc *f, uint64_t nth);
/* Whether it has come to that. */
bool failalloc_failed(const failalloc *f);
uint64_t failalloc_calls(const failalloc *f);
/* Not released yet. */
uint64_t failalloc_blocks(const failalloc *f);
uint64_t failalloc_bytes(const failalloc *f);

#endif
