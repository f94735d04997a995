/* FindCoordinator, OffsetCommit, OffsetFetch: who keeps what a group has committed, and gives it
 * back. */
#include "asker.h"

#include "proto/find_coordinator.h"
#include "proto/offset_commit.h"
#include "proto/offset_fetch.h"

static kfk__dev_topic *topic;

static void setup(void)
{
    begin(2);
    topic = add_topic("t", 1, 1);
}

static const char *const group = "g";

static int32_t coordinator(int16_t version)
{
    kfk_bytes key = kfk__bytes_str(group);
    kfk__find_coordinator_request req;
    const kfk__find_coordinator_response *r;

    new_request(&kfk__find_coordinator_api, &req);
    if (version >= 4) {
        req.coordinator_keys.v = &key;
        req.coordinator_keys.n = 1;
    } else {
        req.key = key;
    }
    r = ask(1, &kfk__find_coordinator_api, version, &req);
    if (version < 4) {
        ck_assert_int_eq(r->error_code, 0);
        ck_assert_int_eq(r->port, 9090 + r->node_id);
        return r->node_id;
    }
    ck_assert_int_eq(r->coordinators.n, 1);
    ck_assert_bytes_eq(r->coordinators.v[0].key, group);
    ck_assert_int_eq(r->coordinators.v[0].port, 9090 + r->coordinators.v[0].node_id);
    return r->coordinators.v[0].node_id;
}

typedef struct commit_spec {
    const char *member; /* NULL: "" */
    const char *note;   /* NULL: null */
    size_t note_len;    /* 0: as long as the string */
    int32_t partition;
    int32_t generation;
    int64_t offset;
    bool other_id; /* of a topic that there is not */
} commit_spec;

static int16_t commit_as(int16_t version, int32_t node, const commit_spec *s)
{
    size_t len = s->note_len || !s->note ? s->note_len : strlen(s->note);
    kfk__offset_commit_request_partition p = {.partition_index = s->partition,
                                              .committed_offset = s->offset,
                                              .committed_leader_epoch = version >= 6 ? 3 : -1,
                                              .committed_metadata = kfk__bytes(s->note, len)};
    kfk__offset_commit_request_topic t = {
        .name = kfk__bytes_str("t"), .topic_id = topic->id, .partitions = {&p, 1}};
    kfk__offset_commit_request req;

    new_request(&kfk__offset_commit_api, &req);
    req.group_id = kfk__bytes_str(group);
    req.member_id = kfk__bytes_str(s->member ? s->member : "");
    req.generation_id_or_member_epoch = s->generation;
    t.topic_id.b[0] ^= s->other_id;
    req.topics.v = &t;
    req.topics.n = 1;
    return ((kfk__offset_commit_response *)ask(node, &kfk__offset_commit_api, version, &req))
        ->topics.v[0]
        .partitions.v[0]
        .error_code;
}

static int16_t commit(int16_t version, int32_t node, int32_t partition, int64_t offset)
{
    return commit_as(
        version, node,
        &(commit_spec){.partition = partition, .generation = -1, .offset = offset, .note = "note"});
}

/* Of partitions 0 and 1; by a null list where |all|. What partition 0 has. */
static int64_t committed(int16_t version, int32_t node, bool all, int16_t *code)
{
    int32_t indexes[] = {0, 1};
    kfk__offset_fetch_request_topic old = {.name = kfk__bytes_str("t"),
                                           .partition_indexes = {indexes, 2}};
    kfk__offset_fetch_request_group_topic t = {
        .name = kfk__bytes_str("t"), .topic_id = topic->id, .partition_indexes = {indexes, 2}};
    kfk__offset_fetch_request_group g = {
        .group_id = kfk__bytes_str(group), .member_epoch = -1, .topics = {&t, all ? -1 : 1}};
    kfk__offset_fetch_request req;
    const kfk__offset_fetch_response *r;

    new_request(&kfk__offset_fetch_api, &req);
    if (version >= 8) {
        req.groups.v = &g;
        req.groups.n = 1;
        r = ask(node, &kfk__offset_fetch_api, version, &req);
        *code = r->groups.v[0].error_code;
        if (*code || r->groups.v[0].topics.n == 0)
            return -1;
        ck_assert_int_eq(r->groups.v[0].topics.v[0].partitions.n, all ? 1 : 2);
        if (!all)
            ck_assert_int_eq(r->groups.v[0].topics.v[0].partitions.v[1].committed_offset, -1);
        return r->groups.v[0].topics.v[0].partitions.v[0].committed_offset;
    }
    req.group_id = kfk__bytes_str(group);
    req.topics.v = &old;
    req.topics.n = all ? -1 : 1;
    r = ask(node, &kfk__offset_fetch_api, version, &req);
    *code = r->error_code;
    if (*code || r->topics.n == 0)
        return -1;
    ck_assert_int_eq(r->topics.v[0].partitions.n, all ? 1 : 2);
    return r->topics.v[0].partitions.v[0].committed_offset;
}

