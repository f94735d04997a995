#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/property.h"
#include "config/value.h"

/* A value, or why there is none. */
static const struct {
    int id;
    const char *text, *value, *why;
} rows[] = {
    {KFK__P_BATCH_SIZE, " 16384\t", "16384", NULL},
    {KFK__P_BATCH_SIZE, "+7", "7", NULL},
    {KFK__P_BATCH_SIZE, "007", "7", NULL},
    {KFK__P_BATCH_SIZE, "2147483647", "2147483647", NULL},
    {KFK__P_BATCH_SIZE, "2147483648", NULL, "batch.size=2147483648: too large"},
    {KFK__P_BATCH_SIZE, "-1", NULL, "out of bounds; allowed: [0,...]"},
    {KFK__P_BATCH_SIZE, "", NULL, "not a whole number"},
    {KFK__P_BATCH_SIZE, "-", NULL, "not a whole number"},
    {KFK__P_BATCH_SIZE, "1 2", NULL, "not a whole number"},
    {KFK__P_BATCH_SIZE, "16k", NULL, "not a whole number"},
    {KFK__P_BATCH_SIZE, "1.0", NULL, "not a whole number"},
    {KFK__P_BATCH_SIZE, "0000000000000000000000000000000000000001", NULL, "not a whole number"},
    {KFK__P_BUFFER_MEMORY, "9223372036854775807", "9223372036854775807", NULL},
    {KFK__P_BUFFER_MEMORY, "9223372036854775808", NULL, "not a whole number"},
    {KFK__P_SOCKET_CONNECTION_SETUP_TIMEOUT_MS, "-9223372036854775808", "-9223372036854775808",
     NULL},
    {KFK__P_SOCKET_CONNECTION_SETUP_TIMEOUT_MS, "-9223372036854775809", NULL, "not a whole"},
    {KFK__P_RECEIVE_BUFFER_BYTES, "-1", "-1", NULL},
    {KFK__P_RECEIVE_BUFFER_BYTES, "-2", NULL, "out of bounds"},
    {KFK__P_SASL_LOGIN_REFRESH_BUFFER_SECONDS, "3600", "3600", NULL},
    {KFK__P_SASL_LOGIN_REFRESH_BUFFER_SECONDS, "3601", NULL, "out of bounds"},
    {KFK__P_SASL_LOGIN_REFRESH_BUFFER_SECONDS, "40000", NULL, "too large"},
    {KFK__P_COMPRESSION_GZIP_LEVEL, "-1", "-1", NULL},
    {KFK__P_COMPRESSION_GZIP_LEVEL, "0", NULL, "[1,...,9] or -1"},
    {KFK__P_COMPRESSION_GZIP_LEVEL, "9", "9", NULL},
    {KFK__P_COMPRESSION_GZIP_LEVEL, "10", NULL, "out of bounds"},
    {KFK__P_COMPRESSION_ZSTD_LEVEL, "-131072", "-131072", NULL},
    {KFK__P_COMPRESSION_ZSTD_LEVEL, "-131073", NULL, "out of bounds"},
    {KFK__P_METADATA_MAX_IDLE_MS, "4999", NULL, "out of bounds"},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "0.8", "0.8", NULL},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "1.0", "1.0", NULL},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "1.01", NULL, "out of bounds"},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "5e-1", "5e-1", NULL},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "0,8", NULL, "not a number"},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "NaN", NULL, "not a number"},
    {KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR, ".", NULL, "not a number"},
    {KFK__P_CHECK_CRCS, "TRUE", "true", NULL},
    {KFK__P_CHECK_CRCS, " False ", "false", NULL},
    {KFK__P_CHECK_CRCS, "1", NULL, "neither true nor false"},
    {KFK__P_CHECK_CRCS, "", NULL, "neither true nor false"},
    {KFK__P_COMPRESSION_TYPE, "lz4", "lz4", NULL},
    {KFK__P_COMPRESSION_TYPE, "LZ4", NULL, "[none, gzip, snappy, lz4, zstd]"},
    {KFK__P_COMPRESSION_TYPE, "lz", NULL, "not one of"},
    {KFK__P_COMPRESSION_TYPE, "", NULL, "not one of"},
    {KFK__P_COMPRESSION_TYPE, "none, gzip", NULL, "not one of"},
    {KFK__P_ACKS, "-1", "all", NULL},
    {KFK__P_ACKS, "ALL", NULL, "not one of"},
    {KFK__P_SECURITY_PROTOCOL, "sasl_ssl", "SASL_SSL", NULL},
    {KFK__P_METADATA_RECOVERY_STRATEGY, "NONE", "none", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "by_duration:P1D", "by_duration:P1D", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "by_duration", NULL, "not one of"},
    {KFK__P_AUTO_OFFSET_RESET, "Earliest", NULL, "not one of"},
    {KFK__P_AUTO_OFFSET_RESET, " oldest ", "earliest", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "smallest", "earliest", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "beginning", "earliest", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "newest", "latest", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "largest", "latest", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "end", "latest", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "error", "none", NULL},
    {KFK__P_AUTO_OFFSET_RESET, "ends", NULL, "not one of"},
    {KFK__P_AUTO_OFFSET_START, "oldest", "earliest", NULL},
    {KFK__P_AUTO_OFFSET_START, "largest", "latest", NULL},
    {KFK__P_CLIENT_ID, "oldest", "oldest", NULL},
    {KFK__P_TRANSACTIONAL_ID, " ", NULL, "empty"},
    {KFK__P_CLIENT_ID, "  a b ", "a b", NULL},
    {KFK__P_CLIENT_ID, "", "", NULL},
    {KFK__P_BOOTSTRAP_SERVERS, " a:1 ,b:2,, c:3 ", "a:1,b:2,c:3", NULL},
    {KFK__P_BOOTSTRAP_SERVERS, " , ", "", NULL},
    {KFK__P_PARTITIONER_CLASS, "org.apache.kafka.clients.producer.RoundRobinPartitioner",
     "roundrobin", NULL},
    {KFK__P_PARTITIONER_CLASS, "com.example.Mine", NULL, "[roundrobin, random"},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY,
     "org.apache.kafka.clients.consumer.StickyAssignor, range", "sticky,range", NULL},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY, " range , com.example.Mine", "range,com.example.Mine",
     NULL},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY, " , ", "", NULL},
    {KFK__P_SSL_KEY_PASSWORD, " s3cret ", "s3cret", NULL},
};

