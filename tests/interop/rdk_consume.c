/*
 * Reads topics to their ends with librdkafka; the text format is that of README.md.
 *
 * One thread. Messages are kept, sorted and printed a topic at a time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

enum { TIMEOUT_MS = 60000 };

struct messages {
    rd_kafka_message_t **at;
    size_t n, cap;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "rdk_consume: %s: %s\n", what, why);
    exit(2);
}

static void check(rd_kafka_resp_err_t err, const char *what)
{
    if (err)
        die(what, rd_kafka_err2str(err));
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[512];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die(name, why);
}

/* ---- printing ---- */

static void print_bytes(const void *data, size_t len)
{
    const unsigned char *p = data;

    if (!data)
        fputs("null", stdout);
    for (size_t i = 0; data && i < len; i++)
        printf("%02x", p[i]);
}

static void print_headers(const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(m, &headers))
        return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++) {
        fputs(i ? "," : "", stdout);
        print_bytes(name, strlen(name));
        putchar('=');
        print_bytes(value, len);
    }
}

static void print_epoch(const rd_kafka_message_t *m)
{
#if RD_KAFKA_VERSION >= 0x020100ff
    int32_t epoch = rd_kafka_message_leader_epoch(m);

    if (epoch >= 0) {
        printf("%" PRId32, epoch);
        return;
    }
#else
    (void)m;
#endif
    putchar('-');
}

static const char *type_name(rd_kafka_timestamp_type_t type)
{
    switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME:
        return "create";
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
        return "append";
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE:
        break;
    }
    return "none";
}

static void print_message(const rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(m, &type);

    printf("%" PRId32 "|%" PRId64 "|", m->partition, timestamp);
    print_bytes(m->key, m->key_len);
    putchar('|');
    print_bytes(m->payload, m->len);
    putchar('|');
    print_headers(m);
    printf("|%" PRId64 "|%s|", m->offset, type_name(type));
    print_epoch(m);
    putchar('\n');
}

/* ---- reading ---- */

static rd_kafka_t *new_consumer(const char *bootstrap, char **args, int n)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;
    char why[512];

    set(conf, "bootstrap.servers", bootstrap);
    set(conf, "group.id", "rdk_consume");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    set(conf, "check.crcs", "true");
    set(conf, "fetch.wait.max.ms", "10"); /* how long an end of a partition takes to show */
    for (int i = 0; i < n; i++) {
        char *value = args[i], *name;

        if (!strchr(value, '='))
            continue;
        name = strsep(&value, "=");
        set(conf, name, value);
        args[i] = NULL;
    }
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!rk)
        die("rd_kafka_new", why);
    check(rd_kafka_poll_set_consumer(rk), "rd_kafka_poll_set_consumer");
    return rk;
}

/* Assigns all partitions of the topic, from their beginnings, and returns how many there are. */
static int assign(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    const struct rd_kafka_metadata *metadata;
    int n;

    check(rd_kafka_metadata(rk, 0, handle, &metadata, TIMEOUT_MS), topic);
    check(metadata->topics[0].err, topic);
    n = metadata->topics[0].partition_cnt;
    for (int p = 0; p < n; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    check(rd_kafka_assign(rk, list), topic);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return n;
}

static void keep(struct messages *ms, rd_kafka_message_t *m)
{
    if (ms->n == ms->cap) {
        ms->cap = ms->cap ? 2 * ms->cap : 64;
        ms->at = realloc(ms->at, ms->cap * sizeof *ms->at);
        if (!ms->at)
            die("memory", "none left");
    }
    ms->at[ms->n++] = m;
}

/* Until each of n partitions has told its end. */
static void read_to_ends(rd_kafka_t *rk, const char *topic, int n, struct messages *ms)
{
    time_t deadline = time(NULL) + TIMEOUT_MS / 1000;

    while (n > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);

        if (time(NULL) > deadline)
            die(topic, "its end does not come");
        if (m && !m->err) {
            keep(ms, m);
        } else if (m) {
            if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
                die(topic, rd_kafka_message_errstr(m));
            n--;
            rd_kafka_message_destroy(m);
        }
    }
}

static int by_partition_and_offset(const void *a, const void *b)
{
    const rd_kafka_message_t *x = *(rd_kafka_message_t *const *)a;
    const rd_kafka_message_t *y = *(rd_kafka_message_t *const *)b;

    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void print_topic(rd_kafka_t *rk, const char *topic)
{
    struct messages ms = {0};

    read_to_ends(rk, topic, assign(rk, topic), &ms);
    if (ms.n)
        qsort(ms.at, ms.n, sizeof *ms.at, by_partition_and_offset);
    printf("@ %s\n", topic);
    for (size_t i = 0; i < ms.n; i++) {
        print_message(ms.at[i]);
        rd_kafka_message_destroy(ms.at[i]);
    }
    free(ms.at);
    check(rd_kafka_assign(rk, NULL), topic);
}

int main(int argc, char **argv)
{
    rd_kafka_t *rk;

    if (argc < 3)
        die("usage", "rdk_consume BOOTSTRAP [PROPERTY=VALUE ...] TOPIC ...");
    rk = new_consumer(argv[1], argv + 2, argc - 2);
    for (int i = 2; i < argc; i++) {
        if (argv[i])
            print_topic(rk, argv[i]);
    }
    check(rd_kafka_consumer_close(rk), "rd_kafka_consumer_close");
    rd_kafka_destroy(rk);
    return 0;
}
