/* classic: a group of the classic protocol. The coordinator gathers the members and counts their
 * votes; one of them, the leader, knows what they want and gives out the assignment.
 *
 *                                   all have joined again,
 *           the first joins         or it is time              the leader's SyncGroup
 *    EMPTY ────────────────> PREPARING ────────────> COMPLETING ────────────> STABLE
 *      ^                     ^   │                       │                      │
 *      └─────────────────────┼───┘ nobody is left        │                      │
 *                            └───────────────────────────┴──────────────────────┘
 *                                  somebody comes, goes, or wants something else
 *
 * JoinGroup and SyncGroup are answered when the group gets there: the request is parked with the
 * member. A member whose call has ended without an answer is still waiting, as Kafka has it, which
 * does not know.
 *
 * What was stored is what a new coordinator goes on with: the last generation that had its
 * assignment, and the members of it that are still there.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_CLASSIC_H
#define KFK_DEVBROKER_CLASSIC_H

#include "base/arena.h"
#include "devbroker/parked.h"
#include "proto/join_group.h"
#include "proto/sync_group.h"

/* false: no memory. */
bool kfk__dev_classic_init(kfk__dev_group *g);
/* Who waits is told UNKNOWN_MEMBER_ID. */
void kfk__dev_classic_fini(kfk__dev_group *g);
/* Empty and new. */
void kfk__dev_classic_reset(kfk__dev_group *g);
/* "Stable" */
const char *kfk__dev_classic_state_name(const kfk__dev_group *g);

/* ---- what the APIs ask ---- */

/* A JoinGroup, and who sends it. */
typedef struct kfk__dev_join {
    const kfk__join_group_request *req;
    kfk_bytes client_id, client_host;
    kfk__arena *arena;
    int64_t now;
    int16_t version;
    kfk__dev_parked *parked;
} kfk__dev_join;

/* |parked| is told at once, or when the group is ready. false: no memory. */
bool kfk__dev_classic_join(kfk__dev_group *g, const kfk__dev_join *j);
bool kfk__dev_classic_sync(kfk__dev_group *g, const kfk__sync_group_request *req,
                           kfk__dev_parked *parked, int64_t now);
int16_t kfk__dev_classic_heartbeat(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                                   int32_t generation, int64_t now);
/* Takes a member out; left, when all of a request's are out, lets the group act on it. */
int16_t kfk__dev_classic_leave(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance);
void kfk__dev_classic_left(kfk__dev_group *g, int64_t now);
/* Whether so a member may commit offsets; it has been heard of, then. */
int16_t kfk__dev_classic_commit(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                                int32_t generation, int64_t now);
/* Whether a member reads the topic, as far as can be told. */
bool kfk__dev_classic_reads(const kfk__dev_group *g, kfk_bytes topic, kfk__arena *a);
/* Whether so a member may ask: KFK_OK, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
int16_t kfk__dev_classic_check(const kfk__dev_group *g, kfk_bytes id, kfk_bytes instance);

#endif
