/* FindCoordinator, OffsetCommit, OffsetFetch: who coordinates a group, and what it has committed.
 */
#include "devbroker/handlers.h"

#include "devbroker/classic.h"
#include "devbroker/committed.h"
#include "devbroker/coordinate.h"
#include "devbroker/groups.h"
#include "devbroker/modern.h"
#include "devbroker/reply.h"
#include "proto/find_coordinator.h"
#include "proto/offset_commit.h"
#include "proto/offset_fetch.h"

enum {
    METADATA_MAX = 4096,
    FIRST_WITH_IDS = 10,
    FIRST_OF_MANY_KEYS = 4,
    FIRST_OF_MANY_GROUPS = 8,
    FIRST_WITHOUT_GROUPS = 9, /* OffsetCommit says that there is no such group */
    FIRST_OF_MEMBERS = 9      /* of groups whose coordinator assigns */
};

/* What a coordinator is for. */
enum { GROUP = 0, TRANSACTION = 1 };

/* ---- FindCoordinator ---- */

typedef kfk__find_coordinator_response coordinator_response;
typedef kfk__find_coordinator_response_coordinator coordinator_out;

static void find(const kfk__dev_cluster *c, const kfk__dev_call *call, kfk_bytes key,
                 coordinator_out *out)
{
    const kfk__find_coordinator_request *req = call->request;
    int32_t id = kfk__dev_cluster_coordinator(c, key);

    out->key = key;
    out->node_id = -1;
    out->port = -1;
    out->error_code = call->refuse;
    if (!call->refuse && req->key_type != GROUP && req->key_type != TRANSACTION)
        out->error_code = KFK_ERR_INVALID_REQUEST;
    else if (!call->refuse && id < 0)
        out->error_code = KFK_ERR_COORDINATOR_NOT_AVAILABLE;
    if (out->error_code)
        return;
    out->node_id = id;
    out->host = kfk__dev_host(&c->nodes[id - 1]);
    out->port = c->nodes[id - 1].port;
}

kfk__dev_outcome kfk__dev_find_coordinator(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__find_coordinator_request *req = call->request;
    const kfk__schema *schema = call->api->api->response;
    coordinator_response *resp = call->response;
    bool many = call->version >= FIRST_OF_MANY_KEYS;
    int32_t n = many ? req->coordinator_keys.n : 1;
    coordinator_out *rows = kfk__dev_rows(call, schema, resp, "coordinators", n);

    if (!rows)
        return KFK__DEV_CLOSE;
    for (int32_t i = 0; i < n; i++)
        find(&s->cluster, call, many ? req->coordinator_keys.v[i] : req->key, &rows[i]);
    if (many)
        return KFK__DEV_ANSWER;
    resp->error_code = rows->error_code;
    resp->node_id = rows->node_id;
    resp->host = rows->host;
    resp->port = rows->port;
    resp->coordinators.n = 0;
    return KFK__DEV_ANSWER;
}

/* ---- OffsetCommit ---- */

typedef kfk__offset_commit_request commit_request;
typedef kfk__offset_commit_request_topic commit_in;
typedef kfk__offset_commit_request_partition commit_partition_in;
typedef kfk__offset_commit_response_topic commit_out;
typedef kfk__offset_commit_response_partition commit_partition_out;

/* A member whose epoch is an older one may commit only what it has had since: one partition that is
 * not so spoils the request. */
static int16_t check_consumer(const kfk__dev_cluster *c, const kfk__dev_call *call,
                              const kfk__dev_group *g, const commit_in *t)
{
    const commit_request *req = call->request;
    const kfk__dev_topic *topic = call->version >= FIRST_WITH_IDS
                                      ? kfk__dev_cluster_topic_by_id(c, &t->topic_id)
                                      : kfk__dev_cluster_topic(c, t->name);
    int16_t code = KFK_OK;

    for (int32_t i = 0; topic && !code && i < t->partitions.n; i++) {
        kfk__dev_part p = {.topic = topic->id, .index = t->partitions.v[i].partition_index};

        code = kfk__dev_modern_check(g, req->member_id, req->generation_id_or_member_epoch, &p);
    }
    return code;
}

