/* offsets: one thing asked about the offsets of a group's partitions, a commit or a fetch, and what
 * becomes of each.
 *
 *   tps[0]   tps[1]   ...  tps[n-1]      as they were given, copied; results are written here
 *     ^        ^               ^
 *   entries[0] entries[1] ... ────────── in the slot (slots.h) of the request that speaks of it now
 *
 * A partition is settled once: with OK, or with why not. All are settled: done is called, and it is
 * gone. Everything that it points at lies in its arena. Belongs to the client's thread. */
#ifndef KFK_GROUPIO_OFFSETS_H
#define KFK_GROUPIO_OFFSETS_H

#include <kfk/types.h>

#include "client/client.h"
#include "groupio/coordinator.h"
#include "groupio/meta.h"

typedef struct kfk__offsets kfk__offsets;

/* The end, on the client's thread, from inside its events or tick or the groupio's; never from
 * inside the call that began it. |tps| are valid until it returns, each with its err. e->code:
 * KFK_OK, or the first err there is, or what ended all of it; with KFK_MAYBE_DONE some of what was
 * not answered well may be stored all the same. */
typedef void kfk__offsets_fn(void *owner, void *arg, const kfk_tp *tps, size_t n,
                             const kfk_error *e, int64_t now);

typedef struct kfk__offset_entry {
    kfk__list link; /* of its slot; in none: no request speaks of it */
    kfk__offsets *of;
    kfk_tp *tp;
    bool settled;
    bool doubtful;  /* an attempt was written, and not refused */
    bool newest;    /* of its slot: it is what is sent */
    bool overtaken; /* a newer one of the partition may be stored: this one is not sent any more,
                       but may yet be stood for */
} kfk__offset_entry;

struct kfk__offsets {
    kfk__list link;
    kfk__arena arena;
    kfk__group_meta who;
    kfk_tp *tps;
    kfk__offset_entry *entries;
    size_t n, pending;
    size_t sendable; /* of the pending: not overtaken */
    int64_t deadline;
    kfk__offsets_fn *done;
    void *owner, *arg;
    kfk_error error;                /* the first partition's that was settled with one */
    kfk_error why;                  /* why what is pending was not done yet */
    struct kfk__fetching *fetching; /* NULL: it is a commit, and what follows is its */
    bool ready; /* its entries may be spoken of by the request that is being made */
    kfk_err again;
    kfk__retry retry;
    int64_t not_before;
};

/* Copies all. NULL: no memory. */
kfk__offsets *kfk__offsets_new(const kfk_allocator *a, const kfk__group_meta *who,
                               const kfk_tp *tps, size_t n);
/* Takes its entries out of their slots, and it out of its list. NULL is allowed. */
void kfk__offsets_free(kfk__offsets *o);
/* A newer one of the partition, which may be stored, was sent in its place. */
void kfk__offsets_overtake(kfk__offset_entry *entry);
/* KFK_OK, or |error|: of this partition, whose name is added. */
void kfk__offsets_settle(kfk__offset_entry *entry, const kfk_error *error);
/* The same for all that are pending. */
void kfk__offsets_settle_rest(kfk__offsets *o, const kfk_error *error);
/* Calls done, and frees. It is in no list any more. */
void kfk__offsets_end(kfk__offsets *o, int64_t now);
/* A string of the arena. NULL: no memory. */
char *kfk__offsets_string(kfk__offsets *o, const void *s, size_t n);

#endif
