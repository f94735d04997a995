/* timers: what is due when. A binary heap by (time, order of setting), so that what is due at the
 * same time comes in an order that depends on nothing else. */
#ifndef SIM_TIMERS_H
#define SIM_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what it is for. */
typedef struct sim_timer {
    int64_t at;
    uint64_t seq;
    size_t place; /* in the heap, from 1; 0: not set */
    void (*fire)(struct sim_timer *t);
} sim_timer;

typedef struct sim_timers {
    sim_timer **heap; /* heap[0] is not used */
    size_t n, cap;
    uint64_t seq;
} sim_timers;

void sim_timers_fini(sim_timers *ts);
/* Sets |t|, or sets it anew. */
void sim_timer_set(sim_timers *ts, sim_timer *t, int64_t at);
void sim_timer_clear(sim_timers *ts, sim_timer *t);
/* The one that is due first, or NULL. */
sim_timer *sim_timers_first(const sim_timers *ts);

#endif
