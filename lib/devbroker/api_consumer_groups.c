/* ConsumerGroupHeartbeat, ConsumerGroupDescribe: groups whose coordinator assigns (KIP-848). */
#include "devbroker/handlers.h"

#include "devbroker/coordinate.h"
#include "devbroker/groups.h"
#include "devbroker/modern.h"
#include "devbroker/reply.h"
#include "devbroker/text.h"
#include "proto/consumer_group_describe.h"
#include "proto/consumer_group_heartbeat.h"

enum { JOINS = 0, OPERATIONS = 0x0d48, CLASSIC_MEMBER = 0, CONSUMER_MEMBER = 1 };

/* ---- ConsumerGroupHeartbeat ---- */

typedef kfk__consumer_group_heartbeat_request beat_request;
typedef kfk__consumer_group_heartbeat_response beat_response;
typedef kfk__consumer_group_heartbeat_response_assignment beat_assignment;
typedef kfk__consumer_group_heartbeat_response_topic_partitions beat_topic;

static int32_t *indexes(kfk__dev_call *call, const kfk__dev_parts *ps, int32_t at, int32_t n)
{
    int32_t *v = kfk__dev_call_array(call, n, sizeof *v);

    for (int32_t i = 0; v && i < n; i++)
        v[i] = ps->v[at + i].index;
    return v;
}

static bool tell_assignment(kfk__dev_call *call, const kfk__dev_parts *ps, beat_response *resp)
{
    const kfk__schema *assignment = kfk__dev_sub(call->api->api->response, "assignment");
    beat_topic *rows;

    resp->assignment = kfk__dev_call_structs(call, assignment, 1);
    if (!resp->assignment)
        return false;
    rows = kfk__dev_rows(call, assignment, resp->assignment, "topic_partitions",
                         kfk__dev_parts_topics(ps));
    for (int32_t at = 0; rows && at < ps->n; rows++) {
        int32_t n = kfk__dev_parts_run(ps, at);

        rows->topic_id = ps->v[at].topic;
        rows->partitions.v = indexes(call, ps, at, n);
        rows->partitions.n = n;
        if (!rows->partitions.v)
            return false;
        at += n;
    }
    return rows != NULL;
}

static bool tell_beat(kfk__dev_call *call, const kfk__dev_beat *b)
{
    const beat_request *req = call->request;
    beat_response *resp = call->response;

    resp->error_code = b->code;
    resp->error_message = b->why;
    if (b->code)
        return true;
    resp->member_id = b->member ? b->member->id : req->member_id;
    resp->member_epoch = b->member ? b->member->epoch : req->member_epoch;
    if (!b->member)
        return true;
    resp->heartbeat_interval_ms = b->member->group->all->settings.heartbeat_ms;
    return !b->tell || tell_assignment(call, &b->member->assigned, resp);
}

static void not_found(kfk__dev_beat *b, kfk_bytes id)
{
    b->code = KFK_ERR_GROUP_ID_NOT_FOUND;
    b->why = kfk__dev_text(b->arena, "Consumer group %.*s not found.", (int)id.len,
                           (const char *)id.data);
}

/* The group that one joins. NULL: it cannot be one, or there is no memory. */
static kfk__dev_group *group_to_join(kfk__dev_cluster *c, kfk__dev_beat *b)
{
    kfk__dev_group *g = kfk__dev_group_of(c, b->req->group_id);

    if (!g)
        return NULL;
    if (g->kind != KFK__DEV_MODERN && !kfk__dev_group_empty(g))
        return kfk__dev_modern_upgrade(g, b) ? g : NULL;
    kfk__dev_group_become(g, KFK__DEV_MODERN);
    return g;
}

/* false: no memory. */
static bool beat(kfk__dev_cluster *c, kfk__dev_beat *b)
{
    kfk__dev_group *g = kfk__dev_groups_find(&c->groups, b->req->group_id);

    if (b->req->member_epoch == JOINS) {
        g = group_to_join(c, b);
        return g ? kfk__dev_modern_beat(g, b) : b->code != KFK_OK;
    }
    if (!g || g->kind != KFK__DEV_MODERN) {
        not_found(b, b->req->group_id);
        return true;
    }
    if (b->req->member_epoch > JOINS)
        return kfk__dev_modern_beat(g, b);
    kfk__dev_modern_leave(g, b);
    return true;
}

