/* bench_kfk: libkfk under load, by its public calls alone. Arguments: bench.h. */
#include <kfk/kfk.h>

#include <stdatomic.h>
#include <stdlib.h>

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

static _Atomic size_t delivered;

static void on_delivery(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)arg;
    if (d->status == KFK_DELIVERED)
        delivered++;
}

static void produce(const struct bench *b, const kfk_config *c)
{
    kfk_producer *p;
    kfk_error e;
    char *value = bench_value(b);
    kfk_record r = {.struct_size = sizeof r,
                    .flags = KFK_PARTITION,
                    .topic = b->topic,
                    .value = {value, b->size}};

    must(kfk_producer_new(&p, c, &e), "producer", &e);
    for (size_t i = 0; i < b->records; i++) {
        r.partition = (int32_t)(i % b->partitions);
        must(kfk_producer_send(p, &r, on_delivery, NULL, &e), "send", &e);
    }
    must(kfk_producer_flush(p, WAIT_MS, &e), "flush", &e);
    if (delivered != b->records)
        bench_die("produce", "not all records were delivered");
    kfk_producer_free(p);
    free(value);
}

static void consume(const struct bench *b, const kfk_config *c)
{
    kfk_consumer *consumer;
    kfk_error e;
    kfk_tp *tps = calloc(b->partitions, sizeof *tps);
    size_t seen = 0, bytes = 0;

    if (!tps)
        bench_die("consume", "no memory");
    for (size_t i = 0; i < b->partitions; i++)
        tps[i] = (kfk_tp){.topic = b->topic, .partition = (int32_t)i, .flags = KFK_OFFSET};
    must(kfk_consumer_new(&consumer, c, &e), "consumer", &e);
    must(kfk_consumer_assign(consumer, tps, b->partitions, &e), "assign", &e);
    while (seen < b->records) {
        const kfk_record_view *r;
        kfk_records *rs;

        must(kfk_consumer_poll(consumer, WAIT_MS, &rs, &e), "poll", &e);
        if (!rs)
            bench_die("poll", "no records");
        while ((r = kfk_records_next(rs)) != NULL) {
            bytes += r->value.len;
            seen++;
        }
        kfk_records_free(rs);
    }
    kfk_consumer_free(consumer);
    free(tps);
    if (bytes < seen)
        bench_die("consume", "empty values");
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    struct bench b;

    if (!c)
        bench_die("config", "no memory");
    bench_args(&b, argc, argv, set, c);
    bench_start();
    (b.produce ? produce : consume)(&b, c);
    bench_report(&b, "libkfk", kfk_version());
    kfk_config_free(c);
    return 0;
}
