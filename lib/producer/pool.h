/* pool: buffer.memory.
 *
 * Memory is handed out in chunks, nearly all of two sizes (batch.size, and one for callbacks), which are kept for later
 * batches. Who asks for more than there is waits in line, and is served in that order: a small request does not overtake
 * a large one.
 *
 * They are not woken for each chunk that comes back, only to wait for the next one: two threads would change places for
 * every batch. They are served when there is plenty, and then as long as there is enough.
 *
 * A chunk that has just come back is in the caches of the Sender's processor; to write into it costs up to a tenth of a
 * microsecond a record. So chunks take turns, and as long as the first in line has rested for less than KFK__POOL_REST_NS
 * there is a new one instead, until a part of the memory is in use: how many take part goes with how fast records come.
 *
 *   total + owed = handed out + granted to those who wait + available (kept chunks are available)
 *
 * Any thread. */
#ifndef KFK_PRODUCER_POOL_H
#define KFK_PRODUCER_POOL_H

#include <stdalign.h>

#include "base/env.h"
#include "base/list.h"
#include "base/lock.h"

typedef struct kfk__chunk {
    struct kfk__chunk *next;
    size_t cap; /* of data */
    size_t used;
    int64_t rests_since; /* in the pool: when it came back */
    alignas(8) uint8_t data[];
} kfk__chunk;

enum {
    KFK__POOL_SIZES = 2,
    KFK__POOL_REST_NS = 10 * 1000000, /* in which, at full speed, a few MiB come in: what a core's own caches hold */
    KFK__POOL_PART = 4,               /* new ones are made for rest up to total / KFK__POOL_PART */
    KFK__POOL_PLENTY = 16,            /* who waits is served when total / KFK__POOL_PLENTY is there, */
    KFK__POOL_PATIENCE_NS = 1000000   /* or what it needs, if that takes longer */
};

/* Chunks of one size, the one that came back first in front. */
typedef struct kfk__kept_chunks {
    kfk__chunk *first, *last;
} kfk__kept_chunks;

typedef struct kfk__pool {
    const kfk__env *env;
    size_t total;
    size_t sizes[KFK__POOL_SIZES]; /* caps of the chunks that are kept */
    void (*wanted)(void *owner); /* somebody waits from now on; no lock is held */
    void *owner;
    kfk__mutex lock;   /* guards all below */
    size_t available;
    size_t owed; /* handed out beyond |total|; nothing is available then */
    kfk__kept_chunks kept[KFK__POOL_SIZES];
    size_t kept_bytes; /* no more than |available|, but while somebody fetches what was granted */
    kfk__list waiters;
    bool serves; /* there was plenty, and is still enough */
    bool closed;
} kfk__pool;

/* Batches take chunks of |size|, and further ones of |more|. */
void kfk__pool_init(kfk__pool *p, const kfk__env *env, size_t total, size_t size, size_t more,
                    void (*wanted)(void *owner), void *owner);
/* All chunks have been put back. */
void kfk__pool_fini(kfk__pool *p);

/* A chunk of |cap| bytes, if it is there at once and nobody waits for it. NULL: not. */
kfk__chunk *kfk__pool_try(kfk__pool *p, size_t cap);
/* The same, if it is one that is used again: the allocator is not asked, so that a lock may be held. */
kfk__chunk *kfk__pool_reuse(kfk__pool *p, size_t cap);
/* As kfk__pool_try, waiting in line until |until|. KFK_ERR_BUFFER_FULL: it did not come in time; KFK_ERR_CLOSED: the pool was
 * closed meanwhile; KFK_ERR_NOMEM; MESSAGE_TOO_LARGE: there will never be so much. */
kfk_err kfk__pool_get(kfk__pool *p, size_t cap, int64_t until, kfk__chunk **out);
/* A chunk that is not waited for and does not count what there is: what it is for gives back more than that. NULL: no
 * memory. */
kfk__chunk *kfk__pool_overdraw(kfk__pool *p, size_t cap);
void kfk__pool_put(kfk__pool *p, kfk__chunk *c);
/* Whether there is room for a batch, and nobody waits for it. */
bool kfk__pool_has_room(kfk__pool *p);
/* Whether somebody waits. */
bool kfk__pool_short(kfk__pool *p);
/* Ends all waits with KFK_ERR_CLOSED, those that are still to come too. */
void kfk__pool_close(kfk__pool *p);

#endif
