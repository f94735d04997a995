/* One connection: when it is made, how often it is tried, when it is given up, and when it is left
 * alone. */
#include <string.h>

#include "sim/world.h"

static int ids[WORLD_RECORDS];

#define EACH(app, ...) world_seeds(&(world_opts){__VA_ARGS__}, 10, app)

/* ---- no hot loops ---- */

static const char *backoff_max;
static int least, most; /* attempts in ten seconds */

/* A broker that accepts and hangs up: each attempt is one ApiVersions. */
static void hangs_up(void)
{
    kfk_producer *p = producer("reconnect.backoff.ms", "50", "reconnect.backoff.max.ms",
                               backoff_max, "retry.backoff.ms", "0", NULL);

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = API_VERSIONS, .count = -1);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(10000);
    ck_assert_int_ge(requests(API_VERSIONS), least);
    ck_assert_int_le(requests(API_VERSIONS), most);
    kfk__devbroker_fault_clear(w.broker);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 2);
    kfk_producer_free(p);
}

START_TEST(attempts_are_farther_and_farther_between)
{
    backoff_max = "50"; /* 40 to 60 ms */
    least = 120;
    most = 260;
    EACH(hangs_up, 0);
    backoff_max = "1000"; /* 50, 100, ... 800, 1000, 1000, ...: +-20 % */
    least = 9;
    most = 22;
    EACH(hangs_up, 0);
}
END_TEST

/* Nothing to send: nobody is connected to, or asked, but for metadata. */
static void idles(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 3, 3);
    send_and_flush(p, "t", 0);
    nap(60000);
    ck_assert_int_le(requests(API_VERSIONS), 2);
    ck_assert_int_le(requests(METADATA), 4);
    kfk_producer_free(p);
}

START_TEST(who_is_not_needed_is_not_connected_to)
{
    EACH(idles, .nodes = 3);
}
END_TEST

/* ---- set-up ---- */

static void set_up_grows(void)
{
    kfk_producer *p = producer("socket.connection.setup.timeout.ms", "1000",
                               "socket.connection.setup.timeout.max.ms", "4000",
                               "reconnect.backoff.ms", "1", "reconnect.backoff.max.ms", "1",
                               "max.block.ms", "30000", NULL);

    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = API_VERSIONS, .count = -1);
    ck_assert_int_eq(send_to(p, "t", -1), KFK_ERR_TIMED_OUT);
    /* 1 + 2 + 4 + 4 + ... s, +-20 %. */
    ck_assert_int_ge(requests(API_VERSIONS), 7);
    ck_assert_int_le(requests(API_VERSIONS), 12);
    kfk__devbroker_fault_clear(w.broker);
    send_and_flush(p, "t", -1);
    kfk_producer_free(p);
}

START_TEST(a_set_up_that_takes_too_long_may_take_longer)
{
    EACH(set_up_grows, 0);
}
END_TEST

/* ---- a peer of no use ---- */

/* Byte 33 of the answer is the key of Metadata. */
static void speaks_no_metadata(void)
{
    kfk_producer *p = producer("max.block.ms", "5000", NULL);
    int64_t id = FAULT(.kind = KFK__DEV_FAULT_ALTER, .api = API_VERSIONS, .at = 33, .value = 0x40,
                       .count = -1);

    topic("t", 1, 1);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_ERR_TIMED_OUT);
    ck_assert_ptr_nonnull(strstr(w.reports[0].msg, "topic t: no metadata in max.block.ms"));
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_ptr_nonnull(strstr(w.e.msg, "does not speak a version of Metadata"));
    ck_assert_int_eq(requests(METADATA), 0);
    ck_assert_int_le(kfk__devbroker_fault_remove(w.broker, id), 60);
    send_and_flush(p, "t", 0);
    kfk_producer_free(p);
}

static void another_speaks_it(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ALTER, .api = API_VERSIONS, .at = 33, .value = 0x40, .count = 1);
    send_and_flush(p, "t", 0);
    kfk_producer_free(p);
}

START_TEST(a_broker_without_metadata_is_named)
{
    EACH(speaks_no_metadata, 0);
    EACH(another_speaks_it, .nodes = 3);
}
END_TEST

/* ---- requests that are not answered ---- */

static void times_out(void)
{
    kfk_producer *p = producer("request.timeout.ms", "1000", "linger.ms", "0", NULL);
    int64_t start;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = PRODUCE, .after = true);
    start = now();
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(1010);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_ERR_DISCONNECTED);
    ck_assert_ptr_nonnull(strstr(w.e.msg, "no answer to Produce within 1000 ms"));
    ck_assert_ptr_nonnull(strstr(w.e.msg, "request.timeout.ms"));
    flush(p);
    ck_assert_int_le(now() - start, 1500 * SIM_MS);
    ck_assert_int_eq(told(KFK_DELIVERED), 2);
    ck_assert_int_eq(log_of("t", 0, ids, 9), 2); /* it had taken effect, and is there once */
    kfk_producer_free(p);
}

