/* loop: a poller and a step function, run on a thread of their own or turned by hand.
 *
 *       ┌────────────────────────────────────────────┐
 *       v                                            │
 *     poll(until) ──> step(events, now) ──> until ───┘     KFK__LOOP_END: the thread returns
 *
 * It is embedded in what |self| points at and belongs to two: the thread, and whoever starts and
 * joins it. A join that misses its deadline leaves the thread to itself, so that |self| is freed by
 * the last of the two. Therefore nothing of the loop is touched any more once step has returned
 * KFK__LOOP_END: step may have dropped the last reference, and freed it. And therefore the poller
 * goes with kfk__loop_fini, not with the thread: a wake may come (from a signal handler, say) as
 * long as the handle is there. */
#ifndef KFK_NET_LOOP_H
#define KFK_NET_LOOP_H

#include <kfk/config.h>

#include "base/env.h"

#define KFK__LOOP_END INT64_C(-1)
#define KFK__LOOP_EVENTS 64

/* Does all that can be done at |now|, and never blocks. Entries of |ev| with |what| 0 are passed
 * over. Returns when to be called again at the latest, or KFK__LOOP_END; before that it has closed
 * its sockets and ended its jobs. */
typedef int64_t kfk__step_fn(void *self, kfk__event *ev, int n, int64_t now);

typedef struct kfk__loop {
    kfk__env env;
    kfk__poller *poller;
    kfk__step_fn *step;
    void *self;
    int64_t until;       /* owner: what step asked for last; 0 at first */
    kfk__thread *thread; /* of whoever started it; NULL: turned by hand, or joined */
    const char *name;    /* the thread's */
    /* Hears of the thread's start and end, on that thread; to be set before the start. NULL: nobody. */
    kfk_thread_fn *told;
    void *told_arg;
    kfk__event events[KFK__LOOP_EVENTS];
} kfk__loop;

/* 0 or errno. */
int kfk__loop_init(kfk__loop *l, const kfk__env *env, kfk__step_fn *step, void *self);
/* Frees the poller. By the last of the two. */
void kfk__loop_fini(kfk__loop *l);

/* Runs the loop on a thread of its own; |name| is static. 0 or errno, and then step is never called. */
int kfk__loop_start(kfk__loop *l, const char *name);
/* Waits for the thread's end; true too if there is none. false: |until| came, the thread goes on
 * alone. Once. */
bool kfk__loop_join(kfk__loop *l, int64_t until);

/* One poll, until |limit| or what step asked for, whichever is sooner, and one step. Only by hand:
 * with |limit| 0 when a host's own loop finds env.poller_fd readable, or l->until has come.
 * false: step has returned KFK__LOOP_END. */
bool kfk__loop_turn(kfk__loop *l, int64_t limit);
/* Makes the loop step soon. Any thread, signal handlers too. */
void kfk__loop_wake(kfk__loop *l);

#endif
