/* outbox: with dispatch=app, what the application is to be told by a thread of its own.
 *
 *   Sender: a batch has its result ──┐                        ┌──> kfk_producer_dispatch: callbacks, lines, events
 *   any thread: a line, an event ────┴─> lists, bell, waiters ┴──> kfk_producer_take: results of those without callback
 *
 * The bell is a poller of which only the descriptor is used, and a wake that nobody has heard yet: the descriptor is
 * readable while there is something. Waiters are those in calls that dispatch while they wait.
 *
 * One thread serves at a time; the rest may be used by any. */
#ifndef KFK_PRODUCER_OUTBOX_H
#define KFK_PRODUCER_OUTBOX_H

#include <kfk/config.h>

#include "base/env.h"
#include "base/lock.h"
#include "producer/delivery.h"

/* Lines of log, events and so on wait only so many; those above are counted, and told of in one line. */
enum { KFK__OUTBOX_NOTICES = 1024 };

typedef struct kfk__outbox {
    const kfk__env *env;
    kfk__poller *bell; /* NULL: nobody has asked for the descriptor, and dispatch=thread */
    kfk__mutex lock;   /* guards all down to |batch| */
    kfk__list batches; /* by told, in the order in which they had their results */
    kfk__list notices;
    uint32_t n_notices;
    uint32_t left_out;
    bool writable; /* there is room again */
    bool takes;    /* results of records without callback are for kfk_producer_take */
    kfk__list waiters;
    bool serving;
    bool looked;                /* somebody was told that it is not quiet, because of that */
    bool blocked;               /* the next result is one that waits to be taken */
    kfk__producer_batch *batch; /* the one under way; NULL: none */

    /* Of who serves. */
    kfk__delivery_walk walk;
    const kfk__callback *next; /* the record that is told next; its kfk_delivery is in |walk| */
    kfk__list spent;           /* batches that what the last take gave points into */
} kfk__outbox;

/* One who waits for something to be in it. Lives in its frame. */
typedef struct kfk__outbox_waiter {
    kfk__list link;
    kfk__waiter *waiter;
} kfk__outbox_waiter;

void kfk__outbox_init(kfk__outbox *o, const kfk__env *env);
/* Nothing that has to be told is in it. */
void kfk__outbox_fini(kfk__outbox *o, kfk__pool *pool);
/* Makes the bell, if it is not there. 0 or errno. */
int kfk__outbox_open(kfk__outbox *o);

/* ---- in: any thread ---- */

/* The batch has its result, b->result. */
void kfk__outbox_put(kfk__outbox *o, kfk__producer_batch *b);
/* Copied; dropped where there is no memory. */
void kfk__outbox_line(kfk__outbox *o, int level, const char *subsystem, const char *text);
void kfk__outbox_event(kfk__outbox *o, const kfk_event *e);
void kfk__outbox_writable(kfk__outbox *o);

void kfk__outbox_watch(kfk__outbox *o, kfk__outbox_waiter *w);
void kfk__outbox_unwatch(kfk__outbox *o, kfk__outbox_waiter *w);

/* ---- out: one thread at a time ---- */

/* Whom lines and events are for. */
typedef struct kfk__outbox_hooks {
    kfk_log_fn *log;
    kfk_event_fn *event;
    kfk_writable_fn *writable;
    void *arg;
} kfk__outbox_hooks;

/* Begins to serve. false: somebody does. |takes|: from now on, records without callback are taken. */
bool kfk__outbox_begin(kfk__outbox *o, bool takes);
/* Ends it. The bell rings on if there is anything left. |moved|: something was told, or is left that could be: others
 * that wait look again. |self|: who does not; may be NULL. */
void kfk__outbox_end(kfk__outbox *o, bool moved, const kfk__outbox_waiter *self);
/* Whether nothing is left that could be told. */
bool kfk__outbox_is_quiet(kfk__outbox *o);
/* Whether that is so because the next result waits to be taken: what comes later is behind it. */
bool kfk__outbox_is_blocked(kfk__outbox *o);
/* Tells one notice. false: there is none. */
bool kfk__outbox_tell(kfk__outbox *o, const kfk__outbox_hooks *h);
/* The next record to be told of, o->walk.d, and its callback (fn NULL: none); NULL: there is none. Stays the same until
 * kfk__outbox_told. */
const kfk__callback *kfk__outbox_next(kfk__outbox *o);
/* That record has been told of. Returns its batch if it was the last one: to be finished, and dropped or spent. */
kfk__producer_batch *kfk__outbox_told(kfk__outbox *o);
/* Keeps a batch until the next take. */
void kfk__outbox_spend(kfk__outbox *o, kfk__producer_batch *b);
void kfk__outbox_drop_spent(kfk__outbox *o, kfk__pool *pool);

#endif
