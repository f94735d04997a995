/* A producer on threads of the operating system, against an embedded broker over loopback: eight
 * that send, some that flush and read metrics, with dispatch=app one that dispatches, and one that
 * closes while they are all at it. For ThreadSanitizer first of all; nothing sleeps. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <kfk/kfk.h>

#include "base/mem.h"
#include "devbroker/devbroker.h"
#include "devbroker/records.h"
#include "net/env_posix.h"
#include "unit/suite.h"

enum { SENDERS = 8, EACH = 1500, PARTITIONS = 4, ENOUGH_MS = 20000 };

static kfk__env env;
static kfk__devbroker *broker;
static kfk_producer *producer;
static pthread_barrier_t start;
static sem_t half; /* of the records have been told of */
static atomic_int told, flushes, walks;
static atomic_bool over;

typedef struct record {
    atomic_int told;
    bool taken;
    int32_t status;
    int in_log;
} record;
static record records[SENDERS][EACH];

/* What one run is about. */
static const char *dispatch, *codec;
static bool closes; /* in the middle */

/* ---- the threads ---- */

static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    record *r = arg;

    (void)p;
    r->status = d->status;
    atomic_fetch_add(&r->told, 1);
    if (atomic_fetch_add(&told, 1) + 1 == SENDERS * EACH / 2)
        (void)sem_post(&half);
}

static void *sends(void *arg)
{
    int me = (int)(intptr_t)arg;
    char value[120];

    (void)pthread_barrier_wait(&start);
    for (int i = 0; i < EACH; i++) {
        kfk_record r = {.struct_size = sizeof r, .topic = "t"};
        kfk_err err;
        kfk_error e;

        memset(value, 'x', sizeof value);
        (void)snprintf(value, sizeof value, "%d %d", me, i);
        r.value = (kfk_bytes){value, 30 + (size_t)i % 90};
        if (i % 3 == 0) {
            r.flags = KFK_PARTITION;
            r.partition = i % PARTITIONS;
        }
        err = kfk_producer_send(producer, &r, delivered, &records[me][i], &e);
        records[me][i].taken = !err;
        if (err)
            ck_assert_msg(closes && err == KFK_ERR_CLOSED, "%s", e.msg);
    }
    return NULL;
}

static void *flushes_all(void *arg)
{
    (void)arg;
    (void)pthread_barrier_wait(&start);
    while (!atomic_load(&over)) {
        (void)kfk_producer_flush(producer, atomic_fetch_add(&flushes, 1) % 3, NULL);
        (void)kfk_producer_last_error(producer, NULL);
    }
    return NULL;
}

static int look(const kfk_metric *m, void *arg)
{
    *(int64_t *)arg ^= m->value;
    return 0;
}

static void *reads_metrics(void *arg)
{
    int64_t sum = 0;

    (void)arg;
    (void)pthread_barrier_wait(&start);
    while (!atomic_load(&over)) {
        ck_assert_int_eq(kfk_producer_metrics(producer, look, &sum), KFK_OK);
        atomic_fetch_add(&walks, 1);
    }
    return NULL;
}

static void *dispatches(void *arg)
{
    struct pollfd fd = {.fd = kfk_producer_fd(producer), .events = POLLIN};

    (void)arg;
    ck_assert_int_ge(fd.fd, 0);
    (void)pthread_barrier_wait(&start);
    while (!atomic_load(&over)) {
        (void)poll(&fd, 1, 10);
        (void)kfk_producer_dispatch(producer, 100, NULL, NULL);
    }
    return NULL;
}

static void *closes_it(void *arg)
{
    (void)arg;
    (void)pthread_barrier_wait(&start);
    while (sem_wait(&half))
        ;
    ck_assert_int_eq(kfk_producer_close(producer, ENOUGH_MS, NULL), KFK_OK);
    return NULL;
}

/* ---- a run ---- */

