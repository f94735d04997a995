/* Groups whose coordinator assigns: epochs, who gives up what before who gets it, who is fenced. */
#include "asker.h"

#include "sim/failalloc.h"

#include "devbroker/coordinate.h"
#include "devbroker/groups.h"
#include "devbroker/modern.h"
#include "proto/consumer_group_describe.h"
#include "proto/consumer_group_heartbeat.h"
#include "proto/describe_groups.h"
#include "proto/join_group.h"
#include "proto/leave_group.h"
#include "proto/list_groups.h"
#include "proto/offset_commit.h"
#include "proto/offset_fetch.h"

enum { SESSION_MS = 45000, REBALANCE_MS = 60000, MOST = 32 };

/* A client as it sees itself: it has what it was told to have, and says so. */
typedef struct client {
    const char *id, *instance, *assignor, *regex;
    const char *topics[3];
    int32_t epoch;
    kfk__dev_part has[MOST];
    int32_t n;
    bool told; /* by the last answer, what it is to have */
} client;

typedef kfk__consumer_group_heartbeat_response response;

static client a, b, c;
static kfk__dev_topic *topic;

static void setup(void)
{
    begin(2);
    topic = add_topic("t", 4, 1);
    a = (client){.id = "a", .topics = {"t"}};
    b = (client){.id = "b", .topics = {"t"}};
    c = (client){.id = "c", .topics = {"t"}};
}

static void pass_ms(int64_t ms)
{
    now_ns += ms * KFK__MS;
    kfk__dev_coordinate(&service.cluster, now_ns);
}

static kfk__dev_group *group_now(void)
{
    return kfk__dev_groups_find(&service.cluster.groups, kfk__bytes_str("g"));
}

static int32_t node(void)
{
    return kfk__dev_cluster_coordinator(&service.cluster, kfk__bytes_str("g"));
}

/* ---- heartbeats ---- */

static const response *send_beat(const kfk__consumer_group_heartbeat_request *req)
{
    return ask(node(), &kfk__consumer_group_heartbeat_api, 1, req);
}

static kfk_bytes names[3];
static kfk__consumer_group_heartbeat_request_topic_partitions owned[MOST];

