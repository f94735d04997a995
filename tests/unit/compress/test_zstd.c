/* zstd frames by hand, after RFC 8878, honest and otherwise. */
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

#define MAGIC "\x28\xb5\x2f\xfd"
#define SKIPPABLE "\x50\x2a\x4d\x18\x03\0\0\0abc"
/* One segment of 5 bytes; a last block, raw, of 5 bytes. */
#define HELLO MAGIC "\x20\x05\x29\0\0hello"
/* The same without its size: a window of 1 KiB instead. */
#define STREAMED MAGIC "\0\0\x29\0\0hello"
/* A last block that repeats a byte 1000 times (1000 << 3 | RLE << 1 | last). */
#define REPEATED MAGIC "\0\0\x43\x1f\0x"

#define WITHOUT_NUL(literal) literal, sizeof literal - 1

START_TEST(all_the_forms_there_are)
{
    char repeated[1000];

    memset(repeated, 'x', sizeof repeated);
    check_inflates_to(&r, KFK__CODEC_ZSTD, WITHOUT_NUL(HELLO), "hello", 5);
    check_inflates_to(&r, KFK__CODEC_ZSTD, WITHOUT_NUL(STREAMED), "hello", 5);
    check_inflates_to(&r, KFK__CODEC_ZSTD, WITHOUT_NUL(HELLO STREAMED), "hellohello", 10);
    check_inflates_to(&r, KFK__CODEC_ZSTD, WITHOUT_NUL(SKIPPABLE HELLO SKIPPABLE), "hello", 5);
    check_inflates_to(&r, KFK__CODEC_ZSTD, WITHOUT_NUL(REPEATED), repeated, sizeof repeated);
}
END_TEST

static const struct {
    const char *bytes;
    size_t n;
} lies[] = {
    {WITHOUT_NUL("")},
    {WITHOUT_NUL(MAGIC)},
    {WITHOUT_NUL(MAGIC "\x20\x06\x29\0\0hello")},               /* a byte more than there is */
    {WITHOUT_NUL(MAGIC "\x20\x04\x29\0\0hello")},               /* a byte less */
    {WITHOUT_NUL(MAGIC "\xa0\xff\xff\xff\x7f\x29\0\0hello")},   /* 2 GiB in one segment */
    {WITHOUT_NUL(MAGIC "\xe0\0\0\0\0\0\0\0\x10\x29\0\0hello")}, /* 2^60 */
    {WITHOUT_NUL(MAGIC "\0\xff\x29\0\0hell")},                  /* a huge window */
    {WITHOUT_NUL(MAGIC "\x20\x05\x28\0\0hello")},               /* no last block */
    {WITHOUT_NUL(MAGIC "\x20\x05\x2f\0\0hello")},               /* a reserved block type */
    {WITHOUT_NUL(MAGIC "\x21\x01\x05\x29\0\0hello")},           /* a dictionary */
    {WITHOUT_NUL(HELLO "\x28\xb5")},
    {WITHOUT_NUL(HELLO MAGIC)},
};

START_TEST(lies_are_seen_through)
{
    /* zstd's own context is not of the input's making. */
    check_inflates_to(&r, KFK__CODEC_ZSTD, WITHOUT_NUL(HELLO), "hello", 5);
    counted.peak = counted.now;
    check_fails(&r, KFK__CODEC_ZSTD, lies[_i].bytes, lies[_i].n);
    ck_assert_uint_le(counted.peak - counted.now, 1 << 20);
}
END_TEST

/* A block of four bytes may stand for 128 KiB, but only one of the window's size. */
START_TEST(many_small_blocks)
{
    enum { BLOCKS = 1000 };
    static uint8_t in[6 + 4 * BLOCKS] = MAGIC "\0\x38"; /* a window of 128 KiB */
    uint8_t *p = in + 6;

    for (int i = 0; i < BLOCKS; i++, p += 4)
        memcpy(p, i < BLOCKS - 1 ? "\x02\0\x10\0" : "\x03\0\x10\0", 4);
    r.out.limit = 1 << 20;
    check_fails(&r, KFK__CODEC_ZSTD, in, sizeof in);
    ck_assert_str_eq(r.why, "inflates past max.decompressed.batch.bytes");
    r.out.limit = SIZE_MAX;
    ck_assert_int_eq(inflate_copy(&r, KFK__CODEC_ZSTD, in, sizeof in), KFK_OK);
    ck_assert_uint_eq(r.out.len, BLOCKS * (size_t)131072);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("zstd");
    TCase *t = tcase_create("zstd");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, all_the_forms_there_are);
    tcase_add_loop_test(t, lies_are_seen_through, 0, sizeof lies / sizeof *lies);
    tcase_add_test(t, many_small_blocks);
    return run_suite(s, t);
}