kfk__dev_outcome kfk__dev_consumer_group_heartbeat(kfk__dev_service *s, kfk__dev_call *call)
{
    kfk__dev_beat b = {.req = call->request,
                       .client_id = call->client_id,
                       .client_host = call->client_host,
                       .arena = &call->arena,
                       .now = call->now,
                       .code = call->refuse};

    kfk__dev_coordinate(&s->cluster, call->now);
    if (!b.code && kfk__dev_beat_ok(&b, call->version))
        b.code = kfk__dev_check_coordinator(&s->cluster, call, b.req->group_id);
    if (!b.code && !beat(&s->cluster, &b))
        return KFK__DEV_CLOSE;
    return tell_beat(call, &b) ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- ConsumerGroupDescribe ---- */

typedef kfk__consumer_group_describe_response_group group_out;
typedef kfk__consumer_group_describe_response_member member_out;
typedef kfk__consumer_group_describe_response_topic_partitions topic_out;

/* The schemas of what a member has and is to have differ in their names alone. */
static bool tell_parts(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__schema *s,
                       const kfk__dev_parts *ps, void *out)
{
    topic_out *rows = kfk__dev_rows(call, s, out, "topic_partitions", kfk__dev_parts_topics(ps));

    for (int32_t at = 0; rows && at < ps->n; rows++) {
        const kfk__dev_topic *t = kfk__dev_cluster_topic_by_id(c, &ps->v[at].topic);
        int32_t n = kfk__dev_parts_run(ps, at);

        rows->topic_id = ps->v[at].topic;
        if (t)
            rows->topic_name = kfk__bytes_str(t->name);
        rows->partitions.v = indexes(call, ps, at, n);
        rows->partitions.n = n;
        if (!rows->partitions.v)
            return false;
        at += n;
    }
    return rows != NULL;
}

static kfk_bytes not_null(kfk_bytes b)
{
    return b.data ? b : kfk__bytes("", 0);
}

static bool describe_member(const kfk__dev_cluster *c, kfk__dev_call *call,
                            const kfk__schema *member, const kfk__dev_consumer *m, member_out *out)
{
    out->member_id = m->id;
    out->instance_id = m->instance;
    out->rack_id = m->rack;
    out->member_epoch = m->epoch;
    out->client_id = not_null(m->client_id);
    out->client_host = not_null(m->client_host);
    out->subscribed_topic_names.v = m->wants.names;
    out->subscribed_topic_names.n = m->wants.n;
    out->subscribed_topic_regex = m->wants.regex;
    out->member_type = kfk__dev_consumer_classic(m) ? CLASSIC_MEMBER : CONSUMER_MEMBER;
    return tell_parts(c, call, kfk__dev_sub(member, "assignment"), &m->assigned,
                      &out->assignment) &&
           tell_parts(c, call, kfk__dev_sub(member, "target_assignment"), &m->target,
                      &out->target_assignment);
}

static bool describe(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__dev_group *g,
                     group_out *out)
{
    const kfk__schema *group = kfk__dev_sub(call->api->api->response, "groups");
    member_out *rows = kfk__dev_rows(call, group, out, "members", g->modern.n_members);

    out->group_state = kfk__bytes_str(kfk__dev_modern_state_name(g));
    out->group_epoch = g->modern.epoch;
    out->assignment_epoch = g->modern.assignment_epoch;
    out->assignor_name = kfk__bytes_str(kfk__dev_modern_assignor(g));
    if (!rows)
        return false;
    for (KFK__DEV_EACH_CONSUMER(m, g))
        if (!describe_member(c, call, kfk__dev_sub(group, "members"), m, rows++))
            return false;
    return true;
}

static void no_such_group(kfk__dev_call *call, const kfk__dev_group *g, kfk_bytes id,
                          group_out *out)
{
    out->error_code = KFK_ERR_GROUP_ID_NOT_FOUND;
    out->error_message = kfk__dev_text(
        &call->arena, g ? "Group %.*s is not a consumer group." : "Group %.*s not found.",
        (int)id.len, (const char *)id.data);
}

static bool describe_one(kfk__dev_cluster *c, kfk__dev_call *call, kfk_bytes id, group_out *out)
{
    const kfk__consumer_group_describe_request *req = call->request;
    const kfk__dev_group *g = kfk__dev_groups_find(&c->groups, id);

    out->group_id = id;
    out->error_code = kfk__dev_check_coordinator(c, call, id);
    if (!out->error_code && id.len == 0)
        out->error_code = KFK_ERR_INVALID_GROUP_ID;
    if (out->error_code)
        return true;
    if (!g || g->kind != KFK__DEV_MODERN) {
        no_such_group(call, g, id, out);
        return true;
    }
    if (req->include_authorized_operations)
        out->authorized_operations = OPERATIONS;
    return describe(c, call, g, out);
}

kfk__dev_outcome kfk__dev_consumer_group_describe(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__consumer_group_describe_request *req = call->request;
    group_out *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "groups", req->group_ids.n);

    kfk__dev_coordinate(&s->cluster, call->now);
    for (int32_t i = 0; rows && i < req->group_ids.n; i++)
        if (!describe_one(&s->cluster, call, req->group_ids.v[i], &rows[i]))
            return KFK__DEV_CLOSE;
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}
