/* append: the way that every record takes into the accumulator.
 *
 *   kfk__accumulate ── the topic of the record before, an open batch, room ──> encode, under the partition's lock
 *          │ otherwise, once a batch:
 *          └──> a chunk from the pool, a new batch, a compressed old one, another partition, metadata; and again
 *
 * Any thread. Nothing is allocated for a record of its own, and one lock is taken, the partition's. */
#ifndef KFK_PRODUCER_APPEND_H
#define KFK_PRODUCER_APPEND_H

#include "producer/accumulator.h"

/* Appends one record, which has been checked, and waits at most max.block.ms for what it needs. |sync_until|: 0, or for
 * a send_sync when that gives up: nothing waits past it, and the record's batch does not linger. Errors as
 * kfk_producer_send. */
kfk_err kfk__accumulate(kfk__accumulator *a, const kfk_record *r, kfk_delivery_fn *fn, void *arg,
                        int64_t sync_until, kfk_error *e);

#endif
