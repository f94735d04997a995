/* Numbers, lengths, counts and tags that were made to do harm: whole and byte by byte. */
#include "decode_test.h"

#include "proto/api_versions.h"
#include "proto/describe_topic_partitions.h"
#include "proto/fetch.h"
#include "proto/find_coordinator.h"
#include "proto/init_producer_id.h"
#include "proto/metadata.h"

enum { REQUEST = false, RESPONSE = true };

typedef struct hostile {
    const char *what;
    const kfk__api *api;
    int16_t version;
    bool response;
    size_t n;
    uint8_t bytes[40];
    const char *field; /* at which it fails; NULL: it is to be read */
} hostile;

/* clang-format off */
static const hostile cases[] = {
    {"a null array where none may be, compact", &kfk__metadata_api, 9, RESPONSE, 6,
     {0, 0, 0, 0, 0, 0}, "brokers"},
    {"a null array where none may be, fixed", &kfk__metadata_api, 0, RESPONSE, 8,
     {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, "brokers"},
    {"a null array where it may be, fixed", &kfk__metadata_api, 1, REQUEST, 4,
     {0xff, 0xff, 0xff, 0xff}, NULL},
    {"a null string where none may be", &kfk__find_coordinator_api, 0, REQUEST, 2,
     {0xff, 0xff}, "key"},
    {"a length of -2", &kfk__find_coordinator_api, 0, REQUEST, 2,
     {0xff, 0xfe}, "key"},
    {"a count of -2", &kfk__metadata_api, 1, REQUEST, 4,
     {0xff, 0xff, 0xff, 0xfe}, "topics"},
    {"the least count", &kfk__metadata_api, 1, REQUEST, 4,
     {0x80, 0, 0, 0}, "topics"},
    {"the largest count", &kfk__metadata_api, 1, REQUEST, 12,
     {0x7f, 0xff, 0xff, 0xff}, "topics"},
    {"one more element than fits", &kfk__metadata_api, 1, REQUEST, 8,
     {0, 0, 0, 3, 0, 0, 0, 0}, "topics"},
    {"as many elements as fit", &kfk__metadata_api, 1, REQUEST, 8,
     {0, 0, 0, 2, 0, 0, 0, 0}, NULL},
    {"the largest compact count", &kfk__metadata_api, 9, REQUEST, 12,
     {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0}, "topics"},
    {"a compact count above 32 bits", &kfk__metadata_api, 9, REQUEST, 12,
     {0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0}, "topics"},
    {"a varint that does not end", &kfk__metadata_api, 9, REQUEST, 12,
     {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, "topics"},
    {"a varint longer than it need be", &kfk__metadata_api, 9, REQUEST, 7,
     {0x81, 0x80, 0, 1, 0, 0, 0}, NULL},
    {"an unknown tag", &kfk__api_versions_api, 3, REQUEST, 9,
     {2, 'n', 2, 'v', 1, 0x99, 0x01, 1, 'x'}, NULL},
    {"an unknown tag of some bytes", &kfk__api_versions_api, 3, REQUEST, 11,
     {2, 'n', 2, 'v', 1, 9, 4, 1, 2, 3, 4}, NULL},
    {"a tag above 32 bits", &kfk__api_versions_api, 3, REQUEST, 11,
     {2, 'n', 2, 'v', 1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0}, "request"},
    {"an unknown tag of no bytes", &kfk__api_versions_api, 3, REQUEST, 7,
     {2, 'n', 2, 'v', 1, 5, 0}, NULL},
    {"an unknown tag longer than what remains", &kfk__api_versions_api, 3, REQUEST, 9,
     {2, 'n', 2, 'v', 1, 9, 3, 'x', 'x'}, "request"},
    {"more tags than fit", &kfk__api_versions_api, 3, REQUEST, 9,
     {2, 'n', 2, 'v', 3, 0, 0, 1, 0}, "request"},
    {"a count of tags beyond all", &kfk__api_versions_api, 3, REQUEST, 9,
     {2, 'n', 2, 'v', 0xff, 0xff, 0xff, 0xff, 0x0f}, "request"},
    {"a tag twice", &kfk__api_versions_api, 3, REQUEST, 9,
     {2, 'n', 2, 'v', 2, 4, 0, 4, 0}, "request"},
    {"tags out of order", &kfk__api_versions_api, 3, REQUEST, 9,
     {2, 'n', 2, 'v', 2, 5, 0, 4, 0}, "request"},
    {"a known tag", &kfk__api_versions_api, 3, RESPONSE, 11,
     {0, 0, 1, 0, 0, 0, 0, 1, 3, 1, 0xff}, NULL},
    {"a known tag that says more than it has", &kfk__api_versions_api, 3, RESPONSE, 12,
     {0, 0, 1, 0, 0, 0, 0, 1, 3, 2, 1, 1}, "zk_migration_ready"},
    {"a known tag that says less than it has", &kfk__api_versions_api, 3, RESPONSE, 12,
     {0, 0, 1, 0, 0, 0, 0, 1, 3, 0, 1, 1}, "zk_migration_ready"},
    {"a known tag twice", &kfk__api_versions_api, 3, RESPONSE, 14,
     {0, 0, 1, 0, 0, 0, 0, 2, 3, 1, 1, 3, 1, 1}, "response"},
    {"a tag of a later version is unknown", &kfk__fetch_api, 12, REQUEST, 38,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1,
      7}, NULL},
    {"a struct that is null", &kfk__describe_topic_partitions_api, 0, REQUEST, 7,
     {1, 0, 0, 0, 1, 0xff, 0}, NULL},
    {"a struct that is neither null nor there", &kfk__describe_topic_partitions_api, 0, REQUEST, 7,
     {1, 0, 0, 0, 1, 0xfe, 0}, "cursor"},
};
/* clang-format on */

static const kfk__schema *schema_of(const hostile *h)
{
    return h->response ? h->api->response : h->api->request;
}

static kfk_err decode_case(const hostile *h, const uint8_t *bytes, size_t *used, const char **why)
{
    void *msg = new_message(schema_of(h));
    kfk_err err = kfk__decode(schema_of(h), h->version, kfk__flexible(h->api, h->version), bytes,
                              h->n, &arena, msg, used, why);

    free(msg);
    return err;
}

static kfk_err decode_case_in_pieces(const hostile *h, size_t *used)
{
    void *msg = new_message(schema_of(h));
    kfk_err err = KFK_OK;
    bool done = false;
    kfk__decoder d;

    kfk__decoder_init(&d, schema_of(h), h->version, kfk__flexible(h->api, h->version), h->n, &arena,
                      msg, NULL, NULL);
    *used = 0;
    for (size_t at = 0, one; at < h->n && !err && !done; at++) {
        err = kfk__decoder_feed(&d, h->bytes + at, 1, &one, &done);
        *used += one;
    }
    free(msg);
    return err;
}

START_TEST(what_cannot_be_is_refused)
{
    const hostile *h = &cases[_i];
    uint8_t *bytes = malloc(h->n);
    const char *why = "nothing";
    size_t used = 0, used_in_pieces;
    kfk_err err;

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, h->bytes, h->n);
    err = decode_case(h, bytes, &used, &why);
    ck_assert_msg(err == (h->field ? KFK_ERR_PROTOCOL : KFK_OK), "%s: %d at %s", h->what, err, why);
    if (h->field)
        ck_assert_msg(strcmp(why, h->field) == 0, "%s: at %s", h->what, why);
    ck_assert_uint_le(counted.bytes, BASE_BYTES);
    free(bytes);
    ck_assert_msg(decode_case_in_pieces(h, &used_in_pieces) == err, "%s: in pieces", h->what);
    if (!err)
        ck_assert_uint_eq(used_in_pieces, used);
}
END_TEST

