/* ListOffsets, OffsetForLeaderEpoch. */
#include "asker.h"

#include "compress/compress.h"
#include "proto/list_offsets.h"
#include "proto/offset_for_leader_epoch.h"
#include "unit/record/messages.h"

static kfk__dev_topic *topic;
static batch b;

static void setup(void)
{
    begin(2);
    topic = add_topic("t", 1, 1);
}

static kfk__dev_log *the_log(void)
{
    return &topic->partitions[0]->log;
}

static void append_batch(int32_t epoch)
{
    int64_t base;

    ck_assert_int_eq(kfk__dev_log_append(the_log(), b.bytes, b.size, epoch, -1, &base), KFK_OK);
}

static void append(int32_t n, int64_t timestamp)
{
    make_batch(&b, &(batch_spec){.n = n, .timestamp = timestamp});
    append_batch(0);
}

/* The same, its records compressed. */
static void append_compressed(int32_t n, int64_t timestamp)
{
    kfk__compressor *c = kfk__compressor_new(&kfk__malloc_allocator);
    kfk__buf out;
    struct iovec in;

    make_batch(&b, &(batch_spec){.n = n, .timestamp = timestamp, .attributes = KFK__CODEC_LZ4});
    in = (struct iovec){b.bytes + KFK__BATCH_HEADER, b.size - KFK__BATCH_HEADER};
    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__compress(c, KFK__CODEC_LZ4, 9, &in, 1, &out), KFK_OK);
    memcpy(b.bytes + KFK__BATCH_HEADER, out.data, out.len);
    b.size = KFK__BATCH_HEADER + out.len;
    b.h.length = (int32_t)b.size - KFK__BATCH_LOG_OVERHEAD;
    seal(&b);
    append_batch(0);
    kfk__buf_fini(&out);
    kfk__compressor_free(c);
}

static const kfk__list_offsets_response_partition *list_as(int8_t isolation_level, int16_t version,
                                                           int64_t time, int32_t epoch)
{
    kfk__list_offsets_request_partition p = {
        .partition_index = 0, .current_leader_epoch = epoch, .timestamp = time};
    kfk__list_offsets_request_topic t = {.name = kfk__bytes_str("t"), .partitions = {&p, 1}};
    kfk__list_offsets_request req;

    new_request(&kfk__list_offsets_api, &req);
    req.replica_id = -1;
    req.isolation_level = isolation_level;
    req.topics.v = &t;
    req.topics.n = 1;
    return &((kfk__list_offsets_response *)ask(1, &kfk__list_offsets_api, version, &req))
                ->topics.v[0]
                .partitions.v[0];
}

static const kfk__list_offsets_response_partition *list(int16_t version, int64_t time,
                                                        int32_t epoch)
{
    return list_as(0, version, time, epoch);
}