/* All there is to say, with what it has. */
static kfk__consumer_group_heartbeat_request full_beat(client *m)
{
    kfk__consumer_group_heartbeat_request req;

    new_request(&kfk__consumer_group_heartbeat_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.member_id = kfk__bytes_str(m->id);
    req.instance_id = kfk__bytes_str(m->instance);
    req.member_epoch = m->epoch;
    req.rebalance_timeout_ms = REBALANCE_MS;
    req.server_assignor = kfk__bytes_str(m->assignor);
    req.subscribed_topic_regex = kfk__bytes_str(m->regex);
    req.subscribed_topic_names.v = names;
    req.subscribed_topic_names.n = 0;
    for (int i = 0; i < 3 && m->topics[i]; i++)
        names[req.subscribed_topic_names.n++] = kfk__bytes_str(m->topics[i]);
    for (int32_t i = 0; i < m->n; i++) {
        owned[i].topic_id = m->has[i].topic;
        owned[i].partitions.v = &m->has[i].index;
        owned[i].partitions.n = 1;
    }
    req.topic_partitions.v = owned;
    req.topic_partitions.n = m->n;
    return req;
}

static void take(client *m, const response *r)
{
    if (r->error_code)
        return;
    m->epoch = r->member_epoch;
    m->told = r->assignment != NULL;
    if (!m->told)
        return;
    m->n = 0;
    for (int32_t i = 0; i < r->assignment->topic_partitions.n; i++)
        for (int32_t k = 0; k < r->assignment->topic_partitions.v[i].partitions.n; k++)
            m->has[m->n++] =
                (kfk__dev_part){.topic = r->assignment->topic_partitions.v[i].topic_id,
                                .index = r->assignment->topic_partitions.v[i].partitions.v[k]};
}

/* A heartbeat with all, to which it does what it is told. */
static int16_t beat(client *m)
{
    kfk__consumer_group_heartbeat_request req = full_beat(m);
    const response *r = send_beat(&req);

    take(m, r);
    if (!r->error_code) {
        ck_assert_bytes_eq(r->member_id, m->id);
        ck_assert_int_eq(r->heartbeat_interval_ms, 5000);
    }
    return r->error_code;
}

/* One that only says that it is alive. */
static const response *short_beat(client *m)
{
    kfk__consumer_group_heartbeat_request req;
    const response *r;

    new_request(&kfk__consumer_group_heartbeat_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.member_id = kfk__bytes_str(m->id);
    req.member_epoch = m->epoch;
    r = send_beat(&req);
    take(m, r);
    return r;
}

static int16_t leave_as(client *m, int32_t epoch)
{
    kfk__consumer_group_heartbeat_request req;
    const response *r;

    new_request(&kfk__consumer_group_heartbeat_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.member_id = kfk__bytes_str(m->id);
    req.instance_id = kfk__bytes_str(m->instance);
    req.member_epoch = epoch;
    r = send_beat(&req);
    if (!r->error_code)
        ck_assert_int_eq(r->member_epoch, epoch);
    return r->error_code;
}

#define ck_assert_beat(m, want) ck_assert_int_eq(beat(m), want)
#define ck_assert_state(want) ck_assert_str_eq(kfk__dev_group_state_name(group_now()), want)

/* Heartbeats until nothing changes any more. */
static void settle(void)
{
    client *all[] = {&a, &b, &c};

    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++)
            if (all[k]->epoch)
                ck_assert_beat(all[k], 0);
    ck_assert_state("Stable");
}

static bool client_has(const client *m, int32_t partition)
{
    for (int32_t i = 0; i < m->n; i++)
        if (m->has[i].index == partition)
            return true;
    return false;
}

/* ---- joining ---- */

START_TEST(one_alone_has_all)
{
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.epoch, 1);
    ck_assert_int_eq(a.n, 4);
    ck_assert_state("Stable");
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert(!a.told); /* there is no news */
    ck_assert_int_eq(a.epoch, 1);
}
END_TEST

START_TEST(partitions_are_given_up_before_they_are_given)
{
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    ck_assert_int_eq(b.epoch, 2);
    ck_assert_int_eq(b.n, 0); /* a has all of them still */
    ck_assert_state("Reconciling");
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert_int_eq(a.epoch, 1); /* until it has given up two */
    ck_assert_int_eq(a.n, 2);
    ck_assert_int_eq(short_beat(&b)->error_code, 0);
    ck_assert_int_eq(b.n, 0);
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.epoch, 2);
    ck_assert_int_eq(short_beat(&b)->error_code, 0);
    ck_assert_int_eq(b.n, 2);
    ck_assert_state("Stable");
    ck_assert_int_eq(a.n + b.n, 4);
}
END_TEST