static int16_t check_modern(const kfk__dev_cluster *c, const kfk__dev_call *call,
                            const kfk__dev_group *g)
{
    const commit_request *req = call->request;
    const kfk__dev_consumer *m;
    int16_t code = KFK_OK;

    if (req->generation_id_or_member_epoch < 0 && g->modern.n_members == 0)
        return KFK_OK;
    m = kfk__dev_consumer_find(g, req->member_id);
    if (!m)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    if (call->version < FIRST_OF_MEMBERS && !kfk__dev_consumer_classic(m))
        return KFK_ERR_UNSUPPORTED_VERSION;
    for (int32_t i = 0; !code && i < req->topics.n; i++)
        code = check_consumer(c, call, g, &req->topics.v[i]);
    return code;
}

/* Who is in no generation may commit for a group that is not there, which is then made, or has no
 * members, whoever it says it is. */
static int16_t check_commit(kfk__dev_cluster *c, const kfk__dev_call *call,
                            const commit_request *req)
{
    int16_t code = kfk__dev_check_coordinator(c, call, req->group_id);
    kfk__dev_group *g;

    if (code)
        return code;
    kfk__dev_coordinate(c, call->now);
    g = kfk__dev_groups_find(&c->groups, req->group_id);
    if (!g && req->generation_id_or_member_epoch >= 0)
        return call->version >= FIRST_WITHOUT_GROUPS ? KFK_ERR_GROUP_ID_NOT_FOUND
                                                     : KFK_ERR_ILLEGAL_GENERATION;
    if (!g)
        return kfk__dev_group_of(c, req->group_id) ? KFK_OK : KFK_ERR_UNKNOWN_SERVER_ERROR;
    if (g->kind == KFK__DEV_MODERN)
        return check_modern(c, call, g);
    return kfk__dev_classic_commit(g, req->member_id, req->group_instance_id,
                                   req->generation_id_or_member_epoch, call->now);
}

/* As Java counts: units of UTF-16, of which a character of four bytes has two. */
static size_t length_of(kfk_bytes text)
{
    const uint8_t *p = text.data;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += (size_t)((p[i] & 0xc0) != 0x80) + (p[i] >= 0xf0);
    return n;
}

/* |group|: what is wrong with the group, which is told only of partitions that there are. */
static int16_t commit(kfk__dev_cluster *c, const kfk__dev_call *call, int16_t group,
                      const commit_in *topic, const commit_partition_in *in)
{
    const commit_request *req = call->request;
    kfk__dev_topic *t;
    kfk__dev_partition *p;
    int16_t code = kfk__dev_find_partition(c, call->version >= FIRST_WITH_IDS, topic->name,
                                           &topic->topic_id, in->partition_index, &t, &p);

    if (call->refuse || code)
        return call->refuse ? call->refuse : code;
    if (group)
        return group;
    if (length_of(in->committed_metadata) > METADATA_MAX)
        return KFK_ERR_OFFSET_METADATA_TOO_LARGE;
    if (kfk__dev_offsets_put(&c->offsets, req->group_id, kfk__bytes_str(t->name),
                             in->partition_index, in->committed_offset, in->committed_leader_epoch,
                             in->committed_metadata))
        return KFK_ERR_UNKNOWN_SERVER_ERROR;
    return KFK_OK;
}

