#include "unit/suite.h"

#include <kfk/kafka_errors.h>

#include "base/mem.h"
#include "client/versions.h"
#include "proto/fetch.h"
#include "proto/metadata.h"

typedef kfk__api_versions_response_api_key key;

static kfk__versions v;
static kfk_err err;
static const char *why;

static void setup(void)
{
    kfk__versions_reset(&v);
    why = NULL;
}

static kfk__versions_result answer(int16_t code, key *keys, int32_t n)
{
    kfk__api_versions_response rs = {.error_code = code, .api_keys = {keys, n}};

    return kfk__versions_answer(&v, &rs, &err, &why);
}

static int16_t pick(int16_t max)
{
    return kfk__versions_pick(&v, &kfk__fetch_api, max);
}

START_TEST(nothing_is_spoken_before_there_is_an_answer)
{
    ck_assert_int_eq(v.ask, kfk__api_versions_api.max);
    for (size_t i = 0; i < kfk__n_apis; i++)
        ck_assert_int_eq(kfk__versions_pick(&v, kfk__apis[i], INT16_MAX), -1);
}
END_TEST

START_TEST(the_request_names_the_library)
{
    kfk__api_versions_request rq;
    kfk__buf out;

    kfk__versions_request(&rq);
    kfk__buf_init(&out, &kfk__malloc_allocator);
    for (int16_t i = 0; i <= kfk__api_versions_api.max; i++)
        ck_assert_int_eq(kfk__encode(kfk__api_versions_api.request, i,
                                     kfk__flexible(&kfk__api_versions_api, i), &rq, &out, NULL),
                         KFK_OK);
    kfk__buf_fini(&out);
    ck_assert_uint_eq(rq.client_software_name.len, 6);
    ck_assert_uint_gt(rq.client_software_version.len, 0);
}
END_TEST

