/* userdata: what the sticky assignors write into a member's subscription, byte by byte.
 *
 *   sticky               n topics i32 | length i16, name | n partitions i32 | partition i32 ...
 *                        then, since version 1, generation i32
 *   cooperative-sticky   generation i32 (what it owns stands in the subscription itself)
 *
 * The leader reads what any member wrote: what cannot be parsed counts as nothing owned. */
#ifndef KFK_MEMBERSHIP_USERDATA_H
#define KFK_MEMBERSHIP_USERDATA_H

#include "membership/assign.h"

typedef struct kfk__userdata {
    const kfk__topic_parts *topics; /* names point into what was read */
    int32_t n;
    int32_t generation; /* -1: it does not say */
} kfk__userdata;

/* KFK_OK, also where there is nothing that can be parsed; or KFK_ERR_NOMEM. */
kfk_err kfk__userdata_read_sticky(kfk_bytes data, kfk__arena *arena, kfk__userdata *out);
/* -1: it does not say. */
int32_t kfk__userdata_read_generation(kfk_bytes data);

/* kfk__user_data_fns. Version 1; null before the first rebalance. KFK_ERR_INVALID_ARG: a name is
 * too long for the wire. */
kfk_err kfk__userdata_write_sticky(const kfk__assignor *self, const kfk__assign_mine *mine,
                                   kfk__arena *arena, kfk_bytes *out);
kfk_err kfk__userdata_write_generation(const kfk__assignor *self, const kfk__assign_mine *mine,
                                       kfk__arena *arena, kfk_bytes *out);

#endif
