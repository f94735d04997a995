/* A call and the faults it meets; and requests that are none. */
#include "asker.h"

#include "proto/api_versions.h"
#include "proto/create_topics.h"
#include "proto/produce.h"

static kfk__dev_topic *topic;
static batch b;

static void setup(void)
{
    begin(1);
    topic = add_topic("t", 1, 1);
    make_batch(&b, &(batch_spec){.n = 2, .timestamp = WALL_MS});
}

static void add_fault(kfk__dev_fault what)
{
    what.api = what.api ? what.api : KFK__DEV_ANY;
    what.node = KFK__DEV_ANY;
    what.count = 1;
    ck_assert_int_ne(kfk__dev_faults_add(&service.faults, &kfk__malloc_allocator, &what), 0);
}

static kfk__dev_call *produce_call(void)
{
    kfk__produce_request_partition p = {.records = kfk__bytes(b.bytes, b.size)};
    kfk__produce_request_topic t = {.name = kfk__bytes_str("t"), .partition_data = {&p, 1}};
    kfk__produce_request req;

    new_request(&kfk__produce_api, &req);
    req.acks = -1;
    req.topic_data.v = &t;
    req.topic_data.n = 1;
    return call_of(1, &kfk__produce_api, 9, &req);
}

static kfk__dev_status step(kfk__dev_call *call)
{
    return kfk__dev_call_step(&service, call, now_ns, WALL_MS);
}

static int64_t appended(void)
{
    return topic->partitions[0]->log.end;
}

static const kfk__produce_response *answer_of(kfk__dev_call *call)
{
    size_t n;
    uint8_t *bytes = answer_bytes(call, &n);

    kfk__dev_call_free(call);
    return decode_answer(&kfk__produce_api, 9, bytes, n);
}

START_TEST(an_error_before_leaves_all_as_it_is)
{
    const kfk__produce_response *r;
    kfk__dev_call *call = produce_call();

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_ERROR, .value = 7, .level = KFK__DEV_ANY});
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    r = answer_of(call);
    ck_assert_int_eq(r->responses.v[0].partition_responses.v[0].error_code, 7);
    ck_assert_int_eq(r->responses.v[0].partition_responses.v[0].base_offset, -1);
    ck_assert_int_eq(appended(), 0);
}
END_TEST

START_TEST(an_error_after_comes_too_late)
{
    kfk__dev_call *call = produce_call();

    add_fault((kfk__dev_fault){
        .kind = KFK__DEV_FAULT_ERROR, .after = true, .value = 7, .level = KFK__DEV_ANY});
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    ck_assert_int_eq(answer_of(call)->responses.v[0].partition_responses.v[0].error_code, 7);
    ck_assert_int_eq(appended(), 2);
}
END_TEST

START_TEST(dropped_and_hung_before_or_after)
{
    static const struct {
        kfk__dev_fault_kind kind;
        bool after;
        kfk__dev_status status;
        int64_t appended;
    } cases[] = {{KFK__DEV_FAULT_DROP, false, KFK__DEV_DEAD, 0},
                 {KFK__DEV_FAULT_DROP, true, KFK__DEV_DEAD, 2},
                 {KFK__DEV_FAULT_HANG, false, KFK__DEV_HUNG, 0},
                 {KFK__DEV_FAULT_HANG, true, KFK__DEV_HUNG, 2}};
    kfk__dev_call *call = produce_call();

    add_fault((kfk__dev_fault){.kind = cases[_i].kind, .after = cases[_i].after});
    ck_assert_int_eq(step(call), cases[_i].status);
    now_ns += 3600 * 1000 * KFK__MS;
    if (cases[_i].status == KFK__DEV_HUNG)
        ck_assert_int_eq(step(call), KFK__DEV_HUNG);
    ck_assert_int_eq(appended(), cases[_i].appended);
    kfk__dev_call_free(call);
}
END_TEST

START_TEST(delayed_before_or_after)
{
    kfk__dev_call *call = produce_call();

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_DELAY, .after = _i == 1, .value = 100});
    ck_assert_int_eq(step(call), KFK__DEV_WAITING);
    ck_assert_int_eq(appended(), _i == 1 ? 2 : 0);
    ck_assert_int_eq(call->until, now_ns + 100 * KFK__MS);
    now_ns += 99 * KFK__MS;
    ck_assert_int_eq(step(call), KFK__DEV_WAITING);
    ck_assert_uint_eq(call->seen, service.cluster.version);
    now_ns += KFK__MS;
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    ck_assert_int_eq(appended(), 2);
    kfk__dev_call_free(call);
}
END_TEST

/* What it tells of is gone when it is sent. */
START_TEST(a_delayed_answer_is_what_it_was)
{
    const kfk__metadata_response *r;
    kfk__metadata_request req;
    kfk__dev_call *call;
    uint8_t *bytes;
    size_t n;

    new_request(&kfk__metadata_api, &req);
    req.topics.n = -1;
    call = call_of(1, &kfk__metadata_api, 9, &req);
    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_DELAY, .after = true, .value = 100});
    ck_assert_int_eq(step(call), KFK__DEV_WAITING);
    kfk__dev_cluster_delete_topic(&service.cluster, topic);
    now_ns += 100 * KFK__MS;
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    bytes = answer_bytes(call, &n);
    kfk__dev_call_free(call);
    r = decode_answer(&kfk__metadata_api, 9, bytes, n);
    ck_assert_int_eq(r->topics.n, 1);
    ck_assert_bytes_eq(r->topics.v[0].name, "t");
}
END_TEST

START_TEST(a_throttle_is_told_and_kept)
{
    kfk__dev_call *call = produce_call();

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_THROTTLE, .value = 1234});
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    ck_assert_int_eq(call->throttle_ms, 1234);
    ck_assert_int_eq(answer_of(call)->throttle_time_ms, 1234);
}
END_TEST