kfk__dev_outcome kfk__dev_offset_commit(kfk__dev_service *s, kfk__dev_call *call)
{
    const commit_request *req = call->request;
    const kfk__schema *response = call->api->api->response,
                      *topic = kfk__dev_sub(response, "topics");
    commit_out *rows = kfk__dev_rows(call, response, call->response, "topics", req->topics.n);
    int16_t code = check_commit(&s->cluster, call, req);

    for (int32_t i = 0; rows && i < req->topics.n; i++) {
        const commit_in *in = &req->topics.v[i];
        commit_partition_out *parts =
            kfk__dev_rows(call, topic, &rows[i], "partitions", in->partitions.n);

        if (!parts)
            return KFK__DEV_CLOSE;
        rows[i].name = in->name;
        rows[i].topic_id = in->topic_id;
        for (int32_t k = 0; k < in->partitions.n; k++) {
            parts[k].partition_index = in->partitions.v[k].partition_index;
            parts[k].error_code = commit(&s->cluster, call, code, in, &in->partitions.v[k]);
        }
    }
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- OffsetFetch ----
 * Version 8 asks for several groups; the struct of one group's topic differs from the older
 * versions' only in its name, and in the topic's id. */

typedef kfk__offset_fetch_request fetch_request;
typedef kfk__offset_fetch_response fetch_response;
typedef kfk__offset_fetch_request_group group_in;
typedef kfk__offset_fetch_response_group group_out;
typedef kfk__offset_fetch_response_group_topic topic_out;
typedef kfk__offset_fetch_response_group_partition partition_out;
typedef kfk__offset_fetch_response_topic old_topic_out;
typedef kfk__offset_fetch_response_partition old_partition_out;

/* |o| NULL: nothing is stored. */
static void tell(const kfk__dev_call *call, int32_t partition, const kfk__dev_offset *o,
                 partition_out *out)
{
    const fetch_request *req = call->request;

    out->partition_index = partition;
    out->committed_offset = -1;
    out->metadata = kfk__bytes("", 0);
    if (o && o->pending && req->require_stable) {
        out->error_code = KFK_ERR_UNSTABLE_OFFSET_COMMIT;
    } else if (o && o->offset >= 0) {
        out->committed_offset = o->offset;
        out->committed_leader_epoch = o->leader_epoch;
        out->metadata = kfk__bytes(o->metadata, o->metadata_len);
    }
}

static bool fetch_named(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__schema *topic,
                        const group_in *in, int32_t at, topic_out *out)
{
    bool by_id = call->version >= FIRST_WITH_IDS;
    int32_t n = in->topics.v[at].partition_indexes.n;
    partition_out *parts = kfk__dev_rows(call, topic, out, "partitions", n);
    const kfk__dev_topic *t =
        by_id ? kfk__dev_cluster_topic_by_id(c, &in->topics.v[at].topic_id) : NULL;
    kfk_bytes name = by_id ? kfk__bytes_str(t ? t->name : "") : in->topics.v[at].name;

    out->name = in->topics.v[at].name;
    out->topic_id = in->topics.v[at].topic_id;
    for (int32_t i = 0; parts && i < n; i++) {
        int32_t partition = in->topics.v[at].partition_indexes.v[i];

        tell(call, partition, kfk__dev_offsets_get(&c->offsets, in->group_id, name, partition),
             &parts[i]);
        if (by_id && !t)
            parts[i].error_code = KFK_ERR_UNKNOWN_TOPIC_ID;
    }
    return parts != NULL;
}

/* What a group has in this place of the list; NULL: it is another's, or nothing yet. */
static const kfk__dev_offset *stored_at(kfk__list *i, kfk_bytes group)
{
    const kfk__dev_offset *o = KFK__ENTRY(i, kfk__dev_offset, link);

    return o->offset >= 0 && kfk__bytes_equal(o->group, group) ? o : NULL;
}

static int32_t count_of(const kfk__dev_cluster *c, kfk_bytes group)
{
    int32_t n = 0;

    for (kfk__list *i = kfk__list_first(&c->offsets.all); i; i = kfk__list_next(&c->offsets.all, i))
        n += stored_at(i, group) != NULL;
    return n;
}

/* Puts a partition into its topic's row: the last one, or the next. */
static void tell_in(const kfk__dev_cluster *c, const kfk__dev_offset *o, partition_out *part,
                    group_out *out)
{
    const kfk__dev_topic *t = kfk__dev_cluster_topic(c, o->topic);
    topic_out *row = out->topics.n ? &out->topics.v[out->topics.n - 1] : NULL;

    if (!row || !kfk__bytes_equal(row->name, o->topic)) {
        row = &out->topics.v[out->topics.n++];
        row->name = o->topic;
        if (t)
            row->topic_id = t->id;
        row->partitions.v = part;
    }
    row->partitions.n++;
}

/* All that the group has. */
static bool fetch_all(const kfk__dev_cluster *c, kfk__dev_call *call, const kfk__schema *group,
                      kfk_bytes id, group_out *out)
{
    const kfk__schema *topic = kfk__dev_sub(group, "topics");
    int32_t n = count_of(c, id);
    partition_out *part = kfk__dev_call_structs(call, kfk__dev_sub(topic, "partitions"), n);

    if (!part || !kfk__dev_rows(call, group, out, "topics", n))
        return false;
    out->topics.n = 0;
    for (kfk__list *i = kfk__list_first(&c->offsets.all); i;
         i = kfk__list_next(&c->offsets.all, i)) {
        const kfk__dev_offset *o = stored_at(i, id);

        if (!o)
            continue;
        tell(call, o->partition, o, part);
        tell_in(c, o, part++, out);
    }
    return true;
}

/* Who says that it is a member has to be one, in its epoch. */
static int16_t check_fetch(const kfk__dev_cluster *c, const kfk__dev_call *call, const group_in *in)
{
    const kfk__dev_group *g = kfk__dev_groups_find(&c->groups, in->group_id);
    int16_t code = kfk__dev_check_coordinator(c, call, in->group_id);

    if (code || !g || g->kind != KFK__DEV_MODERN || (!in->member_id.data && in->member_epoch < 0))
        return code;
    return kfk__dev_modern_check(g, in->member_id, in->member_epoch, NULL);
}

static bool fetch_group(const kfk__dev_cluster *c, kfk__dev_call *call, const group_in *in,
                        group_out *out)
{
    const kfk__schema *group = kfk__dev_sub(call->api->api->response, "groups");
    topic_out *rows;

    out->group_id = in->group_id;
    out->error_code = check_fetch(c, call, in);
    if (out->error_code)
        return true;
    if (in->topics.n < 0)
        return fetch_all(c, call, group, in->group_id, out);
    rows = kfk__dev_rows(call, group, out, "topics", in->topics.n);
    for (int32_t i = 0; rows && i < in->topics.n; i++)
        if (!fetch_named(c, call, kfk__dev_sub(group, "topics"), in, i, &rows[i]))
            return false;
    return rows != NULL;
}

/* The one group of an old request, as a new one would name it. */
static bool as_group(kfk__dev_call *call, const fetch_request *req, group_in *out)
{
    void *topics = kfk__dev_rows(call, kfk__dev_sub(call->api->api->request, "groups"), out,
                                 "topics", req->topics.n < 0 ? 0 : req->topics.n);

    out->group_id = req->group_id;
    for (int32_t i = 0; topics && i < req->topics.n; i++) {
        out->topics.v[i].name = req->topics.v[i].name;
        out->topics.v[i].partition_indexes.v = req->topics.v[i].partition_indexes.v;
        out->topics.v[i].partition_indexes.n = req->topics.v[i].partition_indexes.n;
    }
    if (req->topics.n < 0)
        out->topics.n = -1;
    return topics != NULL;
}

static bool as_old(kfk__dev_call *call, const group_out *in, fetch_response *out)
{
    const kfk__schema *response = call->api->api->response,
                      *topic = kfk__dev_sub(response, "topics");
    old_topic_out *rows = kfk__dev_rows(call, response, out, "topics", in->topics.n);

    out->error_code = in->error_code;
    for (int32_t i = 0; rows && i < in->topics.n; i++) {
        const topic_out *from = &in->topics.v[i];
        old_partition_out *parts =
            kfk__dev_rows(call, topic, &rows[i], "partitions", from->partitions.n);

        if (!parts)
            return false;
        rows[i].name = from->name;
        for (int32_t k = 0; k < from->partitions.n; k++) {
            parts[k].partition_index = from->partitions.v[k].partition_index;
            parts[k].committed_offset = from->partitions.v[k].committed_offset;
            parts[k].committed_leader_epoch = from->partitions.v[k].committed_leader_epoch;
            parts[k].metadata = from->partitions.v[k].metadata;
            parts[k].error_code = from->partitions.v[k].error_code;
        }
    }
    return rows != NULL;
}

kfk__dev_outcome kfk__dev_offset_fetch(kfk__dev_service *s, kfk__dev_call *call)
{
    const fetch_request *req = call->request;
    bool many = call->version >= FIRST_OF_MANY_GROUPS;
    int32_t n = many ? req->groups.n : 1;
    group_in *in =
        many ? req->groups.v
             : kfk__dev_call_structs(call, kfk__dev_sub(call->api->api->request, "groups"), 1);
    group_out *out = kfk__dev_rows(call, call->api->api->response, call->response, "groups", n);

    if (!out || (!many && (!in || !as_group(call, req, in))))
        return KFK__DEV_CLOSE;
    for (int32_t i = 0; i < n; i++)
        if (!fetch_group(&s->cluster, call, &in[i], &out[i]))
            return KFK__DEV_CLOSE;
    if (many)
        return KFK__DEV_ANSWER;
    ((fetch_response *)call->response)->groups.n = 0;
    return as_old(call, out, call->response) ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}
