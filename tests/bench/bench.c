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
    else if (strcmp(arg, "tuned") == 0)
        b->tuned = n != 0;
    else if (strcmp(arg, "topic") == 0)
        b->topic = value;
    else
        set(arg, value, ctx);
}

void bench_args(struct bench *b, int argc, char **argv, bench_set_fn *set, void *ctx)
{
    *b = (struct bench){.records = 1000000, .size = 100, .partitions = 1, .topic = "bench"};
    if (argc < 2 || (strcmp(argv[1], "produce") && strcmp(argv[1], "consume")))
        bench_die("usage", "produce|consume [records=N] [size=N] [partitions=N] [topic=T] "
                           "[tuned=1] [PROPERTY=VALUE]...");
    b->produce = argv[1][0] == 'p';
    for (int i = 2; i < argc; i++)
        argument(b, argv[i], set, ctx);
    if (b->partitions == 0)
        bench_die("partitions", "at least one");
}

char *bench_value(const struct bench *b)
{
    char *value = malloc(b->size + 1);

    if (!value)
        bench_die("value", "no memory");
    memset(value, 'x', b->size);
    return value;
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
           client, version, b->produce ? "produce" : "consume", b->records, wall, n / wall,
           cpu / n * 1e6, (double)end.peak_kib / 1024);
}
