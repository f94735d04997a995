/* sequence: the numbers that make sends idempotent (KIP-98), a partition at a time.
 *
 *   numbered once, when it is first sent ──> acknowledged in order
 *          │ a batch that has a number will not be in the log, or nobody knows: a HOLE, which no later number may jump
 *          └──> nothing of the partition is sent; once nothing is in flight: a new epoch, from 0 again (KIP-360)
 *
 * A partition keeps the epoch in which its numbers were given until none of them is out any more, so that a hole in one
 * partition is nothing to the others. What is in the log for all we know is never numbered anew: it could be there
 * twice. Belongs to the Sender. */
#ifndef KFK_PRODUCER_SEQUENCE_H
#define KFK_PRODUCER_SEQUENCE_H

#include "producer/identity.h"
#include "producer/topics.h"

/* Codes that say that the broker's idea of the sequences is not ours. */
bool kfk__sequence_lost(kfk_err err);
/* Whether nothing that was numbered before it is unanswered: then the broker expected exactly this batch. */
bool kfk__sequence_is_next(const kfk__partition *p, const kfk__producer_batch *b);
/* Gives a batch its number, which it keeps, and seals it. It is not in flight yet. */
void kfk__sequence_number(kfk__identity *i, kfk__partition *p, kfk__producer_batch *b);
/* The same for part of a batch that was numbered, from its record |first| on. */
void kfk__sequence_part(const kfk__partition *p, const kfk__producer_batch *whole,
                        kfk__producer_batch *part, int32_t first);
/* The broker has it. */
void kfk__sequence_acked(kfk__partition *p, const kfk__producer_batch *b);
/* Begins anew after a hole, with nothing in flight: takes the numbers off the queued batches, and those that may be in
 * the log out of the deque, into |lost|. */
void kfk__sequence_restart(kfk__identity *i, kfk__partition *p, kfk__list *lost);

#endif
