/* CreateTopics, DeleteTopics, CreatePartitions, with the words that Kafka 4.3.1's controller uses.
 */
#include "asker.h"

#include "proto/create_partitions.h"
#include "proto/create_topics.h"
#include "proto/delete_topics.h"

static void setup(void)
{
    begin(3);
}

/* ---- create ---- */

static kfk__create_topics_request_topic named(const char *name, int32_t partitions,
                                              int16_t replicas)
{
    return (kfk__create_topics_request_topic){
        .name = kfk__bytes_str(name), .num_partitions = partitions, .replication_factor = replicas};
}

static const kfk__create_topics_response *create_n(int16_t version,
                                                   kfk__create_topics_request_topic *t, int32_t n,
                                                   bool validate_only)
{
    kfk__create_topics_request req;

    new_request(&kfk__create_topics_api, &req);
    req.topics.v = t;
    req.topics.n = n;
    req.validate_only = validate_only;
    return ask(1, &kfk__create_topics_api, version, &req);
}

static const kfk__create_topics_response_topic *create(kfk__create_topics_request_topic t)
{
    return &create_n(7, &t, 1, false)->topics.v[0];
}

START_TEST(every_version_makes_topics)
{
    kfk__create_topics_request_topic t = named("t", 4, 2);
    const kfk__create_topics_response_topic *r = &create_n((int16_t)_i, &t, 1, false)->topics.v[0];
    const kfk__dev_topic *made = kfk__dev_cluster_topic(&service.cluster, t.name);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_ptr_null(r->error_message.data);
    ck_assert_ptr_nonnull(made);
    ck_assert_int_eq(made->n_partitions, 4);
    ck_assert_int_eq(made->partitions[0]->replicas.n, 2);
    if (_i >= 5) {
        ck_assert_int_eq(r->num_partitions, 4);
        ck_assert_int_eq(r->replication_factor, 2);
        ck_assert_int_eq(r->configs.n, KFK__DEV_N_CONFIGS);
    }
    if (_i >= 7)
        ck_assert(kfk__uuid_equal(&r->topic_id, &made->id));
}
END_TEST

START_TEST(minus_one_is_the_default)
{
    service.cluster.default_partitions = 6;
    service.cluster.default_replicas = 3;
    ck_assert_int_eq(create(named("t", -1, -1))->num_partitions, 6);
}
END_TEST

START_TEST(validating_makes_nothing)
{
    kfk__create_topics_request_topic t = named("t", 1, 1);

    ck_assert_int_eq(create_n(5, &t, 1, true)->topics.v[0].error_code, 0);
    ck_assert_int_eq(service.cluster.topics.n, 0);
}
END_TEST

