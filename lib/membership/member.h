/* member: one member of a group, whichever protocol keeps it one. What both have in common, and what each adds.
 *
 *   wanted (topics) ──┐                      ┌── turn: REVOKE, ASSIGN, LOST ──> host
 *                     ├──> classic | modern ─┤            (one at a time)
 *   answers, time ────┘                      └── who: member id, generation ──> host (commits are made as that)
 *                     ^                                  │
 *                     └───────────── turned ─────────────┘   the host has done it, or its time was over
 *
 * A protocol is a kfk__member_ops: it sends requests (kfk__call) over the coordinator's line, and decides. It never calls
 * a user's code, and never waits. |owned| is what the host has: a turn that is done changes it, and nothing else does.
 * Everything belongs to the Coordinator thread. */
#ifndef KFK_MEMBERSHIP_MEMBER_H
#define KFK_MEMBERSHIP_MEMBER_H

#include "client/client.h"
#include "groupio/coordinator.h"
#include "groupio/meta.h"
#include "membership/assignors.h"
#include "membership/metrics.h"
#include "membership/parts.h"
#include "membership/wanted.h"

typedef struct kfk__member kfk__member;

typedef struct kfk__member_options {
    const char *group;
    const char *instance;        /* group.instance.id; NULL: none */
    const char *rack;            /* client.rack; NULL: none */
    const char *remote_assignor; /* group.remote.assignor; NULL: the broker's choice */
    int32_t session_ms;
    int32_t heartbeat_ms;
    int32_t max_poll_ms; /* also how long others wait for us in a rebalance */
    bool modern;         /* group.protocol=consumer */
    bool exclude_internal;
    const kfk__assignor *const *assignors; /* of classic, the best first */
    size_t n_assignors;
} kfk__member_options;

typedef enum kfk__turn_kind {
    KFK__TURN_NONE,
    KFK__TURN_REVOKE, /* these are to be given up: handlers end, offsets are committed */
    KFK__TURN_ASSIGN, /* these are ours; may be none, which tells that a rebalance is over */
    KFK__TURN_LOST    /* these are not ours any more, already */
} kfk__turn_kind;

/* All of it is called on the Coordinator thread, with nothing locked, must not wait, and does not call back. */
typedef struct kfk__member_host {
    /* Begins; kfk__membership_done tells its end. |parts| is valid in the call. Of LOST: from now on nothing of these is
     * handed out or committed. false: no memory, and it is to be told again. */
    bool (*turn)(void *owner, kfk__turn_kind kind, uint64_t number, const kfk__parts *parts,
                 int64_t deadline);
    /* The deadline of a REVOKE or an ASSIGN has passed, or the group went on without us: as LOST for what of it is not
     * done yet; an ASSIGN that nobody has begun is forgotten. It counts as done. */
    void (*give_up)(void *owner, uint64_t number);
    /* As whom to commit from now on; who->generation -1: nobody. Valid in the call. false: no memory, to be told again. */
    bool (*who)(void *owner, const kfk__group_meta *who);
    /* A leave has come to its end. NULL: nobody wants to know. */
    void (*left)(void *owner);
    /* e->flags KFK_FATAL: the member is none for good. Else something to be told, and it goes on. */
    void (*failed)(void *owner, const kfk_error *e);
    /* When the application last showed that it is alive; KFK__NEVER: it does so right now. */
    int64_t (*alive_at)(void *owner);
    /* That is half of max.poll.interval.ms ago: who waits for a descriptor, of which there is no news, is to look. */
    void (*nudge)(void *owner);
    void *owner;
} kfk__member_host;

typedef struct kfk__member_ops {
    /* Makes m->state. KFK_ERR_NOMEM. */
    kfk_err (*init)(kfk__member *m);
    /* Does what is due. When to be called again. Called at every step: also after whatever else is called here. */
    int64_t (*tick)(kfk__member *m, int64_t now);
    /* m->turn has ended, and |owned| is as it is now. */
    void (*turned)(kfk__member *m, kfk__turn_kind kind, int64_t now);
    /* |wanted| is another; or what it means has changed (topics came or went). */
    void (*resubscribed)(kfk__member *m, int64_t now);
    /* Share out anew. */
    void (*rejoin)(kfk__member *m, const char *reason, int64_t now);
    /* A commit as |generation| was refused with |code|. */
    void (*refused)(kfk__member *m, kfk_err code, int32_t generation, int64_t now);
    /* max.poll.interval.ms has passed: leave, and tell LOST. To join again is for when that is done, and m->overdue is
     * false again. */
    void (*overdue)(kfk__member *m, int64_t now);
    /* Leave for good: m->left is set when the broker knows, or is not to (a static member's classic group), or cannot be
     * told. What is owned has been given up by the host before. */
    void (*leave)(kfk__member *m, int64_t now);
    /* Gives m->state back. The client is closed, and the ends of its calls have been told. */
    void (*fini)(kfk__member *m);
} kfk__member_ops;

extern const kfk__member_ops kfk__classic_ops;
extern const kfk__member_ops kfk__modern_ops;

