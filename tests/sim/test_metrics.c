/* What the metrics of a producer and a consumer say of what happened to them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

enum { N = 100 };

static int ids[N];

/* One metric, by its name and the value of its last label (NULL: any). */
typedef struct wanted {
    const char *name, *label;
    int found;
    int64_t value, count, sum, max;
    int32_t per_unit;
} wanted;

static int look(const kfk_metric *m, void *arg)
{
    wanted *one = arg;

    if (strcmp(m->name, one->name) != 0 ||
        (one->label && strcmp(m->labels[m->n_labels - 1].value, one->label) != 0))
        return 0;
    one->found++;
    one->value = m->value;
    one->count = m->count;
    one->sum = m->sum;
    one->max = m->max;
    one->per_unit = m->per_unit;
    return 0;
}

static wanted of_producer(kfk_producer *p, const char *name, const char *label)
{
    wanted one = {.name = name, .label = label};

    ck_assert_int_eq(kfk_producer_metrics(p, look, &one), KFK_OK);
    ck_assert_int_le(one.found, 1);
    return one;
}

static wanted of_consumer(kfk_consumer *c, const char *name, const char *label)
{
    wanted one = {.name = name, .label = label};

    ck_assert_int_eq(kfk_consumer_metrics(c, look, &one), KFK_OK);
    ck_assert_int_le(one.found, 1);
    return one;
}

static void each_seed(const world_opts *o, void (*app)(void))
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        world_opts one = *o;

        one.seed = seed;
        (void)world_run(&one, app);
    }
}

#define EACH(app, ...) each_seed(&(world_opts){__VA_ARGS__}, app)

/* ---- what went well ---- */

static void send_and_count(void)
{
    kfk_producer *p = producer("client.id", "me", NULL);

    topic("t", 1, 1);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 100), KFK_OK);
    flush(p);
    nap(1); /* a batch's memory goes back behind its last callback */
    ck_assert_int_ge(of_producer(p, "kfk_requests_total", "1").value, requests(PRODUCE));
    ck_assert_int_ge(of_producer(p, "kfk_sent_bytes_total", "1").value, N * 100);
    ck_assert_int_gt(of_producer(p, "kfk_received_bytes_total", "1").value, 0);
    ck_assert_int_gt(of_producer(p, "kfk_request_latency_seconds", "1").count, 0);
    ck_assert_int_eq(of_producer(p, "kfk_request_latency_seconds", "1").per_unit, 1000000);
    ck_assert_int_eq(of_producer(p, "kfk_in_flight_requests", "1").value, 0);
    ck_assert_int_eq(of_producer(p, "kfk_in_flight_requests", "bootstrap").value, 0);
    ck_assert_int_ge(of_producer(p, "kfk_metadata_refreshes_total", NULL).value, 1);
    ck_assert_int_eq(of_producer(p, "kfk_errors_total", NULL).found, 0);
    ck_assert_int_eq(of_producer(p, "kfk_producer_buffer_limit_bytes", NULL).value, 33554432);
    ck_assert_int_eq(of_producer(p, "kfk_producer_buffer_available_bytes", NULL).value, 33554432);
    ck_assert_int_eq(of_producer(p, "kfk_producer_buffer_waiters", NULL).value, 0);
    /* The first connection was a bootstrap address's, and is the broker's now. */
    ck_assert_int_eq(of_producer(p, "kfk_connections_made_total", "bootstrap").value, 1);
    ck_assert_int_eq(of_producer(p, "kfk_connections", "bootstrap").value, 0);
    ck_assert_int_eq(of_producer(p, "kfk_connections", "1").value, 1);
    ck_assert_int_eq(kfk_producer_close(p, 1000, &w.e), KFK_OK);
    ck_assert_int_eq(of_producer(p, "kfk_connections", "1").value, 0);
    kfk_producer_free(p);
}

