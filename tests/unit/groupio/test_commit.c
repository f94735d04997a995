#include "asked.h"

#include "groupio/commit.h"

enum { OLDEST = 2, NEWEST = 10 };

static const kfk__uuid id_a = {{1}}, id_b = {{2}};

static void ask_three(void)
{
    kfk_tp tps[] = {tp_of("b", 3, 30), tp_of("a", 1, 10), tp_of("a", 0, 5)};

    tps[0].metadata = "text";
    tps[0].leader_epoch = 4;
    tps[0].flags = KFK_EPOCH;
    tps[1].leader_epoch = 9; /* not given */
    (void)ask(tps, 3);
    ck_assert_int_eq(fill(), KFK_OK);
    slots.topics[0].id = id_a;
    slots.topics[1].id = id_b;
}

static const kfk__offset_commit_request *request(const kfk__group_meta *who, int16_t version)
{
    const void *body;

    ck_assert_int_eq(kfk__commit_build(&slots, who, version, &arena, &body), KFK_OK);
    return over_the_wire(kfk__offset_commit_api.request, &kfk__offset_commit_api, version, body);
}

START_TEST(every_version_says_what_it_can)
{
    kfk__group_meta who = {.group = "g", .member = "m", .generation = 7};

    ask_three();
    for (int16_t v = OLDEST; v <= NEWEST; v++) {
        const kfk__offset_commit_request *rq;
        const kfk__offset_commit_request_partition *p;

        who.instance = v >= 7 ? "i" : NULL;
        rq = request(&who, v);
        ck_assert(is(rq->group_id, "g") && is(rq->member_id, "m"));
        ck_assert(is(rq->group_instance_id, who.instance));
        ck_assert_int_eq(rq->generation_id_or_member_epoch, 7);
        ck_assert_int_eq(rq->retention_time_ms, -1);
        ck_assert_int_eq(rq->topics.n, 2);
        ck_assert(v >= 10 || (is(rq->topics.v[0].name, "a") && is(rq->topics.v[1].name, "b")));
        ck_assert(v < 10 || (kfk__uuid_equal(&rq->topics.v[0].topic_id, &id_a) &&
                             kfk__uuid_equal(&rq->topics.v[1].topic_id, &id_b)));
        ck_assert_int_eq(rq->topics.v[0].partitions.n, 2);
        p = &rq->topics.v[0].partitions.v[1];
        ck_assert_int_eq(p->partition_index, 1);
        ck_assert_int_eq(p->committed_offset, 10);
        ck_assert_int_eq(p->committed_leader_epoch, -1);
        ck_assert(is(p->committed_metadata, ""));
        p = &rq->topics.v[1].partitions.v[0];
        ck_assert_int_eq(p->partition_index, 3);
        ck_assert_int_eq(p->committed_leader_epoch, v >= 6 ? 4 : -1);
        ck_assert(is(p->committed_metadata, "text"));
    }
}
END_TEST

START_TEST(who_is_no_member)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    const kfk__offset_commit_request *rq;

    ask_three();
    rq = request(&who, NEWEST);
    ck_assert(is(rq->member_id, ""));
    ck_assert_int_eq(rq->generation_id_or_member_epoch, -1);
    ck_assert_ptr_null(rq->group_instance_id.data);
}
END_TEST

/* In another order than it was asked, with a partition and a topic that nobody asked about. */
static void answer(int16_t version)
{
    kfk__offset_commit_response_partition b[] = {{.partition_index = 3, .error_code = 12}};
    kfk__offset_commit_response_partition a[] = {{.partition_index = 7, .error_code = 1},
                                                 {.partition_index = 0, .error_code = 0}};
    kfk__offset_commit_response_topic topics[] = {
        {.name = kfk__bytes_str("x"), .topic_id = {{9}}, .partitions = {a, 2}},
        {.name = kfk__bytes_str("b"), .topic_id = id_b, .partitions = {b, 1}},
        {.name = kfk__bytes_str("a"), .topic_id = id_a, .partitions = {a, 2}}};
    kfk__offset_commit_response rs;

    kfk__msg_init(kfk__offset_commit_api.response, &rs);
    rs.topics.v = topics;
    rs.topics.n = 3;
    kfk__commit_read(
        over_the_wire(kfk__offset_commit_api.response, &kfk__offset_commit_api, version, &rs),
        version, &slots);
}

START_TEST(every_version_is_understood)
{
    ask_three();
    for (int16_t v = OLDEST; v <= NEWEST; v++) {
        for (int32_t i = 0; i < slots.n; i++)
            slots.v[i].answered = false;
        answer(v);
        ck_assert(slot_of("b", 3)->answered && slot_of("a", 0)->answered);
        ck_assert_int_eq(slot_of("b", 3)->code, KFK_ERR_OFFSET_METADATA_TOO_LARGE);
        ck_assert_int_eq(slot_of("a", 0)->code, KFK_OK);
        ck_assert(!slot_of("a", 1)->answered);
    }
}
END_TEST

START_TEST(what_is_refused_for_certain)
{
    static const kfk_err sure[] = {3,  12, 14, 17, 22, 24,  25,  27, 28,
                                   29, 30, 35, 42, 82, 100, 110, 113};

    for (size_t i = 0; i < sizeof sure / sizeof *sure; i++)
        ck_assert_msg(kfk__commit_refused(sure[i]), "%d", sure[i]);
    ck_assert(!kfk__commit_refused(KFK_ERR_UNKNOWN_SERVER_ERROR));
    ck_assert(!kfk__commit_refused(KFK_ERR_REQUEST_TIMED_OUT));
    ck_assert(!kfk__commit_refused(KFK_ERR_COORDINATOR_NOT_AVAILABLE));
    ck_assert(!kfk__commit_refused(KFK_ERR_NOT_COORDINATOR));
    ck_assert(!kfk__commit_refused(KFK_ERR_KAFKA_STORAGE_ERROR));
    ck_assert(!kfk__commit_refused(12345));
}
END_TEST

START_TEST(without_memory)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    const void *body;

    ask_three();
    for (uint64_t n = 1;; n++) {
        kfk_err err;

        kfk__arena_fini(&arena);
        failalloc_fail_once(&mem, n);
        err = kfk__commit_build(&slots, &who, NEWEST, &arena, &body);
        ck_assert_int_eq(err, failalloc_failed(&mem) ? KFK_ERR_NOMEM : KFK_OK);
        if (!err)
            break;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_version_says_what_it_can, who_is_no_member, every_version_is_understood,
        what_is_refused_for_certain,    without_memory,   NULL};

    return run_asked("groupio/commit", tests);
}
