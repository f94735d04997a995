/* A consumer on threads of the operating system, against an embedded broker over loopback: one that polls and hands its
 * runs on, some that read and free them, others that pause, seek, look and commit, and one that closes while they are all
 * at it. For ThreadSanitizer first of all; nothing sleeps. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/kfk.h>

#include "base/mem.h"
#include "devbroker/devbroker.h"
#include "net/env_posix.h"
#include "unit/suite.h"

enum { WORKERS = 3, PARTITIONS = 4, EACH = 3000, QUEUE = 8, ENOUGH_MS = 20000 };

static kfk__env env;
static kfk__devbroker *broker;
static kfk_consumer *consumer;
static atomic_bool over;
static atomic_int seen[PARTITIONS][EACH];
static atomic_int distinct;

/* ---- runs on their way from who polls to who reads ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    kfk_records *v[QUEUE];
    int n;
    bool ended;
} queue;

static void put(kfk_records *rs)
{
    (void)pthread_mutex_lock(&queue.lock);
    while (queue.n == QUEUE)
        (void)pthread_cond_wait(&queue.moved, &queue.lock);
    queue.v[queue.n++] = rs;
    (void)pthread_cond_broadcast(&queue.moved);
    (void)pthread_mutex_unlock(&queue.lock);
}

/* The one that came last: they are freed in any order. NULL: there are no more. */
static kfk_records *take(void)
{
    kfk_records *rs = NULL;

    (void)pthread_mutex_lock(&queue.lock);
    while (queue.n == 0 && !queue.ended)
        (void)pthread_cond_wait(&queue.moved, &queue.lock);
    if (queue.n > 0)
        rs = queue.v[--queue.n];
    (void)pthread_cond_broadcast(&queue.moved);
    (void)pthread_mutex_unlock(&queue.lock);
    return rs;
}

static void end_queue(void)
{
    (void)pthread_mutex_lock(&queue.lock);
    queue.ended = true;
    (void)pthread_cond_broadcast(&queue.moved);
    (void)pthread_mutex_unlock(&queue.lock);
}

/* ---- the threads ---- */

static void *polls(void *until_all)
{
    kfk_records *rs;
    kfk_err err = KFK_OK;

    while (err != KFK_ERR_CLOSED && !(until_all && atomic_load(&distinct) == PARTITIONS * EACH)) {
        err = kfk_consumer_poll(consumer, 50, &rs, NULL);
        if (rs)
            put(rs);
    }
    end_queue();
    return NULL;
}

static void read_run(kfk_records *rs)
{
    const kfk_record_view *v;

    while ((v = kfk_records_next(rs)) != NULL) {
        MUST(atoi(v->value.data) == (int)v->offset);
        if (atomic_fetch_add(&seen[v->partition][v->offset], 1) == 0)
            atomic_fetch_add(&distinct, 1);
    }
    (void)kfk_records_status(rs, NULL);
    kfk_records_free(rs);
}

static void *reads(void *arg)
{
    kfk_records *rs;

    (void)arg;
    while ((rs = take()) != NULL)
        read_run(rs);
    return NULL;
}

static void all_partitions(kfk_tp *tps)
{
    for (int i = 0; i < PARTITIONS; i++)
        tps[i] = (kfk_tp){.topic = "t", .partition = i, .offset = 0, .flags = KFK_OFFSET};
}

static int look(const kfk_metric *m, void *arg)
{
    *(int64_t *)arg ^= m->value;
    return 0;
}

static void *looks(void *arg)
{
    kfk_tp tps[PARTITIONS];
    int64_t sum = 0;

    (void)arg;
    all_partitions(tps);
    while (!atomic_load(&over)) {
        (void)kfk_consumer_position(consumer, tps, PARTITIONS, 0, NULL);
        (void)kfk_consumer_lag(consumer, tps, PARTITIONS, NULL);
        (void)kfk_consumer_metrics(consumer, look, &sum);
        (void)kfk_consumer_last_error(consumer, NULL);
    }
    return NULL;
}

static void *pauses(void *arg)
{
    kfk_tp tps[PARTITIONS];

    (void)arg;
    all_partitions(tps);
    for (int i = 0; !atomic_load(&over); i++) {
        (void)kfk_consumer_pause(consumer, &tps[i % PARTITIONS], 1, NULL);
        (void)kfk_consumer_resume(consumer, &tps[i % PARTITIONS], 1, NULL);
    }
    return NULL;
}

static void *asks(void *arg)
{
    kfk_tp tps[PARTITIONS];
    int32_t n;

    (void)arg;
    for (int i = 0; !atomic_load(&over); i++) {
        all_partitions(tps);
        (void)kfk_consumer_commit(consumer, i % 2 ? tps : NULL, i % 2 ? PARTITIONS : 0, i % 3, NULL);
        (void)kfk_consumer_committed(consumer, tps, PARTITIONS, 1, NULL);
        for (int k = 0; k < PARTITIONS; k++)
            tps[k].offset = KFK_OFFSET_LATEST;
        (void)kfk_consumer_list_offsets(consumer, tps, PARTITIONS, i % 2, NULL);
        (void)kfk_consumer_partitions(consumer, "t", i % 2, &n, NULL);
    }
    return NULL;
}

