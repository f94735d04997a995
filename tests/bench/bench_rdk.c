/* bench_rdk: librdkafka under the same load. Arguments: bench.h.
 *
 * Its usual calls are rd_kafka_producev with a poll after each record, and rd_kafka_consumer_poll.
 * tuned=1 takes its fastest ones and some properties that help: rd_kafka_produce with a topic
 * handle and a poll now and then, and rd_kafka_consume_batch_queue. */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { WAIT_MS = 60000, POLL_EVERY = 1000, BATCH = 10000 };

static void set(const char *name, const char *value, void *arg)
{
    char why[512];

    if (rd_kafka_conf_set(arg, name, value, why, sizeof why))
        bench_die(name, why);
}

/* What makes it faster; a version that does not know one of these does without it. */
static void tune(rd_kafka_conf_t *conf, bool produce)
{
    static const char *const properties[][2] = {
        {"queue.buffering.max.messages", "1000000"},
        {"queued.min.messages", "1000000"},
        {"fetch.queue.backoff.ms", "0"},
    };

    for (size_t i = produce ? 0 : 1; i < (produce ? 1 : 3); i++)
        (void)rd_kafka_conf_set(conf, properties[i][0], properties[i][1], NULL, 0);
}

static rd_kafka_t *client(rd_kafka_type_t type, const rd_kafka_conf_t *conf)
{
    char why[512];
    rd_kafka_t *rk = rd_kafka_new(type, rd_kafka_conf_dup(conf), why, sizeof why);

    if (!rk)
        bench_die("rd_kafka_new", why);
    return rk;
}

static void must(rd_kafka_resp_err_t err, const char *what)
{
    if (err)
        bench_die(what, rd_kafka_err2str(err));
}

/* ---- produce ---- */

static size_t delivered;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
    (void)rk, (void)arg;
    if (!m->err)
        delivered++;
}

static rd_kafka_resp_err_t send_usual(rd_kafka_t *rk, const struct bench *b, int32_t partition,
                                      char *value)
{
    rd_kafka_resp_err_t err = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(b->topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE(value, b->size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

    rd_kafka_poll(rk, 0);
    return err;
}

static rd_kafka_resp_err_t send_tuned(rd_kafka_t *rk, rd_kafka_topic_t *t, const struct bench *b,
                                      size_t i, char *value)
{
    int32_t partition = (int32_t)(i % b->partitions);

    if (i % POLL_EVERY == 0)
        rd_kafka_poll(rk, 0);
    if (rd_kafka_produce(t, partition, RD_KAFKA_MSG_F_COPY, value, b->size, NULL, 0, NULL))
        return rd_kafka_last_error();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void produce(const struct bench *b, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, b->topic, NULL);
    char *value = bench_value(b);

    for (size_t i = 0; i < b->records;) {
        rd_kafka_resp_err_t err = b->tuned ? send_tuned(rk, topic, b, i, value)
                                           : send_usual(rk, b, (int32_t)(i % b->partitions), value);
        if (!err)
            i++;
        else if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 10);
        else
            must(err, "produce");
    }
    must(rd_kafka_flush(rk, WAIT_MS), "flush");
    if (delivered != b->records)
        bench_die("produce", "not all records were delivered");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    free(value);
}

/* One record at a time: it has no call that waits for one, so that is produce and poll. */
static void latency(const struct bench *b, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
    char *value = bench_value(b);
    double *ns = calloc(b->records, sizeof *ns);

    if (!ns)
        bench_die("latency", "no memory");
    for (size_t i = 0; i < b->records; i++) {
        double sent = bench_now();

        must(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(b->topic), RD_KAFKA_V_PARTITION(0),
                               RD_KAFKA_V_VALUE(value, b->size),
                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
             "produce");
        while (delivered <= i)
            rd_kafka_poll(rk, 100);
        ns[i] = bench_now() - sent;
    }
    bench_latencies(b, "librdkafka", rd_kafka_version_str(), ns);
    rd_kafka_destroy(rk);
    free(value);
    free(ns);
}

/* ---- consume ---- */

static size_t bytes;

/* Takes one message and gives it back. */
static void take(rd_kafka_message_t *m)
{
    must(m->err, "consume");
    bytes += m->len;
    rd_kafka_message_destroy(m);
}

static size_t take_usual(rd_kafka_t *rk)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);

    if (!m)
        bench_die("poll", "no records");
    take(m);
    return 1;
}

static size_t take_tuned(rd_kafka_queue_t *queue)
{
    static rd_kafka_message_t *messages[BATCH];
    ssize_t n = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);

    if (n < 0)
        bench_die("consume_batch_queue", rd_kafka_err2str(rd_kafka_last_error()));
    for (ssize_t i = 0; i < n; i++)
        take(messages[i]);
    return (size_t)n;
}

static void consume(const struct bench *b, rd_kafka_conf_t *conf)
{
    set("group.id", "bench", conf);
    set("enable.auto.commit", "false", conf);
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *tps = rd_kafka_topic_partition_list_new((int)b->partitions);
    size_t seen = 0;

    must(rd_kafka_poll_set_consumer(rk), "poll_set_consumer");
    for (size_t i = 0; i < b->partitions; i++)
        rd_kafka_topic_partition_list_add(tps, b->topic, (int32_t)i)->offset = 0;
    must(rd_kafka_assign(rk, tps), "assign");
    rd_kafka_topic_partition_list_destroy(tps);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    while (seen < b->records)
        seen += b->tuned ? take_tuned(queue) : take_usual(rk);
    rd_kafka_queue_destroy(queue);
    if (bytes < seen)
        bench_die("consume", "empty values");
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

int main(int argc, char **argv)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct bench b;

    bench_args(&b, argc, argv, set, conf);
    if (b.tuned)
        tune(conf, b.mode == BENCH_PRODUCE);
    bench_start();
    if (b.mode == BENCH_LATENCY) {
        latency(&b, conf);
    } else {
        (b.mode == BENCH_PRODUCE ? produce : consume)(&b, conf);
        bench_report(&b, "librdkafka", rd_kafka_version_str());
    }
    rd_kafka_conf_destroy(conf);
    return 0;
}
