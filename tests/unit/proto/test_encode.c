/* The encoder, by bytes worked out by hand; that it writes what Kafka writes is test_decode's,
 * which encodes again whatever it decoded from golden.txt. */
#include "golden.h"

#include <kfk/kafka_errors.h>

#include "proto/api_versions.h"
#include "proto/describe_topic_partitions.h"
#include "proto/fetch.h"
#include "proto/find_coordinator.h"
#include "proto/init_producer_id.h"
#include "proto/metadata.h"
#include "proto/offset_commit.h"
#include "proto/produce.h"

static kfk__buf out;

static void setup(void)
{
    counted = (counts){.bytes = 0};
    kfk__buf_init(&out, &counting);
}

static void teardown(void)
{
    kfk__buf_fini(&out);
}

static kfk_err encode_with(const kfk__api *api, const kfk__schema *s, int version, const void *msg,
                           kfk__splices *sp)
{
    return kfk__encode(s, (int16_t)version, kfk__flexible(api, (int16_t)version), msg, &out, sp);
}

static kfk_err encode(const kfk__api *api, int version, const void *request)
{
    return encode_with(api, api->request, version, request, NULL);
}

static void check_out(const void *want, size_t n)
{
    ck_assert_uint_eq(out.len, n);
    ck_assert_mem_eq(out.data, want, n);
}

static kfk_bytes text(const char *s)
{
    return (kfk_bytes){s, strlen(s)};
}

/* ---- the two forms ---- */

START_TEST(lengths_are_fixed_before_the_flexible_versions)
{
    static const uint8_t want[] = {0, 2, 't', 'x', 0, 0, 0x03, 0xe8};
    kfk__init_producer_id_request rq = kfk__init_producer_id_request_default;

    rq.transactional_id = text("tx");
    rq.transaction_timeout_ms = 1000;
    ck_assert_int_eq(encode(&kfk__init_producer_id_api, 1, &rq), KFK_OK);
    check_out(want, sizeof want);
}
END_TEST

START_TEST(lengths_are_one_more_and_compact_in_flexible_versions)
{
    static const uint8_t want[] = {3,    't',  'x',  0,    0,    0x03, 0xe8, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    kfk__init_producer_id_request rq = kfk__init_producer_id_request_default;

    rq.transactional_id = text("tx");
    rq.transaction_timeout_ms = 1000;
    ck_assert_int_eq(encode(&kfk__init_producer_id_api, 3, &rq), KFK_OK);
    check_out(want, sizeof want);
}
END_TEST

START_TEST(null_has_a_form_of_its_own)
{
    static const uint8_t fixed[] = {0xff, 0xff, 0, 0, 0, 0}, compact[] = {0, 0, 0, 0, 0, 0};
    kfk__init_producer_id_request rq = kfk__init_producer_id_request_default;

    rq.transactional_id = (kfk_bytes){NULL, 0};
    ck_assert_int_eq(encode(&kfk__init_producer_id_api, 0, &rq), KFK_OK);
    check_out(fixed, sizeof fixed);
    kfk__buf_clear(&out);
    ck_assert_int_eq(encode(&kfk__init_producer_id_api, 2, &rq), KFK_OK);
    check_out(compact, sizeof compact);
}
END_TEST

START_TEST(null_and_empty_arrays_differ)
{
    static const uint8_t null[] = {0xff, 0xff, 0xff, 0xff}, empty[] = {0, 0, 0, 0};
    kfk__metadata_request rq = kfk__metadata_request_default;

    ck_assert_int_eq(encode(&kfk__metadata_api, 1, &rq), KFK_OK);
    check_out(empty, sizeof empty);
    kfk__buf_clear(&out);
    rq.topics.n = -1;
    ck_assert_int_eq(encode(&kfk__metadata_api, 1, &rq), KFK_OK);
    check_out(null, sizeof null);
}
END_TEST

START_TEST(a_struct_that_may_be_null_is_marked)
{
    static const uint8_t none[] = {1, 0, 0, 0x07, 0xd0, 0xff, 0};
    static const uint8_t some[] = {1, 0, 0, 0x07, 0xd0, 1, 2, 't', 0, 0, 0, 5, 0, 0};
    kfk__describe_topic_partitions_request rq = kfk__describe_topic_partitions_request_default;
    kfk__describe_topic_partitions_request_cursor cursor = {.topic_name = {"t", 1},
                                                            .partition_index = 5};

    ck_assert_int_eq(encode(&kfk__describe_topic_partitions_api, 0, &rq), KFK_OK);
    check_out(none, sizeof none);
    kfk__buf_clear(&out);
    rq.cursor = &cursor;
    ck_assert_int_eq(encode(&kfk__describe_topic_partitions_api, 0, &rq), KFK_OK);
    check_out(some, sizeof some);
}
END_TEST

/* ---- tags ---- */

START_TEST(tagged_fields_are_left_out_at_their_default)
{
    kfk__api_versions_response rs = kfk__api_versions_response_default;
    static const uint8_t want[] = {0, 0, 1, 0, 0, 0, 0, 0};

    ck_assert_int_eq(
        encode_with(&kfk__api_versions_api, kfk__api_versions_api.response, 3, &rs, NULL), KFK_OK);
    check_out(want, sizeof want);
}
END_TEST

START_TEST(tagged_fields_say_their_size_and_come_in_order)
{
    static const uint8_t want[] = {0, 0, 1, 0, 0, 0, 0, 2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 7, 3, 1, 1};
    kfk__api_versions_response rs = kfk__api_versions_response_default;

    rs.zk_migration_ready = true;
    rs.finalized_features_epoch = 7;
    ck_assert_int_eq(
        encode_with(&kfk__api_versions_api, kfk__api_versions_api.response, 3, &rs, NULL), KFK_OK);
    check_out(want, sizeof want);
}
END_TEST

START_TEST(a_tagged_field_may_be_long)
{
    static const size_t lengths[] = {125, 126, 127, 128, 16380, 16381, 16382, 16383, 30000};
    static char name[30000];
    kfk__fetch_request rq = kfk__fetch_request_default;

    memset(name, 'n', sizeof name);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t len = lengths[i], prefix = len + 1 < 128 ? 1 : len + 1 < 16384 ? 2 : 3;
        size_t size = prefix + len, size_bytes = size < 128 ? 1 : size < 16384 ? 2 : 3;
        kfk__fetch_request back;
        kfk__arena arena;
        size_t used;

        kfk__buf_clear(&out);
        rq.cluster_id = (kfk_bytes){name, len};
        ck_assert_int_eq(encode(&kfk__fetch_api, 12, &rq), KFK_OK);
        /* 28 bytes of other fields; the number of tagged ones, the tag, the size, the value. */
        ck_assert_uint_eq(out.len, 28 + 1 + 1 + size_bytes + size);
        kfk__arena_init(&arena, &kfk__malloc_allocator);
        ck_assert_int_eq(kfk__decode(kfk__fetch_api.request, 12, true, out.data, out.len, &arena,
                                     &back, &used, NULL),
                         KFK_OK);
        ck_assert_uint_eq(used, out.len);
        ck_assert_uint_eq(back.cluster_id.len, len);
        ck_assert_mem_eq(back.cluster_id.data, name, len);
        kfk__arena_fini(&arena);
    }
}
END_TEST

