/* metrics: what a client counts, for each broker and as a whole.
 *
 *   client ── kfk__client_metrics ──> bootstrap ──> others ──> broker 7 ──> broker 3 ──> …
 *   node    ── its broker's block ─────────────────────────────────┘
 *
 * Nodes come and go with metadata; a broker's block stays, and is found again by the broker's id.
 * Blocks are only ever added, and a reader sees them whole; so the client's thread writes and any
 * thread reads, without a lock, until the handle, which outlives its client, frees them. */
#ifndef KFK_CLIENT_METRICS_H
#define KFK_CLIENT_METRICS_H

#include "base/metrics.h"

/* Brokers with a block of their own, codes with a count of their own: however many ids and codes
 * brokers make up, no more. Those beyond share one. */
enum { KFK__BROKERS_COUNTED = 1000, KFK__CODES_COUNTED = 64 };

enum { KFK__BROKER_BOOTSTRAP = -1, KFK__BROKER_OTHER = -2 };

typedef struct kfk__broker_metrics {
    _Atomic(struct kfk__broker_metrics *) next;
    int32_t id; /* or KFK__BROKER_...; set before anybody sees the block */
    kfk__counter requests;
    kfk__gauge in_flight;
    kfk__histogram latency;
    kfk__counter sent_bytes, received_bytes;
    kfk__gauge connections;
    kfk__counter made, lost, failed; /* connections */
    kfk__histogram throttle;
} kfk__broker_metrics;

/* How often each code came up. */
typedef struct kfk__codes {
    atomic_uint n;
    struct {
        kfk_err code; /* set before |n| says that it is there */
        kfk__counter count;
    } v[KFK__CODES_COUNTED];
    kfk__counter others;
} kfk__codes;

typedef struct kfk__client_metrics {
    const kfk_allocator *alloc;
    const char *client_id;
    char name[32]; /* "producer-1", as no other handle of the process is called */
    kfk__counter refreshes; /* of metadata */
    kfk__codes retries, errors;
    kfk__broker_metrics bootstrap, others;
    kfk__broker_metrics *last; /* the writer's: where the next is added */
    int32_t n_brokers;
} kfk__client_metrics;

/* The strings outlive it; |kind| is "producer", "consumer" or "admin". */
void kfk__client_metrics_init(kfk__client_metrics *m, const kfk_allocator *a, const char *kind,
                              const char *client_id);
/* When nobody reads any more. One that was zeroed and never begun is allowed. */
void kfk__client_metrics_fini(kfk__client_metrics *m);

/* The block of a broker, by its id; below 0: that of all bootstrap addresses. NULL: no memory. */
kfk__broker_metrics *kfk__client_metrics_broker(kfk__client_metrics *m, int32_t id);
/* A connection, ready or not, with |in_flight| requests turns out to be one to another broker. */
void kfk__broker_metrics_move(kfk__broker_metrics *from, kfk__broker_metrics *to, bool ready,
                              int32_t in_flight);
void kfk__codes_add(kfk__codes *c, kfk_err code);

/* Begins a walk: what it shows bears the handle's labels. Any thread, and so the next. */
void kfk__client_metrics_begin(const kfk__client_metrics *m, kfk__visitor *v, kfk_metric_fn *fn,
                               void *arg);
void kfk__client_metrics_visit(const kfk__client_metrics *m, kfk__visitor *v);

#endif
