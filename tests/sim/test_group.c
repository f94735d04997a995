/* Groups by a handler: what a ten-line program does, and what the user's notes do. */
#include <stdio.h>
#include <string.h>

#include "sim/groups.h"

static member a, b;

static void ten_lines(void)
{
    memset(&a, 0, sizeof a);
    topic("t", 3, 1);
    group_fill("t", 3, 60);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 60, 20000);
    ck_assert_str_eq(a.text, "+t-0 t-1 t-2;");
    group_end(&a, KFK_OK);
    ck_assert_str_eq(a.text, "+t-0 t-1 t-2;-t-0 t-1 t-2;");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(a.seen[i], 20);
        ck_assert_int_eq(a.cleaned[i].offset, 20);
        ck_assert_int_eq(group_committed("t", i), 20);
    }
    ck_assert_int_eq(a.errors, 0);
}

START_TEST(records_come_in_order_and_are_committed)
{
    world_seeds(&(world_opts){0}, 20, ten_lines);
    world_seeds(&(world_opts){.profile = "2.1"}, 10, ten_lines);
}
END_TEST

static void new_protocol(void)
{
    memset(&a, 0, sizeof a);
    topic("t", 3, 1);
    group_fill("t", 3, 60);
    group_new(&a, "group.protocol", "consumer", NULL);
    group_run(&a);
    group_await_records(&a, 60, 20000);
    group_end(&a, KFK_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(group_committed("t", i), 20);
}

START_TEST(the_same_with_the_new_protocol)
{
    world_seeds(&(world_opts){0}, 20, new_protocol);
}
END_TEST

/* The handler that has neither setup nor anything else. */
static void bare(void)
{
    memset(&a, 0, sizeof a);
    a.bare = true;
    a.h.record = group_record;
    topic("t", 2, 1);
    group_fill("t", 2, 20);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 1), 10);
}

START_TEST(all_but_record_may_be_left_out)
{
    world_seeds(&(world_opts){0}, 10, bare);
}
END_TEST

/* ---- the user's notes: a function for each topic, oldest, mark after the handler, close, start again ---- */

static struct {
    int of[2];
    char order[256];
} notes;

static kfk_err by_topic(kfk_group *g, const kfk_record_view *r, void *arg)
{
    static const char *const names[] = {"clicks", "orders"};

    (void)g;
    (void)arg;
    for (int i = 0; i < 2; i++)
        if (strcmp(r->topic, names[i]) == 0)
            notes.of[i]++;
    a.records++;
    return KFK_OK;
}

static void as_in_the_notes(void)
{
    static const char *const topics[] = {"clicks", "orders", NULL};

    memset(&a, 0, sizeof a);
    memset(&notes, 0, sizeof notes);
    topic("clicks", 2, 1);
    topic("orders", 1, 1);
    group_fill("clicks", 2, 10);
    group_fill("orders", 1, 5);
    a.topics = topics;
    a.bare = true;
    a.h.record = by_topic;
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 15, 20000);
    ck_assert_int_eq(kfk_group_close(a.g, 10000, &w.e), KFK_OK);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(notes.of[0], 10);
    ck_assert_int_eq(notes.of[1], 5);

    group_new(&a, NULL);
    group_run(&a);
    nap(5000);
    ck_assert_int_eq(a.records, 0); /* nothing comes twice */
    group_fill("orders", 1, 3);
    group_await_records(&a, 3, 20000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(notes.of[1], 8);
}

START_TEST(a_function_for_each_topic_and_nothing_twice)
{
    world_seeds(&(world_opts){0}, 10, as_in_the_notes);
}
END_TEST

/* ---- two members ---- */

static void share(void)
{
    int n;

    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    topic("t", 4, 1);
    group_fill("t", 4, 40);
    group_new(&a, "auto.commit.interval.ms", "100000", NULL);
    group_run(&a);
    group_await_records(&a, 40, 20000);
    group_new(&b, "auto.commit.interval.ms", "100000", NULL);
    group_run(&b);
    group_until(&b.setups, 1, 60000);
    group_fill("t", 4, 40);
    for (n = 0; a.records + b.records < 80 && n < 5000; n++)
        nap(10);
    ck_assert_int_eq(a.records + b.records, 80); /* none of the first 40 again */
    ck_assert_int_gt(b.records, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(a.seen[i] + b.seen[i], 20);
    group_end(&b, KFK_OK);
    group_end(&a, KFK_OK);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(group_committed("t", i), 20);
}

START_TEST(what_is_given_up_has_been_committed)
{
    world_seeds(&(world_opts){0}, 20, share);
}
END_TEST

/* What cleanup did is done before the other is set up. */
static kfk_err setup_after(kfk_group *g, kfk_tp *tps, size_t n, void *arg)
{
    (void)g;
    (void)arg;
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(a.cleaned[tps[i].partition].partition, tps[i].partition);
    ck_assert(a.cleanups > 0);
    b.setups++;
    return KFK_OK;
}

static kfk_err no_cleanup(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    (void)g, (void)tps, (void)n, (void)arg;
    return KFK_OK;
}

static void in_order(void)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    topic("t", 2, 1);
    group_fill("t", 2, 20);
    a.cleanup_ms = 3000;
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    b.h.setup = setup_after;
    b.h.cleanup = no_cleanup;
    group_new(&b, NULL);
    group_run(&b);
    group_until(&b.setups, 1, 60000);
    ck_assert_int_ge(a.left, 1000);
    a.cleanup_ms = 0;
    group_end(&a, KFK_OK);
    group_end(&b, KFK_OK);
}

START_TEST(cleanup_is_over_before_another_is_set_up)
{
    world_seeds(&(world_opts){0}, 10, in_order);
}
END_TEST

int main(void)
{
    return world_main("sim/group", (const TTest *const[]){
                                       records_come_in_order_and_are_committed,
                                       the_same_with_the_new_protocol,
                                       all_but_record_may_be_left_out,
                                       a_function_for_each_topic_and_nothing_twice,
                                       what_is_given_up_has_been_committed,
                                       cleanup_is_over_before_another_is_set_up,
                                       NULL,
                                   });
}
