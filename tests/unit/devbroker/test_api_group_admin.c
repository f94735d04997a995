/* DescribeGroups, ListGroups, DeleteGroups, OffsetDelete. */
#include "joins.h"

#include "proto/consumer_protocol_subscription.h"
#include "proto/data.h"
#include "proto/delete_groups.h"
#include "proto/describe_groups.h"
#include "proto/list_groups.h"
#include "proto/offset_delete.h"

static client a, b;

static void setup(void)
{
    begin(2);
    a = b = (client){.metadata = 0};
    (void)add_topic("t", 2, 1);
    (void)add_topic("u", 1, 1);
}

static void teardown(void)
{
    drop_call(&a);
    drop_call(&b);
    end();
}

static void put(const char *group, const char *topic, int32_t partition)
{
    ck_assert_ptr_nonnull(kfk__dev_group_of(&service.cluster, kfk__bytes_str(group)));
    ck_assert_int_eq(kfk__dev_offsets_put(&service.cluster.offsets, kfk__bytes_str(group),
                                          kfk__bytes_str(topic), partition, 7, -1, (kfk_bytes){0}),
                     KFK_OK);
}

static bool has(const char *group, const char *topic, int32_t partition)
{
    return kfk__dev_offsets_get(&service.cluster.offsets, kfk__bytes_str(group),
                                kfk__bytes_str(topic), partition) != NULL;
}

/* ---- DescribeGroups ---- */

static const kfk__describe_groups_response_group *describe(const char *group, int16_t v,
                                                           int32_t node)
{
    kfk_bytes name = kfk__bytes_str(group);
    kfk__describe_groups_request req;
    const kfk__describe_groups_response *r;

    new_request(&kfk__describe_groups_api, &req);
    req.groups.v = &name;
    req.groups.n = 1;
    req.include_authorized_operations = v >= 3;
    r = ask(node, &kfk__describe_groups_api, v, &req);
    ck_assert_int_eq(r->groups.n, 1);
    ck_assert_bytes_eq(r->groups.v[0].group_id, group);
    return r->groups.v;
}

START_TEST(a_stable_group_is_described)
{
    const kfk__describe_groups_response_group *g;

    b.instance = "i2";
    settle_two(&a, &b);
    g = describe("g", (int16_t)_i, coordinator_of("g"));
    ck_assert_int_eq(g->error_code, 0);
    ck_assert_bytes_eq(g->group_state, "Stable");
    ck_assert_bytes_eq(g->protocol_type, "consumer");
    ck_assert_bytes_eq(g->protocol_data, "range");
    ck_assert_int_eq(g->members.n, 2);
    ck_assert_bytes_eq(g->members.v[0].member_id, a.id);
    ck_assert_bytes_eq(g->members.v[0].client_id, "tester");
    ck_assert_bytes_eq(g->members.v[0].member_metadata, "range0");
    ck_assert_bytes_eq(g->members.v[0].member_assignment, a.id);
    if (_i >= 4)
        ck_assert_bytes_eq(g->members.v[1].group_instance_id, "i2");
    ck_assert_int_eq(g->authorized_operations, _i >= 3 ? 0xd48 : INT32_MIN);
}
END_TEST

START_TEST(a_group_amid_a_rebalance_says_less)
{
    const kfk__describe_groups_response_group *g;

    settle_one(&a);
    join_in(&b);
    g = describe("g", 6, coordinator_of("g"));
    ck_assert_bytes_eq(g->group_state, "PreparingRebalance");
    ck_assert_bytes_eq(g->protocol_data, "");
    ck_assert_int_eq(g->members.n, 2);
    ck_assert_bytes_eq(g->members.v[0].member_metadata, "");
}
END_TEST

START_TEST(groups_that_cannot_be_described)
{
    const kfk__describe_groups_response_group *g;

    for (int16_t v = 0; v <= 6; v++) {
        g = describe("none", v, coordinator_of("none"));
        ck_assert_bytes_eq(g->group_state, "Dead");
        ck_assert_int_eq(g->error_code, v < 6 ? 0 : KFK_ERR_GROUP_ID_NOT_FOUND);
        if (v == 6)
            ck_assert_bytes_eq(g->error_message, "Group none not found.");
        g = describe("none", v, 3 - coordinator_of("none"));
        ck_assert_int_eq(g->error_code, KFK_ERR_NOT_COORDINATOR);
    }
}
END_TEST

