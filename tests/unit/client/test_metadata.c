#include "unit/suite.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "client/metadata.h"
#include "sim/failalloc.h"

enum { NEWEST = 12, NOW = 1000 };

static failalloc mem;
static kfk_allocator alloc;
static kfk__metadata m;
static kfk__arena arena;
static kfk__metadata_request asked;

/* The answer: up to 3 topics, each with up to 4 partitions. */
static kfk__metadata_response rs;
static kfk__metadata_response_topic topics[3];
static kfk__metadata_response_partition parts[3][4];

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__metadata_init(&m, &alloc);
    kfk__arena_init(&arena, &alloc);
    kfk__msg_init(kfk__metadata_api.response, &rs);
    rs.topics.v = topics;
}

static void teardown(void)
{
    kfk__metadata_fini(&m);
    kfk__arena_fini(&arena);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static kfk__topic_info *use(const char *name)
{
    return kfk__metadata_topic(&m, name, strlen(name), NOW);
}

static kfk__topic_info *find(const char *name)
{
    return kfk__metadata_find(&m, name, strlen(name));
}

/* What is asked for, as "a,b,". */
static const char *ask(void)
{
    static char names[100];

    kfk__arena_reset(&arena);
    ck_assert_int_eq(kfk__metadata_ask(&m, false, &arena, &asked), KFK_OK);
    names[0] = '\0';
    for (int32_t i = 0; i < asked.topics.n; i++) {
        strncat(names, asked.topics.v[i].name.data, asked.topics.v[i].name.len);
        strcat(names, ",");
    }
    return names;
}

/* Adds a topic to the answer: |n| partitions, all led by |leader| in |epoch|. */
static kfk__metadata_response_partition *answer(const char *name, int32_t n, int32_t leader,
                                                int32_t epoch)
{
    int32_t t = rs.topics.n++;

    topics[t] = kfk__metadata_response_topic_default;
    topics[t].name = kfk__bytes_str(name);
    topics[t].partitions.v = parts[t];
    topics[t].partitions.n = n;
    for (int32_t i = 0; i < n; i++) {
        parts[t][i] = kfk__metadata_response_partition_default;
        parts[t][i].partition_index = i;
        parts[t][i].leader_id = leader;
        parts[t][i].leader_epoch = epoch;
    }
    return parts[t];
}

/* Takes the answer in, and begins another. */
static kfk_err update(int16_t version)
{
    kfk_err err = kfk__metadata_update(&m, &rs, version, NOW + 1);

    rs.topics.n = 0;
    return err;
}

/* Asks, and has an answer of one partition. */
static kfk_err learn(const char *name, int32_t leader, int32_t epoch)
{
    (void)ask();
    (void)answer(name, 1, leader, epoch);
    return update(NEWEST);
}

static void check_leader(const kfk__topic_info *t, int32_t partition, int32_t leader, int32_t epoch)
{
    ck_assert_int_lt(partition, t->n_partitions);
    ck_assert_int_eq(t->partitions[partition].leader, leader);
    ck_assert_int_eq(t->partitions[partition].leader_epoch, epoch);
}

/* ---- what is asked for ---- */

START_TEST(everything_is_asked_for_at_first)
{
    ck_assert(kfk__metadata_is_stale(&m));
    ck_assert_int_eq(m.updated_at, -1);
    ck_assert_int_eq(m.controller, -1);
    ck_assert_str_eq(ask(), "");
    ck_assert_int_eq(asked.topics.n, 0); /* none; null would be all there are */
    ck_assert_ptr_nonnull(asked.topics.v);
    ck_assert(!kfk__metadata_is_stale(&m));
}
END_TEST

START_TEST(a_new_topic_is_asked_for_once)
{
    (void)ask();
    ck_assert_int_eq(use("a")->err, KFK_ERR_WOULD_BLOCK);
    ck_assert(kfk__metadata_is_stale(&m));
    ck_assert_str_eq(ask(), "a,");
    ck_assert(!kfk__metadata_is_stale(&m));
    ck_assert_str_eq(ask(), "");
}
END_TEST

START_TEST(only_what_is_stale_is_asked_for)
{
    use("a");
    use("b");
    use("c");
    ck_assert_str_eq(ask(), "a,b,c,");
    kfk__metadata_stale(&m, find("b"));
    ck_assert_str_eq(ask(), "b,");
    kfk__metadata_stale(&m, NULL);
    ck_assert(kfk__metadata_is_stale(&m));
    ck_assert_str_eq(ask(), "a,b,c,");
}
END_TEST

START_TEST(topics_are_made_only_where_that_is_wanted)
{
    ck_assert_int_eq(kfk__metadata_ask(&m, true, &arena, &asked), KFK_OK);
    ck_assert(asked.allow_auto_topic_creation);
    ck_assert_int_eq(kfk__metadata_ask(&m, false, &arena, &asked), KFK_OK);
    ck_assert(!asked.allow_auto_topic_creation);
}
END_TEST

START_TEST(a_question_for_which_there_is_no_memory_stays_open)
{
    use("a");
    failalloc_fail_from(&mem, 1);
    ck_assert_int_eq(kfk__metadata_ask(&m, false, &arena, &asked), KFK_ERR_NOMEM);
    ck_assert(kfk__metadata_is_stale(&m));
    failalloc_fail_once(&mem, 0);
    ck_assert_str_eq(ask(), "a,");
}
END_TEST

START_TEST(a_topic_is_known_by_its_whole_name)
{
    kfk__topic_info *t = kfk__metadata_topic(&m, "abc", 2, NOW);

    ck_assert_str_eq(t->name, "ab");
    ck_assert_ptr_eq(use("ab"), t);
    ck_assert_ptr_null(find("abc"));
    ck_assert_ptr_null(find("a"));
    ck_assert_ptr_ne(use("abc"), t);
}
END_TEST

/* ---- answers ---- */

START_TEST(an_answer_tells_of_cluster_and_topics)
{
    kfk__topic_info *t = use("a");
    kfk__metadata_response_partition *p;

    ck_assert_str_eq(ask(), "a,");
    rs.controller_id = 5;
    rs.cluster_id = kfk__bytes_str("cluster");
    p = answer("a", 3, 1, 10);
    p[0].partition_index = 2; /* in any order */
    p[2].partition_index = 0;
    p[2].leader_id = 3;
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    ck_assert_int_eq(m.controller, 5);
    ck_assert_str_eq(m.cluster_id, "cluster");
    ck_assert_int_eq(m.updated_at, NOW + 1);
    ck_assert_int_eq(t->err, KFK_OK);
    ck_assert_int_eq(t->n_partitions, 3);
    check_leader(t, 0, 3, 10);
    check_leader(t, 1, 1, 10);
    check_leader(t, 2, 1, 10);
    ck_assert(!kfk__metadata_is_stale(&m));
}
END_TEST

START_TEST(names_are_cut_to_where_they_go_and_may_be_null)
{
    char id[200];

    memset(id, 'i', sizeof id);
    use("");
    (void)answer("a", 1, 1, 1);
    topics[0].name = (kfk_bytes){NULL, 0};
    rs.cluster_id = kfk__bytes(id, sizeof id);
    (void)update(NEWEST);
    ck_assert_uint_eq(strlen(m.cluster_id), sizeof m.cluster_id - 1);
    rs.cluster_id = (kfk_bytes){NULL, 0};
    (void)update(NEWEST);
    ck_assert_str_eq(m.cluster_id, "");
}
END_TEST

START_TEST(topics_that_nobody_uses_are_passed_over)
{
    (void)ask();
    (void)answer("stranger", 1, 1, 1);
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    ck_assert_ptr_null(find("stranger"));
}
END_TEST

START_TEST(a_topic_that_the_answer_leaves_out_is_asked_for_again)
{
    kfk__topic_info *t = use("a");

    use("b");
    ck_assert_str_eq(ask(), "a,b,");
    (void)answer("b", 1, 1, 1);
    ck_assert_int_eq(update(NEWEST), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(t->err, KFK_ERR_WOULD_BLOCK);
    ck_assert_str_eq(ask(), "a,");
}
END_TEST

START_TEST(a_topic_that_was_new_meanwhile_is_not_missed)
{
    use("a");
    ck_assert_str_eq(ask(), "a,");
    use("b");
    (void)answer("a", 1, 1, 1);
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    ck_assert_str_eq(ask(), "b,");
}
END_TEST

START_TEST(an_error_that_may_pass_is_asked_about_again)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn("a", 1, 1), KFK_OK);
    kfk__metadata_stale(&m, t);
    (void)ask();
    (void)answer("a", 0, 0, 0);
    topics[0].error_code = KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    ck_assert_int_eq(update(NEWEST), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(t->err, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    check_leader(t, 0, 1, 1); /* what was known stays */
    ck_assert_str_eq(ask(), "a,");
    ck_assert_int_eq(learn("a", 2, 2), KFK_OK);
    ck_assert_int_eq(t->err, KFK_OK);
}
END_TEST

START_TEST(an_error_that_stays_is_not_asked_about_again)
{
    static const int16_t codes[] = {KFK_ERR_TOPIC_AUTHORIZATION_FAILED,
                                    KFK_ERR_INVALID_TOPIC_EXCEPTION};

    for (size_t i = 0; i < 2; i++) {
        use("a");
        (void)ask();
        (void)answer("a", 0, 0, 0);
        topics[0].error_code = codes[i];
        ck_assert_int_eq(update(NEWEST), codes[i]);
        ck_assert_int_eq(find("a")->err, codes[i]);
        ck_assert(!kfk__metadata_is_stale(&m));
    }
}
END_TEST

START_TEST(a_topic_without_partitions_is_one_that_is_being_made)
{
    for (int32_t n = 0; n >= -1; n--) { /* -1: null */
        use("a");
        (void)ask();
        (void)answer("a", n, 0, 0);
        ck_assert_int_eq(update(NEWEST), KFK_ERR_LEADER_NOT_AVAILABLE);
        ck_assert_str_eq(ask(), "a,");
    }
}
END_TEST

START_TEST(one_partition_without_a_leader_makes_the_topic_stale)
{
    kfk__topic_info *t = use("a");
    kfk__metadata_response_partition *p;

    (void)ask();
    p = answer("a", 3, 1, 1);
    p[1].leader_id = -1;
    p[1].error_code = KFK_ERR_LEADER_NOT_AVAILABLE;
    ck_assert_int_eq(update(NEWEST), KFK_ERR_LEADER_NOT_AVAILABLE);
    ck_assert_int_eq(t->err, KFK_OK);
    check_leader(t, 0, 1, 1);
    check_leader(t, 1, -1, 1);
    check_leader(t, 2, 1, 1);
    ck_assert_str_eq(ask(), "a,");
}
END_TEST

START_TEST(a_leader_that_is_said_to_be_missing_is_none_whatever_its_id)
{
    (void)use("a");
    (void)ask();
    answer("a", 1, 1, 1)->error_code = KFK_ERR_LEADER_NOT_AVAILABLE;
    ck_assert_int_eq(update(NEWEST), KFK_ERR_LEADER_NOT_AVAILABLE);
    check_leader(find("a"), 0, -1, 1);
}
END_TEST

START_TEST(other_errors_of_a_partition_do_not_hide_its_leader)
{
    (void)use("a");
    (void)ask();
    answer("a", 1, 1, 1)->error_code = KFK_ERR_REPLICA_NOT_AVAILABLE;
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    check_leader(find("a"), 0, 1, 1);
}
END_TEST

START_TEST(partitions_with_numbers_that_cannot_be_do_no_harm)
{
    static const int32_t bad[] = {-1, 2, 1000000, INT32_MAX, INT32_MIN};
    kfk__topic_info *t = use("a");

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kfk__metadata_response_partition *p;

        (void)ask();
        p = answer("a", 2, 1, 1);
        p[1].partition_index = bad[i];
        ck_assert_int_eq(update(NEWEST), KFK_ERR_LEADER_NOT_AVAILABLE);
        ck_assert_int_eq(t->n_partitions, 2);
        check_leader(t, 0, 1, 1);
        check_leader(t, 1, -1, -1);
        ck_assert(kfk__metadata_is_stale(&m));
    }
}
END_TEST

START_TEST(a_topic_grows_and_never_shrinks)
{
    kfk__topic_info *t = use("a");

    (void)ask();
    (void)answer("a", 2, 1, 5);
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    (void)answer("a", 4, 2, 6);
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    ck_assert_int_eq(t->n_partitions, 4);
    (void)answer("a", 1, 3, 7);
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    ck_assert_int_eq(t->n_partitions, 4);
    check_leader(t, 0, 3, 7);
    check_leader(t, 1, 2, 6);
    check_leader(t, 3, 2, 6);
}
END_TEST

START_TEST(partitions_for_which_there_is_no_memory_are_asked_for_again)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn("a", 1, 1), KFK_OK);
    (void)answer("a", 4, 2, 2);
    failalloc_fail_once(&mem, 1);
    ck_assert_int_eq(update(NEWEST), KFK_ERR_NOMEM);
    ck_assert_int_eq(t->err, KFK_ERR_NOMEM);
    ck_assert_int_eq(t->n_partitions, 1);
    ck_assert_str_eq(ask(), "a,");
    (void)answer("a", 4, 2, 2);
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    check_leader(t, 3, 2, 2);
}
END_TEST

