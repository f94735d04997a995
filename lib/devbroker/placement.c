#include "devbroker/placement.h"

#include <string.h>

#include "devbroker/text.h"
#include "devbroker/topic.h"

bool kfk__dev_refuse(kfk__dev_placement *p, kfk__arena *a, int16_t code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    p->code = code;
    p->why = kfk__dev_vtext(a, fmt, ap);
    va_end(ap);
    return false;
}

bool kfk__dev_place_begin(kfk__dev_placement *p, kfk__arena *a, int32_t n)
{
    if (n <= 0)
        return kfk__dev_refuse(p, a, KFK_ERR_INVALID_PARTITIONS,
                               "Number of partitions was set to an invalid non-positive value.");
    if (n > KFK__DEV_PARTITIONS_MAX)
        return kfk__dev_refuse(p, a, KFK_ERR_INVALID_PARTITIONS,
                               "The embedded broker has at most %d partitions a topic.",
                               KFK__DEV_PARTITIONS_MAX);
    p->n = n;
    p->factor = 0;
    p->replicas = kfk__arena_alloc(a, (size_t)n * sizeof *p->replicas);
    if (!p->replicas)
        return kfk__dev_refuse(p, a, KFK_ERR_UNKNOWN_SERVER_ERROR, "out of memory");
    memset(p->replicas, 0, (size_t)n * sizeof *p->replicas);
    return true;
}

bool kfk__dev_place(kfk__dev_placement *p, kfk__dev_cluster *c, kfk__arena *a, int32_t n,
                    int32_t factor, bool make)
{
    if (!kfk__dev_place_begin(p, a, n))
        return false;
    if (factor <= 0)
        return kfk__dev_refuse(
            p, a, KFK_ERR_INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.");
    if (factor > c->n_nodes)
        return kfk__dev_refuse(
            p, a, KFK_ERR_INVALID_REPLICATION_FACTOR,
            "Unable to replicate the partition %d time(s): The target replication factor of %d "
            "cannot be reached because only %d broker(s) are registered.",
            (int)factor, (int)factor, (int)c->n_nodes);
    p->factor = factor;
    if (make)
        kfk__dev_cluster_spread(c, n, factor, p->replicas);
    return true;
}

bool kfk__dev_place_one(kfk__dev_placement *p, kfk__dev_cluster *c, kfk__arena *a, int32_t i,
                        const int32_t *nodes, int32_t n)
{
    kfk__dev_nodes *to = &p->replicas[i];

    if (n <= 0)
        return kfk__dev_refuse(p, a, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
                               "The manual partition assignment includes an empty replica list.");
    if (p->factor && n != p->factor)
        return kfk__dev_refuse(
            p, a, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
            "The manual partition assignment includes a partition with %d replica(s), but this is "
            "not consistent with previous partitions, which have %d replica(s).",
            (int)n, (int)p->factor);
    for (int32_t k = 0; k < n; k++) {
        if (!kfk__dev_cluster_node(c, nodes[k]))
            return kfk__dev_refuse(
                p, a, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
                "The manual partition assignment includes broker %d, but no such broker is "
                "registered.",
                (int)nodes[k]);
        if (kfk__dev_nodes_have(to, nodes[k]))
            return kfk__dev_refuse(
                p, a, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
                "The manual partition assignment includes the broker %d more than once.",
                (int)nodes[k]);
        to->v[to->n++] = nodes[k];
    }
    p->factor = n;
    return true;
}