START_TEST(reads)
{
    kfk_error e = {0};
    char *value = NULL;
    kfk_err err = kfk__value_read(rows[_i].id, rows[_i].text, &kfk__malloc_allocator, &value, &e);

    if (rows[_i].value) {
        ck_assert_msg(!err, "%s", e.msg);
        ck_assert_str_eq(value, rows[_i].value);
        free(value);
        return;
    }
    ck_assert_int_eq(err, KFK_ERR_CONFIG);
    ck_assert_ptr_null(value);
    ck_assert_msg(strstr(e.msg, rows[_i].why) != NULL, "%s", e.msg);
    ck_assert_msg(strstr(e.msg, kfk__property_table[rows[_i].id].name) == e.msg, "%s", e.msg);
}
END_TEST

START_TEST(shown)
{
    char out[16];

    kfk__value_show(KFK__P_CLIENT_ID, "a\nb\033[1m\177", out, sizeof out);
    ck_assert_str_eq(out, "a?b?[1m?");
    kfk__value_show(KFK__P_CLIENT_ID, "0123456789abcdefgh", out, sizeof out);
    ck_assert_str_eq(out, "0123456789abcde");
    kfk__value_show(KFK__P_SASL_JAAS_CONFIG, "password", out, sizeof out);
    ck_assert_str_eq(out, "[redacted]");
}
END_TEST

START_TEST(choices)
{
    static const char compression[] = "[none, gzip, snappy, lz4, zstd]";

    ck_assert_int_eq(kfk__value_choice(compression, "none"), 0);
    ck_assert_int_eq(kfk__value_choice(compression, "zstd"), 4);
    ck_assert_int_eq(kfk__value_choice(compression, "zst"), -1);
    ck_assert_int_eq(kfk__value_choice("(case insensitive) [A, b]", "a"), 0);
    ck_assert_int_eq(kfk__value_choice("[x, by:Q]", "by:anything"), 1);
    ck_assert_int_eq(kfk__value_choice("[x, by:Q]", "by"), -1);
    ck_assert_int_eq(kfk__value_choice("earliest, latest", "latest"), 1);
}
END_TEST

START_TEST(choices_one_by_one)
{
    static const char bounds[] = "[a, bc] or another";
    kfk_bytes choice;

    ck_assert(kfk__value_choice_at(bounds, 1, &choice));
    ck_assert_uint_eq(choice.len, 2);
    ck_assert_mem_eq(choice.data, "bc", 2);
    ck_assert(!kfk__value_choice_at(bounds, 2, &choice));
    ck_assert_int_eq(kfk__value_choice(bounds, "or"), -1);
}
END_TEST

START_TEST(doubles)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},      {"-1.5", -1.5}, {"+.25", .25},       {"3.", 3},
                {"1e3", 1000}, {"2E-2", .02},  {"1e400", HUGE_VAL}, {"1e-400", 0}};
    static const char *const bad[] = {"",   "+", ".", "e5", "1e", "1e5x", "0x1p3", "1e999999999999",
                                      "inf"};
    double d;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(kfk__value_double(good[i].text, &d), "%s", good[i].text);
        if (good[i].value == HUGE_VAL)
            ck_assert_msg(d > 1e300, "%s", good[i].text);
        else
            ck_assert_double_eq_tol(d, good[i].value, 1e-12);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!kfk__value_double(bad[i], &d), "%s", bad[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/value");
    TCase *t = tcase_create("value");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, reads, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, shown);
    tcase_add_test(t, choices);
    tcase_add_test(t, choices_one_by_one);
    tcase_add_test(t, doubles);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
