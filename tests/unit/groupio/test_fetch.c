#include "asked.h"

#include "groupio/fetch.h"

enum { OLDEST = 1, NEWEST = 10, MANY_GROUPS = 8, BY_ID = 10 };

static const kfk__uuid id_a = {{1}}, id_b = {{2}};
static kfk_error e;

/* a 0, a 1 (twice), b 2. */
static kfk__offsets *ask_some(void)
{
    kfk_tp tps[] = {tp_of("b", 2, 0), tp_of("a", 1, 0), tp_of("a", 0, 0), tp_of("a", 1, 0)};
    kfk__offsets *o = ask(tps, 4);

    ck_assert_int_eq(fill(), KFK_OK);
    slots.topics[0].id = id_a;
    slots.topics[1].id = id_b;
    return o;
}

static const kfk__offset_fetch_request *request(const kfk__slots *s, const kfk__group_meta *who,
                                                bool stable, int16_t version)
{
    const void *body;

    ck_assert_int_eq(kfk__fetch_offsets_build(s, who, stable, version, &arena, &body), KFK_OK);
    return over_the_wire(kfk__offset_fetch_api.request, &kfk__offset_fetch_api, version, body);
}

START_TEST(every_version_says_what_it_can)
{
    kfk__group_meta who = {.group = "g", .member = "m", .generation = 7};

    (void)ask_some();
    for (int16_t v = OLDEST; v <= NEWEST; v++) {
        const kfk__offset_fetch_request *rq = request(&slots, &who, true, v);
        const kfk__offset_fetch_request_group *g = rq->groups.v;

        ck_assert_int_eq(rq->require_stable, v >= 7);
        ck_assert_int_eq(request(&slots, &who, false, v)->require_stable, false);
        if (v < MANY_GROUPS) {
            ck_assert(is(rq->group_id, "g"));
            ck_assert_int_eq(rq->topics.n, 2);
            ck_assert(is(rq->topics.v[0].name, "a"));
            ck_assert_int_eq(rq->topics.v[0].partition_indexes.n, 2);
            ck_assert_int_eq(rq->topics.v[0].partition_indexes.v[1], 1);
            ck_assert_int_eq(rq->topics.v[1].partition_indexes.v[0], 2);
            continue;
        }
        ck_assert_int_eq(rq->groups.n, 1);
        ck_assert(is(g->group_id, "g"));
        ck_assert(is(g->member_id, v >= 9 ? "m" : NULL));
        ck_assert_int_eq(g->member_epoch, v >= 9 ? 7 : -1);
        ck_assert_int_eq(g->topics.n, 2);
        ck_assert(v >= BY_ID ? kfk__uuid_equal(&g->topics.v[1].topic_id, &id_b)
                             : is(g->topics.v[1].name, "b"));
        ck_assert_int_eq(g->topics.v[0].partition_indexes.v[0], 0);
    }
}
END_TEST

START_TEST(all_that_the_group_has)
{
    kfk__group_meta who = kfk__group_meta_of("g");

    for (int16_t v = 2; v <= NEWEST; v++) {
        const kfk__offset_fetch_request *rq = request(NULL, &who, true, v);

        ck_assert_int_eq(v < MANY_GROUPS ? rq->topics.n : rq->groups.v[0].topics.n, -1);
        ck_assert(v < MANY_GROUPS || rq->groups.v[0].member_id.data == NULL);
    }
}
END_TEST

/* ---- answers: of a 0, a 1, b 2, as far as |n| goes, with their codes ---- */

static int16_t group_code, codes[3];
static int n_parts;

static const kfk__offset_fetch_response *old_answer(int16_t version)
{
    kfk__offset_fetch_response_partition p[3];
    kfk__offset_fetch_response_topic t[2] = {
        {.name = kfk__bytes_str("a"), .partitions = {p, n_parts < 2 ? n_parts : 2}},
        {.name = kfk__bytes_str("b"), .partitions = {&p[2], n_parts > 2}}};
    kfk__offset_fetch_response rs;

    for (int i = 0; i < 3; i++)
        p[i] = (kfk__offset_fetch_response_partition){.partition_index = i,
                                                      .committed_offset = i == 1 ? -1 : 100 + i,
                                                      .committed_leader_epoch = i - 1,
                                                      .metadata = kfk__bytes_str(i ? "m" : NULL),
                                                      .error_code = codes[i]};
    kfk__msg_init(kfk__offset_fetch_api.response, &rs);
    rs.error_code = group_code;
    rs.topics.v = t;
    rs.topics.n = 2;
    return over_the_wire(kfk__offset_fetch_api.response, &kfk__offset_fetch_api, version, &rs);
}

