#include "unit/suite.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "client/request.h"
#include "proto/header.h"
#include "proto/metadata.h"
#include "proto/produce.h"
#include "sim/failalloc.h"

enum { PARTITIONS = 5, ID = 77, VERSION = 9 };

/* One longer than what is copied, one that is not, null, none, and another long one. */
static const size_t lengths[PARTITIONS] = {2000, 1023, 0, 0, 1024};

static failalloc mem;
static kfk_allocator alloc;
static uint8_t records[2000];
static kfk__produce_request_partition parts[PARTITIONS];
static kfk__produce_request_topic topic;
static kfk__produce_request produce;
static kfk__request_spec spec;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    for (size_t i = 0; i < sizeof records; i++)
        records[i] = (uint8_t)(i * 7 + i / 256);
    for (int i = 0; i < PARTITIONS; i++)
        parts[i] = (kfk__produce_request_partition){
            .index = i, .records = {i == 2 ? NULL : records + i, lengths[i]}};
    kfk__msg_init(kfk__produce_api.request, &produce);
    topic = (kfk__produce_request_topic){.name = kfk__bytes_str("t"),
                                         .partition_data = {parts, PARTITIONS}};
    produce.topic_data.v = &topic;
    produce.topic_data.n = 1;
    spec = (kfk__request_spec){
        .api = &kfk__produce_api, .version = VERSION, .n_records = PARTITIONS, .body = &produce};
}

static void teardown(void)
{
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static kfk__request *new_request(void)
{
    kfk__request *r = NULL;

    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_OK);
    return r;
}

/* What the bytes ought to be, records copied. */
static kfk__buf expected(void)
{
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    (void)kfk__buf_add(&out, 4);
    kfk__request_header_write(&out, spec.api, spec.version, ID, "me");
    ck_assert_int_eq(kfk__encode(spec.api->request, spec.version,
                                 kfk__flexible(spec.api, spec.version), spec.body, &out, NULL),
                     KFK_OK);
    kfk__put_be32(out.data, (uint32_t)(out.len - 4));
    return out;
}

/* All that is left of |r|, at most |max| pieces at a time, is what |whole| has from r->done on. */
static void check_rest(kfk__request *r, const kfk__buf *whole, int max)
{
    size_t was = r->done;

    while (r->done < r->size) {
        struct iovec v[16];
        int n = kfk__request_pieces(r, v, max);

        MUST(n > 0 && n <= max);
        for (int i = 0; i < n; i++) {
            MUST(v[i].iov_len > 0 && v[i].iov_len <= whole->len - r->done);
            MUST(memcmp(v[i].iov_base, whole->data + r->done, v[i].iov_len) == 0);
            r->done += v[i].iov_len;
        }
    }
    MUST(kfk__request_pieces(r, (struct iovec[16]){{0}}, max) == 0);
    r->done = was;
}

START_TEST(a_request_is_its_length_header_and_body)
{
    kfk__request *r = new_request();
    kfk__buf whole = expected();
    kfk__request_header h;
    size_t used;

    ck_assert_uint_eq(r->size, whole.len);
    ck_assert_uint_eq(kfk__get_be32(r->head.data), r->size - 4);
    ck_assert_int_eq(kfk__request_header_read(r->head.data + 4, r->head.len - 4, &h, &used),
                     KFK_OK);
    ck_assert_int_eq(h.key, kfk__produce_api.key);
    ck_assert_int_eq(h.version, VERSION);
    ck_assert_int_eq(h.correlation_id, ID);
    ck_assert(kfk__bytes_equal(h.client_id, kfk__bytes_str("me")));
    kfk__buf_fini(&whole);
    kfk__request_free(r);
}
END_TEST

START_TEST(long_records_are_not_copied)
{
    kfk__request *r = new_request();

    ck_assert_uint_eq(r->splices.n, 2);
    ck_assert_ptr_eq(r->splices.v[0].bytes.data, records);
    ck_assert_ptr_eq(r->splices.v[1].bytes.data, records + 4);
    ck_assert_uint_lt(r->head.len, 1023 + 200);
    kfk__request_free(r);
}
END_TEST

START_TEST(what_is_left_after_any_number_of_bytes_is_the_rest)
{
    kfk__request *r = new_request();
    kfk__buf whole = expected();

    for (r->done = 0; r->done <= r->size; r->done++)
        for (int max = 2; max < 8; max++)
            check_rest(r, &whole, max);
    kfk__buf_fini(&whole);
    kfk__request_free(r);
}
END_TEST

START_TEST(no_more_pieces_are_given_than_there_is_room_for)
{
    kfk__request *r = new_request();
    struct iovec v[16];

    ck_assert_int_eq(kfk__request_pieces(r, v, 0), 0);
    ck_assert_int_eq(kfk__request_pieces(r, v, 2), 2);
    ck_assert_int_eq(kfk__request_pieces(r, v, 3), 2);
    ck_assert_int_eq(kfk__request_pieces(r, v, 4), 4);
    ck_assert_int_eq(kfk__request_pieces(r, v, 5), 5);
    ck_assert_int_eq(kfk__request_pieces(r, v, 16), 5);
    kfk__request_free(r);
}
END_TEST

