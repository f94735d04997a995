/* Who leads, who is there, who is asked how often: producers against a cluster that changes. */
#include <stdio.h>
#include <string.h>

#include "devbroker/call.h"
#include "proto/metadata.h"
#include "sim/world.h"

static int ids[WORLD_RECORDS];

#define EACH(app, ...) world_seeds(&(world_opts){__VA_ARGS__}, 10, app)

/* ---- how often ---- */

enum { TOPICS = 30 };
static kfk_producer *shared;
static char names[TOPICS][8];
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

static void one_topic(void *arg)
{
    ck_assert_int_eq(send_to(shared, arg, -1), KFK_OK);
    (void)count(-1);
}

static void many_topics(void)
{
    shared = producer("linger.ms", "1000", NULL);
    kfk__mutex_init(&lock);
    waiting = TOPICS;
    for (int i = 0; i < TOPICS; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%d", i);
        topic(names[i], 2, 1);
        sim_spawn(w.rig.s, 1, names[i], one_topic, names[i]);
    }
    while (count(0) > 0)
        nap(10);
    ck_assert_int_le(requests(METADATA), 4);
    flush(shared);
    ck_assert_int_eq(told(KFK_DELIVERED), TOPICS);
    kfk_producer_free(shared);
}

START_TEST(many_topics_are_few_requests)
{
    EACH(many_topics, .nodes = 1);
}
END_TEST

/* Metadata requests since forget_asked, those of them that do not name "t", those that name "u". */
static int asked, without_t, with_u; /* under lock */

static bool names_topic(const kfk__metadata_request *rq, char name)
{
    for (int32_t i = 0; i < rq->topics.n; i++)
        if (memcmp(rq->topics.v[i].name.data, &name, 1) == 0)
            return true;
    return false;
}

static void hears(void *arg, const kfk__dev_call *call)
{
    (void)arg;
    if (call->key != METADATA)
        return;
    kfk__lock(&lock);
    asked++;
    without_t += !names_topic(call->request, 't');
    with_u += names_topic(call->request, 'u');
    kfk__unlock(&lock);
}

static void forget_asked(void)
{
    kfk__lock(&lock);
    asked = without_t = with_u = 0;
    kfk__unlock(&lock);
}

/* All requests since then named "t", and none "u". */
static void check_asked(int at_least)
{
    kfk__lock(&lock);
    ck_assert_int_ge(asked, at_least);
    ck_assert_int_eq(without_t, 0);
    ck_assert_int_eq(with_u, 0);
    kfk__unlock(&lock);
}

/* Both topics have had a record, and metadata is ten seconds from being asked for by age. */
static kfk_producer *two_topics(const char *linger_ms)
{
    kfk_producer *p = producer("metadata.max.age.ms", "10000", "metadata.max.idle.ms", "5000",
                               "linger.ms", linger_ms, NULL);

    kfk__mutex_init(&lock);
    topic("t", 3, 1);
    topic("u", 3, 1);
    send_and_flush(p, "u", 0);
    send_and_flush(p, "t", 0);
    forget_asked();
    return p;
}

static void one_of_two(void)
{
    kfk_producer *p = two_topics("0");

    for (int i = 0; i < 600; i++) {
        ck_assert_int_eq(send_to(p, "t", i % 3), KFK_OK);
        nap(100);
    }
    check_asked(5);
    send_and_flush(p, "u", 0);
    kfk_producer_free(p);
}

static void one_lingers(void)
{
    kfk_producer *p = two_topics("30000");

    ck_assert_int_eq(send_to(p, "t", 2), KFK_OK);
    nap(25000);
    check_asked(2);
    flush(p);
    kfk_producer_free(p);
}

static void one_is_out(void)
{
    kfk_producer *p = two_topics("0");

    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 20000);
    ck_assert_int_eq(send_to(p, "t", 2), KFK_OK);
    nap(25000);
    check_asked(1);
    flush(p);
    kfk_producer_free(p);
}

/* A topic that nobody makes is not asked about for ever, but as long as a record is kept for it. */
static void not_there(void)
{
    kfk_producer *p = producer("metadata.max.idle.ms", "5000", "max.block.ms", "1000",
                               "delivery.timeout.ms", "30000", "linger.ms", "0", NULL);
    int64_t before;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(send_to(p, "nosuch", 0), KFK_ERR_TIMED_OUT);
    nap(10000);
    before = requests(METADATA);
    nap(60000);
    ck_assert_int_eq(requests(METADATA), before);
    ck_assert_int_eq(send_record(p, new_record(), "nosuch", 0, KFK_NOWAIT, 8), KFK_OK);
    nap(20000);
    ck_assert_int_gt(requests(METADATA), before + 15);
    topic("nosuch", 1, 1);
    nap(5000);
    ck_assert_int_eq(report_of(2).err, KFK_OK);
    ck_assert_int_eq(report_of(2).status, KFK_DELIVERED);
    kfk_producer_free(p);
}

