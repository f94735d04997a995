#include "unit/suite.h"

#include <string.h>

#include "base/varint.h"

/* The end of a run of |n| bytes that end where their memory does, so that a sanitizer sees a read
 * past it. */
static uint8_t *exactly(const uint8_t *bytes, size_t n)
{
    uint8_t *p = malloc(n ? n : 1);

    MUST(p);
    memcpy(p, bytes, n);
    return p;
}

static const uint8_t *get(const uint8_t *bytes, size_t n, size_t max, uint64_t *v)
{
    uint8_t *p = exactly(bytes, n);
    const uint8_t *end = kfk__uvarint_get(p, p + n, max, v);

    end = end ? bytes + (end - p) : NULL;
    free(p);
    return end;
}

static void check_unsigned(uint64_t v)
{
    uint8_t bytes[KFK__VARLONG_MAX];
    size_t n = (size_t)(kfk__uvarint_put(bytes, v) - bytes);
    uint64_t back = ~v;

    MUST(n == kfk__uvarint_size(v));
    MUST(get(bytes, n, KFK__VARLONG_MAX, &back) == bytes + n);
    MUST(back == v);
    MUST(get(bytes, n, n, &back) == bytes + n);
    MUST(n == 1 || !get(bytes, n, n - 1, &back));
    for (size_t cut = 0; cut < n; cut++)
        MUST(!get(bytes, cut, KFK__VARLONG_MAX, &back));
}

START_TEST(every_width_comes_back_and_no_part_of_it)
{
    check_unsigned(0);
    for (int bit = 0; bit < 64; bit++) {
        uint64_t v = UINT64_C(1) << bit;

        check_unsigned(v - 1);
        check_unsigned(v);
        check_unsigned(v + 1);
    }
    check_unsigned(UINT64_MAX);
}
END_TEST

START_TEST(bytes_are_those_of_the_protocol)
{
    uint8_t bytes[KFK__VARLONG_MAX];

    ck_assert_ptr_eq(kfk__uvarint_put(bytes, 300), bytes + 2);
    ck_assert_mem_eq(bytes, "\xac\x02", 2);
    ck_assert_ptr_eq(kfk__varint_put(bytes, -1), bytes + 1);
    ck_assert_mem_eq(bytes, "\x01", 1);
    ck_assert_ptr_eq(kfk__varint_put(bytes, INT64_MIN), bytes + 10);
    ck_assert_mem_eq(bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
}
END_TEST

START_TEST(zigzag_goes_there_and_back)
{
    static const int64_t v[] = {0, -1, 1, -2, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    static const uint64_t z[] = {0, 1, 2, 3, UINT32_MAX - 1, UINT32_MAX, UINT64_MAX - 1,
                                 UINT64_MAX};

    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        ck_assert_uint_eq(kfk__zigzag(v[i]), z[i]);
        ck_assert_int_eq(kfk__unzigzag(z[i]), v[i]);
    }
}
END_TEST

START_TEST(what_does_not_fit_64_bits_is_refused)
{
    static const uint8_t most[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    uint8_t bytes[12];
    uint64_t v;

    memcpy(bytes, most, sizeof most);
    ck_assert_ptr_eq(get(bytes, 10, KFK__VARLONG_MAX, &v), bytes + 10);
    ck_assert_uint_eq(v, UINT64_MAX);
    bytes[9] = 2;
    ck_assert_ptr_null(get(bytes, 10, KFK__VARLONG_MAX, &v));
    memset(bytes, 0x80, sizeof bytes);
    ck_assert_ptr_null(get(bytes, sizeof bytes, KFK__VARLONG_MAX, &v));
    bytes[9] = 0x81; /* the tenth byte goes on */
    bytes[10] = 0;
    ck_assert_ptr_null(get(bytes, 11, SIZE_MAX, &v));
}
END_TEST

START_TEST(a_32_bit_one_takes_no_more_than_32_bits)
{
    static const int32_t good[] = {0, -1, 63, 64, -64, -65, INT32_MAX, INT32_MIN};
    static const int64_t bad[] = {INT64_C(1) << 31, -(INT64_C(1) << 31) - 1, INT64_C(1) << 33};
    uint8_t bytes[KFK__VARLONG_MAX];
    int32_t v;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint8_t *end = kfk__varint_put(bytes, good[i]);

        ck_assert_ptr_eq(kfk__varint_get(bytes, end, &v), end);
        ck_assert_int_eq(v, good[i]);
        ck_assert_ptr_null(kfk__varint_get(bytes, end - 1, &v));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_ptr_null(kfk__varint_get(bytes, kfk__varint_put(bytes, bad[i]), &v));
    memcpy(bytes, "\x80\x80\x80\x80\x80\0", 6); /* zero, in a byte more than it may have */
    ck_assert_ptr_null(kfk__varint_get(bytes, bytes + 6, &v));
}
END_TEST

START_TEST(a_64_bit_one_takes_all)
{
    static const int64_t v[] = {0, -1, INT32_MIN, INT64_MAX, INT64_MIN};
    uint8_t bytes[KFK__VARLONG_MAX];

    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        uint8_t *end = kfk__varint_put(bytes, v[i]);
        int64_t back = 7;

        ck_assert_ptr_eq(kfk__varlong_get(bytes, end, &back), end);
        ck_assert_int_eq(back, v[i]);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("varint");

    tcase_add_test(t, every_width_comes_back_and_no_part_of_it);
    tcase_add_test(t, bytes_are_those_of_the_protocol);
    tcase_add_test(t, zigzag_goes_there_and_back);
    tcase_add_test(t, what_does_not_fit_64_bits_is_refused);
    tcase_add_test(t, a_32_bit_one_takes_no_more_than_32_bits);
    tcase_add_test(t, a_64_bit_one_takes_all);
    return run_suite("base/varint", t);
}