static void fetch_times_out(void)
{
    kfk_consumer *c = consumer("request.timeout.ms", "1000", NULL);
    kfk_producer *p = producer(NULL);
    int64_t start;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    assign(c, "t", 0, 0);
    ck_assert_int_eq(read_records(c, 1, 5000, ids), 1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = FETCH);
    nap(1000); /* the one that is out ends, the next one hangs */
    send_and_flush(p, "t", 0);
    start = now();
    ck_assert_int_eq(read_records(c, 1, 5000, ids), 1);
    ck_assert_int_le(now() - start, 1700 * SIM_MS);
    kfk_consumer_free(c);
    kfk_producer_free(p);
}

START_TEST(a_request_has_its_time)
{
    EACH(times_out, 0);
    EACH(fetch_times_out, 0);
}
END_TEST

/* ---- connections.max.idle.ms ---- */

/* Records that are sent just when the connection ends for being idle. */
static void idle_ends_while_sending(void)
{
    kfk_producer *p = producer("connections.max.idle.ms", "1000", "linger.ms", "0", NULL);

    topic("t", 1, 1);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
        sim_sleep(w.rig.s, 999 * SIM_MS + (int64_t)sim_below(w.rig.s, 3000) * (SIM_MS / 1000));
    }
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 20);
    ck_assert_int_eq(log_of("t", 0, ids, 99), 20);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(ids[i], i);
    ck_assert_int_gt(requests(API_VERSIONS), 2);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK);
    kfk_producer_free(p);
}

/* A Fetch that waits at the broker is not idleness. */
static void waiting_is_not_idle(void)
{
    kfk_consumer *c =
        consumer("connections.max.idle.ms", "1000", "fetch.max.wait.ms", "3000", NULL);
    int64_t before;

    topic("t", 1, 1);
    assign(c, "t", 0, 0);
    nap(4000);
    before = requests(API_VERSIONS);
    nap(20000);
    ck_assert_int_eq(requests(API_VERSIONS), before);
    ck_assert_int_eq(kfk_consumer_assign(c, NULL, 0, &w.e), KFK_OK);
    nap(10000);
    assign(c, "t", 0, 0);
    nap(1000);
    ck_assert_int_eq(requests(API_VERSIONS), before + 1);
    kfk_consumer_free(c);
}

START_TEST(idle_connections_end_and_nothing_is_lost)
{
    EACH(idle_ends_while_sending, 0);
    EACH(waiting_is_not_idle, 0);
}
END_TEST

/* ---- throttled ---- */

static int16_t throttled_api;

/* How many requests of any kind came to a node that is not asked for its versions. */
static int64_t requests_at(int32_t node)
{
    int64_t n = 0;

    for (int16_t api = 0; api < API_VERSIONS; api++)
        n += kfk__devbroker_requests(w.broker, node, api);
    return n;
}

/* A Fetch's throttle holds for every request to that broker, and for nobody else. */
static void leaves_it_alone(void)
{
    kfk_consumer *c = consumer("request.timeout.ms", "1500", "fetch.max.wait.ms", "200", NULL);
    kfk_producer *p = producer("linger.ms", "0", NULL);
    kfk_tp both[] = {tp("t", 0, 0), tp("t", 1, 0)};
    int64_t before;

    topic("t", 2, 2);
    (void)kfk__devbroker_move_leader(w.broker, "t", 0, 1);
    (void)kfk__devbroker_move_leader(w.broker, "t", 1, 2);
    ck_assert_int_eq(kfk_consumer_assign(c, both, 2, &w.e), KFK_OK);
    send_and_flush(p, "t", 1);
    ck_assert_int_eq(read_records(c, 1, 1000, ids), 1);
    nap(1000);
    FAULT(.kind = KFK__DEV_FAULT_THROTTLE, .api = FETCH, .node = 1, .value = 3000);
    nap(500);
    before = requests_at(1);
    send_and_flush(p, "t", 1);
    ck_assert_int_eq(read_records(c, 1, 500, ids), 1);
    nap(1500);
    ck_assert_int_eq(requests_at(1), before);
    nap(2000);
    ck_assert_int_gt(requests_at(1), before);
    ck_assert_int_eq(kfk_consumer_last_error(c, &w.e), KFK_OK); /* no connection was lost */
    kfk_producer_free(p);
    kfk_consumer_free(c);
}

/* Whichever answer says so; and what waits longer than its time is not given up meanwhile. */
static void waits_for_it(void)
{
    kfk_producer *p = producer("linger.ms", "0", "request.timeout.ms", "1000", NULL);
    int64_t start = now();

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_THROTTLE, .api = throttled_api, .value = 2000);
    send_and_flush(p, "t", 0);
    ck_assert_int_ge(now() - start, 2000 * SIM_MS);
    ck_assert_int_le(now() - start, 2500 * SIM_MS);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK);
    kfk_producer_free(p);
}

START_TEST(a_broker_that_wants_to_be_left_alone_is)
{
    static const int16_t apis[] = {METADATA, API_VERSIONS, INIT_PRODUCER_ID};

    EACH(leaves_it_alone, .nodes = 2);
    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++) {
        throttled_api = apis[i];
        EACH(waits_for_it, 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {attempts_are_farther_and_farther_between,
                                  who_is_not_needed_is_not_connected_to,
                                  a_set_up_that_takes_too_long_may_take_longer,
                                  a_broker_without_metadata_is_named,
                                  a_request_has_its_time,
                                  idle_connections_end_and_nothing_is_lost,
                                  a_broker_that_wants_to_be_left_alone_is,
                                  NULL};

    return world_main("sim/link", tests);
}
