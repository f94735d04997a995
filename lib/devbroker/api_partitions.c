/* CreatePartitions, DescribeTopicPartitions, ListPartitionReassignments. */
#include "devbroker/handlers.h"

#include <string.h>

#include "devbroker/placement.h"
#include "devbroker/reply.h"
#include "proto/create_partitions.h"
#include "proto/describe_topic_partitions.h"

/* ---- CreatePartitions ---- */

typedef kfk__create_partitions_request create_request;
typedef kfk__create_partitions_request_topic create_in;
typedef kfk__create_partitions_response_result create_out;

static bool place_by_hand(kfk__dev_placement *plan, kfk__dev_cluster *c, kfk__arena *a,
                          const kfk__dev_topic *t, const create_in *in, int32_t more)
{
    if (in->assignments.n != more)
        return kfk__dev_refuse(
            plan, a, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
            "Attempted to add %d additional partition(s), but only %d assignment(s) were "
            "specified.",
            (int)more, (int)in->assignments.n);
    if (!kfk__dev_place_begin(plan, a, more))
        return false;
    plan->factor = t->partitions[0]->replicas.n;
    for (int32_t i = 0; i < more; i++)
        if (!kfk__dev_place_one(plan, c, a, i, in->assignments.v[i].broker_ids.v,
                                in->assignments.v[i].broker_ids.n))
            return false;
    return true;
}

static bool place(kfk__dev_placement *plan, kfk__dev_cluster *c, kfk__dev_call *call,
                  const kfk__dev_topic *t, const create_in *in)
{
    const create_request *req = call->request;
    int32_t more = in->count - t->n_partitions;

    if (more == 0)
        return kfk__dev_refuse(plan, &call->arena, KFK_ERR_INVALID_PARTITIONS,
                               "Topic already has %d partition(s).", (int)t->n_partitions);
    if (in->count < t->n_partitions)
        return kfk__dev_refuse(
            plan, &call->arena, KFK_ERR_INVALID_PARTITIONS,
            "The topic %s currently has %d partition(s); %d would not be an increase.", t->name,
            (int)t->n_partitions, (int)in->count);
    if (in->count > KFK__DEV_PARTITIONS_MAX)
        return kfk__dev_refuse(plan, &call->arena, KFK_ERR_INVALID_PARTITIONS,
                               "The embedded broker has at most %d partitions a topic.",
                               KFK__DEV_PARTITIONS_MAX);
    if (in->assignments.n >= 0)
        return place_by_hand(plan, c, &call->arena, t, in, more);
    return kfk__dev_place(plan, c, &call->arena, more, t->partitions[0]->replicas.n,
                          !req->validate_only);
}

static bool check(kfk__dev_placement *plan, kfk__dev_cluster *c, kfk__dev_call *call,
                  const kfk__dev_topic *t)
{
    if (call->refuse)
        return kfk__dev_refuse(plan, &call->arena, call->refuse, "refused by a fault");
    if (!kfk__dev_cluster_changes_topics(c, call->node))
        return kfk__dev_refuse(plan, &call->arena, KFK_ERR_NOT_CONTROLLER,
                               "This is not the correct controller for this cluster.");
    return t || kfk__dev_refuse(plan, &call->arena, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION,
                                "This server does not host this topic-partition.");
}

static void create(kfk__dev_cluster *c, kfk__dev_call *call, const create_in *in, create_out *out)
{
    const create_request *req = call->request;
    kfk__dev_topic *t = kfk__dev_cluster_topic(c, in->name);
    kfk__dev_placement plan = {0};

    if (check(&plan, c, call, t) && place(&plan, c, call, t, in) && !req->validate_only &&
        kfk__dev_cluster_grow_topic(c, t, plan.replicas, plan.n))
        plan.code = KFK_ERR_UNKNOWN_SERVER_ERROR;
    out->name = in->name;
    out->error_code = plan.code;
    out->error_message = plan.why;
}

kfk__dev_outcome kfk__dev_create_partitions(kfk__dev_service *s, kfk__dev_call *call)
{
    const create_request *req = call->request;
    create_out *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "results", req->topics.n);

    for (int32_t i = 0; rows && i < req->topics.n; i++)
        create(&s->cluster, call, &req->topics.v[i], &rows[i]);
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- DescribeTopicPartitions ---- */

typedef kfk__describe_topic_partitions_request describe_request;
typedef kfk__describe_topic_partitions_response describe_response;
typedef kfk__describe_topic_partitions_response_topic topic_out;
typedef kfk__describe_topic_partitions_response_partition partition_out;
typedef kfk__describe_topic_partitions_response_cursor cursor_out;

enum { TOPIC_OPERATIONS = 0x0df8, PAGE_MAX = 2000 };

typedef struct page {
    kfk__dev_cluster *c;
    kfk__dev_call *call;
    kfk_bytes *names; /* sorted */
    int32_t n;
    int32_t first; /* partition of the first topic */
    int32_t left;  /* partitions that still fit */
} page;

static int compare(kfk_bytes a, kfk_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int r = n ? memcmp(a.data, b.data, n) : 0;

    return r ? r : (a.len > b.len) - (a.len < b.len);
}

/* Insertion: a request names few topics. One that comes before the cursor, or twice, is left out.
 */
static void add_name(page *p, kfk_bytes name, kfk_bytes from)
{
    int32_t i = p->n;

    if (from.data && compare(name, from) < 0)
        return;
    while (i > 0 && compare(p->names[i - 1], name) > 0)
        i--;
    if (i > 0 && compare(p->names[i - 1], name) == 0)
        return;
    memmove(&p->names[i + 1], &p->names[i], (size_t)(p->n - i) * sizeof *p->names);
    p->names[i] = name;
    p->n++;
}

