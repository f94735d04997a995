/* Groups that change their kind while they have members, and members of both protocols in one. */
#include "joins.h"

#include "sim/failalloc.h"

#include "devbroker/consumers.h"
#include "devbroker/groups.h"
#include "proto/consumer_group_heartbeat.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/consumer_protocol_subscription.h"
#include "proto/data.h"
#include "proto/offset_commit.h"

enum { MOST = 8 };

/* A client of the classic protocol that says what it reads and has, as Java's does. */
typedef struct reader {
    client c;
    int32_t has[MOST];
    int32_t n;
} reader;

static reader a, b;
static kfk__dev_topic *topic;

static void setup(void)
{
    begin(2);
    topic = add_topic("t", 4, 1);
    a = b = (reader){.n = 0};
}

static void teardown(void)
{
    drop_call(&a.c);
    drop_call(&b.c);
    end();
}

/* ---- the classic side ---- */

static void join_begin_as(reader *r)
{
    kfk_bytes name = kfk__bytes_str("t");
    kfk__consumer_protocol_subscription_partition has = {name, {r->has, r->n}};
    kfk__consumer_protocol_subscription s = kfk__consumer_protocol_subscription_default;
    kfk__join_group_request_protocol p = {.name = kfk__bytes_str("range")};
    kfk__join_group_request req;
    kfk__buf out;

    s.topics.v = &name;
    s.topics.n = 1;
    s.owned_partitions.v = &has;
    s.owned_partitions.n = 1;
    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__data_encode(&kfk__consumer_protocol_subscription_data, 3, &s, &out), 0);
    p.metadata = kfk__bytes(out.data, out.len);
    new_request(&kfk__join_group_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.session_timeout_ms = SESSION_MS;
    req.rebalance_timeout_ms = REBALANCE_MS;
    req.member_id = kfk__bytes_str(r->c.id);
    req.group_instance_id = kfk__bytes_str(r->c.instance);
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocols.v = &p;
    req.protocols.n = 1;
    send_call(&r->c, call_of(coordinator_of(the_group), &kfk__join_group_api, JOIN_V, &req));
    kfk__buf_fini(&out);
}

static void join_as(reader *r)
{
    join_begin_as(r);
    if (!waits(&r->c) && !r->c.instance && !r->c.id[0]) {
        ck_assert_int_eq(join_end(&r->c)->error_code, KFK_ERR_MEMBER_ID_REQUIRED);
        join_begin_as(r);
    }
    ck_assert_int_eq(join_end(&r->c)->error_code, 0);
}

/* |n|: partitions of t that it gives itself, as a leader; below 0: it does not lead. */
static int16_t sync_as(reader *r, int32_t n, const char *user_data)
{
    int32_t v[] = {0, 1, 2, 3};
    kfk__consumer_protocol_assignment_partition t = {kfk__bytes_str("t"), {v, n}};
    kfk__consumer_protocol_assignment give = kfk__consumer_protocol_assignment_default, got;
    kfk__sync_group_request_assignment row = {.member_id = kfk__bytes_str(r->c.id)};
    kfk__sync_group_request req;
    const kfk__sync_group_response *resp;
    kfk__buf out;
    int16_t version;

    give.assigned_partitions.v = &t;
    give.assigned_partitions.n = n >= 0;
    give.user_data = kfk__bytes_str(user_data);
    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__data_encode(&kfk__consumer_protocol_assignment_data, 3, &give, &out), 0);
    row.assignment = kfk__bytes(out.data, out.len);
    new_request(&kfk__sync_group_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.generation_id = r->c.generation;
    req.member_id = row.member_id;
    req.group_instance_id = kfk__bytes_str(r->c.instance);
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocol_name = kfk__bytes_str("range");
    req.assignments.v = &row;
    req.assignments.n = n >= 0;
    send_call(&r->c, call_of(coordinator_of(the_group), &kfk__sync_group_api, 5, &req));
    kfk__buf_fini(&out);
    resp = sync_end(&r->c);
    if (resp->error_code)
        return resp->error_code;
    ck_assert_int_eq(kfk__data_decode(&kfk__consumer_protocol_assignment_data, resp->assignment,
                                      &arena, &got, &version, NULL),
                     0);
    ck_assert_int_eq(version, 3); /* as it speaks itself */
    r->n = 0;
    for (int32_t i = 0; i < got.assigned_partitions.n; i++)
        for (int32_t k = 0; k < got.assigned_partitions.v[i].partitions.n; k++)
            r->has[r->n++] = got.assigned_partitions.v[i].partitions.v[k];
    return 0;
}

