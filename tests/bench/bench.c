#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct clocks {
    double wall, cpu;
    long peak_kib;
};

static struct clocks start;

static const char *const modes[] = {"produce", "latency", "consume"};

enum { N_MODES = sizeof modes / sizeof *modes };

static struct clocks now(void)
{
    struct timespec t;
    struct rusage r;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    (void)getrusage(RUSAGE_SELF, &r);
    return (struct clocks){
        (double)t.tv_sec + (double)t.tv_nsec / 1e9,
        (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
            (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6,
        r.ru_maxrss,
    };
}

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* One argument: ours, or the client's. */
static void argument(struct bench *b, char *arg, bench_set_fn *set, void *ctx)
{
    char *value = strchr(arg, '=');
    size_t n;

    if (!value)
        bench_die(arg, "not NAME=VALUE");
    *value++ = 0;
    n = strtoul(value, NULL, 10);
    if (strcmp(arg, "records") == 0)
        b->records = n;
    else if (strcmp(arg, "size") == 0)
        b->size = n;
    else if (strcmp(arg, "partitions") == 0)
        b->partitions = n;
    else if (strcmp(arg, "threads") == 0)
        b->threads = n;
    else if (strcmp(arg, "text") == 0)
        b->text = n != 0;
    else if (strcmp(arg, "tuned") == 0)
        b->tuned = n != 0;
    else if (strcmp(arg, "hold") == 0)
        b->hold = n != 0;
    else if (strcmp(arg, "handler") == 0)
        b->handler = value;
    else if (strcmp(arg, "topic") == 0)
        b->topic = value;
    else
        set(arg, value, ctx);
}

void bench_args(struct bench *b, int argc, char **argv, bench_set_fn *set, void *ctx)
{
    int mode = 0;

    *b = (struct bench){
        .records = 1000000, .size = 100, .partitions = 1, .threads = 1, .topic = "bench"};
    while (argc > 1 && mode < N_MODES && strcmp(argv[1], modes[mode]) != 0)
        mode++;
    if (argc < 2 || mode == N_MODES)
        bench_die("usage", "produce|latency|consume [records=N] [size=N] [partitions=N] [topic=T] "
                           "[threads=N] [text=1] [tuned=1] [hold=1] "
                           "[handler=record|consume] [PROPERTY=VALUE]...");
    b->mode = (enum bench_mode)mode;
    for (int i = 2; i < argc; i++)
        argument(b, argv[i], set, ctx);
    if (b->partitions == 0 || b->threads == 0)
        bench_die("partitions, threads", "at least one");
}

char *bench_value(const struct bench *b)
{
    char *value = malloc(b->size + 1);

    if (!value)
        bench_die("value", "no memory");
    memset(value, 'x', b->size);
    for (size_t i = 0, n = 12345; b->text && i < b->size; i++, n = n * 1103515245 + 12345)
        value[i] = "etaoin shrdlucmf"[n >> 16 & 15];
    return value;
}

double bench_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

void bench_latencies(const struct bench *b, const char *client, const char *version, double *ns)
{
    size_t n = b->records;

    qsort(ns, n, sizeof *ns, compare);
    printf("client=%s version=%s mode=latency records=%zu p50_us=%.1f p99_us=%.1f p999_us=%.1f\n",
           client, version, n, ns[n / 2] / 1e3, ns[n * 99 / 100] / 1e3, ns[n * 999 / 1000] / 1e3);
}

void bench_start(void)
{
    start = now();
}

void bench_report(const struct bench *b, const char *client, const char *version)
{
    struct clocks end = now();
    double wall = end.wall - start.wall, cpu = end.cpu - start.cpu, n = (double)b->records;

    printf("client=%s version=%s mode=%s records=%zu seconds=%.3f records_per_s=%.0f "
           "cpu_s_per_million=%.4f "
           "peak_mib=%.1f\n",
           client, version, modes[b->mode], b->records, wall, n / wall,
           cpu / n * 1e6, (double)end.peak_kib / 1024);
}
