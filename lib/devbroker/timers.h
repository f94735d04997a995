/* timers: what falls due later by the broker's clock, in groups: sessions, rebalances.
 *
 * Whatever is due is fired before anything else is done in a step or for a request, in the order of
 * time, and as of the time that it was due: it makes no difference how often somebody looks.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_TIMERS_H
#define KFK_DEVBROKER_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"

typedef struct kfk__dev_timer {
    kfk__heap_node node;
    void (*fire)(struct kfk__dev_timer *t, int64_t at); /* it is stopped by then */
} kfk__dev_timer;

typedef struct kfk__dev_timers {
    kfk__heap heap;
    size_t made; /* timers that there is room for */
} kfk__dev_timers;

void kfk__dev_timers_init(kfk__dev_timers *ts, const kfk_allocator *a);
void kfk__dev_timers_fini(kfk__dev_timers *ts);
/* Makes room for one more, so that setting it cannot fail. false: no memory. */
bool kfk__dev_timer_init(kfk__dev_timers *ts, kfk__dev_timer *t,
                         void (*fire)(kfk__dev_timer *t, int64_t at));
/* Stops it, and its room is another's. */
void kfk__dev_timer_fini(kfk__dev_timers *ts, kfk__dev_timer *t);
void kfk__dev_timer_set(kfk__dev_timers *ts, kfk__dev_timer *t, int64_t at);
void kfk__dev_timer_stop(kfk__dev_timers *ts, kfk__dev_timer *t);
/* Fires all that are due, those that are set meanwhile too. */
void kfk__dev_timers_run(kfk__dev_timers *ts, int64_t now);
/* When the next one is due; KFK__NEVER: none is set. */
int64_t kfk__dev_timers_due(const kfk__dev_timers *ts);

#endif
