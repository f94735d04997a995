/* Who gets the next record where turns are taken, and who the next batch of records without a key. */
#include "producer/topics.h"

#include "base/mem.h"
#include "unit/suite.h"

static kfk__topics topics;
static kfk__topic *topic;

static void begin_with(int32_t partitions, const kfk__topic_options *o)
{
    kfk__partitions *ps;
    bool fresh;

    kfk__topics_init(&topics, &kfk__malloc_allocator);
    topic = kfk__topics_add(&topics, "t", 1, o, &fresh);
    ck_assert_ptr_nonnull(topic);
    ck_assert(fresh);
    ps = kfk__topic_grow(&topics, topic, partitions);
    ck_assert_ptr_nonnull(ps);
    ck_assert_ptr_null(kfk__topic_partitions(topic));
    kfk__topic_publish(topic, ps);
}

static void begin(int32_t partitions)
{
    begin_with(partitions, &(kfk__topic_options){.partitioner = KFK__PARTITIONER_DEFAULT});
}

static void end(void)
{
    kfk__topics_fini(&topics);
}

static kfk__partition *at(int32_t i)
{
    return kfk__topic_partitions(topic)->v[i];
}

/* How often each is chosen, in |n| choices. */
static void choose(int n, bool adaptive, int *counts)
{
    int32_t now = -1;

    for (int i = 0; i < n; i++) {
        now = kfk__topic_sticky(topic, kfk__topic_partitions(topic), now, adaptive, (uint64_t)i);
        counts[now]++;
    }
}

START_TEST(it_stays_until_it_is_found_full)
{
    int32_t first, other;

    begin(5);
    first = kfk__topic_sticky(topic, kfk__topic_partitions(topic), -1, true, 1);
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(kfk__topic_sticky(topic, kfk__topic_partitions(topic), -1, true, i), first);
        ck_assert_int_eq(
            kfk__topic_sticky(topic, kfk__topic_partitions(topic), (first + 1) % 5, true, i), first);
    }
    other = kfk__topic_sticky(topic, kfk__topic_partitions(topic), first, true, 1);
    ck_assert_int_ne(other, first);
    end();
}
END_TEST

START_TEST(all_are_chosen_alike)
{
    static const int32_t sizes[] = {2, 3, 10, 64, 65, 200};

    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int counts[200] = {0}, n = sizes[k] * 1000;

        begin(sizes[k]);
        choose(n, true, counts);
        for (int32_t i = 0; i < sizes[k]; i++)
            ck_assert_msg(counts[i] > 850 && counts[i] < 1150, "%d of %d: %d", i, sizes[k],
                          counts[i]);
        end();
    }
}
END_TEST

/* Java's weights: the longest queue's is 1, an empty one's the longest plus 1. */
START_TEST(long_queues_are_chosen_less)
{
    int counts[3] = {0}, plain[3] = {0};

    begin(3);
    atomic_store(&at(1)->queued, 9);
    choose(30000, true, counts);
    /* After partition 1 one of the others follows; after one of those, 1 does with a weight of 1 in 11. */
    ck_assert_int_lt(counts[1], 30000 / 9);
    ck_assert_int_gt(counts[1], 30000 / 16);
    atomic_store(&topic->sticky, -1);
    choose(30000, false, plain);
    ck_assert_int_gt(plain[1], 9000);
    end();
}
END_TEST

START_TEST(one_that_is_away_is_not_chosen)
{
    int counts[4] = {0};

    begin(4);
    atomic_store(&at(2)->away, true);
    choose(1000, true, counts);
    ck_assert_int_eq(counts[2], 0);
    end();
}
END_TEST

START_TEST(where_all_others_are_away_it_stays)
{
    int counts[3] = {0};

    begin(3);
    atomic_store(&at(0)->away, true);
    atomic_store(&at(2)->away, true);
    choose(100, true, counts);
    ck_assert_int_eq(counts[1], 100);
    end();
}
END_TEST

START_TEST(where_all_are_away_any_is_chosen)
{
    int counts[3] = {0};

    begin(3);
    for (int32_t i = 0; i < 3; i++)
        atomic_store(&at(i)->away, true);
    choose(300, true, counts);
    for (int i = 0; i < 3; i++)
        ck_assert_int_gt(counts[i], 50);
    end();
}
END_TEST

START_TEST(the_only_one_is_chosen_again)
{
    int counts[1] = {0};

    begin(1);
    choose(10, true, counts);
    ck_assert_int_eq(counts[0], 10);
    end();
}
END_TEST

/* ---- turns ---- */

static int32_t next_turn(void)
{
    static const kfk_record r = {.struct_size = sizeof r, .topic = "t", .key = {"k0", 2}};

    return kfk__topic_choose(topic, kfk__topic_partitions(topic), &r);
}

