/* The calls that look at groups and steer them, and that the broker's loop wakes for what is due.
 */
#include "batches.h"

#include "devbroker/broker.h"
#include "devbroker/devbroker.h"
#include "net/env_posix.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/data.h"
#include "proto/header.h"
#include "proto/join_group.h"
#include "proto/sync_group.h"

enum { SESSION_MS = 10000, WALL_MS = 1700000000 };

static kfk__env env;
static kfk__devbroker *broker;
static kfk__arena arena;
static char member[96];

static int64_t now(void)
{
    return env.ops->now_ns(env.ctx);
}

/* Asks as a connection would. */
static const void *ask(const kfk__api *api, int16_t version, const void *req)
{
    kfk_bytes group = kfk__bytes_str("g");
    int32_t node = kfk__dev_cluster_coordinator(&broker->service.cluster, group);
    kfk__dev_call *call = kfk__dev_call_new(&env.alloc, node);
    void *resp = kfk__arena_alloc(&arena, api->response->size);
    size_t at = kfk__response_header_tagged(api, version) ? 9 : 8, used;
    uint8_t *bytes;

    kfk__request_header_write(&call->frame, api, version, 1, "tester");
    ck_assert_int_eq(
        kfk__encode(api->request, version, kfk__flexible(api, version), req, &call->frame, NULL),
        KFK_OK);
    ck_assert_int_eq(kfk__dev_call_step(&broker->service, call, now(), WALL_MS), KFK__DEV_READY);
    kfk__msg_init(api->response, resp);
    bytes = kfk__arena_alloc(&arena, call->out.len);
    memcpy(bytes, call->out.data, call->out.len);
    ck_assert_int_eq(kfk__decode(api->response, version, kfk__flexible(api, version), bytes + at,
                                 call->out.len - at, &arena, resp, &used, NULL),
                     KFK_OK);
    kfk__dev_call_free(call);
    return resp;
}

static int32_t join(void)
{
    kfk__join_group_request_protocol p = {kfk__bytes_str("range"), kfk__bytes_str("m")};
    kfk__join_group_request req = kfk__join_group_request_default;
    const kfk__join_group_response *r;

    req.group_id = kfk__bytes_str("g");
    req.session_timeout_ms = req.rebalance_timeout_ms = SESSION_MS;
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocols.v = &p;
    req.protocols.n = 1;
    r = ask(&kfk__join_group_api, 3, &req);
    ck_assert_int_eq(r->error_code, 0);
    (void)snprintf(member, sizeof member, "%.*s", (int)r->member_id.len,
                   (const char *)r->member_id.data);
    return r->generation_id;
}

/* Gives it partitions 0 and 2 of t, and 1 of u. */
static void assign(int32_t generation)
{
    int32_t of_t[] = {0, 2}, of_u[] = {1};
    kfk__consumer_protocol_assignment_partition parts[] = {{kfk__bytes_str("t"), {of_t, 2}},
                                                           {kfk__bytes_str("u"), {of_u, 1}}};
    kfk__consumer_protocol_assignment a = {.assigned_partitions = {parts, 2}};
    kfk__sync_group_request_assignment row = {.member_id = kfk__bytes_str(member)};
    kfk__sync_group_request req = kfk__sync_group_request_default;
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__data_encode(&kfk__consumer_protocol_assignment_data, 1, &a, &out),
                     KFK_OK);
    row.assignment = kfk__bytes(out.data, out.len);
    req.group_id = kfk__bytes_str("g");
    req.member_id = row.member_id;
    req.generation_id = generation;
    req.assignments.v = &row;
    req.assignments.n = 1;
    ck_assert_int_eq(
        ((const kfk__sync_group_response *)ask(&kfk__sync_group_api, 3, &req))->error_code, 0);
    kfk__buf_fini(&out);
}

static void setup(void)
{
    kfk__devbroker_opts o = {.n_nodes = 3};
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    kfk__arena_init(&arena, &kfk__malloc_allocator);
    assign(join());
}

static void teardown(void)
{
    kfk__devbroker_free(broker);
    kfk__arena_fini(&arena);
}

static kfk__devbroker_group_state state(void)
{
    kfk__devbroker_group_state s = {NULL, 0, 0, 0};

    ck_assert_int_eq(kfk__devbroker_group(broker, "g", &s, NULL, NULL), KFK_OK);
    return s;
}

