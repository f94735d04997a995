/* Fetch sessions: slots, ids, who gives way to whom, and the partitions of one session. */
#include "batches.h"

#include "devbroker/sessions.h"
#include "devbroker/topic.h"
#include "net/env_posix.h"
#include "sim/failalloc.h"

static const int64_t old_ns = 120000 * KFK__MS;
static kfk__env env;
static kfk__dev_sessions ss;

static void setup(void)
{
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    kfk__dev_sessions_init(&ss, &kfk__malloc_allocator);
}

static void teardown(void)
{
    kfk__dev_sessions_fini(&ss);
}

static kfk__dev_wish wish(const char *topic, int32_t partition)
{
    return (kfk__dev_wish){
        .topic = kfk__bytes_str(topic), .partition = partition, .told_high = -1, .told_start = -1};
}

/* With |n| partitions of topic t. */
static kfk__dev_session *open_by(bool by_id, int32_t n, int64_t now)
{
    kfk__dev_session *s = kfk__dev_sessions_open(&ss, &env, by_id, (size_t)n, now);

    for (int32_t i = 0; s && i < n; i++) {
        kfk__dev_wish w = wish("t", i);

        ck_assert(kfk__dev_session_want(s, &w));
    }
    return s;
}

static kfk__dev_session *open_session(int32_t n, int64_t now)
{
    return open_by(false, n, now);
}

/* The index of the |at|-th partition to be served; -1: there is none. */
static int32_t served(const kfk__dev_session *s, int at)
{
    kfk__list *i = kfk__list_first(&s->partitions);

    while (i && at-- > 0)
        i = kfk__list_next(&s->partitions, i);
    return i ? KFK__ENTRY(i, kfk__dev_session_partition, link)->wish.partition : -1;
}

static const kfk__dev_wish *first(const kfk__dev_session *s)
{
    return &KFK__ENTRY(kfk__list_first(&s->partitions), kfk__dev_session_partition, link)->wish;
}

START_TEST(a_session_has_an_id_of_its_own)
{
    const kfk__dev_session *s = open_session(1, 0), *t = open_session(1, 0);

    ck_assert_int_gt(s->id, 0);
    ck_assert_int_gt(t->id, 0);
    ck_assert_int_ne(s->id, t->id);
    ck_assert_int_eq(s->epoch, 1);
    ck_assert_ptr_eq(kfk__dev_sessions_get(&ss, s->id), s);
    ck_assert_ptr_null(kfk__dev_sessions_get(&ss, 0));
    kfk__dev_sessions_expire(&ss);
    ck_assert_uint_eq(ss.by_id.n, 0);
}
END_TEST

START_TEST(epochs_go_round)
{
    kfk__dev_session *s = open_session(1, 0);

    kfk__dev_sessions_use(&ss, s, 0);
    ck_assert_int_eq(s->epoch, 2);
    kfk__dev_sessions_set_epoch(&ss, INT32_MAX);
    kfk__dev_sessions_use(&ss, s, 0);
    ck_assert_int_eq(s->epoch, 1);
}
END_TEST

START_TEST(there_are_so_many_slots)
{
    int32_t id;

    kfk__dev_sessions_limit(&ss, 2);
    id = open_session(1, 0)->id;
    ck_assert_ptr_nonnull(open_session(1, 0));
    ck_assert_ptr_null(open_session(5, 0));
    kfk__dev_sessions_close(&ss, kfk__dev_sessions_get(&ss, id));
    ck_assert_ptr_nonnull(open_session(5, 0));
    kfk__dev_sessions_limit(&ss, 0);
    ck_assert_uint_eq(ss.by_id.n, 0);
    ck_assert_ptr_null(open_session(1, 0));
}
END_TEST

START_TEST(the_ones_unused_for_longest_go_first)
{
    kfk__dev_session *s = open_session(1, 0), *t = open_session(1, 0);
    int32_t kept = s->id;

    ck_assert_ptr_nonnull(t);
    kfk__dev_sessions_use(&ss, s, 5);
    kfk__dev_sessions_limit(&ss, 1);
    ck_assert_ptr_eq(kfk__dev_sessions_get(&ss, kept), s);
    ck_assert_ptr_null(open_session(1, 5 + old_ns));
    ck_assert_ptr_nonnull(open_session(1, 6 + old_ns));
    ck_assert_ptr_null(kfk__dev_sessions_get(&ss, kept));
}
END_TEST

/* One that is used gives way only when it is old, and only to a larger one. */
START_TEST(small_ones_give_way_to_larger_ones)
{
    kfk__dev_session *large = open_session(5, 0), *small = open_session(3, 0);
    int32_t kept = large->id, gone = small->id;

    kfk__dev_sessions_limit(&ss, 2);
    kfk__dev_sessions_use(&ss, large, old_ns);
    kfk__dev_sessions_use(&ss, small, old_ns);
    ck_assert_ptr_null(open_session(9, old_ns + 1));
    kfk__dev_sessions_use(&ss, large, old_ns + 1);
    kfk__dev_sessions_use(&ss, small, old_ns + 1);
    ck_assert_ptr_null(open_session(3, old_ns + 1));
    ck_assert_ptr_nonnull(open_session(4, old_ns + 1));
    ck_assert_ptr_null(kfk__dev_sessions_get(&ss, gone));
    ck_assert_ptr_nonnull(kfk__dev_sessions_get(&ss, kept));
}
END_TEST

