/* metrics: counters, gauges and histograms, and how they are shown to a visitor.
 *
 *   writer: one thread, or one at a time         reader: any thread, at any time
 *     load, add, store; nothing is locked  ──>     kfk__visit_rows: a table says where each number
 *                                                  lies in a struct, and what it is called
 *
 * A histogram's buckets are fixed: powers of two, each split in two. With |first| 4 their upper
 * bounds are 16, 24, 32, 48, 64, 96 and so on; one more, without a bound, takes what is larger. */
#ifndef KFK_BASE_METRICS_H
#define KFK_BASE_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <kfk/metrics.h>

enum { KFK__BUCKETS = 49 }; /* 24 octaves, and what is below and above them */

typedef struct kfk__counter {
    _Atomic int64_t n;
} kfk__counter;

typedef struct kfk__gauge {
    _Atomic int64_t n;
} kfk__gauge;

typedef struct kfk__histogram {
    _Atomic int64_t sum;
    _Atomic int64_t max;
    uint8_t first;  /* the first bound is 1 << first; 1 and up. Set once, before anybody reads */
    uint8_t bounds; /* how many there are, less than KFK__BUCKETS */
    _Atomic int64_t buckets[KFK__BUCKETS];
} kfk__histogram;

/* What of the library's is measured in what, and so which bounds its histograms have. */
enum {
    KFK__PER_SECOND = 1000000, /* times are kept in microseconds: */
    KFK__TIME_FIRST = 6,       /* from 64 us */
    KFK__TIME_BOUNDS = 48,     /* to 805 s */
    KFK__PER_ONE = 1024,       /* ratios are kept in 1024ths: */
    KFK__RATIO_FIRST = 5,      /* from a 32nd */
    KFK__RATIO_BOUNDS = 13     /* to 2 */
};

/* The writer's number, which nobody else changes. */
static inline void kfk__metric_add(_Atomic int64_t *n, int64_t more)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static inline void kfk__counter_add(kfk__counter *c, int64_t more)
{
    kfk__metric_add(&c->n, more);
}

static inline void kfk__gauge_add(kfk__gauge *g, int64_t more)
{
    kfk__metric_add(&g->n, more);
}

static inline void kfk__gauge_set(kfk__gauge *g, int64_t n)
{
    atomic_store_explicit(&g->n, n, memory_order_relaxed);
}

/* Zeroes it. |bounds| is less than KFK__BUCKETS. */
void kfk__histogram_init(kfk__histogram *h, unsigned first, unsigned bounds);

/* The bucket that |v| falls into: the first whose bound is not below it. */
static inline unsigned kfk__histogram_bucket(const kfk__histogram *h, int64_t v)
{
    uint64_t below = v > 0 ? (uint64_t)v - 1 : 0;
    unsigned octave, i;

    if (below >> h->first == 0)
        return 0;
    octave = 63 - (unsigned)__builtin_clzll(below);
    i = 1 + 2 * (octave - h->first) + (unsigned)(below >> (octave - 1) & 1);
    return i < h->bounds ? i : h->bounds;
}

/* Below 0 counts as 0. */
static inline void kfk__histogram_record(kfk__histogram *h, int64_t v)
{
    v = v > 0 ? v : 0;
    kfk__metric_add(&h->buckets[kfk__histogram_bucket(h, v)], 1);
    kfk__metric_add(&h->sum, v);
    if (v > atomic_load_explicit(&h->max, memory_order_relaxed))
        atomic_store_explicit(&h->max, v, memory_order_relaxed);
}

/* The same with a time in nanoseconds. */
static inline void kfk__histogram_record_ns(kfk__histogram *h, int64_t ns)
{
    kfk__histogram_record(h, ns / (1000000000 / KFK__PER_SECOND));
}

/* The upper bound of a bucket. */
int64_t kfk__histogram_bound(const kfk__histogram *h, unsigned bucket);

/* ---- showing ---- */

enum { KFK__LABELS = 4 };

/* One walk. Lives in the frame of the call that it is of. */
typedef struct kfk__visitor {
    kfk_metric_fn *fn;
    void *arg;
    kfk_label labels[KFK__LABELS]; /* of all that is shown from now on */
    size_t n_labels;
    bool ended; /* by |fn|: nothing more is shown */
} kfk__visitor;

/* A metric: its name, and where it lies in its struct. */
typedef struct kfk__metric_row {
    const char *name, *unit, *help;
    int32_t kind;
    int32_t per_unit;
    size_t at; /* offset of a kfk__counter, kfk__gauge or kfk__histogram, as |kind| says */
} kfk__metric_row;

/* One more label, until it is taken away again (n_labels--). */
void kfk__visitor_label(kfk__visitor *v, const char *name, const char *value);
/* Shows each of |n| rows of the struct at |base|. */
void kfk__visit_rows(kfk__visitor *v, const kfk__metric_row *rows, size_t n, const void *base);
/* Shows a counter or a gauge that is |value| now. */
void kfk__visit_value(kfk__visitor *v, const kfk__metric_row *row, int64_t value);

#endif
