/* metrics: what a producer counts beside its client.
 *
 * The Sender writes, once a batch; any thread reads. Memory is read where it lies, under the pool's
 * lock, when somebody asks. */
#ifndef KFK_PRODUCER_METRICS_H
#define KFK_PRODUCER_METRICS_H

#include "base/metrics.h"

typedef struct kfk__producer_metrics {
    /* Of batches that were handed to a broker for the first time. */
    kfk__counter records;
    kfk__counter record_bytes; /* before compression */
    kfk__counter batches;
    kfk__histogram batch_bytes; /* on the wire */
    kfk__histogram fill;        /* bytes before compression by batch.size; in KFK__PER_ONE */
    kfk__histogram compression; /* bytes after by bytes before; in KFK__PER_ONE */
    kfk__histogram queue;       /* from the batch's beginning to its first request */
    /* Of records that have their result. */
    kfk__counter delivered, not_written, unknown;
    /* Of batches. */
    kfk__counter retries, splits;
} kfk__producer_metrics;

/* How much of buffer.memory is in use, at one moment. */
typedef struct kfk__buffer_metrics {
    kfk__gauge total, available, waiters;
} kfk__buffer_metrics;

void kfk__producer_metrics_init(kfk__producer_metrics *m);
void kfk__producer_metrics_visit(const kfk__producer_metrics *m, const kfk__buffer_metrics *b,
                                 kfk__visitor *v);

#endif
