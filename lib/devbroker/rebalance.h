/* rebalance: how a group of the classic protocol comes to its next generation, and what sets that
 * going. classic.h has the picture.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_REBALANCE_H
#define KFK_DEVBROKER_REBALANCE_H

#include "devbroker/group.h"

/* A member came, changed or went: a rebalance begins, or the one under way may be complete. */
void kfk__dev_classic_act(kfk__dev_group *g, int64_t now);
/* A rebalance begins, if there are members and none is under way. */
void kfk__dev_classic_rebalance(kfk__dev_group *g, int64_t now);
void kfk__dev_classic_enter(kfk__dev_group *g, kfk__dev_classic_state state);
/* This generation, with its assignment, is what another coordinator would go on with. */
void kfk__dev_classic_store(kfk__dev_group *g);
/* Another coordinator goes on with what was stored. Who waits is told NOT_COORDINATOR. */
void kfk__dev_classic_move(kfk__dev_group *g, int64_t now);
/* |to| is the group's. false: no memory, and it is as it was. */
bool kfk__dev_classic_copy(kfk__dev_group *g, kfk_bytes from, kfk_bytes *to);

/* The member's session ends that much later, unless something is heard of it. */
void kfk__dev_member_watch(kfk__dev_member *m, int64_t now, int32_t ms);
/* It ends now, whatever it waits for. */
void kfk__dev_classic_expire(kfk__dev_member *m, int64_t now);
/* Out of the group, pending or not; whatever it waits for is answered UNKNOWN_MEMBER_ID. */
void kfk__dev_classic_remove(kfk__dev_member *m);
void kfk__dev_classic_remove_all(kfk__list *l);

/* What the timers of members and groups do. */
void kfk__dev_session_over(kfk__dev_timer *t, int64_t at);
void kfk__dev_time_over(kfk__dev_timer *t, int64_t at);

#endif
