/* Where records go that name no partition, while some partitions cannot take them: those without a leader, and those whose
 * leader takes nothing for a while. */
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

/* |n| records of 100 bytes, all delivered within a second. counts: how many went to each partition. */
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

int main(void)
{
    const TTest *const tests[] = {turns_are_for_partitions_with_a_leader,
                                  turns_are_for_all_where_none_has_a_leader,
                                  NULL};

    return world_main("sim/away", tests);
}
