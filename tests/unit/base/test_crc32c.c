/* The checksum against the published vectors, and the processor's against the tables'. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

enum { BIG = 20000 };

static uint8_t big[BIG + 16];

/* Any bytes will do, as long as they are the same in every run. */
static void fill(void)
{
    uint32_t x = 1;

    for (size_t i = 0; i < sizeof big; i++) {
        x = x * 1664525 + 1013904223;
        big[i] = (uint8_t)(x >> 24);
    }
}

/* RFC 3720, B.4: a read command of iSCSI. */
static const uint8_t read_command[48] = {
    0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
    0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0};

static uint32_t both(const void *p, size_t n)
{
    uint32_t crc = kfk__crc32c(0, p, n);

    ck_assert_uint_eq(crc, kfk__crc32c_portable(0, p, n));
    return crc;
}

START_TEST(published_vectors)
{
    uint8_t block[32];

    ck_assert_uint_eq(both("", 0), 0);
    ck_assert_uint_eq(both("a", 1), 0xc1d04330);
    ck_assert_uint_eq(both("123456789", 9), 0xe3069283);
    memset(block, 0, sizeof block);
    ck_assert_uint_eq(both(block, sizeof block), 0x8a9136aa);
    memset(block, 0xff, sizeof block);
    ck_assert_uint_eq(both(block, sizeof block), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        block[i] = (uint8_t)i;
    ck_assert_uint_eq(both(block, sizeof block), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        block[i] = (uint8_t)(31 - i);
    ck_assert_uint_eq(both(block, sizeof block), 0x113fdb5c);
    ck_assert_uint_eq(both(read_command, sizeof read_command), 0xd9963a56);
}
END_TEST

/* By definition, one bit at a time. */
static uint32_t by_bits(const uint8_t *p, size_t n)
{
    uint32_t c = ~0u;

    for (; n; n--, p++) {
        c ^= *p;
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
    }
    return ~c;
}

START_TEST(every_length_is_right)
{
    for (size_t n = 0; n < 1000; n++)
        ck_assert_uint_eq(both(big, n), by_bits(big, n));
    for (size_t n = 1000; n <= BIG; n += 193)
        ck_assert_uint_eq(both(big, n), by_bits(big, n));
}
END_TEST

START_TEST(every_alignment_is_right)
{
    static const size_t lengths[] = {7, 8, 9, 383, 384, 385, 3071, 3072, 3073, 6200, 16384};

    for (size_t at = 0; at < 16; at++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            ck_assert_uint_eq(both(big + at, lengths[i]), by_bits(big + at, lengths[i]));
}
END_TEST

START_TEST(split_calls_give_the_whole)
{
    const uint32_t whole = by_bits(big, BIG);

    for (size_t at = 0; at <= BIG; at += 97) {
        ck_assert_uint_eq(kfk__crc32c(kfk__crc32c(0, big, at), big + at, BIG - at), whole);
        ck_assert_uint_eq(
            kfk__crc32c_portable(kfk__crc32c_portable(0, big, at), big + at, BIG - at), whole);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("crc32c");
    TCase *t = tcase_create("crc32c");
    SRunner *r = srunner_create(s);
    int failed;

    fill();
    tcase_set_timeout(t, 60);
    tcase_add_test(t, published_vectors);
    tcase_add_test(t, every_length_is_right);
    tcase_add_test(t, every_alignment_is_right);
    tcase_add_test(t, split_calls_give_the_whole);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
