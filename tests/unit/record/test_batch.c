/* The batch header: its bytes, its checksum, and headers that cannot be. Batches that the Java
 * client made are in test_golden.c. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "record/batch.h"

enum { CORRUPT_MESSAGE = 2 };

static const kfk__batch_header header = {
    .base_offset = 0x0102030405060708,
    .length = 49 + 14,
    .leader_epoch = 0x11121314,
    .magic = 2,
    .crc = 0xa1a2a3a4,
    .attributes = 0x0010,
    .last_offset_delta = 1,
    .base_timestamp = 0x2122232425262728,
    .max_timestamp = 0x3132333435363738,
    .producer_id = 0x4142434445464748,
    .producer_epoch = 0x5152,
    .base_sequence = 0x61626364,
    .count = 2,
};

static const uint8_t header_bytes[KFK__BATCH_HEADER] = {
    1,    2,    3,    4,    5,    6,    7,    8,    0,    0,    0,    63,   0x11, 0x12, 0x13, 0x14,
    2,    0xa1, 0xa2, 0xa3, 0xa4, 0,    0x10, 0,    0,    0,    1,    0x21, 0x22, 0x23, 0x24, 0x25,
    0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x41, 0x42, 0x43, 0x44, 0x45,
    0x46, 0x47, 0x48, 0x51, 0x52, 0x61, 0x62, 0x63, 0x64, 0,    0,    0,    2};

static uint8_t batch[KFK__BATCH_HEADER + 14];

static void setup(void)
{
    memset(batch, 0, sizeof batch);
    kfk__batch_header_write(batch, &header);
}

static kfk_err read_batch(kfk__batch_header *h)
{
    const char *why = NULL;
    size_t size;
    kfk_err err = kfk__batch_header_read(batch, sizeof batch, h, &size, &why);

    ck_assert(err == KFK_OK || why);
    return err;
}

START_TEST(every_field_has_its_place)
{
    kfk__batch_header h;
    const char *why;
    size_t size = 0;

    ck_assert_mem_eq(batch, header_bytes, sizeof header_bytes);
    ck_assert_int_eq(kfk__batch_header_read(batch, sizeof batch, &h, &size, &why), KFK_OK);
    ck_assert_uint_eq(size, sizeof batch);
    ck_assert_int_eq(h.base_offset, header.base_offset);
    ck_assert_int_eq(h.length, header.length);
    ck_assert_int_eq(h.leader_epoch, header.leader_epoch);
    ck_assert_int_eq(h.magic, header.magic);
    ck_assert_uint_eq(h.crc, header.crc);
    ck_assert_int_eq(h.attributes, header.attributes);
    ck_assert_int_eq(h.last_offset_delta, header.last_offset_delta);
    ck_assert_int_eq(h.base_timestamp, header.base_timestamp);
    ck_assert_int_eq(h.max_timestamp, header.max_timestamp);
    ck_assert_int_eq(h.producer_id, header.producer_id);
    ck_assert_int_eq(h.producer_epoch, header.producer_epoch);
    ck_assert_int_eq(h.base_sequence, header.base_sequence);
    ck_assert_int_eq(h.count, header.count);
}
END_TEST

START_TEST(set_producer_changes_nothing_else)
{
    uint8_t was[sizeof batch];

    memcpy(was, batch, sizeof batch);
    kfk__batch_set_producer(batch, -1, -1, -1);
    ck_assert_mem_eq(batch, was, 43);
    ck_assert_mem_eq(batch + 43, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 14);
    ck_assert_mem_eq(batch + 57, was + 57, sizeof batch - 57);
    kfk__batch_set_producer(batch, header.producer_id, header.producer_epoch, header.base_sequence);
    ck_assert_mem_eq(batch, was, sizeof batch);
}
END_TEST

START_TEST(seal_covers_all_behind_the_crc)
{
    struct iovec whole = {batch + KFK__BATCH_HEADER, 14};
    struct iovec pieces[3] = {
        {batch + KFK__BATCH_HEADER, 5}, {NULL, 0}, {batch + KFK__BATCH_HEADER + 5, 9}};
    uint8_t crc[4];

    kfk__batch_seal(batch, &whole, 1);
    ck_assert(kfk__batch_crc_ok(batch, sizeof batch));
    memcpy(crc, batch + 17, 4);
    memset(batch + 17, 0, 4);
    kfk__batch_seal(batch, pieces, 3);
    ck_assert_mem_eq(batch + 17, crc, 4);
    for (size_t i = 0; i < sizeof batch; i++) {
        batch[i] ^= 0x20;
        ck_assert_int_eq(kfk__batch_crc_ok(batch, sizeof batch), i < 17);
        batch[i] ^= 0x20;
    }
}
END_TEST

START_TEST(a_partial_batch_is_told_from_a_bad_one)
{
    kfk__batch_header h;
    const char *why;
    size_t size;

    for (size_t n = 0; n < sizeof batch; n++) {
        uint8_t *copy = malloc(n ? n : 1);

        memcpy(copy, batch, n);
        ck_assert_int_eq(kfk__batch_header_read(copy, n, &h, &size, &why), KFK_ERR_WOULD_BLOCK);
        ck_assert_uint_eq(size, n < 17 ? 0 : sizeof batch);
        free(copy);
    }
}
END_TEST

static const struct {
    size_t at;
    size_t n;
    uint8_t bytes[8];
    kfk_err err;
} bad_fields[] = {
    {0, 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, CORRUPT_MESSAGE}, /* base offset */
    {0, 8, {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, CORRUPT_MESSAGE}, /* + 1 overflows */
    {0, 8, {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}, CORRUPT_MESSAGE}, /* nothing follows */
    {8, 4, {0xff, 0xff, 0xff, 0xff}, CORRUPT_MESSAGE},                         /* length */
    {8, 4, {0, 0, 0, 0}, CORRUPT_MESSAGE},
    {8, 4, {0, 0, 0, 48}, CORRUPT_MESSAGE},
    {16, 1, {0}, KFK_ERR_UNSUPPORTED}, /* magic */
    {16, 1, {1}, KFK_ERR_UNSUPPORTED},
    {16, 1, {3}, CORRUPT_MESSAGE},
    {16, 1, {0xff}, CORRUPT_MESSAGE},
    {22, 1, {5}, KFK_ERR_UNSUPPORTED},                  /* codec */
    {23, 4, {0xff, 0xff, 0xff, 0xff}, CORRUPT_MESSAGE}, /* last offset delta */
    {23, 4, {0, 0, 0, 0}, CORRUPT_MESSAGE},             /* less than the count */
    {57, 4, {0xff, 0xff, 0xff, 0xff}, CORRUPT_MESSAGE}, /* count */
    {57, 4, {0x7f, 0xff, 0xff, 0xff}, CORRUPT_MESSAGE},
    {57, 4, {0, 0, 0, 3}, CORRUPT_MESSAGE},
};

