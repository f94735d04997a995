/* classic: a member of a group in which one member assigns (the protocol before KIP-848).
 *
 *            rejoin                 done                  answer              answer
 *   OUT ─────────────> PREPARING ────────> JOINING ─────────────> SYNCING ──────────────> REVOKING
 *    ^ ^    REVOKE: what has to be         │  ^   leader: lead.h, Metadata      REVOKE: what is not
 *    │ └─── given up before (KIP-429) ─────│──┘ MEMBER_ID_REQUIRED              assigned any more │ done
 *    │                                     v                                                      v
 *    └── lost: ILLEGAL_GENERATION, ... ── any                    STABLE <── ASSIGN: what is new ── ASSIGNING
 *
 * Heartbeats go out as soon as JoinGroup has been answered, over the coordinator's line; JoinGroup and SyncGroup, which
 * the broker holds until all have come, over one apart. The protocol is eager, unless all assignors that this member knows
 * are cooperative. classic.c has the states, classic_join.c the messages of a rebalance. */
#ifndef KFK_MEMBERSHIP_CLASSIC_H
#define KFK_MEMBERSHIP_CLASSIC_H

#include "membership/lead.h"
#include "membership/member.h"

typedef enum kfk__classic_state {
    KFK__CLASSIC_OUT, /* of the group, or about to join it again */
    KFK__CLASSIC_PREPARING,
    KFK__CLASSIC_JOINING,
    KFK__CLASSIC_SYNCING,
    KFK__CLASSIC_REVOKING,
    KFK__CLASSIC_ASSIGNING,
    KFK__CLASSIC_STABLE
} kfk__classic_state;

typedef struct kfk__classic {
    kfk__classic_state state;
    uint32_t protocol; /* KFK__EAGER or KFK__COOPERATIVE */
    bool rejoin;
    char reason[160]; /* of the next JoinGroup (KIP-800) */
    int64_t not_before;
    kfk__retry retry;
    int64_t deadline; /* of the rebalance that the coordinator waits for us in; 0: none is known of */

    kfk__call *round; /* JoinGroup, the leader's Metadata or SyncGroup; NULL: none is out */
    kfk__call *heartbeat, *farewell, *search;
    int64_t heartbeat_at, sent_at;
    kfk__retry heartbeat_retry;
    char *leaver; /* the member id that takes its leave */
    bool leaves;  /* for good */

    kfk__wanted matched; /* of a pattern: the topics; none: not known yet */
    bool searched;
    int64_t search_at;

    kfk__arena before; /* of the last rebalance; what it led */
    kfk__arena arena;  /* of a rebalance: */
    kfk_bytes chosen; /* the assignor's name */
    bool leads, gives_out;
    kfk__lead lead;
    kfk__parts assigned; /* what SyncGroup gave */
    bool again;          /* a partition moves on: another round is needed for who gets it */
    bool owed;           /* such a round was not asked for, as this member was lost before it could be */

    bool had_any; /* an assignment, of generation ... */
    int32_t last_generation;
} kfk__classic;

static inline kfk__classic *kfk__classic_of(const kfk__member *m)
{
    return m->state;
}

/* The topics that are subscribed to, by name. */
static inline const kfk__wanted *kfk__classic_topics(const kfk__member *m)
{
    return m->wanted.pattern ? &kfk__classic_of(m)->matched : &m->wanted;
}

/* ---- classic_join.c, called by classic.c ---- */

/* Begin the requests. false: no memory. */
bool kfk__classic_send_join(kfk__member *m);
bool kfk__classic_send_survey(kfk__member *m);
bool kfk__classic_send_sync(kfk__member *m);
bool kfk__classic_send_search(kfk__member *m);

/* ---- classic.c, called by classic_join.c at the ends of these ---- */

void kfk__classic_joined(kfk__member *m, const kfk_error *e, int64_t now);
void kfk__classic_surveyed(kfk__member *m, const kfk_error *e, int64_t now);
void kfk__classic_synced(kfk__member *m, const kfk_error *e, int64_t now);
void kfk__classic_searched(kfk__member *m, const kfk_error *e, int64_t now);

#endif
