#include "client/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/retry.h"

/* How many handles there were: what makes a handle's name its own. */
static atomic_uint handles;

static void begin_broker(kfk__broker_metrics *b, int32_t id)
{
    b->id = id;
    kfk__histogram_init(&b->latency, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
    kfk__histogram_init(&b->throttle, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
}

void kfk__client_metrics_init(kfk__client_metrics *m, const kfk_allocator *a, const char *kind,
                              const char *client_id)
{
    unsigned n = 1 + atomic_fetch_add_explicit(&handles, 1, memory_order_relaxed);

    *m = (kfk__client_metrics){.alloc = a, .client_id = client_id ? client_id : ""};
    (void)snprintf(m->name, sizeof m->name, "%s-%u", kind, n);
    begin_broker(&m->bootstrap, KFK__BROKER_BOOTSTRAP);
    begin_broker(&m->others, KFK__BROKER_OTHER);
    atomic_init(&m->bootstrap.next, &m->others);
    m->last = &m->others;
}

void kfk__client_metrics_fini(kfk__client_metrics *m)
{
    kfk__broker_metrics *b = atomic_load_explicit(&m->others.next, memory_order_acquire), *next;

    for (; b; b = next) {
        next = atomic_load_explicit(&b->next, memory_order_acquire);
        kfk__release(m->alloc, b);
    }
    atomic_store_explicit(&m->others.next, NULL, memory_order_relaxed);
}

/* ---- brokers ---- */

static kfk__broker_metrics *next_broker(const kfk__broker_metrics *b)
{
    return atomic_load_explicit(&b->next, memory_order_acquire);
}

kfk__broker_metrics *kfk__client_metrics_broker(kfk__client_metrics *m, int32_t id)
{
    kfk__broker_metrics *b = &m->others;

    if (id < 0)
        return &m->bootstrap;
    while ((b = next_broker(b)) != NULL)
        if (b->id == id)
            return b;
    if (m->n_brokers == KFK__BROKERS_COUNTED)
        return &m->others;
    b = kfk__zalloc(m->alloc, sizeof *b);
    if (!b)
        return NULL;
    begin_broker(b, id);
    atomic_store_explicit(&m->last->next, b, memory_order_release);
    m->last = b;
    m->n_brokers++;
    return b;
}

void kfk__broker_metrics_move(kfk__broker_metrics *from, kfk__broker_metrics *to, bool ready,
                              int32_t in_flight)
{
    kfk__gauge_add(&from->connections, -(int64_t)ready);
    kfk__gauge_add(&to->connections, ready);
    kfk__gauge_add(&from->in_flight, -(int64_t)in_flight);
    kfk__gauge_add(&to->in_flight, in_flight);
}

/* ---- codes ---- */

void kfk__codes_add(kfk__codes *c, kfk_err code)
{
    unsigned n = atomic_load_explicit(&c->n, memory_order_relaxed);

    for (unsigned i = 0; i < n; i++)
        if (c->v[i].code == code) {
            kfk__counter_add(&c->v[i].count, 1);
            return;
        }
    if (n == KFK__CODES_COUNTED) {
        kfk__counter_add(&c->others, 1);
        return;
    }
    c->v[n].code = code;
    kfk__counter_add(&c->v[n].count, 1);
    atomic_store_explicit(&c->n, n + 1, memory_order_release);
}

/* A name for each code; |number| is room for that of one without. */
static const char *code_name(kfk_err code, char number[16])
{
    if (code == KFK__RETRY_NEW_LEADER)
        return "NEW_LEADER";
    if (code == KFK__RETRY_SPLIT)
        return "BATCH_SPLIT";
    if (strcmp(kfk_err_name(code), "UNKNOWN") != 0)
        return kfk_err_name(code);
    (void)snprintf(number, 16, "%d", code);
    return number;
}

static int64_t value_of(const kfk__counter *c)
{
    return atomic_load_explicit(&c->n, memory_order_relaxed);
}

static void visit_code(kfk__visitor *v, const kfk__metric_row *row, const char *name, int64_t count)
{
    kfk__visitor_label(v, "error", name);
    kfk__visit_value(v, row, count);
    v->n_labels--;
}

static void visit_codes(kfk__visitor *v, const kfk__metric_row *row, const kfk__codes *c)
{
    unsigned n = atomic_load_explicit(&c->n, memory_order_acquire);
    int64_t others = value_of(&c->others);
    char number[16];

    for (unsigned i = 0; i < n; i++)
        visit_code(v, row, code_name(c->v[i].code, number), value_of(&c->v[i].count));
    if (others > 0)
        visit_code(v, row, "other", others);
}

/* ---- showing ---- */

#define BROKER(member) offsetof(kfk__broker_metrics, member)

static const kfk__metric_row broker_rows[] = {
    {"kfk_requests_total", "requests", "Requests that were written to the broker.", KFK_COUNTER, 1,
     BROKER(requests)},
    {"kfk_in_flight_requests", "requests",
     "Requests to the broker that are queued, or wait for an answer.", KFK_GAUGE, 1,
     BROKER(in_flight)},
    {"kfk_request_latency_seconds", "seconds",
     "From the time that a request was written to its answer.", KFK_HISTOGRAM, KFK__PER_SECOND,
     BROKER(latency)},
    {"kfk_sent_bytes_total", "bytes", "Bytes that were written to the broker.", KFK_COUNTER, 1,
     BROKER(sent_bytes)},
    {"kfk_received_bytes_total", "bytes", "Bytes that were read from the broker.", KFK_COUNTER, 1,
     BROKER(received_bytes)},
    {"kfk_connections", "connections", "Connections to the broker that are ready for requests.",
     KFK_GAUGE, 1, BROKER(connections)},
    {"kfk_connections_made_total", "connections", "Connections that became ready for requests.",
     KFK_COUNTER, 1, BROKER(made)},
    {"kfk_connections_lost_total", "connections",
     "Connections that were ready and ended with an error.", KFK_COUNTER, 1, BROKER(lost)},
    {"kfk_connections_failed_total", "connections",
     "Connections that could not be made, from the name's resolution on.", KFK_COUNTER, 1,
     BROKER(failed)},
    {"kfk_throttle_seconds", "seconds",
     "For how long answers asked to send nothing, where they did.", KFK_HISTOGRAM,
     KFK__PER_SECOND, BROKER(throttle)},
};

static const kfk__metric_row client_rows[] = {
    {"kfk_metadata_refreshes_total", "refreshes", "Answers with metadata that were taken in.",
     KFK_COUNTER, 1, offsetof(kfk__client_metrics, refreshes)},
};

static const kfk__metric_row retries_row = {
    "kfk_retries_total", "retries", "What was, or will be, tried again, by the reason why.",
    KFK_COUNTER, 1, 0};

static const kfk__metric_row errors_row = {
    "kfk_errors_total", "errors",
    "Failures of connections, and errors that brokers answered with, by their code.", KFK_COUNTER,
    1, 0};

static void visit_broker(kfk__visitor *v, const kfk__broker_metrics *b)
{
    char number[16];
    const char *name = number;

    if (b->id >= 0)
        (void)snprintf(number, sizeof number, "%d", b->id);
    else
        name = b->id == KFK__BROKER_BOOTSTRAP ? "bootstrap" : "other";
    kfk__visitor_label(v, "broker", name);
    kfk__visit_rows(v, broker_rows, sizeof broker_rows / sizeof *broker_rows, b);
    v->n_labels--;
}

void kfk__client_metrics_begin(const kfk__client_metrics *m, kfk__visitor *v, kfk_metric_fn *fn,
                               void *arg)
{
    *v = (kfk__visitor){.fn = fn, .arg = arg};
    kfk__visitor_label(v, "client", m->name);
    kfk__visitor_label(v, "client_id", m->client_id);
}

void kfk__client_metrics_visit(const kfk__client_metrics *m, kfk__visitor *v)
{
    kfk__visit_rows(v, client_rows, sizeof client_rows / sizeof *client_rows, m);
    visit_codes(v, &retries_row, &m->retries);
    visit_codes(v, &errors_row, &m->errors);
    for (const kfk__broker_metrics *b = &m->bootstrap; b; b = next_broker(b))
        if (b->id != KFK__BROKER_OTHER || value_of(&b->requests) + value_of(&b->failed) > 0)
            visit_broker(v, b);
}
