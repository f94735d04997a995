/* claims: who owned what, as far as members can be believed.
 *
 *                 generation 4   generation 5   owner      former
 *   partition 0   A              -              A          A
 *   partition 1   A              B              B          A
 *   partition 2   -              B and C        contested  -
 *
 * What a later generation says is newer. Two that claim a partition in the newest one cannot both
 * be right, and then neither keeps it. A claim that does not say since when is older than all that
 * do. Claims of partitions that do not exist, or of topics that nobody subscribes to, are nothing.
 * Lies in the roster's arena. */
#ifndef KFK_MEMBERSHIP_CLAIMS_H
#define KFK_MEMBERSHIP_CLAIMS_H

#include "membership/roster.h"

typedef enum kfk__claims_from {
    KFK__FROM_USER_DATA,    /* sticky */
    KFK__FROM_SUBSCRIPTION, /* the generation from user data, where it has none */
} kfk__claims_from;

typedef struct kfk__claims {
    int32_t *owner;     /* of each partition, or KFK__NOBODY */
    int32_t *former;    /* who claims it, the newest but for the newest generation of all */
    int32_t *contested; /* not 0: several claim it in the newest generation that does */
} kfk__claims;

/* KFK_OK or KFK_ERR_NOMEM. */
kfk_err kfk__claims_init(kfk__claims *c, const kfk__roster *r, kfk__claims_from from);

/* Whether to give the partition to |member| is to take it from somebody else first. */
static inline bool kfk__claims_bars(const kfk__claims *c, int32_t partition, int32_t member)
{
    return c->contested[partition] ||
           (c->owner[partition] != KFK__NOBODY && c->owner[partition] != member);
}

#endif
