/* CreateTopics and DeleteTopics. */
#include "devbroker/handlers.h"

#include <string.h>

#include "devbroker/placement.h"
#include "devbroker/reply.h"
#include "devbroker/text.h"
#include "proto/create_topics.h"
#include "proto/delete_topics.h"

enum { TOPIC_CONFIG = 1, DEFAULT_CONFIG = 5, FIRST_WITH_IDS = 6 };

/* ---- CreateTopics ---- */

typedef kfk__create_topics_request create_request;
typedef kfk__create_topics_request_topic topic_in;
typedef kfk__create_topics_response_topic topic_out;
typedef kfk__create_topics_response_config config_out;

typedef struct work {
    kfk__dev_cluster *c;
    kfk__dev_call *call;
    kfk__arena *arena;
    kfk__dev_placement plan; /* of one topic */
} work;

static bool asked_twice(const create_request *req, const topic_in *in)
{
    for (int32_t i = 0; i < req->topics.n; i++)
        if (&req->topics.v[i] != in && kfk__bytes_equal(req->topics.v[i].name, in->name))
            return true;
    return false;
}

/* A topic whose name is the same once '.' and '_' are; their metrics would collide. NULL: none. */
static const char *collides(const kfk__dev_cluster *c, kfk_bytes name)
{
    const char *p = name.data;

    for (kfk__dev_topic *t = kfk__dev_topics_first(&c->topics); t;
         t = kfk__dev_topics_next(&c->topics, t)) {
        const char *other = t->name;
        size_t k = 0;

        while (k < name.len && (other[k] == p[k] || (strchr("._", other[k]) && strchr("._", p[k]))))
            k++;
        if (k == name.len && other[k] == 0)
            return other;
    }
    return NULL;
}

static bool check_name(work *w, const topic_in *in)
{
    kfk__dev_placement *plan = &w->plan;
    int len = (int)in->name.len;
    const char *name = in->name.data, *other;

    if (w->call->refuse)
        return kfk__dev_refuse(plan, w->arena, w->call->refuse, "refused by a fault");
    if (!kfk__dev_cluster_changes_topics(w->c, w->call->node))
        return kfk__dev_refuse(plan, w->arena, KFK_ERR_NOT_CONTROLLER,
                               "This is not the correct controller for this cluster.");
    if (asked_twice(w->call->request, in))
        return kfk__dev_refuse(plan, w->arena, KFK_ERR_INVALID_REQUEST, "Duplicate topic name.");
    if (!kfk__dev_topic_name_ok(in->name)) {
        plan->code = KFK_ERR_INVALID_TOPIC_EXCEPTION;
        plan->why = kfk__dev_topic_name_error(in->name, w->arena);
        return false;
    }
    if (kfk__dev_cluster_topic(w->c, in->name))
        return kfk__dev_refuse(plan, w->arena, KFK_ERR_TOPIC_ALREADY_EXISTS,
                               "Topic '%.*s' already exists.", len, name);
    other = collides(w->c, in->name);
    if (other)
        return kfk__dev_refuse(plan, w->arena, KFK_ERR_INVALID_TOPIC_EXCEPTION,
                               "Topic '%.*s' collides with existing topic: %s", len, name, other);
    return true;
}

static bool check_configs(work *w, const topic_in *in)
{
    for (int32_t i = 0; i < in->configs.n; i++) {
        kfk_bytes name = in->configs.v[i].name, value = in->configs.v[i].value;
        int index = kfk__dev_config_index(name.data, name.len);
        char *text;

        if (index < 0)
            return kfk__dev_refuse(&w->plan, w->arena, KFK_ERR_INVALID_CONFIG,
                                   "Unknown topic config name: %.*s", (int)name.len,
                                   (const char *)name.data);
        if (!value.data)
            return kfk__dev_refuse(&w->plan, w->arena, KFK_ERR_INVALID_CONFIG,
                                   "Null value not supported for topic configs: %.*s",
                                   (int)name.len, (const char *)name.data);
        text = (char *)(uintptr_t)kfk__dev_text(w->arena, "%.*s", (int)value.len,
                                                (const char *)value.data)
                   .data;
        if (!text || !kfk__dev_config_valid(index, text)) {
            w->plan.code = KFK_ERR_INVALID_CONFIG;
            w->plan.why = kfk__dev_config_error(index, text ? text : "", w->arena);
            return false;
        }
    }
    return true;
}

static bool place_by_hand(work *w, const topic_in *in)
{
    kfk__dev_placement *plan = &w->plan;

    if (in->replication_factor != -1)
        return kfk__dev_refuse(
            plan, w->arena, KFK_ERR_INVALID_REQUEST,
            "A manual partition assignment was specified, but replication factor was not set to "
            "-1.");
    if (in->num_partitions != -1)
        return kfk__dev_refuse(
            plan, w->arena, KFK_ERR_INVALID_REQUEST,
            "A manual partition assignment was specified, but numPartitions was not set to -1.");
    if (!kfk__dev_place_begin(plan, w->arena, in->assignments.n))
        return false;
    for (int32_t i = 0; i < in->assignments.n; i++) {
        int32_t partition = in->assignments.v[i].partition_index;

        if (partition < 0 || partition >= in->assignments.n)
            return kfk__dev_refuse(plan, w->arena, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
                                   "partitions should be a consecutive 0-based integer sequence");
        if (plan->replicas[partition].n)
            return kfk__dev_refuse(plan, w->arena, KFK_ERR_INVALID_REPLICA_ASSIGNMENT,
                                   "Found multiple manual partition assignments for partition %d",
                                   (int)partition);
        if (!kfk__dev_place_one(plan, w->c, w->arena, partition, in->assignments.v[i].broker_ids.v,
                                in->assignments.v[i].broker_ids.n))
            return false;
    }
    return true;
}

