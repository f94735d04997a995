#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/consumer_env.h"
#include "devbroker/records.h"
#include "producer/producer_env.h"

world w;

enum { MAX_NODES = 16 };

static world_opts opts;
static void (*body)(void);
static kfk__waiter listening, over;
static kfk__mutex lock; /* guards the reports */

int64_t now(void)
{
    return kfk__now(&w.rig.env);
}

void nap(int64_t ms)
{
    sim_sleep(w.rig.s, ms * SIM_MS);
}

/* ---- running ---- */

static void new_cluster(void)
{
    kfk__addr at[MAX_NODES];
    const char *hosts[MAX_NODES];
    kfk__devbroker_opts o = {.n_nodes = opts.nodes ? opts.nodes : 1,
                             .listen = at,
                             .host = opts.host ? hosts : NULL,
                             .rack = opts.racks,
                             .profile = opts.profile,
                             .cluster_id = "sim",
                             .no_auto_create = opts.no_auto_create,
                             .heard = opts.heard};
    kfk__env env = w.rig.env;

    for (int32_t i = 0; i < o.n_nodes; i++) {
        at[i] = sim_addr(WORLD_HOST, (uint16_t)(WORLD_PORT + i));
        hosts[i] = opts.host;
    }
    env.alloc = failalloc_allocator(&w.broker_mem);
    ck_assert_int_eq(kfk__devbroker_new(&w.broker, &env, &o, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(w.broker, &w.e), KFK_OK);
}

static void cluster_main(void *arg)
{
    (void)arg;
    new_cluster();
    w.rig.env.ops->wake(w.rig.env.ctx, &listening);
    (void)w.rig.env.ops->wait(w.rig.env.ctx, &over, KFK__NEVER);
    kfk__devbroker_free(w.broker);
    w.rig.env.ops->waiter_fini(w.rig.env.ctx, &over);
}

static void app_main(void *arg)
{
    (void)arg;
    ck_assert_int_eq(w.rig.env.ops->waiter_init(w.rig.env.ctx, &listening), 0);
    ck_assert_int_eq(w.rig.env.ops->waiter_init(w.rig.env.ctx, &over), 0);
    sim_spawn(w.rig.s, WORLD_HOST, "cluster", cluster_main, NULL);
    (void)w.rig.env.ops->wait(w.rig.env.ctx, &listening, KFK__NEVER);
    w.rig.env.ops->waiter_fini(w.rig.env.ctx, &listening);
    (void)snprintf(w.bootstrap, sizeof w.bootstrap, "%s", kfk__devbroker_bootstrap(w.broker));
    body();
    w.rig.env.ops->wake(w.rig.env.ctx, &over);
}

uint64_t world_run(const world_opts *o, void (*app)(void))
{
    uint64_t hash;
    sim_end end;

    memset(&w, 0, sizeof w);
    opts = *o;
    body = app;
    rig_start(&w.rig, o->seed);
    failalloc_init(&w.broker_mem);
    kfk__mutex_init(&lock);
    sim_spawn(w.rig.s, 1, "app", app_main, NULL);
    end = sim_run(w.rig.s, o->limit ? o->limit : 600 * SIM_S);
    ck_assert_msg(end == SIM_DONE, "seed %llu: end %d\n%s", (unsigned long long)o->seed, (int)end,
                  sim_report(w.rig.s));
    hash = sim_trace_hash(w.rig.s);
    if (!o->unchecked)
        ck_assert_uint_eq(failalloc_blocks(&w.rig.mem), 0);
    ck_assert_uint_eq(failalloc_blocks(&w.broker_mem), 0);
    sim_free(w.rig.s);
    return hash;
}

void world_seeds(const world_opts *o, uint64_t n, void (*app)(void))
{
    world_opts one = *o;

    for (one.seed = 0; one.seed < n; one.seed++)
        (void)world_run(&one, app);
}

/* Returns the exit status. */
static int run_all(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int world_main(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);

    for (; *tests; tests++) {
        TCase *tc = tcase_create((*tests)->name);

        tcase_add_test(tc, *tests);
        tcase_set_timeout(tc, 300);
        suite_add_tcase(suite, tc);
    }
    return run_all(suite);
}

int world_seeds_main(const char *name, const TTest *seed, const TTest *trace, int n)
{
    const char *one = getenv("SIM_SEED"), *many = getenv("SIM_SEEDS");
    int first = one ? atoi(one) : 1;
    TCase *t = tcase_create("seeds");
    Suite *suite = suite_create(name);

    n = one ? 1 : many ? atoi(many) : n;
    tcase_add_loop_test(t, seed, first, first + n);
    if (!one)
        tcase_add_test(t, trace);
    tcase_set_timeout(t, 300);
    suite_add_tcase(suite, t);
    return run_all(suite);
}

/* ---- the cluster ---- */

void topic(const char *name, int32_t partitions, int32_t replicas)
{
    ck_assert_int_eq(kfk__devbroker_create_topic(w.broker, name, partitions, replicas, NULL, 0),
                     KFK_OK);
}

int64_t requests(int16_t api)
{
    return kfk__devbroker_requests(w.broker, KFK__DEV_ANY, api);
}

int64_t fault(kfk__dev_fault what)
{
    int64_t id;

    if (what.node == 0)
        what.node = KFK__DEV_ANY;
    if (what.count == 0)
        what.count = 1;
    id = kfk__devbroker_fault(w.broker, &what);

    ck_assert_int_gt(id, 0);
    return id;
}

static int number_of(kfk_bytes value)
{
    char text[16] = "";

    memcpy(text, value.data, value.len < 8 ? value.len : 8);
    return atoi(text);
}

int log_of(const char *name, int32_t partition, int *ids, int max)
{
    kfk_allocator a = failalloc_allocator(&w.broker_mem);
    kfk__compressor *c = kfk__compressor_new(&a);
    kfk__batch_header h;
    kfk__dev_records r;
    const char *why;
    size_t size;
    int n = 0;
    kfk__buf all;

    kfk__buf_init(&all, &a);
    ck_assert_int_eq(kfk__devbroker_dump(w.broker, name, partition, 0, &all), KFK_OK);
    for (size_t at = 0; at < all.len; at += size) {
        ck_assert_int_eq(kfk__batch_header_read(all.data + at, all.len - at, &h, &size, &why), 0);
        ck_assert_int_eq(kfk__dev_records_open(&r, c, &a, all.data + at, size, &h, &why), 0);
        while (kfk__batch_cursor_next(&r.cursor)) {
            if (n < max)
                ids[n] = number_of(r.cursor.record.value);
            n++;
        }
        kfk__dev_records_close(&r);
    }
    kfk__buf_fini(&all);
    kfk__compressor_free(c);
    return n;
}

/* ---- handles ---- */

kfk_config *config(const char *name, va_list ap)
{
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);

    if (!c)
        return NULL;
    (void)kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e);
    for (; name; name = va_arg(ap, const char *))
        if (kfk_config_set(c, name, va_arg(ap, const char *), &w.e)) {
            ck_assert_msg(w.e.code == KFK_ERR_NOMEM, "%s", w.e.msg);
            kfk_config_free(c);
            return NULL;
        }
    return c;
}

