/* demo: what `make demo` shows, by the public API alone.
 *
 * It makes a topic at the broker of $KFK_BOOTSTRAP, sends a dozen records to look at and a million
 * to time, reads all of them back, and counts; then two members of a group share another topic.
 * Exit status 0: what came back is what was sent. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
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

static void make_topic(const kfk_config *c, const char *name)
{
    const kfk_new_topic t = {.struct_size = sizeof t, .name = name, .partitions = PARTITIONS};
    kfk_admin *a;

    must(kfk_admin_new(&a, c, &e), "admin");
    must(kfk_admin_create_topics(a, &t, 1, WAIT_MS, NULL, &e), "making the topic");
    kfk_admin_free(a);
    printf("Made topic %s with %d partitions.\n", name, PARTITIONS);
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

/* ---- two members of a group share a topic ---- */

enum { MEMBERS = 2, SHARED = 3000 };

typedef struct member {
    int number;
    kfk_group *group;
    pthread_t thread;
    atomic_int partitions; /* that it has */
    atomic_int records;    /* that it has done */
} member;

static const char *const shared_topic = "demo-group";
static member members[MEMBERS];
static atomic_uchar done_of[SHARED];
static int shared, shared_twice;

static void tell(const member *m, const char *what, const kfk_tp *tps, size_t n)
{
    char text[64] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " %" PRId32, tps[i].partition);
    printf("  member %d %s%s\n", m->number, what, text);
}

static kfk_err on_setup(kfk_group *g, kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;

    (void)g;
    tell(m, "has now", tps, n);
    atomic_fetch_add(&m->partitions, (int)n);
    return KFK_OK;
}

static kfk_err on_cleanup(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;

    (void)g;
    tell(m, "gives up", tps, n);
    atomic_fetch_sub(&m->partitions, (int)n);
    return KFK_OK;
}

static kfk_err on_record(kfk_group *g, const kfk_record_view *r, void *arg)
{
    member *m = arg;
    char text[16] = "";
    int i;

    (void)g;
    memcpy(text, r->value.data, r->value.len < sizeof text ? r->value.len : sizeof text - 1);
    i = atoi(text);
    if (i >= 0 && i < SHARED)
        atomic_fetch_add(&done_of[i], 1);
    atomic_fetch_add(&m->records, 1);
    return KFK_OK;
}

static void *run(void *arg)
{
    const member *m = arg;
    kfk_error own;

    if (kfk_group_run(m->group, &own))
        fprintf(stderr, "demo: member %d: %s\n", m->number, own.msg);
    return NULL;
}

static void join(member *m, const kfk_config *c)
{
    static const kfk_group_handler h = {.struct_size = sizeof h,
                                        .record = on_record,
                                        .setup = on_setup,
                                        .cleanup = on_cleanup};

    must(kfk_group_new(&m->group, c, &shared_topic, 1, &h, m, &e), "joining");
    if (pthread_create(&m->thread, NULL, run, m))
        must(KFK_ERR_SYSTEM, "a thread");
}

/* What is wanted of the members comes about by itself, within WAIT_MS. */
static void await(int (*ready)(void))
{
    const struct timespec nap = {0, 10 * 1000 * 1000};

    for (double end = now() + WAIT_MS / 1000.0; !ready() && now() < end;)
        nanosleep(&nap, NULL);
}

static int both_have_some(void)
{
    int a = atomic_load(&members[0].partitions), b = atomic_load(&members[1].partitions);

    return a > 0 && b > 0 && a + b == PARTITIONS;
}

static int first_has_all(void)
{
    return atomic_load(&members[0].partitions) == PARTITIONS;
}

static int all_are_done(void)
{
    return atomic_load(&members[0].records) + atomic_load(&members[1].records) >= SHARED;
}

static void send_shared(const kfk_config *c)
{
    kfk_producer *p;
    char value[16];

    must(kfk_producer_new(&p, c, &e), "producer");
    for (int i = 0; i < SHARED; i++) {
        const kfk_record r = {.struct_size = sizeof r,
                              .flags = KFK_PARTITION,
                              .topic = shared_topic,
                              .value = {value, (size_t)snprintf(value, sizeof value, "%d", i)},
                              .partition = i % PARTITIONS};

        must(kfk_producer_send(p, &r, on_delivery, NULL, &e), "sending");
    }
    must(kfk_producer_flush(p, WAIT_MS, &e), "flushing");
    kfk_producer_free(p);
}

static void share(kfk_config *c)
{
    printf("\n");
    make_topic(c, shared_topic);
    must(kfk_config_set(c, "consumer.group.id", "demo", &e), "group.id");
    must(kfk_config_set(c, "consumer.auto.offset.reset", "earliest", &e), "auto.offset.reset");
    must(kfk_config_set(c, "consumer.heartbeat.interval.ms", "100", &e), "heartbeat.interval.ms");
    for (int i = 0; i < MEMBERS; i++) {
        members[i].number = i + 1;
        join(&members[i], c);
        await(i == 0 ? first_has_all : both_have_some);
    }
    send_shared(c);
    await(all_are_done);
    for (int i = 0; i < MEMBERS; i++) {
        kfk_group_stop(members[i].group);
        pthread_join(members[i].thread, NULL);
        kfk_group_free(members[i].group);
    }
    for (int i = 0; i < SHARED; i++) {
        shared += done_of[i] > 0;
        shared_twice += done_of[i] > 1;
    }
    printf("Of %d records member 1 did %d and member 2 %d: %d lost, %d doubled.\n", SHARED,
           atomic_load(&members[0].records), atomic_load(&members[1].records), SHARED - shared,
           shared_twice);
}

int main(void)
{
    const char *broker = getenv("KFK_BOOTSTRAP");
    double start = now();
    kfk_config *c = kfk_config_new(NULL);

    must(kfk_config_set(c, "bootstrap.servers", broker, &e), "KFK_BOOTSTRAP");
    printf("libkfk %s, broker at %s\n\n", kfk_version(), broker);
    make_topic(c, topic);
    produce(c);
    consume(c);
    share(c);
    kfk_config_free(c);

    printf("\n%d sent, %d delivered, %d read: %d lost, %d doubled, %d out of order; %.1f s.\n", ALL,
           delivered - SHARED, came, lost, doubled, disordered, now() - start);
    return delivered == ALL + SHARED && came == ALL && !lost && !doubled && !disordered &&
                   shared == SHARED && !shared_twice
               ? 0
               : 1;
}
