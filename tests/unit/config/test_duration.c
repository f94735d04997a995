/* config/duration: spans of time as Java's Duration writes and reads them. */
#include <check.h>
#include <stdlib.h>

#include "config/duration.h"

static int64_t ms_of(const char *text)
{
    int64_t ms = -1;

    return kfk__duration_ms(text, &ms) ? ms : -1;
}

START_TEST(each_part_counts)
{
    ck_assert_int_eq(ms_of("PT1H"), 3600000);
    ck_assert_int_eq(ms_of("P1D"), 86400000);
    ck_assert_int_eq(ms_of("P2DT3H4M5.678S"), 2 * 86400000 + 3 * 3600000 + 4 * 60000 + 5678);
    ck_assert_int_eq(ms_of("PT0S"), 0);
    ck_assert_int_eq(ms_of("pt1m"), 60000);
    ck_assert_int_eq(ms_of("PT1.5S"), 1500);
    ck_assert_int_eq(ms_of("PT0.0009S"), 0); /* below a millisecond */
    ck_assert_int_eq(ms_of("PT1000M"), 60000000);
    ck_assert_int_eq(ms_of("P00001DT1S"), 86401000);
}
END_TEST

START_TEST(what_is_none_is_refused)
{
    static const char *const bad[] = {
        "",      "P",      "PT",        "1H",     "T1H",  "PT1",   "PTS",   "P1H",
        "PT1D",  "PT1S1M", "PT1H1H",    "P1DT",   "PT1.S", "PT1.5M", "P-1D",  "PT-1S",
        "-PT1S", "PT1S ",  " PT1S",     "PT1X",   "P1W",  "P1Y",   "PTT1S", "P1D1D",
        "PT99999999999999999999S",      "P106751991168D"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(ms_of(bad[i]) < 0, "%s", bad[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/duration");
    TCase *t = tcase_create("duration");
    SRunner *r;
    int failed;

    tcase_add_test(t, each_part_counts);
    tcase_add_test(t, what_is_none_is_refused);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