kfk_producer *producer(const char *name, ...)
{
    kfk_producer *p = NULL;
    kfk_config *c;
    va_list ap;

    va_start(ap, name);
    c = config(name, ap);
    va_end(ap);
    if (c && kfk__producer_new_in(&p, &w.rig.env, c, &w.e))
        p = NULL;
    kfk_config_free(c);
    return p;
}

kfk_consumer *consumer(const char *name, ...)
{
    kfk_consumer *out = NULL;
    kfk_config *c;
    va_list ap;

    va_start(ap, name);
    c = config(name, ap);
    va_end(ap);
    if (c && kfk__consumer_new_in(&out, &w.rig.env, c, &w.e))
        out = NULL;
    kfk_config_free(c);
    return out;
}

static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    report *r = arg;

    (void)p;
    kfk__lock(&lock);
    r->n++;
    r->status = d->status;
    r->partition = d->partition;
    r->err = d->err;
    r->offset = d->offset;
    r->at = now();
    (void)snprintf(r->msg, sizeof r->msg, "%s", d->msg ? d->msg : "");
    kfk__unlock(&lock);
}

int new_record(void)
{
    int id;

    kfk__lock(&lock);
    id = w.sent++;
    kfk__unlock(&lock);
    ck_assert_int_lt(id, WORLD_RECORDS);
    return id;
}

