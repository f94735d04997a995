/* placement: which nodes a new topic's partitions go to, as a request asks for it: by counts, or
 * partition by partition; with Kafka's codes and words for what cannot be. */
#ifndef KFK_DEVBROKER_PLACEMENT_H
#define KFK_DEVBROKER_PLACEMENT_H

#include "base/arena.h"
#include "devbroker/cluster.h"

typedef struct kfk__dev_placement {
    int16_t code; /* not 0: refused, and why in words */
    kfk_bytes why;
    int32_t n;
    int32_t factor;
    kfk__dev_nodes *replicas; /* n, in the arena */
} kfk__dev_placement;

/* Refuses with |code| and the words. Always false. */
bool kfk__dev_refuse(kfk__dev_placement *p, kfk__arena *a, int16_t code, const char *fmt, ...)
    KFK_PRINTF(4, 5);

/* |n| partitions of |factor| replicas, spread over the nodes. false: refused. |make|: not only to
 * validate. */
bool kfk__dev_place(kfk__dev_placement *p, kfk__dev_cluster *c, kfk__arena *a, int32_t n,
                    int32_t factor, bool make);
/* Room for |n| partitions that kfk__dev_place_one then fills. false: refused. */
bool kfk__dev_place_begin(kfk__dev_placement *p, kfk__arena *a, int32_t n);
/* The |i|-th partition's nodes, as given. false: refused. */
bool kfk__dev_place_one(kfk__dev_placement *p, kfk__dev_cluster *c, kfk__arena *a, int32_t i,
                        const int32_t *nodes, int32_t n);

#endif
