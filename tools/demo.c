/* demo: what `make demo` shows, by the public API alone.
 *
 * It makes a topic at the broker of $KFK_BOOTSTRAP, sends a dozen records to look at and a million
 * to time, reads all of them back, and counts. Exit status 0: what came back is what was sent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kfk/kfk.h>

enum { PARTITIONS = 3, FEW = 12, MANY = 1000000, ALL = FEW + MANY, SIZE = 100, WAIT_MS = 30000 };

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).data /* for %.*s */

static const char *const topic = "demo";
static kfk_error e; /* of the main thread's calls */

/* Ends the program where a call has failed. */
static void must(kfk_err err, const char *what)
{
    if (err != KFK_OK) {
        fprintf(stderr, "demo: %s: %s [%s]\n", what, e.msg, kfk_err_name(err));
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_topic(const kfk_config *c)
{
    const kfk_new_topic t = {.struct_size = sizeof t, .name = topic, .partitions = PARTITIONS};
    kfk_admin *a;

    must(kfk_admin_new(&a, c, &e), "admin");
    must(kfk_admin_create_topics(a, &t, 1, WAIT_MS, NULL, &e), "making the topic");
    kfk_admin_free(a);
    printf("Made topic %s with %d partitions.\n", topic, PARTITIONS);
}

/* ---- records go out; each value begins with the record's number ---- */

static int delivered, failed; /* the callbacks', on the producer's thread; read after them all */

static void on_delivery(kfk_producer *p, const kfk_delivery *d, void *text)
{
    (void)p;
    if (d->status == KFK_DELIVERED)
        delivered++;
    else if (failed++ == 0)
        fprintf(stderr, "demo: not delivered: %s\n", d->msg ? d->msg : kfk_err_str(d->err));
    if (text)
        printf("  partition %" PRId32 "  offset %" PRId64 "  %s\n", d->partition, d->offset,
               (const char *)text);
}

static void send_few(kfk_producer *p)
{
    static const char *const keys[] = {"alice", "bob", "carol", "dave"};
    static const kfk_header headers[] = {{{"from", 4}, {"demo", 4}}, {{"unit", 4}, {"cups", 4}}};
    static char values[FEW][16]; /* for the callbacks; the library has copies */

    printf("\nSent %d records with keys and headers. Their callbacks say:\n", FEW);
    for (int i = 0; i < FEW; i++) {
        const char *key = keys[i % 4];
        int len = snprintf(values[i], sizeof values[i], "%d of tea", i);
        const kfk_record r = {
            .struct_size = sizeof r,
            .topic = topic,
            .key = {key, strlen(key)}, /* chooses the partition */
            .value = {values[i], (size_t)len},
            .headers = headers,
            .n_headers = 2,
        };

        must(kfk_producer_send(p, &r, on_delivery, values[i], &e), "sending");
    }
    must(kfk_producer_flush(p, WAIT_MS, &e), "flushing");
}

static void send_many(kfk_producer *p)
{
    char value[SIZE];
    const kfk_record r = {.struct_size = sizeof r, .topic = topic, .value = {value, SIZE}};
    double start = now();

    memset(value, '.', SIZE);
    for (int i = FEW; i < ALL; i++) {
        value[snprintf(value, SIZE, "%d", i)] = ' ';
        must(kfk_producer_send(p, &r, on_delivery, NULL, &e), "sending");
    }
    must(kfk_producer_flush(p, WAIT_MS, &e), "flushing");
    printf("\nSent %d more, of %d bytes: %.0f records/s.\n", MANY, SIZE, MANY / (now() - start));
}

static void produce(const kfk_config *c)
{
    kfk_producer *p;

    must(kfk_producer_new(&p, c, &e), "producer");
    send_few(p);
    send_many(p);
    kfk_producer_free(p);
}

/* ---- and come back ---- */

static int came, doubled, disordered, lost = ALL;

static void count(const kfk_record_view *r)
{
    static unsigned char seen[ALL];
    static int next[PARTITIONS]; /* no smaller number may follow */
    char text[SIZE + 1] = "";
    int i;

    memcpy(text, r->value.data, r->value.len < SIZE ? r->value.len : SIZE);
    i = atoi(text);
    came++;
    if (i < 0 || i >= ALL || seen[i]) {
        doubled++;
        return;
    }
    seen[i] = 1;
    lost--;
    disordered += i < next[r->partition];
    next[r->partition] = i + 1;
}

static void print(kfk_records *rs, const kfk_record_view *r)
{
    kfk_header h[2];
    size_t n = kfk_records_headers(rs, h, 2);
    time_t second = r->timestamp_ms / 1000;
    char clock[16];

    strftime(clock, sizeof clock, "%H:%M:%S", gmtime(&second));
    printf("  partition %" PRId32 "  offset %" PRId64 "  %s.%03d  %-5.*s  %-9.*s ", r->partition,
           r->offset, clock, (int)(r->timestamp_ms % 1000), TEXT(r->key), TEXT(r->value));
    for (size_t i = 0; i < n; i++)
        printf(" %.*s=%.*s", TEXT(h[i].key), TEXT(h[i].value));
    printf("\n");
}

static void read_run(kfk_records *rs)
{
    const kfk_record_view *r;

    while ((r = kfk_records_next(rs))) {
        count(r);
        if (r->n_headers)
            print(rs, r);
    }
    must(kfk_records_status(rs, &e), "reading");
    kfk_records_free(rs);
}

static void consume(const kfk_config *config)
{
    kfk_tp tps[PARTITIONS];
    kfk_records *rs; /* of one partition */
    kfk_consumer *c;
    double start = now();

    for (int i = 0; i < PARTITIONS; i++)
        tps[i] = (kfk_tp){.topic = topic, .partition = i, .flags = KFK_OFFSET, .offset = 0};
    must(kfk_consumer_new(&c, config, &e), "consumer");
    must(kfk_consumer_assign(c, tps, PARTITIONS, &e), "assigning");
    printf("\nRead all partitions from their beginning. The dozen has come back:\n");
    while (came < ALL) {
        must(kfk_consumer_poll(c, WAIT_MS, &rs, &e), "reading");
        if (!rs) /* nothing came in time */
            break;
        read_run(rs);
    }
    printf("\nRead %d: %.0f records/s.\n", came, came / (now() - start));
    kfk_consumer_free(c);
}

int main(void)
{
    const char *broker = getenv("KFK_BOOTSTRAP");
    double start = now();
    kfk_config *c = kfk_config_new(NULL);

    must(kfk_config_set(c, "bootstrap.servers", broker, &e), "KFK_BOOTSTRAP");
    printf("libkfk %s, broker at %s\n\n", kfk_version(), broker);
    make_topic(c);
    produce(c);
    consume(c);
    kfk_config_free(c);

    printf("\n%d sent, %d delivered, %d read: %d lost, %d doubled, %d out of order; %.1f s.\n", ALL,
           delivered, came, lost, doubled, disordered, now() - start);
    return delivered == ALL && came == ALL && !lost && !doubled && !disordered ? 0 : 1;
}
