/* What members tell the leader of a group, and what it gives them; and the leader, who believes none of it. */
#include "../suite.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "membership/lead.h"
#include "membership/subscription.h"
#include "sim/failalloc.h"

static kfk__arena arena;

static void setup(void)
{
    kfk__arena_init(&arena, &kfk__malloc_allocator);
}

static void teardown(void)
{
    kfk__arena_fini(&arena);
}

static kfk_bytes topics[] = {{"a", 1}, {"bb", 2}};
static const int32_t two[] = {0, 3}, one[] = {7};
static const kfk__topic_parts owned[] = {{{"a", 1}, two, 2}, {{"bb", 2}, one, 1}};

static kfk__assign_member member(void)
{
    return (kfk__assign_member){.rack = {"r", 1},
                                .topics = topics,
                                .n_topics = 2,
                                .n_owned = 2,
                                .owned = owned,
                                .generation = 5,
                                .user_data = {"xyz", 3}};
}

/* As Kafka's own client writes it (version 3). */
static const uint8_t on_the_wire[] = {
    0, 3, 0, 0, 0, 2, 0, 1, 'a', 0, 2, 'b', 'b', 0, 0, 0, 3, 'x', 'y', 'z', 0, 0, 0, 2,
    0, 1, 'a', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 2, 'b', 'b', 0, 0, 0, 1, 0, 0, 0, 7,
    0, 0, 0, 5, 0, 1, 'r'};

START_TEST(a_subscription_there_and_back)
{
    kfk__assign_member in = member(), out = {.id = {"m", 1}};
    const char *why = NULL;
    kfk_bytes data;

    ck_assert_int_eq(kfk__subscription_write(&in, &arena, &data), KFK_OK);
    ck_assert_uint_eq(data.len, sizeof on_the_wire);
    ck_assert_mem_eq(data.data, on_the_wire, sizeof on_the_wire);
    ck_assert_int_eq(kfk__subscription_read(data, &arena, &out, &why), KFK_OK);
    ck_assert(kfk__bytes_equal(out.id, kfk__bytes("m", 1)));
    ck_assert(kfk__bytes_equal(out.rack, in.rack) && kfk__bytes_equal(out.user_data, in.user_data));
    ck_assert_int_eq(out.generation, 5);
    ck_assert_int_eq(out.n_topics, 2);
    ck_assert(kfk__bytes_equal(out.topics[1], topics[1]));
    ck_assert_int_eq(out.n_owned, 2);
    ck_assert_int_eq(out.owned[0].n, 2);
    ck_assert_int_eq(out.owned[0].v[1], 3);
    ck_assert_int_eq(out.owned[1].v[0], 7);
}
END_TEST

/* A member of old, and one that is newer than we are. */
START_TEST(subscriptions_of_other_versions)
{
    const uint8_t old[] = {0, 0, 0, 0, 0, 1, 0, 1, 'a', 0xff, 0xff, 0xff, 0xff};
    uint8_t newer[sizeof on_the_wire + 4];
    kfk__assign_member m = {0};
    const char *why;

    ck_assert_int_eq(kfk__subscription_read(kfk__bytes(old, sizeof old), &arena, &m, &why), KFK_OK);
    ck_assert_int_eq(m.n_topics, 1);
    ck_assert_int_eq(m.n_owned, 0);
    ck_assert_int_eq(m.generation, -1);
    ck_assert(!m.rack.data && !m.user_data.data);
    memcpy(newer, on_the_wire, sizeof on_the_wire);
    memset(newer + sizeof on_the_wire, 1, 4);
    newer[1] = 9;
    ck_assert_int_eq(kfk__subscription_read(kfk__bytes(newer, sizeof newer), &arena, &m, &why), KFK_OK);
    ck_assert_int_eq(m.n_owned, 2);
}
END_TEST

