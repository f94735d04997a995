/* Records that go where a sink says. Strings and bytes are in every message of test_decode. */
#include "decode_test.h"

#include "proto/fetch.h"

typedef struct slab {
    uint8_t bytes[64];
    int32_t index;
    int32_t complete; /* partitions that the decoder has counted, the present one not among them */
    size_t room;
    const kfk__fetch_response *rs;
} slab;

static kfk_err to_slab(void *ctx, const void *parent, size_t len, size_t have, uint8_t **to,
                       size_t *room, kfk_bytes *value)
{
    const kfk__fetch_response_partition *p = parent;
    slab *s = ctx;

    s->index = p->partition_index;
    s->complete = s->rs->responses.v[s->rs->responses.n].partitions.n;
    if (have == len) {
        *value = (kfk_bytes){s->bytes, len};
    } else {
        *to = s->bytes + have;
        *room = s->room;
    }
    return KFK_OK;
}

START_TEST(records_can_be_received_in_place)
{
    uint8_t bytes[64];
    size_t n = fetch_head(bytes, 20), used, room;
    kfk__fetch_response rs;
    slab s = {.room = 12, .rs = &rs};
    kfk__decoder d;
    uint8_t *to;
    bool done;

    kfk__decoder_init(&d, kfk__fetch_api.response, 4, false, n + 20, &arena, &rs, to_slab, &s);
    ck_assert_uint_eq(kfk__decoder_target(&d, &to), 0);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, n, &used, &done), KFK_OK);
    ck_assert(!done);
    ck_assert_int_eq(s.index, 4);
    ck_assert_int_eq(s.complete, 0);
    room = kfk__decoder_target(&d, &to);
    ck_assert_uint_eq(room, 12);
    ck_assert_ptr_eq(to, s.bytes);
    memset(to, 'a', 5);
    ck_assert_int_eq(kfk__decoder_filled(&d, 5, &done), KFK_OK);
    ck_assert_uint_eq(kfk__decoder_target(&d, &to), 7);
    memset(to, 'b', 7);
    ck_assert_int_eq(kfk__decoder_filled(&d, 7, &done), KFK_OK);
    ck_assert(!done);
    /* More room than the field needs is not offered. */
    ck_assert_uint_eq(kfk__decoder_target(&d, &to), 8);
    memset(to, 'c', 8);
    ck_assert_int_eq(kfk__decoder_filled(&d, 8, &done), KFK_OK);
    ck_assert(done);
    ck_assert_int_eq(rs.responses.n, 1);
    ck_assert_int_eq(rs.responses.v[0].partitions.n, 1);
    ck_assert_uint_eq(rs.responses.v[0].partitions.v[0].records.len, 20);
    ck_assert_mem_eq(rs.responses.v[0].partitions.v[0].records.data, "aaaaabbbbbbbcccccccc", 20);
}
END_TEST

/* A sink can tell the partitions apart, and look at those in front of its own. */
START_TEST(the_arrays_count_what_is_complete)
{
    uint8_t bytes[128];
    size_t first = fetch_head(bytes, 2) + 2, one = first - 15, used;
    kfk__fetch_response rs;
    slab s = {.room = sizeof s.bytes, .rs = &rs};
    kfk__decoder d;
    bool done;

    bytes[14] = 2; /* partitions */
    memcpy(bytes + first, bytes + 15, one);
    bytes[first + 3] = 5; /* the second one's index */
    kfk__decoder_init(&d, kfk__fetch_api.response, 4, false, first + one, &arena, &rs, to_slab, &s);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, first, &used, &done), KFK_OK);
    ck_assert_int_eq(s.index, 4);
    ck_assert_int_eq(s.complete, 0);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes + first, one, &used, &done), KFK_OK);
    ck_assert(done);
    ck_assert_int_eq(s.index, 5);
    ck_assert_int_eq(s.complete, 1);
    ck_assert_int_eq(rs.responses.v[0].partitions.n, 2);
}
END_TEST

START_TEST(empty_records_are_the_sinks_too_and_null_ones_are_not)
{
    for (int32_t len = -1; len <= 0; len++) {
        uint8_t bytes[64];
        size_t n = fetch_head(bytes, len), used;
        kfk__fetch_response rs;
        sink s = {.err = KFK_OK};
        kfk__decoder d;
        bool done;

        kfk__decoder_init(&d, kfk__fetch_api.response, 4, false, n, &arena, &rs, take_records, &s);
        ck_assert_int_eq(kfk__decoder_feed(&d, bytes, n, &used, &done), KFK_OK);
        ck_assert(done);
        ck_assert_uint_eq(s.asked, len == 0);
        ck_assert_int_eq(rs.responses.v[0].partitions.v[0].records.data == NULL, len < 0);
    }
}
END_TEST

START_TEST(the_sinks_error_is_passed_on)
{
    uint8_t bytes[64];
    size_t n = fetch_head(bytes, 20), used;
    kfk__fetch_response rs;
    sink s = {.err = KFK_ERR_BUFFER_FULL};
    kfk__decoder d;
    bool done;

    kfk__decoder_init(&d, kfk__fetch_api.response, 4, false, n + 20, &arena, &rs, take_records, &s);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, n, &used, &done), KFK_ERR_BUFFER_FULL);
    ck_assert(!done);
    ck_assert_str_eq(kfk__decoder_why(&d), "records");
}
END_TEST

START_TEST(a_sink_without_room_is_an_error_and_no_endless_loop)
{
    uint8_t bytes[64];
    size_t n = fetch_head(bytes, 20), used;
    kfk__fetch_response rs;
    slab s = {.room = 0, .rs = &rs};
    kfk__decoder d;
    bool done;

    kfk__decoder_init(&d, kfk__fetch_api.response, 4, false, n + 20, &arena, &rs, to_slab, &s);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, n, &used, &done), KFK_ERR_INTERNAL);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("blob");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, records_can_be_received_in_place);
    tcase_add_test(t, the_arrays_count_what_is_complete);
    tcase_add_test(t, empty_records_are_the_sinks_too_and_null_ones_are_not);
    tcase_add_test(t, the_sinks_error_is_passed_on);
    tcase_add_test(t, a_sink_without_room_is_an_error_and_no_endless_loop);
    return run_suite("blob", t);
}
