/* runs: a run is handed to record() or consume(), and what follows from what that says.
 *
 *   run ──> handler ──> OK: marked ──> the rest of it, again          aside: retry.backoff.ms, a dead letter's delivery,
 *             │                                                              a pause, something more urgent
 *             └─ error: failed() ──> RETRY, DEAD_LETTER ──> aside ──> handler
 *                                ──> SKIP: marked, as if it were done        STOP: the group ends
 *
 * A partition that is aside is nobody's to read, so it can go; its run goes with it. */
#ifndef KFK_GROUP_RUNS_H
#define KFK_GROUP_RUNS_H

#include "group/handle.h"

/* Hands out what is between where |rs| stands and |end|, which is where it ended when it was cut. It is gone then. The worker
 * reads its partition, and rests when this returns. */
void kfk__run_hand(kfk__worker *w, kfk_records *rs, int64_t end);
/* kfk__consumer_take has said that a partition cannot be read. */
void kfk__run_unreadable(kfk__worker *w, const kfk_error *e);

/* Goes on with one of the worker's that are aside, if it is due. false: none is. *at: when one will be. */
bool kfk__aside_go_on(kfk__worker *w, int64_t now, int64_t *at);
/* Drops those that go, or have gone; |all| of them. */
void kfk__aside_sweep(kfk_group *g, bool all);

#endif
