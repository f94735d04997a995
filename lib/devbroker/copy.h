/* copy: bytes that are kept longer than the request that they came in. */
#ifndef KFK_DEVBROKER_COPY_H
#define KFK_DEVBROKER_COPY_H

#include <stdbool.h>

#include <kfk/types.h>

#include "base/arena.h"

/* A copy of its own; null stays null. false: no memory. */
bool kfk__dev_copy(const kfk_allocator *a, kfk_bytes from, kfk_bytes *to);
void kfk__dev_copy_free(const kfk_allocator *a, kfk_bytes *b);
/* The same in an arena. */
bool kfk__dev_copy_in(kfk__arena *a, kfk_bytes from, kfk_bytes *to);

#endif