START_TEST(every_version_knows_both_ends)
{
    append(4, 100);
    kfk__dev_log_trim(the_log(), 1);
    ck_assert_int_eq(list((int16_t)_i, -1, -1)->offset, 4);
    ck_assert_int_eq(list((int16_t)_i, -2, -1)->offset, 1);
    ck_assert_int_eq(list((int16_t)_i, -1, -1)->leader_epoch, _i >= 4 ? 0 : -1);
    ck_assert_int_eq(list((int16_t)_i, -3, -1)->error_code,
                     _i >= 7 ? 0 : KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(list((int16_t)_i, -4, -1)->error_code,
                     _i >= 8 ? 0 : KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(list((int16_t)_i, -6, -1)->error_code,
                     _i >= 11 ? 0 : KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(list((int16_t)_i, -7, -1)->error_code, KFK_ERR_UNSUPPORTED_VERSION);
}
END_TEST

START_TEST(the_end_of_what_is_committed_is_another)
{
    append(4, 100);
    make_batch(&b, &(batch_spec){.n = 2, .attributes = KFK__BATCH_TRANSACTIONAL});
    append_batch(0);
    ck_assert_int_eq(list((int16_t)_i, -1, -1)->offset, 6);
    ck_assert_int_eq(list_as(1, (int16_t)_i, -1, -1)->offset, 4);
    ck_assert_int_eq(list_as(1, (int16_t)_i, -2, -1)->offset, 0);
}
END_TEST

START_TEST(times_are_found_in_what_is_committed)
{
    append(4, 100);
    make_batch(&b, &(batch_spec){.n = 2, .timestamp = 200, .attributes = KFK__BATCH_TRANSACTIONAL});
    append_batch(0);
    ck_assert_int_eq(list(11, 200, -1)->offset, 4);
    ck_assert_int_eq(list(11, -3, -1)->offset, 5);
    ck_assert_int_eq(list_as(1, 11, 103, -1)->offset, 3);
    ck_assert_int_eq(list_as(1, 11, 200, -1)->error_code, 0);
    ck_assert_int_eq(list_as(1, 11, 200, -1)->offset, -1);
    ck_assert_int_eq(list_as(1, 11, 200, -1)->timestamp, -1);
    ck_assert_int_eq(list_as(1, 11, -3, -1)->offset, -1);
    ck_assert_int_eq(list_as(1, 11, -3, -1)->leader_epoch, -1);
}
END_TEST

START_TEST(nothing_is_tiered)
{
    const kfk__list_offsets_response_partition *p;

    append(4, 100);
    ck_assert_int_eq(list(8, -5, -1)->error_code, KFK_ERR_UNSUPPORTED_VERSION);
    for (int64_t time = -6; time <= -5; time++) {
        p = list(11, time, -1);
        ck_assert_int_eq(p->error_code, 0);
        ck_assert_int_eq(p->offset, -1);
        ck_assert_int_eq(p->leader_epoch, -1);
    }
    p = list(11, -4, -1);
    ck_assert_int_eq(p->offset, 0);
    ck_assert_int_eq(p->leader_epoch, 0);
}
END_TEST

/* The latest offset is the leader's to say, and so is its epoch; what is found has its own. */
START_TEST(answers_tell_epochs)
{
    append(4, 100);
    topic->partitions[0]->leader_epoch = 3;
    ck_assert_int_eq(list(4, -1, -1)->leader_epoch, 3);
    ck_assert_int_eq(list(4, -2, -1)->leader_epoch, 0);
    make_batch(&b, &(batch_spec){.n = 2, .timestamp = 200});
    append_batch(3);
    ck_assert_int_eq(list(4, 103, -1)->leader_epoch, 0);
    ck_assert_int_eq(list(4, 200, -1)->leader_epoch, 3);
    ck_assert_int_eq(list(3, 200, -1)->leader_epoch, -1);
    ck_assert_int_eq(list(7, -3, -1)->leader_epoch, 3);
    kfk__dev_log_trim(the_log(), 4);
    ck_assert_int_eq(list(4, -2, -1)->leader_epoch, 3);
    ck_assert_int_eq(list(4, -2, -1)->offset, 4);
}
END_TEST

/* A version that does not know the time says so, wherever the partition is. */
START_TEST(a_time_that_is_unknown_is_refused_first)
{
    topic->partitions[0]->leader = 2;
    ck_assert_int_eq(list(6, -3, -1)->error_code, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(list(7, -3, -1)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
}
END_TEST

START_TEST(times_are_found_inside_batches)
{
    static const struct {
        int64_t time, offset, timestamp;
    } cases[] = {{0, 0, 100},   {100, 0, 100}, {101, 1, 101}, {104, 4, 300}, {300, 4, 300},
                 {302, 6, 302}, {303, 7, 303}, {305, 9, 305}, {306, -1, -1}};

    append(4, 100);
    append(3, 300);
    append_compressed(3, 303);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kfk__list_offsets_response_partition *p = list(11, cases[i].time, -1);

        ck_assert_int_eq(p->error_code, 0);
        ck_assert_int_eq(p->offset, cases[i].offset);
        ck_assert_int_eq(p->timestamp, cases[i].timestamp);
    }
    append(1, 50);
    kfk__dev_log_trim(the_log(), 2);
    ck_assert_int_eq(list(11, 0, -1)->offset, 2);
    ck_assert_int_eq(list(7, -3, -1)->offset, 9);
    ck_assert_int_eq(list(7, -3, -1)->timestamp, 305);
}
END_TEST

/* A message of before Kafka 0.11 has a time from version 1 on, and no epoch. */
START_TEST(times_are_found_in_old_messages)
{
    const kfk__list_offsets_response_partition *p;
    kfk__buf old;

    kfk__buf_init(&old, &kfk__malloc_allocator);
    (void)put_message(&old, &(message_spec){.magic = 0, .offset = 5});
    ck_assert_int_eq(kfk__dev_log_load(the_log(), old.data, old.len, NULL), KFK_OK);
    ck_assert_int_eq(list(11, 0, -1)->offset, -1);
    ck_assert_int_eq(list(11, -3, -1)->offset, -1);
    kfk__buf_clear(&old);
    (void)put_message(&old, &(message_spec){.magic = 1, .offset = 6, .timestamp = 70});
    ck_assert_int_eq(kfk__dev_log_load(the_log(), old.data, old.len, NULL), KFK_OK);
    p = list(11, 70, -1);
    ck_assert_int_eq(p->offset, 6);
    ck_assert_int_eq(p->timestamp, 70);
    ck_assert_int_eq(p->leader_epoch, -1);
    append(2, 10);
    ck_assert_int_eq(list(11, -3, -1)->offset, 6);
    ck_assert_int_eq(list(11, -2, -1)->leader_epoch, -1);
    ck_assert_int_eq(list(11, 71, -1)->offset, -1);
    kfk__buf_fini(&old);
}
END_TEST

START_TEST(an_empty_log_has_no_times)
{
    ck_assert_int_eq(list(11, 0, -1)->offset, -1);
    ck_assert_int_eq(list(11, -3, -1)->offset, -1);
    ck_assert_int_eq(list(11, -1, -1)->offset, 0);
    ck_assert_int_eq(list(11, -2, -1)->leader_epoch, 0);
}
END_TEST

START_TEST(epochs_are_checked)
{
    ck_assert_int_eq(list(11, -1, 0)->error_code, 0);
    ck_assert_int_eq(list(11, -1, 1)->error_code, KFK_ERR_UNKNOWN_LEADER_EPOCH);
    topic->partitions[0]->leader_epoch = 2;
    ck_assert_int_eq(list(11, -1, 1)->error_code, KFK_ERR_FENCED_LEADER_EPOCH);
    topic->partitions[0]->leader = 2;
    ck_assert_int_eq(list(11, -1, 2)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
}
END_TEST

static const kfk__offset_for_leader_epoch_response_partition *end_of(int16_t version,
                                                                     int32_t current, int32_t epoch)
{
    kfk__offset_for_leader_epoch_request_partition p = {
        .partition = 0, .current_leader_epoch = current, .leader_epoch = epoch};
    kfk__offset_for_leader_epoch_request_topic t = {.topic = kfk__bytes_str("t"),
                                                    .partitions = {&p, 1}};
    kfk__offset_for_leader_epoch_request req;

    new_request(&kfk__offset_for_leader_epoch_api, &req);
    req.topics.v = &t;
    req.topics.n = 1;
    return &((kfk__offset_for_leader_epoch_response *)ask(1, &kfk__offset_for_leader_epoch_api,
                                                          version, &req))
                ->topics.v[0]
                .partitions.v[0];
}

START_TEST(every_version_tells_where_epochs_end)
{
    append(3, 0);
    make_batch(&b, &(batch_spec){.n = 2});
    append_batch(2);
    topic->partitions[0]->leader_epoch = 2;
    ck_assert_int_eq(end_of((int16_t)_i, 2, 0)->end_offset, 3);
    ck_assert_int_eq(end_of((int16_t)_i, 2, 1)->leader_epoch, 0);
    ck_assert_int_eq(end_of((int16_t)_i, 2, 2)->end_offset, 5);
    ck_assert_int_eq(end_of((int16_t)_i, -1, 3)->end_offset, -1);
    ck_assert_int_eq(end_of((int16_t)_i, 1, 0)->error_code, KFK_ERR_FENCED_LEADER_EPOCH);
    ck_assert_int_eq(end_of((int16_t)_i, 3, 0)->error_code, KFK_ERR_UNKNOWN_LEADER_EPOCH);
    ck_assert_int_eq(end_of((int16_t)_i, 3, 0)->end_offset, -1);
    ck_assert_int_eq(end_of((int16_t)_i, -1, -1)->end_offset, -1);
}
END_TEST

START_TEST(an_epoch_ends_where_an_unclean_leader_began)
{
    append(3, 0);
    append(2, 0);
    kfk__dev_log_truncate(the_log(), 3);
    kfk__dev_partition_lead(&service.cluster, topic->partitions[0], 1);
    ck_assert_int_eq(end_of(4, 1, 0)->end_offset, 3);
    ck_assert_int_eq(end_of(4, 1, 1)->end_offset, 3);
    make_batch(&b, &(batch_spec){.n = 4});
    append_batch(1);
    ck_assert_int_eq(end_of(4, 1, 0)->end_offset, 3);
    ck_assert_int_eq(end_of(4, 1, 0)->leader_epoch, 0);
    ck_assert_int_eq(end_of(4, 1, 1)->end_offset, 7);
    kfk__dev_log_trim(the_log(), 5);
    ck_assert_int_eq(end_of(4, 1, 0)->end_offset, 5);
}
END_TEST

/* The leader alone knows: others, and who has no replica at all, refuse. */
START_TEST(others_do_not_tell_offsets)
{
    static const kfk__dev_nodes both = {{1, 2}, 2};

    topic->partitions[0]->replicas = topic->partitions[0]->isr = both;
    kfk__dev_partition_lead(&service.cluster, topic->partitions[0], 2);
    ck_assert_int_eq(end_of(4, 0, 0)->error_code, KFK_ERR_FENCED_LEADER_EPOCH);
    ck_assert_int_eq(end_of(4, 1, 0)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(list(11, -1, 1)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(list(11, 0, 1)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(list(11, -1, 1)->offset, -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_offsets");
    TCase *t = tcase_create("api_offsets");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_knows_both_ends, 1, 12);
    tcase_add_loop_test(t, the_end_of_what_is_committed_is_another, 2, 12);
    tcase_add_test(t, times_are_found_in_what_is_committed);
    tcase_add_test(t, nothing_is_tiered);
    tcase_add_test(t, answers_tell_epochs);
    tcase_add_test(t, a_time_that_is_unknown_is_refused_first);
    tcase_add_test(t, times_are_found_inside_batches);
    tcase_add_test(t, times_are_found_in_old_messages);
    tcase_add_test(t, an_empty_log_has_no_times);
    tcase_add_test(t, epochs_are_checked);
    tcase_add_loop_test(t, every_version_tells_where_epochs_end, 2, 5);
    tcase_add_test(t, an_epoch_ends_where_an_unclean_leader_began);
    tcase_add_test(t, others_do_not_tell_offsets);
    suite_add_tcase(s, t);
    return run_suite(s);
}
