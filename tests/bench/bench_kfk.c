/* bench_kfk: libkfk under load, by its public calls alone. Arguments: bench.h. */
#include <kfk/kfk.h>

#include <malloc.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { WAIT_MS = 60000 };

static void must(kfk_err err, const char *what, const kfk_error *e)
{
    if (err)
        bench_die(what, e->msg);
}

static void set(const char *name, const char *value, void *arg)
{
    kfk_error e;

    must(kfk_config_set(arg, name, value, &e), name, &e);
}

/* ---- produce ---- */

/* Written by the Sender alone, in a cache line of its own. */
static struct {
    alignas(64) _Atomic size_t n;
} delivered;


static void on_delivery(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)arg;
    if (d->status == KFK_DELIVERED)
        atomic_store_explicit(&delivered.n, delivered.n + 1, memory_order_relaxed);
}

/* What one thread sends. */
struct sender {
    const struct bench *b;
    kfk_producer *p;
    size_t records;
    pthread_t thread;
};

/* The next record is another one: its value, where they are to be like text, and the partition, where there are several. */
static void vary(const struct bench *b, kfk_record *r, char *value, size_t i)
{
    if (b->text)
        memcpy(value, &i, sizeof i < b->size ? sizeof i : b->size);
    if ((size_t)++r->partition == b->partitions)
        r->partition = 0;
}

static void *send_all(void *arg)
{
    const struct sender *s = arg;
    kfk_producer *p = s->p;
    const size_t records = s->records;
    const bool varies = s->b->text || s->b->partitions > 1;
    char *value = bench_value(s->b);
    kfk_record r = {.struct_size = sizeof r,
                    .flags = KFK_PARTITION,
                    .topic = s->b->topic,
                    .value = {value, s->b->size}};
    kfk_error e;

    for (size_t i = 0; i < records; i++) {
        must(kfk_producer_send(p, &r, on_delivery, NULL, &e), "send", &e);
        if (varies)
            vary(s->b, &r, value, i);
    }
    free(value);
    return NULL;
}

static kfk_producer *new_producer(const kfk_config *c)
{
    kfk_producer *p;
    kfk_error e;

    must(kfk_producer_new(&p, c, &e), "producer", &e);
    return p;
}

static void produce(const struct bench *b, const kfk_config *c)
{
    struct sender *senders = calloc(b->threads, sizeof *senders);
    kfk_producer *p = new_producer(c);
    kfk_error e;

    if (!senders)
        bench_die("threads", "no memory");
    for (size_t i = 0; i < b->threads; i++) {
        senders[i] = (struct sender){b, p, b->records / b->threads, 0};
        if (i == 0)
            senders[i].records += b->records % b->threads;
        else if (pthread_create(&senders[i].thread, NULL, send_all, &senders[i]))
            bench_die("threads", "cannot start one");
    }
    (void)send_all(&senders[0]);
    for (size_t i = 1; i < b->threads; i++)
        (void)pthread_join(senders[i].thread, NULL);
    must(kfk_producer_flush(p, WAIT_MS, &e), "flush", &e);
    if (delivered.n != b->records)
        bench_die("produce", "not all records were delivered");
    kfk_producer_free(p);
    free(senders);
}

static void latency(const struct bench *b, const kfk_config *c)
{
    char *value = bench_value(b);
    double *ns = calloc(b->records, sizeof *ns);
    const kfk_record r = {
        .struct_size = sizeof r, .topic = b->topic, .value = {value, b->size}};
    kfk_producer *p = new_producer(c);
    kfk_error e;

    if (!ns)
        bench_die("latency", "no memory");
    for (size_t i = 0; i < b->records; i++) {
        double sent = bench_now();

        must(kfk_producer_send_sync(p, &r, WAIT_MS, NULL, &e), "send_sync", &e);
        ns[i] = bench_now() - sent;
    }
    bench_latencies(b, "libkfk", kfk_version(), ns);
    printf("heap_kib=%zu\n", mallinfo2().uordblks / 1024);
    kfk_producer_free(p);
    free(value);
    free(ns);
}

/* ---- consume ---- */

/* The runs that a reader has not given back. */
struct held {
    kfk_records **v;
    size_t n, cap;
};

