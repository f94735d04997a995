/* metrics: what a consumer counts beside its client.
 *
 * The Fetcher writes, once a batch or an answer; memory, positions and lags are read where they
 * lie, under the shared lock, when somebody asks. Any thread reads. */
#ifndef KFK_CONSUMER_METRICS_H
#define KFK_CONSUMER_METRICS_H

#include "base/metrics.h"
#include "consumer/shared.h"

typedef struct kfk__consumer_metrics {
    kfk__counter records, bytes, batches; /* received, in whole batches */
    kfk__histogram fetch_latency;
} kfk__consumer_metrics;

void kfk__consumer_metrics_init(kfk__consumer_metrics *m);
/* KFK_ERR_NOMEM: not all was shown. */
kfk_err kfk__consumer_metrics_visit(const kfk__consumer_metrics *m, kfk__shared *s,
                                    kfk__visitor *v);

#endif
