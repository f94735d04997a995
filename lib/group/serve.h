/* serve: partitions come and go (consumer/handover.h), and the group ends: a step at a time, by whichever worker has the token.
 *
 *   ASSIGN: setup() ──> assigned
 *   REVOKE: stopped by the Coordinator's word ──> nobody reads ──> committed ──> cleanup() ──> committed ──> they leave
 *   LOST:   nobody reads ──> lost()
 *   the end: as REVOKE, of all ──> the group is left ──> ENDED
 *
 * No step waits: what is not there yet turns the lanes when it is. */
#ifndef KFK_GROUP_SERVE_H
#define KFK_GROUP_SERVE_H

#include "group/handle.h"

/* Does what can be done, unless another worker is at it. */
void kfk__serve(kfk__worker *w);
/* After the end: tells lost() of what was still read then, if it is not any more. */
void kfk__serve_late(kfk__worker *w);

#endif