START_TEST(who_does_not_give_up_in_time_is_out)
{
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    (void)short_beat(&a);
    for (int i = 0; i < 2; i++) {
        pass_ms(REBALANCE_MS / 2 - 1);
        ck_assert_int_eq(short_beat(&a)->error_code, 0);
        ck_assert_int_eq(short_beat(&b)->error_code, 0);
    }
    pass_ms(2);
    ck_assert_int_eq(short_beat(&a)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(short_beat(&b)->error_code, 0);
    ck_assert_int_eq(b.n, 4);
}
END_TEST

START_TEST(three_share_and_keep_what_they_can)
{
    client before;

    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    settle();
    before = a;
    ck_assert_beat(&c, 0);
    settle();
    ck_assert_int_eq(a.n + b.n + c.n, 4);
    ck_assert_int_le(a.n, 2);
    ck_assert_int_ge(c.n, 1);
    for (int32_t i = 0; i < a.n; i++)
        ck_assert(a.has[i].index == before.has[0].index || a.has[i].index == before.has[1].index);
}
END_TEST

START_TEST(nobody_gets_any_who_gives)
{
    client had[2];

    (void)add_topic("u", 12, 1);
    a.topics[0] = b.topics[0] = c.topics[0] = "u";
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    settle();
    had[0] = a;
    had[1] = b;
    ck_assert_beat(&c, 0);
    settle();
    ck_assert_int_eq(a.n, 4);
    ck_assert_int_eq(b.n, 4);
    ck_assert_int_eq(c.n, 4);
    for (int32_t i = 0; i < 4; i++) {
        ck_assert(client_has(&had[0], a.has[i].index));
        ck_assert(client_has(&had[1], b.has[i].index));
    }
}
END_TEST

START_TEST(who_leaves_leaves_its_partitions)
{
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    settle();
    ck_assert_int_eq(leave_as(&b, -1), 0);
    ck_assert_int_eq(leave_as(&b, -1), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert_int_eq(a.n, 4);
    ck_assert_int_eq(leave_as(&a, -1), 0);
    ck_assert_state("Empty");
}
END_TEST

START_TEST(sessions_end)
{
    ck_assert_beat(&a, 0);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    pass_ms(SESSION_MS);
    ck_assert_state("Empty");
    ck_assert_int_eq(short_beat(&a)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
    a.epoch = a.n = 0;
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 4);
    ck_assert_int_eq(a.epoch, 3);
}
END_TEST

/* ---- epochs ---- */

START_TEST(epochs_that_are_not_the_members_are_fenced)
{
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    settle();
    a.epoch = 9;
    ck_assert_int_eq(short_beat(&a)->error_code, KFK_ERR_FENCED_MEMBER_EPOCH);
    a.epoch = 0; /* it begins anew, with nothing */
    a.n = 0;
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.epoch, 2);
    ck_assert_int_eq(a.n, 2);
}
END_TEST

START_TEST(the_epoch_before_is_good_if_an_answer_was_lost)
{
    client old;

    ck_assert_beat(&a, 0);
    old = a;
    add_topic("u", 1, 1);
    a.topics[1] = "u";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.epoch, 2);
    ck_assert_int_eq(short_beat(&old)->error_code, KFK_ERR_FENCED_MEMBER_EPOCH);
    old.topics[1] = "u";
    ck_assert_beat(&old, 0); /* it says what it has, and has no more than it may */
    ck_assert_int_eq(old.epoch, 2);
    ck_assert_int_eq(old.n, 5);
}
END_TEST

START_TEST(nobody_knows_a_group_that_is_not_there)
{
    a.epoch = 3;
    ck_assert_beat(&a, KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(leave_as(&a, -1), KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_beat(&b, 0);
    ck_assert_beat(&a, KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

/* ---- what is wanted ---- */

START_TEST(what_there_is_changes)
{
    ck_assert_beat(&a, 0);
    a.topics[1] = "u";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 4);
    (void)add_topic("u", 2, 1);
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert_int_eq(a.n, 6);
    kfk__dev_cluster_delete_topic(&service.cluster, topic);
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert_int_eq(a.n, 2);
    settle();
}
END_TEST

START_TEST(what_is_not_wanted_any_more_is_given_up)
{
    (void)add_topic("u", 2, 1);
    a.topics[1] = "u";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 6);
    a.topics[1] = NULL;
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 4);
    settle();
}
END_TEST

START_TEST(expressions_are_resolved)
{
    (void)add_topic("tx", 1, 1);
    (void)add_topic("xt", 1, 1);
    a.topics[0] = NULL;
    a.regex = "t.*";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 5);
    (void)add_topic("ty", 1, 1);
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert_int_eq(a.n, 6);
    a.topics[0] = "xt";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 7);
    a.regex = "";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 1);
    settle();
    b.regex = "a(";
    ck_assert_beat(&b, KFK_ERR_INVALID_REGULAR_EXPRESSION);
}
END_TEST

START_TEST(members_want_different_topics)
{
    (void)add_topic("u", 2, 1);
    b.topics[0] = "u";
    c.topics[1] = "u";
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    ck_assert_beat(&c, 0);
    settle();
    ck_assert_int_eq(a.n, 2);
    ck_assert_int_eq(b.n, 2);
    ck_assert_int_eq(c.n, 2);
}
END_TEST