static void turns_are(const int32_t *is, int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(next_turn(), is[i]);
}

/* Java's order, too: it counts through the list of those that have a leader. */
START_TEST(who_has_no_leader_passes_its_turn_on)
{
    begin_with(4, &(kfk__topic_options){.partitioner = KFK__PARTITIONER_ROUND_ROBIN});
    turns_are((const int32_t[]){0, 1, 2, 3, 0}, 5);
    atomic_store(&at(2)->leaderless, true);
    turns_are((const int32_t[]){1, 3, 0, 1, 3, 0}, 6);
    atomic_store(&at(1)->leaderless, true);
    turns_are((const int32_t[]){3, 0, 3, 0, 3}, 5);
    atomic_store(&at(3)->leaderless, true);
    turns_are((const int32_t[]){0, 0, 0}, 3);
    atomic_store(&at(1)->leaderless, false);
    turns_are((const int32_t[]){1, 0, 1}, 3);
    end();
}
END_TEST

START_TEST(where_none_has_a_leader_all_take_turns)
{
    begin_with(3, &(kfk__topic_options){.partitioner = KFK__PARTITIONER_ROUND_ROBIN});
    for (int32_t i = 0; i < 3; i++)
        atomic_store(&at(i)->leaderless, true);
    turns_are((const int32_t[]){0, 1, 2, 0, 1, 2, 0}, 7);
    end();
}
END_TEST

/* As with Java's: partitioner.availability.timeout.ms is for the sticky choice alone. */
START_TEST(a_leader_that_takes_nothing_keeps_its_turns)
{
    begin_with(3, &(kfk__topic_options){.partitioner = KFK__PARTITIONER_ROUND_ROBIN});
    atomic_store(&at(1)->away, true);
    turns_are((const int32_t[]){0, 1, 2, 0, 1, 2}, 6);
    end();
}
END_TEST

static int32_t second(const kfk_record *r, const kfk_topic_info *t, void *arg)
{
    (void)r, (void)t, (void)arg;
    return 1;
}

/* Nor does anything but turns look at leaders: a key means its partition, and so does what the program says. */
START_TEST(a_choice_that_is_no_turn_is_not_passed_on)
{
    begin(3);
    atomic_store(&at(2)->leaderless, true);
    turns_are((const int32_t[]){2, 2, 2}, 3);
    end();
    begin_with(3, &(kfk__topic_options){.partitioner = KFK__PARTITIONER_ROUND_ROBIN,
                                        .partition = second});
    atomic_store(&at(1)->leaderless, true);
    turns_are((const int32_t[]){1, 1, 1}, 3);
    end();
}
END_TEST

/* ---- how well batches compress ---- */

START_TEST(the_ratio_worsens_fast_and_improves_slowly)
{
    begin(1);
    ck_assert_double_eq_tol(topic->ratio, 1.0, 1e-9);
    kfk__topic_observe_ratio(topic, 0.2);
    ck_assert_double_eq_tol(topic->ratio, 0.995, 1e-9);
    kfk__topic_observe_ratio(topic, 0.994);
    ck_assert_double_eq_tol(topic->ratio, 0.994, 1e-9);
    kfk__topic_observe_ratio(topic, 0.996);
    ck_assert_double_eq_tol(topic->ratio, 1.044, 1e-9);
    kfk__topic_observe_ratio(topic, 1.2);
    ck_assert_double_eq_tol(topic->ratio, 1.2, 1e-9);
    end();
}
END_TEST

START_TEST(raw_room_follows_the_ratio)
{
    begin(1);
    ck_assert_uint_eq(kfk__topic_raw_limit(topic, 16384), (size_t)((16384 - 61) / 1.05));
    for (int i = 0; i < 1000; i++)
        kfk__topic_observe_ratio(topic, 0.01);
    ck_assert_uint_eq(kfk__topic_raw_limit(topic, 16384), 16384 * 16);
    ck_assert_uint_eq(kfk__topic_raw_limit(topic, 0), 0);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {it_stays_until_it_is_found_full,
                                  all_are_chosen_alike,
                                  long_queues_are_chosen_less,
                                  one_that_is_away_is_not_chosen,
                                  where_all_others_are_away_it_stays,
                                  where_all_are_away_any_is_chosen,
                                  the_only_one_is_chosen_again,
                                  who_has_no_leader_passes_its_turn_on,
                                  where_none_has_a_leader_all_take_turns,
                                  a_leader_that_takes_nothing_keeps_its_turns,
                                  a_choice_that_is_no_turn_is_not_passed_on,
                                  the_ratio_worsens_fast_and_improves_slowly,
                                  raw_room_follows_the_ratio,
                                  NULL};

    return unit_main("producer/topics", tests);
}
