#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_SAMPLES = 500000 };

bool stats_init(stats *s, int64_t n_records, int64_t interval_ms, bool steady, int64_t now_ms)
{
    int64_t samples = n_records < MOST_SAMPLES ? n_records : MOST_SAMPLES;

    *s = (stats){.sampling = n_records / samples, .interval_ms = interval_ms, .steady = steady};
    s->all.since_ms = s->window.since_ms = now_ms;
    s->room = n_records / s->sampling + 1;
    s->latencies = malloc((size_t)s->room * sizeof *s->latencies);
    return s->latencies != NULL;
}

void stats_fini(stats *s)
{
    free(s->latencies);
    s->latencies = NULL;
}

static void add(stats_sum *sum, int64_t latency_ms, int64_t bytes)
{
    sum->count++;
    sum->bytes += bytes;
    sum->latency_ms += latency_ms;
    if (latency_ms > sum->latency_max_ms)
        sum->latency_max_ms = latency_ms;
}

/* Never 0, by which nothing can be divided. */
static int64_t elapsed_ms(const stats_sum *sum, int64_t now_ms)
{
    return now_ms > sum->since_ms ? now_ms - sum->since_ms : 1;
}

static double a_second(int64_t n, int64_t elapsed_ms)
{
    return 1000.0 * (double)n / (double)elapsed_ms;
}

enum { AVERAGE_MAX = 32 };

/* The sum's average latency; what is divided by nothing is written as Java does. */
static const char *average(const stats_sum *sum, int digits, char *out)
{
    if (sum->count)
        (void)snprintf(out, AVERAGE_MAX, "%.*f", digits,
                       (double)sum->latency_ms / (double)sum->count);
    else
        (void)snprintf(out, AVERAGE_MAX, "NaN");
    return out;
}

static double megabytes(int64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

static void print_window(const stats_sum *w, int64_t now_ms)
{
    int64_t elapsed = elapsed_ms(w, now_ms);
    char avg[AVERAGE_MAX];

    (void)printf("%" PRId64 " records sent, %.1f records/sec (%.2f MB/sec), %s ms avg latency, "
                 "%.1f ms max latency.\n",
                 w->count, a_second(w->count, elapsed),
                 megabytes(w->bytes) * 1000.0 / (double)elapsed, average(w, 1, avg),
                 (double)w->latency_max_ms);
    (void)fflush(stdout);
}

void stats_record(stats *s, int64_t latency_ms, int64_t bytes, int64_t now_ms)
{
    if (s->all.count % s->sampling == 0 && s->n_latencies < s->room)
        s->latencies[s->n_latencies++] = (int32_t)latency_ms;
    add(&s->all, latency_ms, bytes);
    add(&s->window, latency_ms, bytes);
    if (now_ms - s->window.since_ms < s->interval_ms)
        return;
    if (s->steady && s->all.count == s->window.count)
        (void)printf("In steady state.\n");
    if (!s->quiet)
        print_window(&s->window, now_ms);
    s->window = (stats_sum){.since_ms = now_ms};
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static int percentile(const stats *s, double p)
{
    return s->n_latencies ? s->latencies[(int64_t)(p * (double)s->n_latencies)] : 0;
}

void stats_print_total(stats *s, int64_t now_ms)
{
    const stats_sum *a = &s->all;
    int64_t elapsed = elapsed_ms(a, now_ms);
    char avg[AVERAGE_MAX];

    qsort(s->latencies, (size_t)s->n_latencies, sizeof *s->latencies, ascending);
    (void)printf(
        "%" PRId64
        "%s records sent, %f records/sec (%.2f MB/sec), %s ms avg latency, %.2f ms max latency, "
        "%d ms 50th, %d ms 95th, %d ms 99th, %d ms 99.9th.\n",
        a->count, s->steady ? " steady state" : "", a_second(a->count, elapsed),
        megabytes(a->bytes) * 1000.0 / (double)elapsed, average(a, 2, avg),
        (double)a->latency_max_ms, percentile(s, 0.5), percentile(s, 0.95), percentile(s, 0.99),
        percentile(s, 0.999));
}
