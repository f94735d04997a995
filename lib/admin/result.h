/* result: what a call returns, in one piece of memory of its own that outlives the handle.
 *
 *   kfk__result | root: kfk_topics, kfk_cluster, ... ──> all else, in the arena
 *                 ^ what the application has
 *
 * Built on the admin's thread while the call waits, then the application's: its memory is of the
 * application's own allocator, beneath the handle's ledger. */
#ifndef KFK_ADMIN_RESULT_H
#define KFK_ADMIN_RESULT_H

#include <stdbool.h>

#include <kfk/admin.h>

#include "base/arena.h"
#include "base/uuid.h"

typedef struct kfk__result {
    kfk_allocator alloc;
    kfk__arena arena;
    bool failed; /* an allocation did; all that follow give NULL */
} kfk__result;

/* A new result with a zeroed root of |size| bytes. NULL: no memory. */
void *kfk__result_new(const kfk_allocator *a, size_t size);
/* |root| may be NULL. */
void kfk__result_free(void *root);
kfk__result *kfk__result_of(void *root);

/* The functions below give NULL once there is no memory, and |failed| is set. */

/* Zeroed. */
void *kfk__result_zalloc(kfk__result *r, size_t n);
/* Copies, with a NUL at the end; null becomes NULL. */
const char *kfk__result_string(kfk__result *r, kfk_bytes s);
/* The text of an id; "" of the zero id. */
const char *kfk__result_uuid(kfk__result *r, const kfk__uuid *id);
/* Copies; |n| -1: not told. */
kfk_ids kfk__result_ids(kfk__result *r, const int32_t *v, int32_t n);
/* An array of |n| pointers, each to a zeroed element of |size| bytes. */
void *kfk__result_array(kfk__result *r, size_t n, size_t size);
/* The |n| pointers of |old|, and behind them |more| to zeroed elements. */
void *kfk__result_grow(kfk__result *r, const void *old, size_t n, size_t more, size_t size);

#endif