/* How requests get to the coordinator. */
typedef struct kfk__member_way {
    kfk__coordinated use;
    uint64_t found;   /* the coordinator that |apart| leads to */
    kfk__node *apart; /* a connection of its own, for what the broker may hold for minutes; NULL: none yet */
} kfk__member_way;

/* A turn that the host has been told of. */
typedef struct kfk__turn {
    kfk__turn_kind kind; /* NONE: there is none */
    uint64_t number;
    int64_t deadline;
    kfk__parts parts;
    bool told;
    kfk__retry retry; /* of telling it */
    int64_t not_before;
} kfk__turn;

struct kfk__member {
    const kfk__env *env;
    const kfk__client_options *client_options;
    kfk__member_options o;
    kfk__member_host host;
    const kfk__member_ops *ops;
    void *state; /* the protocol's own */
    kfk__client client;
    kfk__coordinator coordinator;
    kfk__wanted wanted;
    bool subscribed; /* there is something wanted, and no end of it yet */
    bool left;
    bool failed; /* for good */
    bool failure_untold;
    kfk_error failure;
    bool nudged;  /* since it last showed itself */
    bool overdue; /* the application has not shown itself for too long, and has not since */
    bool news;    /* of metadata, for the protocol's tick to look at and to clear */
    kfk_err topic_refused; /* of one that is wanted by name, as the host was told; KFK_OK: none is */
    kfk__turn turn;
    uint64_t turns;
    kfk__parts owned;
    char *id;           /* member id; "" before there is one */
    int32_t generation; /* or member epoch; -1: none */
    bool who_untold;    /* for want of memory, and to be told again: */
    kfk__retry who_retry;
    int64_t who_at;
    kfk__parts after;   /* what is owned once an ASSIGN is done */
    kfk__member_way way, join_way;
    kfk__member_metrics metrics;
};

/* KFK_ERR_NOMEM. |o|'s strings and assignors outlive it. */
kfk_err kfk__member_init(kfk__member *m, const kfk__env *env, const kfk__member_options *o,
                         const kfk__client_options *co, const kfk__member_host *host,
                         kfk__poller *poller);
void kfk__member_fini(kfk__member *m, int64_t now);
/* events, then tick: a step of the loop. When to be called again. */
int64_t kfk__member_step(kfk__member *m, const kfk__event *ev, int n, int64_t now);

/* ---- what comes from outside ---- */

/* |wanted| is taken over. */
void kfk__member_subscribe(kfk__member *m, kfk__wanted *wanted, int64_t now);
/* The host has done its turn. Another number's is nothing. */
void kfk__member_done(kfk__member *m, uint64_t number, int64_t now);
void kfk__member_rejoin(kfk__member *m, const char *reason, int64_t now);
void kfk__member_refused(kfk__member *m, kfk_err code, int32_t generation, int64_t now);
void kfk__member_leave(kfk__member *m, int64_t now);

/* ---- for the protocols ---- */

/* Tells the host; there must be no turn. |parts| is taken over. false: a REVOKE or LOST of nothing, so there is none; or,
 * for ASSIGN, no memory. */
bool kfk__member_turn(kfk__member *m, kfk__turn_kind kind, kfk__parts *parts, int64_t deadline);
/* The turn that is under way is over as far as the member is concerned; ops->turned is not called. */
void kfk__member_give_up(kfk__member *m);
/* All that is owned is lost, now: a turn that is under way is given up, and LOST is told. false: there was nothing, so it
 * is not. */
bool kfk__member_lose_all(kfk__member *m);
/* The member's name or its generation is another. false: no memory, and nothing has changed. */
bool kfk__member_is(kfk__member *m, kfk_bytes id, int32_t generation);
/* It is nobody now; |keep_id|: but may ask to be what it was. */
void kfk__member_is_nobody(kfk__member *m, bool keep_id);
/* Not to be gone on from: the host is told once. |e| names the group, and what to do. */
void kfk__member_fail(kfk__member *m, kfk_error *e);
/* Adds to |e| that it concerns this group, and the remedy of its code. */
void kfk__member_name(const kfk__member *m, kfk_error *e);
/* A line of the log, at |level|. */
void kfk__member_log(kfk__member *m, int level, const char *fmt, ...) KFK_PRINTF(3, 4);
/* A call to the coordinator, over its line: one at a time, but for LeaveGroup and such. NULL: no memory. The owner of the
 * call is |m|. Its answer tells kfk__member_heed the code first. */
kfk__call *kfk__member_call(kfk__member *m, const kfk__call_ops *ops, int64_t deadline);
/* The same over a connection of its own, for what the broker answers when it likes. */
kfk__call *kfk__member_call_apart(kfk__member *m, const kfk__call_ops *ops, int64_t deadline);
void kfk__member_heed(kfk__member *m, const kfk__call *call, kfk_err code);
/* The coordinator has not answered in time: it is looked for again. */
void kfk__member_doubt_coordinator(kfk__member *m);

#endif
