/* LZ4 frames, byte by byte. */
#include "codec_test.h"

static rig r;

static void setup(void)
{
    rig_init(&r);
}

static void teardown(void)
{
    rig_fini(&r);
}

/* Independent blocks of 64 KiB, no sizes or sums: the header that Java writes. */
static const uint8_t plain[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0x05, 0x00, 0x00,
                                0x80, 'h',  'e',  'l',  'l',  'o',  0x00, 0x00, 0x00, 0x00};

/* With the content's size, and sums over each block and over all. */
static const uint8_t summed[] = {0x04, 0x22, 0x4d, 0x18, 0x7c, 0x70, 0x05, 0x00, 0x00, 0x00, 0x00,
                                 0x00, 0x00, 0x00, 0x5b, 0x03, 0x00, 0x00, 0x80, 'h',  'e',  'l',
                                 0x0b, 0x61, 0x4e, 0x6a, 0x02, 0x00, 0x00, 0x80, 'l',  'o',  0x76,
                                 0x4a, 0x71, 0xac, 0x00, 0x00, 0x00, 0x00, 0xf9, 0x77, 0x00, 0xfb};

START_TEST(made_by_others)
{
    check_inflates_to(&r, KFK__CODEC_LZ4, plain, sizeof plain, "hello", 5);
    check_inflates_to(&r, KFK__CODEC_LZ4, summed, sizeof summed, "hello", 5);
}
END_TEST

START_TEST(several_frames)
{
    uint8_t two[sizeof plain + sizeof summed];

    memcpy(two, plain, sizeof plain);
    memcpy(two + sizeof plain, summed, sizeof summed);
    check_inflates_to(&r, KFK__CODEC_LZ4, two, sizeof two, "hellohello", 10);
    for (size_t n = sizeof plain + 1; n < sizeof two; n++)
        check_fails(&r, KFK__CODEC_LZ4, two, n);
}
END_TEST

/* The size, the sums and the header's own are held against the content; so is a changed letter. */
START_TEST(every_byte_of_a_summed_frame_counts)
{
    uint8_t bad[sizeof summed];

    for (size_t at = 0; at < sizeof summed; at++) {
        memcpy(bad, summed, sizeof bad);
        bad[at] ^= 4;
        check_fails(&r, KFK__CODEC_LZ4, bad, sizeof bad);
    }
}
END_TEST

/* Java refuses frames whose blocks depend on each other, sizes are not known beforehand, and its
 * default level, 9, is the fast compressor: the same bytes as LZ4F's own default. */
START_TEST(the_header_we_write)
{
    static char zeros[70000];
    struct iovec in[] = {{zeros, 1}, {zeros, sizeof zeros - 1}};
    kfk__buf fast, high;

    kfk__buf_init(&fast, &counting);
    kfk__buf_init(&high, &counting);
    for (size_t i = 0; i < sizeof zeros; i++)
        zeros[i] = (char)(i * i >> 7);
    ck_assert_int_eq(kfk__compress(r.c, KFK__CODEC_LZ4, 9, in, 2, &fast), KFK_OK);
    ck_assert_int_eq(kfk__compress(r.c, KFK__CODEC_LZ4, 10, in, 2, &high), KFK_OK);
    ck_assert_mem_eq(fast.data, plain, 7);
    ck_assert_mem_eq(high.data, plain, 7);
    ck_assert_mem_eq(fast.data + fast.len - 4, "\0\0\0", 4);
    ck_assert_uint_lt(high.len, fast.len);
    kfk__buf_fini(&fast);
    kfk__buf_fini(&high);
}
END_TEST

/* A block may not be larger than its frame says blocks are. */
START_TEST(a_block_too_large)
{
    static uint8_t bad[7 + 4 + 65537 + 4];

    memcpy(bad, plain, 7);
    memcpy(bad + 7, "\x01\x00\x01\x80", 4);
    check_fails(&r, KFK__CODEC_LZ4, bad, sizeof bad);
}
END_TEST

