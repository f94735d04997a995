#include "unit/client/answers.h"

#include <kfk/kafka_errors.h>

#include "client/input.h"
#include "sim/failalloc.h"

enum { FIRST_LIMIT = 1 << 20, N_ANSWERS = 5 };

static failalloc mem;
static kfk_allocator alloc;
static kfk__input in;
static kfk__buf bytes; /* what comes in */
static sink to;
static char why[160];

/* The requests that wait, the longest first. What is looked at is only this much of them. */
static kfk__request requests[N_ANSWERS];
static int n_answered;

static void expect(int i, const kfk__api *api, int16_t version)
{
    requests[i] = (kfk__request){.spec = {.api = api, .version = version}, .correlation_id = i};
}

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__input_init(&in, &alloc);
    kfk__buf_init(&bytes, &kfk__malloc_allocator);
    to = (sink){.step = 100};
    n_answered = 0;
    why[0] = '\0';
}

static void teardown(void)
{
    kfk__input_fini(&in);
    kfk__buf_fini(&bytes);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

/* One answer of each kind: of an unknown version, then whole; with and without tagged fields; with
 * records into a sink and into memory. */
static void put_all(void)
{
    expect(0, &kfk__api_versions_api, 4);
    put_versions(&bytes, 4, 0, KFK_OK);
    expect(1, &kfk__metadata_api, 12);
    put_metadata(&bytes, 12, 1, 11);
    expect(2, &kfk__fetch_api, 12);
    requests[2].spec.sink = take_records;
    requests[2].spec.sink_ctx = &to;
    put_fetch(&bytes, 12, 2, 300);
    expect(3, &kfk__metadata_api, 1);
    put_metadata(&bytes, 1, 3, 13);
    expect(4, &kfk__fetch_api, 4);
    put_fetch(&bytes, 4, 4, 50);
}

/* The i-th answer is what was put. */
static void check_answer(int i)
{
    const kfk__request_spec *s = &requests[i].spec;
    const kfk__api_versions_response *versions = in.body;
    const kfk__metadata_response *metadata = in.body;
    const kfk__fetch_response *fetch = in.body;

    MUST(in.body_version == s->version);
    if (s->api == &kfk__api_versions_api) {
        MUST(versions->api_keys.n == 1 && versions->api_keys.v[0].max_version == 12);
    } else if (s->api == &kfk__metadata_api) {
        MUST(metadata->controller_id == 10 + i && metadata->brokers.n == 1);
        MUST(kfk__bytes_equal(metadata->brokers.v[0].host, kfk__bytes_str("host")));
    } else {
        MUST(fetch->responses.n == 1 && fetch->responses.v[0].partitions.n == 1);
        check_records(fetch->responses.v[0].partitions.v[0].records, s->sink ? 300 : 50);
    }
}

/* Feeds |n| bytes, which lie alone in memory. */
static kfk_err feed(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    kfk_err err = KFK_OK;

    memcpy(copy, p, n);
    for (size_t at = 0; at < n && !err;) {
        size_t used;
        bool done;

        err = kfk__input_feed(&in, n_answered < N_ANSWERS ? &requests[n_answered] : NULL, copy + at,
                              n - at, &used, &done, why);
        MUST(err || done || used == n - at);
        at += used;
        if (err || !done)
            continue;
        check_answer(n_answered++);
    }
    free(copy);
    return err;
}

static void begin_again(void)
{
    kfk__input_reset(&in);
    n_answered = 0;
}

START_TEST(answers_cut_in_two_anywhere_give_the_same)
{
    put_all();
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        begin_again();
        MUST(feed(bytes.data, cut) == KFK_OK);
        MUST(feed(bytes.data + cut, bytes.len - cut) == KFK_OK);
        MUST(n_answered == N_ANSWERS);
    }
}
END_TEST

START_TEST(answers_in_pieces_of_any_size_give_the_same)
{
    put_all();
    for (size_t piece = 1; piece < 120; piece++) {
        begin_again();
        for (size_t at = 0; at < bytes.len; at += piece)
            MUST(feed(bytes.data + at, bytes.len - at < piece ? bytes.len - at : piece) == KFK_OK);
        MUST(n_answered == N_ANSWERS);
    }
}
END_TEST

START_TEST(no_more_is_taken_than_the_answer_has)
{
    size_t used;
    bool done;

    expect(0, &kfk__api_versions_api, 4);
    put_versions(&bytes, 4, 0, KFK_OK);
    kfk__buf_put(&bytes, "next", 4);
    ck_assert_int_eq(kfk__input_feed(&in, &requests[0], bytes.data, bytes.len, &used, &done, why),
                     KFK_OK);
    ck_assert(done);
    ck_assert_uint_eq(used, bytes.len - 4);
}
END_TEST

