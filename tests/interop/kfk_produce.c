/*
 * Writes records with libkfk; the text format is that of README.md.
 *
 * Delivery callbacks run on the Sender's thread and fill results, which this thread reads once the
 * producer is closed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/kfk.h>

enum { CLOSE_MS = 60000, WHY = 640 };

struct result {
    kfk_err err;
    int32_t partition;
    int64_t offset;
    char why[WHY];
};

struct job {
    kfk_producer *producer;
    char *topic;
    struct result **results; /* in the order of sending; each outlives its record */
    size_t n, cap;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "kfk_produce: %s: %s\n", what, why);
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
static kfk_bytes parse_bytes(char *hex)
{
    unsigned char *data = (unsigned char *)hex;
    size_t len = strlen(hex) / 2;

    if (strcmp(hex, "null") == 0)
        return (kfk_bytes){NULL, 0};
    for (size_t i = 0; i < len; i++)
        data[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return (kfk_bytes){data, len};
}

static size_t count(const char *text, char c)
{
    size_t n = 0;

    while ((text = strchr(text, c))) {
        text++;
        n++;
    }
    return n;
}

/* The caller frees it; *n headers, which point into the text. */
static kfk_header *parse_headers(char *text, size_t *n)
{
    kfk_header *headers = must(malloc((count(text, ',') + 1) * sizeof *headers));
    char *pair;

    *n = 0;
    while (text && *text && (pair = strsep(&text, ","))) {
        char *value = pair, *name = strsep(&value, "=");

        headers[*n].key = parse_bytes(name);
        headers[(*n)++].value = parse_bytes(value);
    }
    return headers;
}

/* ---- a job ---- */

static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    struct result *r = arg;

    (void)p;
    r->err = d->err;
    r->partition = d->partition;
    r->offset = d->offset;
    snprintf(r->why, sizeof r->why, "%s", d->msg ? d->msg : kfk_err_str(d->err));
}

static void set(kfk_config *config, const char *name, const char *value)
{
    kfk_error e;

    if (kfk_config_set(config, name, value, &e))
        die(name, e.msg);
}

/* line: "@ TOPIC [PROPERTY=VALUE ...]" */
static struct job begin(const char *bootstrap, char *line)
{
    struct job job = {0};
    kfk_config *config = must(kfk_config_new(NULL));
    kfk_error e;
    char *word;

    printf("%s\n", line);
    strsep(&line, " ");
    job.topic = must(strdup(strsep(&line, " ")));
    set(config, "bootstrap.servers", bootstrap);
    while ((word = strsep(&line, " "))) {
        char *value = word, *name = strsep(&value, "=");

        set(config, name, value ? value : "");
    }
    if (kfk_producer_new(&job.producer, config, &e))
        die("kfk_producer_new", e.msg);
    kfk_config_free(config);
    return job;
}

static struct result *new_result(struct job *job)
{
    struct result *r = must(calloc(1, sizeof *r));

    if (job->n == job->cap) {
        job->cap = job->cap ? 2 * job->cap : 64;
        job->results = must(realloc(job->results, job->cap * sizeof *job->results));
    }
    r->err = KFK_ERR_INTERNAL; /* until the callback says otherwise, which it must */
    return job->results[job->n++] = r;
}

/* line: "PARTITION|TIMESTAMP|KEY|VALUE|HEADERS" */
static void send_record(struct job *job, char *line)
{
    const char *partition = strsep(&line, "|"), *timestamp = strsep(&line, "|");
    kfk_record record = {.struct_size = sizeof record, .topic = job->topic};
    struct result *r = new_result(job);
    kfk_header *headers;
    kfk_error e;

    if (*partition != '-') {
        record.flags |= KFK_PARTITION;
        record.partition = atoi(partition);
    }
    if (*timestamp != '-') {
        record.flags |= KFK_TIMESTAMP;
        record.timestamp_ms = strtoll(timestamp, NULL, 10);
    }
    record.key = parse_bytes(strsep(&line, "|"));
    record.value = parse_bytes(strsep(&line, "|"));
    record.headers = headers = parse_headers(line, &record.n_headers);
    if (kfk_producer_send(job->producer, &record, delivered, r, &e)) {
        r->err = e.code;
        snprintf(r->why, sizeof r->why, "%s", e.msg);
    }
    free(headers);
}

/* Returns how many records failed. */
static size_t end(struct job *job)
{
    size_t failed = 0;

    if (!job->producer)
        return 0;
    kfk_producer_close(job->producer, CLOSE_MS, NULL);
    kfk_producer_free(job->producer);
    for (size_t i = 0; i < job->n; i++) {
        struct result *r = job->results[i];

        failed += r->err != 0;
        if (r->err)
            printf("error|%s\n", r->why);
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
        die("usage", "kfk_produce BOOTSTRAP < jobs");
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
