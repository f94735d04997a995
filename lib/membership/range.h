/* range: each topic for itself, in ranges of partitions, one a member; as Java's RangeAssignor.
 *
 *   topic of 7 partitions, members A B C      0 1 2 | 3 4 | 5 6
 *                                               A      B     C
 *
 * Where racks matter (KIP-881) what is near is given first: topics with the same subscribers and
 * as many partitions are looked at together, so that the same numbers of them go to the same
 * member, as far as that member is near all of them; a topic that has no such company, by itself.
 * What is left goes out in ranges. No member gets more of a topic than it would without racks. */
#ifndef KFK_MEMBERSHIP_RANGE_H
#define KFK_MEMBERSHIP_RANGE_H

#include "membership/assign.h"

/* A kfk__assign_fn. */
kfk_err kfk__range_assign(const kfk__assignor *self, const kfk__assign_group *in, kfk__arena *arena,
                          const kfk__assign_share **out, kfk_error *e);

#endif
