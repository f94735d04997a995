/* What the tests of classic groups share: clients that join one, by the bytes of the protocol, on a
 * clock of the test's own. */
#ifndef TESTS_UNIT_DEVBROKER_JOINS_H
#define TESTS_UNIT_DEVBROKER_JOINS_H

#include "asker.h"

#include "devbroker/classic.h"
#include "devbroker/coordinate.h"
#include "devbroker/members.h"
#include "proto/heartbeat.h"
#include "proto/join_group.h"
#include "proto/leave_group.h"
#include "proto/sync_group.h"

enum { SESSION_MS = 10000, REBALANCE_MS = 60000, JOIN_V = 9 };

static const char *const the_group = "g";

/* A client, as it sees itself. Zero: a consumer that knows "range", with no id yet. */
typedef struct client {
    char id[96];
    const char *instance;
    const char *protocols[3]; /* NULL: "range"; the metadata is the name and a number */
    const char *type;         /* NULL: "consumer" */
    int metadata;
    int32_t session_ms, rebalance_ms;
    int32_t generation;
    int16_t older;       /* than the newest, by so many versions of JoinGroup */
    kfk__dev_call *call; /* that has no answer yet, or one that was not looked at */
    kfk__dev_status status;
} client;

static inline int16_t version_of(const client *c)
{
    return (int16_t)(JOIN_V - c->older);
}

static inline void pass_ms(int64_t ms)
{
    now_ns += ms * KFK__MS;
    kfk__dev_coordinate(&service.cluster, now_ns);
}

static inline void send_call(client *c, kfk__dev_call *call)
{
    ck_assert_ptr_null(c->call);
    c->call = call;
    c->status = kfk__dev_call_step(&service, call, now_ns, WALL_MS);
}

static inline bool waits(client *c)
{
    if (c->status == KFK__DEV_WAITING)
        c->status = kfk__dev_call_step(&service, c->call, now_ns, WALL_MS);
    return c->status == KFK__DEV_WAITING;
}

/* It hangs up. */
static inline void drop_call(client *c)
{
    kfk__dev_call_free(c->call);
    c->call = NULL;
}

/* The answer, which is there. */
static inline void *answer_of(client *c, const kfk__api *api, int16_t version)
{
    uint8_t *bytes;
    size_t n;

    ck_assert(!waits(c));
    ck_assert_int_eq(c->status, KFK__DEV_READY);
    bytes = answer_bytes(c->call, &n);
    drop_call(c);
    return decode_answer(api, version, bytes, n);
}

static inline int32_t coordinator_of(const char *group)
{
    return kfk__dev_cluster_coordinator(&service.cluster, kfk__bytes_str(group));
}

static inline kfk__dev_group *group_now(void)
{
    return kfk__dev_groups_find(&service.cluster.groups, kfk__bytes_str(the_group));
}

#define ck_assert_state(want) ck_assert_str_eq(kfk__dev_classic_state_name(group_now()), want)

/* ---- JoinGroup ---- */

