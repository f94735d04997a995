/* aborted: the aborted transactions that reach into what one answer brought for one partition, and
 * which of them what is being read is amid (KIP-98).
 *
 *   transactions of a and b    [ a ][ b ][ a: abort ][ a ][ b: commit ][ a: commit ]
 *   {a, its first offset}        ─────                     only this is of it
 *
 * A broker names them in any order. A transaction ends with its producer's marker; the next one of
 * the same producer is another. Belongs to whoever has the batches, which are to be shown in the
 * order of their offsets. */
#ifndef KFK_CONSUMER_ABORTED_H
#define KFK_CONSUMER_ABORTED_H

#include <stdbool.h>

#include <kfk/types.h>

#include "proto/fetch.h"
#include "record/batch.h"

typedef struct kfk__aborted_transaction {
    int64_t producer_id;
    int64_t first_offset;
} kfk__aborted_transaction;

typedef struct kfk__aborted {
    kfk__aborted_transaction *v; /* by first offset; those that have ended are taken out */
    size_t n;
} kfk__aborted;

/* Copies |n| of them; n <= 0: there are none. KFK_ERR_NOMEM. */
kfk_err kfk__aborted_init(kfk__aborted *a, const kfk_allocator *alloc,
                          const kfk__fetch_response_aborted_transaction *v, int32_t n);
void kfk__aborted_fini(kfk__aborted *a, const kfk_allocator *alloc);
/* Whether a batch is of one of them. */
bool kfk__aborted_has(const kfk__aborted *a, const kfk__batch_header *h);
/* |h| is a marker that aborts its producer's transaction. */
void kfk__aborted_end(kfk__aborted *a, const kfk__batch_header *h);

#endif
