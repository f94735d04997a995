/* What the client layer does about a cluster that is not as it should be, seen from a producer: it
 * says what is wrong, comes back when that is over, and does not run hot meanwhile. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

/* One record goes through, within |ms|. */
static void works(kfk_producer *p, int64_t ms)
{
    kfk_delivery d = {.struct_size = sizeof d};
    kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"v", 1}};
    int64_t start = now();

    ck_assert_msg(kfk_producer_send_sync(p, &r, (int)ms, &d, &w.e) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_le(now() - start, ms * SIM_MS);
    ck_assert_int_eq(d.status, KFK_DELIVERED);
}

/* It cannot, because of this. Returns the error that stands. */
static const kfk_error *fails(kfk_producer *p, kfk_err code, int phase, const char *text)
{
    static kfk_error e;
    kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"v", 1}};
    int64_t start = now();

    ck_assert_int_eq(kfk_producer_send_sync(p, &r, 3000, NULL, &w.e), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(now() - start, 3 * SIM_S);
    ck_assert_msg(strstr(w.e.msg, text) != NULL, "%s", w.e.msg);
    ck_assert_msg(kfk_producer_last_error(p, &e) == code, "%d %s", e.code, e.msg);
    ck_assert_int_eq(e.phase, phase);
    ck_assert_msg(strstr(e.msg, text) != NULL, "%s", e.msg);
    return &e;
}

static void ends(kfk_producer *p)
{
    (void)kfk_producer_close(p, 0, &w.e);
    kfk_producer_free(p);
}

#define EACH(app, ...) world_seeds(&(world_opts){__VA_ARGS__}, 10, app)

/* ---- connecting ---- */

static void refused(void)
{
    kfk_producer *p = producer(NULL);
    const kfk_error *e;

    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    nap(10);
    e = fails(p, KFK_ERR_CONNECT, KFK_PHASE_CONNECT, "no broker listens there");
    ck_assert_int_eq(e->broker_id, -1);
    ck_assert_str_eq(e->broker, "10.0.0.2:9092 (from bootstrap.servers)");
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 1), KFK_OK);
    works(p, 3000);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK);
    ends(p);
}

START_TEST(a_broker_that_comes_up_late)
{
    EACH(refused, 0);
}
END_TEST

static void unknown_name(void)
{
    kfk_producer *p = producer("bootstrap.servers", "kafka.example:9092", NULL);
    uint32_t host = WORLD_HOST;

    (void)fails(p, KFK_ERR_RESOLVE, KFK_PHASE_RESOLVE, "check bootstrap.servers");
    simnet_name(w.rig.s, "kafka.example", &host, 1);
    works(p, 3000);
    ends(p);
}

static void unknown_advertised_name(void)
{
    kfk_producer *p = producer("bootstrap.servers", "10.0.0.2:9092", NULL);
    uint32_t host = WORLD_HOST;
    const kfk_error *e;

    e = fails(p, KFK_ERR_RESOLVE, KFK_PHASE_RESOLVE, "advertised.listeners on the broker");
    ck_assert_int_eq(e->broker_id, 1);
    ck_assert_ptr_nonnull(strstr(e->broker, "kafka-1.internal:9092 (from advertised.listeners)"));
    simnet_name(w.rig.s, "kafka-1.internal", &host, 1);
    works(p, 10000);
    ends(p);
}

START_TEST(names_that_do_not_resolve)
{
    EACH(unknown_name, 0);
    EACH(unknown_advertised_name, .host = "kafka-1.internal");
}
END_TEST

static void slow_name(void)
{
    kfk_producer *p = producer("bootstrap.servers", "slow.example:9092", NULL);
    uint32_t host = WORLD_HOST;

    simnet_name(w.rig.s, "slow.example", &host, 1);
    simnet_name_delay(w.rig.s, "slow.example", 4 * SIM_S);
    works(p, 5000);
    ends(p);
    /* For ever: close does not wait for it. */
    simnet_name_delay(w.rig.s, "slow.example", KFK__NEVER);
    p = producer("bootstrap.servers", "slow.example:9092", NULL);
    ck_assert_int_eq(send_to(p, "t", -1), KFK_ERR_TIMED_OUT);
    ends(p);
}