/* What cannot come any more is refused when it is announced. */
static const struct {
    size_t frame_len, n;
    uint8_t bytes[12];
} announced[] = {
    {9, 5, {2, 'n', 2, 'v', 3}},                          /* three tags in four bytes */
    {9, 7, {2, 'n', 2, 'v', 1, 9, 3}},                    /* a tag of three bytes in two */
    {9, 1, {10}},                                         /* a string of nine bytes in eight */
    {20, 5, {0x80, 0x80, 0x80, 0x80, 0x80}},              /* a varint of more than five bytes */
    {20, 9, {2, 'n', 2, 'v', 1, 0xff, 0xff, 0xff, 0xff}}, /* but this one may still end */
};

START_TEST(what_cannot_come_is_refused_at_once)
{
    kfk__api_versions_request rq;
    kfk__decoder d;
    bool done, last = (size_t)_i == sizeof announced / sizeof *announced - 1;
    size_t used;

    kfk__decoder_init(&d, kfk__api_versions_api.request, 3, true, announced[_i].frame_len, &arena,
                      &rq, NULL, NULL);
    ck_assert_int_eq(kfk__decoder_feed(&d, announced[_i].bytes, announced[_i].n, &used, &done),
                     last ? KFK_OK : KFK_ERR_PROTOCOL);
}
END_TEST

START_TEST(nothing_behind_the_frame_is_taken)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0, 0, 0, 1};
    kfk__init_producer_id_request rq;
    kfk__decoder d;
    bool done;
    size_t used;

    kfk__decoder_init(&d, kfk__init_producer_id_api.request, 0, false, 4, &arena, &rq, NULL, NULL);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, sizeof bytes, &used, &done), KFK_ERR_PROTOCOL);
    ck_assert_uint_le(used, 4);
}
END_TEST

START_TEST(a_compact_string_is_no_longer_than_any_other)
{
    size_t n = 3 + INT16_MAX + 2 + 1 + 1, used;
    uint8_t *bytes = calloc(1, n);
    kfk__find_coordinator_request rq;

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, "\x80\x80\x02", 3); /* 32767 + 1 */
    ck_assert_int_eq(
        kfk__decode(kfk__find_coordinator_api.request, 3, true, bytes, n, &arena, &rq, &used, NULL),
        KFK_OK);
    ck_assert_uint_eq(rq.key.len, INT16_MAX);
    memcpy(bytes, "\x81\x80\x02", 3);
    ck_assert_int_eq(
        kfk__decode(kfk__find_coordinator_api.request, 3, true, bytes, n, &arena, &rq, &used, NULL),
        KFK_ERR_PROTOCOL);
    free(bytes);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("piece");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, what_cannot_be_is_refused, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, what_cannot_come_is_refused_at_once, 0,
                        sizeof announced / sizeof *announced);
    tcase_add_test(t, nothing_behind_the_frame_is_taken);
    tcase_add_test(t, a_compact_string_is_no_longer_than_any_other);
    return run_suite("piece", t);
}
