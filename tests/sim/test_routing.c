/* Where requests go: who is asked for metadata and how often, whom a consumer follows, what becomes
 * of a call whose broker goes away, and how a cluster that is nowhere is found again. */
#include <string.h>

#include <kfk/admin_groups.h>

#include "admin/admin_env.h"
#include "proto/delete_topics.h"
#include "sim/world.h"

static int ids[WORLD_RECORDS];

#define EACH(app, ...) world_seeds(&(world_opts){__VA_ARGS__}, 10, app)

/* ---- how old metadata may be ---- */

static void ages(void)
{
    kfk_producer *p = producer("metadata.max.age.ms", "10000", NULL);
    int64_t before;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    nap(1000);
    before = requests(METADATA);
    nap(8000);
    ck_assert_int_eq(requests(METADATA), before);
    nap(2000);
    ck_assert_int_eq(requests(METADATA), before + 1);
    nap(50000);
    ck_assert_int_ge(requests(METADATA), before + 5);
    ck_assert_int_le(requests(METADATA), before + 6);
    kfk_producer_free(p);
}

/* New partitions are found by age alone. */
static void grows(void)
{
    kfk_consumer *c = consumer("metadata.max.age.ms", "5000", NULL);
    int32_t n = 0;

    topic("t", 1, 1);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 5000, &n, &w.e), KFK_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    topic("t", 3, 1);
    nap(6000);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 5000, &n, &w.e), KFK_OK);
    ck_assert_int_eq(n, 3);
    kfk_consumer_free(c);
}

START_TEST(metadata_is_asked_for_again_when_it_is_old)
{
    EACH(ages, 0);
    EACH(grows, 0);
}
END_TEST

/* ---- one question at a time ---- */

enum { ASKERS = 20 };
static kfk_consumer *shared;
static kfk__mutex lock;
static int waiting; /* under lock */

static int count(int add)
{
    int n;

    kfk__lock(&lock);
    n = waiting += add;
    kfk__unlock(&lock);
    return n;
}

static void asks(void *arg)
{
    int32_t n = 0;

    (void)arg;
    ck_assert_int_eq(kfk_consumer_partitions(shared, "t", 20000, &n, NULL), KFK_OK);
    ck_assert_int_eq(n, 2);
    (void)count(-1);
}

static void many_ask(void)
{
    shared = consumer(NULL);
    kfk__mutex_init(&lock);
    waiting = ASKERS;
    topic("t", 2, 1);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = METADATA, .value = 1000);
    for (int i = 0; i < ASKERS; i++) {
        sim_spawn(w.rig.s, 1, "asks", asks, NULL);
        nap(30);
    }
    while (count(0) > 0)
        nap(10);
    ck_assert_int_le(requests(METADATA), 2);
    kfk_consumer_free(shared);
}

START_TEST(who_asks_the_same_waits_for_the_same_answer)
{
    EACH(many_ask, 0);
}
END_TEST

/* An error that was told once is asked about again by who asks again. */
static void allowed_later(void)
{
    kfk_consumer *c = consumer(NULL);
    kfk_records *rs;
    int32_t n = 0;

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = METADATA, .level = 1, .value = 29, .count = 2);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 5000, &n, &w.e),
                     KFK_ERR_TOPIC_AUTHORIZATION_FAILED);
    assign(c, "t", 0, 0);
    ck_assert_int_eq(kfk_consumer_poll(c, 5000, &rs, &w.e), KFK_ERR_TOPIC_AUTHORIZATION_FAILED);
    ck_assert_int_eq(kfk_consumer_partitions(c, "t", 5000, &n, &w.e), KFK_OK);
    assign(c, "t", 0, 0);
    ck_assert_int_eq(kfk_consumer_poll(c, 1000, &rs, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(an_error_of_before_is_no_answer)
{
    EACH(allowed_later, 0);
}
END_TEST

/* ---- leaders ---- */

/* Both at once, while the leader moves; where the answer names the new one, nobody is asked. */
static void both_follow(int64_t within_ms)
{
    kfk_producer *p = producer("linger.ms", "0", "retry.backoff.ms", "300", NULL);
    kfk_consumer *c = consumer("retry.backoff.ms", "300", "fetch.max.wait.ms", "50", NULL);

    topic("t", 1, 3);
    assign(c, "t", 0, 0);
    for (int32_t i = 0; i < 9; i++) {
        int64_t start = now();

        (void)kfk__devbroker_move_leader(w.broker, "t", 0, i % 3 + 1);
        send_and_flush(p, "t", 0);
        ck_assert_int_eq(read_records(c, 1, 10000, ids), 1);
        ck_assert_int_eq(ids[0], i);
        if (i >= 3) /* all are connected to by then */
            ck_assert_int_lt(now() - start, within_ms * SIM_MS);
        nap(2000);
    }
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

static void hinted(void)
{
    both_follow(100);
}

static void asked_for(void)
{
    both_follow(2500);
}

START_TEST(producer_and_consumer_follow_the_leader)
{
    EACH(hinted, .nodes = 3);
    EACH(asked_for, .nodes = 3, .profile = "3.3");
    EACH(asked_for, .nodes = 3, .profile = "2.1");
}
END_TEST

/* Metadata takes so long that who asks for it is late. */
static void metadata_is_slow(void)
{
    kfk__devbroker_fault_clear(w.broker);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = METADATA, .value = 5000, .count = -1);
}

/* The leader moves to node 2; both are with it at once. */
static void both_go_to_2(kfk_producer *p, kfk_consumer *c)
{
    int64_t start;

    send_and_flush(p, "t", 0);
    ck_assert_int_eq(read_records(c, 1, 10000, ids), 1);
    nap(1000);
    metadata_is_slow();
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 2), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 2), KFK_OK);
    start = now();
    send_and_flush(p, "t", 0);
    ck_assert_int_lt(now() - start, 50 * SIM_MS);
    ck_assert_int_eq(read_records(c, 1, 10000, ids), 1);
    ck_assert_int_eq(ids[0], 1);
    ck_assert_int_lt(now() - start, 150 * SIM_MS); /* a Fetch waits, with node 1, for 50 of them */
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

