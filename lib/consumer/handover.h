/* handover: partitions of a group that come and go, from the Coordinator's word to the application's deed.
 *
 *   kfk-coordinator                    │ whoever serves: kfk_consumer_poll, or a worker of a group
 *   turn ──> queue, wake the lanes ────┼─> first ──> ASSIGN: assigned() / setup() ──> assign ──┐
 *   give_up: too late ─────────────────┼──           REVOKE: stop, commit, revoked() ──> leave ─┼─> done
 *   LOST: they leave at once ──────────┼──           LOST:   lost() ─────────────────────────────┘
 *
 * They are served one at a time, in the order in which they came. A partition of an ASSIGN is assigned, and read, once
 * that has been served; one of a REVOKE is no longer handed out once it is stopped, and can be committed until it leaves.
 * The queue is under the shared lock. */
#ifndef KFK_CONSUMER_HANDOVER_H
#define KFK_CONSUMER_HANDOVER_H

#include "consumer/shared.h"
#include "membership/membership.h"

struct kfk_consumer;

typedef struct kfk__handover {
    kfk__list link;      /* the handle's */
    kfk__turn_kind kind; /* REVOKE may become LOST until it has begun */
    uint64_t number;     /* 0: not the Coordinator's */
    int64_t deadline;
    bool begun;    /* somebody serves it */
    bool given_up; /* and it has come to nothing meanwhile */
    /* Of who serves it. */
    bool stopped, committed;
    kfk_tp *known; /* where the next owner is to go on: those of |tps| with a position, when they were stopped */
    size_t n_known;

    kfk__list partitions; /* of ASSIGN: to be assigned; else: those that have left */
    size_t n;
    kfk_tp *tps; /* with opaque and position, as far as there are any; all in the same memory as this */
} kfk__handover;

/* For kfk__member_host; the owner is the kfk_consumer, whose lanes are to be woken then. */
bool kfk__handover_turn(void *owner, kfk__turn_kind kind, uint64_t number, const kfk__parts *parts,
                        int64_t deadline);
void kfk__handover_give_up(void *owner, uint64_t number);

/* What is to be served next; it has begun then. NULL: nothing. Not locked, like all below. */
kfk__handover *kfk__handover_first(struct kfk_consumer *c);
/* All that is assigned, as a REVOKE of one's own, in no queue. NULL: no memory. */
kfk__handover *kfk__handover_of_all(struct kfk_consumer *c);
/* Of a REVOKE: from now on nothing of these is handed out, runs that are out end, and |tps| tells positions. */
void kfk__handover_stop(struct kfk_consumer *c, kfk__handover *h);
/* Tells anew where the next owner is to go on. */
void kfk__handover_look(struct kfk_consumer *c, kfk__handover *h);
/* Whether anybody still reads one of these, that goes or has gone (kfk__shared_is_read). */
bool kfk__handover_is_read(struct kfk_consumer *c, const kfk__handover *h);
/* Of a REVOKE: they are not assigned any more. */
void kfk__handover_leave(struct kfk_consumer *c, kfk__handover *h);
/* Of an ASSIGN: they are assigned, and begin where |tps| says. false: it was given up, nothing is assigned. */
bool kfk__handover_assign(struct kfk_consumer *c, kfk__handover *h);
bool kfk__handover_is_given_up(struct kfk_consumer *c, const kfk__handover *h);
/* Who has begun it does not go on with it: it is as if nobody had. */
void kfk__handover_put_back(struct kfk_consumer *c, kfk__handover *h);
/* It has been served: the Coordinator hears of it, and it is freed. */
void kfk__handover_done(struct kfk_consumer *c, kfk__handover *h);
/* Forgets what does not matter to who leaves: that is all but what is lost, and, in a group, what a worker has begun; or |all|. Of
 * whoever serves, or where nobody does any more. */
void kfk__handover_forget(struct kfk_consumer *c, bool all);

#endif
