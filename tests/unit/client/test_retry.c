#include "unit/suite.h"

#include <kfk/kafka_errors.h>

#include "client/retry.h"
#include "unit/fakeenv.h"

static const kfk__backoff backoff = {100, 1000};
static fakeenv fake;

static void setup(void)
{
    fakeenv_init(&fake);
}

static int64_t ns(const kfk__backoff *b, uint32_t attempts, uint8_t chance_byte)
{
    fake.chance = chance_byte;
    return kfk__backoff_ns(b, attempts, &fake.env);
}

/* Between 80 % and 120 % of |ms|, but no more than the maximum, and by chance as far as both ends. */
static void check_around(const kfk__backoff *b, uint32_t attempts, int64_t ms)
{
    int64_t most = b->max_ms <= ms ? ms * KFK__MS : ms * KFK__MS / 10 * 12;
    int64_t least = b->max_ms <= ms ? most : ms * KFK__MS / 1000 * 1190;

    if (ms == 86400000)
        most = least = ms * KFK__MS;
    ck_assert_int_eq(ns(b, attempts, 0), ms * KFK__MS / 10 * 8);
    ck_assert_int_le(ns(b, attempts, 0xff), most);
    ck_assert_int_ge(ns(b, attempts, 0xff), least);
    ck_assert_int_ge(ns(b, attempts, 0x80), ms * KFK__MS / 1000 * 995);
    ck_assert_int_le(ns(b, attempts, 0x80), ms * KFK__MS / 1000 * 1005);
}

START_TEST(the_backoff_doubles_up_to_its_maximum)
{
    static const int64_t ms[] = {100, 200, 400, 800, 1000, 1000};

    for (uint32_t i = 0; i < sizeof ms / sizeof *ms; i++)
        check_around(&backoff, i, ms[i]);
}
END_TEST

START_TEST(no_number_of_attempts_overflows)
{
    static const uint32_t many[] = {31, 32, 63, 64, 65, 1000, INT32_MAX, UINT32_MAX};
    static const kfk__backoff endless = {1, INT64_MAX}, huge = {INT64_MAX, INT64_MAX};

    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        check_around(&backoff, many[i], 1000);
        check_around(&endless, many[i], 86400000); /* a day */
        check_around(&huge, many[i], 86400000);
    }
    check_around(&endless, 26, 1 << 26);
    check_around(&endless, 27, 86400000);
}
END_TEST

START_TEST(a_backoff_of_nothing_waits_all_the_same)
{
    static const kfk__backoff zero = {0, 0}, no_base = {0, 1000}, no_max = {100, 0},
                              negative = {-1, -1}, swapped = {1000, 100};

    check_around(&zero, 0, 1);
    check_around(&zero, UINT32_MAX, 1);
    check_around(&no_base, UINT32_MAX, 1);
    check_around(&no_max, 3, 1);
    check_around(&negative, 3, 1);
    check_around(&swapped, 0, 100);
}
END_TEST

/* ---- the gate ---- */

/* The ms (rounded down; a chance of one half) until the attempt after |why|. */
static int64_t ms_after(kfk__retry *r, kfk_err why)
{
    fake.chance = 0x80;
    return (kfk__retry_at(r, &backoff, why, &fake.env, fake.now) - fake.now) / KFK__MS;
}

static const struct {
    kfk_err why;
    int64_t ms[4]; /* of one attempt after the other */
} rows[] = {
    {KFK__RETRY_NEW_LEADER, {0, 200, 400, 800}},
    {KFK__RETRY_SPLIT, {0, 0, 0, 0}},
    {KFK_ERR_NOT_COORDINATOR, {0, 200, 400, 800}},
    {KFK_ERR_MEMBER_ID_REQUIRED, {0, 200, 400, 800}},
    {KFK_ERR_FETCH_SESSION_ID_NOT_FOUND, {0, 200, 400, 800}},
    {KFK_ERR_INVALID_FETCH_SESSION_EPOCH, {0, 200, 400, 800}},
    {KFK_ERR_CONCURRENT_TRANSACTIONS, {20, 20, 20, 20}},
    {KFK_ERR_DISCONNECTED, {100, 200, 400, 800}},
    {KFK_ERR_NOT_LEADER_OR_FOLLOWER, {100, 200, 400, 800}},
    {KFK_OK, {100, 200, 400, 800}},
};

START_TEST(each_cause_has_its_waits)
{
    kfk__retry r = {0};

    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(r.attempts, i);
        ck_assert_int_eq(ms_after(&r, rows[_i].why), rows[_i].ms[i]);
    }
}
END_TEST

/* Whatever it was that the attempts before failed for. */
START_TEST(only_the_first_attempt_of_all_goes_at_once)
{
    kfk__retry r = {0};

    ck_assert_int_eq(ms_after(&r, KFK_ERR_DISCONNECTED), 100);
    ck_assert_int_eq(ms_after(&r, KFK__RETRY_NEW_LEADER), 200);
    ck_assert_int_eq(ms_after(&r, KFK_ERR_CONCURRENT_TRANSACTIONS), 20);
    ck_assert_int_eq(ms_after(&r, KFK_ERR_NOT_COORDINATOR), 800);
    r = (kfk__retry){0};
    ck_assert_int_eq(ms_after(&r, KFK_ERR_NOT_COORDINATOR), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("retry");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, the_backoff_doubles_up_to_its_maximum);
    tcase_add_test(t, no_number_of_attempts_overflows);
    tcase_add_test(t, a_backoff_of_nothing_waits_all_the_same);
    tcase_add_loop_test(t, each_cause_has_its_waits, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, only_the_first_attempt_of_all_goes_at_once);
    return run_suite("client/retry", t);
}
