/* reply: what many handlers need to fill a response: arrays at their defaults, the checks of a
 * partition's leader and epoch, and the hints of KIP-951. */
#ifndef KFK_DEVBROKER_REPLY_H
#define KFK_DEVBROKER_REPLY_H

#include <stdint.h>

#include "base/bytes.h"
#include "devbroker/call.h"
#include "devbroker/topic.h"

/* The schema of the field |name|, which is a struct or an array of structs. */
const kfk__schema *kfk__dev_sub(const kfk__schema *s, const char *name);
/* Gives the array |name| of |msg| (a struct of schema |s|) |n| elements at their defaults, in the
 * call's arena. NULL: no memory. */
void *kfk__dev_rows(kfk__dev_call *call, const kfk__schema *s, void *msg, const char *name,
                    int32_t n);
/* The same for an array of int32. false: no memory. */
bool kfk__dev_node_row(kfk__dev_call *call, const kfk__schema *s, void *msg, const char *name,
                       const kfk__dev_nodes *nodes);

static inline kfk_bytes kfk__dev_host(const kfk__dev_node *n)
{
    return kfk__bytes_str(n->host);
}

/* null: it has none. */
static inline kfk_bytes kfk__dev_rack(const kfk__dev_node *n)
{
    return n->rack[0] ? kfk__bytes_str(n->rack) : (kfk_bytes){0};
}

/* A topic by name, or by id where |by_id|; with the partition: both NULL where there is none.
 * KFK_OK, UNKNOWN_TOPIC_OR_PARTITION or UNKNOWN_TOPIC_ID. */
int16_t kfk__dev_find_partition(const kfk__dev_cluster *c, bool by_id, kfk_bytes name,
                                const kfk__uuid *id, int32_t index, kfk__dev_topic **t,
                                kfk__dev_partition **p);
/* Whether |node| leads the partition: KFK_OK, NOT_LEADER_OR_FOLLOWER, also where nobody does. */
int16_t kfk__dev_check_leader(const kfk__dev_partition *p, int32_t node);
/* Whether |node| has a replica, the client's epoch (-1: it has none) is the partition's, and, unless
 * |anyone| may answer, the node leads, looked at in this order: KFK_OK, NOT_LEADER_OR_FOLLOWER,
 * FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH. */
int16_t kfk__dev_check_replica(const kfk__dev_partition *p, int32_t node, int32_t epoch,
                               bool anyone);

/* Whether the call's node coordinates the group: KFK_OK, what the call is refused with,
 * INVALID_GROUP_ID, NOT_COORDINATOR. */
int16_t kfk__dev_check_coordinator(const kfk__dev_cluster *c, const kfk__dev_call *call,
                                   kfk_bytes group);

/* Puts the nodes into the array node_endpoints of the response. false: no memory. */
bool kfk__dev_endpoints(const kfk__dev_cluster *c, kfk__dev_call *call,
                        const kfk__dev_nodes *nodes);
/* Adds a node to the set, unless it is there or is -1. */
void kfk__dev_nodes_add(kfk__dev_nodes *s, int32_t node);

#endif