/* ---- leader epochs ---- */

START_TEST(check_20_a_leader_epoch_never_goes_back)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn("a", 1, 5), KFK_OK);
    ck_assert_int_eq(learn("a", 2, 4), KFK_OK); /* of a broker that lags behind */
    check_leader(t, 0, 1, 5);
    ck_assert_int_eq(learn("a", 2, 5), KFK_OK); /* the same again may say who it is */
    check_leader(t, 0, 2, 5);
    ck_assert_int_eq(learn("a", 3, 6), KFK_OK);
    check_leader(t, 0, 3, 6);
    ck_assert_int_eq(learn("a", 1, 0), KFK_OK);
    check_leader(t, 0, 3, 6);
}
END_TEST

/* A lagging broker names the leader of before: that is not who leads now, which nobody knows. */
START_TEST(an_old_answer_does_not_settle_who_leads)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn("a", -1, 5), KFK_ERR_LEADER_NOT_AVAILABLE);
    ck_assert_int_eq(learn("a", 1, 4), KFK_ERR_LEADER_NOT_AVAILABLE);
    check_leader(t, 0, -1, 5);
    ck_assert_str_eq(ask(), "a,");
}
END_TEST

START_TEST(epochs_of_old_brokers_are_not_relied_on)
{
    kfk__topic_info *t = use("a");

    (void)answer("a", 1, 1, 7);
    ck_assert_int_eq(update(8), KFK_OK);
    check_leader(t, 0, 1, -1);
    (void)answer("a", 1, 2, 7);
    ck_assert_int_eq(update(9), KFK_OK);
    check_leader(t, 0, 2, 7);
    (void)answer("a", 1, 3, 1);
    ck_assert_int_eq(update(8), KFK_OK); /* who leads is believed all the same */
    check_leader(t, 0, 3, -1);
}
END_TEST