static void see(void *arg, const kfk__devbroker_member *m)
{
    int *seen = arg;

    ++*seen;
    ck_assert_bytes_eq(m->id, member);
    ck_assert_bytes_eq(m->client_id, "tester");
    ck_assert_ptr_null(m->instance.data);
    ck_assert_int_eq(m->epoch, 1);
    ck_assert_uint_eq(m->n_owns, 3);
    ck_assert_bytes_eq(m->owns[1].topic, "t");
    ck_assert_int_eq(m->owns[1].partition, 2);
    ck_assert_bytes_eq(m->owns[2].topic, "u");
}

START_TEST(members_and_what_they_own)
{
    kfk__devbroker_group_state s;
    int seen = 0;

    ck_assert_int_eq(kfk__devbroker_group(broker, "g", &s, see, &seen), KFK_OK);
    ck_assert_int_eq(seen, 1);
    ck_assert_str_eq(s.state, "Stable");
    ck_assert_int_eq(s.epoch, 1);
    ck_assert_int_eq(s.members, 1);
    ck_assert_int_ge(s.coordinator, 1);
    ck_assert_int_eq(kfk__devbroker_group(broker, "none", &s, see, &seen), KFK_ERR_INVALID_ARG);
}
END_TEST

START_TEST(a_rebalance_is_forced)
{
    ck_assert_int_eq(kfk__devbroker_rebalance_group(broker, "g"), KFK_OK);
    ck_assert_str_eq(state().state, "PreparingRebalance");
    ck_assert_int_eq(kfk__devbroker_rebalance_group(broker, "g"), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_rebalance_group(broker, "none"), KFK_ERR_INVALID_ARG);
}
END_TEST

START_TEST(a_member_expires)
{
    ck_assert_int_eq(kfk__devbroker_expire_member(broker, "g", "nobody"), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_expire_member(broker, "none", member), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_expire_member(broker, "g", member), KFK_OK);
    ck_assert_str_eq(state().state, "Empty");
    ck_assert_int_eq(state().members, 0);
}
END_TEST

START_TEST(a_group_is_lost)
{
    kfk__devbroker_group_state s;

    ck_assert_int_eq(kfk__devbroker_forget_group(broker, "g"), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_group(broker, "g", &s, NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_forget_group(broker, "g"), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(join(), 1);
}
END_TEST

START_TEST(a_coordinator_is_chosen)
{
    int32_t other = state().coordinator % 3 + 1;

    ck_assert_int_eq(kfk__devbroker_move_coordinator(broker, "g", 4), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_move_coordinator(broker, "g", other), KFK_OK);
    ck_assert_int_eq(state().coordinator, other);
    ck_assert_int_eq(state().members, 1);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, other), KFK_OK);
    ck_assert_int_eq(state().coordinator, other % 3 + 1);
}
END_TEST

START_TEST(settings_hold_from_now_on)
{
    kfk__join_group_request_protocol p = {kfk__bytes_str("range"), kfk__bytes_str("m")};
    kfk__join_group_request req = kfk__join_group_request_default;
    kfk__dev_group_settings set = {.min_session_ms = 20000};

    kfk__devbroker_set_groups(broker, &set);
    req.group_id = kfk__bytes_str("h");
    req.session_timeout_ms = SESSION_MS;
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocols.v = &p;
    req.protocols.n = 1;
    ck_assert_int_eq(
        ((const kfk__join_group_response *)ask(&kfk__join_group_api, 3, &req))->error_code,
        KFK_ERR_INVALID_SESSION_TIMEOUT);
}
END_TEST

/* The loop asks to be called when a session ends, and ends it then. */
START_TEST(the_loop_wakes_for_sessions)
{
    int64_t at = now(), due = kfk__devbroker_step(broker, NULL, 0, at);
    kfk__dev_group *g = kfk__dev_groups_find(&broker->service.cluster.groups, kfk__bytes_str("g"));

    ck_assert_int_gt(due, at);
    ck_assert_int_le(due, at + SESSION_MS * KFK__MS);
    due = kfk__devbroker_step(broker, NULL, 0, due); /* the time for SyncGroups, which all sent */
    (void)kfk__devbroker_step(broker, NULL, 0, due - 1);
    ck_assert_int_eq(g->classic.n_members, 1);
    (void)kfk__devbroker_step(broker, NULL, 0, due);
    ck_assert_int_eq(g->classic.n_members, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/control_groups");
    TCase *t = tcase_create("control_groups");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, members_and_what_they_own);
    tcase_add_test(t, a_rebalance_is_forced);
    tcase_add_test(t, a_member_expires);
    tcase_add_test(t, a_group_is_lost);
    tcase_add_test(t, a_coordinator_is_chosen);
    tcase_add_test(t, settings_hold_from_now_on);
    tcase_add_test(t, the_loop_wakes_for_sessions);
    suite_add_tcase(s, t);
    return run_suite(s);
}
