/* uniform: sticky, where all members subscribe to the same topics.
 *
 *   least = partitions / members, most = least + 1 for partitions % members of them
 *
 *     keep      each what it owned and is near, up to most or least
 *     near      what is left: to the needy, then the level, who are near it
 *     rest      what is left then: to the needy, then the level, in turn
 *
 *     needy     those who have less than least
 *     level     those who have least, and may get one more
 *
 * One pass over members and one over partitions. Where racks do not matter there is nothing but
 * the first and the last step. */
#ifndef KFK_MEMBERSHIP_UNIFORM_H
#define KFK_MEMBERSHIP_UNIFORM_H

#include "membership/claims.h"
#include "membership/racks.h"

/* Fills in the holder of each partition. |racks| NULL: they do not matter. KFK_OK or
 * KFK_ERR_NOMEM. */
kfk_err kfk__uniform_decide(const kfk__roster *r, const kfk__claims *claims,
                            const kfk__racks *racks, int32_t *holder);

#endif