static void read_and_count(void)
{
    kfk_consumer *c = consumer("fetch.max.wait.ms", "50", NULL);

    send_and_count();
    assign(c, "t", 0, 10);
    ck_assert_int_eq(of_consumer(c, "kfk_consumer_lag_records", NULL).found, 0);
    ck_assert_int_eq(read_records(c, N - 10, 10000, ids), N - 10);
    nap(500);
    ck_assert_int_eq(of_consumer(c, "kfk_consumer_lag_records", "0").value, 0);
    ck_assert_int_ge(of_consumer(c, "kfk_consumer_fetched_records_total", NULL).value, N - 10);
    ck_assert_int_ge(of_consumer(c, "kfk_consumer_fetched_bytes_total", NULL).value,
                     (N - 10) * 100);
    ck_assert_int_ge(of_consumer(c, "kfk_consumer_fetched_batches_total", NULL).value, 1);
    ck_assert_int_ge(of_consumer(c, "kfk_consumer_fetch_latency_seconds", NULL).max, 50000);
    ck_assert_int_eq(of_consumer(c, "kfk_consumer_assigned_partitions", NULL).value, 1);
    ck_assert_int_eq(of_consumer(c, "kfk_consumer_buffered_bytes", NULL).value, 0);
    ck_assert_int_gt(of_consumer(c, "kfk_consumer_requested_bytes", NULL).value, 0);
    ck_assert_int_gt(of_consumer(c, "kfk_consumer_buffer_limit_bytes", NULL).value, 0);
    assign(c, "t", 0, 25);
    ck_assert_int_eq(kfk_consumer_close(c, 1000, &w.e), KFK_OK);
    ck_assert_int_eq(of_consumer(c, "kfk_consumer_lag_records", NULL).found, 0);
    kfk_consumer_free(c);
}

START_TEST(a_quiet_day)
{
    EACH(read_and_count, 0);
}
END_TEST

static void lags_behind(void)
{
    kfk_consumer *c = consumer("max.poll.records", "10", NULL);
    kfk_records *rs = NULL;

    send_and_count();
    assign(c, "t", 0, 0);
    ck_assert_int_eq(kfk_consumer_poll(c, 10000, &rs, &w.e), KFK_OK);
    ck_assert_int_eq(of_consumer(c, "kfk_consumer_lag_records", "0").value, N - 10);
    ck_assert_int_gt(of_consumer(c, "kfk_consumer_buffered_bytes", NULL).value, 0);
    kfk_records_free(rs);
    kfk_consumer_free(c);
}

START_TEST(a_slow_reader)
{
    EACH(lags_behind, 0);
}
END_TEST

/* ---- what went wrong ---- */

static void throttled(void)
{
    kfk_producer *p = producer(NULL);
    wanted t;

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_THROTTLE, .api = PRODUCE, .value = 300);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    t = of_producer(p, "kfk_throttle_seconds", "1");
    ck_assert_int_eq(t.count, 1);
    ck_assert_int_eq(t.sum, 300000);
    kfk_producer_free(p);
}

START_TEST(throttle_time)
{
    EACH(throttled, 0);
}
END_TEST

static void slow_answers(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = 700);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_ge(of_producer(p, "kfk_request_latency_seconds", "1").max, 700000);
    ck_assert_int_le(of_producer(p, "kfk_request_latency_seconds", "1").max, 900000);
    kfk_producer_free(p);
}

START_TEST(latency)
{
    EACH(slow_answers, 0);
}
END_TEST

static void loses_connections(void)
{
    kfk_producer *p = producer(NULL);

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_eq(of_producer(p, "kfk_connections_lost_total", "1").value, 1);
    ck_assert_int_eq(of_producer(p, "kfk_connections_made_total", "1").value, 1);
    ck_assert_int_eq(of_producer(p, "kfk_connections", "1").value, 1);
    ck_assert_int_eq(of_producer(p, "kfk_errors_total", "KFK_ERR_DISCONNECTED").value, 1);
    ck_assert_int_eq(of_producer(p, "kfk_in_flight_requests", "1").value, 0);
    kfk_producer_free(p);
}