static const struct {
    const char *name;
    int32_t partitions;
    int16_t replicas, code;
    const char *why;
} refused[] = {
    {"old", 1, 1, KFK_ERR_TOPIC_ALREADY_EXISTS, "Topic 'old' already exists."},
    {"a.b", 1, 1, KFK_ERR_INVALID_TOPIC_EXCEPTION, "Topic 'a.b' collides with existing topic: a_b"},
    {"", 1, 1, KFK_ERR_INVALID_TOPIC_EXCEPTION,
     "Topic name is invalid: the empty string is not allowed"},
    {".", 1, 1, KFK_ERR_INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"},
    {"..", 1, 1, KFK_ERR_INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed"},
    {"a/b", 1, 1, KFK_ERR_INVALID_TOPIC_EXCEPTION,
     "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, "
     "'.', '_' and '-'"},
    {"t", 0, 1, KFK_ERR_INVALID_PARTITIONS,
     "Number of partitions was set to an invalid non-positive value."},
    {"t", -2, 1, KFK_ERR_INVALID_PARTITIONS,
     "Number of partitions was set to an invalid non-positive value."},
    {"t", 1, 0, KFK_ERR_INVALID_REPLICATION_FACTOR,
     "Replication factor must be larger than 0, or -1 to use the default value."},
    {"t", 1, 4, KFK_ERR_INVALID_REPLICATION_FACTOR,
     "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be "
     "reached because only "
     "3 broker(s) are registered."},
};

START_TEST(what_cannot_be_is_refused_in_words)
{
    const kfk__create_topics_response_topic *r;

    add_topic("old", 1, 1);
    add_topic("a_b", 1, 1);
    r = create(named(refused[_i].name, refused[_i].partitions, refused[_i].replicas));
    ck_assert_int_eq(r->error_code, refused[_i].code);
    ck_assert_bytes_eq(r->error_message, refused[_i].why);
    ck_assert_int_eq(service.cluster.topics.n, 2);
}
END_TEST

START_TEST(a_name_has_at_most_249_bytes)
{
    char name[251];

    memset(name, 'x', sizeof name);
    name[250] = 0;
    ck_assert_int_eq(create(named(name, 1, 1))->error_code, KFK_ERR_INVALID_TOPIC_EXCEPTION);
    name[249] = 0;
    ck_assert_int_eq(create(named(name, 1, 1))->error_code, 0);
}
END_TEST

START_TEST(one_name_twice_is_refused_twice)
{
    kfk__create_topics_request_topic t[] = {named("t", 1, 1), named("u", 1, 1), named("t", 1, 1)};
    const kfk__create_topics_response *r = create_n(7, t, 3, false);

    ck_assert_int_eq(r->topics.v[0].error_code, KFK_ERR_INVALID_REQUEST);
    ck_assert_int_eq(r->topics.v[1].error_code, 0);
    ck_assert_int_eq(r->topics.v[2].error_code, KFK_ERR_INVALID_REQUEST);
    ck_assert_bytes_eq(r->topics.v[2].error_message, "Duplicate topic name.");
}
END_TEST

START_TEST(configs_are_set_or_refused)
{
    kfk__create_topics_request_config config = {kfk__bytes_str("cleanup.policy"),
                                                kfk__bytes_str("compact")};
    kfk__create_topics_request_topic t = named("t", 1, 1);
    const kfk__create_topics_response_topic *r;

    t.configs.v = &config;
    t.configs.n = 1;
    r = create(t);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_bytes_eq(r->configs.v[0].value, "compact");
    ck_assert_int_eq(r->configs.v[0].config_source, 1);
    ck_assert_int_eq(r->configs.v[1].config_source, 5);
    ck_assert(kfk__dev_cluster_topic(&service.cluster, t.name)->config.compacted);
    t.name = kfk__bytes_str("u");
    config.name = kfk__bytes_str("no.such");
    ck_assert_bytes_eq(create(t)->error_message, "Unknown topic config name: no.such");
    config.name = kfk__bytes_str("segment.bytes");
    config.value = kfk__bytes_str("9x");
    r = create(t);
    ck_assert_int_eq(r->error_code, KFK_ERR_INVALID_CONFIG);
    ck_assert_bytes_eq(
        r->error_message,
        "Invalid value 9x for configuration segment.bytes: Not a number of type INT");
    config.value = (kfk_bytes){0};
    ck_assert_bytes_eq(create(t)->error_message,
                       "Null value not supported for topic configs: segment.bytes");
}
END_TEST

START_TEST(replicas_are_placed_by_hand)
{
    int32_t first[] = {3, 1}, second[] = {2, 3}, wrong[] = {2, 4}, twice[] = {2, 2};
    kfk__create_topics_request_assignment a[2] = {{0, {first, 2}}, {1, {second, 2}}};
    kfk__create_topics_request_topic t = named("t", -1, -1);
    const kfk__dev_topic *made;

    t.assignments.v = a;
    t.assignments.n = 2;
    ck_assert_int_eq(create(t)->error_code, 0);
    made = kfk__dev_cluster_topic(&service.cluster, t.name);
    ck_assert_int_eq(made->partitions[0]->leader, 3);
    ck_assert_int_eq(made->partitions[1]->replicas.v[1], 3);
    t.name = kfk__bytes_str("u");
    a[1].broker_ids.n = 1;
    ck_assert_int_eq(create(t)->error_code, KFK_ERR_INVALID_REPLICA_ASSIGNMENT);
    a[1].broker_ids.v = wrong;
    a[1].broker_ids.n = 2;
    ck_assert_bytes_eq(
        create(t)->error_message,
        "The manual partition assignment includes broker 4, but no such broker is registered.");
    a[1].broker_ids.v = twice;
    ck_assert_bytes_eq(create(t)->error_message,
                       "The manual partition assignment includes the broker 2 more than once.");
    a[1].broker_ids.v = second;
    a[1].partition_index = 0;
    ck_assert_bytes_eq(create(t)->error_message,
                       "Found multiple manual partition assignments for partition 0");
    a[1].partition_index = 2;
    ck_assert_bytes_eq(create(t)->error_message,
                       "partitions should be a consecutive 0-based integer sequence");
    t.num_partitions = 2;
    ck_assert_int_eq(create(t)->error_code, KFK_ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(an_old_cluster_has_one_controller)
{
    kfk__create_topics_request_topic t = named("t", 1, 1);
    kfk__create_topics_request req;
    const kfk__create_topics_response *r;

    service.cluster.profile = kfk__dev_profile_by_name("2.8");
    new_request(&kfk__create_topics_api, &req);
    req.topics.v = &t;
    req.topics.n = 1;
    r = ask(2, &kfk__create_topics_api, 7, &req);
    ck_assert_int_eq(r->topics.v[0].error_code, KFK_ERR_NOT_CONTROLLER);
    r = ask(1, &kfk__create_topics_api, 7, &req);
    ck_assert_int_eq(r->topics.v[0].error_code, 0);
}
END_TEST

/* ---- delete ---- */

START_TEST(every_version_deletes_by_name)
{
    kfk_bytes names[] = {kfk__bytes_str("t"), kfk__bytes_str("none")};
    kfk__delete_topics_request_topic topics[] = {{.name = names[0]}, {.name = names[1]}};
    kfk__delete_topics_request req;
    const kfk__delete_topics_response *r;

    add_topic("t", 1, 1);
    new_request(&kfk__delete_topics_api, &req);
    if (_i >= 6) {
        req.topics.v = topics;
        req.topics.n = 2;
    } else {
        req.topic_names.v = names;
        req.topic_names.n = 2;
    }
    r = ask(1, &kfk__delete_topics_api, (int16_t)_i, &req);
    ck_assert_int_eq(r->responses.n, 2);
    ck_assert_int_eq(r->responses.v[0].error_code, 0);
    ck_assert_int_eq(r->responses.v[1].error_code, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(service.cluster.topics.n, 0);
}
END_TEST

START_TEST(topics_are_deleted_by_id)
{
    const kfk__dev_topic *t = add_topic("t", 1, 1);
    kfk__delete_topics_request_topic topics[] = {{.topic_id = t->id}, {.topic_id = {{1}}}};
    kfk__delete_topics_request req;
    const kfk__delete_topics_response *r;

    new_request(&kfk__delete_topics_api, &req);
    req.topics.v = topics;
    req.topics.n = 2;
    r = ask(1, &kfk__delete_topics_api, 6, &req);
    ck_assert_int_eq(r->responses.v[0].error_code, 0);
    ck_assert_bytes_eq(r->responses.v[0].name, "t");
    ck_assert_int_eq(r->responses.v[1].error_code, KFK_ERR_UNKNOWN_TOPIC_ID);
    ck_assert_ptr_null(r->responses.v[1].name.data);
}
END_TEST

/* ---- partitions ---- */

static const kfk__create_partitions_response_result *grow(int16_t version, const char *name,
                                                          int32_t count)
{
    kfk__create_partitions_request_topic t = {
        .name = kfk__bytes_str(name), .count = count, .assignments = {NULL, -1}};
    kfk__create_partitions_request req;

    new_request(&kfk__create_partitions_api, &req);
    req.topics.v = &t;
    req.topics.n = 1;
    return &((kfk__create_partitions_response *)ask(1, &kfk__create_partitions_api, version, &req))
                ->results.v[0];
}

START_TEST(every_version_adds_partitions)
{
    const kfk__dev_topic *t = add_topic("t", 3, 2);

    ck_assert_int_eq(grow((int16_t)_i, "t", 5)->error_code, 0);
    ck_assert_int_eq(t->n_partitions, 5);
    ck_assert_int_eq(t->partitions[4]->index, 4);
    ck_assert_int_eq(t->partitions[4]->replicas.n, 2);
}
END_TEST

START_TEST(partitions_only_grow)
{
    add_topic("t", 3, 2);
    ck_assert_int_eq(grow(3, "t", 2)->error_code, KFK_ERR_INVALID_PARTITIONS);
    ck_assert_bytes_eq(grow(3, "t", 2)->error_message,
                       "The topic t currently has 3 partition(s); 2 would not be an increase.");
    ck_assert_bytes_eq(grow(3, "t", 3)->error_message, "Topic already has 3 partition(s).");
    ck_assert_int_eq(grow(3, "u", 3)->error_code, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
}
END_TEST

START_TEST(added_partitions_are_placed_by_hand)
{
    int32_t nodes[] = {2, 3};
    kfk__create_partitions_request_assignment a = {{nodes, 2}};
    kfk__create_partitions_request_topic in = {
        .name = kfk__bytes_str("t"), .count = 3, .assignments = {&a, 1}};
    const kfk__dev_topic *t = add_topic("t", 1, 2);
    kfk__create_partitions_request req;
    const kfk__create_partitions_response *r;

    new_request(&kfk__create_partitions_api, &req);
    req.topics.v = &in;
    req.topics.n = 1;
    r = ask(1, &kfk__create_partitions_api, 3, &req);
    ck_assert_bytes_eq(
        r->results.v[0].error_message,
        "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.");
    in.count = 2;
    r = ask(1, &kfk__create_partitions_api, 3, &req);
    ck_assert_int_eq(r->results.v[0].error_code, 0);
    ck_assert_int_eq(t->partitions[1]->leader, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_topics");
    TCase *t = tcase_create("api_topics");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_makes_topics, 2, 8);
    tcase_add_test(t, minus_one_is_the_default);
    tcase_add_test(t, validating_makes_nothing);
    tcase_add_loop_test(t, what_cannot_be_is_refused_in_words, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(t, a_name_has_at_most_249_bytes);
    tcase_add_test(t, one_name_twice_is_refused_twice);
    tcase_add_test(t, configs_are_set_or_refused);
    tcase_add_test(t, replicas_are_placed_by_hand);
    tcase_add_test(t, an_old_cluster_has_one_controller);
    tcase_add_loop_test(t, every_version_deletes_by_name, 1, 7);
    tcase_add_test(t, topics_are_deleted_by_id);
    tcase_add_loop_test(t, every_version_adds_partitions, 0, 4);
    tcase_add_test(t, partitions_only_grow);
    tcase_add_test(t, added_partitions_are_placed_by_hand);
    suite_add_tcase(s, t);
    return run_suite(s);
}
