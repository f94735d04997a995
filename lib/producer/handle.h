/* handle: the producer, as the files of its public calls see it.
 *
 *   producer.c   new, flush, close, free; the Sender thread's life
 *   send.c       what comes in: send, send_sync, partitions
 *   dispatch.c   what goes out where the application asks for it: fd, dispatch, take */
#ifndef KFK_PRODUCER_HANDLE_H
#define KFK_PRODUCER_HANDLE_H

#include <stdalign.h>
#include <stdatomic.h>

#include "base/fork.h"
#include "base/line.h"
#include "producer/outbox.h"
#include "producer/sender.h"

struct kfk_producer {
    kfk__env env;
    unsigned forks; /* kfk__fork_count when it was made */
    unsigned quick; /* the same, if records may go the quick way in; else another number */
    bool app;       /* dispatch=app */
    kfk_hooks hooks;
    void *hooks_arg;
    atomic_int owners;
    kfk_config *config;
    kfk__client_options client_options;
    kfk__accumulator accumulator;
    alignas(KFK__LINE) kfk__sender sender;
    kfk__loop loop;
    kfk__outbox outbox;
    _Atomic(const void *) in_callback; /* the thread that runs one, or NULL */

    kfk__mutex lock;        /* guards all below */
    bool closing;
    int64_t close_deadline; /* when the Sender ends what is left */
    bool ended;             /* by the Sender: every record has its result */
    bool leaving;           /* freed from a callback that a call of the application dispatches: when that returns */
    bool cut_short;         /* at the deadline there were some left without one */
    kfk__list closers;
};

static inline bool kfk__producer_is_forked(const kfk_producer *p)
{
    return p->forks != kfk__fork_count();
}

static inline bool kfk__producer_in_callback(const kfk_producer *p)
{
    const void *who = atomic_load_explicit(&p->in_callback, memory_order_relaxed);

    return who && who == p->env.ops->self(p->env.ctx);
}

/* KFK_ERR_FORKED. */
kfk_err kfk__producer_forked(kfk_error *e);
/* For calls that wait: not in a child, not from a callback. */
kfk_err kfk__producer_may_wait(const kfk_producer *p, const char *call, kfk_error *e);
/* Waits until |done| says so, at every wake of |w|, which something has to give. With dispatch=app it dispatches
 * meanwhile. false: |until| came. */
bool kfk__producer_wait(kfk_producer *p, kfk__waiter *w, int64_t until, bool (*done)(void *arg),
                        void *arg);
/* The end of a call that may have dispatched: frees the handle if a callback has asked for that. */
void kfk__producer_leave(kfk_producer *p);
/* dispatch=app: runs what is left to be run, for the last time. */
void kfk__producer_dispatch_rest(kfk_producer *p);
/* The callback of a send_sync, which does not wait to be dispatched. */
void kfk__sync_done(kfk_producer *p, const kfk_delivery *d, void *arg);
/* Adds to the error of a wait what stands in the way. */
static inline void kfk__producer_explain(kfk_producer *p, kfk_error *e)
{
    kfk__client_explain(&p->sender.client, e);
}

#endif