static bool place(work *w, const topic_in *in)
{
    const create_request *req = w->call->request;
    int32_t n = in->num_partitions == -1 ? w->c->default_partitions : in->num_partitions;
    int32_t factor = in->replication_factor == -1 ? w->c->default_replicas : in->replication_factor;

    if (in->assignments.n > 0)
        return place_by_hand(w, in);
    return kfk__dev_place(&w->plan, w->c, w->arena, n, factor, !req->validate_only);
}

static bool set_configs(work *w, const topic_in *in, kfk__dev_config *to)
{
    for (int32_t i = 0; i < in->configs.n; i++) {
        kfk_bytes name = in->configs.v[i].name, value = in->configs.v[i].value;
        kfk_bytes text = kfk__dev_text(w->arena, "%.*s", (int)value.len, (const char *)value.data);

        if (!text.data ||
            kfk__dev_config_set(to, &w->c->env.alloc, kfk__dev_config_index(name.data, name.len),
                                text.data))
            return false;
    }
    return true;
}

static bool create(work *w, const topic_in *in, topic_out *out)
{
    kfk__dev_topic *t = kfk__dev_cluster_add_topic(w->c, in->name, w->plan.replicas, w->plan.n);

    if (t && set_configs(w, in, &t->config)) {
        out->topic_id = t->id;
        return true;
    }
    if (t)
        kfk__dev_cluster_delete_topic(w->c, t);
    return kfk__dev_refuse(&w->plan, w->arena, KFK_ERR_UNKNOWN_SERVER_ERROR, "out of memory");
}

static const char *asked_for(work *w, const topic_in *in, int index)
{
    for (int32_t i = 0; i < in->configs.n; i++) {
        kfk_bytes name = in->configs.v[i].name, value = in->configs.v[i].value;

        if (kfk__dev_config_index(name.data, name.len) == index)
            return kfk__dev_text(w->arena, "%.*s", (int)value.len, (const char *)value.data).data;
    }
    return NULL;
}

/* What came of it, from version 5 on (KIP-525). */
static void tell_made(work *w, const topic_in *in, topic_out *out)
{
    const kfk__schema *s = kfk__dev_sub(w->call->api->api->response, "topics");
    config_out *rows = kfk__dev_rows(w->call, s, out, "configs", KFK__DEV_N_CONFIGS);

    out->num_partitions = w->plan.n;
    out->replication_factor = (int16_t)w->plan.factor;
    for (int i = 0; rows && i < KFK__DEV_N_CONFIGS; i++) {
        const char *asked = asked_for(w, in, i);

        rows[i].name = kfk__bytes_str(kfk__dev_config_defs[i].name);
        rows[i].value = kfk__bytes_str(asked ? asked : kfk__dev_config_defs[i].def);
        rows[i].config_source = asked ? TOPIC_CONFIG : DEFAULT_CONFIG;
    }
}

static void create_topic(work *w, const topic_in *in, topic_out *out)
{
    const create_request *req = w->call->request;

    w->plan = (kfk__dev_placement){0};
    out->name = in->name;
    if (check_name(w, in) && check_configs(w, in) && place(w, in) &&
        (req->validate_only || create(w, in, out)))
        tell_made(w, in, out);
    out->error_code = w->plan.code;
    out->error_message = w->plan.why;
}

kfk__dev_outcome kfk__dev_create_topics(kfk__dev_service *s, kfk__dev_call *call)
{
    const create_request *req = call->request;
    work w = {.c = &s->cluster, .call = call, .arena = &call->arena};
    topic_out *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "topics", req->topics.n);

    for (int32_t i = 0; rows && i < req->topics.n; i++)
        create_topic(&w, &req->topics.v[i], &rows[i]);
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- DeleteTopics ---- */

typedef kfk__delete_topics_request delete_request;
typedef kfk__delete_topics_response_topic delete_out;

/* By name, or by id where the name is null. */
static void delete_topic(kfk__dev_cluster *c, kfk__dev_call *call, kfk_bytes name,
                         const kfk__uuid *id, delete_out *out)
{
    bool by_id = !name.data;
    kfk__dev_topic *t =
        by_id ? kfk__dev_cluster_topic_by_id(c, id) : kfk__dev_cluster_topic(c, name);

    out->name = name;
    out->topic_id = *id;
    out->error_code = call->refuse;
    if (call->refuse)
        return;
    if (!kfk__dev_cluster_changes_topics(c, call->node)) {
        out->error_code = KFK_ERR_NOT_CONTROLLER;
    } else if (!t) {
        out->error_code = by_id ? KFK_ERR_UNKNOWN_TOPIC_ID : KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        out->error_message =
            kfk__bytes_str(by_id ? "This server does not host this topic ID."
                                 : "This server does not host this topic-partition.");
    } else {
        out->topic_id = t->id;
        if (by_id)
            out->name = kfk__dev_text(&call->arena, "%s", t->name);
        kfk__dev_cluster_delete_topic(c, t);
    }
}

kfk__dev_outcome kfk__dev_delete_topics(kfk__dev_service *s, kfk__dev_call *call)
{
    static const kfk__uuid none;
    const delete_request *req = call->request;
    bool states = call->version >= FIRST_WITH_IDS;
    int32_t n = states ? req->topics.n : req->topic_names.n;
    delete_out *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "responses", n);

    for (int32_t i = 0; rows && i < n; i++) {
        if (states)
            delete_topic(&s->cluster, call, req->topics.v[i].name, &req->topics.v[i].topic_id,
                         &rows[i]);
        else
            delete_topic(&s->cluster, call, req->topic_names.v[i], &none, &rows[i]);
    }
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}