START_TEST(a_topic_that_is_not_there_is_forgotten)
{
    EACH(not_there, .no_auto_create = true);
}
END_TEST

/* The longest time there is. */
static void none_ever(void)
{
    kfk_producer *p = producer("metadata.max.age.ms", "10000", "metadata.max.idle.ms",
                               "9223372036854775807", NULL);

    kfk__mutex_init(&lock);
    topic("u", 1, 1);
    send_and_flush(p, "u", 0);
    forget_asked();
    nap(25000);
    kfk__lock(&lock);
    ck_assert_int_eq(asked, 2);
    ck_assert_int_eq(with_u, 2);
    kfk__unlock(&lock);
    kfk_producer_free(p);
}

START_TEST(a_topic_that_is_in_use_is_not_forgotten)
{
    EACH(one_of_two, .heard = hears);
    EACH(one_lingers, .heard = hears);
    EACH(one_is_out, .heard = hears);
    EACH(none_ever, .heard = hears);
}
END_TEST

static void unknown_topic(void)
{
    kfk_producer *p = producer("max.block.ms", "5000", NULL);
    int64_t start = now();

    ck_assert_int_eq(send_to(p, "nosuch", -1), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(now() - start, 5 * SIM_S);
    ck_assert_int_le(requests(METADATA), 5 * 20);
    ck_assert_int_ge(requests(METADATA), 4);
    ck_assert_int_eq(send_to(p, "b@d", -1), KFK_ERR_INVALID_TOPIC_EXCEPTION);
    topic("nosuch", 1, 1); /* it comes after all */
    send_and_flush(p, "nosuch", -1);
    /* A partition that is not there, or not yet. */
    ck_assert_int_eq(send_to(p, "nosuch", 1), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(told(KFK_DELIVERED), 1);
    kfk_producer_free(p);
}

START_TEST(an_unknown_topic_backs_off)
{
    EACH(unknown_topic, .no_auto_create = true);
}
END_TEST

/* Somebody waits for a partition that is added only after a broker was asked for it. */
static void added_late(void *arg)
{
    (void)arg;
    nap(3000);
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    topic("t", 3, 1);
}

static void waits_for_a_partition(void)
{
    kfk_producer *p = producer("max.block.ms", "20000", NULL);
    int64_t start;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    start = now();
    sim_spawn(w.rig.s, 1, "later", added_late, NULL);
    send_and_flush(p, "t", 2);
    ck_assert_int_ge(now() - start, 3 * SIM_S);
    ck_assert_int_lt(now() - start, 5 * SIM_S);
    ck_assert_int_le(requests(METADATA), 5 * 20);
    kfk_producer_free(p);
}

START_TEST(a_partition_that_is_added_is_found)
{
    EACH(waits_for_a_partition, .no_auto_create = true);
}
END_TEST

static void nobody_waits(void)
{
    kfk_producer *p = producer("max.block.ms", "0", NULL);

    topic("t", 1, 1);
    ck_assert_int_eq(send_to(p, "t", -1), KFK_OK);
    ck_assert_int_eq(send_to(p, "b@d", -1), KFK_OK);
    flush(p);
    ck_assert_int_eq(w.reports[0].status, KFK_DELIVERED);
    ck_assert_int_eq(w.reports[1].err, KFK_ERR_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(send_to(p, "b@d", -1), KFK_ERR_INVALID_TOPIC_EXCEPTION);
    kfk_producer_free(p);
}

START_TEST(who_does_not_wait_asks_all_the_same)
{
    EACH(nobody_waits, .no_auto_create = true);
}
END_TEST

/* ---- throttled ---- */

static void throttled(void)
{
    kfk_producer *p = producer("request.timeout.ms", "600", "linger.ms", "0", NULL);
    int64_t start;

    topic("t", 2, 2);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 1), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 1, 2), KFK_OK);
    send_and_flush(p, "t", 0);
    send_and_flush(p, "t", 1);
    FAULT(.kind = KFK__DEV_FAULT_THROTTLE, .api = PRODUCE, .node = 1, .value = 1000);
    send_and_flush(p, "t", 0);
    start = now();
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    send_and_flush(p, "t", 1);
    ck_assert_int_ge(w.reports[3].at, start + 990 * SIM_MS);
    ck_assert_int_le(w.reports[3].at, start + 1010 * SIM_MS);
    ck_assert_int_le(w.reports[4].at, start + 10 * SIM_MS);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK); /* no connection was lost */
    kfk_producer_free(p);
}