static void open_all(void)
{
    kfk__devbroker_opts o = {0};
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", PARTITIONS, 1, NULL, 0), KFK_OK);
    ck_assert_int_eq(
        kfk_config_set(c, "bootstrap.servers", kfk__devbroker_bootstrap(broker), &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "dispatch", dispatch, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "compression.type", codec, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "batch.size", "2000", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "buffer.memory", "100000", &e), KFK_OK);
    ck_assert_msg(kfk_producer_new(&producer, c, &e) == KFK_OK, "%s", e.msg);
    kfk_config_free(c);
}

static void read_partition(kfk__compressor *c, int32_t partition)
{
    int last[SENDERS] = {-1, -1, -1, -1, -1, -1, -1, -1};
    kfk__batch_header h;
    kfk__dev_records r;
    const char *why;
    kfk__buf all;
    size_t size;

    kfk__buf_init(&all, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__devbroker_dump(broker, "t", partition, 0, &all), KFK_OK);
    for (size_t at = 0; at < all.len; at += size) {
        MUST(!kfk__batch_header_read(all.data + at, all.len - at, &h, &size, &why));
        MUST(!kfk__dev_records_open(&r, c, &kfk__malloc_allocator, all.data + at, size, &h, &why));
        while (kfk__batch_cursor_next(&r.cursor)) {
            int sender = -1, i = -1;

            MUST(sscanf(r.cursor.record.value.data, "%d %d", &sender, &i) == 2);
            MUST(sender >= 0 && sender < SENDERS && i > last[sender] && i < EACH);
            last[sender] = i;
            records[sender][i].in_log++;
        }
        kfk__dev_records_close(&r);
    }
    kfk__buf_fini(&all);
}

static void judge(void)
{
    kfk__compressor *c = kfk__compressor_new(&kfk__malloc_allocator);
    int taken = 0;

    for (int32_t i = 0; i < PARTITIONS; i++)
        read_partition(c, i);
    kfk__compressor_free(c);
    for (int s = 0; s < SENDERS; s++)
        for (int i = 0; i < EACH; i++) {
            const record *r = &records[s][i];

            MUST(atomic_load(&r->told) == r->taken);
            MUST(!r->taken || r->status == KFK_DELIVERED);
            MUST(r->in_log == r->taken);
            taken += r->taken;
        }
    ck_assert_int_ge(taken, SENDERS * EACH / 2);
    ck_assert(closes || taken == SENDERS * EACH);
    ck_assert_int_gt(atomic_load(&flushes), 0);
    ck_assert_int_gt(atomic_load(&walks), 0);
}

static void run(void)
{
    void *(*others[])(void *) = {flushes_all, reads_metrics, closes ? closes_it : flushes_all,
                                 strcmp(dispatch, "app") == 0 ? dispatches : reads_metrics};
    pthread_t sender[SENDERS], other[4];

    memset(records, 0, sizeof records);
    atomic_store(&told, 0);
    atomic_store(&over, false);
    ck_assert_int_eq(sem_init(&half, 0, 0), 0);
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, SENDERS + 4), 0);
    open_all();
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(pthread_create(&sender[i], NULL, sends, (void *)(intptr_t)i), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&other[i], NULL, others[i], NULL), 0);
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(pthread_join(sender[i], NULL), 0);
    ck_assert_int_eq(kfk_producer_close(producer, ENOUGH_MS, NULL), KFK_OK);
    atomic_store(&over, true);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(other[i], NULL), 0);
    judge();
    kfk_producer_free(producer);
    kfk__devbroker_free(broker);
    (void)pthread_barrier_destroy(&start);
    (void)sem_destroy(&half);
}

static void each_codec(void)
{
    codec = "none";
    run();
    codec = "lz4";
    run();
}

START_TEST(eight_threads_send_while_others_flush_and_look)
{
    dispatch = "thread";
    each_codec();
}
END_TEST

START_TEST(they_may_while_another_dispatches)
{
    dispatch = "app";
    each_codec();
}
END_TEST

START_TEST(one_closes_while_all_are_at_it)
{
    closes = true;
    dispatch = "thread";
    each_codec();
    dispatch = "app";
    each_codec();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {eight_threads_send_while_others_flush_and_look,
                                  they_may_while_another_dispatches,
                                  one_closes_while_all_are_at_it, NULL};

    return unit_main("producer/threads", tests);
}