START_TEST(a_group_has_one_coordinator)
{
    int32_t node = coordinator(0);

    for (int16_t v = 1; v <= 6; v++)
        ck_assert_int_eq(coordinator(v), node);
    kfk__dev_cluster_set_up(&service.cluster, node, false);
    ck_assert_int_ne(coordinator(6), node);
}
END_TEST

START_TEST(every_version_stores_and_gives_back)
{
    int32_t node = coordinator(4);
    int16_t code;

    ck_assert_int_eq(committed((int16_t)_i, node, false, &code), -1);
    ck_assert_int_eq(commit((int16_t)(_i < 2 ? 2 : _i), node, 0, 10), 0);
    ck_assert_int_eq(commit((int16_t)(_i < 2 ? 2 : _i), node, 0, 42), 0);
    ck_assert_int_eq(committed((int16_t)_i, node, false, &code), 42);
    ck_assert_int_eq(code, 0);
    if (_i >= 2)
        ck_assert_int_eq(committed((int16_t)_i, node, true, &code), 42);
}
END_TEST

START_TEST(commits_are_refused)
{
    int32_t node = coordinator(4);
    int16_t code;

    ck_assert_int_eq(commit(9, 3 - node, 0, 1), KFK_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(commit(9, node, 7, 1), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(commit(9, 3 - node, 7, 1), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(commit(10, node, 7, 1), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(commit_as(10, node, &(commit_spec){.generation = -1, .other_id = true}),
                     KFK_ERR_UNKNOWN_TOPIC_ID);
    ck_assert_int_eq(committed(9, 3 - node, false, &code), -1);
    ck_assert_int_eq(code, KFK_ERR_NOT_COORDINATOR);
}
END_TEST

/* In no generation anybody may commit, whatever it calls itself; in one, nobody, since none is. */
START_TEST(nobody_is_a_member)
{
    const commit_spec in_one = {.member = "m", .generation = 3, .offset = 8};
    int32_t node = coordinator(4);

    ck_assert_int_eq(commit_as(8, node, &in_one), KFK_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(commit_as(9, node, &in_one), KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(
        commit_as(9, node, &(commit_spec){.member = "m", .generation = -1, .offset = 8}), 0);
    ck_assert_int_eq(commit_as(8, node, &in_one), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(commit_as(9, node, &in_one), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

/* It is measured in units of UTF-16: of "a", and of a character outside of the basic plane. */
START_TEST(notes_have_a_limit)
{
    static char note[4 * 2048 + 1];
    commit_spec s = {.generation = -1, .offset = 5, .note = note, .note_len = 4097};
    int32_t node = coordinator(4);

    memset(note, 'a', sizeof note);
    ck_assert_int_eq(commit_as(9, node, &s), KFK_ERR_OFFSET_METADATA_TOO_LARGE);
    s.note_len = 4096;
    ck_assert_int_eq(commit_as(9, node, &s), 0);
    for (int i = 0; i < 2048; i++)
        memcpy(note + 4 * i, "\xf0\x9f\x90\x9f", 4);
    s.note_len = sizeof note;
    ck_assert_int_eq(commit_as(9, node, &s), KFK_ERR_OFFSET_METADATA_TOO_LARGE);
    s.note_len = sizeof note - 1;
    ck_assert_int_eq(commit_as(9, node, &s), 0);
}
END_TEST

/* All that a group has, or with |index| only that partition of t. */
static const kfk__offset_fetch_response_group *stored(int16_t version, const char *id,
                                                      int32_t index, bool stable)
{
    kfk__offset_fetch_request_group_topic t = {
        .name = kfk__bytes_str("t"), .topic_id = topic->id, .partition_indexes = {&index, 1}};
    kfk__offset_fetch_request_group g[2] = {
        {.group_id = kfk__bytes_str("nobody"), .member_epoch = -1, .topics = {&t, 1}},
        {.group_id = kfk__bytes_str(id), .member_epoch = -1, .topics = {&t, index < 0 ? -1 : 1}}};
    kfk__offset_fetch_request req;
    const kfk__offset_fetch_response *r;

    new_request(&kfk__offset_fetch_api, &req);
    req.require_stable = stable;
    req.groups.v = g;
    req.groups.n = 2;
    r = ask(1, &kfk__offset_fetch_api, version, &req);
    ck_assert_int_eq(r->groups.n, 2);
    ck_assert_bytes_eq(r->groups.v[0].group_id, "nobody");
    ck_assert_int_eq(r->groups.v[0].error_code, 0);
    ck_assert_int_eq(r->groups.v[0].topics.v[0].partitions.v[0].committed_offset, -1);
    ck_assert_int_eq(r->groups.v[0].topics.v[0].partitions.v[0].error_code, 0);
    return &r->groups.v[1];
}

static const kfk__offset_fetch_response_group_partition *only(
    const kfk__offset_fetch_response_group *g)
{
    ck_assert_int_eq(g->error_code, 0);
    ck_assert_int_eq(g->topics.n, 1);
    ck_assert_int_eq(g->topics.v[0].partitions.n, 1);
    return &g->topics.v[0].partitions.v[0];
}

START_TEST(what_is_committed_is_given_back_whole)
{
    const kfk__offset_fetch_response_group_partition *p;

    kfk__dev_cluster_set_up(&service.cluster, 2, false); /* 1 coordinates all */
    ck_assert_int_eq(commit(10, 1, 0, 42), 0);
    for (int32_t index = -1; index < 1; index++) {
        const kfk__offset_fetch_response_group *g = stored((int16_t)_i, group, index, false);

        p = only(g);
        ck_assert_int_eq(p->partition_index, 0);
        ck_assert_int_eq(p->committed_offset, 42);
        ck_assert_int_eq(p->committed_leader_epoch, 3);
        ck_assert_bytes_eq(p->metadata, "note");
        if (_i >= 10)
            ck_assert(kfk__uuid_equal(&g->topics.v[0].topic_id, &topic->id));
        else
            ck_assert_bytes_eq(g->topics.v[0].name, "t");
    }
    ck_assert_int_eq(commit_as(8, 1, &(commit_spec){.generation = -1, .offset = 43}), 0);
    p = only(stored((int16_t)_i, group, 0, false));
    ck_assert_int_eq(p->committed_offset, 43);
    ck_assert_bytes_eq(p->metadata, "");
    ck_assert_ptr_nonnull(p->metadata.data);
}
END_TEST

static void put(const char *of, const char *name, int32_t partition)
{
    ck_assert_int_eq(kfk__dev_offsets_put(&service.cluster.offsets, kfk__bytes_str(of),
                                          kfk__bytes_str(name), partition, 10 + partition, -1,
                                          (kfk_bytes){0}),
                     KFK_OK);
}

/* In which order ever they came, each topic is told once. */
START_TEST(all_of_a_group_is_told_by_topic)
{
    const kfk__offset_fetch_response_group *g;

    kfk__dev_cluster_set_up(&service.cluster, 2, false);
    put("g", "t", 0);
    put("other", "t", 0);
    put("g", "u", 0);
    put("g", "t", 1);
    put("g", "u", 4);
    g = stored(9, "g", -1, false);
    ck_assert_int_eq(g->topics.n, 2);
    ck_assert_bytes_eq(g->topics.v[0].name, "t");
    ck_assert_int_eq(g->topics.v[0].partitions.n, 2);
    ck_assert_int_eq(g->topics.v[0].partitions.v[1].committed_offset, 11);
    ck_assert_bytes_eq(g->topics.v[1].name, "u");
    ck_assert_int_eq(g->topics.v[1].partitions.v[1].partition_index, 4);
    ck_assert_int_eq(stored(9, "third", -1, false)->topics.n, 0);
}
END_TEST

static void pend(const char *name, bool pending)
{
    ck_assert_int_eq(kfk__dev_offsets_pend(&service.cluster.offsets, kfk__bytes_str(group),
                                           kfk__bytes_str(name), 0, pending),
                     KFK_OK);
}

START_TEST(offsets_of_an_open_transaction_are_not_stable)
{
    kfk__dev_cluster_set_up(&service.cluster, 2, false);
    pend("t", false);
    pend("t", true);
    ck_assert_int_eq(stored(9, group, -1, false)->topics.n, 0);
    ck_assert_int_eq(only(stored(9, group, 0, false))->error_code, 0);
    ck_assert_int_eq(only(stored(9, group, 0, true))->error_code, KFK_ERR_UNSTABLE_OFFSET_COMMIT);
    ck_assert_int_eq(commit(9, 1, 0, 42), 0);
    ck_assert_int_eq(only(stored(9, group, 0, false))->committed_offset, 42);
    ck_assert_int_eq(only(stored(9, group, 0, true))->committed_offset, -1);
    ck_assert_int_eq(only(stored(9, group, -1, true))->error_code, KFK_ERR_UNSTABLE_OFFSET_COMMIT);
    pend("t", false);
    ck_assert_int_eq(only(stored(9, group, 0, true))->committed_offset, 42);
    ck_assert_int_eq(only(stored(9, group, 0, true))->error_code, 0);
}
END_TEST

START_TEST(groups_and_transactions_have_coordinators)
{
    kfk__find_coordinator_request req;
    const kfk__find_coordinator_response *r;

    new_request(&kfk__find_coordinator_api, &req);
    req.key = kfk__bytes_str("x");
    for (int8_t type = 0; type < 4; type++) {
        req.key_type = type;
        r = ask(1, &kfk__find_coordinator_api, 3, &req);
        ck_assert_int_eq(r->error_code, type < 2 ? 0 : KFK_ERR_INVALID_REQUEST);
        ck_assert_int_eq(r->node_id < 0, type >= 2);
    }
}
END_TEST

static void fail_after(int16_t code)
{
    kfk__dev_fault f = {.kind = KFK__DEV_FAULT_ERROR,
                        .after = true,
                        .api = KFK__DEV_ANY,
                        .node = KFK__DEV_ANY,
                        .count = 1,
                        .value = code,
                        .level = KFK__DEV_ANY};

    ck_assert_int_gt(kfk__dev_faults_add(&service.faults, &env.alloc, &f), 0);
}

/* From version 8 on a partition's error is one level deeper. */
START_TEST(faults_are_told_of_partitions)
{
    int32_t index = 0;
    kfk__offset_fetch_request_topic old = {.name = kfk__bytes_str("t"),
                                           .partition_indexes = {&index, 1}};
    kfk__offset_fetch_request_group_topic t = {.name = kfk__bytes_str("t"),
                                               .partition_indexes = {&index, 1}};
    kfk__offset_fetch_request_group g = {
        .group_id = kfk__bytes_str(group), .member_epoch = -1, .topics = {&t, 1}};
    kfk__offset_fetch_request req;
    const kfk__offset_fetch_response *r;

    kfk__dev_cluster_set_up(&service.cluster, 2, false);
    new_request(&kfk__offset_fetch_api, &req);
    req.group_id = kfk__bytes_str(group);
    req.topics.v = &old;
    req.topics.n = 1;
    fail_after(KFK_ERR_UNSTABLE_OFFSET_COMMIT);
    r = ask(1, &kfk__offset_fetch_api, 7, &req);
    ck_assert_int_eq(r->topics.v[0].partitions.v[0].error_code, KFK_ERR_UNSTABLE_OFFSET_COMMIT);
    new_request(&kfk__offset_fetch_api, &req);
    req.groups.v = &g;
    req.groups.n = 1;
    fail_after(KFK_ERR_UNSTABLE_OFFSET_COMMIT);
    r = ask(1, &kfk__offset_fetch_api, 9, &req);
    ck_assert_int_eq(only(&r->groups.v[0])->error_code, KFK_ERR_UNSTABLE_OFFSET_COMMIT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/api_groups");
    TCase *t = tcase_create("api_groups");

    tcase_add_checked_fixture(t, setup, end);
    tcase_add_test(t, a_group_has_one_coordinator);
    tcase_add_loop_test(t, every_version_stores_and_gives_back, 1, 11);
    tcase_add_test(t, commits_are_refused);
    tcase_add_test(t, nobody_is_a_member);
    tcase_add_test(t, notes_have_a_limit);
    tcase_add_loop_test(t, what_is_committed_is_given_back_whole, 8, 11);
    tcase_add_test(t, all_of_a_group_is_told_by_topic);
    tcase_add_test(t, offsets_of_an_open_transaction_are_not_stable);
    tcase_add_test(t, groups_and_transactions_have_coordinators);
    tcase_add_test(t, faults_are_told_of_partitions);
    suite_add_tcase(s, t);
    return run_suite(s);
}
