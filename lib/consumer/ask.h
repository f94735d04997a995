/* ask: a question of the application's that brokers answer: partitions of a topic, offsets of any partitions, a commit, what is committed.
 *
 *   application: new ──> shared->asks ──> wait ──> done: copied out
 *                             │              └──> its time is over: left, until the same is asked again
 *   Fetcher:                  └──> taken up (answer.c) ──> questions to leaders, or to the group's coordinator ──> done
 *
 * Owned by the asker and by the Fetcher, each until it has no more to do with it. */
#ifndef KFK_CONSUMER_ASK_H
#define KFK_CONSUMER_ASK_H

#include "consumer/shared.h"

typedef enum kfk__ask_kind {
    KFK__ASK_PARTITIONS, /* how many the topic of the one has: in the answer's partition */
    KFK__ASK_OFFSETS,
    KFK__ASK_COMMIT,
    KFK__ASK_COMMITTED
} kfk__ask_kind;

typedef struct kfk__ask {
    kfk__shared *shared;
    atomic_int owners;
    kfk__ask_kind kind;
    size_t n;
    kfk_tp *asked;   /* as it was asked; the strings are its own */
    kfk_tp *answers; /* the same, with what is found; metadata is its own, too. A commit's err is KFK_ERR_WOULD_BLOCK until then */
    kfk__speaker *who; /* of a commit; held. NULL: nobody in particular */
    /* NULL, or of a commit, the Fetcher's: it has ended; |e| NULL: well. Nothing is locked. */
    void (*ended)(void *owner, const struct kfk__ask *ask, const kfk_error *e);
    void *owner;
    bool follow;      /* a commit that is asked for again, as what the member has become, if it has gone on */
    int64_t since;    /* what was said before is no answer, if it is an error */
    int64_t deadline; /* of the Fetcher */

    /* Guarded by the shared lock. */
    kfk__list link; /* shared->asks, then the Fetcher's */
    kfk__list left; /* those of the handle that nobody waits for */
    kfk__waiter *waiter;
    bool told_to_poll; /* who polls tells what became of it: it is woken by that; set once */
    bool dead; /* nobody wants to know: a commit goes on all the same */
    bool done;
    kfk_error error; /* done: of the whole; KFK_OK: .err of each says. Not done: what was said last */

    /* The Fetcher's. */
    struct kfk__question *questions;
    size_t n_open;
} kfk__ask;

/* A copy of what is asked, with two owners, taken up by nobody. NULL: no memory. */
kfk__ask *kfk__ask_new(kfk__shared *s, kfk__ask_kind kind, const kfk_tp *tps, size_t n);
void kfk__ask_drop(kfk__ask *a);
/* A commit is made as who the handle is now. What that may not commit has its answer with this. Locked. */
void kfk__ask_sign(kfk__ask *a);
/* What has no answer has this one. */
void kfk__ask_settle(kfk__ask *a, kfk_err err);
/* Whether it asks just that. */
bool kfk__ask_is(const kfk__ask *a, kfk__ask_kind kind, const kfk_tp *tps, size_t n);
/* The Fetcher's end of it: the answers are there, or |e| says why not (may be NULL). Not locked. */
void kfk__ask_done(kfk__ask *a, const kfk_error *e);

#endif
