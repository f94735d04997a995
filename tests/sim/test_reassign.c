/* A partition that is assigned anew while it is being fetched: who comes takes the place of who
 * goes. */
#include "sim/world.h"

static int ids[WORLD_RECORDS];

static void fill(int n)
{
    kfk_producer *p = producer(NULL);

    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    kfk_producer_free(p);
}

static void expect(kfk_consumer *c, int first, int n)
{
    ck_assert_int_ge(read_records(c, n, 10000, ids), n); /* as long as a run is */
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(ids[i], first + i);
}

/* While an answer is on its way, or not. */
static void again(void)
{
    kfk_consumer *c = consumer(NULL);

    topic("t", 1, 1);
    fill(20);
    for (int i = 0; i < 20; i++) {
        assign(c, "t", 0, i);
        nap((int64_t)sim_below(w.rig.s, 10));
        if (i % 3 == 0)
            expect(c, i, 20 - i);
    }
    expect(c, 19, 1);
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    nap(1000);
    kfk_consumer_free(c);
}

START_TEST(a_partition_is_assigned_again_at_another_offset)
{
    world_seeds(&(world_opts){0}, 20, again);
    world_seeds(&(world_opts){.profile = "2.1"}, 20, again);
}
END_TEST

/* It would be read twice, and which one a seek is for nobody could say. */
static void twice(void)
{
    kfk_consumer *c = consumer("auto.offset.reset", "earliest", NULL);
    kfk_tp tps[] = {{.topic = "t"}, {.topic = "u"}, {.topic = "t", .partition = 1}, {.topic = "t"}};

    topic("t", 2, 1);
    topic("u", 1, 1);
    fill(10);
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 4, &w.e), KFK_ERR_INVALID_ARG);
    ck_assert_str_eq(w.e.msg, "t-0 is named twice");
    ck_assert_int_eq(kfk_consumer_incremental_assign(c, tps, 4, &w.e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_consumer_position(c, tps, 1, 0, &w.e), KFK_OK);
    ck_assert_int_eq(tps[0].err, KFK_ERR_STATE); /* nothing has changed */
    ck_assert_int_eq(kfk_consumer_assign(c, tps, 3, &w.e), KFK_OK);
    expect(c, 0, 10);
    kfk_consumer_free(c);
}

START_TEST(a_partition_is_assigned_once)
{
    world_seeds(&(world_opts){0}, 5, twice);
}
END_TEST

/* Taken away and given back, in one breath or not, with its buffers full or not. */
static void away_and_back(void)
{
    kfk_consumer *c = consumer("max.partition.fetch.bytes", "200", NULL);
    kfk_tp at = tp("t", 0, 0);

    topic("t", 1, 1);
    fill(60);
    assign(c, "t", 0, 0);
    for (int i = 0; i < 50; i++) {
        nap((int64_t)sim_below(w.rig.s, 10));
        ck_assert_int_eq(kfk_consumer_incremental_unassign(c, &at, 1, &w.e), KFK_OK);
        if (sim_below(w.rig.s, 2))
            nap((int64_t)sim_below(w.rig.s, 10));
        at.offset = i;
        ck_assert_int_eq(kfk_consumer_incremental_assign(c, &at, 1, &w.e), KFK_OK);
        if (i % 3 == 0)
            expect(c, i, 1);
    }
    kfk_consumer_free(c);
}

START_TEST(a_partition_is_taken_away_and_given_back)
{
    world_seeds(&(world_opts){0}, 20, away_and_back);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_partition_is_assigned_again_at_another_offset,
                                  a_partition_is_assigned_once,
                                  a_partition_is_taken_away_and_given_back, NULL};

    return world_main("sim/reassign", tests);
}