START_TEST(names_that_resolve_slowly)
{
    EACH(slow_name, 0);
}
END_TEST

static void dead_addresses(void)
{
    static const uint32_t hosts[] = {9, 10, WORLD_HOST};
    kfk_producer *p = producer("bootstrap.servers", "kafka:9092", "socket.connection.setup.timeout.ms",
                               "1000", NULL);

    simnet_name(w.rig.s, "kafka", hosts, 3);
    simnet_blackhole(w.rig.s, 10, true); /* the first refuses, the second is silent */
    works(p, 2500);
    ends(p);
    p = producer("bootstrap.servers", "10.0.0.9:9092,10.0.0.10:9092,10.0.0.2:9092", NULL);
    works(p, 3500);
    ends(p);
}

START_TEST(one_address_after_another)
{
    EACH(dead_addresses, 0);
}
END_TEST

static void silent(void)
{
    kfk_producer *p = producer("socket.connection.setup.timeout.ms", "500",
                               "socket.connection.setup.timeout.max.ms", "900", NULL);

    simnet_blackhole(w.rig.s, WORLD_HOST, true);
    (void)fails(p, KFK_ERR_CONNECT, KFK_PHASE_CONNECT, "no answer to the connection attempt");
    simnet_blackhole(w.rig.s, WORLD_HOST, false);
    works(p, 3000);
    ends(p);
}

static void accepts_and_hangs(void)
{
    kfk_producer *p = producer("socket.connection.setup.timeout.ms", "500",
                               "socket.connection.setup.timeout.max.ms", "900", NULL);

    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = API_VERSIONS, .count = -1);
    (void)fails(p, KFK_ERR_CONNECT, KFK_PHASE_API_VERSIONS, "did not say which versions");
    kfk__devbroker_fault_clear(w.broker);
    works(p, 3000);
    ends(p);
}

START_TEST(brokers_that_do_not_answer)
{
    EACH(silent, 0);
    EACH(accepts_and_hangs, 0);
}
END_TEST

/* One that hangs does not keep us from the others. */
static void another_is_tried(void)
{
    kfk_producer *p = producer("bootstrap.servers", "10.0.0.2:9092,10.0.0.2:9093", NULL);

    topic("t", 1, 1);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 2) == KFK_OK, 0);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = API_VERSIONS, .node = 2, .count = 1);
    works(p, 15000);
    ends(p);
}

START_TEST(one_that_hangs_is_not_waited_for)
{
    EACH(another_is_tried, .nodes = 2);
}
END_TEST

/* ---- peers that are no brokers ---- */

typedef struct peer {
    const char *says;
    size_t len;
} peer;

static void peer_main(void *arg)
{
    const peer *is = arg;
    const kfk__env_ops *ops = w.rig.env.ops;
    kfk__addr at = sim_addr(5, 9092);
    kfk__poller *poller;
    kfk__sock *listener, *conn;
    kfk__event ev[4];
    int64_t until = now() + 2500 * SIM_MS;

    ck_assert_int_eq(ops->poller_new(w.rig.env.ctx, &w.rig.env.alloc, &poller), 0);
    ck_assert_int_eq(ops->listen(poller, &at, &listener, &listener, NULL), 0);
    while (now() < until) {
        struct iovec v = {(void *)(uintptr_t)is->says, is->len};

        (void)ops->poll(poller, ev, 4, until);
        if (ops->accept(listener, &conn, &conn, NULL))
            continue;
        (void)ops->send(conn, &v, 1);
        sim_sleep(w.rig.s, SIM_MS);
        ops->sock_close(conn);
    }
    ops->sock_close(listener);
    ops->poller_free(poller);
}

