#include "unit/suite.h"

#include "../tools/kfk/date.h"

static int64_t time_of(const char *text)
{
    int64_t ms = -1;

    ck_assert_msg(date_parse(text, &ms), "%s", text);
    return ms;
}

START_TEST(points_in_time)
{
    ck_assert_int_eq(time_of("1970-01-01T00:00:00.000"), 0);
    ck_assert_int_eq(time_of("1970-01-01T00:00:02.500Z"), 2500);
    ck_assert_int_eq(time_of("1970-01-01T01:00:03.000+01:00"), 3000);
    ck_assert_int_eq(time_of("1970-01-01T01:00:03.000+01"), 3000);
    ck_assert_int_eq(time_of("1969-12-31T22:30:00.000-01:30"), 0);
    ck_assert_int_eq(time_of("1969-12-31T23:59:59.999"), -1);
    ck_assert_int_eq(time_of("2000-02-29T12:00:00.000"), INT64_C(951825600000));
    ck_assert_int_eq(time_of("2024-05-31T18:30:00.001"), INT64_C(1717180200001));
    ck_assert_int_eq(time_of("1900-03-01T00:00:00.000"), INT64_C(-2203891200000));
    ck_assert_int_eq(time_of("1970-1-1T0:0:2.5"), 2005);
    ck_assert_int_eq(time_of("1970-01-01T00:00:02.500 "), 2500);
    ck_assert_int_eq(time_of("1970-01-01T00:00:02.500Z and so on"), 2500);
}
END_TEST

START_TEST(texts_that_are_no_time)
{
    static const char *const texts[] = {
        "",
        "T",
        "1970-01-01",
        "1970-01-01T00:00:02",
        "1970-13-01T00:00:02.500",
        "1970-00-01T00:00:02.500",
        "1970-02-29T00:00:02.500",
        "1900-02-29T00:00:02.500",
        "1970-01-01T24:00:02.500",
        "1970-01-01T00:60:02.500",
        "1970-01-01T00:00:60.500",
        "1970-01-01T00:00:02.1000",
        "1970-01-01T00:00:02.500 then",
        "1970-01-01T00:00:02.500+1",
        "1970-01-01T00:00:02.500+24",
        "99999999999999999999-01-01T00:00:02.500",
        "-1970-01-01T00:00:02.500",
    };
    int64_t ms;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!date_parse(texts[i], &ms), "%s", texts[i]);
}
END_TEST

static int64_t length_of(const char *text)
{
    int64_t ms = -1;

    ck_assert_msg(date_parse_duration(text, &ms), "%s", text);
    return ms;
}

START_TEST(lengths_of_time)
{
    ck_assert_int_eq(length_of("PT0S"), 0);
    ck_assert_int_eq(length_of("PT1S"), 1000);
    ck_assert_int_eq(length_of("P1D"), 86400000);
    ck_assert_int_eq(length_of("P1DT2H3M4.5S"), 93784500);
    ck_assert_int_eq(length_of("p1dt2h"), 93600000);
    ck_assert_int_eq(length_of("PT2H4S"), 7204000);
    ck_assert_int_eq(length_of("PT-6H+3M"), -21420000);
    ck_assert_int_eq(length_of("-PT6H3M"), -21780000);
    ck_assert_int_eq(length_of("PT-1.250S"), -1250);
    ck_assert_int_eq(length_of("PT0,5S"), 500);
}
END_TEST

START_TEST(texts_that_are_no_length)
{
    static const char *const texts[] = {"",      "P",     "PT",     "1D",     "P1",      "P1H",
                                        "PT1D",  "P1DT",  "PT1S1M", "PT1M1M", "PT1.5M",  "PT1S ",
                                        "P1D1D", "P--1D", "PTS",    "P1W",    "PT1.5H1S"};
    int64_t ms;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!date_parse_duration(texts[i], &ms), "%s", texts[i]);
    ck_assert(!date_parse_duration("P9223372036854775807D", &ms));
    ck_assert(!date_parse_duration("PT99999999999999999999S", &ms));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {points_in_time, texts_that_are_no_time, lengths_of_time,
                                  texts_that_are_no_length, NULL};

    return unit_main("tools/date", tests);
}