START_TEST(a_new_connection_begins_anew_wherever_the_old_one_ended)
{
    put_all();
    for (size_t cut = 0; cut < bytes.len; cut++) {
        begin_again();
        MUST(feed(bytes.data, cut) == KFK_OK);
        begin_again();
        MUST(feed(bytes.data, bytes.len) == KFK_OK);
        MUST(n_answered == N_ANSWERS);
    }
}
END_TEST

/* ---- lengths ---- */

static kfk_err feed_length(uint32_t length, const kfk__api *api)
{
    uint8_t p[4];

    begin_again();
    expect(0, api, api->max);
    kfk__put_be32(p, length);
    return feed(p, sizeof p);
}

START_TEST(a_length_that_cannot_be_is_refused)
{
    static const uint32_t bad[] = {0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff, FIRST_LIMIT + 1};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(feed_length(bad[i], &kfk__api_versions_api), KFK_ERR_PROTOCOL);
        ck_assert_msg(strstr(why, "ApiVersions response: a length of"), "%s", why);
    }
    ck_assert_int_eq(feed_length(4, &kfk__api_versions_api), KFK_OK);
    ck_assert_int_eq(feed_length(FIRST_LIMIT, &kfk__api_versions_api), KFK_OK);
}
END_TEST

/* The limit is for what may be no broker; and the next connection may be to none again. */
START_TEST(a_broker_that_has_shown_itself_may_send_long_answers)
{
    uint8_t length[4];

    expect(0, &kfk__api_versions_api, 4);
    expect(1, &kfk__metadata_api, 12);
    put_versions(&bytes, 4, 0, KFK_OK);
    ck_assert_int_eq(feed(bytes.data, bytes.len), KFK_OK);
    kfk__put_be32(length, INT32_MAX);
    ck_assert_int_eq(feed(length, sizeof length), KFK_OK);
    ck_assert_int_eq(feed_length(FIRST_LIMIT + 1, &kfk__metadata_api), KFK_ERR_PROTOCOL);
}
END_TEST

START_TEST(a_length_claims_no_memory)
{
    uint8_t claim[8] = {0};

    expect(0, &kfk__api_versions_api, 4);
    kfk__put_be32(claim, FIRST_LIMIT);
    ck_assert_int_eq(feed(claim, sizeof claim), KFK_OK);
    ck_assert_int_eq(feed((const uint8_t *)"x", 1), KFK_OK);
    ck_assert_uint_lt(failalloc_bytes(&mem), 8192);
}
END_TEST

/* Feeds the one answer in |bytes| with a length of |length| and so many bytes (of them, then
 * zeroes). */
static kfk_err feed_with_length(size_t length)
{
    uint8_t *p = calloc(1, 4 + length);
    kfk_err err;

    memcpy(p, bytes.data, bytes.len < 4 + length ? bytes.len : 4 + length);
    kfk__put_be32(p, (uint32_t)length);
    begin_again();
    err = feed(p, 4 + length);
    free(p);
    return err;
}

static void check_lengths(void)
{
    size_t length = bytes.len - 4;

    MUST(feed_with_length(length) == KFK_OK);
    for (size_t wrong = 4; wrong < length + 20; wrong++)
        MUST(wrong == length || feed_with_length(wrong) == KFK_ERR_PROTOCOL);
}

START_TEST(a_length_that_is_not_the_message_s_is_refused)
{
    expect(0, &kfk__api_versions_api, 4);
    put_versions(&bytes, 4, 0, KFK_OK);
    check_lengths();
    kfk__buf_clear(&bytes);
    expect(0, &kfk__metadata_api, 12);
    put_metadata(&bytes, 12, 0, 10);
    check_lengths();
    kfk__buf_clear(&bytes);
    expect(0, &kfk__metadata_api, 1);
    put_metadata(&bytes, 1, 0, 10);
    check_lengths();
}
END_TEST

