/* What a producer may and may not do inside and outside of callbacks, and where these run: on its
 * own thread, or with dispatch=app where the application asks for them. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "producer/producer_env.h"
#include "sim/wire.h"
#include "sim/world.h"

static int ids[WORLD_RECORDS];

#define EACH(app, ...) world_seeds(&(world_opts){__VA_ARGS__}, 10, app)

static void ends(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_close(p, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_producer_free(p);
}

/* A producer with hooks. */
static kfk_producer *hooked(const kfk_hooks *h, void *arg, const char *name, const char *value)
{
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);
    kfk_producer *p = NULL;

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    if (name)
        ck_assert_int_eq(kfk_config_set(c, name, value, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_hooks(c, h, arg, &w.e), KFK_OK);
    ck_assert_msg(kfk__producer_new_in(&p, &w.rig.env, c, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_config_free(c);
    return p;
}

static int dispatch(kfk_producer *p, int max)
{
    int n;

    ck_assert_int_eq(kfk_producer_dispatch(p, max, &n, &w.e), KFK_OK);
    return n;
}

/* Dispatches until |n| callbacks have run. */
static void dispatch_all(kfk_producer *p, int n)
{
    int64_t end = now() + 10 * SIM_S;

    while (n > 0 && now() < end) {
        n -= dispatch(p, -1);
        nap(1);
    }
    ck_assert_int_eq(n, 0);
}

static int told_now(void)
{
    int n = 0;

    for (int i = 0; i < w.sent; i++)
        n += w.reports[i].n;
    return n;
}

/* ---- where callbacks run ---- */

static void only_in_dispatch(void)
{
    kfk_producer *p = producer("dispatch", "app", NULL);

    topic("t", 1, 1);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(1000);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 100);
    ck_assert_int_eq(told_now(), 0);
    ck_assert_int_eq(dispatch(p, 7), 7);
    ck_assert_int_eq(told_now(), 7);
    dispatch_all(p, 93);
    ck_assert_int_eq(told(KFK_DELIVERED), 100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(w.reports[i].offset, i);
    ck_assert_int_eq(dispatch(p, -1), 0);
    ends(p);
}

START_TEST(callbacks_run_in_dispatch_and_nowhere_else)
{
    EACH(only_in_dispatch, 0);
}
END_TEST

static void memory_is_held(void)
{
    kfk_producer *p = producer("dispatch", "app", "buffer.memory", "50000", "batch.size", "2000",
                               "max.block.ms", "0", NULL);
    int n = 0;

    topic("t", 1, 1);
    while (send_record(p, new_record(), "t", 0, 0, 100) == KFK_OK)
        n++;
    ck_assert_int_eq(n, w.sent - 1);
    nap(1000);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), n);
    ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_ERR_WOULD_BLOCK);
    dispatch_all(p, n);
    ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    ends(p);
    ck_assert_int_eq(told(KFK_DELIVERED), n + 1);
}

START_TEST(records_hold_their_memory_until_they_are_told_of)
{
    EACH(memory_is_held, 0);
}
END_TEST

static void waits_dispatch(void)
{
    kfk_delivery d = {.struct_size = sizeof d};
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"v", 1}};
    kfk_producer *p = producer("dispatch", "app", NULL);

    topic("t", 1, 1);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 50);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    ck_assert_msg(kfk_producer_send_sync(p, &r, 5000, &d, &w.e) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_eq(d.status, KFK_DELIVERED);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    ends(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 150);
}

/* A result is no longer awaited a moment before it can be told. */
static void flushed_is_told(void)
{
    kfk_producer *p = producer("dispatch", "app", "linger.ms", "0", NULL);

    topic("t", 6, 1);
    for (int i = 0; i < 200; i++) {
        for (int32_t k = 0; k < 6; k++)
            ck_assert_int_eq(send_to(p, "t", k), KFK_OK);
        flush(p);
        ck_assert_int_eq(told(KFK_DELIVERED), w.sent);
    }
    ends(p);
}

START_TEST(flush_returns_when_all_has_been_told)
{
    EACH(flushed_is_told, 0);
}
END_TEST

