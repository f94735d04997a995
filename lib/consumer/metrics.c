#include "consumer/metrics.h"

#include <stdio.h>

#include "base/mem.h"

void kfk__consumer_metrics_init(kfk__consumer_metrics *m)
{
    *m = (kfk__consumer_metrics){0};
    kfk__histogram_init(&m->fetch_latency, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
}

#define FETCHED(member) offsetof(kfk__consumer_metrics, member)

static const kfk__metric_row fetched_rows[] = {
    {"kfk_consumer_fetched_records_total", "records",
     "Records in the batches that were received. A compressed message set of before Kafka 0.11 is "
     "one.",
     KFK_COUNTER, 1, FETCHED(records)},
    {"kfk_consumer_fetched_bytes_total", "bytes",
     "Bytes of the batches that were received, as they came, compressed or not.", KFK_COUNTER, 1,
     FETCHED(bytes)},
    {"kfk_consumer_fetched_batches_total", "batches", "Batches that were received.", KFK_COUNTER, 1,
     FETCHED(batches)},
    {"kfk_consumer_fetch_latency_seconds", "seconds",
     "From a Fetch request to its answer, for which a broker may wait fetch.max.wait.ms.",
     KFK_HISTOGRAM, KFK__PER_SECOND, FETCHED(fetch_latency)},
};

/* How things are at one moment. */
typedef struct present {
    kfk__gauge partitions, buffered, requested, limit;
} present;

#define PRESENT(member) offsetof(present, member)

static const kfk__metric_row present_rows[] = {
    {"kfk_consumer_assigned_partitions", "partitions", "Partitions that are assigned.", KFK_GAUGE,
     1, PRESENT(partitions)},
    {"kfk_consumer_buffered_bytes", "bytes",
     "Memory of records that were fetched, those in runs that the program holds included.",
     KFK_GAUGE, 1, PRESENT(buffered)},
    {"kfk_consumer_requested_bytes", "bytes",
     "Bytes that brokers have been asked for and may still send.", KFK_GAUGE, 1,
     PRESENT(requested)},
    {"kfk_consumer_buffer_limit_bytes", "bytes", "fetch.buffer.memory.", KFK_GAUGE, 1,
     PRESENT(limit)},
};

static const kfk__metric_row lag_row = {
    "kfk_consumer_lag_records", "records",
    "How far the position is behind the end of the partition, as the last answer told that. With "
    "isolation.level=read_committed it ends where the first open transaction begins.",
    KFK_GAUGE, 1, 0};

/* A partition, held, and how far behind its end the position is. */
typedef struct lag {
    kfk__assigned *partition;
    int64_t records;
} lag;

typedef struct lags {
    lag *v;
    size_t n, cap;
} lags;

/* Locked. */
static size_t count(const kfk__list *partitions)
{
    size_t n = 0;

    for (const kfk__list *at = partitions->next; at != partitions; at = at->next)
        n++;
    return n;
}

/* Locked; there is room. */
static void take_lags(kfk__shared *s, lags *l)
{
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        int64_t end = p->end;

        if (end >= 0 && p->position >= 0)
            l->v[l->n++] = (lag){kfk__assigned_hold(p), end > p->position ? end - p->position : 0};
    }
}

/* Takes all of it at one moment, once there is room for that. */
static kfk_err look(kfk__shared *s, present *now, lags *l)
{
    size_t n;

    for (;;) {
        lag *v;

        kfk__lock(&s->lock);
        n = count(&s->partitions);
        if (n <= l->cap)
            break;
        kfk__unlock(&s->lock);
        v = kfk__array(&s->env.alloc, l->v, n, sizeof *v);
        if (!v)
            return KFK_ERR_NOMEM;
        l->v = v;
        l->cap = n;
    }
    take_lags(s, l);
    kfk__gauge_set(&now->partitions, (int64_t)n);
    kfk__gauge_set(&now->buffered, (int64_t)s->used);
    kfk__gauge_set(&now->requested, (int64_t)s->reserved);
    kfk__unlock(&s->lock);
    kfk__gauge_set(&now->limit,
                   (int64_t)atomic_load_explicit(&s->max_bytes, memory_order_relaxed));
    return KFK_OK;
}

static void visit_lag(kfk__visitor *v, const lag *l)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%d", l->partition->partition);
    kfk__visitor_label(v, "topic", l->partition->topic);
    kfk__visitor_label(v, "partition", number);
    kfk__visit_value(v, &lag_row, l->records);
    v->n_labels -= 2;
}

kfk_err kfk__consumer_metrics_visit(const kfk__consumer_metrics *m, kfk__shared *s, kfk__visitor *v)
{
    present now = {0};
    lags l = {0};
    kfk_err err = look(s, &now, &l);

    kfk__visit_rows(v, fetched_rows, sizeof fetched_rows / sizeof *fetched_rows, m);
    if (!err)
        kfk__visit_rows(v, present_rows, sizeof present_rows / sizeof *present_rows, &now);
    for (size_t i = 0; i < l.n; i++) {
        visit_lag(v, &l.v[i]);
        kfk__assigned_drop(l.v[i].partition);
    }
    kfk__release(&s->env.alloc, l.v);
    return err;
}
