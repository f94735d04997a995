/* DescribeConfigs, DescribeTopicPartitions, ListPartitionReassignments. */
#include "asker.h"

#include "proto/describe_configs.h"
#include "proto/describe_topic_partitions.h"
#include "proto/list_partition_reassignments.h"

enum { TOPIC = 2, BROKER = 4 };

static void setup(void)
{
    begin(2);
}

/* ---- configs ---- */

static const kfk__describe_configs_response_result *configs(int16_t version, int8_t type,
                                                            const char *name, kfk_bytes *keys,
                                                            int32_t n_keys)
{
    kfk__describe_configs_request_resource in = {.resource_type = type,
                                                 .resource_name = kfk__bytes_str(name),
                                                 .configuration_keys = {keys, n_keys}};
    kfk__describe_configs_request req;

    new_request(&kfk__describe_configs_api, &req);
    req.resources.v = &in;
    req.resources.n = 1;
    req.include_synonyms = true;
    return &((kfk__describe_configs_response *)ask(2, &kfk__describe_configs_api, version, &req))
                ->results.v[0];
}

START_TEST(every_version_tells_a_topics_configs)
{
    const kfk__describe_configs_response_result *r;
    const kfk__describe_configs_response_config *c;

    set_config(add_topic("t", 1, 1), "cleanup.policy", "compact");
    r = configs((int16_t)_i, TOPIC, "t", NULL, -1);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->configs.n, KFK__DEV_N_CONFIGS);
    c = &r->configs.v[0];
    ck_assert_bytes_eq(c->name, "cleanup.policy");
    ck_assert_bytes_eq(c->value, "compact");
    ck_assert_int_eq(c->config_source, 1);
    ck_assert_int_eq(c->synonyms.n, 2);
    ck_assert_bytes_eq(c->synonyms.v[1].value, "delete");
    ck_assert_int_eq(c->config_type, _i >= 3 ? KFK__DEV_LIST : 0);
    ck_assert_int_eq(r->configs.v[1].config_source, 5);
    ck_assert_int_eq(r->configs.v[1].synonyms.n, 1);
}
END_TEST

START_TEST(only_what_is_asked_for_is_told)
{
    kfk_bytes keys[] = {kfk__bytes_str("retention.ms"), kfk__bytes_str("no.such")};
    const kfk__describe_configs_response_result *r;

    add_topic("t", 1, 1);
    r = configs(4, TOPIC, "t", keys, 2);
    ck_assert_int_eq(r->configs.n, 1);
    ck_assert_bytes_eq(r->configs.v[0].value, "604800000");
    ck_assert_int_eq(configs(4, TOPIC, "t", keys, 0)->configs.n, 0);
}
END_TEST

START_TEST(a_broker_tells_of_itself)
{
    const kfk__describe_configs_response_result *r = configs(4, BROKER, "2", NULL, -1);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_bytes_eq(r->configs.v[2].name, "node.id");
    ck_assert_bytes_eq(r->configs.v[2].value, "2");
    ck_assert_int_eq(configs(4, BROKER, "1", NULL, -1)->error_code, KFK_ERR_INVALID_REQUEST);
    ck_assert_int_eq(configs(4, 9, "1", NULL, -1)->error_code, KFK_ERR_INVALID_REQUEST);
    ck_assert_int_eq(configs(4, TOPIC, "none", NULL, -1)->error_code,
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
}
END_TEST

/* ---- partitions, page by page ---- */

static const kfk__describe_topic_partitions_response *page(
    const char *first, const char *second, int32_t limit,
    kfk__describe_topic_partitions_request_cursor *cursor)
{
    kfk__describe_topic_partitions_request_topic topics[] = {{kfk__bytes_str(first)},
                                                             {kfk__bytes_str(second)}};
    kfk__describe_topic_partitions_request req;

    new_request(&kfk__describe_topic_partitions_api, &req);
    req.topics.v = topics;
    req.topics.n = !first ? 0 : !second ? 1 : 2;
    req.response_partition_limit = limit;
    req.cursor = cursor;
    return ask(1, &kfk__describe_topic_partitions_api, 0, &req);
}

START_TEST(topics_come_sorted)
{
    const kfk__describe_topic_partitions_response *r;

    add_topic("a", 2, 2);
    add_topic("b", 1, 1);
    r = page("b", "a", 2000, NULL);
    ck_assert_int_eq(r->topics.n, 2);
    ck_assert_bytes_eq(r->topics.v[0].name, "a");
    ck_assert_int_eq(r->topics.v[0].partitions.n, 2);
    ck_assert_int_eq(r->topics.v[0].partitions.v[1].replica_nodes.n, 2);
    ck_assert_int_eq(r->topics.v[0].partitions.v[1].eligible_leader_replicas.n, 0);
    ck_assert_bytes_eq(r->topics.v[1].name, "b");
    ck_assert_ptr_null(r->next_cursor);
    ck_assert_int_eq(page(NULL, NULL, 2000, NULL)->topics.n, 2);
    ck_assert_int_eq(page("none", NULL, 2000, NULL)->topics.v[0].error_code,
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
}
END_TEST

START_TEST(a_cursor_leads_through_the_pages)
{
    kfk__describe_topic_partitions_request_cursor cursor;
    const kfk__describe_topic_partitions_response *r;

    add_topic("a", 3, 1);
    add_topic("b", 2, 1);
    r = page("a", "b", 2, NULL);
    ck_assert_int_eq(r->topics.n, 1);
    ck_assert_int_eq(r->topics.v[0].partitions.n, 2);
    ck_assert_ptr_nonnull(r->next_cursor);
    ck_assert_bytes_eq(r->next_cursor->topic_name, "a");
    ck_assert_int_eq(r->next_cursor->partition_index, 2);
    cursor = (kfk__describe_topic_partitions_request_cursor){r->next_cursor->topic_name, 2};
    r = page("a", "b", 1, &cursor);
    ck_assert_int_eq(r->topics.v[0].partitions.v[0].partition_index, 2);
    ck_assert_bytes_eq(r->next_cursor->topic_name, "b");
    ck_assert_int_eq(r->next_cursor->partition_index, 0);
    cursor = (kfk__describe_topic_partitions_request_cursor){r->next_cursor->topic_name, 0};
    r = page("a", "b", 10, &cursor);
    ck_assert_int_eq(r->topics.n, 1);
    ck_assert_bytes_eq(r->topics.v[0].name, "b");
    ck_assert_ptr_null(r->next_cursor);
}
END_TEST

START_TEST(nothing_is_being_reassigned)
{
    kfk__list_partition_reassignments_request req;
    const kfk__list_partition_reassignments_response *r;

    new_request(&kfk__list_partition_reassignments_api, &req);
    req.topics.n = -1;
    r = ask(1, &kfk__list_partition_reassignments_api, 0, &req);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->topics.n, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_describe");
    TCase *t = tcase_create("api_describe");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_tells_a_topics_configs, 1, 5);
    tcase_add_test(t, only_what_is_asked_for_is_told);
    tcase_add_test(t, a_broker_tells_of_itself);
    tcase_add_test(t, topics_come_sorted);
    tcase_add_test(t, a_cursor_leads_through_the_pages);
    tcase_add_test(t, nothing_is_being_reassigned);
    suite_add_tcase(s, t);
    return run_suite(s);
}