static const kfk__offset_fetch_response *new_answer(int16_t version, const char *group)
{
    kfk__offset_fetch_response_group_partition p[3];
    kfk__offset_fetch_response_group_topic t[2] = {
        {.name = kfk__bytes_str("a"),
         .topic_id = id_a,
         .partitions = {p, n_parts < 2 ? n_parts : 2}},
        {.name = kfk__bytes_str("b"), .topic_id = id_b, .partitions = {&p[2], n_parts > 2}}};
    kfk__offset_fetch_response_group g[2] = {
        {.group_id = kfk__bytes_str("other")},
        {.group_id = kfk__bytes_str(group), .topics = {t, 2}, .error_code = group_code}};
    kfk__offset_fetch_response rs;

    for (int i = 0; i < 3; i++)
        p[i] =
            (kfk__offset_fetch_response_group_partition){.partition_index = i,
                                                         .committed_offset = i == 1 ? -1 : 100 + i,
                                                         .committed_leader_epoch = i - 1,
                                                         .metadata = kfk__bytes_str(i ? "m" : NULL),
                                                         .error_code = codes[i]};
    kfk__msg_init(kfk__offset_fetch_api.response, &rs);
    rs.groups.v = g;
    rs.groups.n = 2;
    return over_the_wire(kfk__offset_fetch_api.response, &kfk__offset_fetch_api, version, &rs);
}

static kfk_err read_answer(kfk__slots *s, kfk__offsets *o, int16_t version)
{
    kfk__error_clear(&e);
    return kfk__fetch_offsets_read(
        version < MANY_GROUPS ? old_answer(version) : new_answer(version, "g"), version, s, o, &e);
}

static void all_well(void)
{
    group_code = 0;
    memset(codes, 0, sizeof codes);
    n_parts = 3;
}

static void settled(const kfk__offsets *o, size_t i, int64_t offset, int32_t epoch,
                    const char *text)
{
    ck_assert(o->entries[i].settled);
    ck_assert_int_eq(o->tps[i].err, KFK_OK);
    ck_assert_int_eq(o->tps[i].offset, offset);
    ck_assert_int_eq(o->tps[i].leader_epoch, epoch);
    ck_assert_str_eq(o->tps[i].metadata, text);
    ck_assert_uint_eq(o->tps[i].flags,
                      (offset >= 0 ? KFK_OFFSET : 0u) | (epoch >= 0 ? KFK_EPOCH : 0u));
}

START_TEST(every_version_is_understood)
{
    for (int16_t v = OLDEST; v <= NEWEST; v++) {
        kfk__offsets *o;

        all_well();
        o = ask_some();
        ck_assert_int_eq(read_answer(&slots, o, v), KFK_OK);
        ck_assert_uint_eq(o->pending, 0);
        ck_assert_int_eq(o->error.code, KFK_OK);
        settled(o, 0, 102, v >= 5 ? 1 : -1, "m");
        settled(o, 1, -1, -1, "");
        settled(o, 2, 100, -1, "");
        settled(o, 3, -1, -1, "");
        kfk__offsets_free(o);
        n_asked = 0;
    }
}
END_TEST

START_TEST(all_of_it_is_understood)
{
    for (int16_t v = 2; v < BY_ID; v++) {
        kfk__offsets *o = ask(NULL, 0);

        all_well();
        ck_assert_int_eq(read_answer(NULL, o, v), KFK_OK);
        ck_assert_uint_eq(o->n, 3);
        ck_assert_uint_eq(o->pending, 0);
        ck_assert_str_eq(o->tps[0].topic, "a");
        ck_assert_str_eq(o->tps[2].topic, "b");
        settled(o, 0, 100, -1, "");
        settled(o, 2, 102, v >= 5 ? 1 : -1, "m");
        kfk__offsets_free(o);
        n_asked = 0;
    }
}
END_TEST

