/* meta: who speaks for a group: the group, and the member of it, as a value.
 *
 * A consumer that takes part in no rebalance is no member: generation -1, member "", instance NULL.
 * The strings are the owner's; who keeps the value copies them. */
#ifndef KFK_GROUPIO_META_H
#define KFK_GROUPIO_META_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kfk__group_meta {
    const char *group;
    const char *member;   /* "": none */
    const char *instance; /* group.instance.id, or NULL */
    int32_t generation;   /* or the member's epoch (KIP-848); -1: none */
} kfk__group_meta;

static inline kfk__group_meta kfk__group_meta_of(const char *group)
{
    return (kfk__group_meta){.group = group, .member = "", .generation = -1};
}

bool kfk__group_meta_equal(const kfk__group_meta *a, const kfk__group_meta *b);

#endif
