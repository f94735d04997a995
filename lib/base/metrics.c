#include "base/metrics.h"

void kfk__histogram_init(kfk__histogram *h, unsigned first, unsigned bounds)
{
    h->first = (uint8_t)first;
    h->bounds = (uint8_t)bounds;
    atomic_init(&h->sum, 0);
    atomic_init(&h->max, 0);
    for (int i = 0; i < KFK__BUCKETS; i++)
        atomic_init(&h->buckets[i], 0);
}

int64_t kfk__histogram_bound(const kfk__histogram *h, unsigned bucket)
{
    int64_t power = INT64_C(1) << (h->first + bucket / 2);

    return bucket & 1 ? power + power / 2 : power;
}

/* ---- showing ---- */

void kfk__visitor_label(kfk__visitor *v, const char *name, const char *value)
{
    v->labels[v->n_labels++] = (kfk_label){name, value};
}

static void show(kfk__visitor *v, const kfk__metric_row *row, kfk_metric *m)
{
    m->name = row->name;
    m->unit = row->unit;
    m->help = row->help;
    m->kind = row->kind;
    m->per_unit = row->per_unit;
    m->labels = v->labels;
    m->n_labels = v->n_labels;
    v->ended = v->fn(m, v->arg) != 0;
}

void kfk__visit_value(kfk__visitor *v, const kfk__metric_row *row, int64_t value)
{
    kfk_metric m = {.value = value};

    if (!v->ended)
        show(v, row, &m);
}

/* The count is made of the buckets, so that the two agree however the writer goes on meanwhile. */
static void visit_histogram(kfk__visitor *v, const kfk__metric_row *row, const kfk__histogram *h)
{
    kfk_bucket buckets[KFK__BUCKETS];
    kfk_metric m = {.sum = atomic_load_explicit(&h->sum, memory_order_relaxed),
                    .max = atomic_load_explicit(&h->max, memory_order_relaxed),
                    .buckets = buckets,
                    .n_buckets = h->bounds};

    for (unsigned i = 0; i < h->bounds; i++) {
        m.count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        buckets[i] = (kfk_bucket){kfk__histogram_bound(h, i), m.count};
    }
    m.count += atomic_load_explicit(&h->buckets[h->bounds], memory_order_relaxed);
    show(v, row, &m);
}

void kfk__visit_rows(kfk__visitor *v, const kfk__metric_row *rows, size_t n, const void *base)
{
    for (size_t i = 0; i < n && !v->ended; i++) {
        const void *at = (const char *)base + rows[i].at;

        if (rows[i].kind == KFK_HISTOGRAM)
            visit_histogram(v, &rows[i], at);
        else if (rows[i].kind == KFK_COUNTER)
            kfk__visit_value(v, &rows[i],
                             atomic_load_explicit(&((const kfk__counter *)at)->n,
                                                  memory_order_relaxed));
        else
            kfk__visit_value(v, &rows[i],
                             atomic_load_explicit(&((const kfk__gauge *)at)->n,
                                                  memory_order_relaxed));
    }
}
