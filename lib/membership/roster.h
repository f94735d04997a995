/* roster: the members and topics of one assignment, numbered, so that what follows is arithmetic.
 *
 *   members     0 .. n_members-1       in the order that was asked for
 *   topics      0 .. n_topics-1        by name; those that exist and that somebody subscribes to
 *   partitions  0 .. n_partitions-1    by topic and number: topic t has first[t] .. first[t+1]-1
 *
 *   subscribers of topic t    readers[readers_of[t]] .. readers[readers_of[t+1]-1]   ascending
 *   topics of member m        topics_read[topics_of[m]] ..                           ascending
 *
 * An assignment is then an array: the member of each partition, or KFK__NOBODY. All lies in an
 * arena; names are the caller's. */
#ifndef KFK_MEMBERSHIP_ROSTER_H
#define KFK_MEMBERSHIP_ROSTER_H

#include "membership/assign.h"

enum { KFK__NOBODY = -1 };

typedef enum kfk__roster_order {
    KFK__BY_ID,
    KFK__BY_INSTANCE, /* those with group.instance.id by it, then the others by their id */
} kfk__roster_order;

typedef struct kfk__roster {
    const kfk__assign_group *in;
    kfk__arena *arena; /* for scratch; not the answer's */
    int32_t n_members, n_topics, n_partitions;
    bool alike; /* all subscribe to the same names, known or not */
    const kfk__assign_member **members;
    const kfk__assign_topic **topics;
    int32_t *first;    /* n_topics + 1 */
    int32_t *topic_of; /* of each partition */
    size_t *readers_of;
    int32_t *readers;
    size_t *topics_of;
    int32_t *topics_read;
} kfk__roster;

/* KFK_OK, KFK_ERR_NOMEM or KFK_ERR_INVALID_ARG. */
kfk_err kfk__roster_init(kfk__roster *r, const kfk__assign_group *in, kfk__roster_order order,
                         kfk__arena *arena);
/* The topic's number, or -1. */
int32_t kfk__roster_topic(const kfk__roster *r, kfk_bytes name);
bool kfk__roster_reads(const kfk__roster *r, int32_t member, int32_t topic);
/* |n| numbers, each |value|. NULL: no memory. */
int32_t *kfk__roster_numbers(const kfk__roster *r, size_t n, int32_t value);
/* Makes the answer of |holder|, the member of each partition, in |arena|. */
kfk_err kfk__roster_answer(const kfk__roster *r, const int32_t *holder, kfk__arena *arena,
                           const kfk__assign_share **out);

static inline int32_t kfk__roster_number(const kfk__roster *r, int32_t partition)
{
    return partition - r->first[r->topic_of[partition]];
}

static inline int32_t kfk__roster_n_readers(const kfk__roster *r, int32_t topic)
{
    return (int32_t)(r->readers_of[topic + 1] - r->readers_of[topic]);
}

static inline int32_t kfk__roster_n_partitions(const kfk__roster *r, int32_t topic)
{
    return r->first[topic + 1] - r->first[topic];
}

#endif