/* Several batches have their result while a request still holds them. */
static void ended_in_flight(void)
{
    kfk_producer *p = producer("dispatch", "app", "linger.ms", "0", "batch.size", "200", NULL);

    topic("t", 1, 1);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 100, .count = 3);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    nap(10);
    ck_assert_int_eq(kfk_producer_purge(p, &w.e), KFK_OK);
    nap((int64_t)sim_below(w.rig.s, 300));
    dispatch_all(p, 5);
    ck_assert_int_eq(told(KFK_UNKNOWN), 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
        nap(50);
    }
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 6);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), 11);
    ends(p);
}

START_TEST(what_ends_in_flight_is_told_before_its_answer)
{
    EACH(ended_in_flight, 0);
}
END_TEST

static kfk_producer *common;
static atomic_int waiting;

static void sends_and_flushes(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(send_to(common, "t", -1), KFK_OK);
        flush(common);
    }
    waiting--;
}

static void flushes_in_vain(void *arg)
{
    (void)arg;
    while (waiting > 0) {
        (void)kfk_producer_flush(common, 0, NULL);
        nap(1);
    }
}

/* Nobody dispatches but those who wait, each of whom may find that another does. */
static void waits_crowd(void)
{
    int64_t start = now();

    common = producer("dispatch", "app", "linger.ms", "0", NULL);
    waiting = 5;
    topic("t", 4, 1);
    for (int i = 0; i < 4; i++)
        sim_spawn(w.rig.s, 1, "flushes", sends_and_flushes, NULL);
    for (int i = 0; i < 3; i++)
        sim_spawn(w.rig.s, 1, "in vain", flushes_in_vain, NULL);
    while (waiting > 1)
        nap(1);
    ck_assert_int_eq(kfk_producer_close(common, 10000, &w.e), KFK_OK);
    ck_assert_int_lt(now() - start, SIM_S);
    waiting = 0;
    nap(10);
    kfk_producer_free(common);
    ck_assert_int_eq(told(KFK_DELIVERED), 120);
}

START_TEST(who_waits_is_told_when_another_has_stopped_dispatching)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        (void)world_run(&(world_opts){.seed = seed}, waits_crowd);
}
END_TEST

START_TEST(flush_sync_and_close_dispatch_while_they_wait)
{
    EACH(waits_dispatch, 0);
}
END_TEST

static void freed_with_results(void)
{
    kfk_producer *p = producer("dispatch", "app", NULL);

    topic("t", 1, 1);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    nap(1000);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    kfk_producer_free(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 50);
    ck_assert_int_eq(told(KFK_NOT_WRITTEN) + told(KFK_UNKNOWN), 10);
}

START_TEST(free_tells_what_nobody_has_heard)
{
    EACH(freed_with_results, 0);
}
END_TEST

/* ---- take ---- */

static void send_silent(kfk_producer *p, void *arg)
{
    const kfk_record r = {.struct_size = sizeof r,
                          .flags = KFK_PARTITION,
                          .topic = "t",
                          .value = {"v", 1}};

    ck_assert_int_eq(kfk_producer_send(p, &r, NULL, arg, &w.e), KFK_OK);
}

static void taken(void)
{
    static char args[100];
    kfk_delivery out[64];
    kfk_producer *p = producer("dispatch", "app", NULL);
    size_t n = 0, got;

    topic("t", 1, 1);
    ck_assert_uint_eq(kfk_producer_take(p, out, sizeof *out, 0), 0);
    for (int i = 0; i < 100; i++)
        send_silent(p, &args[i]);
    flush(p); /* what waits to be taken is not in its way */
    ck_assert_int_eq(dispatch(p, -1), 0);
    while ((got = kfk_producer_take(p, out, sizeof *out, 64)) > 0)
        for (size_t i = 0; i < got; i++, n++) {
            ck_assert_uint_eq(out[i].struct_size, sizeof *out);
            ck_assert_int_eq(out[i].status, KFK_DELIVERED);
            ck_assert_int_eq(out[i].offset, (int64_t)n);
            ck_assert_ptr_eq(out[i].arg, &args[n]);
            ck_assert_str_eq(out[i].topic, "t");
        }
    ck_assert_uint_eq(n, 100);
    ends(p);
}

START_TEST(take_gives_results_as_an_array)
{
    EACH(taken, 0);
}
END_TEST