START_TEST(check_21_a_throttled_broker_is_left_alone)
{
    EACH(throttled, .nodes = 2);
}
END_TEST

/* ---- leaders ---- */

static void leaders_move(void)
{
    kfk_producer *p = producer("linger.ms", "0", NULL);
    int64_t start;

    topic("t", 1, 3);
    for (int32_t i = 0; i < 9; i++) {
        start = now();
        ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, i % 3 + 1), KFK_OK);
        send_and_flush(p, "t", 0);
        ck_assert_int_lt(now() - start, 700 * SIM_MS);
    }
    ck_assert_int_eq(log_of("t", 0, ids, 9), 9);
    kfk_producer_free(p);
}

static void hinted(void)
{
    kfk_producer *p = producer("retry.backoff.ms", "1000", "linger.ms", "0", NULL);
    int64_t start;

    topic("t", 1, 3);
    send_and_flush(p, "t", 0);
    for (int32_t i = 0; i < 9; i++) {
        nap(5000);
        start = now();
        ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, i % 3 + 1), KFK_OK);
        send_and_flush(p, "t", 0);
        ck_assert_int_lt(now() - start, 10 * SIM_MS); /* no backoff, no metadata */
    }
    kfk_producer_free(p);
}

/* Several batches are refused together. */
static void together(int64_t within_ms)
{
    kfk_producer *p = producer("linger.ms", "0", "batch.size", "0", NULL);
    int64_t start;

    topic("t", 1, 3);
    for (int32_t i = 0; i < 9; i++) {
        send_and_flush(p, "t", 0);
        nap(5000);
        start = now();
        ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, i % 3 + 1), KFK_OK);
        for (int k = 0; k < 5; k++)
            ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
        flush(p);
        if (i >= 3) /* all are connected to by then */
            ck_assert_int_lt(now() - start, within_ms * SIM_MS);
    }
    ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), w.sent);
    for (int i = 0; i < w.sent; i++)
        ck_assert_int_eq(ids[i], i);
    kfk_producer_free(p);
}

static void hinted_together(void)
{
    together(10);
}

static void asked_for_together(void)
{
    together(50); /* retry.backoff.ms is 100: metadata names the new leader before that */
}

START_TEST(what_fails_together_backs_off_once)
{
    EACH(hinted_together, .nodes = 3);
    EACH(asked_for_together, .nodes = 3, .profile = "3.3");
}
END_TEST

/* The leader refuses; metadata says that it leads since then, in a new term, or it says nothing new. */
static void refused(bool new_term, int64_t at_least_ms, int64_t within_ms)
{
    kfk_producer *p = producer("linger.ms", "0", "retry.backoff.ms", "1000", NULL);
    int64_t start, took;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    nap(5000);
    if (new_term)
        ck_assert_int_eq(kfk__devbroker_bump_epoch(w.broker, "t", 0), KFK_OK);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY,
          .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    start = now();
    send_and_flush(p, "t", 0);
    took = now() - start;
    ck_assert_int_ge(took, at_least_ms * SIM_MS);
    ck_assert_int_lt(took, within_ms * SIM_MS);
    kfk_producer_free(p);
}

static void elected_again(void)
{
    refused(true, 0, 10);
}

static void elected_again_but_who_knows(void)
{
    refused(true, 800, 1300);
}

static void led_all_the_time(void)
{
    refused(false, 800, 1300);
}

START_TEST(a_leader_in_a_new_term_is_not_backed_off_from)
{
    EACH(elected_again, 0);
    EACH(led_all_the_time, 0);
    EACH(elected_again_but_who_knows, .profile = "2.1"); /* there are no epochs */
}
END_TEST

/* Metadata tells of the new leader while a request to the old one is out, which then is refused. */
static void told_meanwhile(void)
{
    kfk_producer *p = producer("linger.ms", "0", "retry.backoff.ms", "1000", "metadata.max.age.ms",
                               "5000", "enable.idempotence", "false", NULL);
    int64_t before, start;

    topic("t", 2, 2);
    (void)kfk__devbroker_move_leader(w.broker, "t", 0, 1);
    (void)kfk__devbroker_move_leader(w.broker, "t", 1, 2);
    send_and_flush(p, "t", 0);
    send_and_flush(p, "t", 1); /* from now on node 2 can be asked while node 1 is silent */
    for (before = requests(METADATA); requests(METADATA) == before;)
        nap(10);
    nap(4800);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 400);
    start = now();
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(10);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 2), KFK_OK);
    nap(290);
    if (sim_below(w.rig.s, 2) == 0) /* one that goes to the new one has no say in it */
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_lt(now() - start, 420 * SIM_MS);
    ck_assert_int_ge(w.reports[2].at, start + 400 * SIM_MS);
    ck_assert_int_eq(told(KFK_DELIVERED), accepted());
    kfk_producer_free(p);
}

