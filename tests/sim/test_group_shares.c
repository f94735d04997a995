/* Members of a group that share its topics: by each protocol and assignor, and as members come and go. */
#include <string.h>

#include "sim/crew.h"

/* How a group shares. */
typedef struct way {
    const char *protocol, *strategy; /* NULL: the default */
    bool keeps; /* partitions that stay are not taken first */
} way;

static const way ways[] = {
    {"classic", NULL, false},        {"classic", "roundrobin", false},
    {"classic", "sticky", false},    {"classic", "cooperative-sticky", true},
    {"consumer", NULL, true},
};
enum { WAYS = sizeof ways / sizeof *ways };
static const way *by;

static const crew_habits plain = {0};

static int join(const crew_habits *habits, const char *topics)
{
    if (by->strategy)
        return crew_join_as(habits, topics, "partition.assignment.strategy", by->strategy, NULL);
    return crew_join_as(habits, topics, NULL);
}

static int member(void)
{
    return join(&plain, "t0");
}

static void begin(int parts)
{
    crew_begin(by->protocol);
    crew_topic(0, parts);
    crew_fill(0, parts, 10);
}

static void end(void)
{
    crew_end();
    ck_assert_int_eq(crew_group().members, 0);
}

/* For each way, and some seeds. */
static void run(uint64_t seeds, void (*app)(void))
{
    for (int i = 0; i < WAYS; i++) {
        by = &ways[i];
        world_seeds(&(world_opts){.nodes = 2, .heard = crew_heard}, seeds, app);
    }
}

/* ---- who has what ---- */

static void two_and_three(void)
{
    begin(6);
    (void)member();
    (void)member();
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 3);
    ck_assert_int_eq(crew_has(1), 3);
    (void)member();
    (void)crew_await(15000);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(crew_has(i), 2);
    crew_await_read(10000);
    end();
}

START_TEST(members_share)
{
    run(5, two_and_three);
}
END_TEST

/* What stays with a member is not taken from it first, where the protocol can do so, and is read on meanwhile. */
static bool has_kept;

static void a_second_comes(void)
{
    begin(4);
    (void)member();
    (void)crew_await(10000);
    ck_assert_str_eq(crew_log(0), "+t0-0 t0-1 t0-2 t0-3;");
    crew_forget_log(0);
    (void)member();
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 2);
    if (by->keeps) {
        char log[CREW_LOG];

        strcpy(log, crew_log(0));
        ck_assert_msg(log[0] == '-' || strncmp(log, "+;-", 3) == 0, "%s", log);
        ck_assert_msg(strchr(log, '-') && strstr(log, "+t") == NULL, "%s", log);
    } else {
        ck_assert_int_eq(strncmp(crew_log(0), "-t0-0 t0-1 t0-2 t0-3;+t", 23), 0);
    }
    has_kept = true;
    crew_await_read(10000);
    end();
}

START_TEST(what_stays_is_kept)
{
    run(5, a_second_comes);
    ck_assert(has_kept);
}
END_TEST

/* ---- as they go ---- */

static void leaves(void)
{
    int64_t took;

    begin(4);
    (void)member();
    (void)member();
    (void)crew_await(15000);
    ck_assert_int_eq(crew_leave(1, 10000), KFK_OK);
    took = crew_await(5000);
    ck_assert_int_lt(took, 4000); /* not the session timeout: heartbeats tell of it */
    ck_assert_int_eq(crew_has(0), 4);
    crew_await_read(10000);
    end();
}

START_TEST(who_leaves_is_not_waited_for)
{
    run(5, leaves);
}
END_TEST

static void dies(void)
{
    int64_t took;

    begin(4);
    (void)member();
    (void)member();
    (void)crew_await(15000);
    crew_die(1);
    took = crew_await(12000);
    ck_assert_int_gt(took, 3000);
    ck_assert_int_eq(crew_has(0), 4);
    crew_await_read(10000);
    end();
}

START_TEST(who_dies_is_waited_for)
{
    run(5, dies);
}
END_TEST

/* Nobody hears of it, and it hears of nobody. */
static void is_cut_off(void)
{
    begin(4);
    (void)member();
    (void)member();
    (void)crew_await(15000);
    crew_forget_log(1);
    crew_cut_off(1, true);
    nap(12000);
    ck_assert_int_eq(crew_has(0), 4);
    crew_cut_off(1, false);
    (void)crew_await(20000);
    ck_assert_int_eq(crew_has(0), 2);
    ck_assert_int_eq(crew_log(1)[0], '!');
    ck_assert(strstr(crew_log(1), ";-") == NULL);
    crew_await_read(10000);
    end();
}

START_TEST(who_is_cut_off_loses_what_it_has)
{
    run(5, is_cut_off);
}
END_TEST

static void pauses(void)
{
    begin(4);
    (void)member();
    (void)member();
    (void)crew_await(15000);
    crew_forget_log(1);
    crew_pause(1, 20000); /* more than the session timeout, less than max.poll.interval.ms */
    nap(19000);
    ck_assert_str_eq(crew_log(1), "");
    (void)crew_await(10000);
    ck_assert_str_eq(crew_log(1), "");
    end();
}

