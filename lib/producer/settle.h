/* settle: what becomes of a batch: its result, another attempt, or a hole in the sequences.
 *
 *   an answer, a lost connection ──> kfk__settle ──> delivered, refused, unknown: callbacks
 *                                                └─> retriable: back into the deque, in sequence order, same bytes
 *
 * Belongs to the Sender thread. */
#ifndef KFK_PRODUCER_SETTLE_H
#define KFK_PRODUCER_SETTLE_H

#include "producer/sender.h"

/* An attempt has ended: the broker has answered, or the connection is lost. */
void kfk__settle(void *sender, kfk__producer_batch *b, const kfk__produce_answer *a, int64_t now);
/* The same for an attempt of which no byte has left the process. */
void kfk__settle_unsent(kfk__sender *s, kfk__producer_batch *b, const kfk__produce_answer *a,
                        int64_t now);
/* Back into the deque, in the order of sequences: in front of all that were never sent, and behind those that were sent
 * before it. */
void kfk__requeue(kfk__partition *p, kfk__producer_batch *b);
/* Ends a batch that is in no list of its partition. */
void kfk__settle_error(kfk__sender *s, kfk__producer_batch *b, kfk_err err, const char *msg);
/* The records of a batch, which is in no list of its partition, are in other batches: it goes without a word. */
void kfk__settle_gone(kfk__sender *s, kfk__producer_batch *b);
/* Ends those whose delivery.timeout.ms is over, the oldest first. Returns when the next one's is. */
int64_t kfk__settle_expired(kfk__sender *s, int64_t now);
/* Ends the batches in front of |id|: those in flight as unknown. false: but for some that are being compressed. */
bool kfk__settle_purge(kfk__sender *s, uint64_t id, int64_t now);
/* Ends everything that is not in flight now; not what the callbacks send meanwhile. */
void kfk__settle_queued(kfk__sender *s, kfk_err err, const char *msg, int64_t now);

#endif
