/* Every error code of Kafka's protocol in every answer that a member of a group gets, once, three times and for ever: it goes
 * on, or poll tells, or it is over and poll says of which group and what to do; nothing runs hot; close is back in time. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devbroker/call.h"
#include "sim/crew.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STEP = 5 };
#else
enum { STEP = 1 };
#endif
enum { FIRST = -1, LAST = 134, UNHEARD_OF = 999 };
enum { MINUTE = 60, MOST_A_SECOND = 20, CLOSE_MS = 5000 };

typedef enum outcome { GOES_ON, TELLS, FATAL } outcome;

static const char *protocol;
static int16_t api;
static kfk__dev_fault_kind kind;
static bool after;
static int32_t code;
static int times;
static atomic_int heard_of[16]; /* by node */

static void hear(void *arg, const kfk__dev_call *call)
{
    crew_heard(arg, call);
    heard_of[call->node]++;
}

static bool is_one_of(const int32_t *codes)
{
    while (*codes && *codes != code)
        codes++;
    return *codes != 0;
}

#define ONE_OF(...) is_one_of((const int32_t[]){__VA_ARGS__, 0})

/* What a coordinator cannot be found with counts as what the request that was to go there was answered. */
static int16_t asked(void)
{
    if (api != FIND_COORDINATOR)
        return api;
    return protocol[1] == 'l' ? JOIN_GROUP : CONSUMER_HEARTBEAT;
}

static outcome expected(void)
{
    bool retriable = kfk_err_flags(code) & KFK_RETRIABLE;

    if (kind != KFK__DEV_FAULT_ERROR)
        return GOES_ON;
    switch (asked()) {
    case LEAVE_GROUP:
        return GOES_ON;
    case OFFSET_COMMIT:
        return code == KFK_ERR_FENCED_INSTANCE_ID && protocol[1] == 'l' ? FATAL : GOES_ON;
    case OFFSET_FETCH:
        return retriable ? GOES_ON : TELLS;
    case CONSUMER_HEARTBEAT:
        if (code == KFK_ERR_TOPIC_AUTHORIZATION_FAILED)
            return TELLS;
        return retriable || ONE_OF(KFK_ERR_UNKNOWN_MEMBER_ID, KFK_ERR_FENCED_MEMBER_EPOCH) ? GOES_ON
                                                                                           : FATAL;
    default:
        if (code == KFK_ERR_MEMBER_ID_REQUIRED && api != HEARTBEAT)
            return GOES_ON;
        return retriable || ONE_OF(KFK_ERR_UNKNOWN_MEMBER_ID, KFK_ERR_ILLEGAL_GENERATION,
                                   KFK_ERR_REBALANCE_IN_PROGRESS)
                   ? GOES_ON
                   : FATAL;
    }
}

/* SIM_ALL: tells of all that is wrong, and goes on. */
static void __attribute__((format(printf, 2, 3))) want(bool is, const char *format, ...)
{
    char what[1200];
    va_list ap;

    if (is)
        return;
    va_start(ap, format);
    (void)vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    if (getenv("SIM_ALL"))
        (void)fprintf(stderr, "%s: %s (%d) %d times in API %d: %s\n", protocol, kfk_err_name(code),
                      (int)code, times, (int)api, what);
    else
        ck_abort_msg("%s: %s (%d) %d times in API %d: %s", protocol, kfk_err_name(code), (int)code,
                     times, (int)api, what);
}

/* What m0 told of it. */
static void judge(outcome is)
{
    kfk_error e = crew_error(0);
    int n = crew_errors(0, code);

    if (is == GOES_ON)
        want(e.code == KFK_OK, "told\n%s", e.msg);
    if (is == TELLS)
        want(n > 0 && !(e.flags & KFK_FATAL), "not told\n%s", e.msg);
    if (is != FATAL)
        return;
    want(n > 0 && e.flags & KFK_FATAL, "not fatal");
    want(strstr(e.msg, "group g"), "the group is not named\n%s", e.msg);
    want(strstr(e.msg, kfk_err_name(code)) || strlen(e.msg) > 20, "says too little\n%s", e.msg);
}

static void expect_calm(void)
{
    /* Kafka has this one asked again each 20 ms. */
    int most = code == KFK_ERR_CONCURRENT_TRANSACTIONS ? 55 : MOST_A_SECOND;

    for (int i = 1; i <= 2; i++)
        want(heard_of[i] <= MINUTE * most, "%d requests to node %d", heard_of[i], i);
}

/* A commit each second, so that there is one. */
static void join(void)
{
    (void)crew_join("t0", "auto.commit.interval.ms", "1000", "max.poll.interval.ms", "20000", NULL);
}

static void begin(void)
{
    crew_begin(protocol);
    crew_topic(0, 2);
    crew_fill(0, 2, 3);
    for (int i = 0; i < 16; i++)
        heard_of[i] = 0;
    FAULT(.kind = kind, .after = after, .api = api, .value = code, .count = times,
          .level = KFK__DEV_ANY);
}

