/* racks: where members are and where replicas are (KIP-881), as numbers.
 *
 *   of_member[m]       the member's rack, or KFK__NO_RACK
 *   of_partition[p]    where its racks begin in ids; they end where the next one's begin, and none
 *                      comes twice
 *
 * With no member in a rack those of partitions are not looked at. Lies in the roster's arena. */
#ifndef KFK_MEMBERSHIP_RACKS_H
#define KFK_MEMBERSHIP_RACKS_H

#include "membership/roster.h"

enum { KFK__NO_RACK = -1 };

typedef struct kfk__racks {
    const kfk__roster *r;
    int32_t n; /* different ones */
    int32_t *of_member;
    size_t *of_partition; /* NULL: no member is in a rack */
    int32_t *ids;
    int32_t *seen; /* scratch: n of them */
} kfk__racks;

/* KFK_OK or KFK_ERR_NOMEM. */
kfk_err kfk__racks_init(kfk__racks *k, const kfk__roster *r);
/* Whether a replica of |partition| is in |rack|. */
bool kfk__racks_has(const kfk__racks *k, int32_t partition, int32_t rack);
/* Whether racks make a difference to these |n| members and the partitions [from, to): some of them
 * share a rack, and not every partition is in all the racks that there are. */
bool kfk__racks_matter(kfk__racks *k, const int32_t *members, size_t n, int32_t from, int32_t to);

static inline int32_t kfk__racks_count(const kfk__racks *k, int32_t partition)
{
    return (int32_t)(k->of_partition[partition + 1] - k->of_partition[partition]);
}

/* The member is in a rack where no replica of |partition| is. */
static inline bool kfk__racks_differ(const kfk__racks *k, int32_t member, int32_t partition)
{
    int32_t rack = k->of_member[member];

    return rack != KFK__NO_RACK && !kfk__racks_has(k, partition, rack);
}

#endif