/* ---- what a version does not have ---- */

START_TEST(what_may_be_ignored_is_left_out)
{
    kfk__fetch_request rq = kfk__fetch_request_default;
    uint8_t want[64];
    size_t n;

    ck_assert_int_eq(encode(&kfk__fetch_api, 4, &rq), KFK_OK);
    n = out.len;
    ck_assert_uint_le(n, sizeof want);
    memcpy(want, out.data, n);
    kfk__buf_clear(&out);
    rq.rack_id = text("r");    /* 11+ */
    rq.cluster_id = text("c"); /* 12+, tagged */
    ck_assert_int_eq(encode(&kfk__fetch_api, 4, &rq), KFK_OK);
    check_out(want, n);
}
END_TEST

START_TEST(what_may_not_be_ignored_is_an_error)
{
    kfk__find_coordinator_request find = kfk__find_coordinator_request_default;
    kfk__metadata_request metadata = kfk__metadata_request_default;
    kfk__fetch_request fetch = kfk__fetch_request_default;

    find.key_type = 1;
    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 0, &find), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 1, &find), KFK_OK);
    metadata.allow_auto_topic_creation = false;
    ck_assert_int_eq(encode(&kfk__metadata_api, 3, &metadata), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(encode(&kfk__metadata_api, 4, &metadata), KFK_OK);
    fetch.replica_state.replica_id = 1;
    ck_assert_int_eq(encode(&kfk__fetch_api, 14, &fetch), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(encode(&kfk__fetch_api, 11, &fetch), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(encode(&kfk__fetch_api, 15, &fetch), KFK_OK);
}
END_TEST

START_TEST(null_is_an_error_where_only_other_versions_have_it)
{
    kfk__metadata_request rq = kfk__metadata_request_default;
    kfk__metadata_request_topic topic = {.name = {NULL, 0}};

    rq.topics.n = -1;
    ck_assert_int_eq(encode(&kfk__metadata_api, 0, &rq), KFK_ERR_UNSUPPORTED_VERSION);
    rq.topics.v = &topic;
    rq.topics.n = 1;
    ck_assert_int_eq(encode(&kfk__metadata_api, 9, &rq), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(encode(&kfk__metadata_api, 10, &rq), KFK_OK);
}
END_TEST

START_TEST(a_string_that_was_never_set_is_empty)
{
    static const uint8_t want[] = {0, 0};
    kfk__find_coordinator_request rq = {.key = {NULL, 0}};

    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 0, &rq), KFK_OK);
    check_out(want, sizeof want);
}
END_TEST

START_TEST(a_string_has_32767_bytes_at_most)
{
    static char name[INT16_MAX + 1];
    kfk__find_coordinator_request rq = kfk__find_coordinator_request_default;

    rq.key = (kfk_bytes){name, INT16_MAX};
    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 0, &rq), KFK_OK);
    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 3, &rq), KFK_OK);
    rq.key.len++;
    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 0, &rq), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(encode(&kfk__find_coordinator_api, 3, &rq), KFK_ERR_INVALID_ARG);
}
END_TEST

