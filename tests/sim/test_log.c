/* What the log says of a broker that is down for a day: each reason at once, and then little. */
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

int main(void)
{
    const TTest *const tests[] = {a_broker_is_down_for_a_day, NULL};

    return world_main("sim/log", tests);
}
