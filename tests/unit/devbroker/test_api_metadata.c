/* Metadata: in every version, by name, by id, all, none; topics that are made on the way; nodes
 * that are down. */
#include "asker.h"

static void setup(void)
{
    begin(3);
}

static const kfk__metadata_response *metadata(int16_t version, kfk__metadata_request_topic *topics,
                                              int32_t n)
{
    kfk__metadata_request req;

    new_request(&kfk__metadata_api, &req);
    req.topics.v = topics;
    req.topics.n = n;
    req.allow_auto_topic_creation = true;
    return ask(2, &kfk__metadata_api, version, &req);
}

START_TEST(every_version_tells_of_all)
{
    const kfk__metadata_response_topic *t;
    const kfk__metadata_response *r;

    add_topic("b", 2, 2);
    add_topic("a", 1, 3);
    r = metadata((int16_t)_i, NULL, _i == 0 ? 0 : -1);
    ck_assert_int_eq(r->brokers.n, 3);
    ck_assert_int_eq(r->brokers.v[1].node_id, 2);
    ck_assert_bytes_eq(r->brokers.v[1].host, "node2");
    ck_assert_int_eq(r->brokers.v[1].port, 9092);
    if (_i >= 1)
        ck_assert_int_eq(r->controller_id, 1);
    if (_i >= 2)
        ck_assert_bytes_eq(r->cluster_id, service.cluster.id);
    ck_assert_int_eq(r->topics.n, 2);
    ck_assert_bytes_eq(r->topics.v[0].name, "a");
    t = &r->topics.v[1];
    ck_assert_bytes_eq(t->name, "b");
    ck_assert_int_eq(kfk__uuid_is_zero(&t->topic_id), _i < 10);
    ck_assert_int_eq(t->partitions.n, 2);
    ck_assert_int_eq(t->partitions.v[0].leader_id, 1);
    ck_assert_int_eq(t->partitions.v[1].leader_id, 2);
    ck_assert_int_eq(t->partitions.v[1].leader_epoch, _i >= 7 ? 0 : -1);
    ck_assert_int_eq(t->partitions.v[1].replica_nodes.n, 2);
    ck_assert_int_eq(t->partitions.v[1].replica_nodes.v[1], 3);
    ck_assert_int_eq(t->partitions.v[1].isr_nodes.n, 2);
}
END_TEST

START_TEST(no_topics_are_no_topics)
{
    add_topic("a", 1, 1);
    ck_assert_int_eq(metadata(9, NULL, 0)->topics.n, 0);
    ck_assert_int_eq(metadata(0, NULL, 0)->topics.n, 1);
}
END_TEST

START_TEST(nodes_tell_their_racks)
{
    const kfk__metadata_response *r;

    (void)snprintf(service.cluster.nodes[1].rack, 16, "there");
    r = metadata((int16_t)_i, NULL, -1);
    ck_assert_ptr_null(r->brokers.v[0].rack.data);
    ck_assert_bytes_eq(r->brokers.v[1].rack, "there");
}
END_TEST

START_TEST(an_unknown_topic_is_made_and_found_the_next_time)
{
    kfk__metadata_request_topic ask_for = {.name = kfk__bytes_str("new")};
    const kfk__metadata_response *r = metadata(12, &ask_for, 1);

    ck_assert_int_eq(r->topics.v[0].error_code, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    r = metadata(12, &ask_for, 1);
    ck_assert_int_eq(r->topics.v[0].error_code, 0);
    ck_assert_int_eq(r->topics.v[0].partitions.n, 1);
}
END_TEST

START_TEST(nothing_is_made_where_that_is_not_wanted)
{
    kfk__metadata_request_topic ask_for = {.name = kfk__bytes_str("new")};
    kfk__metadata_request req;

    new_request(&kfk__metadata_api, &req);
    req.topics.v = &ask_for;
    req.topics.n = 1;
    req.allow_auto_topic_creation = false;
    (void)ask(1, &kfk__metadata_api, 12, &req);
    ck_assert_int_eq(service.cluster.topics.n, 0);
    service.cluster.auto_create = false;
    (void)metadata(12, &ask_for, 1);
    ck_assert_int_eq(service.cluster.topics.n, 0);
    ask_for.name = kfk__bytes_str("a b");
    service.cluster.auto_create = true;
    ck_assert_int_eq(metadata(12, &ask_for, 1)->topics.v[0].error_code,
                     KFK_ERR_INVALID_TOPIC_EXCEPTION);
}
END_TEST

START_TEST(topics_are_found_by_id)
{
    const kfk__dev_topic *t = add_topic("a", 1, 1);
    kfk__metadata_request_topic ask_for = {.topic_id = t->id};
    const kfk__metadata_response *r = metadata(12, &ask_for, 1);

    ck_assert_int_eq(r->topics.v[0].error_code, 0);
    ck_assert_bytes_eq(r->topics.v[0].name, "a");
    ask_for.topic_id.b[3] ^= 1;
    r = metadata(12, &ask_for, 1);
    ck_assert_int_eq(r->topics.v[0].error_code, KFK_ERR_UNKNOWN_TOPIC_ID);
    ck_assert_ptr_null(r->topics.v[0].name.data);
    ck_assert(kfk__uuid_equal(&r->topics.v[0].topic_id, &ask_for.topic_id));
    ask_for = (kfk__metadata_request_topic){.topic_id = t->id, .name = kfk__bytes_str("")};
    r = metadata(13, &ask_for, 1);
    ck_assert_bytes_eq(r->topics.v[0].name, "a");
}
END_TEST

START_TEST(a_node_that_is_down_leads_nothing)
{
    const kfk__metadata_response_topic *t;
    const kfk__metadata_response *r;

    add_topic("alone", 1, 1);
    kfk__dev_cluster_set_up(&service.cluster, 1, true);
    add_topic("pair", 3, 2);
    kfk__dev_cluster_set_up(&service.cluster, 1, false);
    r = metadata(12, NULL, -1);
    ck_assert_int_eq(r->brokers.n, 2);
    ck_assert_int_eq(r->controller_id, 2);
    t = &r->topics.v[0];
    ck_assert_int_eq(t->partitions.v[0].error_code, KFK_ERR_LEADER_NOT_AVAILABLE);
    ck_assert_int_eq(t->partitions.v[0].leader_id, -1);
    ck_assert_int_eq(t->partitions.v[0].offline_replicas.n, 1);
    t = &r->topics.v[1];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(t->partitions.v[i].error_code, 0);
        ck_assert_int_ne(t->partitions.v[i].leader_id, 1);
    }
    kfk__dev_cluster_set_up(&service.cluster, 1, true);
    r = metadata(12, NULL, -1);
    ck_assert_int_eq(r->topics.v[0].partitions.v[0].leader_id, 1);
    ck_assert_int_eq(r->topics.v[0].partitions.v[0].leader_epoch, 2);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(r->topics.v[1].partitions.v[i].isr_nodes.n, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_metadata");
    TCase *t = tcase_create("api_metadata");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_tells_of_all, 0, 14);
    tcase_add_test(t, no_topics_are_no_topics);
    tcase_add_loop_test(t, nodes_tell_their_racks, 1, 14);
    tcase_add_test(t, an_unknown_topic_is_made_and_found_the_next_time);
    tcase_add_test(t, nothing_is_made_where_that_is_not_wanted);
    tcase_add_test(t, topics_are_found_by_id);
    tcase_add_test(t, a_node_that_is_down_leads_nothing);
    suite_add_tcase(s, t);
    return run_suite(s);
}
