/* core: what the parts of the simulator share: the scheduler's state, fibers that park and are
 * unparked, timers, the trace. Nothing here is for workloads.
 *
 *     running ──sim_yield──> ready ──chosen by the seed──> running
 *     running ──sim_park───> parked ──sim_unpark, or due──> ready */
#ifndef SIM_CORE_H
#define SIM_CORE_H

#include "base/list.h"
#include "base/lock.h"
#include "sim/fiber.h"
#include "sim/sched.h"
#include "sim/timers.h"

typedef struct sim_task {
    fiber fiber;
    sim *s;
    kfk__list node; /* of sim.tasks */
    uint32_t id;    /* in the order of spawning, from 1; never used again */
    uint32_t host;
    uint32_t locks; /* that it holds */
    bool parked, due;
    sim_timer timer;                /* while parked with a deadline */
    const char *what;               /* while parked: in which call */
    const kfk__mutex *lock;         /* while parked for one */
    const struct sim_task *joining; /* while parked for its end */
    void (*body)(void *arg);
    void *arg;
    char name[24];
} sim_task;

struct simnet;

struct sim {
    uint64_t seed, hash;
    uint64_t rng[4];
    int64_t now, until, wall_offset_ms;
    fiber here;        /* who called sim_run */
    sim_task *current; /* NULL: none, |here| runs */
    sim_task **ready;  /* in an order that only the past decides */
    size_t n_ready, cap_ready;
    kfk__list tasks; /* that have not ended, by id */
    kfk__list ended; /* whose stacks are still to be freed, which none can do for its own */
    uint32_t last_id;
    uint32_t lock_switch; /* one in so many locks is a switch; the seed's choice */
    uint32_t stall_one_in, spawn_fails_in;
    int64_t stall_max;
    uint64_t picks; /* since the clock moved */
    sim_end end;
    bool tracing;
    sim_timers timers;
    struct simnet *net;
    char *report;
    char to_here, from_here; /* addresses for hb.h */
};

/* Whose fibers run, or ran last; for kfk__sim_lock, which is told of no sim. */
extern sim *sim_running;

void sim_init(sim *s, uint64_t seed);
void sim_fini(sim *s);

/* The one that runs. Dies outside of a fiber. */
sim_task *sim_self(sim *s, const char *what);
sim_task *sim_task_new(sim *s, const char *name, uint32_t host, void (*body)(void *arg), void *arg);

/* The calling fiber waits to be unparked (true) or for |until| (false). Whoever unparks it must
 * have been told of it before. */
bool sim_park(sim *s, const char *what, int64_t until);
/* Does nothing to one that is not parked. */
void sim_unpark(sim_task *t);
/* A point where others may go on, which not each passage is. Nothing outside of fibers. */
void sim_point(sim *s);
/* Dies if the caller, in a call |what| that takes long, holds a lock. */
void sim_check_unlocked(const sim *s, const char *what);

/* Into the trace: the hash, and the print if it is on. */
void sim_note(sim *s, const char *what, uint64_t a, uint64_t b, uint64_t c);
/* A hash of some bytes. */
uint64_t sim_digest(uint64_t h, const void *p, size_t n);

/* The mistake, who made it and when; aborts. */
_Noreturn void sim_die(const sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* malloc and realloc that abort. */
void *sim_alloc(size_t n);
void *sim_realloc(void *p, size_t n);

#endif