/* Results with and without a callback keep their order: each waits for its own call. */
static void mixed(void)
{
    kfk_delivery out[8];
    kfk_producer *p = producer("dispatch", "app", NULL);

    topic("t", 1, 1);
    ck_assert_uint_eq(kfk_producer_take(p, out, sizeof *out, 0), 0);
    send_silent(p, NULL);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    send_silent(p, NULL);
    nap(1000);
    ck_assert_int_eq(dispatch(p, -1), 0);
    ck_assert_uint_eq(kfk_producer_take(p, out, sizeof *out, 8), 1);
    ck_assert_uint_eq(kfk_producer_take(p, out, sizeof *out, 8), 0);
    ck_assert_int_eq(dispatch(p, -1), 1);
    ck_assert_uint_eq(kfk_producer_take(p, out, sizeof *out, 8), 1);
    ends(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 1);
}

START_TEST(take_and_dispatch_keep_the_order)
{
    EACH(mixed, 0);
}
END_TEST

/* Smaller and larger structs than ours; a text that outlives the call. */
static void other_sizes(void)
{
    struct {
        kfk_delivery d;
        char newer[24];
    } large[2];
    struct {
        uint32_t struct_size;
        int32_t status;
    } small[2];
    kfk_producer *p = producer("dispatch", "app", "retries", "0", "enable.idempotence", "false", NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .value = KFK_ERR_INVALID_RECORD,
          .level = KFK__DEV_ANY, .count = -1);
    ck_assert_uint_eq(kfk_producer_take(p, &large[0].d, sizeof *large, 0), 0);
    for (int i = 0; i < 4; i++)
        send_silent(p, NULL);
    nap(1000);
    memset(large, 0x55, sizeof large);
    ck_assert_uint_eq(kfk_producer_take(p, &large[0].d, sizeof *large, 2), 2);
    ck_assert_int_eq(large[1].d.err, KFK_ERR_INVALID_RECORD);
    ck_assert_int_eq(large[1].newer[0], 0x55);
    ck_assert_uint_eq(kfk_producer_take(p, (kfk_delivery *)(void *)small, sizeof *small, 2), 2);
    ck_assert_int_eq(small[1].status, KFK_NOT_WRITTEN);
    ends(p);
}

START_TEST(take_fits_any_struct_size)
{
    EACH(other_sizes, 0);
}
END_TEST

/* ---- room ---- */

static atomic_int writable_calls;

static void on_writable(void *arg)
{
    ck_assert_ptr_eq(arg, &writable_calls);
    writable_calls++;
}

static const char *mode;

static kfk_producer *with_little_memory(const char *bytes, const char *linger_ms)
{
    const kfk_hooks h = {.struct_size = sizeof h, .writable = on_writable};
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);
    kfk_producer *p = NULL;

    writable_calls = 0;
    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "dispatch", mode, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "buffer.memory", bytes, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "batch.size", "2000", &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "linger.ms", linger_ms, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_hooks(c, &h, &writable_calls, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__producer_new_in(&p, &w.rig.env, c, &w.e), KFK_OK);
    kfk_config_free(c);
    topic("t", 20, 1);
    return p;
}

static void tells_of_room(void)
{
    kfk_producer *p = with_little_memory("40000", "5");

    while (send_record(p, new_record(), "t", 0, KFK_NOWAIT, 100) == KFK_OK)
        ;
    ck_assert_int_eq(writable_calls, 0);
    nap(1000);
    if (strcmp(mode, "app") == 0)
        while (dispatch(p, -1) > 0)
            ;
    ck_assert_int_eq(writable_calls, 1);
    ck_assert_int_eq(send_record(p, new_record(), "t", 0, KFK_NOWAIT, 100), KFK_OK);
    ends(p);
    ck_assert_int_eq(writable_calls, 1);
}

static kfk__waiter told_one;

static void wakes(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)d, (void)arg;
    w.rig.env.ops->wake(w.rig.env.ctx, &told_one);
}

/* A callback lets the application try again, and the memory of its record comes back while that finds that there is none:
 * whichever is first, who was refused hears of it. */