static peer other;
static const char *other_text;

static void no_broker(void)
{
    kfk_producer *p;

    sim_spawn(w.rig.s, 5, "peer", peer_main, &other);
    nap(1);
    simnet_partial(w.rig.s, 0);
    p = producer("bootstrap.servers", "10.0.0.5:9092", NULL);
    nap(500);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_ERR_NOT_KAFKA);
    ck_assert_int_eq(w.e.phase, KFK_PHASE_API_VERSIONS);
    ck_assert_msg(strstr(w.e.msg, other_text) != NULL, "%s", w.e.msg);
    ends(p);
}

START_TEST(peers_that_speak_something_else)
{
    static const struct {
        const char *says;
        size_t len;
        const char *text;
    } cases[] = {
        {"\x15\x03\x01\x00\x02\x02\x46", 7, "it speaks TLS"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, "it speaks HTTP"},
        {"SSH-2.0-OpenSSH_9.6\r\n", 21, "it speaks SSH"},
        {"\x00\x00\x00\x04\x00\x00\x00\x63", 8, "not a Kafka broker"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        other = (peer){cases[i].says, cases[i].len};
        other_text = cases[i].text;
        EACH(no_broker, 0);
    }
}
END_TEST

/* ---- answers that are wrong ---- */

static kfk__dev_fault wrong;

static void recovers(void)
{
    kfk_producer *p = producer("reconnect.backoff.ms", "50", NULL);

    topic("t", 1, 1);
    works(p, 5000);
    (void)fault(wrong);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    nap(5);
    works(p, 20000);
    nap(3000);
    works(p, 20000);
    ck_assert_int_eq(kfk__devbroker_fault_hits(w.broker, 1), wrong.count);
    ends(p);
}

START_TEST(answers_that_are_wrong)
{
    static const int16_t apis[] = {API_VERSIONS, METADATA, PRODUCE};
    static const kfk__dev_fault faults[] = {
        {.kind = KFK__DEV_FAULT_CUT, .at = 0},          {.kind = KFK__DEV_FAULT_CUT, .at = 3},
        {.kind = KFK__DEV_FAULT_CUT, .at = 9},          {.kind = KFK__DEV_FAULT_LENGTH, .value = 5},
        {.kind = KFK__DEV_FAULT_LENGTH, .value = 0},    {.kind = KFK__DEV_FAULT_LENGTH, .value = -1},
        {.kind = KFK__DEV_FAULT_ALTER, .at = 7, .value = 0x55}, /* the correlation id */
        {.kind = KFK__DEV_FAULT_DROP},                  {.kind = KFK__DEV_FAULT_DROP, .after = true},
    };

    for (size_t a = 0; a < sizeof apis / sizeof *apis; a++)
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
            wrong = faults[i];
            wrong.api = apis[a];
            wrong.node = KFK__DEV_ANY;
            wrong.count = 2;
            EACH(recovers, 0);
        }
}
END_TEST

/* Longer than what comes: nothing is believed, and the request's time ends it. */
static void oversized(void)
{
    kfk_producer *p = producer("request.timeout.ms", "1000", NULL);

    topic("t", 1, 1);
    works(p, 5000);
    FAULT(.kind = KFK__DEV_FAULT_LENGTH, .api = PRODUCE, .value = 0x7fffffff);
    works(p, 5000);
    ck_assert_uint_lt(failalloc_bytes(&w.rig.mem), 64 << 20);
    ends(p);
}

START_TEST(a_length_that_lies)
{
    EACH(oversized, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_broker_that_comes_up_late,
                                  names_that_do_not_resolve,
                                  names_that_resolve_slowly,
                                  one_address_after_another,
                                  brokers_that_do_not_answer,
                                  one_that_hangs_is_not_waited_for,
                                  peers_that_speak_something_else,
                                  answers_that_are_wrong,
                                  a_length_that_lies,
                                  NULL};

    return world_main("sim/client", tests);
}
