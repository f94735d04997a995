/* fetcher: brings records of the assigned partitions from their leaders.
 *
 *   position not known ──ListOffsets──> known ──Fetch──> records received into buffers ──> partition, ready list
 *        ^                                │ retriable, leader moved: metadata, through the gate
 *        └── out of range: the policy ────┘
 *
 * One Fetch and one ListOffsets a broker at a time, each for all partitions that it leads. Belongs to the Fetcher
 * thread. */
#ifndef KFK_CONSUMER_FETCHER_H
#define KFK_CONSUMER_FETCHER_H

#include "client/client.h"
#include "consumer/metrics.h"
#include "consumer/shared.h"

typedef struct kfk__fetcher_options {
    int32_t min_bytes;
    int32_t max_bytes;
    int32_t max_partition_bytes;
    int32_t max_wait_ms;
    int8_t isolation; /* KFK__READ_... */
} kfk__fetcher_options;

/* A question that only metadata can answer. Lives in the asker's frame; |done| and what follows are guarded by the
 * shared lock. */
typedef struct kfk__topic_query {
    kfk__list link;
    const char *topic;
    int64_t since; /* what was said before is no answer, if it is an error */
    kfk__waiter *waiter;
    bool done;
    kfk_err err; /* also before it is done: what was said last */
    int32_t partitions;
} kfk__topic_query;

typedef struct kfk__fetcher {
    const kfk__env *env;
    kfk__fetcher_options options;
    kfk__shared *shared;
    kfk__client client;
    kfk__consumer_metrics metrics;
    kfk__list queries; /* under the shared lock */
} kfk__fetcher;

/* KFK_ERR_NOMEM. */
kfk_err kfk__fetcher_init(kfk__fetcher *f, const kfk__env *env, const kfk__fetcher_options *o,
                          const kfk__client_options *co, kfk__shared *shared, kfk__poller *poller);
void kfk__fetcher_fini(kfk__fetcher *f, int64_t now);
int64_t kfk__fetcher_step(kfk__fetcher *f, const kfk__event *ev, int n, int64_t now);

#endif
