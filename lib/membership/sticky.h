/* sticky: as even as can be, and with as little moved as that allows; as Java's StickyAssignor and
 * CooperativeStickyAssignor.
 *
 *   roster ─> racks ─> claims ─┬─> uniform   all subscribe to the same topics ─┬─> answer
 *                              └─> mixed     they do not                      ─┘
 *
 * cooperative-sticky then leaves out what is not its owner's to keep: that is taken away in this
 * round, and given in the next. */
#ifndef KFK_MEMBERSHIP_STICKY_H
#define KFK_MEMBERSHIP_STICKY_H

#include "membership/assign.h"

/* kfk__assign_fns. */
kfk_err kfk__sticky_assign(const kfk__assignor *self, const kfk__assign_group *in,
                           kfk__arena *arena, const kfk__assign_share **out, kfk_error *e);
kfk_err kfk__cooperative_assign(const kfk__assignor *self, const kfk__assign_group *in,
                                kfk__arena *arena, const kfk__assign_share **out, kfk_error *e);

#endif
