/* regroup: the records of one batch, put into others: of one that a broker found too large (KIP-126), and of those that
 * were kept while their topic was not known.
 *
 *   kfk__split   one batch ──> parts of it, READY, in order         callbacks go along
 *   kfk__place   one batch ──> the batches of many partitions
 *
 * The memory for it is drawn beyond buffer.memory, since the batch that goes gives back as much. Belongs to the
 * Sender. */
#ifndef KFK_PRODUCER_REGROUP_H
#define KFK_PRODUCER_REGROUP_H

#include "producer/accumulator.h"

/* Into |parts|, without sequences. On an error nothing has changed. KFK_ERR_NOMEM; KFK_ERR_INTERNAL: it cannot be read
 * back. */
kfk_err kfk__split(kfk__accumulator *a, kfk__producer_batch *b, kfk__list *parts);

/* Into the batches of |ps|, which nobody else sees yet; what each record names, or -1, is in the callbacks of |b|.
 * KFK_OK: all were placed. KFK_ERR_NOMEM, UNKNOWN_TOPIC_OR_PARTITION (3): some were not, and only their callbacks are
 * left in |b|, which has to be ended with that. */
kfk_err kfk__place(kfk__accumulator *a, kfk__producer_batch *b, const kfk__partitions *ps);

#endif