static void hears_of_room(void)
{
    const kfk_record r = {.struct_size = sizeof r,
                          .flags = KFK_PARTITION | KFK_NOWAIT,
                          .topic = "t",
                          .value = {"v", 1}};
    const kfk__env_ops *ops = w.rig.env.ops;
    kfk_producer *p = with_little_memory("3200", "5");

    ck_assert_int_eq(ops->waiter_init(w.rig.env.ctx, &told_one), 0);
    for (int n = 0; n < 200;) {
        int heard = writable_calls;
        int64_t end = now() + 5 * SIM_S;

        if (kfk_producer_send(p, &r, wakes, NULL, &w.e) == KFK_OK) {
            n++;
            ck_assert(ops->wait(w.rig.env.ctx, &told_one, end));
            continue;
        }
        ck_assert_int_eq(w.e.code, KFK_ERR_WOULD_BLOCK);
        while (writable_calls == heard && now() < end)
            nap(1);
        ck_assert_int_gt(writable_calls, heard);
    }
    ops->waiter_fini(w.rig.env.ctx, &told_one);
    ends(p);
}

START_TEST(room_is_told_of_whoever_looks_first)
{
    mode = "thread";
    world_seeds(&(world_opts){0}, 200, hears_of_room);
}
END_TEST

/* Memory is full of batches that linger, and who is refused will not be standing in line. */
static void ends_the_linger(void)
{
    kfk_producer *p = with_little_memory("40000", "60000");
    int32_t n = 0;

    while (send_record(p, new_record(), "t", n % 20, KFK_NOWAIT, 8) == KFK_OK)
        n++;
    ck_assert_int_gt(n, 5);
    nap(1000);
    ck_assert_int_ge(writable_calls, 1);
    ck_assert_int_eq(send_record(p, new_record(), "t", n % 20, KFK_NOWAIT, 8), KFK_OK);
    ends(p);
}

START_TEST(nothing_lingers_where_somebody_was_refused)
{
    mode = "thread";
    EACH(ends_the_linger, 0);
}
END_TEST

START_TEST(room_is_told_of_once_after_a_refusal)
{
    mode = "thread";
    EACH(tells_of_room, 0);
    mode = "app";
    EACH(tells_of_room, 0);
}
END_TEST

/* ---- the rules inside a callback ---- */

typedef struct inside {
    int n;
    kfk_err flush, close, sync, dispatch, partitions;
    kfk_err sends[3];
} inside;

static void count_inside(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)d;
    ++*(int *)arg;
}

static void breaks_rules(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    const kfk_record known = {.struct_size = sizeof known, .topic = "t", .value = {"v", 1}};
    const kfk_record unknown = {.struct_size = sizeof unknown, .topic = "u", .value = {"v", 1}};
    inside *in = arg;
    int32_t n;

    (void)d;
    in->flush = kfk_producer_flush(p, 0, NULL);
    in->close = kfk_producer_close(p, 0, NULL);
    in->sync = kfk_producer_send_sync(p, &known, 0, NULL, NULL);
    in->dispatch = kfk_producer_dispatch(p, -1, NULL, NULL);
    in->partitions = kfk_producer_partitions(p, "u", 1000, &n, NULL);
    in->sends[0] = kfk_producer_send(p, &known, count_inside, &in->n, NULL);
    in->sends[1] = kfk_producer_send(p, &unknown, count_inside, &in->n, NULL);
}

static void inside_a_callback(void)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"v", 1}};
    kfk_producer *p = producer("dispatch", mode, NULL);
    inside in = {0};

    topic("t", 1, 1);
    ck_assert_int_eq(kfk_producer_send(p, &r, breaks_rules, &in, &w.e), KFK_OK);
    flush(p);
    ck_assert_int_eq(in.flush, KFK_ERR_IN_CALLBACK);
    ck_assert_int_eq(in.close, KFK_ERR_IN_CALLBACK);
    ck_assert_int_eq(in.sync, KFK_ERR_IN_CALLBACK);
    ck_assert_int_eq(in.dispatch, KFK_ERR_IN_CALLBACK);
    ck_assert_int_eq(in.partitions, KFK_ERR_WOULD_BLOCK);
    ck_assert_int_eq(in.sends[0], KFK_OK);
    ck_assert_int_eq(in.sends[1], KFK_OK);
    flush(p);
    ck_assert_int_eq(in.n, 2);
    ends(p);
}

START_TEST(calls_that_wait_are_refused_in_callbacks)
{
    mode = "thread";
    EACH(inside_a_callback, 0);
    mode = "app";
    EACH(inside_a_callback, 0);
}
END_TEST

/* A full buffer is no deadlock: a send from a callback is refused. */
static void fills_it(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    static const char value[1000];
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {value, sizeof value}};
    int64_t start = now();

    (void)d;
    while (kfk_producer_send(p, &r, NULL, NULL, &w.e) == KFK_OK)
        ++*(int *)arg;
    ck_assert_int_eq(w.e.code, KFK_ERR_WOULD_BLOCK);
    ck_assert_int_eq(now(), start);
}

