/* consumers: the members of a group whose coordinator assigns, one by one.
 *
 * One that speaks the classic protocol (modern_classic.c) has protocols, a session of its own
 * length, and deadlines for its JoinGroup and SyncGroup where others have one for giving up.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_CONSUMERS_H
#define KFK_DEVBROKER_CONSUMERS_H

#include "devbroker/group.h"

/* What happens when a member's time is over. */
typedef struct kfk__dev_fires {
    void (*session)(kfk__dev_timer *t, int64_t at);
    void (*deadline)(kfk__dev_timer *t, int64_t at);
} kfk__dev_fires;

/* In the group; nothing is known of it yet. NULL: no memory. */
kfk__dev_consumer *kfk__dev_consumer_add(kfk__dev_group *g, kfk_bytes id, kfk_bytes instance,
                                         const kfk__dev_fires *f);
/* Out of the group. */
void kfk__dev_consumer_free(kfk__dev_consumer *m);
/* NULL: there is none. */
kfk__dev_consumer *kfk__dev_consumer_find(const kfk__dev_group *g, kfk_bytes id);
kfk__dev_consumer *kfk__dev_consumer_static(const kfk__dev_group *g, kfk_bytes instance);
static inline bool kfk__dev_consumer_classic(const kfk__dev_consumer *m)
{
    return m->protocols != NULL;
}
/* It speaks the classic protocol no more. */
void kfk__dev_consumer_modern(kfk__dev_consumer *m);

/* It has been heard of. */
void kfk__dev_consumer_watch(kfk__dev_consumer *m, int64_t now);
/* It has as long as a rebalance may take; |anew|: even if it has been told so before. */
void kfk__dev_consumer_hurry(kfk__dev_consumer *m, int64_t now, bool anew);
void kfk__dev_consumer_rest(kfk__dev_consumer *m);

/* The epoch of whoever else has the partition does not matter: whether somebody has. */
bool kfk__dev_others_have(const kfk__dev_consumer *m, const kfk__dev_part *p);

#endif
