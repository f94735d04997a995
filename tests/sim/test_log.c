/* What the log and the errors say of what stands in the way: of a broker that is down for a day, each reason at once, and
 * then little; and of brokers that answer, and refuse. */
#include "sim/world.h"

#include <stdio.h>
#include <string.h>

#include "producer/producer_env.h"

enum { LINES = 1000, HOUR = 3600 * 1000 };

static kfk__mutex logged_lock; /* guards: */
static struct {
    int n;
    struct {
        int64_t at;
        char text[300];
    } lines[LINES];
} logged;

static void keep(int level, const char *subsystem, const char *msg, void *arg)
{
    (void)level;
    (void)arg;
    ck_assert_str_eq(subsystem, "producer");
    kfk__lock(&logged_lock);
    ck_assert_int_lt(logged.n, LINES);
    logged.lines[logged.n].at = now();
    (void)snprintf(logged.lines[logged.n].text, sizeof logged.lines[0].text, "%s", msg);
    logged.n++;
    kfk__unlock(&logged_lock);
}

static kfk_producer *logging_producer(const char *name, ...)
{
    kfk_hooks hooks = {.struct_size = sizeof hooks, .log = keep};
    kfk_producer *p = NULL;
    kfk_config *c;
    va_list ap;

    va_start(ap, name);
    c = config(name, ap);
    va_end(ap);
    ck_assert_int_eq(kfk_config_hooks(c, &hooks, NULL, NULL), KFK_OK);
    ck_assert_int_eq(kfk__producer_new_in(&p, &w.rig.env, c, &w.e), KFK_OK);
    kfk_config_free(c);
    return p;
}

/* How many lines with |text| there are from |since| on, and when the first came. */
static int lines_with(const char *text, int64_t since, int64_t *first)
{
    int n = 0;

    kfk__lock(&logged_lock);
    for (int i = 0; i < logged.n; i++) {
        if (logged.lines[i].at < since || !strstr(logged.lines[i].text, text))
            continue;
        if (n++ == 0)
            *first = logged.lines[i].at;
    }
    kfk__unlock(&logged_lock);
    return n;
}

/* For |ms|; |reason| is told soon, and not often. */
static void expect(const char *reason, int64_t ms)
{
    int64_t since = now(), first = 0;
    int n;

    nap(ms);
    n = lines_with(reason, since, &first);
    ck_assert_msg(n >= 1, "\"%s\" was not told", reason);
    ck_assert_int_le(first - since, 15 * SIM_S);
    ck_assert_int_le(n, 6 + ms / (16 * 60 * 1000));
}

static void a_day(void)
{
    kfk_producer *p = logging_producer(NULL);
    int64_t first = 0, up;

    topic("t", 1, 1);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(lines_with("", 0, &first), 0);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    expect("cannot connect", 12 * HOUR);
    (void)FAULT(.kind = KFK__DEV_FAULT_DROP, .api = API_VERSIONS, .count = -1);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 1), KFK_OK);
    expect("before the broker said which versions", 11 * HOUR);
    kfk__devbroker_fault_clear(w.broker);
    (void)FAULT(.kind = KFK__DEV_FAULT_HANG, .api = API_VERSIONS, .count = -1);
    nap(HOUR);
    kfk__devbroker_fault_clear(w.broker);
    up = now();
    nap(120 * 1000);
    ck_assert_int_eq(lines_with("connected again", up, &first), 1);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    expect("cannot connect", 20 * 1000);
    ck_assert_int_gt(lines_with("more like this in ", 0, &first), 50);
    ck_assert_int_le(lines_with("", 0, &first), 200);
    kfk_producer_free(p);
}

START_TEST(a_broker_is_down_for_a_day)
{
    world_run(&(world_opts){.limit = 25 * 3600 * SIM_S}, a_day);
}
END_TEST

/* ---- brokers that refuse ---- */

/* Nothing was logged yet. */
static void log_anew(void)
{
    kfk__lock(&logged_lock);
    logged.n = 0;
    kfk__unlock(&logged_lock);
}

static kfk_err last_error(kfk_producer *p, kfk_error *e)
{
    return kfk_producer_last_error(p, e);
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in \"%s\"", part, text);
}

static void takes_nothing(void)
{
    kfk_producer *p = logging_producer("linger.ms", "0", "delivery.timeout.ms", "4000",
                                       "request.timeout.ms", "1000", NULL);
    int64_t first = 0;
    kfk_error e;

    log_anew();
    topic("t", 2, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY, .count = -1,
          .value = KFK_ERR_NOT_ENOUGH_REPLICAS);
    ck_assert_int_eq(send_to(p, "t", 1), KFK_OK);
    nap(2000);
    ck_assert_int_eq(last_error(p, &e), KFK_ERR_NOT_ENOUGH_REPLICAS);
    ck_assert_str_eq(e.topic, "t");
    ck_assert_int_eq(e.partition, 1);
    ck_assert_int_eq(e.phase, KFK_PHASE_REQUEST);
    ck_assert_int_eq(kfk_producer_flush(p, 10, &e), KFK_ERR_TIMED_OUT);
    has(e.msg, "NOT_ENOUGH_REPLICAS");
    nap(3000);
    ck_assert_int_eq(report_of(0).err, KFK_ERR_DELIVERY_TIMEOUT);
    has(report_of(0).msg, "the last answer was NOT_ENOUGH_REPLICAS");
    ck_assert_int_eq(lines_with("topic t, partition 1: NOT_ENOUGH_REPLICAS", 0, &first), 1);
    kfk__devbroker_fault_clear(w.broker);
    ck_assert_int_eq(send_to(p, "t", 1), KFK_OK);
    flush(p);
    ck_assert_int_eq(report_of(1).err, KFK_OK);
    ck_assert_int_eq(last_error(p, &e), KFK_OK);
    ck_assert_int_eq(lines_with("topic t, partition 1: goes on again", 0, &first), 1);
    kfk_producer_free(p);
}

