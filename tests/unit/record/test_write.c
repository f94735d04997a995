/* Records as they are written, against a plain encoder that follows the protocol's text. What the
 * Java client makes of them is checked by tests/interop/batch_check.sh. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/write.h"

/* ---- the plain encoder ---- */

typedef struct sink {
    uint8_t *data;
    size_t len;
} sink;

static void put(sink *s, const void *p, size_t n)
{
    if (n)
        memcpy(s->data + s->len, p, n);
    s->len += n;
}

static void put_varint(sink *s, int64_t v)
{
    uint64_t z = v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;

    do {
        uint8_t b = (uint8_t)(z % 128 + (z >= 128 ? 128 : 0));

        put(s, &b, 1);
        z /= 128;
    } while (z);
}

static void put_nullable(sink *s, kfk_bytes b)
{
    put_varint(s, b.data ? (int64_t)b.len : -1);
    put(s, b.data, b.data ? b.len : 0);
}

typedef struct sample {
    int64_t timestamp_delta;
    int32_t offset_delta;
    kfk_bytes key;
    kfk_bytes value;
    const kfk_header *headers;
    size_t n_headers;
} sample;

/* Into a buffer of its own, since the length has to be known first. */
static void put_record(sink *s, const sample *r)
{
    sink body = {malloc(1 << 20), 0};

    ck_assert_ptr_nonnull(body.data);
    put(&body, "", 1);
    put_varint(&body, r->timestamp_delta);
    put_varint(&body, r->offset_delta);
    put_nullable(&body, r->key);
    put_nullable(&body, r->value);
    put_varint(&body, (int64_t)r->n_headers);
    for (size_t i = 0; i < r->n_headers; i++) {
        put_nullable(&body, r->headers[i].key);
        put_nullable(&body, r->headers[i].value);
    }
    put_varint(s, (int64_t)body.len);
    put(s, body.data, body.len);
    free(body.data);
}

/* ---- the comparison ---- */

static uint8_t payload[100000];

/* In memory of exactly the bound, so that a byte too many is seen. */
static void check_record(const sample *r)
{
    size_t bound = kfk__record_bound(r->key, r->value, r->headers, r->n_headers);
    uint8_t *written = malloc(bound), *end;
    sink expected = {malloc(1 << 20), 0};

    ck_assert_ptr_nonnull(written);
    ck_assert_ptr_nonnull(expected.data);
    put_record(&expected, r);
    end = kfk__record_write(written, r->timestamp_delta, r->offset_delta, r->key, r->value,
                            r->headers, r->n_headers);
    ck_assert_uint_eq((size_t)(end - written), expected.len);
    ck_assert_mem_eq(written, expected.data, expected.len);
    ck_assert_uint_le(expected.len, bound);
    free(written);
    free(expected.data);
}

static kfk_bytes bytes(size_t n)
{
    return (kfk_bytes){payload, n};
}

static const kfk_bytes null_bytes = {NULL, 0};

START_TEST(a_record_by_hand)
{
    static const uint8_t expected[] = {40, 0,   2,   10, 2, 'k', 6,   'a', 'b', 'c',
                                       4, /* two headers */
                                       4,  'h', '1', 1,  6, 'h', 'h', '2', 2,   'x'};
    const kfk_header headers[] = {{{"h1", 2}, {NULL, 0}}, {{"hh2", 3}, {"x", 1}}};
    uint8_t out[128];
    uint8_t *end =
        kfk__record_write(out, 1, 5, (kfk_bytes){"k", 1}, (kfk_bytes){"abc", 3}, headers, 2);

    ck_assert_uint_eq((size_t)(end - out), sizeof expected);
    ck_assert_mem_eq(out + 1, expected + 1, sizeof expected - 1);
    ck_assert_uint_eq(out[0], 2 * (sizeof expected - 1));
}
END_TEST

/* Around each length at which a varint or the inline part's guess changes. */
START_TEST(every_length_of_a_value)
{
    static const size_t edges[] = {8100, 8192, 16384, 100000 - 40};

    for (size_t n = 0; n < 300; n++) {
        check_record(&(sample){0, 0, null_bytes, bytes(n), NULL, 0});
        check_record(&(sample){100, 70, bytes(n / 3), bytes(n - n / 3), NULL, 0});
        check_record(&(sample){1 << 20, 1 << 20, bytes(n), null_bytes, NULL, 0});
        check_record(&(sample){-1, INT32_MAX, bytes(n), bytes(0), NULL, 0});
    }
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        for (size_t n = edges[i] - 80; n <= edges[i] + 40; n++) {
            check_record(&(sample){INT64_MIN, INT32_MAX, null_bytes, bytes(n), NULL, 0});
            check_record(&(sample){0, 0, bytes(7), bytes(n - 7), NULL, 0});
        }
}
END_TEST

