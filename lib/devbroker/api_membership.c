/* JoinGroup, SyncGroup, Heartbeat, LeaveGroup: who is in a group of the classic protocol. */
#include "devbroker/handlers.h"

#include "devbroker/classic.h"
#include "devbroker/coordinate.h"
#include "devbroker/copy.h"
#include "devbroker/groups.h"
#include "devbroker/members.h"
#include "devbroker/modern_classic.h"
#include "devbroker/reply.h"
#include "proto/heartbeat.h"
#include "proto/join_group.h"
#include "proto/leave_group.h"
#include "proto/sync_group.h"

enum {
    FIRST_OF_MANY = 3,            /* LeaveGroup */
    FIRST_WITH_PROTOCOLS = 5,     /* SyncGroup */
    FIRST_WITH_NULL_PROTOCOL = 7, /* JoinGroup */
};

/* Whether the group's requests belong here. What is due comes first. */
static int16_t check(kfk__dev_cluster *c, const kfk__dev_call *call, kfk_bytes group)
{
    if (!call->refuse)
        kfk__dev_coordinate(c, call->now);
    if (!call->refuse && group.len == 0)
        return KFK_ERR_INVALID_GROUP_ID;
    return kfk__dev_check_coordinator(c, call, group);
}

/* ---- calls that wait ---- */

static void forget(kfk__dev_call *call)
{
    kfk__dev_unpark(call->kept);
}

/* The first time: |call| has something to be told by. NULL: no memory. */
static kfk__dev_parked *park(kfk__dev_call *call, bool (*tell)(void *, const kfk__dev_verdict *))
{
    kfk__dev_parked *p = kfk__dev_call_array(call, 1, sizeof *p);

    if (!p)
        return NULL;
    *p = (kfk__dev_parked){.call = call, .tell = tell};
    call->kept = p;
    call->forget = forget;
    return p;
}

/* What is due now may be what it waits for. */
static kfk__dev_outcome go_on(kfk__dev_cluster *c, const kfk__dev_call *call)
{
    const kfk__dev_parked *p = call->kept;

    if (!p->done)
        kfk__dev_coordinate(c, call->now);
    if (!p->done)
        return KFK__DEV_WAIT;
    return p->broken ? KFK__DEV_CLOSE : KFK__DEV_ANSWER;
}

/* A copy, where there is something. false: no memory. */
static bool keep(kfk__dev_call *call, kfk_bytes from, kfk_bytes *to)
{
    return !from.data || kfk__dev_copy_in(&call->arena, from, to);
}

/* ---- JoinGroup ---- */

static bool tell_members(kfk__dev_call *call, const kfk__dev_group *g)
{
    kfk__join_group_response_member *rows = kfk__dev_rows(
        call, call->api->api->response, call->response, "members", g->classic.n_members);

    if (!rows)
        return false;
    for (KFK__DEV_EACH(m, g)) {
        if (!kfk__dev_copy_in(&call->arena, m->id, &rows->member_id) ||
            !kfk__dev_copy_in(&call->arena, m->instance, &rows->group_instance_id) ||
            !kfk__dev_copy_in(&call->arena, kfk__dev_member_metadata(m), &rows->metadata))
            return false;
        rows++;
    }
    return true;
}

/* Who tells may be gone when the answer is written: it has copies of everything. */
static bool tell_join(void *ctx, const kfk__dev_verdict *v)
{
    kfk__dev_call *call = ctx;
    kfk__join_group_response *resp = call->response;

    resp->error_code = v->code;
    if (!v->code)
        resp->generation_id = v->generation;
    resp->skip_assignment = v->skip;
    if (call->version >= FIRST_WITH_NULL_PROTOCOL)
        resp->protocol_name = (kfk_bytes){0};
    return keep(call, v->protocol, &resp->protocol_name) &&
           keep(call, v->protocol_type, &resp->protocol_type) &&
           keep(call, v->leader, &resp->leader) && keep(call, v->id, &resp->member_id) &&
           (!v->leads || tell_members(call, v->leads));
}

static int16_t check_join(kfk__dev_cluster *c, const kfk__dev_call *call)
{
    const kfk__join_group_request *req = call->request;
    const kfk__dev_group_settings *set = &c->groups.settings;
    int16_t code = check(c, call, req->group_id);

    if (call->refuse || code == KFK_ERR_INVALID_GROUP_ID)
        return code;
    if (req->session_timeout_ms < set->min_session_ms ||
        req->session_timeout_ms > set->max_session_ms)
        return KFK_ERR_INVALID_SESSION_TIMEOUT;
    if (!code && req->member_id.len && !kfk__dev_groups_find(&c->groups, req->group_id))
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    return code;
}

static bool join_as(kfk__dev_group *g, const kfk__dev_join *j)
{
    if (g->kind == KFK__DEV_MODERN && !kfk__dev_group_empty(g))
        return kfk__dev_modern_join(g, j);
    kfk__dev_group_become(g, KFK__DEV_CLASSIC);
    return kfk__dev_classic_join(g, j);
}

