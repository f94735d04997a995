/* stats: latencies and throughput as kafka-producer-perf-test tells them. Used by one thread at a
 * time. */
#ifndef TOOLS_KFK_STATS_H
#define TOOLS_KFK_STATS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct stats_sum {
    int64_t since_ms, count, bytes, latency_ms, latency_max_ms;
} stats_sum;

typedef struct stats {
    stats_sum all, window;
    int32_t *latencies; /* of each |sampling|-th record */
    int64_t n_latencies, room, sampling;
    int64_t interval_ms;
    bool steady; /* only the records behind the warm-up */
    bool quiet;  /* no more lines for windows */
} stats;

/* false: no memory. */
bool stats_init(stats *s, int64_t n_records, int64_t interval_ms, bool steady, int64_t now_ms);
void stats_fini(stats *s);
/* A record was delivered; prints a line when the window is over. */
void stats_record(stats *s, int64_t latency_ms, int64_t bytes, int64_t now_ms);
void stats_print_total(stats *s, int64_t now_ms);

#endif
