/* Fetch: every version, limits, waiting, epochs, hints. */
#include "fetches.h"

START_TEST(every_version_gives_what_is_there)
{
    const kfk__fetch_response_partition *p;
    fetched f;

    append(0, 2);
    append(0, 3);
    fill(&f, 1);
    p = first_of(fetch((int16_t)_i, 1, &f));
    ck_assert_int_eq(p->error_code, 0);
    ck_assert_int_eq(p->high_watermark, 5);
    ck_assert_int_eq(p->last_stable_offset, 5);
    ck_assert_int_eq(p->aborted_transactions.n, -1);
    ck_assert_int_eq(p->preferred_read_replica, -1);
    ck_assert_uint_eq(p->records.len, topic->partitions[0]->log.bytes);
    ck_assert_mem_eq(p->records.data, topic->partitions[0]->log.batches[0].chunk->bytes,
                     p->records.len);
    f.partitions[0].fetch_offset = 3;
    f.req.isolation_level = 1;
    p = first_of(fetch((int16_t)_i, 1, &f));
    ck_assert_uint_eq(p->records.len, batch_size);
    ck_assert_int_eq(p->aborted_transactions.n, 0);
    f.partitions[0].fetch_offset = 5;
    p = first_of(fetch((int16_t)_i, 1, &f));
    ck_assert_int_eq(p->error_code, 0);
    ck_assert_uint_eq(p->records.len, 0);
    ck_assert_ptr_nonnull(p->records.data);
}
END_TEST

static kfk__batch_header transactional(int64_t producer_id, int64_t offset, size_t size,
                                       int16_t attributes)
{
    return (kfk__batch_header){.base_offset = offset,
                               .length = (int32_t)size - KFK__BATCH_LOG_OVERHEAD,
                               .magic = 2,
                               .attributes = KFK__BATCH_TRANSACTIONAL | attributes,
                               .producer_id = producer_id,
                               .count = 1};
}

/* One record of a producer's transaction, or with |key| its marker. */
static void load(int64_t producer_id, const char *key)
{
    kfk__dev_log *log = &topic->partitions[0]->log;
    uint8_t bytes[KFK__BATCH_HEADER + 64];
    kfk__batch_header h;

    batch_size = (size_t)(kfk__record_write(bytes + KFK__BATCH_HEADER, 0, 0,
                                            kfk__bytes(key, key ? 4 : 0), (kfk_bytes){0}, NULL, 0) -
                          bytes);
    h = transactional(producer_id, log->end, batch_size, key ? KFK__BATCH_CONTROL : 0);
    kfk__batch_header_write(bytes, &h);
    ck_assert_int_eq(kfk__dev_log_load(log, bytes, batch_size, NULL), KFK_OK);
    service.cluster.version++;
}

START_TEST(committed_is_what_lies_before_the_first_open_transaction)
{
    const kfk__fetch_response_partition *p;
    fetched f;

    load(7, NULL);
    load(8, NULL);
    load(7, "\0\0\0\0"); /* an abort */
    fill(&f, 1);
    p = first_of(fetch((int16_t)_i, 1, &f));
    ck_assert_int_eq(p->last_stable_offset, 1);
    ck_assert_int_eq(p->high_watermark, 3);
    ck_assert_uint_eq(p->records.len, topic->partitions[0]->log.bytes);
    ck_assert_int_eq(p->aborted_transactions.n, -1);
    f.req.isolation_level = 1;
    p = first_of(fetch((int16_t)_i, 1, &f));
    ck_assert_int_eq(p->last_stable_offset, 1);
    ck_assert_uint_eq(p->records.len, topic->partitions[0]->log.batches[0].size);
    ck_assert_int_eq(p->aborted_transactions.n, 1);
    ck_assert_int_eq(p->aborted_transactions.v[0].producer_id, 7);
    ck_assert_int_eq(p->aborted_transactions.v[0].first_offset, 0);
    load(8, "\0\0\0\1"); /* a commit */
    f.partitions[0].fetch_offset = 3;
    p = first_of(fetch((int16_t)_i, 1, &f));
    ck_assert_int_eq(p->last_stable_offset, 4);
    ck_assert_uint_eq(p->records.len, batch_size);
    ck_assert_int_eq(p->aborted_transactions.n, 0);
}
END_TEST