/* ---- ids ---- */

static kfk_err learn_id(uint8_t id, int32_t leader, int32_t epoch)
{
    (void)ask();
    (void)answer("a", 2, leader, epoch);
    topics[0].topic_id.b[3] = id;
    return update(NEWEST);
}

START_TEST(check_20_another_topic_of_the_same_name_begins_anew)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn_id(1, 1, 9), KFK_OK);
    (void)answer("a", 1, 2, 0);
    topics[0].topic_id.b[3] = 2;
    ck_assert_int_eq(update(NEWEST), KFK_OK);
    ck_assert_int_eq(t->n_partitions, 1);
    check_leader(t, 0, 2, 0);
    ck_assert_uint_eq(t->id.b[3], 2);
}
END_TEST

START_TEST(an_id_that_becomes_known_changes_nothing_else)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn_id(0, 1, 9), KFK_OK);
    ck_assert(kfk__uuid_is_zero(&t->id));
    ck_assert_int_eq(learn_id(1, 2, 8), KFK_OK);
    check_leader(t, 0, 1, 9);
    ck_assert_int_eq(learn_id(0, 2, 8), KFK_OK); /* an old broker does not say it */
    ck_assert_uint_eq(t->id.b[3], 1);
    check_leader(t, 0, 1, 9);
}
END_TEST

