#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/hostport.h"

static const struct {
    const char *text, *host;
    int port;
    const char *why; /* part of what is wrong; NULL: nothing */
} rows[] = {
    {"localhost:9092", "localhost", 9092, NULL},
    {"10.0.0.1:1", "10.0.0.1", 1, NULL},
    {"kafka_1.Example-2.com:65535", "kafka_1.Example-2.com", 65535, NULL},
    {"[::1]:9092", "::1", 9092, NULL},
    {"[fe80::1%eth0]:9092", "fe80::1%eth0", 9092, NULL},
    {"h:00009092", "h", 9092, NULL},
    {"", NULL, 0, "no port"},
    {"localhost", NULL, 0, "no port"},
    {"[::1]", NULL, 0, "no port"},
    {"[::1]9092", NULL, 0, "no port"},
    {"[::1:9092", NULL, 0, "not closed"},
    {"[]:9092", NULL, 0, "no host"},
    {":9092", NULL, 0, "no host"},
    {"::1:9092", NULL, 0, "brackets"},
    {"h:", NULL, 0, "port"},
    {"h:0", NULL, 0, "1 to 65535"},
    {"h:65536", NULL, 0, "1 to 65535"},
    {"h:4294968296", NULL, 0, "1 to 65535"},
    {"h:-1", NULL, 0, "1 to 65535"},
    {"h:90 92", NULL, 0, "1 to 65535"},
    {"h:9092/x", NULL, 0, "1 to 65535"},
    {"a b:9092", NULL, 0, "character"},
    {"h\303\251:9092", NULL, 0, "character"},
    {"user@h:9092", NULL, 0, "character"},
    {"SSL://h:9093", NULL, 0, "scheme"},
    {"PLAINTEXT://h:9093", NULL, 0, "scheme"},
};

START_TEST(reads)
{
    size_t n = strlen(rows[_i].text);
    char *exact = malloc(n + !n);
    kfk__hostport hp;
    const char *why;

    memcpy(exact, rows[_i].text, n); /* no NUL behind it */
    why = kfk__hostport_read((kfk_bytes){exact, n}, &hp);
    free(exact);
    if (rows[_i].why) {
        ck_assert_ptr_nonnull(why);
        ck_assert_msg(strstr(why, rows[_i].why) != NULL, "%s", why);
        return;
    }
    ck_assert_msg(!why, "%s", why);
    ck_assert_str_eq(hp.host, rows[_i].host);
    ck_assert_int_eq(hp.port, rows[_i].port);
}
END_TEST

START_TEST(longest_host)
{
    char text[KFK__HOST_MAX + 8];
    kfk__hostport hp;

    memset(text, 'h', sizeof text);
    memcpy(text + KFK__HOST_MAX - 1, ":1", 2);
    ck_assert_ptr_null(kfk__hostport_read((kfk_bytes){text, KFK__HOST_MAX + 1}, &hp));
    ck_assert_uint_eq(strlen(hp.host), KFK__HOST_MAX - 1);
    memcpy(text + KFK__HOST_MAX - 1, "h:1", 3);
    ck_assert_str_eq(kfk__hostport_read((kfk_bytes){text, KFK__HOST_MAX + 2}, &hp),
                     "its host is too long");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/hostport");
    TCase *t = tcase_create("hostport");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, reads, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, longest_host);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
