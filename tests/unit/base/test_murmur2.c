/* The hash, and the partition that it means, against what Java made of the same keys. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/murmur2.h"

/* KEY|HASH|PARTITION OF COUNTS[0]|...; tests/interop/README.md */
#define KEYS_FILE "tests/interop/keys.txt"

enum { LINE = 4096, COUNTS = 8 };

static int32_t counts[COUNTS];

static size_t from_hex(const char *hex, unsigned char *out)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};

        out[i] = (unsigned char)strtol(digits, NULL, 16);
    }
    return n;
}

/* "# key|murmur2|partition of 1|2|..." */
static void read_counts(char *line)
{
    char *counted = strrchr(line, ' ');

    ck_assert_ptr_nonnull(counted);
    for (int i = 0; i < COUNTS; i++)
        counts[i] = (int32_t)strtol(strsep(&counted, "|"), NULL, 10);
}

static void check_key(char *line)
{
    unsigned char key[LINE];
    size_t n = from_hex(strsep(&line, "|"), key);
    int32_t hash = kfk__murmur2(key, n);

    ck_assert_int_eq(hash, strtol(strsep(&line, "|"), NULL, 10));
    for (int i = 0; i < COUNTS; i++)
        ck_assert_int_eq((hash & INT32_MAX) % counts[i], strtol(strsep(&line, "|"), NULL, 10));
    ck_assert_ptr_null(line);
}

START_TEST(check_04_keys_of_java)
{
    FILE *f = fopen(KEYS_FILE, "r");
    char line[LINE];
    int n = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    read_counts(line);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        check_key(line);
        n++;
    }
    fclose(f);
    ck_assert_int_gt(n, 150);
}
END_TEST

/* The key's address must not matter: words are read byte by byte. */
START_TEST(any_alignment)
{
    static const char key[] = "a-key-of-some-length";
    char shifted[sizeof key + 8];
    int32_t hash = kfk__murmur2(key, sizeof key);

    for (size_t i = 0; i < 8; i++) {
        memcpy(shifted + i, key, sizeof key);
        ck_assert_int_eq(kfk__murmur2(shifted + i, sizeof key), hash);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/murmur2");
    TCase *tc = tcase_create("murmur2");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_test(tc, check_04_keys_of_java);
    tcase_add_test(tc, any_alignment);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