/* What the group is told is true of all; nothing is settled. */
START_TEST(the_group_has_a_code)
{
    kfk__offsets *o = ask_some();

    for (int16_t v = 2; v <= NEWEST; v++) {
        all_well();
        group_code = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS;
        ck_assert_int_eq(read_answer(&slots, o, v), KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
        ck_assert_uint_eq(o->pending, 4);
        ck_assert_ptr_nonnull(strstr(e.msg, "OffsetFetch"));
    }
}
END_TEST

START_TEST(partitions_have_codes)
{
    for (int16_t v = OLDEST; v <= NEWEST; v++) {
        kfk__offsets *o = ask_some();

        all_well();
        codes[2] = KFK_ERR_TOPIC_AUTHORIZATION_FAILED;
        codes[0] = KFK_ERR_UNSTABLE_OFFSET_COMMIT; /* all of it again */
        ck_assert_int_eq(read_answer(&slots, o, v), KFK_ERR_UNSTABLE_OFFSET_COMMIT);
        ck_assert_uint_eq(o->pending, 4);
        ck_assert_int_eq(e.partition, 0);
        codes[0] = KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        ck_assert_int_eq(read_answer(&slots, o, v), KFK_OK);
        ck_assert_int_eq(o->tps[0].err, KFK_ERR_TOPIC_AUTHORIZATION_FAILED);
        ck_assert_int_eq(o->tps[0].offset, -1);
        ck_assert_int_eq(o->tps[2].err, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
        settled(o, 1, -1, -1, "");
        ck_assert_int_eq(o->error.code, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
        ck_assert_str_eq(o->error.topic, "a");
        kfk__offsets_free(o);
        n_asked = 0;
    }
}
END_TEST

START_TEST(answers_that_leave_something_out)
{
    kfk__offsets *o = ask_some();

    all_well();
    ck_assert_int_eq(kfk__fetch_offsets_read(new_answer(NEWEST, "h"), NEWEST, &slots, o, &e),
                     KFK_ERR_PROTOCOL);
    n_parts = 1;
    ck_assert_int_eq(read_answer(&slots, o, NEWEST), KFK_OK);
    settled(o, 2, 100, -1, "");
    ck_assert_int_eq(o->tps[0].err, KFK_ERR_PROTOCOL);
    ck_assert_int_eq(o->tps[1].err, KFK_ERR_PROTOCOL);
    ck_assert_int_eq(o->error.code, KFK_ERR_PROTOCOL);
}
END_TEST

START_TEST(without_memory)
{
    static const int16_t versions[] = {OLDEST + 1, NEWEST - 1};
    kfk__group_meta who = kfk__group_meta_of("g");
    const void *body;

    for (int i = 0; i < 4; i++) {
        int16_t v = versions[i & 1];
        bool all = i & 2;

        for (uint64_t n = 1;; n++) {
            kfk__offsets *o = all ? ask(NULL, 0) : ask_some();
            const kfk__offset_fetch_response *rs =
                v < MANY_GROUPS ? old_answer(v) : new_answer(v, "g");
            kfk_err err;

            all_well();
            failalloc_fail_once(&mem, n);
            err = kfk__fetch_offsets_build(&slots, &who, true, v, &arena, &body);
            ck_assert(err == KFK_OK || failalloc_failed(&mem));
            if (!err)
                err = kfk__fetch_offsets_read(rs, v, all ? NULL : &slots, o, &e);
            ck_assert_int_eq(err, failalloc_failed(&mem) ? KFK_ERR_NOMEM : KFK_OK);
            failalloc_fail_once(&mem, 0);
            kfk__offsets_free(o);
            n_asked = 0;
            kfk__arena_fini(&arena);
            if (!err)
                break;
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_version_says_what_it_can,   all_that_the_group_has, every_version_is_understood,
        all_of_it_is_understood,          the_group_has_a_code,   partitions_have_codes,
        answers_that_leave_something_out, without_memory,         NULL};

    return run_asked("groupio/fetch", tests);
}