/* ---- records ---- */

static kfk__produce_request_partition partitions[3] = {
    {.index = 0, .records = {"0123456789", 10}},
    {.index = 1, .records = {"abc", 3}},
    {.index = 2, .records = {"ABCDEFGHIJKL", 12}},
};
static kfk__produce_request_topic topic = {.name = {"t", 1}, .partition_data = {partitions, 3}};
static const kfk__produce_request produce = {
    .acks = -1, .timeout_ms = 1, .topic_data = {&topic, 1}};

static void check_splice(const kfk__splice *s, const kfk_bytes *records)
{
    ck_assert_ptr_eq(s->bytes.data, records->data);
    ck_assert_uint_eq(s->bytes.len, records->len);
}

/* With the pieces put back at their cuts it is what comes out without splices. */
START_TEST(long_records_are_spliced_in)
{
    int version = _i;
    kfk__splice cuts[4];
    kfk__splices sp = {.v = cuts, .max = 4, .min_len = 10};
    uint8_t whole[256];
    size_t n = 0, from = 0;

    ck_assert_int_eq(
        encode_with(&kfk__produce_api, kfk__produce_api.request, version, &produce, &sp), KFK_OK);
    ck_assert_uint_eq(sp.n, 2);
    ck_assert_uint_eq(sp.total, 22);
    check_splice(&cuts[0], &partitions[0].records);
    check_splice(&cuts[1], &partitions[2].records);
    for (size_t i = 0; i < sp.n; i++) {
        memcpy(whole + n, out.data + from, cuts[i].at - from);
        n += cuts[i].at - from;
        from = cuts[i].at;
        memcpy(whole + n, cuts[i].bytes.data, cuts[i].bytes.len);
        n += cuts[i].bytes.len;
    }
    memcpy(whole + n, out.data + from, out.len - from);
    n += out.len - from;
    kfk__buf_clear(&out);
    ck_assert_int_eq(encode(&kfk__produce_api, version, &produce), KFK_OK);
    check_out(whole, n);
}
END_TEST

START_TEST(splices_that_are_full_leave_the_rest_to_be_copied)
{
    kfk__splice cut;
    kfk__splices sp = {.v = &cut, .max = 1};
    size_t n;

    ck_assert_int_eq(encode_with(&kfk__produce_api, kfk__produce_api.request, 9, &produce, &sp),
                     KFK_OK);
    ck_assert_uint_eq(sp.n, 1);
    check_splice(&cut, &partitions[0].records);
    n = out.len;
    kfk__buf_clear(&out);
    ck_assert_int_eq(encode(&kfk__produce_api, 9, &produce), KFK_OK);
    ck_assert_uint_eq(out.len, n + 10);
}
END_TEST

/* ---- memory ---- */

START_TEST(a_lack_of_memory_is_said)
{
    int n = 0;

    do {
        kfk__buf_fini(&out);
        counted = (counts){.fail_at = ++n};
    } while (encode(&kfk__produce_api, 9, &produce) == KFK_ERR_NOMEM);
    ck_assert_int_gt(n, 1);
    ck_assert_int_lt(counted.calls, n);

    kfk__buf_fini(&out);
    out.limit = 20;
    ck_assert_int_eq(encode(&kfk__produce_api, 9, &produce), KFK_ERR_NOMEM);
    ck_assert_uint_le(out.len, 20);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("encode");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, lengths_are_fixed_before_the_flexible_versions);
    tcase_add_test(t, lengths_are_one_more_and_compact_in_flexible_versions);
    tcase_add_test(t, null_has_a_form_of_its_own);
    tcase_add_test(t, null_and_empty_arrays_differ);
    tcase_add_test(t, a_struct_that_may_be_null_is_marked);
    tcase_add_test(t, tagged_fields_are_left_out_at_their_default);
    tcase_add_test(t, tagged_fields_say_their_size_and_come_in_order);
    tcase_add_test(t, a_tagged_field_may_be_long);
    tcase_add_test(t, what_may_be_ignored_is_left_out);
    tcase_add_test(t, what_may_not_be_ignored_is_an_error);
    tcase_add_test(t, null_is_an_error_where_only_other_versions_have_it);
    tcase_add_test(t, a_string_that_was_never_set_is_empty);
    tcase_add_test(t, a_string_has_32767_bytes_at_most);
    tcase_add_loop_test(t, long_records_are_spliced_in, 3, 13);
    tcase_add_test(t, splices_that_are_full_leave_the_rest_to_be_copied);
    tcase_add_test(t, a_lack_of_memory_is_said);
    return run_suite("encode", t);
}
