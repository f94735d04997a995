/* snappy-java's framing, byte by byte, and what it must not claim. */
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

#define MAGIC "\x82SNAPPY\0"
#define HEADER MAGIC "\0\0\0\1\0\0\0\1"
/* The raw format: the length as a varint, a literal of five bytes. */
#define RAW_HELLO "\x05\x10hello"
#define HELLO "\0\0\0\7" RAW_HELLO

#define WITHOUT_NUL(literal) literal, sizeof literal - 1

START_TEST(the_framing_we_write)
{
    char hello[] = "hello";
    struct iovec in = {hello, 5};
    kfk__buf packed;

    kfk__buf_init(&packed, &counting);
    ck_assert_int_eq(kfk__compress(r.c, KFK__CODEC_SNAPPY, 0, &in, 1, &packed), KFK_OK);
    ck_assert_uint_eq(packed.len, sizeof HEADER HELLO - 1);
    ck_assert_mem_eq(packed.data, HEADER HELLO, packed.len);
    kfk__buf_fini(&packed);
}
END_TEST

/* 32 KiB of input a block, as Java has it. */
START_TEST(blocks_are_of_32_kib)
{
    static char zeros[32768 + 1];
    struct iovec in[] = {{zeros, 20000}, {zeros, sizeof zeros - 20000}};
    const uint8_t *p;
    kfk__buf packed;
    size_t len;

    kfk__buf_init(&packed, &counting);
    ck_assert_int_eq(kfk__compress(r.c, KFK__CODEC_SNAPPY, 0, in, 2, &packed), KFK_OK);
    p = packed.data + 16;
    len = (size_t)p[2] << 8 | p[3];
    ck_assert_mem_eq(p + 4, "\x80\x80\x02", 3);
    ck_assert_mem_eq(p + 4 + len, "\0\0\0\3\1\0\0", 7);
    ck_assert_uint_eq(packed.len, 16 + 4 + len + 7);
    kfk__buf_fini(&packed);
}
END_TEST

START_TEST(all_the_forms_there_are)
{
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL(HEADER HELLO), "hello", 5);
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL(HEADER HELLO HELLO), "hellohello", 10);
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL(HEADER HELLO HEADER HELLO), "hellohello",
                      10);
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL(HEADER), "", 0);
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL(RAW_HELLO), "hello", 5);
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL("\0"), "", 0);
    /* Later versions say which they are compatible with; Java does not look. */
    check_inflates_to(&r, KFK__CODEC_SNAPPY, WITHOUT_NUL(MAGIC "\0\0\0\2\0\0\0\1" HELLO), "hello",
                      5);
}
END_TEST

static const struct {
    const char *bytes;
    size_t n;
} lies[] = {
    {WITHOUT_NUL("")},
    {WITHOUT_NUL("\x06\x10hello")},                     /* raw: a byte more than there is */
    {WITHOUT_NUL("\x04\x10hello")},                     /* a byte less */
    {WITHOUT_NUL("\xff\xff\xff\xff\x0f\x10hello")},     /* raw: 4 GiB */
    {WITHOUT_NUL("\xff\xff\xff\xff\xff\x0f\x10hello")}, /* a length that does not end */
    {WITHOUT_NUL("\x05\x02hello")},                     /* a copy from in front of the start */
    {WITHOUT_NUL(MAGIC)},
    {WITHOUT_NUL(MAGIC "\0\0\0\0\0\0\0\1" HELLO)},         /* version 0 */
    {WITHOUT_NUL(MAGIC "\xff\xff\xff\xff\0\0\0\1" HELLO)}, /* version -1 */
    {WITHOUT_NUL(HEADER "\0\0\0\0")},                      /* an empty block */
    {WITHOUT_NUL(HEADER "\0\0\0\0" HELLO)},
    {WITHOUT_NUL(HEADER "\0\0\0\x08" RAW_HELLO)}, /* a block longer than what follows */
    {WITHOUT_NUL(HEADER "\x7f\xff\xff\xff" RAW_HELLO)},
    {WITHOUT_NUL(HEADER "\xff\xff\xff\xff" RAW_HELLO)},
    {WITHOUT_NUL(HEADER "\0\0\0\6" RAW_HELLO)}, /* shorter */
    {WITHOUT_NUL(HEADER "\0\0\0\x0b\xff\xff\xff\xff\x0f\x10hello")},
    {WITHOUT_NUL(HEADER HELLO "\0\0\0")},
    {WITHOUT_NUL(HEADER HELLO MAGIC)},
};

START_TEST(lies_are_seen_through)
{
    counted.peak = counted.now;
    check_fails(&r, KFK__CODEC_SNAPPY, lies[_i].bytes, lies[_i].n);
    ck_assert_uint_le(counted.peak, 1024);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("snappy");
    TCase *t = tcase_create("snappy");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_framing_we_write);
    tcase_add_test(t, blocks_are_of_32_kib);
    tcase_add_test(t, all_the_forms_there_are);
    tcase_add_loop_test(t, lies_are_seen_through, 0, sizeof lies / sizeof *lies);
    return run_suite(s, t);
}