static void full_inside(void)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"v", 1}};
    kfk_producer *p = producer("dispatch", mode, "buffer.memory", "40000", "batch.size", "2000", NULL);
    int n = 0;

    topic("t", 1, 1);
    ck_assert_int_eq(kfk_producer_send(p, &r, fills_it, &n, &w.e), KFK_OK);
    flush(p);
    ck_assert_int_gt(n, 5);
    ends(p);
    ck_assert_int_eq(log_of("t", 0, ids, WORLD_RECORDS), n + 1);
}

START_TEST(a_send_from_a_callback_never_waits)
{
    mode = "thread";
    EACH(full_inside, 0);
    mode = "app";
    EACH(full_inside, 0);
}
END_TEST

static void frees(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)d;
    ++*(atomic_int *)arg;
    kfk_producer_free(p);
}

static void freed_inside(void)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"v", 1}};
    kfk_producer *p = producer("dispatch", mode, NULL);
    atomic_int n = 0;

    topic("t", 1, 1);
    ck_assert_int_eq(kfk_producer_send(p, &r, frees, &n, &w.e), KFK_OK);
    nap(1000);
    if (strcmp(mode, "app") == 0)
        ck_assert_int_eq(dispatch(p, -1), 1);
    nap(1000);
    ck_assert_int_eq(n, 1);
}

START_TEST(a_producer_can_be_freed_in_its_callback)
{
    mode = "thread";
    EACH(freed_inside, 0);
    mode = "app";
    EACH(freed_inside, 0);
}
END_TEST

/* ---- hooks ---- */

typedef struct watched {
    int sent, acked, events[8], lines;
    int64_t last_offset;
} watched;

static void on_send(const kfk_record *r, void *arg)
{
    ck_assert_str_eq(r->topic, "t");
    ((watched *)arg)->sent++;
}

static void on_ack(const kfk_delivery *d, void *arg)
{
    watched *wt = arg;

    wt->acked++;
    if (d->offset >= 0)
        wt->last_offset = d->offset;
}

static void on_event(const kfk_event *e, void *arg)
{
    if (e->type == KFK_EVENT_THROTTLE) {
        ck_assert_int_eq(e->broker_id, 1);
        ck_assert_int_eq(e->value, 300);
    } else {
        ck_assert_str_eq(e->topic, "t");
    }
    ((watched *)arg)->events[e->type]++;
}

static void on_line(int level, const char *subsystem, const char *msg, void *arg)
{
    (void)level, (void)subsystem, (void)msg;
    ((watched *)arg)->lines++;
}

static void hooks_hear(void)
{
    const kfk_hooks h = {.struct_size = sizeof h,
                         .log_level = KFK_LOG_DEBUG,
                         .log = on_line,
                         .on_send = on_send,
                         .on_ack = on_ack,
                         .on_event = on_event};
    watched wt = {.last_offset = -1};
    kfk_producer *p = hooked(&h, &wt, "dispatch", mode);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER,
          .level = KFK__DEV_ANY);
    FAULT(.kind = KFK__DEV_FAULT_THROTTLE, .api = PRODUCE, .value = 300);
    for (int i = 0; i < 10; i++)
        send_silent(p, NULL);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    ck_assert_int_eq(send_record(p, new_record(), "t", 9, KFK_NOWAIT, 8), KFK_ERR_TIMED_OUT);
    flush(p);
    ck_assert_int_eq(wt.sent, 21);
    ck_assert_int_eq(wt.acked, 21);
    ck_assert_int_eq(wt.last_offset, 19);
    ck_assert_int_ge(wt.events[KFK_EVENT_RETRY], 1);
    ends(p);
    ck_assert_int_eq(wt.events[KFK_EVENT_THROTTLE], 1);
    ck_assert_int_eq(wt.acked, 21);
}

START_TEST(hooks_hear_of_each_record_once)
{
    mode = "thread";
    EACH(hooks_hear, 0);
    mode = "app";
    EACH(hooks_hear, 0);
}
END_TEST

