/* <kfk/metrics.h>: what a handle has counted and measured, for monitoring.
 *
 * kfk_producer_metrics, kfk_consumer_metrics and kfk_admin_metrics call a function of the program's
 * with one metric after another; kfk_metrics_text_add is such a function, and makes a table, JSON
 * or Prometheus text of them. kfk_metrics(3) lists all metrics. */
#ifndef KFK_METRICS_H
#define KFK_METRICS_H

#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* kfk_metric.kind. There may be more one day: pass over what you do not know. */
enum {
    KFK_COUNTER = 1,  /* only rises, from 0 when the handle was made */
    KFK_GAUGE = 2,    /* how it is now */
    KFK_HISTOGRAM = 3 /* how many of what size, since the handle was made */
};

/* Tells the metrics of one name apart: client="producer-1", broker="3". Frozen. */
typedef struct kfk_label {
    const char *name;
    const char *value;
} kfk_label;

/* How many of a histogram's values were |upper| or less, those of the buckets before included.
 * Frozen. */
typedef struct kfk_bucket {
    int64_t upper;
    int64_t count;
} kfk_bucket;

/* One metric. Numbers are whole: a time of 1500 with unit "seconds" and per_unit 1000000 is 1500
 * microseconds. That goes for value, sum, max and upper; counts are counts. Strings are never NULL.
 * The library's memory, valid until the function returns; it may grow at its end. */
typedef struct kfk_metric {
    const char *name; /* "kfk_requests_total"; of letters, digits and "_" */
    const char *unit; /* "seconds", "bytes", "ratio", or what is counted: "requests" */
    const char *help; /* one sentence */
    const kfk_label *labels;
    size_t n_labels;
    int32_t kind;
    int32_t per_unit; /* 1 and up */
    int64_t value;    /* of a counter or gauge */
    int64_t count;    /* of a histogram, and so all below */
    int64_t sum;
    int64_t max;
    const kfk_bucket *buckets; /* upper rises; what is larger than the last is in |count| alone */
    size_t n_buckets;
} kfk_metric;

/* Not 0 ends the walk. It runs inside the call that it was given to, with nothing locked. */
typedef int kfk_metric_fn(const kfk_metric *m, void *arg);

/* ---- as text ---- */

typedef struct kfk_metrics_text kfk_metrics_text;

enum {
    KFK_METRICS_TABLE = 1,     /* for people; of a histogram: average, quantiles, maximum */
    KFK_METRICS_JSON = 2,      /* {"metrics":[{"name":...,"samples":[...]},...]} */
    KFK_METRICS_PROMETHEUS = 3 /* text/plain; version=0.0.4 */
};

/* A new, empty text, using |a| (copied; NULL: malloc). NULL: no memory, or there is no such
 * style. */
KFK_API kfk_metrics_text *kfk_metrics_text_new(int style, const kfk_allocator *a);

/* A kfk_metric_fn: adds |m|, as a walk gave it, to the kfk_metrics_text |text|, by any number of
 * walks and handles. Metrics of one name are put together. Not 0: no memory. */
KFK_API int kfk_metrics_text_add(const kfk_metric *m, void *text);

/* All that was added, valid until the next call with |t|. NULL: no memory, now or in an add
 * before. */
KFK_API const char *kfk_metrics_text_get(kfk_metrics_text *t);

/* NULL is allowed. */
KFK_API void kfk_metrics_text_free(kfk_metrics_text *t);

#ifdef __cplusplus
}
#endif
#endif