/* Cut short, or with any byte another: refused or read, and never believed beyond its end. */
START_TEST(subscriptions_that_are_broken)
{
    uint8_t *copy = malloc(sizeof on_the_wire);
    kfk__assign_member m;
    const char *why;

    for (size_t n = 0; n < sizeof on_the_wire; n++) {
        uint8_t *cut = malloc(n + 1);

        memcpy(cut, on_the_wire, n);
        ck_assert_int_eq(kfk__subscription_read(kfk__bytes(cut, n), &arena, &m, &why),
                         KFK_ERR_PROTOCOL);
        ck_assert_ptr_nonnull(why);
        free(cut);
    }
    for (size_t i = 0; i < sizeof on_the_wire; i++)
        for (int bit = 0; bit < 8; bit++) {
            kfk_err err;

            memcpy(copy, on_the_wire, sizeof on_the_wire);
            copy[i] ^= (uint8_t)(1 << bit);
            err = kfk__subscription_read(kfk__bytes(copy, sizeof on_the_wire), &arena, &m, &why);
            MUST(err == KFK_OK || err == KFK_ERR_PROTOCOL);
        }
    free(copy);
}
END_TEST

START_TEST(an_assignment_there_and_back)
{
    const kfk__assign_share share = {.topics = owned, .n = 2};
    const char *why = NULL;
    kfk__parts p;
    kfk_bytes data;

    kfk__parts_init(&p, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__assignment_write(&share, &arena, &data), KFK_OK);
    ck_assert_int_eq(kfk__assignment_read(data, &p, &why), KFK_OK);
    ck_assert_uint_eq(p.n, 3);
    ck_assert_str_eq(p.v[2].topic, "bb");
    ck_assert_int_eq(p.v[2].partition, 7);
    for (size_t n = 1; n < data.len; n++)
        ck_assert_int_eq(kfk__assignment_read(kfk__bytes(data.data, n), &p, &why), KFK_ERR_PROTOCOL);
    ck_assert_int_eq(kfk__assignment_read(kfk__bytes(NULL, 0), &p, &why), KFK_OK);
    ck_assert_uint_eq(p.n, 0);
    kfk__parts_fini(&p);
}
END_TEST

/* What no partition can be. */
START_TEST(assignments_that_cannot_be)
{
    const int32_t below[] = {-1};
    const kfk__topic_parts bad[] = {{{"a", 1}, below, 1}, {{"", 0}, one, 1}, {{"a\0b", 3}, one, 1}};
    const char *why;
    kfk__parts p;
    kfk_bytes data;

    kfk__parts_init(&p, &kfk__malloc_allocator);
    for (size_t i = 0; i < 3; i++) {
        const kfk__assign_share share = {.topics = &bad[i], .n = 1};

        ck_assert_int_eq(kfk__assignment_write(&share, &arena, &data), KFK_OK);
        ck_assert_int_eq(kfk__assignment_read(data, &p, &why), KFK_ERR_PROTOCOL);
    }
    kfk__parts_fini(&p);
}
END_TEST

/* ---- the leader ---- */

static kfk__join_group_response_member joined[3];

static void join(kfk__lead *l, const char *garbage)
{
    kfk__assign_member m = member();
    kfk__join_group_response rs;

    kfk__msg_init(kfk__join_group_api.response, &rs);
    for (int i = 0; i < 3; i++) {
        joined[i] = kfk__join_group_response_member_default;
        joined[i].member_id = kfk__bytes(&"m0m1m2"[2 * i], 2);
        m.n_topics = i == 0 ? 1 : 2;
        m.n_owned = 0;
        ck_assert_int_eq(kfk__subscription_write(&m, &arena, &joined[i].metadata), KFK_OK);
    }
    if (garbage)
        joined[1].metadata = kfk__bytes_str(garbage);
    rs.members.v = joined;
    rs.members.n = 3;
    ck_assert_int_eq(kfk__lead_begin(l, &rs, &arena), KFK_OK);
}

static kfk__metadata_response *cluster(int32_t a, int32_t bb)
{
    static kfk__metadata_response rs;
    static kfk__metadata_response_topic t[2];
    static kfk__metadata_response_partition parts[16];
    const int32_t n[] = {a, bb};

    kfk__msg_init(kfk__metadata_api.response, &rs);
    for (int i = 0; i < 16; i++) {
        parts[i] = kfk__metadata_response_partition_default;
        parts[i].partition_index = i;
    }
    for (int i = 0; i < 2; i++) {
        t[i] = kfk__metadata_response_topic_default;
        t[i].name = topics[i];
        t[i].partitions.v = parts;
        t[i].partitions.n = n[i];
        t[i].error_code = n[i] ? 0 : KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    }
    rs.topics.v = t;
    rs.topics.n = 2;
    return &rs;
}

static int32_t count(const kfk__assign_share *s)
{
    int32_t n = 0;

    for (int32_t i = 0; i < s->n; i++)
        n += s->topics[i].n;
    return n;
}

