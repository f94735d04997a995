/* marks: what of a partition has been done, while a group has it: in any order, on any thread.
 *
 *            done ──┐                          ┌── end: what has been handed out
 *   ...xxxxxxxxxxxxxx....xxxxxxx...xxxxxxxxxx..|      x: done    .: undone, which is what is written down
 *                   v[0]       v[1]          v[2]
 *
 * Runs are opened as they are handed out, and all of their offsets are undone then, whether there is a record at each or not;
 * a mark takes away those of its records and what lies behind them up to the next record, which only the run knows
 * (records.c). What is in no run (markers, aborted, compacted away) is done as what is before it. The first that is undone is
 * the offset to commit.
 *
 * A seek is a new era: marks of runs of an older one are refused. Where a log was cut off and goes on otherwise (KIP-320), it
 * forks: what was handed out of the end that is no more marks nothing of what is there now.
 *
 * Belongs to its partition, whose marks there are as long as it is. One lock, which is taken with that of shared.h held, or
 * alone. */
#ifndef KFK_CONSUMER_MARKS_H
#define KFK_CONSUMER_MARKS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <kfk/config.h>
#include <kfk/types.h>

#include "base/lock.h"

typedef struct kfk__undone {
    int64_t from, to; /* [from, to) */
    uint32_t fork;
    int32_t epoch; /* leader epoch of the record before |from|; -1: not known */
} kfk__undone;

/* Which offsets a run's are. */
typedef struct kfk__marks_ticket {
    unsigned era;
    uint32_t fork;
} kfk__marks_ticket;

typedef struct kfk__marks {
    kfk_allocator alloc;
    int64_t max;      /* so many undone offsets, and no more is handed out; 0: no limit */
    atomic_bool full; /* it is so now */

    kfk__mutex lock; /* guards what follows */
    kfk__undone *v;  /* in order */
    size_t n, cap;
    int64_t n_undone; /* offsets */
    bool spare;       /* one place in |v| is for the next run */
    int64_t end;      /* what was handed out, or passed over, goes so far; -1: nothing was */
    int32_t epoch;    /* of the record before |end| */
    kfk__marks_ticket now;
    bool ended;
} kfk__marks;

/* NULL: no memory. */
kfk__marks *kfk__marks_new(const kfk_allocator *a, int64_t max);
/* NULL is allowed. */
void kfk__marks_free(kfk__marks *m);

/* Sees to it that a run can be opened. KFK_ERR_NOMEM. Unlocked; once before each. */
kfk_err kfk__marks_reserve(kfk__marks *m);
/* [start, end) is handed out, ending behind a record of |epoch|. Takes no memory. */
kfk__marks_ticket kfk__marks_open(kfk__marks *m, int64_t start, int64_t end, int32_t epoch);
/* Up to |end| there is nothing for the application. */
void kfk__marks_skip(kfk__marks *m, int64_t end, int32_t epoch);
/* From |end| on nothing was handed out after all. */
void kfk__marks_cut(kfk__marks *m, int64_t end, int32_t epoch);
/* A seek: nothing has been handed out. */
void kfk__marks_restart(kfk__marks *m);
/* The partition is not ours any more. */
void kfk__marks_end(kfk__marks *m);

/* What of [from, to) is of the ticket's is done; |epoch|: of the record before |to|. *room: it was full, and no longer is.
 * KFK_ERR_REVOKED. KFK_ERR_NOMEM: nothing was marked. */
kfk_err kfk__marks_mark(kfk__marks *m, kfk__marks_ticket ticket, int64_t from, int64_t to,
                        int32_t epoch, bool *room);
/* The offset to commit: all before it is done; -1: nothing has been handed out. *epoch: of the record before it, or -1. */
int64_t kfk__marks_done(kfk__marks *m, int32_t *epoch);
/* The first offsets of the ticket's from |from| on that are undone: [*first, *end). false: there are none. */
bool kfk__marks_first(kfk__marks *m, kfk__marks_ticket ticket, int64_t from, int64_t *first, int64_t *end);
/* How many offsets were handed out and are not done. */
int64_t kfk__marks_undone(kfk__marks *m);

static inline bool kfk__marks_full(const kfk__marks *m)
{
    return m && atomic_load_explicit(&m->full, memory_order_acquire);
}

#endif