static void hold(struct held *h, kfk_records *rs)
{
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->v = realloc(h->v, h->cap * sizeof(kfk_records *));
        if (!h->v)
            bench_die("hold", "no memory");
    }
    h->v[h->n++] = rs;
}

static void give_back(struct held *h)
{
    while (h->n > 0)
        kfk_records_free(h->v[--h->n]);
}

/* The next run; all that are held are given back when there is no more memory to be had. */
static kfk_records *next_run(kfk_consumer *c, struct held *h)
{
    kfk_records *rs;
    kfk_error e;
    kfk_err err = kfk_consumer_poll(c, WAIT_MS, &rs, &e);

    if (err == KFK_ERR_BUFFER_FULL && h->n > 0) {
        give_back(h);
        err = kfk_consumer_poll(c, WAIT_MS, &rs, &e);
    }
    must(err, "poll", &e);
    if (!rs)
        bench_die("poll", "no records");
    return rs;
}

static void consume(const struct bench *b, const kfk_config *c)
{
    kfk_consumer *consumer;
    kfk_error e;
    kfk_tp *tps = calloc(b->partitions, sizeof *tps);
    struct held held = {NULL, 0, 0};
    size_t seen = 0, bytes = 0;

    if (!tps)
        bench_die("consume", "no memory");
    for (size_t i = 0; i < b->partitions; i++)
        tps[i] = (kfk_tp){.topic = b->topic, .partition = (int32_t)i, .flags = KFK_OFFSET};
    must(kfk_consumer_new(&consumer, c, &e), "consumer", &e);
    must(kfk_consumer_assign(consumer, tps, b->partitions, &e), "assign", &e);
    while (seen < b->records) {
        const kfk_record_view *r;
        kfk_records *rs = next_run(consumer, &held);

        while ((r = kfk_records_next(rs)) != NULL) {
            bytes += r->value.len;
            seen++;
        }
        if (b->hold)
            hold(&held, rs);
        else
            kfk_records_free(rs);
    }
    give_back(&held);
    free(held.v);
    kfk_consumer_free(consumer);
    free(tps);
    if (bytes < seen)
        bench_die("consume", "empty values");
}

/* ---- the same as a member of a group ---- */

static size_t wanted, seen_bytes;
static _Atomic size_t handled; /* written by the one thread that reads */

static kfk_err stop_at_end(kfk_group *g)
{
    if (handled >= wanted)
        kfk_group_stop(g);
    return KFK_OK;
}

static kfk_err on_record(kfk_group *g, const kfk_record_view *r, void *arg)
{
    size_t n = atomic_load_explicit(&handled, memory_order_relaxed) + 1;

    (void)arg;
    seen_bytes += r->value.len;
    atomic_store_explicit(&handled, n, memory_order_relaxed);
    return n == wanted ? stop_at_end(g) : KFK_OK;
}

static kfk_err on_run(kfk_group *g, kfk_records *rs, void *arg)
{
    const kfk_record_view *r;
    size_t n = 0;

    (void)arg;
    while ((r = kfk_records_next(rs)) != NULL) {
        seen_bytes += r->value.len;
        n++;
    }
    handled += n;
    return stop_at_end(g);
}

static void consume_as_member(const struct bench *b, const kfk_config *c)
{
    kfk_group_handler h = {.struct_size = sizeof h};
    kfk_group *g;
    kfk_error e;

    if (strcmp(b->handler, "record") == 0)
        h.record = on_record;
    else
        h.consume = on_run;
    wanted = b->records;
    must(kfk_group_new(&g, c, &b->topic, 1, &h, NULL, &e), "group", &e);
    must(kfk_group_run(g, &e), "run", &e);
    kfk_group_free(g);
    if (seen_bytes < wanted)
        bench_die("consume", "empty values");
}

static void (*job(const struct bench *b))(const struct bench *, const kfk_config *)
{
    if (b->mode == BENCH_PRODUCE)
        return produce;
    return b->handler ? consume_as_member : consume;
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    struct bench b;

    if (!c)
        bench_die("config", "no memory");
    bench_args(&b, argc, argv, set, c);
    bench_start();
    if (b.mode == BENCH_LATENCY) {
        latency(&b, c);
    } else {
        job(&b)(&b, c);
        bench_report(&b, "libkfk", kfk_version());
    }
    kfk_config_free(c);
    return 0;
}
