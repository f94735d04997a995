/* gzip streams that other programs made, and such as nobody should. */
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

static const uint8_t hello[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
                                0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00};

/* With an extra field "ab" and the file name "n". */
static const uint8_t named[] = {0x1f, 0x8b, 0x08, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x02,
                                0x00, 0x61, 0x62, 0x6e, 0x00, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07,
                                0x00, 0x86, 0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00};

START_TEST(made_by_others)
{
    check_inflates_to(&r, KFK__CODEC_GZIP, hello, sizeof hello, "hello", 5);
    check_inflates_to(&r, KFK__CODEC_GZIP, named, sizeof named, "hello", 5);
}
END_TEST

START_TEST(several_members)
{
    uint8_t two[sizeof hello + sizeof named];

    memcpy(two, hello, sizeof hello);
    memcpy(two + sizeof hello, named, sizeof named);
    check_inflates_to(&r, KFK__CODEC_GZIP, two, sizeof two, "hellohello", 10);
    for (size_t n = sizeof hello + 1; n < sizeof two; n++)
        check_fails(&r, KFK__CODEC_GZIP, two, n);
    r.out.limit = 9;
    check_fails(&r, KFK__CODEC_GZIP, two, sizeof two);
}
END_TEST

START_TEST(a_wrong_trailer)
{
    uint8_t bad[sizeof hello];

    for (size_t at = sizeof hello - 8; at < sizeof hello; at++) {
        memcpy(bad, hello, sizeof bad);
        bad[at] ^= 1;
        check_fails(&r, KFK__CODEC_GZIP, bad, sizeof bad);
    }
}
END_TEST

/* zlib's own format is not gzip's. */
START_TEST(a_zlib_stream)
{
    static const uint8_t zlib[] = {0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
                                   0x07, 0x00, 0x06, 0x2c, 0x02, 0x15};

    check_fails(&r, KFK__CODEC_GZIP, zlib, sizeof zlib);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gzip");
    TCase *t = tcase_create("gzip");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, made_by_others);
    tcase_add_test(t, several_members);
    tcase_add_test(t, a_wrong_trailer);
    tcase_add_test(t, a_zlib_stream);
    return run_suite(s, t);
}