START_TEST(lost_connections)
{
    EACH(loses_connections, 0);
}
END_TEST

static void cannot_connect(void)
{
    kfk_producer *p;
    int64_t failed;

    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    p = producer("max.block.ms", "2000", NULL);
    ck_assert_int_ne(send_to(p, "t", 0), KFK_OK);
    failed = of_producer(p, "kfk_connections_failed_total", "bootstrap").value;
    ck_assert_int_ge(failed, 2);
    ck_assert_int_eq(of_producer(p, "kfk_errors_total", "KFK_ERR_CONNECT").value, failed);
    ck_assert_int_eq(of_producer(p, "kfk_connections_made_total", "bootstrap").value, 0);
    kfk_producer_free(p);
}

START_TEST(failed_connections)
{
    EACH(cannot_connect, 0);
}
END_TEST

static void retries(void)
{
    kfk_consumer *c = consumer("fetch.max.wait.ms", "50", NULL);

    send_and_count();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FETCH, .count = 2, .level = KFK__DEV_ANY,
          .value = KFK_ERR_KAFKA_STORAGE_ERROR);
    assign(c, "t", 0, 0);
    ck_assert_int_eq(read_records(c, N, 10000, ids), N);
    ck_assert_int_eq(of_consumer(c, "kfk_errors_total", "KAFKA_STORAGE_ERROR").value, 2);
    ck_assert_int_eq(of_consumer(c, "kfk_retries_total", "KAFKA_STORAGE_ERROR").value, 2);
    kfk_consumer_free(c);
}

START_TEST(errors_and_retries)
{
    EACH(retries, 0);
}
END_TEST

/* A broker that comes back is counted on with. */
static void comes_back(void)
{
    kfk_producer *p = producer("metadata.max.age.ms", "1000", NULL);
    int64_t before;

    topic("t", 1, 2);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    before = of_producer(p, "kfk_requests_total", "1").value;
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    nap(5000);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 1), KFK_OK);
    nap(5000);
    (void)kfk__devbroker_move_leader(w.broker, "t", 0, 1);
    ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    ck_assert_int_gt(of_producer(p, "kfk_requests_total", "1").value, before);
    kfk_producer_free(p);
}

START_TEST(a_broker_that_comes_back)
{
    EACH(comes_back, .nodes = 2);
}
END_TEST

/* ---- the call itself ---- */

static int once(const kfk_metric *m, void *arg)
{
    (void)m;
    ++*(int *)arg;
    return 1;
}

