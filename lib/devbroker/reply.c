#include "devbroker/reply.h"

#include <string.h>

/* How the generated structs hold every array. */
typedef struct any_array {
    void *v;
    int32_t n;
} any_array;

static const kfk__field *field_of(const kfk__schema *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (strcmp(s->fields[i].name, name) == 0)
            return &s->fields[i];
    return NULL;
}

const kfk__schema *kfk__dev_sub(const kfk__schema *s, const char *name)
{
    const kfk__field *f = field_of(s, name);

    return f ? f->sub : NULL;
}

void *kfk__dev_rows(kfk__dev_call *call, const kfk__schema *s, void *msg, const char *name,
                    int32_t n)
{
    const kfk__field *f = field_of(s, name);
    any_array a = {.v = f ? kfk__dev_call_structs(call, f->sub, n) : NULL, .n = n};

    if (a.v)
        memcpy((char *)msg + f->offset, &a, sizeof a);
    return a.v;
}

bool kfk__dev_node_row(kfk__dev_call *call, const kfk__schema *s, void *msg, const char *name,
                       const kfk__dev_nodes *nodes)
{
    const kfk__field *f = field_of(s, name);
    any_array a = {.v = kfk__dev_call_array(call, nodes->n, sizeof *nodes->v), .n = nodes->n};

    if (!f || !a.v)
        return false;
    memcpy(a.v, nodes->v, (size_t)nodes->n * sizeof *nodes->v);
    memcpy((char *)msg + f->offset, &a, sizeof a);
    return true;
}

/* ---- partitions ---- */

int16_t kfk__dev_find_partition(const kfk__dev_cluster *c, bool by_id, kfk_bytes name,
                                const kfk__uuid *id, int32_t index, kfk__dev_topic **t,
                                kfk__dev_partition **p)
{
    *t = by_id ? kfk__dev_cluster_topic_by_id(c, id) : kfk__dev_cluster_topic(c, name);
    *p = kfk__dev_topic_partition(*t, index);
    if (*p)
        return KFK_OK;
    return by_id && !*t ? KFK_ERR_UNKNOWN_TOPIC_ID : KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
}

int16_t kfk__dev_check_leader(const kfk__dev_partition *p, int32_t node)
{
    return p->leader == node ? KFK_OK : KFK_ERR_NOT_LEADER_OR_FOLLOWER;
}

int16_t kfk__dev_check_replica(const kfk__dev_partition *p, int32_t node, int32_t epoch,
                               bool anyone)
{
    if (p->leader != node && !kfk__dev_nodes_have(&p->replicas, node))
        return KFK_ERR_NOT_LEADER_OR_FOLLOWER;
    if (epoch >= 0 && epoch < p->leader_epoch)
        return KFK_ERR_FENCED_LEADER_EPOCH;
    if (epoch > p->leader_epoch)
        return KFK_ERR_UNKNOWN_LEADER_EPOCH;
    /* Without a leader there is nobody to say what a follower would have. */
    return anyone && p->leader >= 0 ? KFK_OK : kfk__dev_check_leader(p, node);
}

/* ---- groups ---- */

int16_t kfk__dev_check_coordinator(const kfk__dev_cluster *c, const kfk__dev_call *call,
                                   kfk_bytes group)
{
    if (call->refuse)
        return call->refuse;
    if (group.len > KFK__DEV_GROUP_MAX)
        return KFK_ERR_INVALID_GROUP_ID;
    return kfk__dev_cluster_coordinator(c, group) == call->node ? KFK_OK : KFK_ERR_NOT_COORDINATOR;
}

/* ---- hints ---- */

void kfk__dev_nodes_add(kfk__dev_nodes *s, int32_t node)
{
    if (node >= 0 && !kfk__dev_nodes_have(s, node))
        s->v[s->n++] = node;
}

/* Produce and Fetch have the same struct under two names. */
static void set_field(const kfk__schema *s, char *row, const char *name, const void *value,
                      size_t size)
{
    const kfk__field *f = field_of(s, name);

    if (f)
        memcpy(row + f->offset, value, size);
}

bool kfk__dev_endpoints(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__dev_nodes *nodes)
{
    const kfk__schema *response = call->api->api->response,
                      *s = kfk__dev_sub(response, "node_endpoints");
    char *rows = kfk__dev_rows(call, response, call->response, "node_endpoints", nodes->n);

    for (int32_t i = 0; rows && i < nodes->n; i++) {
        const kfk__dev_node *node = &c->nodes[nodes->v[i] - 1];
        kfk_bytes host = kfk__dev_host(node), rack = kfk__dev_rack(node);
        int32_t port = node->port;

        set_field(s, rows + (size_t)i * s->size, "node_id", &node->id, sizeof node->id);
        set_field(s, rows + (size_t)i * s->size, "host", &host, sizeof host);
        set_field(s, rows + (size_t)i * s->size, "port", &port, sizeof port);
        set_field(s, rows + (size_t)i * s->size, "rack", &rack, sizeof rack);
    }
    return rows != NULL;
}