static inline kfk__dev_call *join_call(const client *c, int32_t node)
{
    static char metadata[3][32];
    kfk__join_group_request_protocol protocols[3];
    kfk__join_group_request req;

    new_request(&kfk__join_group_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.session_timeout_ms = c->session_ms ? c->session_ms : SESSION_MS;
    req.rebalance_timeout_ms = c->rebalance_ms ? c->rebalance_ms : REBALANCE_MS;
    req.member_id = kfk__bytes_str(c->id);
    req.group_instance_id = kfk__bytes_str(c->instance);
    req.protocol_type = kfk__bytes_str(c->type ? c->type : "consumer");
    req.protocols.v = protocols;
    for (int i = 0; i < 3 && (c->protocols[i] || i == 0); i++) {
        const char *name = c->protocols[i] ? c->protocols[i] : "range";

        (void)snprintf(metadata[i], sizeof metadata[i], "%s%d", name, c->metadata);
        protocols[i].name = kfk__bytes_str(name);
        protocols[i].metadata = kfk__bytes_str(metadata[i]);
        req.protocols.n = i + 1;
    }
    return call_of(node, &kfk__join_group_api, version_of(c), &req);
}

/* Sends a JoinGroup; it may have its answer at once. */
static inline void join_begin(client *c)
{
    send_call(c, join_call(c, coordinator_of(the_group)));
}

static inline const kfk__join_group_response *join_end(client *c)
{
    const kfk__join_group_response *r = answer_of(c, &kfk__join_group_api, version_of(c));

    if (r->member_id.len && r->error_code != KFK_ERR_FENCED_INSTANCE_ID)
        (void)snprintf(c->id, sizeof c->id, "%.*s", (int)r->member_id.len,
                       (const char *)r->member_id.data);
    if (!r->error_code)
        c->generation = r->generation_id;
    return r;
}

/* Until it waits, or is in a generation: with an id, which it asks for first where it has to. */
static inline void join_in(client *c)
{
    join_begin(c);
    if (!waits(c) && version_of(c) >= 4 && !c->instance && !c->id[0]) {
        ck_assert_int_eq(join_end(c)->error_code, KFK_ERR_MEMBER_ID_REQUIRED);
        join_begin(c);
    }
}

static inline const kfk__join_group_response *join_now(client *c)
{
    const kfk__join_group_response *r;

    join_in(c);
    r = join_end(c);
    ck_assert_int_eq(r->error_code, 0);
    return r;
}

/* ---- SyncGroup ---- */

/* |n| assignments, of the clients' names. */
static inline void sync_begin(client *c, const client *const *to, int n)
{
    kfk__sync_group_request_assignment rows[8];
    kfk__sync_group_request req;

    new_request(&kfk__sync_group_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.generation_id = c->generation;
    req.member_id = kfk__bytes_str(c->id);
    req.group_instance_id = kfk__bytes_str(c->instance);
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocol_name = kfk__bytes_str(c->protocols[0] ? c->protocols[0] : "range");
    for (int i = 0; i < n; i++)
        rows[i] = (kfk__sync_group_request_assignment){kfk__bytes_str(to[i]->id),
                                                       kfk__bytes_str(to[i]->id)};
    req.assignments.v = rows;
    req.assignments.n = n;
    send_call(c, call_of(coordinator_of(the_group), &kfk__sync_group_api, 5, &req));
}

static inline const kfk__sync_group_response *sync_end(client *c)
{
    return answer_of(c, &kfk__sync_group_api, 5);
}

/* It gets what the leader gave it: its own id. */
static inline void sync_ok(client *c)
{
    const kfk__sync_group_response *r = sync_end(c);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_bytes_eq(r->assignment, c->id);
    ck_assert_bytes_eq(r->protocol_type, "consumer");
}

/* ---- the rest ---- */

static inline int16_t beat(const client *c)
{
    kfk__heartbeat_request req;

    new_request(&kfk__heartbeat_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.generation_id = c->generation;
    req.member_id = kfk__bytes_str(c->id);
    req.group_instance_id = kfk__bytes_str(c->instance);
    return ((kfk__heartbeat_response *)ask(coordinator_of(the_group), &kfk__heartbeat_api, 4, &req))
        ->error_code;
}

/* As version |v| does it. */
static inline int16_t leave_as(const char *id, const char *instance, int16_t v)
{
    kfk__leave_group_request_member m = {kfk__bytes_str(id), kfk__bytes_str(instance), {NULL, 0}};
    kfk__leave_group_request req;
    const kfk__leave_group_response *r;

    new_request(&kfk__leave_group_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    if (v < 3) {
        req.member_id = m.member_id;
    } else {
        req.members.v = &m;
        req.members.n = 1;
    }
    r = ask(coordinator_of(the_group), &kfk__leave_group_api, v, &req);
    if (v < 3 || r->error_code)
        return r->error_code;
    ck_assert_int_eq(r->members.n, 1);
    return r->members.v[0].error_code;
}

static inline int16_t leave(const client *c)
{
    return leave_as(c->id, c->instance, 5);
}

/* |a| is alone in a stable group. */
static inline void settle_one(client *a)
{
    const client *const both[] = {a};

    (void)join_now(a);
    sync_begin(a, both, 1);
    sync_ok(a);
}

/* |b| joins |a|, who leads, and both have their assignment. */
static inline void settle_two(client *a, client *b)
{
    const client *const both[] = {a, b};

    if (!a->generation)
        settle_one(a);
    join_in(b);
    ck_assert(waits(b));
    join_begin(a);
    ck_assert_int_eq(join_end(a)->error_code, 0);
    ck_assert_int_eq(join_end(b)->error_code, 0);
    sync_begin(a, both, 2);
    sync_ok(a);
    sync_begin(b, NULL, 0);
    sync_ok(b);
}

#endif
