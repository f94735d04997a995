/* mixed: sticky, where members subscribe to different topics.
 *
 *     keep      each what it owned, still subscribes to, and is near
 *     near      what is left, each to the member with the least that may read it and is near it
 *     rest      what is left then, each to the member with the least that may read it
 *     even out  while a partition's holder has two more than somebody else who may read it, it
 *               moves there; first what is new, if nothing was taken, then anything
 *
 * A move goes back to where the partition was before the newest generation, if that evens out too.
 * And where another partition of the topic had just moved the opposite way, that one moves back in
 * place of it. Each move is from one who has two more to one who has less, whatever else it is: so
 * it makes things more even, and there is an end. (Java's may not, and looks whether all of them
 * together did.) */
#ifndef KFK_MEMBERSHIP_MIXED_H
#define KFK_MEMBERSHIP_MIXED_H

#include "membership/claims.h"
#include "membership/racks.h"

/* Fills in the holder of each partition. |racks| NULL: they do not matter. KFK_OK or
 * KFK_ERR_NOMEM. */
kfk_err kfk__mixed_decide(const kfk__roster *r, const kfk__claims *claims, const kfk__racks *racks,
                          int32_t *holder);

#endif
