/* Where records go that name no partition, while some partitions cannot take them: those without a
 * leader, and those whose leader takes nothing for a while. */
#include "sim/world.h"

enum { SEEDS = 10, PARTITIONS = 3 };

/* One node more than leaders: somebody is left to tell of the others. */
#define EACH(app) world_seeds(&(world_opts){.nodes = PARTITIONS + 1}, SEEDS, app)

static void ends(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_close(p, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_producer_free(p);
}

static int32_t leader_of(int32_t partition)
{
    int32_t node, epoch;

    ck_assert_int_eq(kfk__devbroker_leader(w.broker, "t", partition, &node, &epoch), KFK_OK);
    return node;
}

/* Nobody else has its records, so it is without a leader from now on. Returns who was it. */
static int32_t lose_leader(int32_t partition)
{
    int32_t node = leader_of(partition);

    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, node), KFK_OK);
    return node;
}

static void come_back(int32_t node)
{
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, node), KFK_OK);
    nap(2000);
}

/* |n| records of 100 bytes, all delivered within a second; how many went to each partition. */
static void send_some(kfk_producer *p, int n, uint32_t flags, int *counts)
{
    int64_t start = now();
    int first = w.sent;

    for (int i = 0; i < PARTITIONS; i++)
        counts[i] = 0;
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", -1, flags, 100), KFK_OK);
    flush(p);
    ck_assert_int_lt(now() - start, SIM_S);
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    for (int i = first; i < w.sent; i++)
        counts[report_of(i).partition]++;
}

/* ---- by turns ---- */

static void turns_pass(void)
{
    kfk_producer *p = producer("partitioner.class", "roundrobin", "linger.ms", "0", NULL);
    int counts[PARTITIONS];
    int32_t node;

    topic("t", PARTITIONS, 1);
    send_some(p, 30, 0, counts);
    for (int i = 0; i < PARTITIONS; i++)
        ck_assert_int_eq(counts[i], 10);
    node = lose_leader(1);
    nap(2000);
    send_some(p, 30, 0, counts);
    ck_assert_int_eq(counts[0], 15);
    ck_assert_int_eq(counts[1], 0);
    ck_assert_int_eq(counts[2], 15);
    for (int i = 31; i < 60; i++)
        ck_assert_int_ne(report_of(i).partition, report_of(i - 1).partition);
    come_back(node);
    send_some(p, 30, 0, counts);
    for (int i = 0; i < PARTITIONS; i++)
        ck_assert_int_eq(counts[i], 10);
    ends(p);
}

START_TEST(turns_are_for_partitions_with_a_leader)
{
    EACH(turns_pass);
}
END_TEST

/* They wait for their leaders, as many for each. */
static void turns_of_all(void)
{
    kfk_producer *p = producer("partitioner.class", "roundrobin", "linger.ms", "0", NULL);
    int32_t nodes[PARTITIONS];
    int counts[PARTITIONS];

    topic("t", PARTITIONS, 1);
    send_some(p, 30, 0, counts);
    for (int32_t i = 0; i < PARTITIONS; i++)
        nodes[i] = lose_leader(i);
    nap(2000);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(send_to(p, "t", -1), KFK_OK);
    nap(1000);
    for (int i = 30; i < 60; i++)
        ck_assert_int_eq(report_of(i).n, 0);
    for (int32_t i = 0; i < PARTITIONS; i++)
        ck_assert_int_eq(kfk__devbroker_start_node(w.broker, nodes[i]), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 60);
    for (int i = 30; i < 60; i++)
        ck_assert_int_eq(report_of(i).partition, i % PARTITIONS);
    ends(p);
}

START_TEST(turns_are_for_all_where_none_has_a_leader)
{
    EACH(turns_of_all);
}
END_TEST

/* ---- without a leader ---- */

static const char *partitioner;

static kfk_producer *small_batches(void)
{
    return partitioner ? producer("partitioner.class", partitioner, "batch.size", "200", NULL)
                       : producer("batch.size", "200", NULL);
}

/* It has one, loses it, and has it again. */
static void loses_it(void)
{
    kfk_producer *p = small_batches();
    int counts[PARTITIONS];
    int32_t node;

    topic("t", PARTITIONS, 1);
    send_some(p, 90, 0, counts);
    for (int i = 0; i < PARTITIONS; i++)
        ck_assert_int_gt(counts[i], 15);
    node = lose_leader(1);
    nap(2000);
    send_some(p, 90, 0, counts);
    ck_assert_int_gt(counts[0], 15);
    ck_assert_int_eq(counts[1], 0);
    ck_assert_int_gt(counts[2], 15);
    come_back(node);
    send_some(p, 90, 0, counts);
    for (int i = 0; i < PARTITIONS; i++)
        ck_assert_int_gt(counts[i], 15);
    ends(p);
}