START_TEST(what_gave_records_goes_to_the_end)
{
    kfk__dev_session *s = open_session(3, 0);
    kfk__dev_wish w = wish("t", 0);

    kfk__dev_session_told(s, &w, 7, 2, true);
    ck_assert_int_eq(served(s, 0), 1);
    ck_assert_int_eq(served(s, 1), 2);
    ck_assert_int_eq(served(s, 2), 0);
    w = wish("t", 1);
    kfk__dev_session_told(s, &w, 9, 3, false);
    ck_assert_int_eq(served(s, 0), 1);
    ck_assert_int_eq(first(s)->told_high, 9);
    ck_assert_int_eq(first(s)->told_start, 3);
}
END_TEST

START_TEST(partitions_come_change_and_go)
{
    kfk__dev_session *s = open_session(2, 0);
    kfk__dev_wish w = wish("t", 0);

    kfk__dev_session_told(s, &w, 7, 2, false);
    w.offset = 44;
    ck_assert(kfk__dev_session_want(s, &w));
    ck_assert_uint_eq(s->by_key.n, 2);
    ck_assert_int_eq(first(s)->offset, 44);
    ck_assert_int_eq(first(s)->told_high, 7);
    kfk__dev_session_forget(s, &w);
    ck_assert_int_eq(served(s, 0), 1);
    ck_assert_int_eq(served(s, 1), -1);
    kfk__dev_session_forget(s, &w);
    w = wish("other", 1);
    kfk__dev_session_forget(s, &w);
    kfk__dev_session_told(s, &w, 7, 2, true);
    ck_assert_int_eq(kfk__dev_sessions_partitions(&ss), 1);
}
END_TEST

/* Two ids may have had the same name; a name that was not known stays what it was first. */
START_TEST(ids_tell_topics_apart)
{
    kfk__dev_session *s = open_by(true, 0, 0);
    kfk__dev_wish w = wish("t", 0);

    w.topic = (kfk_bytes){0};
    ck_assert(kfk__dev_session_want(s, &w));
    w.id.b[3] = 1;
    ck_assert(kfk__dev_session_want(s, &w));
    ck_assert_uint_eq(s->by_key.n, 2);
    w.id.b[3] = 0;
    w.topic = kfk__bytes_str("t");
    ck_assert(kfk__dev_session_want(s, &w));
    w.topic = kfk__bytes_str("u");
    ck_assert(kfk__dev_session_want(s, &w));
    ck_assert_uint_eq(s->by_key.n, 2);
    ck_assert(kfk__bytes_equal(first(s)->topic, kfk__bytes_str("t")));
}
END_TEST

/* Each allocation fails in turn: what is not kept leaves nothing behind. */
START_TEST(without_memory_nothing_is_kept)
{
    kfk__dev_wish w = wish("t", 0);
    failalloc mem;
    kfk_allocator a;

    failalloc_init(&mem);
    a = failalloc_allocator(&mem);
    for (uint64_t n = 1; n == 1 || failalloc_failed(&mem); n++) {
        kfk__dev_session *s;
        bool kept;

        kfk__dev_sessions_init(&ss, &a);
        failalloc_fail_once(&mem, n);
        s = kfk__dev_sessions_open(&ss, &env, false, 1, 0);
        kept = s && kfk__dev_session_want(s, &w);
        ck_assert_int_eq(kept, !failalloc_failed(&mem));
        ck_assert_int_eq(kfk__dev_sessions_partitions(&ss), kept);
        kfk__dev_sessions_fini(&ss);
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
    }
    setup();
}
END_TEST

START_TEST(a_name_too_long_for_a_topic_is_not_kept)
{
    kfk__dev_session *s = open_session(1, 0);
    char name[KFK__DEV_NAME_MAX + 2];
    kfk__dev_wish w;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    w = wish(name, 0);
    ck_assert(kfk__dev_session_want(s, &w));
    kfk__dev_session_forget(s, &w);
    ck_assert_uint_eq(s->by_key.n, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/sessions");
    TCase *t = tcase_create("sessions");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_session_has_an_id_of_its_own);
    tcase_add_test(t, epochs_go_round);
    tcase_add_test(t, there_are_so_many_slots);
    tcase_add_test(t, the_ones_unused_for_longest_go_first);
    tcase_add_test(t, small_ones_give_way_to_larger_ones);
    tcase_add_test(t, what_gave_records_goes_to_the_end);
    tcase_add_test(t, partitions_come_change_and_go);
    tcase_add_test(t, ids_tell_topics_apart);
    tcase_add_test(t, without_memory_nothing_is_kept);
    tcase_add_test(t, a_name_too_long_for_a_topic_is_not_kept);
    suite_add_tcase(s, t);
    return run_suite(s);
}
