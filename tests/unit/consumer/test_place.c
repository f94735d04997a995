/* Where in a partition to begin. */
#include "unit/suite.h"

#include <kfk/types.h>

#include "consumer/place.h"

enum { HOUR = 3600000 };

static const int64_t NOW = INT64_C(1700000000000);

static void reads(const char *value, kfk__place_kind kind, int64_t ms)
{
    kfk__place p = kfk__place_read(value);

    ck_assert_msg(p.kind == kind && p.ms == ms, "%s: %d, %lld", value, (int)p.kind,
                  (long long)p.ms);
}

START_TEST(each_value_of_the_property_is_a_place)
{
    reads("earliest", KFK__PLACE_TIME, KFK_OFFSET_EARLIEST);
    reads("latest", KFK__PLACE_TIME, KFK_OFFSET_LATEST);
    reads("none", KFK__PLACE_NONE, 0);
    reads("by_duration:PT1H", KFK__PLACE_AGO, HOUR);
    reads("by_duration:P1DT0.5S", KFK__PLACE_AGO, 24 * HOUR + 500);
    reads("by_duration:PT0S", KFK__PLACE_AGO, 0);
}
END_TEST

/* The table of properties lets none of these in. */
START_TEST(what_is_no_place_is_nowhere)
{
    static const char *const bad[] = {"",         "earliest ",         "by_duration",
                                      "by_dur",   "by_duration:",      "by_duration:P",
                                      "Earliest", "by_duration:-PT1H", "by_duration:PT1Hx"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        reads(bad[i], KFK__PLACE_NONE, 0);
}
END_TEST

static int64_t asks(kfk__place_kind kind, int64_t ms, int64_t wall_ms)
{
    return kfk__place_timestamp((kfk__place){kind, ms}, wall_ms);
}

START_TEST(a_time_is_asked_for_as_it_is)
{
    ck_assert_int_eq(asks(KFK__PLACE_TIME, 5, NOW), 5);
    ck_assert_int_eq(asks(KFK__PLACE_TIME, KFK_OFFSET_EARLIEST, NOW), KFK_OFFSET_EARLIEST);
    ck_assert_int_eq(asks(KFK__PLACE_TIME, KFK_OFFSET_LATEST, 0), KFK_OFFSET_LATEST);
}
END_TEST

/* Below 0 lie the values that mean something else: earliest, latest. */
START_TEST(a_span_of_time_is_counted_back_from_now_and_ends_in_1970)
{
    ck_assert_int_eq(asks(KFK__PLACE_AGO, HOUR, NOW), NOW - HOUR);
    ck_assert_int_eq(asks(KFK__PLACE_AGO, 0, NOW), NOW);
    ck_assert_int_eq(asks(KFK__PLACE_AGO, NOW - 1, NOW), 1);
    ck_assert_int_eq(asks(KFK__PLACE_AGO, NOW, NOW), 0);
    ck_assert_int_eq(asks(KFK__PLACE_AGO, NOW + 1, NOW), 0);
    ck_assert_int_eq(asks(KFK__PLACE_AGO, INT64_MAX, NOW), 0);
    ck_assert_int_eq(asks(KFK__PLACE_AGO, 0, -5), 0); /* a clock before 1970 */
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("place");

    tcase_add_test(t, each_value_of_the_property_is_a_place);
    tcase_add_test(t, what_is_no_place_is_nowhere);
    tcase_add_test(t, a_time_is_asked_for_as_it_is);
    tcase_add_test(t, a_span_of_time_is_counted_back_from_now_and_ends_in_1970);
    return run_suite("consumer/place", t);
}