START_TEST(what_is_wrong_with_a_length_is_said)
{
    expect(0, &kfk__metadata_api, 1);
    put_metadata(&bytes, 1, 0, 10);
    ck_assert_int_eq(feed_with_length(4), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(why, "Metadata response v1: cut short");
    ck_assert_int_eq(feed_with_length(bytes.len - 4 + 1), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(why, "Metadata response v1: bytes left over");
    expect(0, &kfk__api_versions_api, 4);
    kfk__buf_clear(&bytes);
    put_versions(&bytes, 4, 0, KFK_OK);
    ck_assert_int_eq(feed_with_length(5), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(why, "ApiVersions response v4: shorter than an error code");
}
END_TEST

/* ---- whose answer it is ---- */

START_TEST(an_answer_to_another_request_is_refused)
{
    static const int32_t ids[] = {1, -1, INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        begin_again();
        kfk__buf_clear(&bytes);
        expect(0, &kfk__metadata_api, 12);
        put_metadata(&bytes, 12, ids[i], 10);
        ck_assert_int_eq(feed(bytes.data, bytes.len), KFK_ERR_PROTOCOL);
        ck_assert_msg(strstr(why, "while 0 (Metadata) was to be answered next"), "%s", why);
    }
}
END_TEST

START_TEST(where_nothing_waits_any_byte_is_an_error)
{
    static const uint8_t some[4] = {0};

    for (size_t n = 1; n <= sizeof some; n++) {
        begin_again();
        n_answered = N_ANSWERS;
        ck_assert_int_eq(feed(some, n), KFK_ERR_PROTOCOL);
        ck_assert_str_eq(why, "bytes that answer no request");
    }
}
END_TEST

/* ---- ApiVersions ---- */

START_TEST(a_broker_that_does_not_know_the_version_answers_in_version_0)
{
    const kfk__api_versions_response *rs;
    size_t used;
    bool done;

    expect(0, &kfk__api_versions_api, 4);
    put_versions(&bytes, 0, 0, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(kfk__input_feed(&in, &requests[0], bytes.data, bytes.len, &used, &done, why),
                     KFK_OK);
    ck_assert(done);
    ck_assert_int_eq(in.body_version, 0);
    rs = in.body;
    ck_assert_int_eq(rs->error_code, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(rs->api_keys.n, 1);
    expect(0, &kfk__api_versions_api, 2); /* and is asked again */
    kfk__buf_clear(&bytes);
    put_versions(&bytes, 2, 0, KFK_OK);
    ck_assert_int_eq(feed(bytes.data, bytes.len), KFK_OK);
    ck_assert_int_eq(n_answered, 1);
}
END_TEST

START_TEST(a_version_0_that_does_not_say_so_is_not_taken_for_one)
{
    expect(0, &kfk__api_versions_api, 4);
    put_versions(&bytes, 0, 0, KFK_OK);
    ck_assert_int_eq(feed(bytes.data, bytes.len), KFK_ERR_PROTOCOL);
    ck_assert_msg(strstr(why, "ApiVersions response v4: "), "%s", why);
}
END_TEST

/* ---- records ---- */

/* As exchange.c does: bytes go to the target while there is one, at most |step| at a time. */
static kfk_err receive(size_t step)
{
    kfk_err err = KFK_OK;
    size_t at = 0, used;
    bool done = false;

    while (at < bytes.len && !err && !done) {
        size_t n = bytes.len - at < step ? bytes.len - at : step, room;
        uint8_t *target;

        room = kfk__input_target(&in, &target);
        if (room) {
            n = n < room ? n : room;
            memcpy(target, bytes.data + at, n);
            at += n;
            err = kfk__input_filled(&in, &requests[0], n, &done, why);
        } else {
            err = kfk__input_feed(&in, &requests[0], bytes.data + at, n, &used, &done, why);
            at += used;
        }
    }
    MUST(err || (done && at == bytes.len));
    return err;
}

static void expect_fetch(size_t n)
{
    expect(0, &kfk__fetch_api, 12);
    requests[0].spec.sink = take_records;
    requests[0].spec.sink_ctx = &to;
    kfk__buf_clear(&bytes);
    put_fetch(&bytes, 12, 0, n);
}

START_TEST(records_go_straight_to_where_the_sink_wants_them)
{
    static const size_t steps[] = {1, 2, 7, 99, 100, 101, 1000, 1 << 20};
    const kfk__fetch_response *rs;

    expect_fetch(RECORDS);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        begin_again();
        memset(to.bytes, 0, sizeof to.bytes);
        to.asked = 0;
        ck_assert_int_eq(receive(steps[i]), KFK_OK);
        rs = in.body;
        check_records(rs->responses.v[0].partitions.v[0].records, RECORDS);
        ck_assert_ptr_eq(rs->responses.v[0].partitions.v[0].records.data, to.bytes);
        ck_assert_int_eq(to.asked, RECORDS / 100 + 1);
        ck_assert_int_eq(to.partition, 7);
    }
}
END_TEST

START_TEST(there_is_no_target_outside_of_records)
{
    uint8_t *target;

    expect_fetch(10);
    for (size_t at = 0, used; at < bytes.len; at += used) {
        bool done;

        MUST(kfk__input_target(&in, &target) <= 10);
        MUST(kfk__input_feed(&in, &requests[0], bytes.data + at, 1, &used, &done, why) == KFK_OK);
        MUST(used == 1);
    }
    ck_assert_uint_eq(kfk__input_target(&in, &target), 0);
}
END_TEST

START_TEST(what_a_sink_refuses_ends_the_answer_with_its_code)
{
    to.err = KFK_ERR_NOMEM;
    expect_fetch(100);
    ck_assert_int_eq(receive(SIZE_MAX), KFK_ERR_NOMEM);
    begin_again();
    to.err = KFK_ERR_REVOKED;
    ck_assert_int_eq(receive(1), KFK_ERR_REVOKED);
}
END_TEST

/* Bytes after the records: what was received behind them would not be noticed otherwise. */
START_TEST(an_answer_that_goes_on_behind_its_records_is_refused)
{
    expect_fetch(100);
    kfk__buf_put(&bytes, "x", 1);
    kfk__put_be32(bytes.data, (uint32_t)bytes.len - 4);
    ck_assert_int_eq(receive(SIZE_MAX), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(why, "Fetch response v12: bytes left over");
}
END_TEST

/* The frame is at its end where the records are only in the middle. */
START_TEST(records_that_end_beyond_their_frame_are_refused)
{
    expect_fetch(100);
    kfk__put_be32(bytes.data, (uint32_t)bytes.len - 4 - 10);
    ck_assert_int_eq(receive(SIZE_MAX), KFK_ERR_PROTOCOL);
    begin_again();
    ck_assert_int_eq(receive(1), KFK_ERR_PROTOCOL);
}
END_TEST

/* ---- whatever comes in ---- */

/* Bytes that were changed: an answer or an error, and no harm. */
START_TEST(an_answer_that_was_changed_does_no_harm)
{
    uint64_t state = 3;
    int refused = 0;

    put_all();
    for (int turn = 0; turn < 20000; turn++) {
        int i = (int)(chance(&state) % N_ANSWERS);
        kfk__buf one;

        kfk__buf_init(&one, &kfk__malloc_allocator);
        begin_again();
        if (i == 0)
            put_versions(&one, 4, i, KFK_OK);
        else if (i % 2)
            put_metadata(&one, requests[i].spec.version, i, 10 + i);
        else
            put_fetch(&one, requests[i].spec.version, i, 60);
        for (uint64_t n = chance(&state) % 4; n-- > 0;)
            one.data[chance(&state) % one.len] = (uint8_t)chance(&state);
        for (size_t at = 0, used, step = 1 + (size_t)chance(&state) % one.len; at < one.len; at += used) {
            size_t n = one.len - at < step ? one.len - at : step;
            bool done;

            if (kfk__input_feed(&in, &requests[i], one.data + at, n, &used, &done, why)) {
                refused++;
                break;
            }
            if (done)
                break;
        }
        kfk__buf_fini(&one);
    }
    ck_assert_int_gt(refused, 2000);
}
END_TEST

START_TEST(a_lack_of_memory_is_said)
{
    bool failed = true;

    put_all();
    for (uint64_t n = 1; failed; n++) {
        kfk_err err;

        kfk__input_fini(&in);
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
        kfk__input_init(&in, &alloc);
        begin_again();
        failalloc_fail_once(&mem, n);
        err = feed(bytes.data, bytes.len);
        failed = failalloc_failed(&mem);
        ck_assert_int_eq(err, failed ? KFK_ERR_NOMEM : KFK_OK);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("input");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, answers_cut_in_two_anywhere_give_the_same);
    tcase_add_test(t, answers_in_pieces_of_any_size_give_the_same);
    tcase_add_test(t, no_more_is_taken_than_the_answer_has);
    tcase_add_test(t, a_new_connection_begins_anew_wherever_the_old_one_ended);
    tcase_add_test(t, a_length_that_cannot_be_is_refused);
    tcase_add_test(t, a_broker_that_has_shown_itself_may_send_long_answers);
    tcase_add_test(t, a_length_claims_no_memory);
    tcase_add_test(t, a_length_that_is_not_the_message_s_is_refused);
    tcase_add_test(t, what_is_wrong_with_a_length_is_said);
    tcase_add_test(t, an_answer_to_another_request_is_refused);
    tcase_add_test(t, where_nothing_waits_any_byte_is_an_error);
    tcase_add_test(t, a_broker_that_does_not_know_the_version_answers_in_version_0);
    tcase_add_test(t, a_version_0_that_does_not_say_so_is_not_taken_for_one);
    tcase_add_test(t, records_go_straight_to_where_the_sink_wants_them);
    tcase_add_test(t, there_is_no_target_outside_of_records);
    tcase_add_test(t, what_a_sink_refuses_ends_the_answer_with_its_code);
    tcase_add_test(t, an_answer_that_goes_on_behind_its_records_is_refused);
    tcase_add_test(t, records_that_end_beyond_their_frame_are_refused);
    tcase_add_test(t, an_answer_that_was_changed_does_no_harm);
    tcase_add_test(t, a_lack_of_memory_is_said);
    return run_suite("client/input", t);
}
