/* topic: topics and their partitions: made, found, grown, deleted.
 *
 *   topics (ordered by name; found by name and by id) ── partitions ── log, producers
 *
 * There is one copy of everything: a replica is only a node's number in a list, and if it lags, it
 * is made to see less of that copy. Who leads is the cluster's to say.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_TOPIC_H
#define KFK_DEVBROKER_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/uuid.h"
#include "devbroker/config.h"
#include "devbroker/log.h"
#include "devbroker/producers.h"

enum { KFK__DEV_NODES_MAX = 16, KFK__DEV_NAME_MAX = 249, KFK__DEV_PARTITIONS_MAX = 10000 };

typedef struct kfk__dev_nodes {
    int32_t v[KFK__DEV_NODES_MAX];
    int32_t n;
} kfk__dev_nodes;

static inline bool kfk__dev_nodes_have(const kfk__dev_nodes *s, int32_t node)
{
    for (int32_t i = 0; i < s->n; i++)
        if (s->v[i] == node)
            return true;
    return false;
}

/* What a replica has of the log. */
typedef struct kfk__dev_view {
    int64_t start, high, end;
    int32_t newest; /* epoch */
} kfk__dev_view;

typedef struct kfk__dev_partition {
    int32_t index;
    int32_t leader; /* -1: offline */
    int32_t leader_epoch;
    kfk__dev_nodes replicas, isr;
    kfk__dev_log log;
    kfk__dev_view *views; /* of the nodes 1..16, end -1: all there is; NULL: nobody has less */
    kfk__dev_producers producers;
} kfk__dev_partition;

typedef struct kfk__dev_topic {
    kfk__list link;
    char name[KFK__DEV_NAME_MAX + 1];
    kfk__uuid id;
    kfk__dev_partition **partitions;
    int32_t n_partitions;
    kfk__dev_config config;
} kfk__dev_topic;

typedef struct kfk__dev_topics {
    const kfk_allocator *alloc;
    kfk__list all;
    kfk__map by_name, by_id;
    int32_t n;
} kfk__dev_topics;

void kfk__dev_topics_init(kfk__dev_topics *ts, const kfk_allocator *a);
void kfk__dev_topics_fini(kfk__dev_topics *ts);
/* The first topic, and the one after; NULL: no more. */
kfk__dev_topic *kfk__dev_topics_first(const kfk__dev_topics *ts);
kfk__dev_topic *kfk__dev_topics_next(const kfk__dev_topics *ts, const kfk__dev_topic *t);

/* A new topic of |n| partitions; |replicas| are theirs, in order; in sync are those among |up|, and
 * the first of them leads. The caller has checked all. NULL: no memory. */
kfk__dev_topic *kfk__dev_topics_add(kfk__dev_topics *ts, kfk_bytes name, const kfk__uuid *id,
                                    const kfk__dev_nodes *replicas, int32_t n,
                                    const kfk__dev_nodes *up);
void kfk__dev_topics_delete(kfk__dev_topics *ts, kfk__dev_topic *t);
/* |n| more partitions. KFK_ERR_NOMEM: nothing has changed. */
kfk_err kfk__dev_topics_grow(kfk__dev_topics *ts, kfk__dev_topic *t, const kfk__dev_nodes *replicas,
                             int32_t n, const kfk__dev_nodes *up);

/* NULL: no such partition, or no topic. */
kfk__dev_partition *kfk__dev_topic_partition(const kfk__dev_topic *t, int32_t index);

/* What the node has, as a replica, of what there is in the log: all, if it leads. */
kfk__dev_view kfk__dev_partition_view(const kfk__dev_partition *p, int32_t node);
/* What it has from now on of what there is and will be; NULL: all. KFK_ERR_NOMEM. */
kfk_err kfk__dev_partition_limit(kfk__dev_partition *p, const kfk_allocator *a, int32_t node,
                                 const kfk__dev_view *view);

bool kfk__dev_topic_name_ok(kfk_bytes name);
/* What is wrong with a topic's name, in words. */
kfk_bytes kfk__dev_topic_name_error(kfk_bytes name, kfk__arena *a);

#endif