START_TEST(offsets_have_a_range)
{
    fetched f;

    append(0, 5);
    kfk__dev_log_trim(&topic->partitions[0]->log, 2);
    fill(&f, 1);
    f.partitions[0].fetch_offset = 1;
    ck_assert_int_eq(first_of(fetch(11, 1, &f))->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
    f.partitions[0].fetch_offset = 6;
    ck_assert_int_eq(first_of(fetch(11, 1, &f))->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
    f.partitions[0].fetch_offset = -1;
    ck_assert_int_eq(first_of(fetch(11, 1, &f))->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
    f.partitions[0].fetch_offset = 2;
    ck_assert_int_eq(first_of(fetch(11, 1, &f))->error_code, 0);
}
END_TEST

/* The first partition that has something gives at least one batch; the others keep to what is left.
 */
START_TEST(limits_hold_but_for_the_first_batch)
{
    const kfk__fetch_response_topic *t;
    fetched f;

    for (int i = 0; i < 3; i++) {
        append(0, 1);
        append(2, 1);
    }
    for (int i = 0; i < 3; i++)
        topic->partitions[i]->leader = 1;
    fill(&f, 3);
    f.req.max_bytes = 10;
    t = &fetch(11, 1, &f)->responses.v[0];
    ck_assert_uint_eq(t->partitions.v[0].records.len, batch_size);
    ck_assert_uint_eq(t->partitions.v[1].records.len, 0);
    ck_assert_uint_eq(t->partitions.v[2].records.len, 0);
    f.req.max_bytes = (int32_t)(2 * batch_size + 5);
    f.partitions[0].partition_max_bytes = 1;
    t = &fetch(11, 1, &f)->responses.v[0];
    ck_assert_uint_eq(t->partitions.v[0].records.len, batch_size);
    ck_assert_uint_eq(t->partitions.v[2].records.len, batch_size + 5);
    f.partitions[2].partition_max_bytes = (int32_t)batch_size - 1;
    t = &fetch(11, 1, &f)->responses.v[0];
    ck_assert_uint_eq(t->partitions.v[2].records.len, 0);
}
END_TEST

START_TEST(it_waits_for_bytes)
{
    kfk__dev_call *call;
    fetched f;

    fill(&f, 1);
    append(0, 1);
    f.req.max_wait_ms = 500;
    f.req.min_bytes = (int32_t)batch_size + 1;
    call = call_of(1, &kfk__fetch_api, 12, &f.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_WAITING);
    ck_assert_int_eq(call->until, now_ns + 500 * KFK__MS);
    append(1, 1);
    ck_assert_uint_ne(call->seen, service.cluster.version);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns + 1, WALL_MS), KFK__DEV_WAITING);
    ck_assert_int_eq(call->until, now_ns + 500 * KFK__MS);
    append(0, 1);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns + 2, WALL_MS), KFK__DEV_READY);
    kfk__dev_call_free(call);
}
END_TEST

START_TEST(it_gives_what_there_is_when_time_is_up)
{
    const kfk__fetch_response *r;
    kfk__dev_call *call;
    uint8_t *bytes;
    fetched f;
    size_t n;

    fill(&f, 1);
    append(0, 1);
    f.req.max_wait_ms = 500;
    f.req.min_bytes = INT32_MAX;
    call = call_of(1, &kfk__fetch_api, 12, &f.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_WAITING);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns + 500 * KFK__MS - 1, WALL_MS),
                     KFK__DEV_WAITING);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns + 500 * KFK__MS, WALL_MS),
                     KFK__DEV_READY);
    bytes = answer_bytes(call, &n);
    kfk__dev_call_free(call);
    r = decode_answer(&kfk__fetch_api, 12, bytes, n);
    ck_assert_uint_eq(first_of(r)->records.len, batch_size);
}
END_TEST

