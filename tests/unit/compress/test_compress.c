/* What holds for every codec: there and back, the cap, truncation, corruption, lack of memory. That
 * others can read what we write is checked by tests/interop/batch_check.sh, and that we read what
 * others write by the golden batches and by the tests of each codec. */
#include "codec_test.h"

enum { FIRST = KFK__CODEC_GZIP, END = KFK__CODEC_ZSTD + 1, SOME = 3000, BIG = 300000 };

static uint8_t text[BIG];
static rig r;
static kfk__buf packed;

/* Like records: compressible, but not all the same. */
static void fill_text(void)
{
    uint32_t x = 7;

    for (size_t i = 0; i < BIG; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = i % 50 < 40 ? (uint8_t)('a' + i % 40) : (uint8_t)(x >> 24);
    }
}

static void setup(void)
{
    rig_init(&r);
    kfk__buf_init(&packed, &counting);
}

static void teardown(void)
{
    kfk__buf_fini(&packed);
    rig_fini(&r);
}

static int default_level(int codec)
{
    return codec == KFK__CODEC_GZIP ? -1 : codec == KFK__CODEC_LZ4 ? 9 : 3;
}

/* The first |n| bytes of the text, in pieces of |piece|, into |packed|. */
static void pack(int codec, int level, size_t n, size_t piece)
{
    struct iovec *in = calloc(n / piece + 2, sizeof *in);
    int pieces = 0;

    ck_assert_ptr_nonnull(in);
    for (size_t at = 0; at < n; at += piece)
        in[pieces++] = (struct iovec){text + at, n - at < piece ? n - at : piece};
    kfk__buf_clear(&packed);
    ck_assert_int_eq(kfk__compress(r.c, (kfk__codec)codec, level, in, pieces, &packed), KFK_OK);
    free(in);
}

static void pack_some(int codec)
{
    pack(codec, default_level(codec), SOME, SOME);
}

/* Blocks that libsnappy spoils are stored (compress/snappy.c). */
static bool may_grow(int codec)
{
    return codec == KFK__CODEC_SNAPPY && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

START_TEST(there_and_back)
{
    static const size_t sizes[] = {0, 1, 13, 32767, 32768, 32769, 65536, 65537, 131072, BIG};
    static const size_t pieces[] = {1000, 32768, 50000, BIG};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
            pack(_i, default_level(_i), sizes[i], pieces[j]);
            check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, text, sizes[i]);
            ck_assert(sizes[i] < 1000 || packed.len < sizes[i] || may_grow(_i));
        }
}
END_TEST

START_TEST(every_level)
{
    static const int least[] = {[1] = 1, [2] = 0, [3] = 1, [4] = -7};
    static const int most[] = {[1] = 9, [2] = 0, [3] = 17, [4] = 22};

    for (int level = least[_i]; level <= most[_i]; level++) {
        pack(_i, level, 40000, 10000);
        check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, text, 40000);
    }
}
END_TEST

START_TEST(it_appends)
{
    pack_some(_i);
    kfk__buf_put(&r.out, "head", 4);
    ck_assert_int_eq(kfk__decompress(r.c, (kfk__codec)_i, packed.data, packed.len, &r.out, &r.why),
                     KFK_OK);
    ck_assert_uint_eq(r.out.len, 4 + SOME);
    ck_assert_mem_eq(r.out.data, "head", 4);
    ck_assert_mem_eq(r.out.data + 4, text, SOME);
}
END_TEST

START_TEST(the_limit_is_exact)
{
    pack(_i, default_level(_i), 100000, 100000);
    r.out.limit = 100000;
    check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, text, 100000);
    r.out.limit = 99999;
    check_fails(&r, (kfk__codec)_i, packed.data, packed.len);
    ck_assert_str_eq(r.why, "inflates past max.decompressed.batch.bytes");
    r.out.limit = 0;
    check_fails(&r, (kfk__codec)_i, packed.data, packed.len);
    pack(_i, default_level(_i), 0, 1);
    check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, "", 0);
}
END_TEST

/* A snappy stream has no end of its own, and may be cut between two blocks: here behind the
 * header. */
START_TEST(truncated_at_every_byte)
{
    pack_some(_i);
    for (size_t n = 0; n < packed.len; n++)
        if (_i == KFK__CODEC_SNAPPY && n == 16)
            check_inflates_to(&r, (kfk__codec)_i, packed.data, n, "", 0);
        else
            check_fails(&r, (kfk__codec)_i, packed.data, n);
}
END_TEST

START_TEST(followed_by_something_else)
{
    static const char *const tails[] = {"x", "\x1f", "\x1f\x8b\x08", "garbage, and enough of it"};

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        pack_some(_i);
        kfk__buf_put(&packed, tails[i], strlen(tails[i]));
        check_fails(&r, (kfk__codec)_i, packed.data, packed.len);
    }
}
END_TEST

START_TEST(every_byte_changed)
{
    static const uint8_t masks[] = {0x01, 0x10, 0x80, 0xff};

    pack_some(_i);
    r.out.limit = 1 << 20;
    for (size_t at = 0; at < packed.len; at++)
        for (size_t m = 0; m < sizeof masks; m++) {
            kfk_err err;

            packed.data[at] ^= masks[m];
            err = inflate_copy(&r, (kfk__codec)_i, packed.data, packed.len);
            ck_assert(err == KFK_OK || err == KFK_ERR_DECOMPRESS);
            packed.data[at] ^= masks[m];
        }
    /* What has failed leaves nothing behind. */
    check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, text, SOME);
}
END_TEST

