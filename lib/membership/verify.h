/* verify: whether an answer of a user's assignor can be one at all. */
#ifndef KFK_MEMBERSHIP_VERIFY_H
#define KFK_MEMBERSHIP_VERIFY_H

#include <kfk/error.h>

#include "membership/assign.h"

/* KFK_OK, KFK_ERR_NOMEM, or KFK_ERR_INVALID_ARG: each partition must be there, belong to a topic
 * that the member subscribes to, and be given once; if |cooperative|, to a member that already has
 * it, or while nobody does. */
kfk_err kfk__verify(const kfk__assignor *a, bool cooperative, const kfk__assign_group *in,
                    const kfk__assign_share *answer, const kfk_allocator *alloc, kfk_error *e);

#endif