/* ---- ListGroups ---- */

/* How many groups both nodes tell of; the last one is |*last|. */
static int32_t list(int16_t v, const char *state, const char *type,
                    kfk__list_groups_response_group *last)
{
    kfk_bytes states = kfk__bytes_str(state), types = kfk__bytes_str(type);
    kfk__list_groups_request req;
    int32_t n = 0;

    new_request(&kfk__list_groups_api, &req);
    req.states_filter.v = &states;
    req.states_filter.n = state != NULL;
    req.types_filter.v = &types;
    req.types_filter.n = type != NULL;
    for (int32_t node = 1; node <= 2; node++) {
        const kfk__list_groups_response *r = ask(node, &kfk__list_groups_api, v, &req);

        ck_assert_int_eq(r->error_code, 0);
        n += r->groups.n;
        if (r->groups.n > 0)
            *last = r->groups.v[r->groups.n - 1];
    }
    return n;
}

START_TEST(groups_are_listed_by_their_coordinators)
{
    kfk__list_groups_response_group g;

    for (int16_t v = 0; v <= 5; v++)
        ck_assert_int_eq(list(v, NULL, NULL, &g), 0);
    settle_one(&a);
    for (int16_t v = 0; v <= 5; v++) {
        ck_assert_int_eq(list(v, NULL, NULL, &g), 1);
        ck_assert_bytes_eq(g.group_id, "g");
        ck_assert_bytes_eq(g.protocol_type, "consumer");
        ck_assert_bytes_eq(g.group_state, v < 4 ? "" : "Stable");
        ck_assert_bytes_eq(g.group_type, v < 5 ? "" : "classic");
    }
    put("other", "t", 0);
    ck_assert_int_eq(list(5, NULL, NULL, &g), 2);
}
END_TEST

START_TEST(states_and_types_are_filtered)
{
    kfk__list_groups_response_group g;

    settle_one(&a);
    put("simple", "t", 0);
    ck_assert_int_eq(list(4, "Stable", NULL, &g), 1);
    ck_assert_bytes_eq(g.group_id, "g");
    ck_assert_int_eq(list(4, " sTABLE ", NULL, &g), 1);
    ck_assert_int_eq(list(4, "Empty", NULL, &g), 1);
    ck_assert_bytes_eq(g.group_id, "simple");
    ck_assert_bytes_eq(g.protocol_type, "");
    ck_assert_int_eq(list(4, "Dead", NULL, &g), 0);
    ck_assert_int_eq(list(5, NULL, "Classic", &g), 2);
    ck_assert_int_eq(list(5, NULL, "consumer", &g), 0);
    ck_assert_int_eq(list(5, NULL, "what", &g), 0);
    ck_assert_int_eq(list(5, "stable", "classic", &g), 1);
}
END_TEST

/* ---- DeleteGroups ---- */

static int16_t delete_group(const char *group, int16_t v, int32_t node)
{
    kfk_bytes names[] = {kfk__bytes_str(group), kfk__bytes_str(group)};
    kfk__delete_groups_request req;
    const kfk__delete_groups_response *r;

    new_request(&kfk__delete_groups_api, &req);
    req.groups_names.v = names;
    req.groups_names.n = 2;
    r = ask(node, &kfk__delete_groups_api, v, &req);
    ck_assert_int_eq(r->results.n, 1); /* that it is named twice changes nothing */
    ck_assert_bytes_eq(r->results.v[0].group_id, group);
    return r->results.v[0].error_code;
}