static void *seeks(void *arg)
{
    kfk_tp tps[PARTITIONS];

    (void)arg;
    all_partitions(tps);
    for (int i = 0; i < 40 && !atomic_load(&over); i++) {
        tps[i % PARTITIONS].offset = i * 7 % EACH;
        (void)kfk_consumer_seek(consumer, &tps[i % PARTITIONS], 1, NULL);
        (void)kfk_consumer_incremental_unassign(consumer, &tps[0], 1, NULL);
        tps[0].offset = 0;
        (void)kfk_consumer_incremental_assign(consumer, &tps[0], 1, NULL);
        kfk_consumer_wakeup(consumer);
    }
    all_partitions(tps); /* from the start again, for whatever a seek has left out */
    (void)kfk_consumer_seek(consumer, tps, PARTITIONS, NULL);
    return NULL;
}

/* ---- the runs ---- */

static void fill(void)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_producer *p;
    char value[120];
    kfk_error e;

    memset(value, 'x', sizeof value);
    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", kfk__devbroker_bootstrap(broker), &e),
                     KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "compression.type", "lz4", &e), KFK_OK);
    ck_assert_int_eq(kfk_producer_new(&p, c, &e), KFK_OK);
    for (int i = 0; i < PARTITIONS * EACH; i++) {
        kfk_record r = {.struct_size = sizeof r,
                        .topic = "t",
                        .flags = KFK_PARTITION,
                        .partition = i / EACH,
                        .value = {value, sizeof value}};

        (void)snprintf(value, sizeof value, "%d", i % EACH);
        ck_assert_msg(kfk_producer_send(p, &r, NULL, NULL, &e) == KFK_OK, "%s", e.msg);
    }
    ck_assert_int_eq(kfk_producer_flush(p, ENOUGH_MS, &e), KFK_OK);
    kfk_producer_free(p);
    kfk_config_free(c);
}

static void open_all(void)
{
    kfk__devbroker_opts o = {.n_nodes = 2};
    kfk_config *c = kfk_config_new(NULL);
    kfk_tp tps[PARTITIONS];
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", PARTITIONS, 1, NULL, 0), KFK_OK);
    fill();
    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", kfk__devbroker_bootstrap(broker), &e),
                     KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "group.id", "g", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "fetch.buffer.memory", "262144", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "max.partition.fetch.bytes", "16384", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "max.poll.records", "100", &e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_new(&consumer, c, &e), KFK_OK);
    kfk_config_free(c);
    all_partitions(tps);
    ck_assert_int_eq(kfk_consumer_assign(consumer, tps, PARTITIONS, &e), KFK_OK);
    memset(seen, 0, sizeof seen);
    atomic_store(&distinct, 0);
    atomic_store(&over, false);
    queue.n = 0;
    queue.ended = false;
    (void)pthread_mutex_init(&queue.lock, NULL);
    (void)pthread_cond_init(&queue.moved, NULL);
}

static void close_all(void)
{
    kfk_consumer_free(consumer);
    kfk__devbroker_free(broker);
    (void)pthread_cond_destroy(&queue.moved);
    (void)pthread_mutex_destroy(&queue.lock);
}

static void start_all(pthread_t *t, void *(*const *bodies)(void *), int n, void *arg)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, bodies[i], arg), 0);
}

static void join_all(const pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        (void)pthread_join(t[i], NULL);
}

static void *(*const readers[])(void *) = {polls, reads, reads, reads};
static void *(*const others[])(void *) = {looks, pauses, asks, seeks};
enum { READERS = 1 + WORKERS, OTHERS = 4 };

/* Whatever else is going on, all is read, and what is read is right. */
START_TEST(all_is_read_while_others_are_at_it)
{
    pthread_t r[READERS], o[OTHERS];

    open_all();
    start_all(o, others, OTHERS, NULL);
    start_all(r, readers, READERS, &distinct);
    join_all(r, READERS);
    atomic_store(&over, true);
    join_all(o, OTHERS);
    ck_assert_int_eq(atomic_load(&distinct), PARTITIONS * EACH);
    close_all();
}
END_TEST

/* Runs that are out are read to their end all the same. */
START_TEST(a_close_comes_between)
{
    pthread_t r[READERS], o[OTHERS];

    open_all();
    start_all(o, others, OTHERS, NULL);
    start_all(r, readers, READERS, NULL);
    while (atomic_load(&distinct) < EACH)
        (void)kfk_consumer_last_error(consumer, NULL);
    (void)kfk_consumer_close(consumer, 100, NULL);
    join_all(r, READERS);
    atomic_store(&over, true);
    join_all(o, OTHERS);
    close_all();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_is_read_while_others_are_at_it, a_close_comes_between, NULL};

    return unit_main("consumer/threads", tests);
}
