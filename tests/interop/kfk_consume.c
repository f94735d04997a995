/*
 * Reads topics to their ends with libkfk; the text format is that of README.md.
 *
 * One thread. Within a partition records come in order, so each partition is printed into a text of
 * its own, and these one after the other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kfk/kfk.h>

enum { TIMEOUT_MS = 60000 };

struct partition {
    int64_t end;
    FILE *out; /* into text */
    char *text;
    size_t len;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "kfk_consume: %s: %s\n", what, why);
    exit(2);
}

static void check(kfk_err err, const char *what, const kfk_error *e)
{
    if (err)
        die(what, e->msg);
}

static void *must(void *p)
{
    if (!p)
        die("memory", "none left");
    return p;
}

/* ---- printing ---- */

static void print_bytes(FILE *out, kfk_bytes b)
{
    const unsigned char *p = b.data;

    if (!p)
        fputs("null", out);
    for (size_t i = 0; p && i < b.len; i++)
        fprintf(out, "%02x", p[i]);
}

static void print_headers(FILE *out, kfk_records *rs, size_t n)
{
    kfk_header *headers = must(malloc((n + 1) * sizeof *headers));

    if (kfk_records_headers(rs, headers, n) != n)
        die("kfk_records_headers", "not as many as there are");
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", out);
        print_bytes(out, headers[i].key);
        fputc('=', out);
        print_bytes(out, headers[i].value);
    }
    free(headers);
}

static const char *type_name(const kfk_record_view *r)
{
    if (r->timestamp_ms < 0)
        return "none";
    return r->flags & KFK_LOG_APPEND_TIME ? "append" : "create";
}

static void print_record(FILE *out, kfk_records *rs, const kfk_record_view *r)
{
    fprintf(out, "%" PRId32 "|%" PRId64 "|", r->partition, r->timestamp_ms);
    print_bytes(out, r->key);
    fputc('|', out);
    print_bytes(out, r->value);
    fputc('|', out);
    print_headers(out, rs, r->n_headers);
    fprintf(out, "|%" PRId64 "|%s|", r->offset, type_name(r));
    if (r->leader_epoch >= 0)
        fprintf(out, "%" PRId32 "\n", r->leader_epoch);
    else
        fputs("-\n", out);
}

/* ---- reading ---- */

static void set(kfk_config *config, const char *name, const char *value)
{
    kfk_error e;

    check(kfk_config_set(config, name, value, &e), name, &e);
}

static kfk_consumer *new_consumer(const char *bootstrap, char **args, int n)
{
    kfk_config *config = must(kfk_config_new(NULL));
    kfk_consumer *c;
    kfk_error e;

    set(config, "bootstrap.servers", bootstrap);
    set(config, "auto.offset.reset", "none");
    set(config, "fetch.max.wait.ms", "10"); /* the next topic waits for the last fetch */
    for (int i = 0; i < n; i++) {
        char *value = args[i], *name;

        if (!strchr(value, '='))
            continue;
        name = strsep(&value, "=");
        set(config, name, value);
        args[i] = NULL;
    }
    check(kfk_consumer_new(&c, config, &e), "kfk_consumer_new", &e);
    kfk_config_free(config);
    return c;
}

/* All n partitions of the topic, from an offset that stands for a place. */
static kfk_tp *assign(kfk_consumer *c, const char *topic, size_t n, int64_t place)
{
    kfk_tp *tps = must(calloc(n, sizeof *tps));
    kfk_error e;

    for (size_t i = 0; i < n; i++)
        tps[i] =
            (kfk_tp){.topic = topic, .partition = (int32_t)i, .flags = KFK_OFFSET, .offset = place};
    check(kfk_consumer_assign(c, tps, n, &e), topic, &e);
    return tps;
}

/* Whether each position is known and, but for the first time, at its end. */
static int all_there(kfk_consumer *c, kfk_tp *tps, size_t n, const struct partition *parts)
{
    kfk_consumer_position(c, tps, n, 0, NULL);
    for (size_t i = 0; i < n; i++) {
        if (tps[i].err && tps[i].err != KFK_ERR_WOULD_BLOCK)
            die(tps[i].topic, kfk_err_str(tps[i].err));
        if (tps[i].err || (parts && tps[i].offset < parts[i].end))
            return 0;
    }
    return 1;
}

static void print_run(kfk_records *rs, struct partition *part)
{
    const kfk_record_view *r;
    kfk_error e;

    while ((r = kfk_records_next(rs))) {
        if (r->offset < part->end)
            print_record(part->out, rs, r);
    }
    check(kfk_records_status(rs, &e), "a record", &e);
}

/* parts NULL: only until the positions are known. */
static void poll_until_there(kfk_consumer *c, kfk_tp *tps, size_t n, struct partition *parts)
{
    time_t deadline = time(NULL) + TIMEOUT_MS / 1000;

    while (!all_there(c, tps, n, parts)) {
        kfk_records *rs;
        kfk_error e;

        check(kfk_consumer_poll(c, 10, &rs, &e), tps->topic, &e);
        if (rs && parts)
            print_run(rs, &parts[kfk_records_tp(rs)->partition]);
        kfk_records_free(rs);
        if (time(NULL) > deadline) {
            kfk_consumer_last_error(c, &e);
            die(tps->topic, e.code ? e.msg : "its end does not come");
        }
    }
}

static void print_topic(kfk_consumer *c, const char *topic)
{
    struct partition *parts;
    kfk_tp *tps;
    kfk_error e;
    int32_t count;
    size_t n;

    check(kfk_consumer_partitions(c, topic, TIMEOUT_MS, &count, &e), topic, &e);
    n = (size_t)count;
    parts = must(calloc(n, sizeof *parts));
    tps = assign(c, topic, n, KFK_OFFSET_LATEST);
    poll_until_there(c, tps, n, NULL);
    for (size_t i = 0; i < n; i++) {
        parts[i].end = tps[i].offset;
        parts[i].out = must(open_memstream(&parts[i].text, &parts[i].len));
    }
    free(tps);
    tps = assign(c, topic, n, KFK_OFFSET_EARLIEST);
    poll_until_there(c, tps, n, parts);
    printf("@ %s\n", topic);
    for (size_t i = 0; i < n; i++) {
        fclose(parts[i].out);
        fwrite(parts[i].text, 1, parts[i].len, stdout);
        free(parts[i].text);
    }
    free(parts);
    free(tps);
}

int main(int argc, char **argv)
{
    kfk_consumer *c;
    kfk_error e;

    if (argc < 3)
        die("usage", "kfk_consume BOOTSTRAP [PROPERTY=VALUE ...] TOPIC ...");
    c = new_consumer(argv[1], argv + 2, argc - 2);
    for (int i = 2; i < argc; i++) {
        if (argv[i])
            print_topic(c, argv[i]);
    }
    check(kfk_consumer_close(c, TIMEOUT_MS, &e), "kfk_consumer_close", &e);
    kfk_consumer_free(c);
    return 0;
}