START_TEST(why_a_leader_takes_nothing_is_told)
{
    world_seeds(&(world_opts){0}, 10, takes_nothing);
}
END_TEST

static void is_not_there(void)
{
    kfk_producer *p = logging_producer("max.block.ms", "1000", "delivery.timeout.ms", "3000",
                                       "request.timeout.ms", "1000", "linger.ms", "0", NULL);
    const kfk_record r = {.struct_size = sizeof r, .topic = "nosuch", .value = {"v", 1}};
    int64_t first = 0;
    kfk_error e;

    log_anew();
    ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &e), KFK_ERR_TIMED_OUT);
    has(e.msg, "topic nosuch: no metadata in max.block.ms; the last answer was "
               "UNKNOWN_TOPIC_OR_PARTITION");
    ck_assert_int_eq(kfk_producer_send_sync(p, &r, 100, NULL, &e), KFK_ERR_TIMED_OUT);
    has(e.msg, "no metadata in the time given");
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(last_error(p, &e), KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_str_eq(e.topic, "nosuch");
    ck_assert_int_eq(lines_with("topic nosuch: UNKNOWN_TOPIC_OR_PARTITION", 0, &first), 1);
    /* One that may not wait is kept, and hears of it in the end. */
    ck_assert_int_eq(send_record(p, new_record(), "nosuch", -1, KFK_NOWAIT, 8), KFK_OK);
    nap(4000);
    ck_assert_int_eq(report_of(0).err, KFK_ERR_DELIVERY_TIMEOUT);
    has(report_of(0).msg, "the last answer was UNKNOWN_TOPIC_OR_PARTITION");
    topic("nosuch", 3, 1);
    ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &e), KFK_OK);
    flush(p);
    ck_assert_int_eq(last_error(p, &e), KFK_OK);
    ck_assert_int_eq(send_record(p, new_record(), "nosuch", 7, 0, 8), KFK_ERR_TIMED_OUT);
    has(w.reports[1].msg, "partition 7 is not among its 3, and did not come in max.block.ms");
    ck_assert_int_eq(send_record(p, new_record(), "nosuch", 7, KFK_NOWAIT, 8), KFK_ERR_TIMED_OUT);
    has(w.reports[2].msg, "partition 7 is not among its 3, and is not to be waited for");
    kfk_producer_free(p);
}

START_TEST(why_a_topic_has_no_partitions_is_told)
{
    world_seeds(&(world_opts){.no_auto_create = true}, 10, is_not_there);
}
END_TEST

/* Who may not write at all is told so for each record, and can write as soon as it may. */
static void may_not_write(void)
{
    kfk_producer *p = logging_producer("linger.ms", "0", NULL);
    int64_t first = 0;
    kfk_error e;

    log_anew();
    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = INIT_PRODUCER_ID, .count = -1,
          .value = KFK_ERR_CLUSTER_AUTHORIZATION_FAILED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
        flush(p);
        ck_assert_int_eq(report_of(i).err, KFK_ERR_CLUSTER_AUTHORIZATION_FAILED);
        ck_assert_int_eq(report_of(i).status, KFK_NOT_WRITTEN);
        has(report_of(i).msg, "IdempotentWrite");
    }
    ck_assert_int_eq(last_error(p, &e), KFK_ERR_CLUSTER_AUTHORIZATION_FAILED);
    ck_assert_int_ge(lines_with("no producer id: ", 0, &first), 1);
    ck_assert_int_le(requests(INIT_PRODUCER_ID), 10);
    nap(60000);
    ck_assert_int_le(requests(INIT_PRODUCER_ID), 10);
    kfk__devbroker_fault_clear(w.broker);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(report_of(3).err, KFK_OK);
    ck_assert_int_eq(last_error(p, &e), KFK_OK);
    kfk_producer_free(p);
}

START_TEST(a_right_that_is_granted_later_is_used)
{
    world_seeds(&(world_opts){0}, 10, may_not_write);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_broker_is_down_for_a_day,
                                  why_a_leader_takes_nothing_is_told,
                                  why_a_topic_has_no_partitions_is_told,
                                  a_right_that_is_granted_later_is_used,
                                  NULL};

    return world_main("sim/log", tests);
}