START_TEST(an_empty_group_is_deleted_with_its_offsets)
{
    int32_t node = coordinator_of("g");

    settle_one(&a);
    put("g", "t", 0);
    put("other", "t", 0);
    ck_assert_int_eq(delete_group("g", (int16_t)_i, node), KFK_ERR_NON_EMPTY_GROUP);
    ck_assert_int_eq(leave(&a), 0);
    ck_assert_int_eq(delete_group("g", (int16_t)_i, 3 - node), KFK_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(delete_group("g", (int16_t)_i, node), 0);
    ck_assert(!has("g", "t", 0));
    ck_assert(has("other", "t", 0));
    ck_assert_ptr_null(group_now());
    ck_assert_int_eq(delete_group("g", (int16_t)_i, node), KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(delete_group("", (int16_t)_i, coordinator_of("")), KFK_ERR_INVALID_GROUP_ID);
}
END_TEST

/* ---- OffsetDelete ---- */

static const kfk__offset_delete_response *delete_offset(const char *group, const char *topic,
                                                        int32_t partition)
{
    kfk__offset_delete_request_partition p = {partition};
    kfk__offset_delete_request_topic t = {kfk__bytes_str(topic), {&p, 1}};
    kfk__offset_delete_request req;

    new_request(&kfk__offset_delete_api, &req);
    req.group_id = kfk__bytes_str(group);
    req.topics.v = &t;
    req.topics.n = 1;
    return ask(coordinator_of(group), &kfk__offset_delete_api, 0, &req);
}

static int16_t deleted(const char *group, const char *topic, int32_t partition)
{
    const kfk__offset_delete_response *r = delete_offset(group, topic, partition);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->topics.n, 1);
    return r->topics.v[0].partitions.v[0].error_code;
}

/* One that reads "t", as a consumer says it. */
static void subscribe_to_t(void)
{
    kfk_bytes topic = kfk__bytes_str("t");
    kfk__consumer_protocol_subscription s = kfk__consumer_protocol_subscription_default;
    kfk__join_group_request_protocol p = {.name = kfk__bytes_str("range")};
    kfk__join_group_request req;
    kfk__buf out;

    s.topics.v = &topic;
    s.topics.n = 1;
    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__data_encode(&kfk__consumer_protocol_subscription_data, 3, &s, &out),
                     KFK_OK);
    p.metadata = kfk__bytes(out.data, out.len);
    new_request(&kfk__join_group_api, &req);
    req.group_id = kfk__bytes_str("g");
    req.session_timeout_ms = req.rebalance_timeout_ms = SESSION_MS;
    req.protocol_type = kfk__bytes_str("consumer");
    req.protocols.v = &p;
    req.protocols.n = 1;
    ck_assert_int_eq(
        ((kfk__join_group_response *)ask(coordinator_of("g"), &kfk__join_group_api, 3, &req))
            ->error_code,
        0);
    kfk__buf_fini(&out);
}

START_TEST(offsets_of_topics_that_nobody_reads_are_deleted)
{
    subscribe_to_t();
    put("g", "t", 0);
    put("g", "u", 0);
    ck_assert_int_eq(deleted("g", "t", 0), KFK_ERR_GROUP_SUBSCRIBED_TO_TOPIC);
    ck_assert(has("g", "t", 0));
    ck_assert_int_eq(deleted("g", "u", 0), 0);
    ck_assert(!has("g", "u", 0));
    ck_assert_int_eq(deleted("g", "u", 0), 0);
    ck_assert_int_eq(deleted("g", "u", 5), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(deleted("g", "none", 0), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(delete_offset("x", "t", 0)->error_code, KFK_ERR_GROUP_ID_NOT_FOUND);
}
END_TEST

/* What its members read cannot be told: it may be anything. */
START_TEST(a_group_of_which_nothing_is_known)
{
    settle_one(&a);
    put("g", "u", 0);
    ck_assert_int_eq(deleted("g", "u", 0), KFK_ERR_GROUP_SUBSCRIBED_TO_TOPIC);
    ck_assert_int_eq(leave(&a), 0);
    ck_assert_int_eq(deleted("g", "u", 0), 0);
    a = (client){.type = "connect"};
    (void)join_now(&a);
    ck_assert_int_eq(delete_offset("g", "t", 0)->error_code, KFK_ERR_NON_EMPTY_GROUP);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_group_admin");
    TCase *t = tcase_create("api_group_admin");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_stable_group_is_described, 0, 7);
    tcase_add_test(t, a_group_amid_a_rebalance_says_less);
    tcase_add_test(t, groups_that_cannot_be_described);
    tcase_add_test(t, groups_are_listed_by_their_coordinators);
    tcase_add_test(t, states_and_types_are_filtered);
    tcase_add_loop_test(t, an_empty_group_is_deleted_with_its_offsets, 0, 3);
    tcase_add_test(t, offsets_of_topics_that_nobody_reads_are_deleted);
    tcase_add_test(t, a_group_of_which_nothing_is_known);
    suite_add_tcase(s, t);
    return run_suite(s);
}
