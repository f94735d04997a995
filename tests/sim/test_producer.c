/* A whole producer against an embedded cluster: what is sent is there, once, in order. */
#include "sim/world.h"

#define N 500

static int ids[WORLD_RECORDS];

static void in_order(int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(ids[i], i);
}

static void delivers_in_order(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 1, 1);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), N);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(w.reports[i].offset, i);
    ck_assert_int_eq(log_of("t", 0, ids, N), N);
    in_order(N);
    ck_assert_int_eq(kfk_producer_close(p, 1000, &w.e), KFK_OK);
    kfk_producer_free(p);
}

START_TEST(every_version_delivers_in_order)
{
    static const char *const profiles[] = {"2.1", "2.4", "2.8", "3.3", "3.7", "4.3"};

    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        for (uint64_t seed = 0; seed < 5; seed++)
            (void)world_run(&(world_opts){.seed = seed, .profile = profiles[i]}, delivers_in_order);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_version_delivers_in_order, NULL};

    return world_main("sim/producer", tests);
}
