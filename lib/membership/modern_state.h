/* modern_state: a member of a group whose coordinator assigns (KIP-848): what it has, and what it knows.
 *
 *                  subscribed                  answered
 *         OUT ─────────────────> JOINING ──────────────────> IN ──> reconcile.h
 *          ^                      ^   ^                      │ │
 *          │        LOST is done, │   │ LOST is done         │ │
 *          │    shows itself again│   │                      │ │
 *          │                    STALE FENCED <───────────────┘ │ the group went on without it
 *          │                      ^                            │
 *          │                      └────────────────────────────┤ the application does not show itself
 *          └──────────────────── LEAVING <─────────────────────┘
 *
 * One heartbeat at a time is out, or waits for the coordinator. Kafka's own client calls JOINING
 * and what follows the same; its RECONCILING, ACKNOWLEDGING and STABLE are IN here, and told apart
 * by what is under way (step) and by what is to be said (said, hurry); its FATAL is m->failed. */
#ifndef KFK_MEMBERSHIP_MODERN_STATE_H
#define KFK_MEMBERSHIP_MODERN_STATE_H

#include "membership/member.h"
#include "membership/names.h"
#include "membership/tips.h"

/* Epochs that say something else. */
enum { KFK__EPOCH_JOINS = 0, KFK__EPOCH_LEAVES = -1, KFK__EPOCH_LEAVES_FOR_A_WHILE = -2 };

typedef enum kfk__modern_state {
    KFK__MODERN_OUT,
    KFK__MODERN_JOINING,
    KFK__MODERN_IN,
    KFK__MODERN_FENCED,
    KFK__MODERN_STALE,
    KFK__MODERN_LEAVING
} kfk__modern_state;

/* Which turn of a reconciliation was begun last. */
typedef enum kfk__modern_step {
    KFK__MODERN_RESTS,
    KFK__MODERN_REVOKES,
    KFK__MODERN_ASSIGNS
} kfk__modern_step;

/* What the coordinator has been told; what it has need not be repeated. */
typedef struct kfk__modern_said {
    bool fixed;  /* what never changes: rebalance timeout, rack, assignor */
    bool wanted; /* what is subscribed to */
    bool owned;
} kfk__modern_said;

typedef struct kfk__modern {
    kfk__modern_state state;
    char id[23]; /* made once, for the member's life (KIP-1082) */

    kfk__call *beat;  /* NULL: none is under way */
    kfk__call *leave; /* likewise; a heartbeat that says that the member is none any more */
    int64_t leave_by;
    bool asked;      /* the coordinator may take it for a member */
    bool unreleased; /* likewise, when it joins: so its group.instance.id may be its own still */
    bool had_regex;  /* the coordinator may have an expression of it */
    bool no_regex;   /* there is one, and the coordinator's version has no place for it */
    bool hurry;      /* the next heartbeat is due now */
    int64_t due;     /* the next heartbeat, if there is no hurry */
    int64_t not_before;
    int64_t joined_at, answered_at;
    int64_t interval; /* ns */
    kfk__retry retry; /* of heartbeats */
    kfk__retry fences; /* of joining again, until it has been a member for a while */
    kfk__modern_said said, saying; /* |saying|: by the heartbeat that is out */
    kfk_error refusal;             /* what its answer says */
    bool complained;               /* the host has been told of an error that goes on */

    kfk__names names;
    kfk__tips target; /* what it is to have */
    kfk__tips goal;   /* as much of it as has names: what is being reconciled, or was last */
    kfk__tips local;  /* what it has, as it is said in heartbeats */
    kfk__modern_step step;
    bool fresh;      /* nothing has been reconciled since it joined */
    bool has_target; /* since it joined */
    bool new_target; /* nothing has been done about |target| yet */
    bool look;       /* there may be something to be done about it */
    kfk__retry memory; /* of what there was none for */
    int64_t memory_at;
} kfk__modern;

static inline kfk__modern *kfk__modern_of(const kfk__member *m)
{
    return m->state;
}

/* The member's id, whichever it goes by. */
static inline const char *kfk__modern_id(const kfk__member *m)
{
    return m->id[0] ? m->id : kfk__modern_of(m)->id;
}

#endif
