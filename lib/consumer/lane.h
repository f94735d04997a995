/* lane: reading what is in one lane (kfk__lane): kfk_consumer_poll does so, and each worker of a group.
 *
 *   kfk__lane_add ─> ┌─> kfk__lane_heed: somebody wants something else  <── kfk__lane_wake ─┐
 *                    │   kfk__consumer_take: a run ──> it is read ──> kfk__lane_rest        │
 *                    └── nothing: kfk__lane_await  <────────────────────────────────────────┘   ─> kfk__lane_remove
 *
 * A lane is read by one thread at a time, which also adds and removes it; it lies in memory of that. While it reads a
 * partition, that stays in its lane; so no two read one at once. Nothing here is called with the lock held. */
#ifndef KFK_CONSUMER_LANE_H
#define KFK_CONSUMER_LANE_H

#include "consumer/handle.h"

/* In use from now on; takes over its part of the partitions. With lanes in use nobody reads kfk_consumer_poll's. */
void kfk__lane_add(kfk_consumer *c, kfk__lane *lane);
/* Rests, and leaves the partitions to the others; to kfk_consumer_poll's, if it was the last. */
void kfk__lane_remove(kfk_consumer *c, kfk__lane *lane);

/* The next run of a partition in |lane|, cut as |cut| says. Waits for nothing. KFK_OK and *rs NULL: there is none. Else
 * nobody else reads of its partition until kfk__lane_rest, or the next call of this. Errors: those of kfk_consumer_poll that
 * are a partition's, which e names; KFK_ERR_NOMEM. */
kfk_err kfk__consumer_take(kfk_consumer *c, kfk__lane *lane, const kfk__cut_options *cut,
                           kfk_records **rs, kfk_error *e);
/* What was taken last has been dealt with. Whoever waits for that of a partition that is not assigned any more
 * (kfk__shared_is_read) is woken: kfk__consumer_watch. */
void kfk__lane_rest(kfk_consumer *c, kfk__lane *lane);

/* Whether there was a wake since. The lane's thread, before it looks for what that was about: a wait ends at once until
 * then. */
static inline bool kfk__lane_heed(kfk__lane *lane)
{
    return atomic_load_explicit(&lane->turn, memory_order_relaxed) &&
           atomic_exchange_explicit(&lane->turn, false, memory_order_acq_rel);
}

/* Waits until there is something to take, a wake, or the close; with |or_stuck| also until nothing can come any more.
 * KFK_ERR_TIMED_OUT: |until| has come. KFK_ERR_NOMEM. */
kfk_err kfk__lane_await(kfk_consumer *c, kfk__lane *lane, int64_t until, bool or_stuck);
/* The same, but what there is to take does not end it. */
kfk_err kfk__lane_await_turn(kfk_consumer *c, kfk__lane *lane, int64_t until);
/* Ends a wait in |lane|, or the next one, and is told by kfk__lane_heed. Any thread that knows the lane to be there. */
void kfk__lane_wake(kfk_consumer *c, kfk__lane *lane);
/* The same in all lanes. */
void kfk__lane_wake_all(kfk_consumer *c);
/* The bell has been heard; it rings on if there is anything in |lane|. */
void kfk__lane_quieten(kfk_consumer *c, kfk__lane *lane);
/* Nothing can come: all of the memory is in runs that the application holds, or kept for what is paused. */
bool kfk__consumer_is_stuck(kfk_consumer *c);

#endif
