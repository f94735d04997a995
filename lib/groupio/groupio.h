/* groupio: the offsets of one group, as kept by its coordinator: committed, and fetched. For
 * whoever owns a client: a consumer, the members of a group, a producer that commits in
 * transactions.
 *
 *   kfk__groupio_commit ──> commits, in the order they were asked for
 *                             │  of all that is pending, the newest of each partition:
 *                             v  one request at a time
 *                           slots ────kfk__call──┐
 *                                                ├──> coordinator's route ──> its line ──> done
 *   kfk__groupio_fetch ───> fetches ──kfk__call──┘
 *
 * An older commit never follows a newer one of the same partition: the next request is made when
 * the one before it has ended, of what is the newest then, and its result is also that of the older
 * ones that it stands for. So commits that are asked for faster than they are answered share
 * requests, and one that has to wait holds no other up. A newer one that may be stored, and is
 * given up before anybody said so, leaves nothing to send for the older: they end with their time,
 * or with the next one.
 *
 * What may pass is tried again through the gate until the deadline; the rest is told, partition by
 * partition. A commit that may be stored though nobody said so ends with KFK_MAYBE_DONE.
 *
 * Nothing blocks, nothing is locked; everything belongs to the client's thread. A loop's step calls
 * kfk__client_events, kfk__groupio_tick and kfk__client_tick, in this order. */
#ifndef KFK_GROUPIO_GROUPIO_H
#define KFK_GROUPIO_GROUPIO_H

#include "groupio/coordinator.h"
#include "groupio/offsets.h"
#include "groupio/slots.h"

typedef struct kfk__groupio {
    kfk__client *client;
    char *group;
    kfk__coordinator coordinator;
    bool closed;
    kfk__list commits; /* the oldest first */
    kfk__list fetches;
    kfk__call *call; /* the commit request that is made or out; NULL: none */
    kfk__coordinated call_use;
    kfk__slots slots; /* what it speaks of */
    int64_t now;      /* of the step that makes it */
    kfk__retry retry; /* of making one, for want of memory */
    int64_t not_before;
} kfk__groupio;

/* KFK_ERR_NOMEM. |client| outlives it. */
kfk_err kfk__groupio_init(kfk__groupio *g, kfk__client *client, const char *group);
/* All that has not ended does, with KFK_ERR_CLOSED; nothing new may be begun. Before the client is
 * closed, or right after. */
void kfk__groupio_fini(kfk__groupio *g, int64_t now);
/* When to be called again at the latest. */
int64_t kfk__groupio_tick(kfk__groupio *g, int64_t now);

/* Begins to commit the offsets of |tps| (leader_epoch with KFK_EPOCH; metadata, NULL for ""), which
 * are copied, as |who|. |fn| is called exactly once, later, unless it is cancelled; *out, which may
 * be NULL, is for that, and valid until then. KFK_ERR_NOMEM, KFK_ERR_CLOSED, KFK_ERR_INVALID_ARG (a
 * negative offset or partition, no topic, another group): nothing was begun. */
kfk_err kfk__groupio_commit(kfk__groupio *g, const kfk__group_meta *who, const kfk_tp *tps,
                            size_t n, int64_t deadline, kfk__offsets_fn *fn, void *owner, void *arg,
                            kfk__offsets **out);
/* Begins to fetch what is committed for |tps|, or, where it is NULL, all that the group has.
 * Results: offset (-1: none), leader_epoch (-1: not known), both with their flags; metadata.
 * |stable|: not while a transaction is about to commit others. Otherwise as kfk__groupio_commit. */
kfk_err kfk__groupio_fetch(kfk__groupio *g, const kfk__group_meta *who, const kfk_tp *tps, size_t n,
                           bool stable, int64_t deadline, kfk__offsets_fn *fn, void *owner,
                           void *arg, kfk__offsets **out);
/* The owner has lost interest: fn is not called. What has been sent may take its effect. */
void kfk__groupio_cancel(kfk__groupio *g, kfk__offsets *o);

#endif