START_TEST(bytes_are_spoiled)
{
    kfk__dev_call *call = produce_call(), *other = produce_call();

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_ALTER, .at = 4, .value = 0x80});
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    ck_assert_int_eq(call->out.data[4], 0x80);
    kfk__dev_call_free(call);
    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_LENGTH, .value = -1});
    ck_assert_int_eq(step(other), KFK__DEV_READY);
    ck_assert_uint_eq(kfk__get_be32(other->out.data), UINT32_MAX);
    kfk__dev_call_free(other);
    call = produce_call();
    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_CUT, .at = 6});
    ck_assert_int_eq(step(call), KFK__DEV_READY);
    ck_assert(call->cut);
    ck_assert_uint_eq(call->cut_at, 6);
    kfk__dev_call_free(call);
}
END_TEST

/* Level 0 is the answer's own code, level 1 the topics', level 2 the partitions'. */
START_TEST(errors_have_a_level)
{
    kfk__metadata_request_topic in = {.name = kfk__bytes_str("t")};
    const kfk__metadata_response_topic *t;
    const kfk__metadata_response *r;
    kfk__metadata_request req;

    new_request(&kfk__metadata_api, &req);
    req.topics.v = &in;
    req.topics.n = 1;
    add_fault((kfk__dev_fault){
        .kind = KFK__DEV_FAULT_ERROR, .value = 41, .level = _i == 3 ? KFK__DEV_ANY : _i});
    r = ask(1, &kfk__metadata_api, 13, &req);
    t = &r->topics.v[0];
    ck_assert_int_eq(r->error_code, _i == 0 ? 41 : 0);
    ck_assert_int_eq(t->error_code, _i == 1 || _i == 3 ? 41 : 0);
    ck_assert_int_eq(t->partitions.n, _i == 1 || _i == 3 ? 0 : 1);
    if (t->partitions.n)
        ck_assert_int_eq(t->partitions.v[0].error_code, _i == 2 ? 41 : 0);
}
END_TEST

START_TEST(a_topic_is_not_made_before_an_error)
{
    kfk__create_topics_request_topic in = {
        .name = kfk__bytes_str("u"), .num_partitions = 1, .replication_factor = 1};
    kfk__create_topics_request req;
    const kfk__create_topics_response *r;

    new_request(&kfk__create_topics_api, &req);
    req.topics.v = &in;
    req.topics.n = 1;
    add_fault((kfk__dev_fault){
        .kind = KFK__DEV_FAULT_ERROR, .api = 19, .value = 41, .level = KFK__DEV_ANY});
    r = ask(1, &kfk__create_topics_api, 7, &req);
    ck_assert_int_eq(r->topics.v[0].error_code, 41);
    ck_assert_int_eq(service.cluster.topics.n, 1);
    r = ask(1, &kfk__create_topics_api, 7, &req);
    ck_assert_int_eq(r->topics.v[0].error_code, 0);
}
END_TEST

static const struct {
    uint8_t bytes[24];
    size_t n;
} junk[] = {
    {{0}, 0},
    {{0, 18, 0, 0, 0, 0, 0, 1}, 8},
    {{0, 18, 0, 0, 0, 0, 0, 1, 0, 5, 'x'}, 11},
    {{0, 99, 0, 0, 0, 0, 0, 1, 0xff, 0xff}, 10},
    {{0xff, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff}, 10},
    {{0, 3, 0, 14, 0, 0, 0, 1, 0xff, 0xff}, 10},
    {{0, 3, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff}, 10},
    {{0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff}, 14},
    {{0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 'x'}, 15},
};

START_TEST(junk_ends_the_connection)
{
    kfk__dev_call *call = kfk__dev_call_new(&env.alloc, 1);

    kfk__buf_put(&call->frame, junk[_i].bytes, junk[_i].n);
    ck_assert_int_eq(step(call), KFK__DEV_DEAD);
    kfk__dev_call_free(call);
}
END_TEST

/* A good request with any one byte changed, or cut anywhere, does no harm. */
START_TEST(no_byte_can_do_harm)
{
    kfk__dev_call *good = produce_call();
    size_t n = good->frame.len;

    for (size_t at = 0; at < n; at++) {
        for (unsigned bit = 0; bit < 9; bit++) {
            kfk__dev_call *call = kfk__dev_call_new(&env.alloc, 1);

            kfk__buf_put(&call->frame, good->frame.data, bit < 8 ? n : at);
            if (bit < 8)
                call->frame.data[at] ^= (uint8_t)(1u << bit);
            (void)step(call);
            kfk__dev_call_free(call);
        }
    }
    kfk__dev_call_free(good);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/call");
    TCase *t = tcase_create("call");

    tcase_add_checked_fixture(t, setup, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_error_before_leaves_all_as_it_is);
    tcase_add_test(t, an_error_after_comes_too_late);
    tcase_add_loop_test(t, dropped_and_hung_before_or_after, 0, 4);
    tcase_add_loop_test(t, delayed_before_or_after, 0, 2);
    tcase_add_test(t, a_delayed_answer_is_what_it_was);
    tcase_add_test(t, a_throttle_is_told_and_kept);
    tcase_add_test(t, bytes_are_spoiled);
    tcase_add_loop_test(t, errors_have_a_level, 0, 4);
    tcase_add_test(t, a_topic_is_not_made_before_an_error);
    tcase_add_loop_test(t, junk_ends_the_connection, 0, (int)(sizeof junk / sizeof *junk));
    tcase_add_test(t, no_byte_can_do_harm);
    suite_add_tcase(s, t);
    return run_suite(s);
}
