/* Headers: those of every API and version as Kafka's own classes wrote them, both ways; and hostile
 * ones. */
#include "golden.h"

#include "proto/api_versions.h"
#include "proto/header.h"
#include "proto/metadata.h"

enum { CORRELATION_ID = 0x01020304 };

static void check_request(const golden *g)
{
    kfk__request_header h;
    kfk__buf out;
    size_t used = 0;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    kfk__request_header_write(&out, g->api, g->version, CORRELATION_ID, "golden");
    ck_assert_mem_eq(out.data, g->bytes, g->n);
    ck_assert_uint_eq(out.len, g->n);
    kfk__buf_fini(&out);

    ck_assert_int_eq(kfk__request_header_read(g->bytes, g->n, &h, &used), KFK_OK);
    ck_assert_uint_eq(used, g->n);
    ck_assert_int_eq(h.key, g->api->key);
    ck_assert_int_eq(h.version, g->version);
    ck_assert_int_eq(h.correlation_id, CORRELATION_ID);
    ck_assert_uint_eq(h.client_id.len, 6);
    ck_assert_mem_eq(h.client_id.data, "golden", 6);
}

static void check_response(const golden *g)
{
    bool tagged = kfk__response_header_tagged(g->api, g->version);
    kfk__arena arena;
    kfk__buf out;
    int32_t id = 0;
    size_t used = 0;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    kfk__response_header_write(&out, g->api, g->version, CORRELATION_ID);
    ck_assert_uint_eq(out.len, g->n);
    ck_assert_mem_eq(out.data, g->bytes, g->n);
    kfk__buf_fini(&out);

    kfk__arena_init(&arena, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__decode(&kfk__response_header_schema, 0, tagged, g->bytes, g->n, &arena,
                                 &id, &used, NULL),
                     KFK_OK);
    ck_assert_int_eq(id, CORRELATION_ID);
    ck_assert_uint_eq(used, g->n);
    kfk__arena_fini(&arena);
}

START_TEST(check_03_headers_are_as_kafka_writes_them)
{
    FILE *f = fopen(GOLDEN_FILE, "r");
    golden g = {.n = 0};
    int requests = 0, responses = 0;

    ck_assert_ptr_nonnull(f);
    while (golden_next(f, &g)) {
        if (strcmp(g.kind, "reqh") == 0) {
            check_request(&g);
            requests++;
        } else if (strcmp(g.kind, "resh") == 0) {
            check_response(&g);
            responses++;
        }
    }
    (void)fclose(f);
    ck_assert_int_eq(requests, (GOLDEN_LINES - GOLDEN_MESSAGES) / 2);
    ck_assert_int_eq(responses, requests);
}
END_TEST

START_TEST(no_client_id_is_null)
{
    static const uint8_t want[] = {0, 3, 0, 1, 0, 0, 0, 9, 0xff, 0xff};
    kfk__request_header h;
    kfk__buf out;
    size_t used = 0;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    kfk__request_header_write(&out, &kfk__metadata_api, 1, 9, NULL);
    ck_assert_uint_eq(out.len, sizeof want);
    ck_assert_mem_eq(out.data, want, sizeof want);
    ck_assert_int_eq(kfk__request_header_read(out.data, out.len, &h, &used), KFK_OK);
    ck_assert_ptr_null(h.client_id.data);
    kfk__buf_fini(&out);
}
END_TEST

START_TEST(api_versions_is_answered_without_tags)
{
    for (int16_t v = 0; v <= 4; v++)
        ck_assert(!kfk__response_header_tagged(&kfk__api_versions_api, v));
    ck_assert(!kfk__response_header_tagged(&kfk__metadata_api, 8));
    ck_assert(kfk__response_header_tagged(&kfk__metadata_api, 9));
}
END_TEST

/* A version above those known is flexible too, or an ApiVersions request of the future could not be
 * answered. */
START_TEST(later_versions_and_unknown_keys_can_be_read)
{
    static const uint8_t later[] = {0, 18, 0, 99, 0, 0, 0, 1, 0, 1, 'c', 0};
    static const uint8_t unknown[] = {0x7f, 0, 0, 0, 0, 0, 0, 2, 0, 1, 'c'};
    kfk__request_header h;
    size_t used = 0;

    ck_assert_int_eq(kfk__request_header_read(later, sizeof later, &h, &used), KFK_OK);
    ck_assert_uint_eq(used, sizeof later);
    ck_assert_int_eq(h.version, 99);
    ck_assert_int_eq(kfk__request_header_read(unknown, sizeof unknown, &h, &used), KFK_OK);
    ck_assert_uint_eq(used, sizeof unknown);
    ck_assert_int_eq(h.key, 0x7f00);
}
END_TEST

static const uint8_t with_tags[] = {0, 3, 0, 9,   0,   0, 0, 1,   0,  0,
                                    2, 5, 1, 'x', 200, 1, 2, 'y', 'z'};

START_TEST(check_03_unknown_tags_are_skipped)
{
    kfk__request_header h;
    size_t used = 0;

    ck_assert_int_eq(kfk__request_header_read(with_tags, sizeof with_tags, &h, &used), KFK_OK);
    ck_assert_uint_eq(used, sizeof with_tags);
    ck_assert_ptr_nonnull(h.client_id.data);
    ck_assert_uint_eq(h.client_id.len, 0);
}
END_TEST

START_TEST(a_header_that_is_cut_is_refused)
{
    for (size_t n = 0; n < sizeof with_tags; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        kfk__request_header h;
        size_t used;

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, with_tags, n);
        ck_assert_int_eq(kfk__request_header_read(cut, n, &h, &used), KFK_ERR_PROTOCOL);
        free(cut);
    }
}
END_TEST

static const uint8_t bad[][12] = {
    {0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xfe},       /* client id: -2 */
    {0, 3, 0, 1, 0, 0, 0, 1, 0x80, 0x00},       /* the least there is */
    {0, 3, 0, 1, 0, 0, 0, 1, 0, 3, 'a', 'b'},   /* one more than remains */
    {0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0, 0}, /* the most there is */
    {0, 3, 0, 9, 0, 0, 0, 1, 0, 0, 1, 0},       /* a tag without its size */
    {0, 3, 0, 9, 0, 0, 0, 1, 0, 0, 0xff, 0xff}, /* a count that does not end */
};

START_TEST(what_cannot_be_is_refused)
{
    kfk__request_header h;
    size_t used;

    ck_assert_int_eq(kfk__request_header_read(bad[_i], sizeof bad[_i], &h, &used),
                     KFK_ERR_PROTOCOL);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("header");

    tcase_add_test(t, check_03_headers_are_as_kafka_writes_them);
    tcase_add_test(t, no_client_id_is_null);
    tcase_add_test(t, api_versions_is_answered_without_tags);
    tcase_add_test(t, later_versions_and_unknown_keys_can_be_read);
    tcase_add_test(t, check_03_unknown_tags_are_skipped);
    tcase_add_test(t, a_header_that_is_cut_is_refused);
    tcase_add_loop_test(t, what_cannot_be_is_refused, 0, sizeof bad / sizeof *bad);
    return run_suite("header", t);
}