START_TEST(ranges)
{
    (void)add_topic("u", 3, 1);
    a.assignor = b.assignor = "range";
    a.topics[1] = b.topics[1] = "u";
    ck_assert_beat(&b, 0);
    ck_assert_beat(&a, 0);
    settle();
    ck_assert_int_eq(a.n, 4); /* t 0 and 1, u 0 and 1: it is the first by name */
    ck_assert_int_eq(b.n, 3);
    for (int32_t i = 0; i < a.n; i++)
        ck_assert_int_le(a.has[i].index, 1);
    a.assignor = "sticky";
    ck_assert_beat(&a, KFK_ERR_UNSUPPORTED_ASSIGNOR);
}
END_TEST

START_TEST(assignments_may_wait)
{
    service.cluster.groups.settings.assign_ms = 1000;
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.n, 4);
    ck_assert_beat(&b, 0);
    ck_assert_state("Assigning");
    (void)short_beat(&a);
    ck_assert_int_eq(a.n, 4);
    pass_ms(1000);
    (void)short_beat(&a);
    ck_assert_int_eq(a.n, 2);
    settle();
}
END_TEST

/* ---- requests that make no sense ---- */

START_TEST(invalid_requests)
{
    kfk__consumer_group_heartbeat_request req = full_beat(&a);

    req.member_id = kfk__bytes_str("");
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    req = full_beat(&a);
    req.group_id = kfk__bytes_str("");
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    req = full_beat(&a);
    req.instance_id = kfk__bytes_str(" ");
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    req = full_beat(&a);
    req.rebalance_timeout_ms = -1;
    ck_assert_bytes_eq(send_beat(&req)->error_message,
                       "RebalanceTimeoutMs must be provided in first request.");
    req = full_beat(&a);
    req.topic_partitions.n = -1;
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    req = full_beat(&a);
    req.subscribed_topic_names.n = -1;
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    req = full_beat(&a);
    req.member_epoch = -2;
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    req.member_epoch = -3;
    ck_assert_int_eq(send_beat(&req)->error_code, KFK_ERR_INVALID_REQUEST);
    ck_assert_ptr_null(group_now());
}
END_TEST

/* In version 0 a client may leave it to the coordinator. */
START_TEST(an_id_is_given)
{
    kfk__consumer_group_heartbeat_request req = full_beat(&a);
    const response *r;

    req.member_id = kfk__bytes_str("");
    r = ask(node(), &kfk__consumer_group_heartbeat_api, 0, &req);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_uint_eq(r->member_id.len, 22);
}
END_TEST

START_TEST(another_node_and_a_full_group)
{
    kfk__consumer_group_heartbeat_request req = full_beat(&a);

    ck_assert_int_eq(
        ((response *)ask(3 - node(), &kfk__consumer_group_heartbeat_api, 1, &req))->error_code,
        KFK_ERR_NOT_COORDINATOR);
    service.cluster.groups.settings.max_size = 1;
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, KFK_ERR_GROUP_MAX_SIZE_REACHED);
    ck_assert_beat(&a, 0);
}
END_TEST

/* ---- static members ---- */