kfk_err send_record(kfk_producer *p, int id, const char *name, int32_t partition, uint32_t flags,
                    size_t size)
{
    char value[4096];
    kfk_record r = {.struct_size = sizeof r,
                    .flags = flags | (partition >= 0 ? KFK_PARTITION : 0),
                    .topic = name,
                    .partition = partition};
    kfk_error e;
    kfk_err err;

    memset(value, 'x', sizeof value);
    (void)snprintf(value, sizeof value, "%08d", id);
    r.value = (kfk_bytes){value, size};
    err = kfk_producer_send(p, &r, delivered, &w.reports[id], &e);
    w.reports[id].refused = err != KFK_OK;
    if (err)
        kfk__error_set(w.reports[id].msg, sizeof w.reports[id].msg, e.msg, strlen(e.msg));
    return err;
}

kfk_err send_to(kfk_producer *p, const char *name, int32_t partition)
{
    return send_record(p, new_record(), name, partition, 0, 8);
}

void flush(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_flush(p, -1, &w.e) == KFK_OK, "%s", w.e.msg);
}

report report_of(int id)
{
    report r;

    kfk__lock(&lock);
    r = w.reports[id];
    kfk__unlock(&lock);
    return r;
}

int told(int32_t status)
{
    int n = 0;

    kfk__lock(&lock);
    for (int i = 0; i < w.sent; i++) {
        ck_assert_msg(w.reports[i].n == !w.reports[i].refused, "record %d was told %d times", i,
                      w.reports[i].n);
        n += w.reports[i].status == status;
    }
    kfk__unlock(&lock);
    return n;
}

int accepted(void)
{
    int n = 0;

    for (int i = 0; i < w.sent; i++)
        n += !w.reports[i].refused;
    return n;
}

void send_and_flush(kfk_producer *p, const char *topic, int32_t partition)
{
    ck_assert_int_eq(send_to(p, topic, partition), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), accepted());
}

int read_records(kfk_consumer *c, int n, int64_t ms, int *ids)
{
    int64_t end = now() + ms * SIM_MS;
    int got = 0;

    while (got < n && now() < end) {
        kfk_records *rs;
        const kfk_record_view *v;

        ck_assert_msg(kfk_consumer_poll(c, (int)((end - now()) / SIM_MS) + 1, &rs, &w.e) == KFK_OK,
                      "%s", w.e.msg);
        while (rs && (v = kfk_records_next(rs)) != NULL) {
            if (got < n)
                ids[got] = number_of(v->value);
            got++;
        }
        kfk_records_free(rs);
    }
    return got;
}

kfk_tp tp(const char *name, int32_t partition, int64_t offset)
{
    return (kfk_tp){
        .topic = name, .partition = partition, .offset = offset, .flags = KFK_OFFSET};
}

void assign(kfk_consumer *c, const char *name, int32_t partition, int64_t offset)
{
    kfk_tp one = tp(name, partition, offset);

    ck_assert_int_eq(kfk_consumer_assign(c, &one, 1, &w.e), KFK_OK);
}