static void some_times(void)
{
    outcome is = expected();

    begin();
    join();
    if (api == LEAVE_GROUP) {
        (void)crew_await(30000);
        want(crew_unsubscribe(0, CLOSE_MS) != KFK_ERR_BUSY, "unsubscribe");
        ck_assert_int_eq(crew_subscribe(0, "t0"), KFK_OK);
    }
    nap(20000);
    judge(is);
    expect_calm();
    if (is != FATAL)
        (void)crew_await(kind == KFK__DEV_FAULT_HANG ? 150000 : 30000);
    if (is == GOES_ON)
        crew_await_read(kind == KFK__DEV_FAULT_HANG ? 100000 : 10000);
    crew_end();
}

static void for_ever(void)
{
    outcome is = expected();
    int64_t start;
    kfk_err err;

    begin();
    join();
    nap(MINUTE * 1000);
    judge(is);
    expect_calm();
    start = now();
    err = crew_leave(0, CLOSE_MS);
    want(now() - start <= (CLOSE_MS + 300) * SIM_MS, "close took %d ms", (int)((now() - start) / SIM_MS));
    want(err == KFK_OK || err == KFK_ERR_TIMED_OUT || err > 0, "close: %d", (int)err);
    kfk__devbroker_fault_clear(w.broker);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    join();
    nap(1000);
    (void)crew_await(40000);
    crew_await_read(20000);
    crew_end();
}

static void one(int32_t which)
{
    world_opts o = {.nodes = 2, .heard = hear, .limit = 1200 * SIM_S};

    code = which;
    for (int i = 0; i < 3; i++) {
        times = i == 0 ? 1 : i == 1 ? 3 : -1;
        o.seed = (uint64_t)(code + 2) * 3 + (uint64_t)i;
        (void)world_run(&o, times < 0 ? for_ever : some_times);
    }
}

static void run(const char *of, int16_t which)
{
    const char *only = getenv("CODE");

    protocol = of;
    api = which;
    kind = KFK__DEV_FAULT_ERROR;
    after = false;
    for (int32_t c = FIRST; c <= LAST; c += only ? 1 : STEP)
        if (c != 0 && (!only || atoi(only) == c))
            one(c);
    if (!only)
        one(UNHEARD_OF);
}

START_TEST(find_coordinator)
{
    run("classic", FIND_COORDINATOR);
}
END_TEST

START_TEST(join_group)
{
    run("classic", JOIN_GROUP);
}
END_TEST

START_TEST(sync_group)
{
    run("classic", SYNC_GROUP);
}
END_TEST

START_TEST(heartbeat)
{
    run("classic", HEARTBEAT);
}
END_TEST

START_TEST(leave_group)
{
    run("classic", LEAVE_GROUP);
}
END_TEST

START_TEST(offset_commit)
{
    run("classic", OFFSET_COMMIT);
}
END_TEST

START_TEST(offset_fetch)
{
    run("classic", OFFSET_FETCH);
}
END_TEST

START_TEST(consumer_group_heartbeat)
{
    run("consumer", CONSUMER_HEARTBEAT);
}
END_TEST

START_TEST(find_coordinator_of_consumer)
{
    run("consumer", FIND_COORDINATOR);
}
END_TEST

START_TEST(offset_commit_of_consumer)
{
    run("consumer", OFFSET_COMMIT);
}
END_TEST

START_TEST(offset_fetch_of_consumer)
{
    run("consumer", OFFSET_FETCH);
}
END_TEST

static void run_unanswered(const char *of, const int16_t *apis)
{
    static const kfk__dev_fault_kind kinds[] = {KFK__DEV_FAULT_DROP, KFK__DEV_FAULT_HANG};

    protocol = of;
    code = 0;
    for (; *apis; apis++)
        for (int i = 0; i < 12; i++) {
            world_opts o = {.nodes = 2, .heard = hear, .limit = 1200 * SIM_S, .seed = (uint64_t)i};

            api = *apis;
            kind = kinds[i % 2];
            after = i / 2 % 2;
            times = i / 4 == 0 ? 1 : i / 4 == 1 ? 3 : -1;
            (void)world_run(&o, times < 0 ? for_ever : some_times);
        }
}

START_TEST(no_answer)
{
    run_unanswered("classic", (const int16_t[]){FIND_COORDINATOR, JOIN_GROUP, SYNC_GROUP, HEARTBEAT,
                                                LEAVE_GROUP, OFFSET_COMMIT, OFFSET_FETCH, 0});
    run_unanswered("consumer", (const int16_t[]){FIND_COORDINATOR, CONSUMER_HEARTBEAT, OFFSET_COMMIT,
                                                 OFFSET_FETCH, 0});
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {find_coordinator, join_group, sync_group, heartbeat, leave_group,
                                  offset_commit, offset_fetch, consumer_group_heartbeat,
                                  find_coordinator_of_consumer, offset_commit_of_consumer,
                                  offset_fetch_of_consumer, no_answer, NULL};

    return world_main("group_codes", tests);
}