START_TEST(records_may_be_the_last_thing_there_is)
{
    kfk__request *r;
    kfk__buf whole;

    spec.version = 3; /* no tagged fields behind them */
    topic.partition_data.n = 1;
    whole = expected();
    r = new_request();
    ck_assert_uint_eq(r->splices.v[0].at, r->head.len);
    for (r->done = 0; r->done <= r->size; r->done++)
        check_rest(r, &whole, 4);
    kfk__buf_fini(&whole);
    kfk__request_free(r);
}
END_TEST

START_TEST(without_room_for_splices_records_are_copied)
{
    kfk__buf whole = expected();
    kfk__request *r;

    spec.n_records = 0;
    r = new_request();
    ck_assert_uint_eq(r->splices.n, 0);
    check_rest(r, &whole, 1);
    kfk__request_free(r);
    spec.n_records = 1; /* fewer than there are */
    r = new_request();
    ck_assert_uint_eq(r->splices.n, 1);
    check_rest(r, &whole, 4);
    kfk__request_free(r);
    kfk__buf_fini(&whole);
}
END_TEST

START_TEST(the_body_is_not_looked_at_later)
{
    kfk__request *r = new_request();

    ck_assert_ptr_null(r->spec.body);
    kfk__request_free(r);
    kfk__request_free(NULL);
}
END_TEST

START_TEST(no_client_id_is_null)
{
    kfk__request_header h;
    kfk__request *r;
    size_t used;

    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, -1, NULL), KFK_OK);
    ck_assert_int_eq(kfk__request_header_read(r->head.data + 4, r->head.len - 4, &h, &used),
                     KFK_OK);
    ck_assert_ptr_null(h.client_id.data);
    ck_assert_int_eq(h.correlation_id, -1);
    kfk__request_free(r);
}
END_TEST

/* ---- what cannot be sent ---- */

START_TEST(what_the_version_cannot_say_is_refused)
{
    kfk__metadata_request all;
    kfk__request *r = NULL;

    kfk__msg_init(kfk__metadata_api.request, &all);
    all.topics.n = -1; /* null, from version 1 on */
    spec = (kfk__request_spec){.api = &kfk__metadata_api, .body = &all};
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_ptr_null(r);
}
END_TEST

/* The records are far longer than the memory they are said to lie in: nobody looks. */
START_TEST(a_request_of_more_than_2_gib_is_refused)
{
    kfk__request *r = NULL;

    topic.partition_data.n = 2;
    parts[0].records.len = INT32_MAX;
    parts[1].records.len = 1024;
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_ERR_INVALID_ARG);
    topic.partition_data.n = 1;
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_ERR_INVALID_ARG);
    ck_assert_ptr_null(r);
    parts[0].records.len = (size_t)INT32_MAX + 1;
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_ERR_INVALID_ARG);
    parts[0].records.len = INT32_MAX - 1000; /* and the largest that goes */
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_OK);
    ck_assert_uint_eq(kfk__get_be32(r->head.data), r->size - 4);
    parts[0].records.len += INT32_MAX - (r->size - 4);
    kfk__request_free(r);
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_OK);
    ck_assert_uint_eq(r->size - 4, INT32_MAX);
    kfk__request_free(r);
    parts[0].records.len++;
    ck_assert_int_eq(kfk__request_new(&r, &alloc, &spec, ID, "me"), KFK_ERR_INVALID_ARG);
}
END_TEST

/* Or it is done without: for want of room for splices, records are copied. */
START_TEST(a_lack_of_memory_is_said_and_nothing_stays)
{
    kfk__buf whole = expected();
    bool failed = true;

    for (uint64_t n = 1; failed; n++) {
        kfk__request *r = NULL;
        kfk_err err;

        failalloc_fail_once(&mem, n);
        err = kfk__request_new(&r, &alloc, &spec, ID, "me");
        failed = failalloc_failed(&mem);
        if (err) {
            ck_assert_int_eq(err, KFK_ERR_NOMEM);
            ck_assert(failed);
        } else {
            check_rest(r, &whole, 4);
            kfk__request_free(r);
        }
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
    }
    failalloc_fail_from(&mem, 2);
    ck_assert_int_eq(kfk__request_new(&(kfk__request *){NULL}, &alloc, &spec, ID, "me"),
                     KFK_ERR_NOMEM);
    kfk__buf_fini(&whole);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("request");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_request_is_its_length_header_and_body);
    tcase_add_test(t, long_records_are_not_copied);
    tcase_add_test(t, what_is_left_after_any_number_of_bytes_is_the_rest);
    tcase_add_test(t, no_more_pieces_are_given_than_there_is_room_for);
    tcase_add_test(t, records_may_be_the_last_thing_there_is);
    tcase_add_test(t, without_room_for_splices_records_are_copied);
    tcase_add_test(t, the_body_is_not_looked_at_later);
    tcase_add_test(t, no_client_id_is_null);
    tcase_add_test(t, what_the_version_cannot_say_is_refused);
    tcase_add_test(t, a_request_of_more_than_2_gib_is_refused);
    tcase_add_test(t, a_lack_of_memory_is_said_and_nothing_stays);
    return run_suite("client/request", t);
}
