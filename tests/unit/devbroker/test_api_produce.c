/* Produce: every version, what is refused and how, repetition, hints; and what acks=0 hears. */
#include "asker.h"

#include "proto/produce.h"

enum { CONTROL = KFK__BATCH_CONTROL };

static kfk__dev_topic *topic;
static batch b;

static void setup(void)
{
    begin(2);
    topic = add_topic("t", 2, 2);
}

typedef struct sent {
    kfk__produce_request req;
    kfk__produce_request_topic topic;
    kfk__produce_request_partition partition;
} sent;

static void fill(sent *s, int16_t acks, int32_t partition, kfk_bytes records)
{
    new_request(&kfk__produce_api, &s->req);
    memset(&s->topic, 0, sizeof s->topic);
    s->req.acks = acks;
    s->req.topic_data.v = &s->topic;
    s->req.topic_data.n = 1;
    s->topic.name = kfk__bytes_str("t");
    s->topic.topic_id = topic->id;
    s->topic.partition_data.v = &s->partition;
    s->topic.partition_data.n = 1;
    s->partition.index = partition;
    s->partition.records = records;
}

static const kfk__produce_response *produce_raw(int16_t version, int32_t node, int16_t acks,
                                                int32_t partition, kfk_bytes records)
{
    sent s;

    fill(&s, acks, partition, records);
    return ask(node, &kfk__produce_api, version, &s.req);
}

/* To partition 0, which node 1 leads. */
static const kfk__produce_response_partition *produce(int16_t version, const batch *from)
{
    return &produce_raw(version, 1, -1, 0, kfk__bytes(from->bytes, from->size))
                ->responses.v[0]
                .partition_responses.v[0];
}

static kfk__dev_log *log_of(int32_t partition)
{
    return &topic->partitions[partition]->log;
}

START_TEST(every_version_appends)
{
    const kfk__produce_response_partition *p;

    make_batch(&b, &(batch_spec){.n = 3, .timestamp = WALL_MS});
    p = produce((int16_t)_i, &b);
    ck_assert_int_eq(p->error_code, 0);
    ck_assert_int_eq(p->base_offset, 0);
    ck_assert_int_eq(p->log_append_time_ms, -1);
    ck_assert_int_eq(p->log_start_offset, _i >= 5 ? 0 : -1);
    p = produce((int16_t)_i, &b);
    ck_assert_int_eq(p->base_offset, 3);
    ck_assert_int_eq(log_of(0)->end, 6);
}
END_TEST

START_TEST(append_time_is_told)
{
    set_config(topic, "message.timestamp.type", "LogAppendTime");
    make_batch(&b, &(batch_spec){.n = 1, .timestamp = 5});
    ck_assert_int_eq(produce(9, &b)->log_append_time_ms, WALL_MS);
    ck_assert_int_eq(log_of(0)->batches[0].max_timestamp, WALL_MS);
}
END_TEST

START_TEST(a_repeated_batch_is_answered_and_not_appended)
{
    const kfk__produce_response_partition *p;

    make_batch(&b,
               &(batch_spec){.n = 5, .timestamp = WALL_MS, .idempotent = true, .producer_id = 9});
    ck_assert_int_eq(produce(9, &b)->base_offset, 0);
    p = produce(9, &b);
    ck_assert_int_eq(p->error_code, 0);
    ck_assert_int_eq(p->base_offset, 0);
    ck_assert_int_eq(log_of(0)->end, 5);
    make_batch(&b,
               &(batch_spec){
                   .timestamp = WALL_MS, .idempotent = true, .producer_id = 9, .base_sequence = 6});
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    ck_assert_int_eq(log_of(0)->end, 5);
}
END_TEST

START_TEST(records_without_a_key_are_refused_one_by_one)
{
    const kfk__produce_response_partition *p;

    set_config(topic, "cleanup.policy", "compact");
    make_batch(&b, &(batch_spec){.n = 2, .timestamp = WALL_MS, .keyless = true});
    p = produce(8, &b);
    ck_assert_int_eq(p->error_code, KFK_ERR_INVALID_RECORD);
    ck_assert_int_eq(p->base_offset, -1);
    ck_assert_int_eq(p->record_errors.n, 2);
    ck_assert_int_eq(p->record_errors.v[1].batch_index, 1);
    ck_assert_bytes_eq(p->record_errors.v[1].batch_index_error_message,
                       "Compacted topic cannot accept message without key in topic partition t-0.");
    ck_assert_int_eq(produce(7, &b)->error_code, KFK_ERR_INVALID_RECORD);
    ck_assert_int_eq(log_of(0)->end, 0);
}
END_TEST

