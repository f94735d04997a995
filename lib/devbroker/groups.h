/* groups: all groups that there are, whoever coordinates them (coordinate.h).
 *
 * A group is there once somebody joined it or committed an offset for it, and until it is deleted.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_GROUPS_H
#define KFK_DEVBROKER_GROUPS_H

#include "base/arena.h"
#include "devbroker/group.h"

/* All are the cluster's. */
void kfk__dev_groups_init(kfk__dev_groups *gs, const kfk__env *env, const kfk__dev_topics *topics,
                          uint64_t *version);
void kfk__dev_groups_fini(kfk__dev_groups *gs);
/* They hold for what is done from now on. */
void kfk__dev_groups_set(kfk__dev_groups *gs, const kfk__dev_group_settings *set);
/* NULL: there is none. */
kfk__dev_group *kfk__dev_groups_find(const kfk__dev_groups *gs, kfk_bytes id);
/* Makes it where there is none. NULL: no memory. */
kfk__dev_group *kfk__dev_groups_get(kfk__dev_groups *gs, kfk_bytes id);
/* It is gone with all members, of whom those who wait are told UNKNOWN_MEMBER_ID. */
void kfk__dev_groups_delete(kfk__dev_groups *gs, kfk__dev_group *g);

/* ---- of either kind ---- */

/* "Stable" */
const char *kfk__dev_group_state_name(const kfk__dev_group *g);
bool kfk__dev_group_empty(const kfk__dev_group *g);
/* Whether a member reads the topic, as far as can be told. */
bool kfk__dev_group_reads(const kfk__dev_group *g, kfk_bytes topic, kfk__arena *a);
/* Another coordinator goes on with what was stored. */
void kfk__dev_group_move(kfk__dev_group *g, int64_t now);
/* It has no members, and is of that kind from now on, as if it were new. */
void kfk__dev_group_become(kfk__dev_group *g, kfk__dev_group_kind kind);

/* ---- coordinators ---- */

/* The node that was made the coordinator of |key|; 0: none was. */
int32_t kfk__dev_groups_home(const kfk__dev_groups *gs, kfk_bytes key);
/* KFK_ERR_NOMEM. */
kfk_err kfk__dev_groups_set_home(kfk__dev_groups *gs, kfk_bytes key, int32_t node);

#endif
