/* subscription: what members of a classic group tell its leader, and what it gives them, as the bytes that they travel as.
 *
 * They come from other clients: nothing in them is believed. Values and an arena, no state. */
#ifndef KFK_MEMBERSHIP_SUBSCRIPTION_H
#define KFK_MEMBERSHIP_SUBSCRIPTION_H

#include <kfk/error.h>

#include "membership/assign.h"
#include "membership/parts.h"

/* The topics of |p|, which is sorted, each with its partitions; names stay |p|'s. NULL: no memory. */
const kfk__topic_parts *kfk__parts_by_topic(const kfk__parts *p, kfk__arena *a, int32_t *n);

/* |m|'s topics, what it owns, generation, rack and user data. KFK_ERR_NOMEM, KFK_ERR_INVALID_ARG (a name is too long). */
kfk_err kfk__subscription_write(const kfk__assign_member *m, kfk__arena *a, kfk_bytes *out);
/* |m|'s id and instance stay. KFK_ERR_PROTOCOL, with the field's name in *why; KFK_ERR_NOMEM. */
kfk_err kfk__subscription_read(kfk_bytes data, kfk__arena *a, kfk__assign_member *m,
                               const char **why);

kfk_err kfk__assignment_write(const kfk__assign_share *s, kfk__arena *a, kfk_bytes *out);
/* Into |out|, which is sorted then. No bytes: nothing. KFK_ERR_PROTOCOL (also: a partition below 0), KFK_ERR_NOMEM. */
kfk_err kfk__assignment_read(kfk_bytes data, kfk__parts *out, const char **why);

#endif