/* It had none when the producer heard of the topic. Which records are the first is chance. */
static void had_none(uint32_t flags)
{
    kfk_producer *p = small_batches();
    int counts[PARTITIONS];
    int32_t node;

    topic("t", PARTITIONS, 1);
    node = lose_leader(1);
    send_some(p, 60, flags, counts);
    ck_assert_int_gt(counts[0], 10);
    ck_assert_int_eq(counts[1], 0);
    ck_assert_int_gt(counts[2], 10);
    come_back(node);
    send_some(p, 60, 0, counts);
    for (int i = 0; i < PARTITIONS; i++)
        ck_assert_int_gt(counts[i], 10);
    ends(p);
}

static void had_none_for_who_waited(void)
{
    had_none(0);
}

static void had_none_for_what_was_kept(void)
{
    had_none(KFK_NOWAIT);
}

static void each_partitioner(void (*app)(void))
{
    static const char *const classes[] = {NULL, "random", "roundrobin"};

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        partitioner = classes[i];
        EACH(app);
    }
}

START_TEST(records_without_a_key_avoid_what_has_lost_its_leader)
{
    each_partitioner(loses_it);
}
END_TEST

START_TEST(records_without_a_key_avoid_what_never_had_a_leader)
{
    each_partitioner(had_none_for_who_waited);
}
END_TEST

START_TEST(kept_records_without_a_key_avoid_what_never_had_a_leader)
{
    each_partitioner(had_none_for_what_was_kept);
}
END_TEST

/* ---- with a leader that takes nothing ---- */

static const char *timeout_ms;
static int64_t sent_at[WORLD_RECORDS];

/* One record in ten milliseconds, each of which fills a batch. Returns the first. */
static int trickle(kfk_producer *p, int n)
{
    int first = w.sent;

    for (int i = 0; i < n; i++) {
        int id = new_record();

        sent_at[id] = now();
        ck_assert_int_eq(send_record(p, id, "t", -1, 0, 100), KFK_OK);
        nap(10);
    }
    return first;
}

/* As many requests of a record each are sent without an answer; since there was one more for
 * partition 0, from |first| on, it waits for who takes nothing. */
enum { IN_FLIGHT = 5 };

static int64_t waits_since(int first)
{
    int id = first, seen = 0;

    while (seen <= IN_FLIGHT)
        seen += report_of(id++).partition == 0;
    return sent_at[id - 1];
}

/* Of two partitions, which take turns as long as both are used, one's leader takes nothing for
 * three seconds. */
static kfk_producer *one_takes_nothing(void)
{
    kfk_producer *p = producer("partitioner.availability.timeout.ms", timeout_ms, "batch.size",
                               "200", "linger.ms", "0", NULL);

    topic("t", 2, 1);
    send_and_flush(p, "t", 0);
    send_and_flush(p, "t", 1);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .node = leader_of(0), .value = 3000);
    return p;
}

static void takes_nothing(void)
{
    kfk_producer *p = one_takes_nothing();
    int first, again, before = 0, after = 0;
    int64_t since = KFK__NEVER / 2;

    first = trickle(p, 250);
    nap(2000);
    again = trickle(p, 50);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    if (timeout_ms[0] != '0')
        since = waits_since(first);
    for (int i = first + 1; i < again; i++) {
        int64_t waited = sent_at[i] - since;
        bool is_used = waited < 500 * SIM_MS;

        if (!is_used && waited < 505 * SIM_MS)
            continue; /* who sends just then may be first, or not */
        if (is_used)
            ck_assert_int_ne(report_of(i).partition, report_of(i - 1).partition);
        else
            ck_assert_int_eq(report_of(i).partition, 1);
        before += is_used;
        after += !is_used;
    }
    ck_assert_int_gt(before, 50);
    ck_assert_int_ge(after, timeout_ms[0] == '0' ? 0 : 180);
    for (int i = again + 1; i < w.sent; i++)
        ck_assert_int_ne(report_of(i).partition, report_of(i - 1).partition);
    ends(p);
}

START_TEST(records_without_a_key_avoid_who_takes_nothing_until_it_does_again)
{
    timeout_ms = "500";
    EACH(takes_nothing);
}
END_TEST

/* Nothing happens while it is waited for. */
static void takes_nothing_unseen(void)
{
    kfk_producer *p = one_takes_nothing();
    int first;

    (void)trickle(p, 2 * IN_FLIGHT + 2);
    nap(1000);
    first = trickle(p, 50);
    flush(p);
    for (int i = first; i < w.sent; i++)
        ck_assert_int_eq(report_of(i).partition, 1);
    ends(p);
}

START_TEST(the_first_record_after_a_while_avoids_it_too)
{
    timeout_ms = "500";
    EACH(takes_nothing_unseen);
}
END_TEST

START_TEST(by_default_they_do_not)
{
    timeout_ms = "0";
    EACH(takes_nothing);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {turns_are_for_partitions_with_a_leader,
                                  turns_are_for_all_where_none_has_a_leader,
                                  records_without_a_key_avoid_what_has_lost_its_leader,
                                  records_without_a_key_avoid_what_never_had_a_leader,
                                  kept_records_without_a_key_avoid_what_never_had_a_leader,
                                  records_without_a_key_avoid_who_takes_nothing_until_it_does_again,
                                  the_first_record_after_a_while_avoids_it_too,
                                  by_default_they_do_not,
                                  NULL};

    return world_main("sim/away", tests);
}