START_TEST(what_cannot_be_is_refused)
{
    kfk__batch_header h;

    memcpy(batch + bad_fields[_i].at, bad_fields[_i].bytes, bad_fields[_i].n);
    ck_assert_int_eq(read_batch(&h), bad_fields[_i].err);
}
END_TEST

/* 15 bytes of body hold two records at most, however many offsets the batch spans. */
START_TEST(a_count_is_held_against_the_bytes)
{
    kfk__batch_header h = header;

    h.last_offset_delta = INT32_MAX;
    h.base_offset = 0;
    h.count = 3;
    kfk__batch_header_write(batch, &h);
    ck_assert_int_eq(read_batch(&h), CORRUPT_MESSAGE);
    h = header;
    h.count = 3;
    h.last_offset_delta = 2;
    h.attributes = 1;
    kfk__batch_header_write(batch, &h);
    ck_assert_int_eq(read_batch(&h), KFK_OK);
}
END_TEST

START_TEST(a_compacted_batch_may_be_empty)
{
    kfk__batch_header h = header;

    h.length = 49;
    h.count = 0;
    h.last_offset_delta = 99;
    kfk__batch_header_write(batch, &h);
    ck_assert_int_eq(read_batch(&h), KFK_OK);
    ck_assert_int_eq(h.count, 0);
    ck_assert_int_eq(h.last_offset_delta, 99);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("batch");
    TCase *t = tcase_create("batch");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, every_field_has_its_place);
    tcase_add_test(t, set_producer_changes_nothing_else);
    tcase_add_test(t, seal_covers_all_behind_the_crc);
    tcase_add_test(t, a_partial_batch_is_told_from_a_bad_one);
    tcase_add_loop_test(t, what_cannot_be_is_refused, 0, sizeof bad_fields / sizeof *bad_fields);
    tcase_add_test(t, a_count_is_held_against_the_bytes);
    tcase_add_test(t, a_compacted_batch_may_be_empty);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
