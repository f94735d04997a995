/* sender_step: one step of the Sender: what goes out, when, and to whom.
 *
 *   news ──> schedule: what is ready, by leader ──> one head batch of each partition of a broker in one Produce request
 *
 *   answer ──> settle.h
 *
 * Everything here belongs to the Sender thread. */
#ifndef KFK_PRODUCER_SENDER_STEP_H
#define KFK_PRODUCER_SENDER_STEP_H

#include "producer/sender.h"

/* |finish| calls the callbacks of a batch. KFK_ERR_NOMEM. */
kfk_err kfk__sender_init(kfk__sender *s, const kfk__env *env, const kfk__sender_options *options,
                         const kfk__client_options *client_options, kfk__accumulator *a,
                         kfk__poller *poller, kfk__finish_fn *finish, void *owner);
/* Gives all back. Every batch has its result. */
void kfk__sender_fini(kfk__sender *s, int64_t now);

/* Does all that can be done. Returns when to be called again. */
int64_t kfk__sender_step(kfk__sender *s, const kfk__event *ev, int n, int64_t now);
/* Nothing more goes in, and nothing lingers any more. */
void kfk__sender_closing(kfk__sender *s);
/* Closes all connections and ends every batch with KFK_ERR_CLOSED, but those that somebody is compressing: to be called
 * again until the Sender is idle. false: there was nothing to end. */
bool kfk__sender_abandon(kfk__sender *s, int64_t now);
/* Whether there is nothing left to send or to wait for. */
bool kfk__sender_idle(kfk__sender *s);

#endif
