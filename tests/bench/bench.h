/* bench: what the benchmarks of all clients share: their arguments, and how they measure
 * themselves. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* What is measured: sending as fast as it goes, one record after another's result, or reading. */
enum bench_mode { BENCH_PRODUCE, BENCH_LATENCY, BENCH_CONSUME };

/* The arguments, all NAME=VALUE but the first, which is "produce", "latency" or "consume". A NAME
 * that is none of these is a property of the client. */
struct bench {
    enum bench_mode mode;
    size_t records;    /* how many in all */
    size_t size;       /* bytes of a produced value */
    size_t partitions; /* record i goes to partition i % partitions */
    size_t threads;    /* that send; a client that cannot, sends from one */
    bool text;         /* values that compress as text does, instead of one letter */
    bool tuned;        /* the client's fastest calls instead of its usual ones */
    bool hold;         /* a reader that gives nothing back until it gets no more */
    const char *handler; /* of a member of a group: "record" or "consume"; NULL: none */
    const char *topic;
};

/* Sets a property of the client, or ends the program with a message. */
typedef void bench_set_fn(const char *name, const char *value, void *arg);

void bench_args(struct bench *b, int argc, char **argv, bench_set_fn *set, void *arg);
/* Prints the message and ends the program. */
void bench_die(const char *what, const char *why) __attribute__((noreturn));
/* A value to send. */
char *bench_value(const struct bench *b);
/* Nanoseconds, to measure one record's time with; and what those of all records come to. */
double bench_now(void);
void bench_latencies(const struct bench *b, const char *client, const char *version, double *ns);
/* Time and CPU count from here ... */
void bench_start(void);
/* ... to here; prints them, as NAME=VALUE on one line. */
void bench_report(const struct bench *b, const char *client, const char *version);

#endif