static void moves(void)
{
    const kfk_hooks h = {.struct_size = sizeof h, .on_event = on_event};
    watched wt = {0};
    kfk_producer *p = hooked(&h, &wt, "dispatch", mode);
    int32_t was, epoch;

    topic("t", 1, 2);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(kfk__devbroker_leader(w.broker, "t", 0, &was, &epoch), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 3 - was), KFK_OK);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(wt.events[KFK_EVENT_LEADER], 1);
    kfk__devbroker_expire_producers(w.broker);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ends(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 3);
}

START_TEST(a_new_leader_is_an_event)
{
    mode = "thread";
    EACH(moves, .nodes = 2);
    mode = "app";
    EACH(moves, .nodes = 2);
}
END_TEST

/* What was told of one kind of event, the last in full. */
typedef struct noted {
    int32_t type;
    int n;
    int64_t sum; /* of their values */
    kfk_event last;
    char topic[8];
} noted;

static void note(const kfk_event *e, void *arg)
{
    noted *of = arg;

    if (e->type != of->type)
        return;
    of->n++;
    of->sum += e->value;
    of->last = *e;
    (void)snprintf(of->topic, sizeof of->topic, "%s", e->topic ? e->topic : "none");
}

/* The last one is of that partition of t, and says nothing that an event of its kind does not. */
static void is_of(const noted *of, int32_t partition)
{
    ck_assert_str_eq(of->topic, "t");
    ck_assert_int_eq(of->last.partition, partition);
    ck_assert_int_eq(of->last.broker_id, -1);
    ck_assert_int_eq(of->last.err, KFK_OK);
}

static void moves_on(void)
{
    const kfk_hooks h = {.struct_size = sizeof h, .on_event = note};
    noted epochs = {.type = KFK_EVENT_EPOCH};
    kfk_producer *p = hooked(&h, &epochs, "dispatch", mode);

    wire_begin();
    topic("t", 3, 1);
    send_and_flush(p, "t", 2);
    ck_assert_int_eq(epochs.n, 0);
    for (int i = 1; i <= 3; i++) {
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY,
              .value = KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
        send_and_flush(p, "t", 2);
        ck_assert_int_eq(epochs.n, i);
        is_of(&epochs, 2);
        ck_assert_int_eq(epochs.last.value, i);
        ck_assert_int_eq(wire_at(wire_batches() - 1).h.producer_epoch, i);
    }
    ends(p);
}

/* After the last epoch there is none yet: the new producer id comes with it. */
static void moves_on_from_the_last(void)
{
    const kfk_hooks h = {.struct_size = sizeof h, .on_event = note};
    noted epochs = {.type = KFK_EVENT_EPOCH};
    kfk_producer *p = hooked(&h, &epochs, "dispatch", mode);

    topic("t", 3, 1);
    ck_assert_int_eq(kfk__devbroker_set_producer_epoch(w.broker, INT16_MAX), KFK_OK);
    send_and_flush(p, "t", 2);
    ck_assert_int_eq(epochs.n, 0);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .level = KFK__DEV_ANY,
          .value = KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    send_and_flush(p, "t", 2);
    ck_assert_int_eq(epochs.n, 1);
    is_of(&epochs, 2);
    ck_assert_int_eq(epochs.last.value, -1);
    ends(p);
}

START_TEST(a_new_epoch_is_an_event)
{
    mode = "thread";
    EACH(moves_on, .heard = wire_heard);
    EACH(moves_on_from_the_last, 0);
    mode = "app";
    EACH(moves_on, .heard = wire_heard);
    EACH(moves_on_from_the_last, 0);
}
END_TEST

/* What came to the broker is one batch, and its parts, and the parts of those. */
static void goes_in_parts(void)
{
    const kfk_hooks h = {.struct_size = sizeof h, .on_event = note};
    noted splits = {.type = KFK_EVENT_SPLIT};
    kfk_producer *p = hooked(&h, &splits, "dispatch", mode);

    wire_begin();
    topic("t", 3, 1);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "max.message.bytes", "600"), KFK_OK);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 1, 0, 100), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 30);
    ck_assert_int_ge(splits.n, 3);
    is_of(&splits, 1);
    ck_assert_int_eq(1 + splits.sum, wire_batches());
    ends(p);
}

START_TEST(a_split_is_an_event)
{
    mode = "thread";
    EACH(goes_in_parts, .heard = wire_heard);
    mode = "app";
    EACH(goes_in_parts, .heard = wire_heard);
}
END_TEST

