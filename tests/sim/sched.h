/* sched: the simulator. Runs a whole program, library threads and application threads, as fibers of
 * one OS thread, on virtual time, from one seed.
 *
 *     sim *s = sim_new(seed);
 *     kfk__env env = sim_env(s);                    what the library is given
 *     sim_spawn(s, 1, "app", app, &world);          an application thread, on host 10.0.0.1
 *     end = sim_run(s, 60 * SIM_S);                 until all have returned, or for a minute
 *     ck_assert_msg(end == SIM_DONE, "%s", sim_report(s));
 *     sim_free(s);
 *
 * wait, poll, spawn, join and every lock are points where another fiber may go on; the seed says
 * which. A fiber runs at no cost in time: the clock stands until none can go on, then it jumps to
 * what is due next. Nobody runnable and nothing due is a hang, which is reported, with what each
 * fiber waits for.
 *
 * Same seed, same program: same trace hash. So a workload takes nothing from outside either (time,
 * chance, addresses) but from here. KFK_SIM_TRACE=1 in the environment prints every step to stderr.
 *
 * _Thread_local, pthread_self and pthread mutexes mean the OS thread, of which there is only one:
 * code that runs here cannot use them. Under ThreadSanitizer two fibers race like two threads, so
 * what fibers of a workload share needs a lock (base/lock.h) as it would in a real program.
 *
 * One sim runs at a time. A mistake in the use of the env (a wait with a lock held, an unlock by
 * another fiber, a call by someone who is not the owner) is told on stderr, and aborts. */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

#define SIM_MS INT64_C(1000000)
#define SIM_S INT64_C(1000000000)

typedef struct sim sim;

typedef enum sim_end {
    SIM_DONE,  /* every fiber has returned */
    SIM_UNTIL, /* the time was reached; sim_run goes on from there */
    SIM_HANG,  /* none can go on, ever */
    SIM_SPIN   /* they go on and on, and the clock stands: a loop that does not wait */
} sim_end;

/* No memory: aborts, as all of this does. */
sim *sim_new(uint64_t seed);
/* What fibers own that have not returned is lost. NULL: nothing. */
void sim_free(sim *s);
/* The env of this simulation, with malloc; put another allocator in if there shall be one. */
kfk__env sim_env(sim *s);

/* An application thread on host 10.0.0.|host|; what it spawns is there too. */
void sim_spawn(sim *s, uint32_t host, const char *name, void (*fn)(void *arg), void *arg);
/* Not from a fiber. |until_ns| is on the clock, which starts at 1 s. */
sim_end sim_run(sim *s, int64_t until_ns);
/* After SIM_HANG or SIM_SPIN, or at any time: the fibers and what each waits for. */
const char *sim_report(sim *s);

int64_t sim_now(const sim *s);
uint64_t sim_seed(const sim *s);
/* A fingerprint of every choice, every delivery and every jump so far. */
uint64_t sim_trace_hash(const sim *s);
/* 64 bits; and a number below |n|, which is not 0. */
uint64_t sim_random(sim *s);
uint64_t sim_below(sim *s, uint64_t n);
/* A fiber's: lets |ns| pass; lets others go on. */
void sim_sleep(sim *s, int64_t ns);
void sim_yield(sim *s);

/* ---- faults ---- */

/* At every |one_in|th switch point (0: never, as at the start) the fiber stands still for up to
 * |max_ns|, locks held or not, as threads of a busy machine do. */
void sim_stalls(sim *s, uint32_t one_in, int64_t max_ns);
/* The next spawn but |n| of the env fails with EAGAIN; once. */
void sim_fail_spawn(sim *s, uint32_t n);
/* Moves the wall clock, and only that. */
void sim_wall_jump(sim *s, int64_t ms);

#endif