/* Ours are 4 to |max|; what both sides speak, at most what is asked for. */
START_TEST(check_02_the_highest_version_of_both_is_picked)
{
    const int16_t low = kfk__fetch_api.min, high = kfk__fetch_api.max;
    const struct {
        int16_t min, max, asked, expected;
    } rows[] = {
        {0, INT16_MAX, INT16_MAX, high},
        {0, high, INT16_MAX, high},
        {0, (int16_t)(high - 1), INT16_MAX, (int16_t)(high - 1)},
        {high, INT16_MAX, INT16_MAX, high},
        {(int16_t)(high + 1), INT16_MAX, INT16_MAX, -1},
        {INT16_MIN, low, INT16_MAX, low},
        {INT16_MIN, (int16_t)(low - 1), INT16_MAX, -1},
        {0, high, 12, 12},
        {0, high, low, low},
        {0, high, (int16_t)(low - 1), -1},
        {0, high, -1, -1},
        {12, 12, 11, -1},
        {12, 11, INT16_MAX, -1}, /* max < min */
        {INT16_MAX, INT16_MIN, INT16_MAX, -1},
        {INT16_MIN, INT16_MIN, INT16_MAX, -1},
        {INT16_MIN, -1, INT16_MAX, -1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        key k = {.api_key = 1, .min_version = rows[i].min, .max_version = rows[i].max};

        kfk__versions_reset(&v);
        ck_assert_int_eq(answer(KFK_OK, &k, 1), KFK__VERSIONS_KNOWN);
        ck_assert_msg(pick(rows[i].asked) == rows[i].expected, "row %zu: %d", i,
                      pick(rows[i].asked));
    }
}
END_TEST

START_TEST(keys_that_nobody_knows_are_passed_over)
{
    static const int16_t keys[] = {INT16_MIN, -1, KFK__VERSIONS_KEYS, 1000, INT16_MAX};
    kfk__versions before = v;
    key k[5], last = {.api_key = KFK__VERSIONS_KEYS - 1, .max_version = 3};
    const kfk__api unknown = {.name = "X", .key = KFK__VERSIONS_KEYS, .max = 3};
    const kfk__api negative = {.name = "Y", .key = -1, .max = 3};

    for (size_t i = 0; i < 5; i++)
        k[i] = (key){.api_key = keys[i], .min_version = 0, .max_version = 3};
    ck_assert_int_eq(answer(KFK_OK, k, 5), KFK__VERSIONS_KNOWN);
    ck_assert_mem_eq(&v, &before, sizeof v);
    ck_assert_int_eq(kfk__versions_pick(&v, &unknown, INT16_MAX), -1);
    ck_assert_int_eq(kfk__versions_pick(&v, &negative, INT16_MAX), -1);
    ck_assert_int_eq(answer(KFK_OK, &last, 1), KFK__VERSIONS_KNOWN);
    ck_assert_int_eq(v.keys[KFK__VERSIONS_KEYS - 1].max, 3);
}
END_TEST

START_TEST(every_api_of_ours_has_its_place_among_the_keys)
{
    for (size_t i = 0; i < kfk__n_apis; i++)
        ck_assert_msg(kfk__apis[i]->key < KFK__VERSIONS_KEYS, "%s", kfk__apis[i]->name);
}
END_TEST

START_TEST(no_list_is_an_answer_that_offers_nothing)
{
    ck_assert_int_eq(answer(KFK_OK, NULL, 0), KFK__VERSIONS_KNOWN);
    ck_assert_int_eq(answer(KFK_OK, NULL, -1), KFK__VERSIONS_KNOWN); /* null */
    ck_assert_int_eq(pick(INT16_MAX), -1);
}
END_TEST

/* ---- a broker that does not know the version that was asked ---- */

START_TEST(an_older_broker_is_asked_in_its_own_version)
{
    key k[] = {{.api_key = 18, .max_version = 2}, {.api_key = 1, .max_version = 11}};

    ck_assert_int_eq(answer(KFK_ERR_UNSUPPORTED_VERSION, k, 1), KFK__VERSIONS_ASK_AGAIN);
    ck_assert_int_eq(v.ask, 2);
    ck_assert_int_eq(answer(KFK_OK, k, 2), KFK__VERSIONS_KNOWN);
    ck_assert_int_eq(pick(INT16_MAX), 11);
}
END_TEST

START_TEST(a_broker_that_says_nothing_of_its_versions_is_asked_in_the_oldest)
{
    ck_assert_int_eq(answer(KFK_ERR_UNSUPPORTED_VERSION, NULL, 0), KFK__VERSIONS_ASK_AGAIN);
    ck_assert_int_eq(v.ask, 0);
    ck_assert_int_eq(answer(KFK_ERR_UNSUPPORTED_VERSION, NULL, 0), KFK__VERSIONS_FAILED);
    ck_assert_int_eq(err, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_ptr_nonnull(why);
}
END_TEST

/* Whatever it says, the versions that are asked go down, so that it ends. */
START_TEST(no_broker_is_asked_for_ever)
{
    static const int16_t claims[] = {INT16_MIN, -1, 0, 1, 2, 3, 4, 5, INT16_MAX};

    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        key k = {.api_key = 18, .min_version = 0, .max_version = claims[i]};
        int asked = 0;

        kfk__versions_reset(&v);
        for (int16_t last = v.ask;
             answer(KFK_ERR_UNSUPPORTED_VERSION, &k, 1) == KFK__VERSIONS_ASK_AGAIN; last = v.ask) {
            ck_assert_int_lt(v.ask, last);
            ck_assert_int_ge(v.ask, 0);
            ck_assert_int_lt(asked++, 5);
        }
        ck_assert_int_eq(err, KFK_ERR_UNSUPPORTED_VERSION);
    }
}
END_TEST

START_TEST(another_error_is_the_end)
{
    key k = {.api_key = 18, .max_version = 2};

    ck_assert_int_eq(answer(KFK_ERR_INVALID_REQUEST, &k, 1), KFK__VERSIONS_FAILED);
    ck_assert_int_eq(err, KFK_ERR_INVALID_REQUEST);
    ck_assert_ptr_nonnull(why);
    ck_assert_int_eq(answer(-1, NULL, 0), KFK__VERSIONS_FAILED);
    ck_assert_int_eq(answer(12345, NULL, 0), KFK__VERSIONS_FAILED);
    ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(a_new_connection_begins_anew)
{
    key k[] = {{.api_key = 18, .max_version = 0}, {.api_key = 1, .max_version = 11}};

    (void)answer(KFK_ERR_UNSUPPORTED_VERSION, k, 2);
    kfk__versions_reset(&v);
    ck_assert_int_eq(v.ask, kfk__api_versions_api.max);
    ck_assert_int_eq(pick(INT16_MAX), -1);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("versions");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, nothing_is_spoken_before_there_is_an_answer);
    tcase_add_test(t, the_request_names_the_library);
    tcase_add_test(t, check_02_the_highest_version_of_both_is_picked);
    tcase_add_test(t, keys_that_nobody_knows_are_passed_over);
    tcase_add_test(t, every_api_of_ours_has_its_place_among_the_keys);
    tcase_add_test(t, no_list_is_an_answer_that_offers_nothing);
    tcase_add_test(t, an_older_broker_is_asked_in_its_own_version);
    tcase_add_test(t, a_broker_that_says_nothing_of_its_versions_is_asked_in_the_oldest);
    tcase_add_test(t, no_broker_is_asked_for_ever);
    tcase_add_test(t, another_error_is_the_end);
    tcase_add_test(t, a_new_connection_begins_anew);
    return run_suite("client/versions", t);
}