/* ---- where hooks run ---- */

enum { SOME = 20 };

/* How often what ran where it is to run, and anywhere else. */
static struct {
    _Atomic(const void *) place; /* the thread that dispatches, or kfk-sender */
    _Atomic(const void *) sends;
    atomic_int acks, events, lines, callbacks, refused, elsewhere;
    atomic_bool ready, stop, stopped;
} where;

static const void *here(void)
{
    return w.rig.env.ops->self(w.rig.env.ctx);
}

static void ran(atomic_int *what)
{
    ++*(here() == where.place ? what : &where.elsewhere);
}

static void ack_ran(const kfk_delivery *d, void *arg)
{
    (void)arg;
    if (d->err != KFK_ERR_TIMED_OUT) {
        ran(&where.acks);
        return;
    }
    ck_assert_ptr_eq(here(), where.sends); /* it was not taken */
    where.refused++;
}

static void event_ran(const kfk_event *e, void *arg)
{
    (void)e, (void)arg;
    ran(&where.events);
}

static void line_ran(int level, const char *subsystem, const char *msg, void *arg)
{
    (void)level, (void)subsystem, (void)msg, (void)arg;
    ran(&where.lines);
}

static void callback_ran(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)d, (void)arg;
    ran(&where.callbacks);
}

/* Always on the handle's own thread. */
static void thread_ran(int started, const char *name, void *arg)
{
    (void)name, (void)arg;
    ck_assert_ptr_ne(here(), where.sends);
    if (started && strcmp(mode, "thread") == 0)
        where.place = here();
}

/* The thread that a program has for this, from new to free. */
static void dispatches(void *arg)
{
    const kfk_hooks h = {.struct_size = sizeof h,
                         .log_level = KFK_LOG_DEBUG,
                         .log = line_ran,
                         .thread = thread_ran,
                         .on_ack = ack_ran,
                         .on_event = event_ran};

    (void)arg;
    if (strcmp(mode, "app") == 0)
        where.place = here();
    common = hooked(&h, NULL, "dispatch", mode);
    where.ready = true;
    while (!where.stop) {
        (void)dispatch(common, -1);
        nap(1);
    }
    ends(common);
    where.stopped = true;
}

static void send_watched(void)
{
    const kfk_record r = {.struct_size = sizeof r,
                          .flags = KFK_PARTITION,
                          .topic = "t",
                          .value = {"v", 1}};

    for (int i = 0; i < SOME; i++) {
        send_silent(common, NULL);
        ck_assert_int_eq(kfk_producer_send(common, &r, callback_ran, NULL, &w.e), KFK_OK);
    }
}

/* This thread sends, and does nothing else: a result, a retry, a broker that asks to be left alone, one that is lost. */
static void in_place(void)
{
    memset(&where, 0, sizeof where);
    where.sends = here();
    topic("t", 1, 1);
    sim_spawn(w.rig.s, 1, "dispatches", dispatches, NULL);
    while (!where.ready)
        nap(1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER,
          .level = KFK__DEV_ANY);
    FAULT(.kind = KFK__DEV_FAULT_THROTTLE, .api = PRODUCE, .value = 100);
    send_watched();
    ck_assert_int_eq(send_record(common, new_record(), "t", 9, KFK_NOWAIT, 8), KFK_ERR_TIMED_OUT);
    nap(1000);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    nap(100);
    send_watched();
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 1), KFK_OK);
    nap(5000);
    where.stop = true;
    while (!where.stopped)
        nap(1);
    ck_assert_int_eq(where.elsewhere, 0);
    ck_assert_int_eq(where.acks, 4 * SOME);
    ck_assert_int_eq(where.callbacks, 2 * SOME);
    ck_assert_int_ge(where.events, 2);
    ck_assert_int_ge(where.lines, 2);
    ck_assert_int_eq(where.refused, 1);
}

START_TEST(with_dispatch_app_hooks_run_where_it_dispatches_and_nowhere_else)
{
    mode = "app";
    EACH(in_place, 0);
}
END_TEST

START_TEST(with_dispatch_thread_hooks_run_on_the_handles_own_and_nowhere_else)
{
    mode = "thread";
    EACH(in_place, 0);
}
END_TEST

/* ---- purge ---- */

