/* <kfk/assignor.h>: a way of one's own to share out partitions (group.protocol=classic). kfk_consumer(3). */
#ifndef KFK_ASSIGNOR_H
#define KFK_ASSIGNOR_H

#include <kfk/config.h>
#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A member, as its subscription tells of it; of topics and partitions those that there are, each once. The library's
 * memory, valid in the call; grows at its end. */
typedef struct kfk_assign_member {
    const char *id;
    const char *instance; /* group.instance.id; NULL: none */
    const char *rack;     /* client.rack; NULL: none */
    const char *const *topics;
    size_t n_topics;
    const kfk_tp *owned; /* what it says that it has: topic and partition */
    size_t n_owned;
} kfk_assign_member;

/* A topic that somebody subscribes to, and who is to have each of its partitions: numbers of members, -1 at first. */
typedef struct kfk_assign_topic {
    const char *topic;
    int32_t n_partitions;
    int32_t *owner;
} kfk_assign_topic;

/* Fills in the owners; what is left at -1 nobody reads. Members come by instance, then those without by id, and topics by
 * name: whoever leads, it is the same. Called on "kfk-coordinator" of the member that leads, once a rebalance; nothing is
 * locked; it must return soon and may not call the handle. An error, an owner that there is not, or one that does not
 * subscribe to the topic: the group is not given anything, and another rebalance is tried. */
typedef kfk_err kfk_assign_fn(const kfk_assign_member *members, size_t n_members, kfk_assign_topic *topics,
                              size_t n_topics, void *arg);

enum { KFK_ASSIGNOR_COOPERATIVE = 1 }; /* members keep what they have while they rebalance (KIP-429) */

/* Makes |name| a value that partition.assignment.strategy may have; all members of a group need the same. What is given
 * away by another member is only given on in a round after that, if |flags| has KFK_ASSIGNOR_COOPERATIVE.
 * KFK_ERR_INVALID_ARG: a NULL, unknown flags, a name that is taken (Kafka's class names are, too), or one that cannot be:
 * empty, longer than 249 bytes, with a comma, a blank or a control character. KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_config_assignor(kfk_config *c, const char *name, uint32_t flags, kfk_assign_fn *fn, void *arg,
                                    kfk_error *e);

#ifdef __cplusplus
}
#endif
#endif
