/* modern: a group of consumers whose coordinator assigns (KIP-848).
 *
 *   heartbeat ──> who it is, what it wants ──> group epoch ──> targets ──> what the member has
 *                 (modern.c)                   one more when   (assignor.c)  (reconcile.c)
 *                                              that changes
 *
 * A member gets a partition once nobody else has it, and is in the group's epoch once it has given
 * up what it is to give up. Everything happens at a member's heartbeat, for that member alone.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_MODERN_H
#define KFK_DEVBROKER_MODERN_H

#include "base/arena.h"
#include "devbroker/consumers.h"
#include "proto/consumer_group_heartbeat.h"

void kfk__dev_modern_init(kfk__dev_group *g);
void kfk__dev_modern_fini(kfk__dev_group *g);
/* "Empty" "Assigning" "Reconciling" "Stable" */
const char *kfk__dev_modern_state_name(const kfk__dev_group *g);
/* The assignor that most members would like. */
const char *kfk__dev_modern_assignor(const kfk__dev_group *g);
bool kfk__dev_modern_reads(const kfk__dev_group *g, kfk_bytes topic);

/* A heartbeat, and who sends it. */
typedef struct kfk__dev_beat {
    const kfk__consumer_group_heartbeat_request *req;
    kfk_bytes client_id, client_host;
    kfk__arena *arena;
    int64_t now;
    /* the answer */
    int16_t code;
    kfk_bytes why;
    const kfk__dev_consumer *member; /* code 0, and it did not leave */
    bool tell;                       /* it is told what it has */
} kfk__dev_beat;

/* Whether the request makes sense by itself; else the answer says why not. */
bool kfk__dev_beat_ok(kfk__dev_beat *b, int16_t version);
/* Of a member, or of one that joins. false: no memory. */
bool kfk__dev_modern_beat(kfk__dev_group *g, kfk__dev_beat *b);
/* Of one that leaves. */
void kfk__dev_modern_leave(kfk__dev_group *g, kfk__dev_beat *b);

/* The same by LeaveGroup: KFK_OK, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
int16_t kfk__dev_modern_remove(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                               int64_t now);

/* A classic group with members becomes one whose coordinator assigns. false: refused, as the answer
 * says, or no memory. */
bool kfk__dev_modern_upgrade(kfk__dev_group *g, kfk__dev_beat *b);

/* Whether so a member may commit the partition's offset, or, where |p| is NULL, read offsets. */
int16_t kfk__dev_modern_check(const kfk__dev_group *g, kfk_bytes member, int32_t epoch,
                              const kfk__dev_part *p);

/* ---- the steps of a heartbeat ---- */

extern const kfk__dev_fires kfk__dev_modern_fires;
bool kfk__dev_modern_new_id(const kfk__dev_group *g, kfk__arena *a, kfk_bytes *out);
/* The epochs and targets follow what members want (|changed|) and what there is. false: no memory.
 */
bool kfk__dev_modern_assign(kfk__dev_group *g, bool changed, int64_t now);
/* As kfk__dev_reconcile, with the time that the member has for it. */
bool kfk__dev_modern_step(kfk__dev_consumer *m, const kfk__dev_parts *owned, bool changed,
                          int64_t now, bool *news);

/* ---- what else happens ---- */

/* The assignment is made anew. */
void kfk__dev_modern_rebalance(kfk__dev_group *g);
/* The member is out. If only such are left that speak the classic protocol, the group becomes a
 * classic one. */
void kfk__dev_modern_fence(kfk__dev_consumer *m, int64_t now);
void kfk__dev_modern_move(kfk__dev_group *g, int64_t now);

#endif