static void purged(void)
{
    kfk_producer *p = producer("linger.ms", "0", "batch.size", "200", "dispatch", mode, NULL);

    topic("t", 1, 1);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 2000, .after = true);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 50), KFK_OK);
    nap(100);
    ck_assert_int_eq(kfk_producer_purge(p, &w.e), KFK_OK);
    nap(1);
    while (strcmp(mode, "app") == 0 && dispatch(p, -1) > 0)
        ;
    ck_assert_int_eq(told(KFK_DELIVERED), 1);
    ck_assert_int_gt(told(KFK_UNKNOWN), 0);
    ck_assert_int_gt(told(KFK_NOT_WRITTEN), 0);
    ck_assert_int_eq(told(KFK_UNKNOWN) + told(KFK_NOT_WRITTEN), 100);
    for (int i = 1; i <= 100; i++)
        ck_assert_int_eq(w.reports[i].err, KFK_ERR_PURGED);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 50), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), 11);
    for (int n = log_of("t", 0, ids, WORLD_RECORDS), i = 0; i < n; i++)
        ck_assert_int_ne(w.reports[ids[i]].status, KFK_NOT_WRITTEN);
    ends(p);
}

START_TEST(purge_ends_all_and_guesses_nothing)
{
    mode = "thread";
    EACH(purged, 0);
    mode = "app";
    EACH(purged, 0);
}
END_TEST

/* ---- many threads ---- */

static kfk_producer *shared;
static kfk__waiter all_done;
static _Atomic int running;

static void does(void *arg)
{
    int which = *(const int *)arg;

    for (int i = 0; i < 60; i++) {
        if (which < 5)
            ck_assert_int_eq(send_record(shared, new_record(), "t", which, 0, 30), KFK_OK);
        else if (which == 5)
            ck_assert_int_eq(kfk_producer_flush(shared, -1, NULL), KFK_OK);
        else
            (void)kfk_producer_dispatch(shared, 5, NULL, NULL);
        if (i % 10 == 0)
            nap(1);
    }
    if (--running == 0)
        w.rig.env.ops->wake(w.rig.env.ctx, &all_done);
}

static void crowd(void)
{
    static const int which[] = {0, 1, 2, 3, 4, 5, 6, 7};

    shared = producer("dispatch", "app", NULL);
    ck_assert_int_eq(w.rig.env.ops->waiter_init(w.rig.env.ctx, &all_done), 0);
    topic("t", 8, 1);
    running = 8;
    for (int i = 0; i < 8; i++)
        sim_spawn(w.rig.s, 1, "does", does, (void *)(uintptr_t)&which[i]);
    (void)w.rig.env.ops->wait(w.rig.env.ctx, &all_done, KFK__NEVER);
    w.rig.env.ops->waiter_fini(w.rig.env.ctx, &all_done);
    flush(shared);
    ck_assert_int_eq(told(KFK_DELIVERED), 300);
    ends(shared);
}

START_TEST(threads_may_send_flush_and_dispatch_at_once)
{
    EACH(crowd, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {callbacks_run_in_dispatch_and_nowhere_else,
                                  records_hold_their_memory_until_they_are_told_of,
                                  flush_returns_when_all_has_been_told,
                                  what_ends_in_flight_is_told_before_its_answer,
                                  who_waits_is_told_when_another_has_stopped_dispatching,
                                  flush_sync_and_close_dispatch_while_they_wait,
                                  free_tells_what_nobody_has_heard,
                                  take_gives_results_as_an_array,
                                  take_and_dispatch_keep_the_order,
                                  take_fits_any_struct_size,
                                  room_is_told_of_once_after_a_refusal, room_is_told_of_whoever_looks_first, nothing_lingers_where_somebody_was_refused,
                                  calls_that_wait_are_refused_in_callbacks,
                                  a_send_from_a_callback_never_waits,
                                  a_producer_can_be_freed_in_its_callback,
                                  hooks_hear_of_each_record_once,
                                  a_new_leader_is_an_event,
                                  a_new_epoch_is_an_event,
                                  a_split_is_an_event,
                                  with_dispatch_app_hooks_run_where_it_dispatches_and_nowhere_else,
                                  with_dispatch_thread_hooks_run_on_the_handles_own_and_nowhere_else,
                                  purge_ends_all_and_guesses_nothing,
                                  threads_may_send_flush_and_dispatch_at_once,
                                  NULL};

    return world_main("sim/dispatch", tests);
}