enum { MIB = 1 << 20, BOMB_PIECES = 1024 };

/* 1 GiB of zeros against a cap of 1 MiB. */
START_TEST(a_bomb_does_not_go_off)
{
    static uint8_t zeros[MIB];
    static struct iovec in[BOMB_PIECES];
    kfk__compressor *packer = kfk__compressor_new(&kfk__malloc_allocator);
    kfk__buf bomb;

    for (int i = 0; i < BOMB_PIECES; i++)
        in[i] = (struct iovec){zeros, MIB};
    kfk__buf_init(&bomb, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__compress(packer, (kfk__codec)_i, 1, in, BOMB_PIECES, &bomb), KFK_OK);
    r.out.limit = MIB;
    for (int again = 0; again < 3; again++) {
        check_fails(&r, (kfk__codec)_i, bomb.data, bomb.len);
        ck_assert_str_eq(r.why, "inflates past max.decompressed.batch.bytes");
    }
    ck_assert_uint_le(counted.peak, 3 * MIB);
    kfk__buf_fini(&bomb);
    kfk__compressor_free(packer);
}
END_TEST

START_TEST(no_memory_at_any_point)
{
    struct iovec in = {text, 100000};
    kfk_err err = KFK_ERR_NOMEM;

    for (long fail_at = 1; err == KFK_ERR_NOMEM; fail_at++) {
        teardown();
        setup();
        counted.fail_at = counted.calls + fail_at;
        err = kfk__compress(r.c, (kfk__codec)_i, default_level(_i), &in, 1, &packed);
        ck_assert(err == KFK_OK || packed.len == 0);
        if (err == KFK_OK)
            err = kfk__decompress(r.c, (kfk__codec)_i, packed.data, packed.len, &r.out, &r.why);
        ck_assert(err == KFK_OK || err == KFK_ERR_NOMEM);
        ck_assert_int_lt(fail_at, 1000);
    }
    ck_assert_uint_eq(r.out.len, 100000);
}
END_TEST

START_TEST(contexts_are_kept)
{
    long calls;

    pack_some(_i);
    check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, text, SOME);
    calls = counted.calls;
    for (int i = 0; i < 10; i++) {
        struct iovec in = {text, SOME};

        kfk__buf_clear(&packed);
        ck_assert_int_eq(kfk__compress(r.c, (kfk__codec)_i, default_level(_i), &in, 1, &packed),
                         KFK_OK);
        check_inflates_to(&r, (kfk__codec)_i, packed.data, packed.len, text, SOME);
    }
    ck_assert_int_eq(counted.calls, calls);
}
END_TEST

START_TEST(random_bytes)
{
    r.out.limit = MIB;
    for (size_t at = 0; at + 64 < 20000; at += 7)
        (void)inflate_copy(&r, (kfk__codec)_i, text + at, at % 64);
}
END_TEST

START_TEST(none_is_a_copy)
{
    struct iovec in[] = {{text, 10}, {text + 10, 90}};

    ck_assert_int_eq(kfk__compress(r.c, KFK__CODEC_NONE, 0, in, 2, &packed), KFK_OK);
    check_inflates_to(&r, KFK__CODEC_NONE, packed.data, packed.len, text, 100);
    r.out.limit = 99;
    check_fails(&r, KFK__CODEC_NONE, packed.data, packed.len);
}
END_TEST

START_TEST(codecs_have_names)
{
    static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};

    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(kfk__codec_name((kfk__codec)i), names[i]);
        ck_assert_int_eq(kfk__codec_by_name(names[i]), i);
    }
    for (int i = 5; i < 8; i++) {
        ck_assert_ptr_null(kfk__codec_name((kfk__codec)i));
        check_fails(&r, (kfk__codec)i, text, 10);
        ck_assert_int_eq(kfk__compress(r.c, (kfk__codec)i, 0, NULL, 0, &packed), KFK_ERR_INTERNAL);
    }
    ck_assert_int_eq(kfk__codec_by_name("GZIP"), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compress");
    TCase *t = tcase_create("compress");

    fill_text();
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, there_and_back, FIRST, END);
    tcase_add_loop_test(t, every_level, FIRST, END);
    tcase_add_loop_test(t, it_appends, FIRST, END);
    tcase_add_loop_test(t, the_limit_is_exact, FIRST, END);
    tcase_add_loop_test(t, truncated_at_every_byte, FIRST, END);
    tcase_add_loop_test(t, followed_by_something_else, FIRST, END);
    tcase_add_loop_test(t, every_byte_changed, FIRST, END);
    tcase_add_loop_test(t, a_bomb_does_not_go_off, FIRST, END);
    tcase_add_loop_test(t, no_memory_at_any_point, FIRST, END);
    tcase_add_loop_test(t, contexts_are_kept, FIRST, END);
    tcase_add_loop_test(t, random_bytes, FIRST, END);
    tcase_add_test(t, none_is_a_copy);
    tcase_add_test(t, codecs_have_names);
    return run_suite(s, t);
}