static bool collect(page *p, const describe_request *req)
{
    kfk_bytes from = req->cursor ? req->cursor->topic_name : (kfk_bytes){0};
    bool all = req->topics.n == 0;

    p->names =
        kfk__dev_call_array(p->call, (all ? p->c->topics.n : req->topics.n) + 1, sizeof *p->names);
    if (!p->names)
        return false;
    for (int32_t i = 0; i < req->topics.n; i++)
        add_name(p, req->topics.v[i].name, from);
    for (kfk__dev_topic *t = kfk__dev_topics_first(&p->c->topics); all && t;
         t = kfk__dev_topics_next(&p->c->topics, t))
        add_name(p, kfk__bytes_str(t->name), from);
    if (p->n && req->cursor && compare(p->names[0], from) == 0)
        p->first = req->cursor->partition_index;
    return true;
}

static bool tell_partition(page *p, const kfk__schema *s, const kfk__dev_partition *from,
                           partition_out *out)
{
    kfk__dev_nodes offline = {{0}, 0}, none = {{0}, 0};

    for (int32_t i = 0; i < from->replicas.n; i++)
        if (!kfk__dev_cluster_node(p->c, from->replicas.v[i])->up)
            offline.v[offline.n++] = from->replicas.v[i];
    out->error_code = from->leader < 0 ? KFK_ERR_LEADER_NOT_AVAILABLE : KFK_OK;
    out->partition_index = from->index;
    out->leader_id = from->leader;
    out->leader_epoch = from->leader_epoch;
    return kfk__dev_node_row(p->call, s, out, "replica_nodes", &from->replicas) &&
           kfk__dev_node_row(p->call, s, out, "isr_nodes", &from->isr) &&
           kfk__dev_node_row(p->call, s, out, "eligible_leader_replicas", &none) &&
           kfk__dev_node_row(p->call, s, out, "last_known_elr", &none) &&
           kfk__dev_node_row(p->call, s, out, "offline_replicas", &offline);
}

/* Tells of one topic from partition |first| on; *next: where it had to stop, -1: at its end. */
static bool tell_topic(page *p, kfk_bytes name, int32_t first, topic_out *out, int32_t *next)
{
    const kfk__schema *topic = kfk__dev_sub(p->call->api->api->response, "topics");
    const kfk__dev_topic *t = kfk__dev_cluster_topic(p->c, name);
    int32_t n = t ? t->n_partitions - first : 0;
    partition_out *rows;

    *next = -1;
    out->name = name;
    out->error_code = p->call->refuse;
    if (!t && !p->call->refuse)
        out->error_code = kfk__dev_topic_name_ok(name) ? KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION
                                                       : KFK_ERR_INVALID_TOPIC_EXCEPTION;
    if (!t || first < 0 || n < 0)
        return true;
    if (n > p->left) {
        n = p->left;
        *next = first + n;
    }
    out->topic_id = t->id;
    out->topic_authorized_operations = TOPIC_OPERATIONS;
    rows = kfk__dev_rows(p->call, topic, out, "partitions", n);
    for (int32_t i = 0; rows && i < n; i++)
        if (!tell_partition(p, kfk__dev_sub(topic, "partitions"), t->partitions[first + i],
                            &rows[i]))
            return false;
    p->left -= n;
    return rows != NULL;
}

static bool tell_cursor(page *p, describe_response *resp, kfk_bytes topic, int32_t partition)
{
    cursor_out *cursor =
        kfk__dev_call_structs(p->call, kfk__dev_sub(p->call->api->api->response, "next_cursor"), 1);

    if (!cursor)
        return false;
    cursor->topic_name = topic;
    cursor->partition_index = partition;
    resp->next_cursor = cursor;
    return true;
}

kfk__dev_outcome kfk__dev_describe_topic_partitions(kfk__dev_service *s, kfk__dev_call *call)
{
    const describe_request *req = call->request;
    describe_response *resp = call->response;
    int32_t limit = req->response_partition_limit, next = -1, i;
    page p = {
        .c = &s->cluster, .call = call, .left = limit > 0 && limit < PAGE_MAX ? limit : PAGE_MAX};
    topic_out *rows;

    if (!collect(&p, req))
        return KFK__DEV_CLOSE;
    rows = kfk__dev_rows(call, call->api->api->response, resp, "topics", p.n);
    if (!rows)
        return KFK__DEV_CLOSE;
    for (i = 0; i < p.n && p.left > 0 && next < 0; i++)
        if (!tell_topic(&p, p.names[i], i == 0 ? p.first : 0, &rows[i], &next))
            return KFK__DEV_CLOSE;
    resp->topics.n = i;
    if (next >= 0 && !tell_cursor(&p, resp, p.names[i - 1], next))
        return KFK__DEV_CLOSE;
    if (next < 0 && i < p.n && !tell_cursor(&p, resp, p.names[i], 0))
        return KFK__DEV_CLOSE;
    return KFK__DEV_ANSWER;
}

/* ---- ListPartitionReassignments ---- */

/* Nothing is ever on its way from one node to another. */
kfk__dev_outcome kfk__dev_list_partition_reassignments(kfk__dev_service *s, kfk__dev_call *call)
{
    (void)s;
    (void)call;
    return KFK__DEV_ANSWER;
}