START_TEST(times_too_far_off_are_refused)
{
    make_batch(&b, &(batch_spec){.timestamp = WALL_MS + 3600000});
    ck_assert_int_eq(produce(9, &b)->error_code, 0);
    make_batch(&b, &(batch_spec){.timestamp = WALL_MS + 3600001});
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_TIMESTAMP);
    make_batch(&b, &(batch_spec){.timestamp = INT64_MIN / 2});
    ck_assert_int_eq(produce(9, &b)->error_code, 0);
    set_config(topic, "message.timestamp.before.max.ms", "1000");
    make_batch(&b, &(batch_spec){.timestamp = WALL_MS - 1001});
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_TIMESTAMP);
}
END_TEST

START_TEST(what_no_producer_should_send_is_refused)
{
    static const kfk_bytes null;
    uint8_t two[2 * BATCH_MAX];

    ck_assert_int_eq(
        produce_raw(9, 1, -1, 0, null)->responses.v[0].partition_responses.v[0].error_code,
        KFK_ERR_INVALID_RECORD);
    make_batch(&b, &(batch_spec){.n = 2, .timestamp = WALL_MS});
    memcpy(two, b.bytes, b.size);
    memcpy(two + b.size, b.bytes, b.size);
    ck_assert_int_eq(produce_raw(9, 1, -1, 0, kfk__bytes(two, 2 * b.size))
                         ->responses.v[0]
                         .partition_responses.v[0]
                         .error_code,
                     KFK_ERR_INVALID_RECORD);
    ck_assert_int_eq(produce_raw(9, 1, -1, 0, kfk__bytes(two, b.size - 1))
                         ->responses.v[0]
                         .partition_responses.v[0]
                         .error_code,
                     KFK_ERR_CORRUPT_MESSAGE);
    b.bytes[b.size - 1] ^= 1;
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_CORRUPT_MESSAGE);
    make_batch(&b, &(batch_spec){.n = 2, .timestamp = WALL_MS});
    b.bytes[16] = 1;
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_RECORD);
    make_batch(&b, &(batch_spec){.base_offset = 1, .timestamp = WALL_MS});
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_RECORD);
    make_batch(&b, &(batch_spec){.attributes = CONTROL, .timestamp = WALL_MS});
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_RECORD);
    make_batch(&b, &(batch_spec){.n = 3, .timestamp = WALL_MS});
    b.h.last_offset_delta = 5;
    seal(&b);
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_RECORD);
    make_batch(&b, &(batch_spec){.n = 3, .timestamp = WALL_MS});
    b.h.count = b.h.last_offset_delta = 2;
    b.h.last_offset_delta = 1;
    seal(&b);
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_INVALID_RECORD);
    make_batch(&b, &(batch_spec){.attributes = 4, .timestamp = WALL_MS});
    ck_assert_int_eq(produce(6, &b)->error_code, KFK_ERR_UNSUPPORTED_COMPRESSION_TYPE);
    ck_assert_int_eq(produce(7, &b)->error_code, KFK_ERR_INVALID_RECORD);
    ck_assert_int_eq(log_of(0)->end, 0);
}
END_TEST

START_TEST(batches_have_a_longest)
{
    make_batch(&b, &(batch_spec){.value_len = 1000, .timestamp = WALL_MS});
    set_config(topic, "max.message.bytes", "1000");
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_MESSAGE_TOO_LARGE);
    set_config(topic, "max.message.bytes", "2000");
    ck_assert_int_eq(produce(9, &b)->error_code, 0);
}
END_TEST

START_TEST(acks_all_wants_enough_replicas)
{
    make_batch(&b, &(batch_spec){.timestamp = WALL_MS});
    set_config(topic, "min.insync.replicas", "2");
    kfk__dev_cluster_set_up(&service.cluster, 2, false);
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_NOT_ENOUGH_REPLICAS);
    ck_assert_int_eq(produce_raw(9, 1, 1, 0, kfk__bytes(b.bytes, b.size))
                         ->responses.v[0]
                         .partition_responses.v[0]
                         .error_code,
                     0);
    ck_assert_int_eq(produce_raw(9, 1, 2, 0, kfk__bytes(b.bytes, b.size))
                         ->responses.v[0]
                         .partition_responses.v[0]
                         .error_code,
                     KFK_ERR_INVALID_REQUIRED_ACKS);
    kfk__dev_cluster_set_up(&service.cluster, 2, true);
    ck_assert_int_eq(produce(9, &b)->error_code, 0);
}
END_TEST

