/* DescribeGroups, ListGroups, DeleteGroups, OffsetDelete: groups as those see them who are in none.
 */
#include "devbroker/handlers.h"

#include <string.h>

#include "devbroker/classic.h"
#include "devbroker/coordinate.h"
#include "devbroker/groups.h"
#include "devbroker/members.h"
#include "devbroker/reply.h"
#include "devbroker/text.h"
#include "proto/delete_groups.h"
#include "proto/describe_groups.h"
#include "proto/list_groups.h"
#include "proto/offset_delete.h"

enum {
    CONSUMER_GROUP_HEARTBEAT = 68,
    FIRST_TO_SAY_WHY = 6, /* DescribeGroups */
    OPERATIONS = 0x0d48,  /* read, delete, describe, and describe and alter configs */
    OLD_OPERATIONS = 0x0148
};

/* ---- DescribeGroups ---- */

typedef kfk__describe_groups_response_group group_out;
typedef kfk__describe_groups_response_member member_out;

static bool tell_member(const kfk__dev_member *m, bool stable, member_out *out)
{
    out->member_id = m->id;
    out->group_instance_id = m->instance;
    out->client_id = m->client_id.data ? m->client_id : kfk__bytes("", 0);
    out->client_host = m->client_host.data ? m->client_host : kfk__bytes("", 0);
    out->member_assignment = m->assignment;
    if (stable)
        out->member_metadata = kfk__dev_member_metadata(m);
    return true;
}

/* The answer points into the group: it is encoded before anything else is done. */
static bool describe(const kfk__dev_group *g, kfk__dev_call *call, group_out *out)
{
    const kfk__dev_classic *c = &g->classic;
    const kfk__schema *group = kfk__dev_sub(call->api->api->response, "groups");
    member_out *rows = kfk__dev_rows(call, group, out, "members", c->n_members);
    bool stable = c->state == KFK__DEV_STABLE;

    out->group_state = kfk__bytes_str(kfk__dev_classic_state_name(g));
    if (c->protocol_type.data)
        out->protocol_type = c->protocol_type;
    if (stable)
        out->protocol_data = c->protocol;
    for (kfk__list *i = kfk__list_first(&c->members); rows && i; i = kfk__list_next(&c->members, i))
        (void)tell_member(KFK__ENTRY(i, kfk__dev_member, link), stable, rows++);
    return rows != NULL;
}

/* |g| NULL: there is no such group; else it is of the other kind. */
static void tell_absent(kfk__dev_call *call, const kfk__dev_group *g, kfk_bytes id, group_out *out)
{
    out->group_state = kfk__bytes_str("Dead");
    if (call->version < FIRST_TO_SAY_WHY)
        return;
    out->error_code = KFK_ERR_GROUP_ID_NOT_FOUND;
    out->error_message = kfk__dev_text(
        &call->arena, g ? "Group %.*s is not a classic group." : "Group %.*s not found.",
        (int)id.len, (const char *)id.data);
}

static int32_t operations(const kfk__dev_cluster *c, int32_t node)
{
    const kfk__dev_profile *p = kfk__dev_cluster_profile(c, node);

    return kfk__dev_profile_max(p, CONSUMER_GROUP_HEARTBEAT) < 0 ? OLD_OPERATIONS : OPERATIONS;
}

static bool describe_one(kfk__dev_cluster *c, kfk__dev_call *call, kfk_bytes id, group_out *out)
{
    const kfk__describe_groups_request *req = call->request;
    const kfk__dev_group *g = kfk__dev_groups_find(&c->groups, id);
    bool classic = g && g->kind == KFK__DEV_CLASSIC;

    out->group_id = id;
    out->error_code = kfk__dev_check_coordinator(c, call, id);
    if (out->error_code)
        return true;
    if (!classic)
        tell_absent(call, g, id, out);
    if (req->include_authorized_operations && !out->error_code)
        out->authorized_operations = operations(c, call->node);
    return !classic || describe(g, call, out);
}