START_TEST(another_topic_without_memory_has_nothing_of_the_old_one)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn_id(1, 1, 9), KFK_OK);
    failalloc_fail_once(&mem, 1);
    ck_assert_int_eq(learn_id(2, 2, 0), KFK_ERR_NOMEM);
    ck_assert_int_eq(t->n_partitions, 0);
    ck_assert_int_eq(learn_id(2, 2, 0), KFK_OK);
    check_leader(t, 1, 2, 0);
}
END_TEST

START_TEST(topics_are_found_by_id)
{
    kfk__uuid id = {{[3] = 1}}, zero = {{0}};

    use("b"); /* with an id that is not known */
    use("a");
    ck_assert_int_eq(learn_id(1, 1, 1), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_ptr_eq(kfk__metadata_by_id(&m, &id), find("a"));
    id.b[0] = 1;
    ck_assert_ptr_null(kfk__metadata_by_id(&m, &id));
    ck_assert_ptr_null(kfk__metadata_by_id(&m, &zero));
}
END_TEST

/* ---- hints ---- */

START_TEST(a_hint_of_a_newer_leader_is_news)
{
    kfk__topic_info *t = use("a");

    ck_assert_int_eq(learn("a", 1, 5), KFK_OK);
    ck_assert(!kfk__metadata_hint(t, 0, 2, 4));
    ck_assert(!kfk__metadata_hint(t, 0, 2, 5));
    ck_assert(!kfk__metadata_hint(t, 0, 2, -1));
    ck_assert(!kfk__metadata_hint(t, 0, -1, 6));
    check_leader(t, 0, 1, 5);
    ck_assert(kfk__metadata_hint(t, 0, 2, 6));
    check_leader(t, 0, 2, 6);
    ck_assert_int_eq(learn("a", 1, 5), KFK_OK); /* and metadata from before is none */
    check_leader(t, 0, 2, 6);
}
END_TEST

START_TEST(a_hint_where_no_epoch_is_known_is_news)
{
    kfk__topic_info *t = use("a");

    (void)answer("a", 1, 1, 0);
    ck_assert_int_eq(update(8), KFK_OK);
    ck_assert(!kfk__metadata_hint(t, 0, 2, -1));
    ck_assert(kfk__metadata_hint(t, 0, 2, 0));
    check_leader(t, 0, 2, 0);
}
END_TEST

START_TEST(a_hint_of_a_partition_that_is_not_known_is_nothing)
{
    static const int32_t bad[] = {-1, 1, INT32_MAX, INT32_MIN};
    kfk__topic_info *t = use("a");

    ck_assert(!kfk__metadata_hint(t, 0, 1, 1));
    ck_assert_int_eq(learn("a", 1, 5), KFK_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert(!kfk__metadata_hint(t, bad[i], 2, 6));
}
END_TEST

START_TEST(a_leader_that_moved_is_told_by_id_or_by_epoch)
{
    static const struct {
        kfk__partition_info then, now;
        bool moved;
    } cases[] = {
        {{1, 5}, {1, 5}, false},
        {{1, 5}, {2, 6}, true},
        {{1, 5}, {1, 6}, true},
        {{1, 5}, {1, 4}, false}, /* a topic made anew */
        {{1, -1}, {2, -1}, true},
        {{1, -1}, {1, -1}, false},
        {{1, -1}, {1, 3}, false}, /* who knows */
        {{1, 5}, {1, -1}, false},
        {{-1, -1}, {1, 0}, false},
        {{-1, 5}, {1, 6}, false},
        {{1, 5}, {-1, 6}, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(kfk__leader_moved(cases[i].then, cases[i].now), cases[i].moved);
}
END_TEST

/* ---- forgetting ---- */

START_TEST(topics_that_are_not_used_are_forgotten)
{
    (void)kfk__metadata_topic(&m, "a", 1, 10);
    (void)kfk__metadata_topic(&m, "b", 1, 20);
    (void)kfk__metadata_topic(&m, "c", 1, 10);
    (void)kfk__metadata_topic(&m, "c", 1, 21);
    (void)answer("a", 4, 1, 1);
    (void)update(NEWEST);
    kfk__metadata_expire(&m, 10);
    ck_assert_ptr_nonnull(find("a")); /* not before 10 */
    kfk__metadata_expire(&m, 21);
    ck_assert_ptr_null(find("a"));
    ck_assert_ptr_null(find("b"));
    ck_assert_ptr_nonnull(find("c"));
    ck_assert_str_eq(ask(), "c,");
    kfk__metadata_expire(&m, INT64_MAX);
    ck_assert_str_eq(ask(), "");
}
END_TEST

START_TEST(a_topic_that_was_forgotten_is_new_again)
{
    use("a");
    ck_assert_int_eq(learn("a", 1, 9), KFK_OK);
    kfk__metadata_forget(&m, find("a"));
    ck_assert_int_eq(use("a")->err, KFK_ERR_WOULD_BLOCK);
    ck_assert_int_eq(learn("a", 2, 1), KFK_OK);
    check_leader(find("a"), 0, 2, 1);
}
END_TEST

START_TEST(a_topic_for_which_there_is_no_memory_is_not_there)
{
    kfk__topic_info *t = NULL;
    uint64_t n;

    for (n = 1; !t; n++) {
        failalloc_fail_once(&mem, n);
        t = use("a");
        ck_assert_ptr_eq(find("a"), t);
        ck_assert_uint_eq(m.by_name.n, t ? 1 : 0);
        failalloc_fail_once(&mem, 0);
        ck_assert_str_eq(ask(), t ? "a," : "");
    }
    ck_assert_uint_ge(n, 4);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("metadata");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, everything_is_asked_for_at_first);
    tcase_add_test(t, a_new_topic_is_asked_for_once);
    tcase_add_test(t, only_what_is_stale_is_asked_for);
    tcase_add_test(t, topics_are_made_only_where_that_is_wanted);
    tcase_add_test(t, a_question_for_which_there_is_no_memory_stays_open);
    tcase_add_test(t, a_topic_is_known_by_its_whole_name);
    tcase_add_test(t, an_answer_tells_of_cluster_and_topics);
    tcase_add_test(t, names_are_cut_to_where_they_go_and_may_be_null);
    tcase_add_test(t, topics_that_nobody_uses_are_passed_over);
    tcase_add_test(t, a_topic_that_the_answer_leaves_out_is_asked_for_again);
    tcase_add_test(t, a_topic_that_was_new_meanwhile_is_not_missed);
    tcase_add_test(t, an_error_that_may_pass_is_asked_about_again);
    tcase_add_test(t, an_error_that_stays_is_not_asked_about_again);
    tcase_add_test(t, a_topic_without_partitions_is_one_that_is_being_made);
    tcase_add_test(t, one_partition_without_a_leader_makes_the_topic_stale);
    tcase_add_test(t, a_leader_that_is_said_to_be_missing_is_none_whatever_its_id);
    tcase_add_test(t, other_errors_of_a_partition_do_not_hide_its_leader);
    tcase_add_test(t, partitions_with_numbers_that_cannot_be_do_no_harm);
    tcase_add_test(t, a_topic_grows_and_never_shrinks);
    tcase_add_test(t, partitions_for_which_there_is_no_memory_are_asked_for_again);
    tcase_add_test(t, check_20_a_leader_epoch_never_goes_back);
    tcase_add_test(t, an_old_answer_does_not_settle_who_leads);
    tcase_add_test(t, epochs_of_old_brokers_are_not_relied_on);
    tcase_add_test(t, check_20_another_topic_of_the_same_name_begins_anew);
    tcase_add_test(t, an_id_that_becomes_known_changes_nothing_else);
    tcase_add_test(t, another_topic_without_memory_has_nothing_of_the_old_one);
    tcase_add_test(t, topics_are_found_by_id);
    tcase_add_test(t, a_hint_of_a_newer_leader_is_news);
    tcase_add_test(t, a_hint_where_no_epoch_is_known_is_news);
    tcase_add_test(t, a_hint_of_a_partition_that_is_not_known_is_nothing);
    tcase_add_test(t, a_leader_that_moved_is_told_by_id_or_by_epoch);
    tcase_add_test(t, topics_that_are_not_used_are_forgotten);
    tcase_add_test(t, a_topic_that_was_forgotten_is_new_again);
    tcase_add_test(t, a_topic_for_which_there_is_no_memory_is_not_there);
    return run_suite("client/metadata", t);
}
