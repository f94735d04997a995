/* ApiVersions and InitProducerId, and the profiles of old brokers. */
#include "asker.h"

#include "devbroker/handlers.h"
#include "proto/api_versions.h"
#include "proto/init_producer_id.h"

static void setup(void)
{
    begin(1);
}

static const kfk__api_versions_response *versions(int16_t version)
{
    kfk__api_versions_request req;

    new_request(&kfk__api_versions_api, &req);
    req.client_software_name = kfk__bytes_str("tester");
    req.client_software_version = kfk__bytes_str("1.0-x");
    return ask(1, &kfk__api_versions_api, version, &req);
}

static const kfk__api_versions_response_api_key *find_key(const kfk__api_versions_response *r,
                                                          int16_t key)
{
    for (int32_t i = 0; i < r->api_keys.n; i++)
        if (r->api_keys.v[i].api_key == key)
            return &r->api_keys.v[i];
    return NULL;
}

START_TEST(every_version_is_answered)
{
    const kfk__api_versions_response *r = versions((int16_t)_i);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->api_keys.n, (int)kfk__dev_n_apis);
    for (size_t i = 0; i < kfk__dev_n_apis; i++) {
        ck_assert(i == 0 || kfk__dev_apis[i - 1].api->key < kfk__dev_apis[i].api->key);
        ck_assert_ptr_nonnull(find_key(r, kfk__dev_apis[i].api->key));
    }
    ck_assert_int_eq(find_key(r, 0)->min_version, 0);
    ck_assert_int_eq(find_key(r, 0)->max_version, 13);
    ck_assert_int_eq(find_key(r, 1)->min_version, 4);
    ck_assert_int_eq(r->finalized_features.n, _i >= 3 ? 1 : 0);
}
END_TEST

/* A version that nobody knows: version 0's body with error 35, which tells the versions of this one
 * API. */
START_TEST(a_version_from_the_future_is_answered_in_version_0)
{
    static const uint8_t frame[] = {0, 18, 0, 99, 0, 0, 0, 77, 0, 1, 'x', 0, 1, 2, 3};
    kfk__dev_call *call = kfk__dev_call_new(&env.alloc, 1);
    const kfk__api_versions_response *r;
    size_t n;
    uint8_t *bytes;

    kfk__buf_put(&call->frame, frame, sizeof frame);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_READY);
    bytes = answer_bytes(call, &n);
    kfk__dev_call_free(call);
    r = decode_answer(&kfk__api_versions_api, 0, bytes, n);
    ck_assert_int_eq(r->error_code, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(r->api_keys.n, 1);
    ck_assert_int_eq(r->api_keys.v[0].api_key, 18);
    ck_assert_int_eq(r->api_keys.v[0].max_version, 4);
}
END_TEST

START_TEST(a_name_that_is_none_is_refused)
{
    kfk__api_versions_request req;

    new_request(&kfk__api_versions_api, &req);
    req.client_software_name = kfk__bytes_str("-x");
    req.client_software_version = kfk__bytes_str("1");
    ck_assert_int_eq(
        ((kfk__api_versions_response *)ask(1, &kfk__api_versions_api, 3, &req))->error_code,
        KFK_ERR_INVALID_REQUEST);
}
END_TEST

static const struct {
    const char *profile;
    int16_t produce, fetch, metadata;
    bool describes_topics;
} profiles[] = {{"2.1", 7, 10, 7, false},  {"2.4", 8, 11, 9, false},   {"2.8", 9, 12, 11, false},
                {"3.3", 9, 13, 12, false}, {"3.7", 10, 16, 12, false}, {"4.3", 13, 18, 13, true}};

START_TEST(old_brokers_know_less)
{
    const kfk__api_versions_response *r;

    service.cluster.profile = kfk__dev_profile_by_name(profiles[_i].profile);
    r = versions(2);
    ck_assert_int_eq(find_key(r, 0)->max_version, profiles[_i].produce);
    ck_assert_int_eq(find_key(r, 1)->max_version, profiles[_i].fetch);
    ck_assert_int_eq(find_key(r, 3)->max_version, profiles[_i].metadata);
    ck_assert_int_eq(find_key(r, 75) != NULL, profiles[_i].describes_topics);
}
END_TEST

START_TEST(an_old_broker_closes_on_what_it_does_not_know)
{
    kfk__metadata_request req;
    kfk__dev_call *call;

    service.cluster.profile = kfk__dev_profile_by_name("2.1");
    new_request(&kfk__metadata_api, &req);
    call = call_of(1, &kfk__metadata_api, 8, &req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_DEAD);
    kfk__dev_call_free(call);
}
END_TEST

START_TEST(producer_ids_are_all_different)
{
    kfk__init_producer_id_request req;
    const kfk__init_producer_id_response *a, *b;

    new_request(&kfk__init_producer_id_api, &req);
    req.transactional_id = (kfk_bytes){0};
    a = ask(1, &kfk__init_producer_id_api, (int16_t)_i, &req);
    b = ask(1, &kfk__init_producer_id_api, (int16_t)_i, &req);
    ck_assert_int_eq(a->error_code, 0);
    ck_assert_int_ge(a->producer_id, 0);
    ck_assert_int_eq(a->producer_epoch, 0);
    ck_assert_int_ne(a->producer_id, b->producer_id);
    service.cluster.producer_epoch = INT16_MAX;
    a = ask(1, &kfk__init_producer_id_api, (int16_t)_i, &req);
    ck_assert_int_eq(a->producer_epoch, INT16_MAX);
    req.transactional_id = kfk__bytes_str("t");
    a = ask(1, &kfk__init_producer_id_api, (int16_t)_i, &req);
    ck_assert_int_ne(a->error_code, 0);
    ck_assert_int_eq(a->producer_id, -1);
    ck_assert_int_eq(a->producer_epoch, -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_versions");
    TCase *t = tcase_create("api_versions");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_loop_test(t, every_version_is_answered, 0, 5);
    tcase_add_test(t, a_version_from_the_future_is_answered_in_version_0);
    tcase_add_test(t, a_name_that_is_none_is_refused);
    tcase_add_loop_test(t, old_brokers_know_less, 0, (int)(sizeof profiles / sizeof *profiles));
    tcase_add_test(t, an_old_broker_closes_on_what_it_does_not_know);
    tcase_add_loop_test(t, producer_ids_are_all_different, 0, 6);
    suite_add_tcase(s, t);
    return run_suite(s);
}