/* ---- of before Kafka 0.10 ---- */

static kfk_err inflate_old(const uint8_t *in, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    kfk_err err;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, in, n);
    kfk__buf_clear(&r.out);
    err = kfk__decompress_old(r.c, KFK__CODEC_LZ4, copy, n, &r.out, &r.why);
    free(copy);
    return err;
}

static void check_old(const uint8_t *in, size_t n)
{
    ck_assert_int_eq(inflate_old(in, n), KFK_OK);
    ck_assert_uint_eq(r.out.len, 5);
    ck_assert_mem_eq(r.out.data, "hello", 5);
}

/* KAFKA-3160: the checksum covered the frame's magic, too, and comes out as 0x1a for |plain|. */
START_TEST(the_checksum_of_an_old_header_may_be_anything)
{
    static const size_t at[] = {6, 14};
    uint8_t bad[sizeof summed];

    for (int sum = 0; sum < 256; sum++) {
        memcpy(bad, plain, sizeof plain);
        bad[at[0]] = (uint8_t)sum;
        check_old(bad, sizeof plain);
        if (bad[at[0]] != plain[at[0]])
            check_fails(&r, KFK__CODEC_LZ4, bad, sizeof plain);
        memcpy(bad, summed, sizeof summed);
        bad[at[1]] = (uint8_t)sum;
        check_old(bad, sizeof summed);
    }
}
END_TEST

START_TEST(the_rest_of_an_old_frame_counts)
{
    uint8_t bad[sizeof summed];

    for (size_t n = 0; n < sizeof summed; n++)
        ck_assert_int_eq(inflate_old(summed, n), KFK_ERR_DECOMPRESS);
    for (size_t at = 0; at < sizeof summed; at++) {
        memcpy(bad, summed, sizeof bad);
        bad[at] ^= 4;
        if (at < 4 || at > 14) /* the magic, and what the header does not have */
            ck_assert_int_eq(inflate_old(bad, sizeof bad), KFK_ERR_DECOMPRESS);
        else
            (void)inflate_old(bad, sizeof bad);
    }
    r.out.limit = 4;
    ck_assert_int_eq(inflate_old(plain, sizeof plain), KFK_ERR_DECOMPRESS);
    ck_assert_uint_eq(r.out.len, 0);
}
END_TEST

/* Only lz4 has old frames. */
START_TEST(other_codecs_are_as_ever)
{
    struct iovec in = {(void *)"hello", 5};

    for (int codec = KFK__CODEC_NONE; codec <= KFK__CODEC_ZSTD; codec++) {
        kfk__buf packed;

        kfk__buf_init(&packed, &counting);
        kfk__buf_clear(&r.out);
        ck_assert_int_eq(kfk__compress(r.c, (kfk__codec)codec, 1, &in, 1, &packed), KFK_OK);
        ck_assert_int_eq(kfk__decompress_old(r.c, (kfk__codec)codec, packed.data, packed.len,
                                             &r.out, &r.why),
                         KFK_OK);
        ck_assert_uint_eq(r.out.len, 5);
        ck_assert_mem_eq(r.out.data, "hello", 5);
        kfk__buf_fini(&packed);
    }
    ck_assert_int_eq(kfk__decompress_old(r.c, (kfk__codec)7, "", 0, &r.out, &r.why),
                     KFK_ERR_DECOMPRESS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lz4");
    TCase *t = tcase_create("lz4");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, made_by_others);
    tcase_add_test(t, several_frames);
    tcase_add_test(t, every_byte_of_a_summed_frame_counts);
    tcase_add_test(t, the_header_we_write);
    tcase_add_test(t, a_block_too_large);
    tcase_add_test(t, the_checksum_of_an_old_header_may_be_anything);
    tcase_add_test(t, the_rest_of_an_old_frame_counts);
    tcase_add_test(t, other_codecs_are_as_ever);
    return run_suite(s, t);
}