START_TEST(a_static_member_comes_back_to_what_it_had)
{
    client again = {.id = "a2", .instance = "i1", .topics = {"t"}};
    int32_t first;

    a.instance = "i1";
    b.instance = "i2";
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    settle();
    first = a.has[0].index;
    ck_assert_beat(&again, KFK_ERR_UNRELEASED_INSTANCE_ID);
    ck_assert_int_eq(leave_as(&a, -2), 0);
    ck_assert_beat(&a, KFK_ERR_FENCED_MEMBER_EPOCH);
    ck_assert_int_eq(short_beat(&b)->error_code, 0);
    ck_assert_int_eq(b.n, 2); /* nothing moves meanwhile */
    ck_assert_beat(&again, 0);
    ck_assert_int_eq(again.n, 2);
    ck_assert_int_eq(again.has[0].index, first);
    ck_assert_int_eq(again.epoch, 2);
    ck_assert_beat(&a, KFK_ERR_FENCED_INSTANCE_ID);
    a.instance = "i9";
    ck_assert_beat(&a, KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(a_static_member_may_stay_away_too_long)
{
    a.instance = "i1";
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(leave_as(&a, -2), 0);
    ck_assert_beat(&b, 0);
    ck_assert_int_eq(b.n, 0);
    for (int i = 0; i < 2; i++) {
        pass_ms(SESSION_MS / 2 + 1);
        ck_assert_int_eq(short_beat(&b)->error_code, 0);
    }
    ck_assert_int_eq(b.n, 4);
}
END_TEST

/* ---- offsets ---- */

static int16_t commit(int16_t v, const client *m, int32_t epoch, int32_t partition)
{
    kfk__offset_commit_request_partition p = {
        .partition_index = partition, .committed_offset = 5, .committed_leader_epoch = -1};
    kfk__offset_commit_request_topic t = {
        .name = kfk__bytes_str("t"), .topic_id = topic->id, .partitions = {&p, 1}};
    kfk__offset_commit_request req;

    new_request(&kfk__offset_commit_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.member_id = kfk__bytes_str(m ? m->id : "");
    req.generation_id_or_member_epoch = epoch;
    req.topics.v = &t;
    req.topics.n = 1;
    return ((kfk__offset_commit_response *)ask(node(), &kfk__offset_commit_api, v, &req))
        ->topics.v[0]
        .partitions.v[0]
        .error_code;
}

static int16_t fetch(const client *m, int32_t epoch)
{
    kfk__offset_fetch_request_group g = {.group_id = kfk__bytes_str("g"),
                                         .member_id = kfk__bytes_str(m ? m->id : NULL),
                                         .member_epoch = epoch,
                                         .topics = {NULL, -1}};
    kfk__offset_fetch_request req;

    new_request(&kfk__offset_fetch_api, &req);
    req.groups.v = &g;
    req.groups.n = 1;
    return ((kfk__offset_fetch_response *)ask(node(), &kfk__offset_fetch_api, 9, &req))
        ->groups.v[0]
        .error_code;
}

START_TEST(commits_have_an_epoch)
{
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(commit(9, &a, 1, 0), 0);
    ck_assert_int_eq(commit(8, &a, 1, 0), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(commit(9, &b, 1, 0), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(commit(9, NULL, -1, 0), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(commit(9, &a, 2, 0), KFK_ERR_STALE_MEMBER_EPOCH);
    ck_assert_beat(&b, 0);
    settle();
    ck_assert_int_eq(a.epoch, 2);
    for (int32_t i = 0; i < a.n; i++) /* which it has had since epoch 1 */
        ck_assert_int_eq(commit(10, &a, 1, a.has[i].index), 0);
    for (int32_t i = 0; i < b.n; i++) {
        ck_assert_int_eq(commit(10, &a, 1, b.has[i].index), KFK_ERR_STALE_MEMBER_EPOCH);
        ck_assert_int_eq(commit(10, &b, 1, b.has[i].index), KFK_ERR_STALE_MEMBER_EPOCH);
        ck_assert_int_eq(commit(10, &b, 2, b.has[i].index), 0);
    }
    ck_assert_int_eq(fetch(&a, 2), 0);
    ck_assert_int_eq(fetch(&a, 1), KFK_ERR_STALE_MEMBER_EPOCH);
    ck_assert_int_eq(fetch(&c, 1), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(fetch(NULL, -1), 0);
    ck_assert_int_eq(leave_as(&a, -1), 0);
    ck_assert_int_eq(leave_as(&b, -1), 0);
    ck_assert_int_eq(commit(9, NULL, -1, 0), 0);
}
END_TEST

/* ---- who looks at it ---- */

START_TEST(a_group_is_described)
{
    kfk_bytes ids[] = {kfk__bytes_str("g"), kfk__bytes_str("none")};
    kfk__consumer_group_describe_request req;
    const kfk__consumer_group_describe_response *r;
    const kfk__consumer_group_describe_response_member *m;

    service.cluster.nodes[0].up = node() == 1; /* the other coordinates both */
    service.cluster.nodes[1].up = !service.cluster.nodes[0].up;
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    new_request(&kfk__consumer_group_describe_api, &req);
    req.group_ids.v = ids;
    req.group_ids.n = 2;
    r = ask(node(), &kfk__consumer_group_describe_api, (int16_t)_i, &req);
    ck_assert_int_eq(r->groups.n, 2);
    ck_assert_int_eq(r->groups.v[1].error_code, KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_bytes_eq(r->groups.v[0].group_state, "Reconciling");
    ck_assert_bytes_eq(r->groups.v[0].assignor_name, "uniform");
    ck_assert_int_eq(r->groups.v[0].group_epoch, 2);
    ck_assert_int_eq(r->groups.v[0].assignment_epoch, 2);
    ck_assert_int_eq(r->groups.v[0].members.n, 2);
    m = &r->groups.v[0].members.v[0];
    ck_assert_bytes_eq(m->member_id, "a");
    ck_assert_bytes_eq(m->client_id, "tester");
    ck_assert_int_eq(m->member_epoch, 1);
    ck_assert_bytes_eq(m->subscribed_topic_names.v[0], "t");
    ck_assert_bytes_eq(m->assignment.topic_partitions.v[0].topic_name, "t");
    ck_assert_int_eq(m->assignment.topic_partitions.v[0].partitions.n, 4);
    ck_assert_int_eq(m->target_assignment.topic_partitions.v[0].partitions.n, 2);
    ck_assert_int_eq(m->member_type, _i >= 1 ? 1 : -1);
}
END_TEST

START_TEST(those_who_know_the_other_kind_only)
{
    kfk__list_groups_request list;
    const kfk__list_groups_response *lr;
    kfk_bytes name = kfk__bytes_str("g");
    kfk__describe_groups_request describe;
    const kfk__describe_groups_response *dr;

    ck_assert_beat(&a, 0);
    new_request(&kfk__list_groups_api, &list);
    lr = ask(node(), &kfk__list_groups_api, 5, &list);
    ck_assert_int_eq(lr->groups.n, 1);
    ck_assert_bytes_eq(lr->groups.v[0].group_type, "consumer");
    ck_assert_bytes_eq(lr->groups.v[0].protocol_type, "consumer");
    ck_assert_bytes_eq(lr->groups.v[0].group_state, "Stable");
    new_request(&kfk__describe_groups_api, &describe);
    describe.groups.v = &name;
    describe.groups.n = 1;
    dr = ask(node(), &kfk__describe_groups_api, 6, &describe);
    ck_assert_int_eq(dr->groups.v[0].error_code, KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_bytes_eq(dr->groups.v[0].error_message, "Group g is not a classic group.");
}
END_TEST

/* By LeaveGroup, as an administrator does it. */
START_TEST(an_instance_is_removed)
{
    kfk__leave_group_request_member m = {kfk__bytes_str(""), kfk__bytes_str("i1"), {NULL, 0}};
    kfk__leave_group_request req;

    a.instance = "i1";
    ck_assert_beat(&a, 0);
    new_request(&kfk__leave_group_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.members.v = &m;
    req.members.n = 1;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(((kfk__leave_group_response *)ask(node(), &kfk__leave_group_api, 5, &req))
                             ->members.v[0]
                             .error_code,
                         i == 0 ? 0 : KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_state("Empty");
}
END_TEST

/* ---- what else happens ---- */

START_TEST(it_survives_its_coordinator)
{
    ck_assert_beat(&a, 0);
    ck_assert_beat(&b, 0);
    settle();
    pass_ms(SESSION_MS - 1);
    kfk__dev_cluster_set_up(&service.cluster, node(), false);
    pass_ms(0);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_eq(short_beat(&a)->error_code, 0);
    ck_assert_int_eq(short_beat(&b)->error_code, 0);
    ck_assert_int_eq(a.epoch, 2);
}
END_TEST

START_TEST(an_empty_group_changes_its_kind)
{
    kfk__join_group_request_protocol p = {kfk__bytes_str("range"), kfk__bytes_str("m")};
    kfk__join_group_request req;
    const kfk__join_group_response *r;

    ck_assert_beat(&a, 0);
    ck_assert_int_eq(leave_as(&a, -1), 0);
    new_request(&kfk__join_group_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.session_timeout_ms = req.rebalance_timeout_ms = 10000;
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocols.v = &p;
    req.protocols.n = 1;
    r = ask(node(), &kfk__join_group_api, 3, &req);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->generation_id, 1);
    pass_ms(10000);
    ck_assert_state("Empty");
    a.epoch = a.n = 0;
    ck_assert_beat(&a, 0);
    ck_assert_int_eq(a.epoch, 1);
    ck_assert_int_eq(a.n, 4);
}
END_TEST

/* Whatever fails, the next heartbeat makes good. */
static bool try_all(failalloc *f, uint64_t nth)
{
    kfk_allocator from = failalloc_allocator(f);
    kfk__consumer_group_heartbeat_request req;
    kfk__dev_call *call;

    begin_on(2, &from);
    topic = add_topic("t", 4, 1);
    a = (client){.id = "a", .topics = {"t"}};
    b = (client){.id = "b", .topics = {"t"}, .regex = "u.*", .instance = "i"};
    ck_assert_beat(&a, 0);
    req = full_beat(&b);
    call = call_of(node(), &kfk__consumer_group_heartbeat_api, 1, &req);
    failalloc_fail_once(f, nth);
    (void)kfk__dev_call_step(&service, call, now_ns, WALL_MS);
    kfk__dev_call_free(call);
    ck_assert_int_eq(short_beat(&a)->error_code == KFK_ERR_UNKNOWN_MEMBER_ID, false);
    failalloc_fail_once(f, 0);
    ck_assert_int_eq(leave_as(&b, -1) == KFK_ERR_INVALID_REQUEST, false);
    b.epoch = b.n = 0;
    ck_assert_beat(&b, 0);
    settle();
    ck_assert_int_eq(a.n + b.n, 4);
    end();
    return failalloc_failed(f);
}

START_TEST(no_memory_at_any_point)
{
    failalloc f;
    bool failed = true;

    end();
    failalloc_init(&f);
    c = (client){.epoch = 0};
    for (uint64_t n = 1; failed && n < 200; n++) {
        failed = try_all(&f, n);
        ck_assert_uint_eq(failalloc_blocks(&f), 0);
    }
    begin(2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/modern");
    TCase *t = tcase_create("modern");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_test(t, one_alone_has_all);
    tcase_add_test(t, partitions_are_given_up_before_they_are_given);
    tcase_add_test(t, who_does_not_give_up_in_time_is_out);
    tcase_add_test(t, three_share_and_keep_what_they_can);
    tcase_add_test(t, nobody_gets_any_who_gives);
    tcase_add_test(t, who_leaves_leaves_its_partitions);
    tcase_add_test(t, sessions_end);
    tcase_add_test(t, epochs_that_are_not_the_members_are_fenced);
    tcase_add_test(t, the_epoch_before_is_good_if_an_answer_was_lost);
    tcase_add_test(t, nobody_knows_a_group_that_is_not_there);
    tcase_add_test(t, what_there_is_changes);
    tcase_add_test(t, what_is_not_wanted_any_more_is_given_up);
    tcase_add_test(t, expressions_are_resolved);
    tcase_add_test(t, members_want_different_topics);
    tcase_add_test(t, ranges);
    tcase_add_test(t, assignments_may_wait);
    tcase_add_test(t, invalid_requests);
    tcase_add_test(t, an_id_is_given);
    tcase_add_test(t, another_node_and_a_full_group);
    tcase_add_test(t, a_static_member_comes_back_to_what_it_had);
    tcase_add_test(t, a_static_member_may_stay_away_too_long);
    tcase_add_test(t, commits_have_an_epoch);
    tcase_add_loop_test(t, a_group_is_described, 0, 2);
    tcase_add_test(t, those_who_know_the_other_kind_only);
    tcase_add_test(t, an_instance_is_removed);
    tcase_add_test(t, it_survives_its_coordinator);
    tcase_add_test(t, an_empty_group_changes_its_kind);
    tcase_add_test(t, no_memory_at_any_point);
    suite_add_tcase(s, t);
    return run_suite(s);
}