START_TEST(who_does_not_poll_stays_until_max_poll_interval)
{
    run(3, pauses);
}
END_TEST

static void unsubscribes(void)
{
    begin(4);
    (void)member();
    (void)member();
    (void)crew_await(15000);
    crew_forget_log(1);
    ck_assert_int_eq(crew_unsubscribe(1, 10000), KFK_OK);
    ck_assert_int_eq(crew_log(1)[0], '-');
    (void)crew_await(10000);
    ck_assert_int_eq(crew_has(0), 4);
    ck_assert_int_eq(crew_subscribe(1, "t0"), KFK_OK);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 2);
    ck_assert_int_eq(crew_unsubscribe(1, 10000), KFK_OK);
    ck_assert_int_eq(crew_subscribe(1, "t0"), KFK_OK);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 2);
    crew_await_read(10000);
    end();
}

START_TEST(who_unsubscribes_may_come_back)
{
    run(5, unsubscribes);
}
END_TEST

/* ---- topics ---- */

static void other_topics(void)
{
    begin(2);
    crew_topic(1, 3);
    crew_fill(1, 3, 4);
    (void)member();
    (void)join(&plain, "t1");
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 2);
    ck_assert_int_eq(crew_has(1), 3);
    ck_assert_int_eq(crew_subscribe(0, "t0,t1"), KFK_OK);
    (void)crew_await(15000);
    ck_assert(crew_has(0) >= 2 && crew_has(1) >= 1);
    ck_assert_int_eq(crew_subscribe(1, "t0"), KFK_OK);
    (void)crew_await(15000);
    ck_assert(crew_holds(0, 1, 0) && crew_holds(0, 1, 1) && crew_holds(0, 1, 2));
    ck_assert_int_eq(crew_subscribe(0, "t0"), KFK_OK);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 1);
    ck_assert_int_eq(crew_has(1), 1);
    crew_await_read(10000);
    end();
}

START_TEST(a_subscription_changes)
{
    run(5, other_topics);
}
END_TEST

static void grows(void)
{
    begin(2);
    (void)join(&plain, "t0");
    (void)member();
    (void)crew_await(15000);
    ck_assert(crew_grow(0, 6));
    crew_fill(0, 6, 5);
    nap(1000);
    (void)crew_await(310000); /* metadata.max.age.ms */
    ck_assert_int_eq(crew_has(0), 3);
    crew_await_read(10000);
    end();
}

START_TEST(a_topic_grows)
{
    for (int i = 0; i < WAYS; i++) {
        by = &ways[i];
        world_seeds(&(world_opts){.nodes = 2, .heard = crew_heard, .limit = 1200 * SIM_S}, 2, grows);
    }
}
END_TEST

static void a_topic_comes(void)
{
    begin(2);
    (void)join(&plain, "^t[0-2]");
    (void)join(&plain, "^t[0-2]");
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 1);
    crew_topic(1, 4);
    crew_fill(1, 4, 3);
    nap(1000);
    (void)crew_await(310000);
    ck_assert_int_eq(crew_has(0), 3);
    crew_await_read(10000);
    end();
}

/* The leader asks what there is before it assigns, and may have known less. */
static void grows_unseen(void)
{
    int32_t epoch;

    begin(2);
    (void)member();
    (void)crew_await(15000);
    epoch = crew_group().epoch;
    ck_assert(crew_grow(0, 6));
    (void)member();
    (void)crew_await(20000);
    nap(5000);
    ck_assert_int_le(crew_group().epoch, epoch + 4);
    ck_assert_int_eq(crew_has(0), 3);
    end();
}

START_TEST(growth_that_a_rebalance_finds_causes_no_other)
{
    run(3, grows_unseen);
}
END_TEST

/* Kafka looks for topics that match each ten minutes. */
START_TEST(an_expression_meets_a_topic)
{
    for (int i = 0; i < WAYS; i++) {
        by = &ways[i];
        world_seeds(&(world_opts){.nodes = 2, .heard = crew_heard, .limit = 1200 * SIM_S}, 2,
                    a_topic_comes);
    }
}
END_TEST

static void none_yet(void)
{
    crew_begin(by->protocol);
    (void)join(&plain, "t3");
    nap(3000);
    crew_topic(3, 2);
    crew_fill(3, 2, 2);
    (void)crew_await(310000);
    crew_await_read(10000);
    end();
}

START_TEST(a_topic_that_is_not_there_yet)
{
    for (int i = 0; i < WAYS; i++) {
        by = &ways[i];
        world_seeds(&(world_opts){.heard = crew_heard, .no_auto_create = true, .limit = 1200 * SIM_S},
                    2, none_yet);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {members_share,
                                  what_stays_is_kept,
                                  who_leaves_is_not_waited_for,
                                  who_dies_is_waited_for,
                                  who_is_cut_off_loses_what_it_has,
                                  who_does_not_poll_stays_until_max_poll_interval,
                                  who_unsubscribes_may_come_back,
                                  a_subscription_changes,
                                  a_topic_grows,
                                  growth_that_a_rebalance_finds_causes_no_other,
                                  an_expression_meets_a_topic,
                                  a_topic_that_is_not_there_yet,
                                  NULL};

    return world_main("group_shares", tests);
}