/* |a| has all of t, in a classic group. */
static void one_classic(void)
{
    join_as(&a);
    ck_assert_int_eq(sync_as(&a, 4, NULL), 0);
    ck_assert_int_eq(a.n, 4);
}

/* ---- the other side: a consumer "m" that wants t ---- */

static int32_t epoch, n_owned;

static const kfk__consumer_group_heartbeat_response *modern_beat_as(const char *id,
                                                                    const char *instance,
                                                                    int32_t at)
{
    kfk_bytes name = kfk__bytes_str("t");
    kfk__consumer_group_heartbeat_request req;
    const kfk__consumer_group_heartbeat_response *r;

    new_request(&kfk__consumer_group_heartbeat_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.member_id = kfk__bytes_str(id);
    req.instance_id = kfk__bytes_str(instance);
    req.member_epoch = at;
    if (at == 0) {
        req.rebalance_timeout_ms = REBALANCE_MS;
        req.subscribed_topic_names.v = &name;
        req.subscribed_topic_names.n = 1;
        req.topic_partitions.n = 0;
    }
    r = ask(coordinator_of(the_group), &kfk__consumer_group_heartbeat_api, 1, &req);
    if (r->error_code)
        return r;
    epoch = r->member_epoch;
    n_owned = -1;
    if (r->assignment) {
        n_owned = 0;
        for (int32_t i = 0; i < r->assignment->topic_partitions.n; i++)
            n_owned += r->assignment->topic_partitions.v[i].partitions.n;
    }
    return r;
}

static int16_t modern_beat(int32_t at)
{
    return modern_beat_as("m", NULL, at)->error_code;
}

#define ck_assert_kind(want) ck_assert_int_eq(group_now()->kind, want)

/* ---- up ---- */

START_TEST(a_classic_group_is_taken_over)
{
    one_classic();
    ck_assert_int_eq(modern_beat(0), 0);
    ck_assert_kind(KFK__DEV_MODERN);
    ck_assert_int_eq(epoch, 2);
    ck_assert_int_eq(n_owned, 0); /* the classic member has all */
    ck_assert_int_eq(beat(&a.c), KFK_ERR_REBALANCE_IN_PROGRESS);
    ck_assert_int_eq(sync_as(&a, -1, NULL), KFK_ERR_REBALANCE_IN_PROGRESS);
    join_as(&a);
    ck_assert_int_eq(a.c.generation, 1); /* until it has given up two */
    ck_assert_int_eq(sync_as(&a, -1, NULL), 0);
    ck_assert_int_eq(a.n, 2);
    ck_assert_int_eq(modern_beat(2), 0);
    ck_assert_int_eq(n_owned, -1);
    ck_assert_int_eq(beat(&a.c), KFK_ERR_REBALANCE_IN_PROGRESS);
    join_as(&a);
    ck_assert_int_eq(a.c.generation, 2);
    ck_assert_int_eq(sync_as(&a, -1, NULL), 0);
    ck_assert_int_eq(beat(&a.c), 0);
    ck_assert_int_eq(modern_beat(2), 0);
    ck_assert_int_eq(n_owned, 2);
    ck_assert_str_eq(kfk__dev_group_state_name(group_now()), "Stable");
}
END_TEST

START_TEST(who_waits_is_told_to_join_again)
{
    one_classic();
    join_begin_as(&b);
    ck_assert_int_eq(join_end(&b.c)->error_code, KFK_ERR_MEMBER_ID_REQUIRED);
    join_begin_as(&b);
    ck_assert(waits(&b.c));
    ck_assert_int_eq(modern_beat(0), 0);
    ck_assert_int_eq(join_end(&b.c)->error_code, KFK_ERR_REBALANCE_IN_PROGRESS);
    ck_assert_int_eq(group_now()->modern.n_members, 3);
}
END_TEST

START_TEST(groups_that_cannot_be_taken_over)
{
    client other = {.type = "connect"};

    (void)join_now(&other);
    ck_assert_int_eq(modern_beat(0), KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(leave(&other), 0);
    other = (client){.metadata = 1}; /* which is no subscription */
    (void)join_now(&other);
    ck_assert_int_eq(modern_beat(0), KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(leave(&other), 0);
    join_as(&a);
    ck_assert_int_eq(sync_as(&a, 4, "mine"), 0); /* an assignor of its own */
    ck_assert_int_eq(modern_beat(0), KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_kind(KFK__DEV_CLASSIC);
    ck_assert_int_eq(beat(&a.c), 0);
    ck_assert_int_eq(group_now()->modern.n_members, 0);
}
END_TEST

/* ---- both ---- */

/* A classic member joins one that is not. */
static void one_of_each(void)
{
    ck_assert_int_eq(modern_beat(0), 0);
    ck_assert_int_eq(n_owned, 4);
    join_as(&a);
    ck_assert_int_eq(a.c.generation, 2);
    ck_assert_int_eq(sync_as(&a, -1, NULL), 0);
    ck_assert_int_eq(a.n, 0);
    ck_assert_int_eq(modern_beat(1), 0); /* it is to give up two */
    ck_assert_int_eq(n_owned, 2);
}

static int16_t commit(const reader *r, int32_t generation)
{
    kfk__offset_commit_request_partition p = {.committed_leader_epoch = -1};
    kfk__offset_commit_request_topic t = {.name = kfk__bytes_str("t"), .partitions = {&p, 1}};
    kfk__offset_commit_request req;

    new_request(&kfk__offset_commit_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.member_id = kfk__bytes_str(r->c.id);
    req.generation_id_or_member_epoch = generation;
    req.topics.v = &t;
    req.topics.n = 1;
    return ((kfk__offset_commit_response *)ask(coordinator_of(the_group), &kfk__offset_commit_api,
                                               8, &req))
        ->topics.v[0]
        .partitions.v[0]
        .error_code;
}

START_TEST(a_classic_member_joins_the_others)
{
    one_of_each();
    ck_assert_int_eq(beat(&a.c), 0); /* others have what it is to have */
    ck_assert_int_eq(commit(&a, 2), 0);
    ck_assert_int_eq(commit(&a, 3), KFK_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(commit(&a, 1), KFK_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(leave(&a.c), 0);
    ck_assert_kind(KFK__DEV_MODERN);
    ck_assert_int_eq(beat(&a.c), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(requests_that_do_not_fit)
{
    client other = {.type = "connect"};
    reader old;

    one_of_each();
    join_begin(&other);
    ck_assert_int_eq(join_end(&other)->error_code, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    other = (client){.protocols = {"sticky"}};
    join_begin(&other); /* which the classic member does not know */
    ck_assert_int_eq(join_end(&other)->error_code, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    old = a;
    old.c.generation = 1;
    ck_assert_int_eq(beat(&old.c), KFK_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(sync_as(&old, -1, NULL), KFK_ERR_ILLEGAL_GENERATION);
    strcpy(old.c.id, "m"); /* it does not speak the classic protocol */
    ck_assert_int_eq(beat(&old.c), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(sync_as(&old, -1, NULL), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(classic_members_have_their_own_time)
{
    one_classic();
    ck_assert_int_eq(modern_beat(0), 0);
    for (int i = 0; i < 7; i++) { /* it is alive, and does not join again */
        ck_assert_int_eq(beat(&a.c), KFK_ERR_REBALANCE_IN_PROGRESS);
        pass_ms(i < 6 ? 9000 : 6000);
        if (i < 6)
            ck_assert_int_eq(modern_beat(epoch), 0);
    }
    ck_assert_int_eq(beat(&a.c), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(modern_beat(epoch), 0);
    ck_assert_int_eq(n_owned, 4);
    join_as(&b); /* its session is its own, too */
    ck_assert_int_eq(sync_as(&b, -1, NULL), 0);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_ne(beat(&b.c), KFK_ERR_UNKNOWN_MEMBER_ID);
    pass_ms(SESSION_MS);
    ck_assert_int_eq(beat(&b.c), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

/* ---- down ---- */

START_TEST(when_the_last_one_leaves_the_group_is_a_classic_one)
{
    one_of_each();
    ck_assert_int_eq(modern_beat(-1), 0);
    ck_assert_kind(KFK__DEV_CLASSIC);
    ck_assert_state("PreparingRebalance");
    ck_assert_int_eq(beat(&a.c), KFK_ERR_REBALANCE_IN_PROGRESS);
    join_as(&a);
    ck_assert_int_eq(a.c.generation, 3);
    ck_assert_int_eq(sync_as(&a, 4, NULL), 0);
    ck_assert_int_eq(a.n, 4);
}
END_TEST

START_TEST(when_its_session_ends_too)
{
    one_of_each();
    for (int i = 0; i < 6; i++) {
        pass_ms(9000);
        (void)beat(&a.c);
    }
    ck_assert_kind(KFK__DEV_CLASSIC);
    ck_assert_int_eq(group_now()->classic.n_members, 1);
    ck_assert(kfk__dev_classic_find(group_now(), kfk__bytes_str(a.c.id)) != NULL);
}
END_TEST

START_TEST(static_members_change_their_protocol)
{
    a.c.instance = "i1";
    one_classic();
    ck_assert_int_eq(modern_beat_as("m", "i1", 0)->error_code, 0);
    ck_assert_kind(KFK__DEV_MODERN);
    ck_assert_int_eq(group_now()->modern.n_members, 1);
    ck_assert_int_eq(n_owned, 4);
    ck_assert_int_eq(beat(&a.c), KFK_ERR_FENCED_INSTANCE_ID);
    b.c.instance = "i1";
    join_as(&b); /* and back */
    ck_assert_kind(KFK__DEV_CLASSIC);
    ck_assert_int_eq(group_now()->classic.n_members, 1);
    ck_assert_int_eq(modern_beat_as("m", "i1", epoch)->error_code, KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(sync_as(&b, 4, NULL), 0);
}
END_TEST

/* ---- no memory ---- */

static bool try_up(failalloc *f, uint64_t nth, bool down)
{
    kfk_allocator from = failalloc_allocator(f);
    kfk__consumer_group_heartbeat_request req;
    kfk_bytes name = kfk__bytes_str("t");
    kfk__dev_call *call;

    begin_on(2, &from);
    topic = add_topic("t", 4, 1);
    a = (reader){.n = 0};
    if (down)
        one_of_each();
    else
        one_classic();
    new_request(&kfk__consumer_group_heartbeat_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.member_id = kfk__bytes_str("m");
    req.member_epoch = down ? -1 : 0;
    req.rebalance_timeout_ms = REBALANCE_MS;
    req.subscribed_topic_names.v = &name;
    req.subscribed_topic_names.n = 1;
    req.topic_partitions.n = 0;
    call = call_of(coordinator_of(the_group), &kfk__consumer_group_heartbeat_api, 1, &req);
    failalloc_fail_once(f, nth);
    (void)kfk__dev_call_step(&service, call, now_ns, WALL_MS);
    kfk__dev_call_free(call);
    ck_assert_int_ne(beat(&a.c), KFK_ERR_UNKNOWN_MEMBER_ID);
    failalloc_fail_once(f, 0);
    end();
    return failalloc_failed(f);
}

START_TEST(no_memory_at_any_point)
{
    failalloc f;
    bool failed = true;

    end();
    failalloc_init(&f);
    for (uint64_t n = 1; failed && n < 300; n++) {
        failed = try_up(&f, n, _i == 1);
        ck_assert_uint_eq(failalloc_blocks(&f), 0);
    }
    ck_assert(!failed);
    begin(2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/migrate");
    TCase *t = tcase_create("migrate");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_classic_group_is_taken_over);
    tcase_add_test(t, who_waits_is_told_to_join_again);
    tcase_add_test(t, groups_that_cannot_be_taken_over);
    tcase_add_test(t, a_classic_member_joins_the_others);
    tcase_add_test(t, requests_that_do_not_fit);
    tcase_add_test(t, classic_members_have_their_own_time);
    tcase_add_test(t, when_the_last_one_leaves_the_group_is_a_classic_one);
    tcase_add_test(t, when_its_session_ends_too);
    tcase_add_test(t, static_members_change_their_protocol);
    tcase_add_loop_test(t, no_memory_at_any_point, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