/* Metadata was asked for while node 2 was down, and so has not named it. */
static void unknown_broker(void)
{
    kfk_producer *p = producer("linger.ms", "0", NULL);
    kfk_consumer *c = consumer("fetch.max.wait.ms", "50", NULL);

    topic("t", 1, 2);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 2), KFK_OK);
    assign(c, "t", 0, 0);
    both_go_to_2(p, c);
}

/* The lowest byte of the port of the second broker in an answer to Metadata: behind the length, the
 * header, throttle_time_ms and the brokers' number, and the first broker: id, host, port, rack. */
enum { PORT_OF_2 = 4 + 5 + 4 + 1 + (4 + 9 + 4 + 1 + 1) + (4 + 9) + 3 };

/* Metadata has named node 2 with a port that nobody listens on. */
static void moved_broker(void)
{
    kfk_producer *p = producer("linger.ms", "0", NULL);
    kfk_consumer *c = consumer("fetch.max.wait.ms", "50", NULL);

    topic("t", 1, 2);
    FAULT(.kind = KFK__DEV_FAULT_ALTER, .api = METADATA, .at = PORT_OF_2, .value = 0x40,
          .count = -1);
    (void)kfk__devbroker_move_leader(w.broker, "t", 0, 1);
    assign(c, "t", 0, 0);
    both_go_to_2(p, c);
}

START_TEST(the_leader_is_found_where_the_answer_says_it_is)
{
    EACH(unknown_broker, .nodes = 2);
    EACH(moved_broker, .nodes = 2);
}
END_TEST

/* ---- a controller that goes away ---- */

static kfk_admin *open_admin(void)
{
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);
    kfk_admin *a;

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__admin_new_in(&a, &w.rig.env, c, &w.e), KFK_OK);
    kfk_config_free(c);
    return a;
}

static bool exists(const char *name)
{
    kfk__uuid id;

    return kfk__devbroker_topic_id(w.broker, name, &id) == KFK_OK;
}

static void stops_controller(void *arg)
{
    (void)arg;
    sim_sleep(w.rig.s, (int64_t)sim_below(w.rig.s, 600) * (SIM_MS / 1000));
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
}

/* A request that may have gone out on the connection that was about to end is not repeated: nobody
 * knows. The next call goes to the controller that is. */
static void controller_goes(void)
{
    kfk_admin *a = open_admin();
    const char *name = "t", *other = "u";
    bool gone;
    kfk_err err;

    topic("t", 1, 3);
    topic("u", 1, 3);
    ck_assert_int_eq(kfk_admin_delete_topics(a, &other, 1, 10000, NULL, &w.e), KFK_OK);
    if (sim_below(w.rig.s, 3) == 0) /* it is done, and its answer lost */
        FAULT(.kind = KFK__DEV_FAULT_DROP, .after = true, .api = kfk__delete_topics_api.key);
    sim_spawn(w.rig.s, 1, "stops", stops_controller, NULL);
    sim_sleep(w.rig.s, (int64_t)sim_below(w.rig.s, 600) * (SIM_MS / 1000));
    err = kfk_admin_delete_topics(a, &name, 1, 10000, NULL, &w.e);
    gone = !exists("t");
    kfk__devbroker_fault_clear(w.broker);
    ck_assert_msg(err == KFK_OK || (w.e.flags & KFK_MAYBE_DONE), "%s", w.e.msg);
    if (err) {
        err = kfk_admin_delete_topics(a, &name, 1, 10000, NULL, &w.e);
        ck_assert_msg(err == (gone ? KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION : KFK_OK), "%s", w.e.msg);
    }
    ck_assert(!exists("t"));
    kfk_admin_free(a);
    nap(1); /* for who stops it */
}

START_TEST(the_controller_goes_away_while_it_is_asked)
{
    for (uint64_t seed = 0; seed < 500; seed++)
        (void)world_run(&(world_opts){.seed = seed, .nodes = 3}, controller_goes);
}
END_TEST

/* ---- a coordinator that goes away ---- */

