/* Records as they are read: by hand, cut, contradicting themselves; and the inline part against the
 * general one. Records that the Java client made are in test_golden.c. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "record/read.h"
#include "record/write.h"

#define WITHOUT_NUL(literal) (const uint8_t *)(literal), sizeof literal - 1

/* In memory that ends where the record does. */
static bool read_copy(const uint8_t *p, size_t n, kfk__record *r, size_t *used)
{
    uint8_t *copy = malloc(n ? n : 1);
    const uint8_t *next;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, p, n);
    next = kfk__record_read(copy, copy + n, r);
    *used = next ? (size_t)(next - copy) : 0;
    free(copy);
    return next != NULL;
}

static bool readable(const uint8_t *p, size_t n)
{
    kfk__record r;
    size_t used;

    return read_copy(p, n, &r, &used);
}

START_TEST(a_record_by_hand)
{
    static const uint8_t in[] = {40, 0,   1,   10, 2, 'k', 6,   'a', 'b', 'c', 4,
                                 4,  'h', '1', 1,  6, 'h', 'h', '2', 2,   'x', 99};
    kfk__record r;
    kfk_header h[3];

    ck_assert_ptr_eq(kfk__record_read(in, in + sizeof in, &r), in + sizeof in - 1);
    ck_assert_int_eq(r.timestamp_delta, -1);
    ck_assert_int_eq(r.offset_delta, 5);
    ck_assert_uint_eq(r.key.len, 1);
    ck_assert_ptr_eq(r.key.data, in + 5);
    ck_assert_uint_eq(r.value.len, 3);
    ck_assert_ptr_eq(r.value.data, in + 7);
    ck_assert_uint_eq(r.n_headers, 2);
    ck_assert_uint_eq(kfk__record_headers(&r, h, 3), 2);
    ck_assert_uint_eq(h[0].key.len, 2);
    ck_assert_mem_eq(h[0].key.data, "h1", 2);
    ck_assert_ptr_null(h[0].value.data);
    ck_assert_uint_eq(h[0].value.len, 0);
    ck_assert_uint_eq(h[1].key.len, 3);
    ck_assert_mem_eq(h[1].value.data, "x", 1);
    ck_assert_uint_eq(kfk__record_headers(&r, h, 1), 1);
    ck_assert_uint_eq(kfk__record_headers(&r, h, 0), 0);
}
END_TEST

START_TEST(null_is_not_empty)
{
    kfk__record r;
    size_t used;

    ck_assert(read_copy(WITHOUT_NUL("\x0c\0\0\0\1\0\0"), &r, &used));
    ck_assert_ptr_null(r.key.data);
    ck_assert_ptr_nonnull(r.value.data);
    ck_assert_uint_eq(r.value.len, 0);
    ck_assert(read_copy(WITHOUT_NUL("\x0c\0\0\0\0\1\0"), &r, &used));
    ck_assert_ptr_nonnull(r.key.data);
    ck_assert_ptr_null(r.value.data);
    ck_assert_uint_eq(kfk__record_headers(&r, NULL, 0), 0);
}
END_TEST

#define ALL_ONES "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct {
    const uint8_t *p;
    size_t n;
    bool good;
} cases[] = {
    {WITHOUT_NUL("\x0c\0\0\0\1\1\0"), true},
    {WITHOUT_NUL("\x0c\0\0\0\1\1\0 and more"), true},
    {WITHOUT_NUL("\x0c\x7f\0\0\1\1\0"), true}, /* attributes are not ours to judge */
    {WITHOUT_NUL("\x1a\0\0\0\1\x0e"
                 "1234567\0"),
     true},
    {WITHOUT_NUL(""), false},
    {WITHOUT_NUL("\0"), false},                                 /* no body */
    {WITHOUT_NUL("\x0b\0\0\0\1\1\0"), false},                   /* a negative length */
    {WITHOUT_NUL("\x0a\0\0\0\1\1\0"), false},                   /* a byte short */
    {WITHOUT_NUL("\x0e\0\0\0\1\1\0"), false},                   /* longer than what there is */
    {WITHOUT_NUL("\x0e\0\0\0\1\1\0\0"), false},                 /* longer than its parts */
    {WITHOUT_NUL("\xfe\xff\xff\xff\x0f\0\0\0\1\1\0"), false},   /* 2 GiB */
    {WITHOUT_NUL("\xff\xff\xff\xff\xff\x01\0\0\0\1\1"), false}, /* a length of six bytes */
    {WITHOUT_NUL("\x0c\0\0\0\3\1\0"), false},                   /* a key of -2 */
    {WITHOUT_NUL("\x0c\0\0\0\1\3\0"), false},                   /* a value of -2 */
    {WITHOUT_NUL("\x0c\0\0\0\1\1\1"), false},                   /* -1 headers */
    {WITHOUT_NUL("\x0c\0\0\0\1\1\2"), false},                   /* a header, but no room for it */
    {WITHOUT_NUL("\x0e\0\0\0\1\1\2\0"), false},
    {WITHOUT_NUL("\x10\0\0\0\1\1\2\0\0"), true},
    {WITHOUT_NUL("\x10\0\0\0\1\1\2\1\0"), false}, /* a null header key */
    {WITHOUT_NUL("\x10\0\0\0\1\1\2\0\1"), true},
    {WITHOUT_NUL("\x10\0\0\0\1\1\2\0\3"), false},                   /* a header value of -2 */
    {WITHOUT_NUL("\x10\0\0\0\1\1\2\2\0"), false},                   /* a header key too long */
    {WITHOUT_NUL("\x18\0\0\0\1\1\xfe\xff\xff\xff\x0f\0\0"), false}, /* 2^31 - 1 headers */
    {WITHOUT_NUL("\x0c\0\0\0\4\1\0"), false},                       /* a key up to the end */
    {WITHOUT_NUL("\x0c\0\0\0\1\4\0"), false},                       /* a value past it */
    {WITHOUT_NUL("\x14\0\0\0\xfe\xff\xff\xff\x0f\1\0"), false},     /* a key of 2 GiB */
    {WITHOUT_NUL("\x1e\0" ALL_ONES "\1\0\1\1\0"), true},            /* INT64_MIN */
    {WITHOUT_NUL("\x1e\0" ALL_ONES "\3\0\1\1\0"), false},           /* past 64 bits */
    {WITHOUT_NUL("\x14\0\0\xff\xff\xff\xff\x0f\1\1\0"), true},      /* INT32_MIN */
    {WITHOUT_NUL("\x14\0\0\xff\xff\xff\xff\x1f\1\1\0"), false},     /* past 32 bits */
    /* Numbers that take more bytes than need be are right all the same. */
    {WITHOUT_NUL("\x10\0\x80\0\x80\0\1\1\0"), true},
    {WITHOUT_NUL("\x12\0\x80\0\x80\0\x81\0\1\0"), true},
    {WITHOUT_NUL("\x12\0\x80\0\x80\0\1\x80\0\0"), true},
};

