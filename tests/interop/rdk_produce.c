/*
 * Writes records with librdkafka; the text format is that of README.md.
 *
 * One thread: delivery reports are served by this program's own polls.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

enum { FLUSH_MS = 60000, MAX_HEADERS = 64 };

struct result {
    rd_kafka_resp_err_t err;
    int32_t partition;
    int64_t offset;
};

struct job {
    rd_kafka_t *rk;
    char *topic;
    struct result **results; /* in the order of sending; each outlives its record */
    size_t n, cap;
};

/* A key, a value: data NULL is Kafka's null. */
struct bytes {
    unsigned char *data;
    size_t len;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "rdk_produce: %s: %s\n", what, why);
    exit(2);
}

static void *must(void *p)
{
    if (!p)
        die("memory", "none left");
    return p;
}

/* ---- the text ---- */

static unsigned char nibble(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

    if (!at)
        die("no lower-case hex digit", (char[]){c, 0});
    return (unsigned char)(at - digits);
}

/* Decodes in place; hex is "null" or an even number of digits. */
static struct bytes parse_bytes(char *hex)
{
    struct bytes b = {(unsigned char *)hex, strlen(hex) / 2};

    if (strcmp(hex, "null") == 0)
        return (struct bytes){NULL, 0};
    for (size_t i = 0; i < b.len; i++)
        b.data[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return b;
}

static rd_kafka_headers_t *parse_headers(char *text)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    char *pair;

    while (*text && (pair = strsep(&text, ","))) {
        char *value = pair, *name = strsep(&value, "=");
        struct bytes n = parse_bytes(name), v = parse_bytes(value);

        rd_kafka_header_add(headers, (const char *)n.data, (ssize_t)n.len, v.data, (ssize_t)v.len);
        if (!text)
            break;
    }
    return headers;
}

/* ---- a job ---- */

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
    struct result *r = m->_private;

    (void)rk, (void)arg;
    *r = (struct result){m->err, m->partition, m->offset};
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[512];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die(name, why);
}

/* line: "@ TOPIC [PROPERTY=VALUE ...]" */
static struct job begin(const char *bootstrap, char *line)
{
    struct job job = {0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[512], *word;

    printf("%s\n", line);
    strsep(&line, " ");
    job.topic = must(strdup(strsep(&line, " ")));
    set(conf, "bootstrap.servers", bootstrap);
    while ((word = strsep(&line, " "))) {
        char *value = word, *name = strsep(&value, "=");

        set(conf, name, value ? value : "");
    }
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    job.rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!job.rk)
        die("rd_kafka_new", why);
    return job;
}

static struct result *new_result(struct job *job)
{
    struct result *r = must(calloc(1, sizeof *r));

    if (job->n == job->cap) {
        job->cap = job->cap ? 2 * job->cap : 64;
        job->results = must(realloc(job->results, job->cap * sizeof *job->results));
    }
    r->err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    job->results[job->n++] = r;
    return r;
}

/* line: "PARTITION|TIMESTAMP|KEY|VALUE|HEADERS" */
static void send_record(struct job *job, char *line)
{
    const char *partition = strsep(&line, "|"), *timestamp = strsep(&line, "|");
    struct bytes key = parse_bytes(strsep(&line, "|")), value = parse_bytes(strsep(&line, "|"));
    struct result *r = new_result(job);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        job->rk, RD_KAFKA_V_TOPIC(job->topic),
        RD_KAFKA_V_PARTITION(*partition == '-' ? RD_KAFKA_PARTITION_UA : atoi(partition)),
        RD_KAFKA_V_TIMESTAMP(*timestamp == '-' ? 0 : strtoll(timestamp, NULL, 10)),
        RD_KAFKA_V_KEY(key.data, key.len), RD_KAFKA_V_VALUE(value.data, value.len),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(parse_headers(line)),
        RD_KAFKA_V_OPAQUE(r), RD_KAFKA_V_END);

    if (err)
        r->err = err;
    rd_kafka_poll(job->rk, 0);
}

/* Returns how many records failed. */
static size_t end(struct job *job)
{
    size_t failed = 0;

    if (!job->rk)
        return 0;
    rd_kafka_flush(job->rk, FLUSH_MS);
    rd_kafka_destroy(job->rk);
    for (size_t i = 0; i < job->n; i++) {
        struct result *r = job->results[i];

        failed += r->err != 0;
        if (r->err)
            printf("error|%s\n", rd_kafka_err2str(r->err));
        else
            printf("%" PRId32 "|%" PRId64 "\n", r->partition, r->offset);
        free(r);
    }
    free(job->results);
    free(job->topic);
    return failed;
}

int main(int argc, char **argv)
{
    struct job job = {0};
    size_t failed = 0, cap = 0;
    char *line = NULL;
    ssize_t n;

    if (argc != 2)
        die("usage", "rdk_produce BOOTSTRAP < jobs");
    while ((n = getline(&line, &cap, stdin)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        if (line[0] == '@') {
            failed += end(&job);
            job = begin(argv[1], line);
        } else {
            send_record(&job, line);
        }
    }
    failed += end(&job);
    free(line);
    return failed != 0;
}