static void arguments(void)
{
    kfk_producer *p = producer(NULL);
    kfk_consumer *c = consumer(NULL);
    int n = 0;

    ck_assert_int_eq(kfk_producer_metrics(NULL, once, &n), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_producer_metrics(p, NULL, &n), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_consumer_metrics(NULL, once, &n), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_consumer_metrics(c, NULL, &n), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(kfk_producer_metrics(p, once, &n), KFK_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(kfk_consumer_metrics(c, once, &n), KFK_OK);
    ck_assert_int_eq(n, 2);
    assign(c, "t", 0, 0);
    failalloc_fail_once(&w.rig.mem, 1);
    ck_assert_int_eq(kfk_consumer_metrics(c, once, &n), KFK_ERR_NOMEM);
    kfk_producer_free(p);
    kfk_consumer_free(c);
}

START_TEST(the_call_itself)
{
    (void)world_run(&(world_opts){0}, arguments);
}
END_TEST

/* Somebody looks all the time while brokers come and go. */
/* ---- batches and results ---- */

static int64_t count_of(kfk_producer *p, const char *name)
{
    return of_producer(p, name, NULL).value;
}

static void batches(void)
{
    kfk_producer *p = producer("compression.type", "lz4", "batch.size", "4000", "linger.ms", "20",
                               "buffer.memory", "1000000", NULL);
    wanted queue, packed, fill;

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER,
          .level = KFK__DEV_ANY);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 200), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "max.message.bytes", "900"), KFK_OK);
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), N);
    /* Those of the batches that were split are counted again, in the parts. */
    ck_assert_int_ge(count_of(p, "kfk_producer_records_total"), N);
    ck_assert_int_ge(count_of(p, "kfk_producer_record_bytes_total"), N * 200);
    ck_assert_int_eq(count_of(p, "kfk_producer_delivered_records_total"), N);
    ck_assert_int_eq(count_of(p, "kfk_producer_failed_records_total"), 0);
    ck_assert_int_eq(count_of(p, "kfk_producer_unknown_records_total"), 0);
    ck_assert_int_ge(count_of(p, "kfk_producer_retried_batches_total"), 1);
    fill = of_producer(p, "kfk_producer_batch_fill_ratio", NULL);
    packed = of_producer(p, "kfk_producer_compression_ratio", NULL);
    queue = of_producer(p, "kfk_producer_queue_seconds", NULL);
    ck_assert_int_eq(fill.count, count_of(p, "kfk_producer_batches_total"));
    ck_assert_int_eq(packed.count, fill.count);
    ck_assert_int_lt(packed.max, packed.per_unit);
    ck_assert_int_eq(queue.count, fill.count);
    ck_assert_int_eq(count_of(p, "kfk_producer_buffer_limit_bytes"), 1000000);
    ck_assert_int_eq(count_of(p, "kfk_producer_buffer_available_bytes"), 1000000);
    ck_assert_int_ge(of_producer(p, "kfk_errors_total", "NOT_LEADER_OR_FOLLOWER").value, 1);
    kfk_producer_free(p);
}

START_TEST(batches_and_their_results)
{
    EACH(batches, 0);
}
END_TEST

static void splits(void)
{
    kfk_producer *p = producer("batch.size", "8000", "linger.ms", "20", NULL);

    topic("t", 1, 1);
    ck_assert_int_eq(kfk__devbroker_set_config(w.broker, "t", "max.message.bytes", "3000"), KFK_OK);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 200), KFK_OK);
    flush(p);
    ck_assert_int_ge(count_of(p, "kfk_producer_split_batches_total"), 1);
    ck_assert_int_eq(count_of(p, "kfk_producer_retried_batches_total"), 0);
    ck_assert_int_eq(count_of(p, "kfk_producer_delivered_records_total"), 30);
    kfk_producer_free(p);
}

START_TEST(splits_are_no_retries)
{
    EACH(splits, 0);
}
END_TEST

static atomic_bool looking;

static void watch(void *arg)
{
    while (looking) {
        kfk_metrics_text *t = kfk_metrics_text_new(KFK_METRICS_PROMETHEUS, NULL);

        ck_assert_int_eq(kfk_producer_metrics(arg, kfk_metrics_text_add, t), KFK_OK);
        ck_assert_ptr_nonnull(kfk_metrics_text_get(t));
        kfk_metrics_text_free(t);
        nap(7);
    }
}

static void watched(void)
{
    kfk_producer *p = producer("linger.ms", "0", NULL);

    looking = true;
    topic("t", 3, 3);
    sim_spawn(w.rig.s, 1, "watch", watch, p);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(send_to(p, "t", i % 3), KFK_OK);
        nap(2);
    }
    flush(p);
    looking = false;
    nap(20);
    kfk_producer_free(p);
}

START_TEST(read_while_written)
{
    EACH(watched, .nodes = 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_quiet_day,      a_slow_reader,      throttle_time,
                                  latency,          lost_connections,   failed_connections,
                                  errors_and_retries, a_broker_that_comes_back, the_call_itself,
                                  read_while_written, batches_and_their_results, splits_are_no_retries,
                                  NULL};

    return world_main("sim/metrics", tests);
}
