#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_limit.h"

#define S INT64_C(1000000000)

static kfk__log_limit limit;
static char more[KFK__LOG_MORE];

static bool tell(uint32_t who, const char *line, int64_t now)
{
    memset(more, 'x', sizeof more);
    return kfk__log_allows(&limit, who, line, now, more);
}

START_TEST(at_once_then_after_ever_longer)
{
    int told = 0;

    ck_assert(tell(1, "a", 0));
    ck_assert_str_eq(more, "");
    for (int i = 1; i < 30; i++)
        ck_assert(!tell(1, "a", i * S));
    ck_assert(tell(1, "a", 30 * S));
    ck_assert_str_eq(more, " (29 more like this in 30 s)");
    ck_assert(!tell(1, "a", 89 * S));
    ck_assert(tell(1, "a", 90 * S));
    ck_assert_str_eq(more, " (1 more like this in 60 s)");
    for (int64_t t = 91; t < 86400; t++)
        told += tell(1, "a", t * S);
    ck_assert_int_le(told, 95);
    ck_assert_int_ge(told, 90);
}
END_TEST

START_TEST(kinds_are_apart)
{
    ck_assert(tell(1, "a", 0));
    ck_assert(tell(1, "b", 0));
    ck_assert(tell(2, "a", 0));
    ck_assert(!tell(1, "a", 1) && !tell(1, "b", 1) && !tell(2, "a", 1));
    ck_assert(tell(1, "port 1", 0));
    ck_assert(!tell(1, "port 22", 1));
    ck_assert(kfk__log_who("h", 1) != kfk__log_who("h", 2));
    ck_assert(kfk__log_who("h1", 1) != kfk__log_who("h2", 1));
}
END_TEST

START_TEST(what_went_well_begins_anew)
{
    ck_assert(!kfk__log_well(&limit, 1, 0));
    ck_assert(tell(1, "a", 0));
    ck_assert(tell(1, "a", 30 * S));
    ck_assert(!tell(1, "a", 31 * S));
    ck_assert(!kfk__log_well(&limit, 2, 32 * S));
    ck_assert(kfk__log_well(&limit, 1, 32 * S));
    ck_assert(!kfk__log_well(&limit, 1, 32 * S));
    ck_assert(tell(1, "a", 33 * S));
    ck_assert_str_eq(more, " (1 more like this in 3 s)");
    ck_assert(!tell(1, "a", 62 * S));
    ck_assert(tell(1, "a", 63 * S));
}
END_TEST

/* Up and down ten times a second. */
START_TEST(flapping_is_bounded)
{
    int told = 0;

    for (int64_t i = 0; i < 36000; i++) {
        told += tell(1, "a", i * S / 10);
        told += kfk__log_well(&limit, 1, i * S / 10 + 1);
    }
    ck_assert_int_ge(told, 200);
    ck_assert_int_le(told, 400);
}
END_TEST

START_TEST(more_kinds_than_there_is_room_for)
{
    int told = 0;

    for (uint32_t who = 0; who < KFK__LOG_KINDS; who++)
        ck_assert(tell(who, "a", who));
    for (int i = 0; i < 1000; i++)
        told += tell(1000 + (uint32_t)i, "a", S + i);
    ck_assert_int_eq(told, 0);
    ck_assert(tell(1000, "a", 31 * S)); /* in place of the oldest */
    ck_assert(!tell(1000, "a", 32 * S));
    ck_assert(tell(0, "a", 33 * S));
}
END_TEST

static void setup(void)
{
    memset(&limit, 0, sizeof limit);
}

int main(void)
{
    Suite *s = suite_create("base/log_limit");
    TCase *t = tcase_create("log_limit");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, at_once_then_after_ever_longer);
    tcase_add_test(t, kinds_are_apart);
    tcase_add_test(t, what_went_well_begins_anew);
    tcase_add_test(t, flapping_is_bounded);
    tcase_add_test(t, more_kinds_than_there_is_room_for);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