START_TEST(what_is_wrong_is_told_at_once)
{
    fetched f;

    fill(&f, 2);
    f.req.max_wait_ms = 500;
    f.partitions[1].partition = 9;
    ck_assert_int_eq(fetch(12, 1, &f)->responses.v[0].partitions.v[1].error_code,
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    f.topic.topic_id.b[5] ^= 1;
    ck_assert_int_eq(first_of(fetch(13, 1, &f))->error_code, KFK_ERR_UNKNOWN_TOPIC_ID);
}
END_TEST

START_TEST(epochs_are_checked)
{
    const kfk__fetch_response *r;
    fetched f;

    kfk__dev_partition_lead(&service.cluster, topic->partitions[0], 2);
    fill(&f, 1);
    f.partitions[0].current_leader_epoch = 0;
    r = fetch(16, 2, &f);
    ck_assert_int_eq(first_of(r)->error_code, KFK_ERR_FENCED_LEADER_EPOCH);
    ck_assert_int_eq(first_of(r)->current_leader.leader_id, 2);
    ck_assert_int_eq(first_of(r)->current_leader.leader_epoch, 1);
    ck_assert_int_eq(r->node_endpoints.n, 1);
    f.partitions[0].current_leader_epoch = 2;
    ck_assert_int_eq(first_of(fetch(12, 2, &f))->error_code, KFK_ERR_UNKNOWN_LEADER_EPOCH);
    f.partitions[0].current_leader_epoch = 1;
    ck_assert_int_eq(first_of(fetch(12, 2, &f))->error_code, 0);
}
END_TEST

START_TEST(others_serve_only_what_they_hold)
{
    const kfk__dev_nodes both = {{1, 2}, 2};
    fetched f;

    fill(&f, 1);
    ck_assert_int_eq(first_of(fetch(11, 2, &f))->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    topic->partitions[0]->replicas = both;
    ck_assert_int_eq(first_of(fetch(11, 2, &f))->error_code, 0);
    ck_assert_int_eq(first_of(fetch(10, 2, &f))->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
}
END_TEST

START_TEST(only_who_has_a_replica_looks_at_epochs)
{
    fetched f;

    fill(&f, 1);
    f.partitions[0].current_leader_epoch = 7;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, KFK_ERR_UNKNOWN_LEADER_EPOCH);
    ck_assert_int_eq(first_of(fetch(12, 2, &f))->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    f.partitions[0].current_leader_epoch = -1;
    topic->partitions[0]->leader = -1;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
}
END_TEST

START_TEST(hints_come_with_version_16)
{
    const kfk__fetch_response *r;
    fetched f;

    fill(&f, 1);
    r = fetch((int16_t)_i, 2, &f);
    ck_assert_int_eq(first_of(r)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(first_of(r)->current_leader.leader_id, _i < 16 ? -1 : 1);
    ck_assert_int_eq(r->node_endpoints.n, _i < 16 ? 0 : 1);
}
END_TEST

/* Records 0 to 4 of epoch 0; a leader that had only 3 of them is elected, and appends others. */
static void elect_unclean(void)
{
    append(0, 3);
    append(0, 2);
    kfk__dev_log_truncate(&topic->partitions[0]->log, 3);
    kfk__dev_partition_lead(&service.cluster, topic->partitions[0], 1);
    append(0, 4);
}

START_TEST(a_client_that_read_what_is_gone_is_told)
{
    static const struct {
        int64_t offset;
        int32_t epoch;
        int64_t ended; /* -1: all is well */
    } cases[] = {{5, 0, 3},  {4, 0, 3}, {3, 0, -1}, {0, 0, -1}, {5, 1, -1},
                 {7, 1, -1}, {9, 0, 3}, {9, 1, 7},  {5, -1, -1}};

    elect_unclean();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kfk__fetch_response_partition *p;
        fetched f;

        fill(&f, 1);
        f.partitions[0].fetch_offset = cases[i].offset;
        f.partitions[0].last_fetched_epoch = cases[i].epoch;
        p = first_of(fetch(12, 1, &f));
        ck_assert_int_eq(p->error_code, 0);
        ck_assert_int_eq(p->diverging_epoch.end_offset, cases[i].ended);
        ck_assert_int_eq(p->diverging_epoch.epoch, cases[i].ended < 0 ? -1 : cases[i].epoch);
        ck_assert(cases[i].ended < 0 || p->records.len == 0);
        ck_assert_int_eq(p->high_watermark, 7);
    }
}
END_TEST

/* An epoch that there has not been, and what is older than all that is left. */
START_TEST(what_cannot_be_compared_is_out_of_range)
{
    fetched f;

    elect_unclean();
    fill(&f, 1);
    f.partitions[0].last_fetched_epoch = 2;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
    kfk__dev_log_trim(&topic->partitions[0]->log, 4);
    f.partitions[0].last_fetched_epoch = 0;
    f.partitions[0].fetch_offset = 3;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
    f.partitions[0].fetch_offset = 4;
    f.partitions[0].last_fetched_epoch = 1;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, 0);
}
END_TEST

START_TEST(a_fetch_that_waits_hears_that_its_records_are_gone)
{
    const kfk__fetch_response *r;
    kfk__dev_call *call;
    uint8_t *bytes;
    fetched f;
    size_t n;

    append(0, 5);
    fill(&f, 1);
    f.partitions[0].fetch_offset = 5;
    f.partitions[0].last_fetched_epoch = 0;
    f.req.max_wait_ms = 500;
    call = call_of(1, &kfk__fetch_api, 12, &f.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_WAITING);
    kfk__dev_log_truncate(&topic->partitions[0]->log, 0);
    kfk__dev_partition_lead(&service.cluster, topic->partitions[0], 1);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_READY);
    bytes = answer_bytes(call, &n);
    kfk__dev_call_free(call);
    r = decode_answer(&kfk__fetch_api, 12, bytes, n);
    ck_assert_int_eq(first_of(r)->diverging_epoch.epoch, 0);
    ck_assert_int_eq(first_of(r)->diverging_epoch.end_offset, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_fetch");
    TCase *t = tcase_create("api_fetch");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_gives_what_is_there, 4, 19);
    tcase_add_loop_test(t, committed_is_what_lies_before_the_first_open_transaction, 4, 19);
    tcase_add_test(t, offsets_have_a_range);
    tcase_add_test(t, limits_hold_but_for_the_first_batch);
    tcase_add_test(t, it_waits_for_bytes);
    tcase_add_test(t, it_gives_what_there_is_when_time_is_up);
    tcase_add_test(t, what_is_wrong_is_told_at_once);
    tcase_add_test(t, epochs_are_checked);
    tcase_add_test(t, others_serve_only_what_they_hold);
    tcase_add_test(t, only_who_has_a_replica_looks_at_epochs);
    tcase_add_loop_test(t, hints_come_with_version_16, 12, 19);
    tcase_add_test(t, a_client_that_read_what_is_gone_is_told);
    tcase_add_test(t, what_cannot_be_compared_is_out_of_range);
    tcase_add_test(t, a_fetch_that_waits_hears_that_its_records_are_gone);
    suite_add_tcase(s, t);
    return run_suite(s);
}
