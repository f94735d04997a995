#include "unit/suite.h"

#include "base/bytes.h"

START_TEST(integers_stand_with_the_high_byte_first)
{
    static const uint8_t expected[] = {0x81, 0x02, 0x83, 0x04, 0x05, 0x06, 0x87, 0x08,
                                       0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x8e};
    uint8_t bytes[1 + sizeof expected]; /* at an odd address, too */

    for (size_t off = 0; off < 2; off++) {
        uint8_t *p = bytes + off;

        kfk__put_be16(p, 0x8102);
        kfk__put_be32(p + 2, 0x83040506);
        kfk__put_be64(p + 6, 0x8708090a0b0c0d8e);
        ck_assert_mem_eq(p, expected, sizeof expected);
        ck_assert_uint_eq(kfk__get_be16(p), 0x8102);
        ck_assert_uint_eq(kfk__get_be32(p + 2), 0x83040506);
        ck_assert_uint_eq(kfk__get_be64(p + 6), 0x8708090a0b0c0d8e);
    }
}
END_TEST

START_TEST(null_is_equal_to_null_only)
{
    kfk_bytes null = kfk__bytes_str(NULL), empty = kfk__bytes_str("");

    ck_assert(kfk__bytes_equal(null, null));
    ck_assert(kfk__bytes_equal(empty, kfk__bytes("x", 0)));
    ck_assert(!kfk__bytes_equal(null, empty));
    ck_assert(!kfk__bytes_equal(empty, null));
}
END_TEST

START_TEST(bytes_are_equal_by_length_and_content)
{
    ck_assert(kfk__bytes_equal(kfk__bytes("a\0b", 3), kfk__bytes("a\0b", 3)));
    ck_assert(!kfk__bytes_equal(kfk__bytes("a\0b", 3), kfk__bytes("a\0c", 3)));
    ck_assert(!kfk__bytes_equal(kfk__bytes_str("ab"), kfk__bytes_str("abc")));
    ck_assert(!kfk__bytes_equal(kfk__bytes_str("abc"), kfk__bytes_str("ab")));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("bytes");

    tcase_add_test(t, integers_stand_with_the_high_byte_first);
    tcase_add_test(t, null_is_equal_to_null_only);
    tcase_add_test(t, bytes_are_equal_by_length_and_content);
    return run_suite("base/bytes", t);
}
