/* Batches that the Java client wrote (tests/interop/java/BatchGolden.java), and that brokers had in
 * their logs (tests/kafka/golden), read by us: the listing must be the one that the Java client
 * gives of them (BatchRead.java). */
#include <check.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"
#include "unit/record/listing.h"

#define GOLDEN "tests/unit/record/golden/"

static const char *const names[] = {
    "none",        "gzip",        "snappy",      "lz4",           "zstd",
    "control",     "compacted",   "magic0-none", "magic0-gzip",   "magic0-snappy",
    "magic0-lz4",  "magic1-none", "magic1-gzip", "magic1-snappy", "magic1-lz4",
    "magic1-append", "transactions"};

static uint8_t *golden(const char *name, const char *ending, size_t *n)
{
    char path[256];
    uint8_t *data;

    snprintf(path, sizeof path, GOLDEN "%s.%s", name, ending);
    data = read_whole_file(path, n);
    ck_assert_msg(data != NULL, "cannot read %s", path);
    return data;
}

START_TEST(java_batches_are_read)
{
    size_t n, want_n, got_n;
    uint8_t *batches = golden(names[_i], "bin", &n), *want = golden(names[_i], "txt", &want_n);
    char *got;
    FILE *f = open_memstream(&got, &got_n);

    ck_assert_ptr_null(list_file(f, batches, n));
    fclose(f);
    for (size_t at = 0; at < want_n && at < got_n; at++)
        ck_assert_msg(want[at] == (uint8_t)got[at], "from byte %zu: %.80s", at, got + at);
    ck_assert_uint_eq(got_n, want_n);
    ck_assert_uint_gt(want_n, 100);
    free(got);
    free(want);
    free(batches);
}
END_TEST

/* Makes the crc right again. */
static void reseal(uint8_t *p, const kfk__batch_header *h, size_t size)
{
    struct iovec body = {p + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER};

    if (h->magic < 2)
        kfk__put_be32(p + 12, (uint32_t)crc32(0, p + 16, (uInt)size - 16));
    else
        kfk__batch_seal(p, &body, 1);
}

/* Every byte of every batch changed, with the crc made right again: whatever comes of it, nothing
 * is read outside of the batch, and what was not touched is not taken for more than it is. */
START_TEST(changed_batches_do_no_harm)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    FILE *nowhere = fopen("/dev/null", "w");
    size_t n, step;
    uint8_t *batches = golden(names[_i], "bin", &n);

    step = n / 600 + 1;
    for (size_t at = 0; at < n; at += at < 300 ? 1 : step)
        for (size_t m = 0; m < sizeof masks; m++) {
            uint8_t *copy = malloc(n);
            kfk__batch_header h;
            const char *why;
            size_t size;

            ck_assert_ptr_nonnull(copy);
            memcpy(copy, batches, n);
            copy[at] ^= masks[m];
            for (size_t p = 0; p < n; p += size) {
                if (kfk__message_header_read(copy + p, n - p, &h, &size, &why) != KFK_OK)
                    break;
                reseal(copy + p, &h, size);
            }
            (void)list_file(nowhere, copy, n);
            free(copy);
        }
    fclose(nowhere);
    free(batches);
}
END_TEST

START_TEST(cut_batches_are_partial)
{
    FILE *nowhere = fopen("/dev/null", "w");
    size_t n, first;
    uint8_t *batches = golden(names[_i], "bin", &n);
    kfk__batch_header h;
    const char *why;

    ck_assert_int_eq(kfk__message_header_read(batches, n, &h, &first, &why), KFK_OK);
    for (size_t cut = 1; cut < first; cut++) {
        uint8_t *copy = malloc(cut);

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, batches, cut);
        ck_assert_str_eq(list_file(nowhere, copy, cut), "a partial batch");
        free(copy);
    }
    fclose(nowhere);
    free(batches);
}
END_TEST

int main(void)
{
    const int n = sizeof names / sizeof *names;
    Suite *s = suite_create("golden");
    TCase *t = tcase_create("golden");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, java_batches_are_read, 0, n);
    tcase_add_loop_test(t, changed_batches_do_no_harm, 0, n);
    tcase_add_loop_test(t, cut_batches_are_partial, 0, n);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