static int32_t coordinator(const char *group)
{
    kfk__devbroker_group_state state;

    ck_assert_int_eq(kfk__devbroker_group(w.broker, group, &state, NULL, NULL), KFK_OK);
    return state.coordinator;
}

static void stops_coordinator(void *arg)
{
    (void)arg;
    sim_sleep(w.rig.s, (int64_t)sim_below(w.rig.s, 600) * (SIM_MS / 1000));
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, coordinator("g")), KFK_OK);
}

static kfk_err write_offset(kfk_admin *a, int64_t offset)
{
    kfk_tp tp = {.topic = "t", .partition = 0, .offset = offset};

    return kfk_admin_alter_group_offsets(a, "g", &tp, 1, 10000, &w.e);
}

static int64_t read_offset(kfk_admin *a)
{
    const char *group = "g";
    kfk_groups_offsets *o;
    int64_t offset;

    ck_assert_msg(kfk_admin_group_offsets(a, &group, 1, 0, 10000, &o, &w.e) == KFK_OK, "%s",
                  w.e.msg);
    ck_assert_msg(o->groups[0]->err == KFK_OK, "%s", o->groups[0]->msg);
    ck_assert_uint_eq(o->groups[0]->n, 1);
    offset = o->groups[0]->tps[0].offset;
    kfk_groups_offsets_free(o);
    return offset;
}

/* What was asked of it is done by the next one, or nobody knows whether it was; and what is read
 * then is what was written. */
static void coordinator_goes(void)
{
    kfk_admin *a = open_admin();
    const char *group = "g";
    kfk_group_descriptions *d;
    int64_t offset;
    kfk_err err;

    topic("t", 1, 3);
    ck_assert_msg(write_offset(a, 1) == KFK_OK, "%s", w.e.msg);
    if (sim_below(w.rig.s, 3) == 0) /* it is done, and its answer lost */
        FAULT(.kind = KFK__DEV_FAULT_DROP, .after = true, .api = OFFSET_COMMIT);
    sim_spawn(w.rig.s, 1, "stops", stops_coordinator, NULL);
    sim_sleep(w.rig.s, (int64_t)sim_below(w.rig.s, 600) * (SIM_MS / 1000));
    err = write_offset(a, 2);
    kfk__devbroker_fault_clear(w.broker);
    ck_assert_msg(err == KFK_OK || (w.e.flags & KFK_MAYBE_DONE), "%s", w.e.msg);
    offset = read_offset(a);
    ck_assert(offset == 2 || (err && offset == 1));
    nap(1); /* for who stops it */
    ck_assert_int_eq(kfk_admin_describe_groups(a, &group, 1, 10000, &d, &w.e), KFK_OK);
    ck_assert_msg(d->groups[0]->err == KFK_OK, "%s", d->groups[0]->msg);
    ck_assert_int_eq(d->groups[0]->coordinator, coordinator("g"));
    kfk_group_descriptions_free(d);
    ck_assert_msg(write_offset(a, 3) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_eq(read_offset(a), 3);
    kfk_admin_free(a);
}

START_TEST(the_coordinator_goes_away_while_it_is_asked)
{
    for (uint64_t seed = 0; seed < 500; seed++)
        (void)world_run(&(world_opts){.seed = seed, .nodes = 3}, coordinator_goes);
}
END_TEST

/* ---- rebootstrap ---- */

/* The addresses that metadata gave neither answer nor fail. After the trigger, and not before, the
 * bootstrap address is asked (KIP-899, KIP-1102). */
static void moved_away(void)
{
    static const uint32_t here[] = {WORLD_HOST};
    kfk_producer *p;

    topic("t", 1, 1);
    simnet_name(w.rig.s, "boot", here, 1);
    simnet_name(w.rig.s, "adv", here, 1);
    p = producer("bootstrap.servers", "boot:9092", "linger.ms", "0",
                 "metadata.recovery.rebootstrap.trigger.ms", "5000",
                 "socket.connection.setup.timeout.ms", "30000",
                 "socket.connection.setup.timeout.max.ms", "30000", NULL);
    send_and_flush(p, "t", 0);
    simnet_name_delay(w.rig.s, "adv", KFK__NEVER); /* a connection that neither comes nor fails */
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    nap(10);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(4000);
    ck_assert_int_eq(requests(METADATA), 1);
    nap(2000);
    ck_assert_int_gt(requests(METADATA), 1);
    kfk_producer_free(p);
}

START_TEST(after_the_trigger_bootstrap_servers_are_asked)
{
    EACH(moved_away, .host = "adv");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {metadata_is_asked_for_again_when_it_is_old,
                                  who_asks_the_same_waits_for_the_same_answer,
                                  an_error_of_before_is_no_answer,
                                  producer_and_consumer_follow_the_leader,
                                  the_leader_is_found_where_the_answer_says_it_is,
                                  the_controller_goes_away_while_it_is_asked,
                                  the_coordinator_goes_away_while_it_is_asked,
                                  after_the_trigger_bootstrap_servers_are_asked,
                                  NULL};

    return world_main("sim/routing", tests);
}