START_TEST(a_leader_that_metadata_has_told_of_is_not_waited_for)
{
    EACH(told_meanwhile, .nodes = 2, .profile = "3.3"); /* which gives no hints */
}
END_TEST

START_TEST(leaders_are_followed)
{
    EACH(leaders_move, .nodes = 3, .profile = "2.1");
    EACH(leaders_move, .nodes = 3);
}
END_TEST

START_TEST(check_19_a_leader_that_is_hinted_at_is_asked_at_once)
{
    EACH(hinted, .nodes = 3);
}
END_TEST

static void nodes_stop(void)
{
    kfk_producer *p = producer("linger.ms", "0", "reconnect.backoff.ms", "50", NULL);

    topic("t", 3, 3);
    for (int32_t i = 0; i < 12; i++) {
        int32_t node = i % 3 + 1;

        ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, node), KFK_OK);
        for (int32_t k = 0; k < 3; k++)
            ck_assert_int_eq(send_to(p, "t", k), KFK_OK);
        flush(p);
        ck_assert_int_eq(kfk__devbroker_start_node(w.broker, node), KFK_OK);
    }
    ck_assert_int_eq(told(KFK_DELIVERED), 36);
    for (int32_t k = 0; k < 3; k++)
        ck_assert_int_eq(log_of("t", k, ids, 12), 12);
    kfk_producer_free(p);
}

START_TEST(nodes_come_and_go)
{
    EACH(nodes_stop, .nodes = 3);
}
END_TEST

/* The advertised addresses lead nowhere any more: bootstrap.servers is asked again, and again until
 * what it says is of use. */
static void all_gone(void)
{
    static const uint32_t here[] = {WORLD_HOST}, nowhere[] = {9};
    int64_t before;
    kfk_producer *p;

    topic("t", 1, 1);
    simnet_name(w.rig.s, "boot", here, 1);
    simnet_name(w.rig.s, "adv", here, 1);
    p = producer("bootstrap.servers", "boot:9092", "linger.ms", "0", NULL);
    send_and_flush(p, "t", 0);
    simnet_name(w.rig.s, "adv", nowhere, 1);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    before = requests(METADATA);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(5000);
    ck_assert_int_ge(requests(METADATA), before + 3);
    ck_assert_int_le(requests(METADATA), before + 100);
    simnet_name(w.rig.s, "adv", here, 1);
    nap(2000);
    ck_assert_int_eq(told(KFK_DELIVERED), 2);
    kfk_producer_free(p);
}

static void all_stop(void)
{
    kfk_producer *p = producer("reconnect.backoff.max.ms", "200", "linger.ms", "0", NULL);

    topic("t", 1, 2);
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 2), KFK_OK);
    nap(5000);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 2), KFK_OK);
    send_and_flush(p, "t", 0);
    kfk_producer_free(p);
}

START_TEST(rebootstrap)
{
    EACH(all_gone, .host = "adv");
    EACH(all_stop, .nodes = 2);
}
END_TEST

static void idle(void)
{
    kfk_producer *p = producer("connections.max.idle.ms", "2000", "linger.ms", "0", NULL);
    int64_t before;

    topic("t", 1, 1);
    send_and_flush(p, "t", 0);
    before = requests(API_VERSIONS);
    nap(1500);
    send_and_flush(p, "t", 0);
    nap(1500);
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(requests(API_VERSIONS), before);
    nap(3000);
    ck_assert_int_eq(kfk_producer_last_error(p, &w.e), KFK_OK);
    send_and_flush(p, "t", 0);
    ck_assert_int_eq(requests(API_VERSIONS), before + 1);
    kfk_producer_free(p);
}

START_TEST(idle_connections_are_closed)
{
    EACH(idle, .nodes = 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {many_topics_are_few_requests,
                                  a_topic_that_is_not_there_is_forgotten, a_topic_that_is_in_use_is_not_forgotten,
                                  an_unknown_topic_backs_off,
                                  a_partition_that_is_added_is_found,
                                  who_does_not_wait_asks_all_the_same,
                                  check_21_a_throttled_broker_is_left_alone,
                                  what_fails_together_backs_off_once,
                                  a_leader_in_a_new_term_is_not_backed_off_from,
                                  a_leader_that_metadata_has_told_of_is_not_waited_for,
                                  leaders_are_followed,
                                  check_19_a_leader_that_is_hinted_at_is_asked_at_once,
                                  nodes_come_and_go,
                                  rebootstrap,
                                  idle_connections_are_closed,
                                  NULL};

    return world_main("sim/metadata", tests);
}
