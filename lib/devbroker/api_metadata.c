/* Metadata: who is there, and who leads what. */
#include "devbroker/handlers.h"

#include "devbroker/reply.h"
#include "proto/metadata.h"

/* Bits of AclOperation: what may be done where nothing is forbidden. */
enum { TOPIC_OPERATIONS = 0x0df8, CLUSTER_OPERATIONS = 0x1fa0, FIRST_WITH_NULL_NAMES = 12 };

typedef kfk__metadata_request request;
typedef kfk__metadata_response response;
typedef kfk__metadata_request_topic topic_in;
typedef kfk__metadata_response_broker broker_out;
typedef kfk__metadata_response_topic topic_out;
typedef kfk__metadata_response_partition partition_out;

static int32_t n_up(const kfk__dev_cluster *c)
{
    int32_t n = 0;

    for (int32_t i = 0; i < c->n_nodes; i++)
        n += c->nodes[i].up;
    return n;
}

static bool tell_brokers(const kfk__dev_cluster *c, kfk__dev_call *call, response *resp)
{
    broker_out *rows = kfk__dev_rows(call, call->api->api->response, resp, "brokers", n_up(c));

    for (int32_t i = 0; rows && i < c->n_nodes; i++) {
        const kfk__dev_node *n = &c->nodes[i];

        if (!n->up)
            continue;
        rows->node_id = n->id;
        rows->host = kfk__dev_host(n);
        rows->port = n->port;
        rows->rack = kfk__dev_rack(n);
        rows++;
    }
    return rows != NULL;
}

static void offline_of(const kfk__dev_cluster *c, const kfk__dev_partition *p, kfk__dev_nodes *out)
{
    out->n = 0;
    for (int32_t i = 0; i < p->replicas.n; i++)
        if (!c->nodes[p->replicas.v[i] - 1].up)
            out->v[out->n++] = p->replicas.v[i];
}

static bool tell_partition(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__schema *s,
                           const kfk__dev_partition *p, partition_out *out)
{
    kfk__dev_nodes offline;

    offline_of(c, p, &offline);
    out->error_code = p->leader < 0 ? KFK_ERR_LEADER_NOT_AVAILABLE : KFK_OK;
    out->partition_index = p->index;
    out->leader_id = p->leader;
    out->leader_epoch = p->leader_epoch;
    return kfk__dev_node_row(call, s, out, "replica_nodes", &p->replicas) &&
           kfk__dev_node_row(call, s, out, "isr_nodes", &p->isr) &&
           kfk__dev_node_row(call, s, out, "offline_replicas", &offline);
}

static bool tell_topic(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__dev_topic *t,
                       topic_out *out)
{
    const kfk__schema *topic = kfk__dev_sub(call->api->api->response, "topics");
    const kfk__schema *partition = kfk__dev_sub(topic, "partitions");
    const request *req = call->request;
    partition_out *rows;

    out->error_code = call->refuse;
    out->name = kfk__bytes_str(t->name);
    out->topic_id = t->id;
    if (req->include_topic_authorized_operations)
        out->topic_authorized_operations = TOPIC_OPERATIONS;
    if (call->refuse)
        return true;
    rows = kfk__dev_rows(call, topic, out, "partitions", t->n_partitions);
    for (int32_t i = 0; rows && i < t->n_partitions; i++)
        if (!tell_partition(c, call, partition, t->partitions[i], &rows[i]))
            return false;
    return rows != NULL;
}

/* Java's client sends an empty name with an id, others send null. */
static bool by_id(const topic_in *in)
{
    return !kfk__uuid_is_zero(&in->topic_id);
}

/* A topic that is not there. It may be made now; that is told as Kafka tells it, by an error, and
 * the next request finds it. */
static void tell_missing(kfk__dev_cluster *c, const kfk__dev_call *call, const topic_in *in,
                         topic_out *out)
{
    const request *req = call->request;

    out->name = by_id(in) && call->version >= FIRST_WITH_NULL_NAMES ? (kfk_bytes){0} : in->name;
    out->topic_id = in->topic_id;
    if (call->refuse) {
        out->error_code = call->refuse;
    } else if (by_id(in)) {
        out->error_code = KFK_ERR_UNKNOWN_TOPIC_ID;
    } else if (!kfk__dev_topic_name_ok(in->name)) {
        out->error_code = KFK_ERR_INVALID_TOPIC_EXCEPTION;
    } else {
        out->error_code = KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        if (c->auto_create && req->allow_auto_topic_creation)
            (void)kfk__dev_cluster_create_topic(c, in->name, c->default_partitions,
                                                c->default_replicas);
    }
}

static bool tell_named(kfk__dev_cluster *c, kfk__dev_call *call, response *resp)
{
    const request *req = call->request;
    topic_out *rows = kfk__dev_rows(call, call->api->api->response, resp, "topics", req->topics.n);

    for (int32_t i = 0; rows && i < req->topics.n; i++) {
        const topic_in *in = &req->topics.v[i];
        const kfk__dev_topic *t = by_id(in) ? kfk__dev_cluster_topic_by_id(c, &in->topic_id)
                                            : kfk__dev_cluster_topic(c, in->name);

        if (!t)
            tell_missing(c, call, in, &rows[i]);
        else if (!tell_topic(c, call, t, &rows[i]))
            return false;
    }
    return rows != NULL;
}

static bool tell_all(const kfk__dev_cluster *c, kfk__dev_call *call, response *resp)
{
    topic_out *row = kfk__dev_rows(call, call->api->api->response, resp, "topics", c->topics.n);

    for (kfk__dev_topic *t = kfk__dev_topics_first(&c->topics); row && t;
         t = kfk__dev_topics_next(&c->topics, t))
        if (!tell_topic(c, call, t, row++))
            return false;
    return row != NULL;
}

/* All topics are asked for by null, and in version 0 by no topics. */
static bool wants_all(const kfk__dev_call *call)
{
    const request *req = call->request;

    return req->topics.n < 0 || (call->version == 0 && req->topics.n == 0);
}

kfk__dev_outcome kfk__dev_metadata(kfk__dev_service *s, kfk__dev_call *call)
{
    const request *req = call->request;
    response *resp = call->response;

    resp->cluster_id = kfk__bytes_str(s->cluster.id);
    resp->controller_id = kfk__dev_cluster_controller(&s->cluster);
    if (req->include_cluster_authorized_operations)
        resp->cluster_authorized_operations = CLUSTER_OPERATIONS;
    if (!tell_brokers(&s->cluster, call, resp))
        return KFK__DEV_CLOSE;
    if (wants_all(call) ? !tell_all(&s->cluster, call, resp) : !tell_named(&s->cluster, call, resp))
        return KFK__DEV_CLOSE;
    return KFK__DEV_ANSWER;
}