START_TEST(contradictions_are_found)
{
    ck_assert_int_eq(readable(cases[_i].p, cases[_i].n), cases[_i].good);
}
END_TEST

static uint8_t buffer[1 << 16];

static size_t write_sample(unsigned i)
{
    static const kfk_header headers[] = {{{"one", 3}, {"1", 1}}, {{"", 0}, {NULL, 0}}};
    static const uint8_t payload[9000];
    static const size_t lengths[] = {0, 1, 5, 57, 58, 63, 64, 100, 300, 8190, 8192};
    static const int64_t deltas[] = {0, 1, 63, 64, -1, 8191, 8192, 1 << 20, INT64_MIN};
    const size_t n = lengths[i % 11], k = lengths[i / 11 % 8];
    const kfk_bytes key = {i % 3 ? payload : NULL, i % 3 ? k : 0};
    const kfk_bytes value = {i % 7 ? payload : NULL, i % 7 ? n : 0};

    return (size_t)(kfk__record_write(buffer, deltas[i % 9], (int32_t)(i * 37 % 20000), key, value,
                                      headers, i % 5 == 0 ? 2 : 0) -
                    buffer);
}

static void check_same(const kfk__record *a, const kfk__record *b)
{
    ck_assert_int_eq(a->timestamp_delta, b->timestamp_delta);
    ck_assert_int_eq(a->offset_delta, b->offset_delta);
    ck_assert_ptr_eq(a->key.data, b->key.data);
    ck_assert_uint_eq(a->key.len, b->key.len);
    ck_assert_ptr_eq(a->value.data, b->value.data);
    ck_assert_uint_eq(a->value.len, b->value.len);
    ck_assert_uint_eq(a->n_headers, b->n_headers);
    ck_assert_ptr_eq(a->headers.data, b->headers.data);
    ck_assert_uint_eq(a->headers.len, b->headers.len);
}

static void check_both(size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    kfk__record a, b;
    const uint8_t *x, *y;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, buffer, n);
    x = kfk__record_read(copy, copy + n, &a);
    y = kfk__record_read_any(copy, copy + n, &b);
    ck_assert_ptr_eq(x, y);
    if (x)
        check_same(&a, &b);
    free(copy);
}

/* Whole, with something behind it, cut at each of its first and last bytes, and each of these
 * changed. */
START_TEST(both_parts_read_alike)
{
    for (unsigned i = 0; i < 2 * 11 * 8; i++) { /* each pair of lengths twice */
        const size_t n = write_sample(i);

        check_both(n);
        ck_assert(readable(buffer, n));
        memset(buffer + n, 0xaa, 20);
        check_both(n + 20);
        for (size_t at = 0; at < n; at += at == 40 && n > 80 ? n - 80 : 1) {
            ck_assert(!readable(buffer, at));
            check_both(at);
            for (int bit = 0; bit < 8; bit++) {
                buffer[at] ^= (uint8_t)(1 << bit);
                check_both(n);
                check_both(n + 20);
                buffer[at] ^= (uint8_t)(1 << bit);
            }
        }
    }
}
END_TEST

START_TEST(random_bytes)
{
    uint32_t x = 1;

    for (int i = 0; i < 200000; i++) {
        for (int j = 0; j < 24; j++) {
            x = x * 1664525 + 1013904223;
            /* Small numbers more often than others, so that more than the first is read. */
            buffer[j] = x >> 31 ? (uint8_t)(x >> 23) : (uint8_t)(x >> 28);
        }
        check_both(24);
    }
}
END_TEST

START_TEST(control_records_have_types)
{
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\0\0\0\0", 4}), KFK__CONTROL_ABORT);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\0\0\0\1", 4}), KFK__CONTROL_COMMIT);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\0\0\0\5", 4}), 5);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\0\7\0\1more", 8}), KFK__CONTROL_COMMIT);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\0\0\0", 3}), -1);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){NULL, 0}), -1);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\xff\xff\0\1", 4}), -1);
    ck_assert_int_eq(kfk__control_type((kfk_bytes){"\0\0\xff\xff", 4}), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("read");
    TCase *t = tcase_create("read");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_record_by_hand);
    tcase_add_test(t, null_is_not_empty);
    tcase_add_loop_test(t, contradictions_are_found, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, both_parts_read_alike);
    tcase_add_test(t, random_bytes);
    tcase_add_test(t, control_records_have_types);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
