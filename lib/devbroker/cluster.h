/* cluster: what the nodes share: which of them are up, the topics and who leads their partitions,
 * the groups, and the offsets that they have committed.
 *
 *   cluster ── nodes[1..n]        each with its fetch sessions; the controller is the lowest that
 *          │                      is up
 *          ├── topics             the in-sync set of a partition: its replicas whose node is up
 *          └── groups, offsets
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_CLUSTER_H
#define KFK_DEVBROKER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "compress/compress.h"
#include "devbroker/committed.h"
#include "devbroker/groups.h"
#include "devbroker/profile.h"
#include "devbroker/sessions.h"
#include "devbroker/topic.h"

typedef struct kfk__dev_node {
    int32_t id;
    char host[256]; /* as advertised */
    char rack[256]; /* "": none */
    uint16_t port;
    bool up;
    int64_t stops;                   /* how often it went down: each time its connections end */
    const kfk__dev_profile *profile; /* NULL: the cluster's */
    kfk__dev_sessions sessions;
} kfk__dev_node;

typedef struct kfk__dev_cluster {
    kfk__env env;
    char id[23];
    kfk__dev_node nodes[KFK__DEV_NODES_MAX];
    int32_t n_nodes;
    const kfk__dev_profile *profile;
    kfk__dev_topics topics;
    kfk__dev_offsets offsets;
    kfk__dev_groups groups;
    int64_t next_producer_id;
    int16_t producer_epoch; /* that new producer ids begin with */
    int32_t default_partitions, default_replicas;
    bool auto_create;
    size_t bytes_max;         /* in all logs; 0: no limit */
    uint64_t version;         /* counts every change that a waiting request could wait for */
    uint64_t placement;       /* counts every change of who may coordinate what */
    int32_t next_leader;      /* where the next topic's first partition goes */
    kfk__compressor *inflate; /* used under the broker's lock */
} kfk__dev_cluster;

/* KFK_ERR_NOMEM; fini is needed either way. */
kfk_err kfk__dev_cluster_init(kfk__dev_cluster *c, const kfk__env *env, int32_t n_nodes);
void kfk__dev_cluster_fini(kfk__dev_cluster *c);

/* NULL: no such node. */
kfk__dev_node *kfk__dev_cluster_node(kfk__dev_cluster *c, int32_t id);
/* What the node plays. */
const kfk__dev_profile *kfk__dev_cluster_profile(const kfk__dev_cluster *c, int32_t node);
/* -1: none is up. */
int32_t kfk__dev_cluster_controller(const kfk__dev_cluster *c);
/* Whether the node makes and deletes topics: all do, or the controller alone. */
bool kfk__dev_cluster_changes_topics(const kfk__dev_cluster *c, int32_t node);
/* The node that coordinates a group or a transactional id: the one it was moved to, or by hash; in
 * the place of one that is down, the next one that is up. -1: none. */
int32_t kfk__dev_cluster_coordinator(const kfk__dev_cluster *c, kfk_bytes key);
/* A node goes: it leads nothing any more, and leaves every in-sync set but the last member's. Or it
 * comes back. */
void kfk__dev_cluster_set_up(kfk__dev_cluster *c, int32_t node, bool up);

/* ---- topics ---- */

static inline kfk__dev_topic *kfk__dev_cluster_topic(const kfk__dev_cluster *c, kfk_bytes name)
{
    return name.data ? kfk__map_get(&c->topics.by_name, name.data, name.len) : NULL;
}

static inline kfk__dev_topic *kfk__dev_cluster_topic_by_id(const kfk__dev_cluster *c,
                                                           const kfk__uuid *id)
{
    return kfk__map_get(&c->topics.by_id, id->b, sizeof id->b);
}

/* A new topic; |replicas| are its |n| partitions', in order. The caller has checked all. NULL: no
 * memory. */
kfk__dev_topic *kfk__dev_cluster_add_topic(kfk__dev_cluster *c, kfk_bytes name,
                                           const kfk__dev_nodes *replicas, int32_t n);
/* The same, its partitions of |factor| replicas each spread over the nodes. */
kfk__dev_topic *kfk__dev_cluster_create_topic(kfk__dev_cluster *c, kfk_bytes name, int32_t n,
                                              int32_t factor);
void kfk__dev_cluster_delete_topic(kfk__dev_cluster *c, kfk__dev_topic *t);
/* |n| more partitions. KFK_ERR_NOMEM: nothing has changed. */
kfk_err kfk__dev_cluster_grow_topic(kfk__dev_cluster *c, kfk__dev_topic *t,
                                    const kfk__dev_nodes *replicas, int32_t n);
/* Where the next |n| partitions of |factor| replicas go: round robin. */
void kfk__dev_cluster_spread(kfk__dev_cluster *c, int32_t n, int32_t factor, kfk__dev_nodes *out);

/* Makes |node| (which is a replica and up) the leader, in a new epoch; the same one again is a bare
 * epoch bump. */
void kfk__dev_partition_lead(kfk__dev_cluster *c, kfk__dev_partition *p, int32_t node);
/* Drops the oldest chunks until |more| bytes fit in bytes_max. false: they cannot. */
bool kfk__dev_cluster_make_room(kfk__dev_cluster *c, size_t more);

#endif
