/* The table of APIs, against keys and versions written down from Kafka 4.3.1's protocol page. */
#include "golden.h"

static const struct {
    const char *name;
    int16_t key, min, max, flexible_min;
} known[] = {
    {"Produce", 0, 3, 13, 9},
    {"Fetch", 1, 4, 18, 12},
    {"ListOffsets", 2, 1, 11, 6},
    {"Metadata", 3, 0, 13, 9},
    {"OffsetCommit", 8, 2, 10, 8},
    {"OffsetFetch", 9, 1, 10, 6},
    {"FindCoordinator", 10, 0, 6, 3},
    {"JoinGroup", 11, 0, 9, 6},
    {"Heartbeat", 12, 0, 4, 4},
    {"LeaveGroup", 13, 0, 5, 4},
    {"SyncGroup", 14, 0, 5, 4},
    {"DescribeGroups", 15, 0, 6, 5},
    {"ListGroups", 16, 0, 5, 3},
    {"ApiVersions", 18, 0, 4, 3},
    {"CreateTopics", 19, 2, 7, 5},
    {"DeleteTopics", 20, 1, 6, 4},
    {"InitProducerId", 22, 0, 5, 2}, /* 6 is not stable */
    {"OffsetForLeaderEpoch", 23, 2, 4, 4},
    {"DescribeConfigs", 32, 1, 4, 4},
    {"CreatePartitions", 37, 0, 3, 2},
    {"DeleteGroups", 42, 0, 2, 2},
    {"ListPartitionReassignments", 46, 0, 0, 0},
    {"OffsetDelete", 47, 0, 0, KFK__NO_VERSION},
    {"ConsumerGroupHeartbeat", 68, 0, 1, 0},
    {"ConsumerGroupDescribe", 69, 0, 1, 0},
    {"DescribeTopicPartitions", 75, 0, 0, 0},
};

START_TEST(each_api_has_its_key_and_versions)
{
    const kfk__api *api = kfk__api_by_key(known[_i].key);

    ck_assert_ptr_nonnull(api);
    ck_assert_str_eq(api->name, known[_i].name);
    ck_assert_int_eq(api->key, known[_i].key);
    ck_assert_int_eq(api->min, known[_i].min);
    ck_assert_int_eq(api->max, known[_i].max);
    ck_assert_int_eq(api->flexible_min, known[_i].flexible_min);
    ck_assert(kfk__flexible(api, known[_i].flexible_min));
    ck_assert(!kfk__flexible(api, (int16_t)(known[_i].flexible_min - 1)));
}
END_TEST

START_TEST(the_table_is_ordered_and_complete)
{
    ck_assert_uint_ge(kfk__n_apis, sizeof known / sizeof *known);
    for (size_t i = 1; i < kfk__n_apis; i++)
        ck_assert_int_lt(kfk__apis[i - 1]->key, kfk__apis[i]->key);
    for (size_t i = 0; i < kfk__n_apis; i++)
        ck_assert_ptr_eq(kfk__api_by_key(kfk__apis[i]->key), kfk__apis[i]);
}
END_TEST

START_TEST(an_unknown_key_has_none)
{
    ck_assert_ptr_null(kfk__api_by_key(-1));
    ck_assert_ptr_null(kfk__api_by_key(4));
    ck_assert_ptr_null(kfk__api_by_key(INT16_MAX));
}
END_TEST

/* What the walker takes for granted. */
static void check_schema(const kfk__schema *s, uint32_t depth)
{
    ck_assert_uint_le(depth, KFK__DECODER_DEPTH);
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const kfk__field *f = &s->fields[i];

        ck_assert_uint_lt(f->offset, s->size);
        ck_assert_int_eq(f->tag >= 0, i >= s->n_untagged);
        if (i > s->n_untagged)
            ck_assert_int_gt(f->tag, s->fields[i - 1].tag);
        ck_assert_int_eq(f->type == KFK__T_STRUCT, f->sub != NULL);
        if (f->sub)
            check_schema(f->sub, depth + 1);
    }
}

START_TEST(the_fields_are_in_the_order_of_the_wire)
{
    for (size_t i = 0; i < kfk__n_apis; i++) {
        check_schema(kfk__apis[i]->request, 1);
        check_schema(kfk__apis[i]->response, 1);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("api");

    tcase_add_loop_test(t, each_api_has_its_key_and_versions, 0, sizeof known / sizeof *known);
    tcase_add_test(t, the_table_is_ordered_and_complete);
    tcase_add_test(t, an_unknown_key_has_none);
    tcase_add_test(t, the_fields_are_in_the_order_of_the_wire);
    return run_suite("api", t);
}
