#include "unit/suite.h"

#include <string.h>

#include "client/throttle.h"

/* The version from which on a client must wait by itself, for each API, as the Java client's
 * shouldClientThrottle has it. Older ones are answered late instead. */
static const struct {
    int16_t key, from;
} rows[] = {
    {0, 6},  /* Produce */
    {1, 8},  /* Fetch */
    {2, 3},  /* ListOffsets */
    {3, 6},  /* Metadata */
    {8, 4},  /* OffsetCommit */
    {9, 4},  /* OffsetFetch */
    {10, 2}, /* FindCoordinator */
    {11, 3}, /* JoinGroup */
    {12, 2}, /* Heartbeat */
    {13, 2}, /* LeaveGroup */
    {14, 2}, /* SyncGroup */
    {15, 2}, /* DescribeGroups */
    {16, 2}, /* ListGroups */
    {18, 2}, /* ApiVersions */
    {19, 3}, /* CreateTopics */
    {20, 2}, /* DeleteTopics */
    {22, 1}, /* InitProducerId */
    {23, 2}, /* OffsetForLeaderEpoch */
    {32, 2}, /* DescribeConfigs */
    {37, 1}, /* CreatePartitions */
    {42, 1}, /* DeleteGroups */
    {46, 0}, /* ListPartitionReassignments */
    {47, 0}, /* OffsetDelete */
    {68, 0}, /* ConsumerGroupHeartbeat */
    {69, 0}, /* ConsumerGroupDescribe */
    {75, 0}, /* DescribeTopicPartitions */
};

/* A response of |api| that says |ms|. */
static void *response(const kfk__api *api, int32_t ms)
{
    char *rs = malloc(api->response->size);

    ck_assert_ptr_nonnull(rs);
    kfk__msg_init(api->response, rs);
    for (uint32_t i = 0; i < api->response->n_fields; i++) {
        const kfk__field *f = &api->response->fields[i];

        if (strcmp(f->name, "throttle_time_ms") != 0)
            continue;
        memcpy(rs + f->offset, &ms, sizeof ms);
        return rs;
    }
    ck_abort_msg("%s: has no throttle_time_ms", api->name);
    return NULL;
}

START_TEST(from_this_version_on_it_is_the_client_that_waits)
{
    const kfk__api *api = kfk__api_by_key(rows[_i].key);
    void *rs;

    ck_assert_ptr_nonnull(api);
    rs = response(api, 1234);
    for (int16_t v = 0; v <= api->max; v++)
        ck_assert_msg(kfk__throttle_ms(api, v, rs) == (v >= rows[_i].from ? 1234 : 0), "%s v%d",
                      api->name, v);
    free(rs);
}
END_TEST

START_TEST(every_api_has_its_row_above)
{
    for (size_t i = 0; i < kfk__n_apis; i++) {
        size_t k = 0;

        while (k < sizeof rows / sizeof *rows && rows[k].key != kfk__apis[i]->key)
            k++;
        ck_assert_msg(k < sizeof rows / sizeof *rows, "%s", kfk__apis[i]->name);
    }
}
END_TEST

START_TEST(no_time_is_none)
{
    static const int32_t none[] = {0, -1, INT32_MIN};

    for (size_t i = 0; i < kfk__n_apis; i++)
        for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
            void *rs = response(kfk__apis[i], none[k]);

            ck_assert_int_eq(kfk__throttle_ms(kfk__apis[i], kfk__apis[i]->max, rs), 0);
            free(rs);
        }
}
END_TEST

START_TEST(the_longest_time_is_told_as_it_is)
{
    const kfk__api *api = kfk__api_by_key(0);
    void *rs = response(api, INT32_MAX);

    ck_assert_int_eq(kfk__throttle_ms(api, api->max, rs), INT32_MAX);
    free(rs);
}
END_TEST

/* APIs that have no such field, and that the table does not name. */
START_TEST(a_response_without_the_field_asks_for_nothing)
{
    static const kfk__schema nothing = {.name = "nothing"};
    static const kfk__api api = {.name = "Nothing", .response = &nothing, .key = 17, .max = 5};

    ck_assert_int_eq(kfk__throttle_ms(&api, 5, NULL), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("throttle");

    tcase_add_loop_test(t, from_this_version_on_it_is_the_client_that_waits, 0,
                        sizeof rows / sizeof *rows);
    tcase_add_test(t, every_api_has_its_row_above);
    tcase_add_test(t, no_time_is_none);
    tcase_add_test(t, the_longest_time_is_told_as_it_is);
    tcase_add_test(t, a_response_without_the_field_asks_for_nothing);
    return run_suite("client/throttle", t);
}
