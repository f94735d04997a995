/* Clients against brokers of every version, and against a cluster that is upgraded, or set back,
 * while they are connected: they speak what both sides know, on each connection anew. */
#include "sim/world.h"

enum { N = 40, NODES = 3 };

static const char *const profiles[] = {"2.1", "2.4", "2.8", "3.3", "3.7", "4.3"};
enum { PROFILES = sizeof profiles / sizeof *profiles };

static int ids[WORLD_RECORDS];

static void send_some(kfk_producer *p, int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
}

static void log_is_all(void)
{
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), w.sent);
    for (int i = 0; i < w.sent; i++)
        ck_assert_int_eq(ids[i], i);
}

static void reads_from(kfk_consumer *c, int first, int n)
{
    ck_assert_int_eq(read_records(c, n, 20000, ids), n);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(ids[i], first + i);
}

/* ---- the versions of ApiVersions itself ---- */

static int asked; /* how many ApiVersions a connection takes */

static void agrees(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 1, 1);
    send_some(p, 1);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 1);
    ck_assert_int_eq(requests(API_VERSIONS), asked);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    send_some(p, 1);
    flush(p);
    ck_assert_int_eq(requests(API_VERSIONS), 2 * asked);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK);
    kfk_producer_free(p);
}

/* Who does not know the newest is asked again, in the version that it named. */
START_TEST(check_01_an_older_broker_is_asked_twice)
{
    for (size_t i = 0; i < PROFILES; i++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            asked = i + 1 < PROFILES ? 2 : 1;
            (void)world_run(&(world_opts){.seed = seed, .profile = profiles[i]}, agrees);
        }
}
END_TEST

/* ---- another version while connected ---- */

static const char *next_profile;

static void restart(int32_t node)
{
    ck_assert_int_eq(kfk__devbroker_restart_node(w.broker, node, next_profile), KFK_OK);
}

/* One node after the other, with records on their way. */
static void rolls(void)
{
    kfk_producer *p = producer("linger.ms", "1", "reconnect.backoff.ms", "50", NULL);
    kfk_consumer *c = consumer("reconnect.backoff.ms", "50", "fetch.max.wait.ms", "100", NULL);

    topic("t", 1, NODES);
    assign(c, "t", 0, 0);
    send_some(p, N);
    reads_from(c, 0, N);
    for (int32_t node = 1; node <= NODES; node++) {
        int had = w.sent;

        send_some(p, N / 2);
        restart(node);
        send_some(p, N / 2);
        nap((int64_t)sim_below(w.rig.s, 200));
        (void)kfk__devbroker_move_leader(w.broker, "t", 0, node);
        send_some(p, N / 2);
        flush(p);
        reads_from(c, had, w.sent - had);
    }
    log_is_all();
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

START_TEST(a_cluster_is_upgraded_or_set_back_node_by_node)
{
    for (size_t from = 0; from < PROFILES; from++)
        for (size_t to = 0; to < PROFILES; to++) {
            next_profile = profiles[to];
            (void)world_run(&(world_opts){.seed = from * PROFILES + to,
                                          .nodes = NODES,
                                          .profile = profiles[from]},
                            rolls);
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {check_01_an_older_broker_is_asked_twice,
                                  a_cluster_is_upgraded_or_set_back_node_by_node, NULL};

    return world_main("sim/versions", tests);
}