kfk__dev_outcome kfk__dev_describe_groups(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__describe_groups_request *req = call->request;
    group_out *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "groups", req->groups.n);

    kfk__dev_coordinate(&s->cluster, call->now);
    for (int32_t i = 0; rows && i < req->groups.n; i++)
        if (!describe_one(&s->cluster, call, req->groups.v[i], &rows[i]))
            return KFK__DEV_CLOSE;
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- ListGroups ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_word(kfk_bytes a, const char *b)
{
    const char *p = a.data;
    size_t n = a.len;

    while (n > 0 && p[n - 1] == ' ')
        n--;
    while (n > 0 && *p == ' ') {
        p++;
        n--;
    }
    if (n != strlen(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(p[i]) != lower(b[i]))
            return false;
    return true;
}

/* Whether the word is among those that are wanted; where there are none, any is. */
static bool wanted(const kfk_bytes *v, int32_t n, const char *word)
{
    for (int32_t i = 0; i < n; i++)
        if (same_word(v[i], word))
            return true;
    return n <= 0;
}

static const char *type_of(const kfk__dev_group *g)
{
    return g->kind == KFK__DEV_MODERN ? "consumer" : "classic";
}

static bool listed(const kfk__dev_group *g, const kfk__dev_call *call)
{
    const kfk__list_groups_request *req = call->request;

    return g->coordinator == call->node &&
           wanted(req->states_filter.v, req->states_filter.n, kfk__dev_group_state_name(g)) &&
           wanted(req->types_filter.v, req->types_filter.n, type_of(g));
}

static void list(const kfk__dev_group *g, kfk__list_groups_response_group *out)
{
    out->group_id = g->id;
    if (g->kind == KFK__DEV_MODERN)
        out->protocol_type = kfk__bytes_str("consumer");
    else if (g->classic.protocol_type.data)
        out->protocol_type = g->classic.protocol_type;
    out->group_state = kfk__bytes_str(kfk__dev_group_state_name(g));
    out->group_type = kfk__bytes_str(type_of(g));
}

kfk__dev_outcome kfk__dev_list_groups(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__dev_groups *gs = &s->cluster.groups;
    kfk__list_groups_response *resp = call->response;
    kfk__list_groups_response_group *rows;

    resp->error_code = call->refuse;
    if (call->refuse)
        return KFK__DEV_ANSWER;
    kfk__dev_coordinate(&s->cluster, call->now);
    rows = kfk__dev_rows(call, call->api->api->response, resp, "groups", (int32_t)gs->by_id.n);
    resp->groups.n = 0;
    for (kfk__list *i = kfk__list_first(&gs->all); rows && i; i = kfk__list_next(&gs->all, i)) {
        const kfk__dev_group *g = KFK__ENTRY(i, kfk__dev_group, link);

        if (listed(g, call))
            list(g, &rows[resp->groups.n++]);
    }
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- DeleteGroups ---- */

static int16_t delete_group(kfk__dev_cluster *c, const kfk__dev_call *call, kfk_bytes id)
{
    kfk__dev_group *g = kfk__dev_groups_find(&c->groups, id);
    int16_t code = kfk__dev_check_coordinator(c, call, id);

    if (!code && id.len == 0)
        return KFK_ERR_INVALID_GROUP_ID;
    if (code || !g)
        return code ? code : KFK_ERR_GROUP_ID_NOT_FOUND;
    if (!kfk__dev_group_empty(g))
        return KFK_ERR_NON_EMPTY_GROUP;
    kfk__dev_offsets_forget_group(&c->offsets, id);
    kfk__dev_groups_delete(&c->groups, g);
    return KFK_OK;
}

/* Whether the |i|-th was named before. */
static bool again(const kfk__delete_groups_request *req, int32_t i)
{
    for (int32_t k = 0; k < i; k++)
        if (kfk__bytes_equal(req->groups_names.v[k], req->groups_names.v[i]))
            return true;
    return false;
}

kfk__dev_outcome kfk__dev_delete_groups(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__delete_groups_request *req = call->request;
    kfk__delete_groups_response *resp = call->response;
    kfk__delete_groups_response_result *rows =
        kfk__dev_rows(call, call->api->api->response, resp, "results", req->groups_names.n);

    if (!rows)
        return KFK__DEV_CLOSE;
    kfk__dev_coordinate(&s->cluster, call->now);
    resp->results.n = 0;
    for (int32_t i = 0; i < req->groups_names.n; i++) {
        if (again(req, i))
            continue;
        rows[resp->results.n].group_id = req->groups_names.v[i];
        rows[resp->results.n++].error_code =
            delete_group(&s->cluster, call, req->groups_names.v[i]);
    }
    return KFK__DEV_ANSWER;
}

/* ---- OffsetDelete ---- */

typedef kfk__offset_delete_request_topic topic_in;
typedef kfk__offset_delete_response_topic topic_out;
typedef kfk__offset_delete_response_partition partition_out;

static int16_t check_delete(kfk__dev_cluster *c, const kfk__dev_call *call, kfk__dev_group *g,
                            kfk_bytes id)
{
    int16_t code = kfk__dev_check_coordinator(c, call, id);

    if (!code && id.len == 0)
        return KFK_ERR_INVALID_GROUP_ID;
    if (code || !g)
        return code ? code : KFK_ERR_GROUP_ID_NOT_FOUND;
    return g->kind == KFK__DEV_CLASSIC && !kfk__dev_group_empty(g) &&
                   !kfk__bytes_equal(g->classic.protocol_type, kfk__bytes_str("consumer"))
               ? KFK_ERR_NON_EMPTY_GROUP
               : KFK_OK;
}

static int16_t delete_offset(kfk__dev_cluster *c, const kfk__dev_group *g, kfk_bytes topic,
                             int32_t partition, bool in_use)
{
    if (!kfk__dev_topic_partition(kfk__dev_cluster_topic(c, topic), partition))
        return KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (in_use)
        return KFK_ERR_GROUP_SUBSCRIBED_TO_TOPIC;
    kfk__dev_offsets_remove(&c->offsets, g->id, topic, partition);
    return KFK_OK;
}

/* |g| NULL: nothing is deleted. */
static bool delete_topic(kfk__dev_cluster *c, kfk__dev_call *call, const kfk__dev_group *g,
                         const topic_in *in, topic_out *out)
{
    const kfk__schema *topic = kfk__dev_sub(call->api->api->response, "topics");
    partition_out *rows = kfk__dev_rows(call, topic, out, "partitions", in->partitions.n);
    bool in_use = g && kfk__dev_group_reads(g, in->name, &call->arena);

    out->name = in->name;
    for (int32_t i = 0; rows && i < in->partitions.n; i++) {
        rows[i].partition_index = in->partitions.v[i].partition_index;
        if (g)
            rows[i].error_code = delete_offset(c, g, in->name, rows[i].partition_index, in_use);
    }
    return rows != NULL;
}

kfk__dev_outcome kfk__dev_offset_delete(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__offset_delete_request *req = call->request;
    kfk__offset_delete_response *resp = call->response;
    kfk__dev_group *g;
    topic_out *rows;

    kfk__dev_coordinate(&s->cluster, call->now);
    g = kfk__dev_groups_find(&s->cluster.groups, req->group_id);
    resp->error_code = check_delete(&s->cluster, call, g, req->group_id);
    if (resp->error_code && !call->refuse)
        return KFK__DEV_ANSWER;
    rows = kfk__dev_rows(call, call->api->api->response, resp, "topics", req->topics.n);
    for (int32_t i = 0; rows && i < req->topics.n; i++)
        if (!delete_topic(&s->cluster, call, call->refuse ? NULL : g, &req->topics.v[i], &rows[i]))
            return KFK__DEV_CLOSE;
    if (call->refuse)
        resp->error_code = KFK_OK; /* the fault says it of each partition */
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}