static bool join(kfk__dev_cluster *c, kfk__dev_call *call)
{
    const kfk__join_group_request *req = call->request;
    kfk__dev_parked *p = park(call, tell_join);
    int16_t code = check_join(c, call);
    kfk__dev_group *g;

    if (p && code)
        kfk__dev_tell(p, &(kfk__dev_verdict){.code = code, .id = req->member_id});
    if (!p || code)
        return p != NULL;
    g = kfk__dev_group_of(c, req->group_id);
    return g && join_as(g, &(kfk__dev_join){.req = req,
                                            .client_id = call->client_id,
                                            .client_host = call->client_host,
                                            .arena = &call->arena,
                                            .now = call->now,
                                            .version = call->version,
                                            .parked = p});
}

kfk__dev_outcome kfk__dev_join_group(kfk__dev_service *s, kfk__dev_call *call)
{
    if (!call->kept && !join(&s->cluster, call))
        return KFK__DEV_CLOSE;
    return go_on(&s->cluster, call);
}

/* ---- SyncGroup ---- */

static bool tell_sync(void *ctx, const kfk__dev_verdict *v)
{
    kfk__dev_call *call = ctx;
    kfk__sync_group_response *resp = call->response;

    resp->error_code = v->code;
    return keep(call, v->protocol_type, &resp->protocol_type) &&
           keep(call, v->protocol, &resp->protocol_name) &&
           keep(call, v->assignment, &resp->assignment);
}

static int16_t check_sync(kfk__dev_cluster *c, const kfk__dev_call *call)
{
    const kfk__sync_group_request *req = call->request;

    if (!call->refuse && call->version >= FIRST_WITH_PROTOCOLS &&
        (!req->protocol_type.data || !req->protocol_name.data))
        return KFK_ERR_INCONSISTENT_GROUP_PROTOCOL;
    return check(c, call, req->group_id);
}

static bool sync(kfk__dev_cluster *c, kfk__dev_call *call)
{
    const kfk__sync_group_request *req = call->request;
    kfk__dev_parked *p = park(call, tell_sync);
    int16_t code = check_sync(c, call);
    kfk__dev_group *g = kfk__dev_groups_find(&c->groups, req->group_id);

    if (!code && !g)
        code = KFK_ERR_UNKNOWN_MEMBER_ID;
    if (p && code)
        kfk__dev_tell(p, &(kfk__dev_verdict){.code = code});
    if (!p || code)
        return p != NULL;
    return (g->kind == KFK__DEV_MODERN ? kfk__dev_modern_sync : kfk__dev_classic_sync)(g, req, p,
                                                                                       call->now);
}

kfk__dev_outcome kfk__dev_sync_group(kfk__dev_service *s, kfk__dev_call *call)
{
    if (!call->kept && !sync(&s->cluster, call))
        return KFK__DEV_CLOSE;
    return go_on(&s->cluster, call);
}

/* ---- Heartbeat ---- */

kfk__dev_outcome kfk__dev_heartbeat(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__heartbeat_request *req = call->request;
    kfk__heartbeat_response *resp = call->response;
    int16_t (*beat)(kfk__dev_group *, kfk_bytes, kfk_bytes, int32_t, int64_t);
    kfk__dev_group *g;

    resp->error_code = check(&s->cluster, call, req->group_id);
    if (resp->error_code)
        return KFK__DEV_ANSWER;
    g = kfk__dev_groups_find(&s->cluster.groups, req->group_id);
    beat = g && g->kind == KFK__DEV_MODERN ? kfk__dev_modern_heartbeat : kfk__dev_classic_heartbeat;
    resp->error_code =
        g ? beat(g, req->member_id, req->group_instance_id, req->generation_id, call->now)
          : KFK_ERR_UNKNOWN_MEMBER_ID;
    return KFK__DEV_ANSWER;
}

/* ---- LeaveGroup ---- */

static int16_t leave(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance, int64_t now,
                     bool *any)
{
    int16_t code;

    if (!g)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    code = g->kind == KFK__DEV_MODERN ? kfk__dev_modern_remove(g, member, instance, now)
                                      : kfk__dev_classic_leave(g, member, instance);
    *any |= code == KFK_OK;
    return code;
}

static bool leave_many(kfk__dev_group *g, kfk__dev_call *call, bool *any)
{
    const kfk__leave_group_request *req = call->request;
    kfk__leave_group_response_member *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "members", req->members.n);

    for (int32_t i = 0; rows && i < req->members.n; i++) {
        rows[i].member_id = req->members.v[i].member_id;
        rows[i].group_instance_id = req->members.v[i].group_instance_id;
        rows[i].error_code = leave(g, rows[i].member_id, rows[i].group_instance_id, call->now, any);
    }
    return rows != NULL;
}

kfk__dev_outcome kfk__dev_leave_group(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__leave_group_request *req = call->request;
    kfk__leave_group_response *resp = call->response;
    bool any = false;
    kfk__dev_group *g;

    resp->error_code = check(&s->cluster, call, req->group_id);
    if (resp->error_code)
        return KFK__DEV_ANSWER;
    g = kfk__dev_groups_find(&s->cluster.groups, req->group_id);
    if (call->version < FIRST_OF_MANY)
        resp->error_code = leave(g, req->member_id, (kfk_bytes){0}, call->now, &any);
    else if (!leave_many(g, call, &any))
        return KFK__DEV_CLOSE;
    if (any && g->kind == KFK__DEV_CLASSIC)
        kfk__dev_classic_left(g, call->now);
    return KFK__DEV_ANSWER;
}