START_TEST(every_width_of_a_delta)
{
    for (int bit = 0; bit < 63; bit++)
        for (int64_t more = -1; more <= 1; more++) {
            int64_t v = ((int64_t)1 << bit) + more;

            check_record(&(sample){v, 1, null_bytes, bytes(20), NULL, 0});
            check_record(&(sample){-v, 1, null_bytes, bytes(55), NULL, 0});
            if (v >= 0 && v <= INT32_MAX)
                for (size_t n = 56; n <= 156; n += 50)
                    check_record(&(sample){1, (int32_t)v, null_bytes, bytes(n), NULL, 0});
        }
    check_record(&(sample){INT64_MAX, INT32_MAX, bytes(1), bytes(1), NULL, 0});
    check_record(&(sample){INT64_MIN, INT32_MAX, bytes(1), bytes(1), NULL, 0});
}
END_TEST

START_TEST(null_is_not_empty)
{
    uint8_t out[64];

    kfk__record_write(out, 0, 0, null_bytes, bytes(0), NULL, 0);
    ck_assert_mem_eq(out, "\x0c\0\0\0\1\0\0", 7);
    kfk__record_write(out, 0, 0, bytes(0), null_bytes, NULL, 0);
    ck_assert_mem_eq(out, "\x0c\0\0\0\0\1\0", 7);
}
END_TEST

START_TEST(many_headers)
{
    static kfk_header headers[10000];

    for (size_t i = 0; i < 10000; i++)
        headers[i] = (kfk_header){bytes(i % 70), i % 3 ? bytes(i % 11) : null_bytes};
    for (size_t n = 0; n < 300; n += 7)
        check_record(&(sample){1, 1, bytes(3), bytes(10), headers, n});
    check_record(&(sample){1, 1, null_bytes, null_bytes, headers, 10000});
}
END_TEST

START_TEST(what_fits_in_no_batch_has_no_bound)
{
    const size_t huge = (size_t)INT32_MAX;
    kfk_header h = {{"k", 1}, {"v", 1}};

    ck_assert_uint_eq(kfk__record_bound(null_bytes, bytes(100), NULL, 0), 136);
    ck_assert_uint_eq(kfk__record_bound(bytes(huge), null_bytes, NULL, 0), SIZE_MAX);
    ck_assert_uint_eq(kfk__record_bound(bytes(huge / 2), bytes(huge / 2), NULL, 0), SIZE_MAX);
    ck_assert_uint_eq(kfk__record_bound(bytes(SIZE_MAX), bytes(2), NULL, 0), SIZE_MAX);
    ck_assert_uint_eq(kfk__record_bound(bytes(SIZE_MAX), bytes(SIZE_MAX), NULL, 0), SIZE_MAX);
    ck_assert_uint_eq(kfk__record_bound(bytes(1), bytes(huge - 37), NULL, 0), huge);
    ck_assert_uint_eq(kfk__record_bound(bytes(1), bytes(huge - 37), &h, 1), SIZE_MAX);
    h.key.data = NULL;
    ck_assert_uint_eq(kfk__record_bound(bytes(1), bytes(1), &h, 1), SIZE_MAX);
    h = (kfk_header){{"k", SIZE_MAX}, {"v", 1}};
    ck_assert_uint_eq(kfk__record_bound(bytes(1), bytes(1), &h, 1), SIZE_MAX);
    h = (kfk_header){{"k", 1}, {"v", huge}};
    ck_assert_uint_eq(kfk__record_bound(bytes(1), bytes(1), &h, 1), SIZE_MAX);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("write");
    TCase *t = tcase_create("write");
    SRunner *r = srunner_create(s);
    int failed;

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 31 + i / 256);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_record_by_hand);
    tcase_add_test(t, every_length_of_a_value);
    tcase_add_test(t, every_width_of_a_delta);
    tcase_add_test(t, null_is_not_empty);
    tcase_add_test(t, many_headers);
    tcase_add_test(t, what_fits_in_no_batch_has_no_bound);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