static void assign(kfk__lead *l, int32_t a, int32_t bb)
{
    const kfk__assignor *range = kfk__assignor_find(kfk__bytes_str("range"), NULL, 0);
    kfk__arena scratch;
    kfk_error e;

    kfk__arena_init(&scratch, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__lead_assign(l, range, KFK__EAGER, cluster(a, bb), &scratch, &e), KFK_OK);
    kfk__arena_fini(&scratch);
}

START_TEST(the_leader_gives_out_what_there_is)
{
    kfk__metadata_request rq;
    kfk__lead l;

    join(&l, NULL);
    ck_assert_int_eq(l.n_unreadable, 0);
    ck_assert_int_eq(l.n_topics, 2);
    ck_assert_int_eq(kfk__lead_ask(&l, &arena, &rq), KFK_OK);
    ck_assert_int_eq(rq.topics.n, 2);
    ck_assert(!rq.allow_auto_topic_creation);
    assign(&l, 3, 4);
    ck_assert_int_eq(count(&l.shares[0]), 1);
    ck_assert_int_eq(count(&l.shares[1]), 1 + 2);
    ck_assert_int_eq(count(&l.shares[2]), 1 + 2);
    assign(&l, 3, 0); /* of a topic that is not there there is nothing to give */
    ck_assert_int_eq(count(&l.shares[2]), 1);
}
END_TEST

START_TEST(who_cannot_be_understood_is_given_nothing)
{
    kfk__lead l;

    join(&l, "garbage");
    ck_assert_int_eq(l.n_unreadable, 1);
    assign(&l, 4, 4);
    ck_assert_int_eq(count(&l.shares[1]), 0);
    ck_assert_int_eq(count(&l.shares[0]) + count(&l.shares[2]), 8);
    join(&l, "");
    ck_assert_int_eq(l.n_unreadable, 1);
}
END_TEST

START_TEST(the_leader_sees_that_topics_grow)
{
    kfk__metadata m;
    kfk__lead l;

    kfk__metadata_init(&m, &kfk__malloc_allocator);
    join(&l, NULL);
    ck_assert_ptr_nonnull(kfk__metadata_topic(&m, "a", 1, 0));
    ck_assert_ptr_nonnull(kfk__metadata_topic(&m, "bb", 2, 0));
    (void)kfk__metadata_update(&m, cluster(3, 4), 9, 1);
    ck_assert_ptr_null(kfk__lead_changed(&l, &m)); /* nothing has been given out yet */
    assign(&l, 3, 4);
    ck_assert_ptr_null(kfk__lead_changed(&l, &m));
    (void)kfk__metadata_update(&m, cluster(3, 5), 9, 2);
    ck_assert_str_eq(kfk__lead_changed(&l, &m), "bb");
    kfk__metadata_fini(&m);
}
END_TEST

START_TEST(without_memory)
{
    failalloc mem;
    kfk_allocator a;

    failalloc_init(&mem);
    a = failalloc_allocator(&mem);
    for (uint64_t nth = 1;; nth++) {
        kfk__assign_member in = member(), out;
        const char *why;
        kfk_bytes data;
        kfk_err err;

        failalloc_fail_once(&mem, nth);
        kfk__arena_init(&arena, &a);
        err = kfk__subscription_write(&in, &arena, &data);
        if (!err)
            err = kfk__subscription_read(data, &arena, &out, &why);
        ck_assert_int_eq(err, failalloc_failed(&mem) ? KFK_ERR_NOMEM : KFK_OK);
        kfk__arena_fini(&arena);
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
        if (!failalloc_failed(&mem))
            break;
    }
    kfk__arena_init(&arena, &kfk__malloc_allocator);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_subscription_there_and_back,
                                  subscriptions_of_other_versions,
                                  subscriptions_that_are_broken,
                                  an_assignment_there_and_back,
                                  assignments_that_cannot_be,
                                  the_leader_gives_out_what_there_is,
                                  who_cannot_be_understood_is_given_nothing,
                                  the_leader_sees_that_topics_grow,
                                  without_memory,
                                  NULL};
    TCase *t = tcase_create("membership/subscription");

    tcase_add_checked_fixture(t, setup, teardown);
    for (const TTest *const *at = tests; *at; at++)
        tcase_add_test(t, *at);
    return run_suite("membership/subscription", t);
}
