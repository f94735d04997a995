/* kept: records that were sent to a topic that is not known yet, by those who may not wait.
 *
 *   kfk__append ──> kept batches of the topic ── partitions come ──> kfk__kept_place: the partitions' batches
 *                                             └─ it is no topic ───> kfk__kept_fail
 *
 * They are in an accumulator's list as all batches are, so that they expire, are flushed and closed like these. Belongs
 * to the Sender. */
#ifndef KFK_PRODUCER_KEPT_H
#define KFK_PRODUCER_KEPT_H

#include "producer/sender.h"

/* Puts what was kept for |t| into |ps|, and then lets everybody see |ps|: what is sent later comes behind it. */
void kfk__kept_place(kfk__sender *s, kfk__topic *t, kfk__partitions *ps);
/* Ends what was kept for |t|. */
void kfk__kept_fail(kfk__sender *s, kfk__topic *t, kfk_err err, const char *msg);

#endif
