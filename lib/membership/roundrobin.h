/* roundrobin: all partitions of all topics, one after another, each to the next member in turn that
 * subscribes to its topic; as Java's RoundRobinAssignor. */
#ifndef KFK_MEMBERSHIP_ROUNDROBIN_H
#define KFK_MEMBERSHIP_ROUNDROBIN_H

#include "membership/assign.h"

/* A kfk__assign_fn. */
kfk_err kfk__roundrobin_assign(const kfk__assignor *self, const kfk__assign_group *in,
                               kfk__arena *arena, const kfk__assign_share **out, kfk_error *e);

#endif