START_TEST(another_leader_is_hinted_at)
{
    const kfk__produce_response *r;
    const kfk__produce_response_partition *p;

    make_batch(&b, &(batch_spec){.timestamp = WALL_MS});
    kfk__dev_partition_lead(&service.cluster, topic->partitions[0], 2);
    r = produce_raw(10, 1, -1, 0, kfk__bytes(b.bytes, b.size));
    p = &r->responses.v[0].partition_responses.v[0];
    ck_assert_int_eq(p->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(p->current_leader.leader_id, 2);
    ck_assert_int_eq(p->current_leader.leader_epoch, 1);
    ck_assert_int_eq(r->node_endpoints.n, 1);
    ck_assert_int_eq(r->node_endpoints.v[0].node_id, 2);
    ck_assert_bytes_eq(r->node_endpoints.v[0].host, "node2");
    ck_assert_int_eq(r->node_endpoints.v[0].port, 9092);
    r = produce_raw(9, 1, -1, 0, kfk__bytes(b.bytes, b.size));
    ck_assert_int_eq(r->responses.v[0].partition_responses.v[0].error_code,
                     KFK_ERR_NOT_LEADER_OR_FOLLOWER);
}
END_TEST

START_TEST(topics_and_partitions_must_exist)
{
    sent s;
    const kfk__produce_response *r;

    make_batch(&b, &(batch_spec){.timestamp = WALL_MS});
    fill(&s, -1, 2, kfk__bytes(b.bytes, b.size));
    r = ask(1, &kfk__produce_api, 12, &s.req);
    ck_assert_int_eq(r->responses.v[0].partition_responses.v[0].error_code,
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    s.topic.name = kfk__bytes_str("u");
    r = ask(1, &kfk__produce_api, 12, &s.req);
    ck_assert_int_eq(r->responses.v[0].partition_responses.v[0].error_code,
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    s.topic.topic_id.b[0] ^= 1;
    r = ask(1, &kfk__produce_api, 13, &s.req);
    ck_assert_int_eq(r->responses.v[0].partition_responses.v[0].error_code,
                     KFK_ERR_UNKNOWN_TOPIC_ID);
    ck_assert(kfk__uuid_equal(&r->responses.v[0].topic_id, &s.topic.topic_id));
}
END_TEST

START_TEST(acks_0_hears_nothing_or_is_cut_off)
{
    kfk__dev_call *call;
    sent s;

    make_batch(&b, &(batch_spec){.timestamp = WALL_MS});
    fill(&s, 0, 0, kfk__bytes(b.bytes, b.size));
    call = call_of(1, &kfk__produce_api, 9, &s.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_DONE);
    kfk__dev_call_free(call);
    ck_assert_int_eq(log_of(0)->end, 1);
    call = call_of(2, &kfk__produce_api, 9, &s.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_DEAD);
    kfk__dev_call_free(call);
}
END_TEST

START_TEST(memory_is_kept_within_bounds)
{
    make_batch(&b, &(batch_spec){.value_len = 5000, .timestamp = WALL_MS});
    service.cluster.bytes_max = 100 * 1024;
    for (int i = 0; i < 100; i++) {
        const kfk__produce_response_partition *p = produce(9, &b);

        ck_assert_int_eq(p->error_code, 0);
        ck_assert_int_eq(p->base_offset, i);
        ck_assert_uint_le(log_of(0)->bytes, service.cluster.bytes_max);
    }
    ck_assert_int_gt(log_of(0)->start, 0);
    service.cluster.bytes_max = 4000;
    ck_assert_int_eq(produce(9, &b)->error_code, KFK_ERR_KAFKA_STORAGE_ERROR);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_produce");
    TCase *t = tcase_create("api_produce");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_appends, 3, 14);
    tcase_add_test(t, append_time_is_told);
    tcase_add_test(t, a_repeated_batch_is_answered_and_not_appended);
    tcase_add_test(t, records_without_a_key_are_refused_one_by_one);
    tcase_add_test(t, times_too_far_off_are_refused);
    tcase_add_test(t, what_no_producer_should_send_is_refused);
    tcase_add_test(t, batches_have_a_longest);
    tcase_add_test(t, acks_all_wants_enough_replicas);
    tcase_add_test(t, another_leader_is_hinted_at);
    tcase_add_test(t, topics_and_partitions_must_exist);
    tcase_add_test(t, acks_0_hears_nothing_or_is_cut_off);
    tcase_add_test(t, memory_is_kept_within_bounds);
    suite_add_tcase(s, t);
    return run_suite(s);
}
