/* run: what a run of records is, for the files that cut and walk it (records.c) and that mark what of it is done
 * (marking.c). Belongs to the thread that reads it, but for what is said to be looked at by any. */
#ifndef KFK_CONSUMER_RUN_H
#define KFK_CONSUMER_RUN_H

#include "base/fork.h"
#include "consumer/records.h"

/* The offsets of a batch's records that are of the run. */
typedef struct kfk__run_offsets {
    size_t n;
    int64_t v[];
} kfk__run_offsets;

/* The records of one batch. */
typedef struct kfk__segment {
    kfk__batch_header header;
    const uint8_t *records;
    size_t n;
    kfk__fbuf *inflated; /* NULL: the records lie in the run's buffer */
    _Atomic(kfk__run_offsets *) left; /* where compaction has taken out some, and somebody marks those that are left; else NULL */
} kfk__segment;

struct kfk_records {
    /* What every next touches. */
    kfk__batch_cursor cursor;
    kfk_record_view view;
    kfk__assigned *partition;
    unsigned version, fetch_version; /* of the partition, when it was cut */
    int64_t start, end; /* offsets: [start, end) */
    size_t current;     /* the segment that the cursor is in */
    bool pending;       /* the cursor has read a record that was not given yet */

    kfk__segment *segments;
    size_t n_segments, cap;
    kfk__fbuf *buf;
    kfk_allocator alloc;   /* the handle's */
    kfk_allocator beneath; /* what this struct is of */
    unsigned forks;        /* kfk__fork_count when it was made */
    kfk__marks_ticket ticket;
    kfk_tp tp; /* .offset is looked at by those who mark, on any thread */
    kfk_err status;
    const char *why;
};

static inline int64_t kfk__run_last_offset(const kfk__batch_header *h)
{
    return h->base_offset + h->last_offset_delta;
}

/* No record is missing between its first and its last. */
static inline bool kfk__run_is_dense(const kfk__segment *s)
{
    return s->header.count > s->header.last_offset_delta;
}

/* In a child of fork all but the struct is of the handle's ledger, and may be gone with it already. */
static inline bool kfk__run_is_forked(const kfk_records *rs)
{
    return rs->forks != kfk__fork_count();
}

#endif
