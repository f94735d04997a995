/*
 * Reads with libkfk what commands tell it to, and tells all that it reads; the commands and the
 * lines are those of README.md.
 *
 * One thread, which waits until there is a command, or kfk_consumer_fd says that there is something
 * to poll for.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/kfk.h>

enum { TIMEOUT_MS = 30000, PAUSE_MS = 50 };

struct reader {
    kfk_consumer *consumer;
    int stopped;    /* it does not poll */
    int failing;    /* the last poll failed */
    char told[700]; /* the failure that was told last */
    int ended;
};

/* What a command says of partitions. */
struct places {
    kfk_tp *tps;
    size_t n;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "kfk_reader: %s: %s\n", what, why);
    exit(2);
}

static void *must(void *p)
{
    if (!p)
        die("memory", "none left");
    return p;
}

/* ---- places: TOPIC:PARTITION[@OFFSET][/EPOCH][=METADATA] ---- */

static int64_t parse_offset(const char *text)
{
    static const struct {
        const char *name;
        int64_t offset;
    } names[] = {
        {"earliest", KFK_OFFSET_EARLIEST},
        {"latest", KFK_OFFSET_LATEST},
        {"max-timestamp", KFK_OFFSET_MAX_TIMESTAMP},
        {"earliest-local", KFK_OFFSET_EARLIEST_LOCAL},
        {"latest-tiered", KFK_OFFSET_LATEST_TIERED},
        {"earliest-pending-upload", KFK_OFFSET_EARLIEST_PENDING_UPLOAD},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i].name) == 0)
            return names[i].offset;
    }
    return strtoll(text, NULL, 10);
}

/* Points into the word. "@t1700000000000" is a time. */
static kfk_tp parse_place(char *word)
{
    kfk_tp tp = {.leader_epoch = -1};
    char *metadata = word, *epoch, *offset, *partition;

    epoch = strsep(&metadata, "=");
    tp.metadata = metadata;
    offset = strsep(&epoch, "/");
    partition = strsep(&offset, "@");
    tp.topic = strsep(&partition, ":");
    if (!partition)
        die("no partition", word);
    tp.partition = atoi(partition);
    if (offset) {
        tp.flags |= *offset == 't' ? KFK_TIMESTAMP : KFK_OFFSET;
        tp.offset = parse_offset(*offset == 't' ? offset + 1 : offset);
    }
    if (epoch) {
        tp.flags |= KFK_EPOCH;
        tp.leader_epoch = atoi(epoch);
    }
    return tp;
}

/* The caller frees .tps. */
static struct places parse_places(char *words)
{
    struct places p = {0};
    char *word;

    p.tps = must(malloc((strlen(words ? words : "") + 1) * sizeof *p.tps));
    while ((word = strsep(&words, " ")))
        p.tps[p.n++] = parse_place(word);
    return p;
}

static void print_places(const struct places *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const kfk_tp *tp = &p->tps[i];

        printf("place %s:%" PRId32 "@", tp->topic, tp->partition);
        if (tp->err)
            printf("%s\n", kfk_err_name(tp->err));
        else
            printf("%" PRId64 "/%" PRId32 "%s%s\n", tp->offset, tp->leader_epoch,
                   tp->metadata && *tp->metadata ? "=" : "", tp->metadata ? tp->metadata : "");
    }
}

/* ---- what is read ---- */

static void print_bytes(kfk_bytes b)
{
    const unsigned char *p = b.data;

    fputs(p ? " " : " null", stdout);
    for (size_t i = 0; p && i < b.len; i++)
        printf("%02x", p[i]);
}

static void print_run(kfk_records *rs)
{
    const kfk_record_view *v;

    while ((v = kfk_records_next(rs))) {
        printf("record %s:%" PRId32 "@%" PRId64 "/%" PRId32 " %" PRId64, v->topic, v->partition,
               v->offset, v->leader_epoch, v->timestamp_ms);
        print_bytes(v->key);
        print_bytes(v->value);
        putchar('\n');
    }
}

/* poll tells of a partition that cannot go on each time: this does so once. */
static void print_failure(struct reader *r, const kfk_error *e)
{
    char line[sizeof r->told];

    snprintf(line, sizeof line, "%s %s:%" PRId32 "@%" PRId64 " ", kfk_err_name(e->code), e->topic,
             e->partition, e->offset);
    strncat(line, e->msg, sizeof line - strlen(line) - 1);
    if (strcmp(line, r->told) != 0)
        printf("error %s\n", line);
    memcpy(r->told, line, sizeof line);
}

static void poll_once(struct reader *r)
{
    kfk_records *rs;
    kfk_error e;

    r->failing = kfk_consumer_poll(r->consumer, 0, &rs, &e) != KFK_OK;
    if (r->failing)
        print_failure(r, &e);
    else if (rs)
        print_run(rs);
    if (!r->failing)
        kfk_records_free(rs);
}

/* ---- metrics ---- */

/* Those whose name begins as |arg| says; a histogram is as many as were counted. */
static int print_metric(const kfk_metric *m, void *arg)
{
    const char *prefix = arg;

    if (strncmp(m->name, prefix, strlen(prefix)) != 0)
        return 0;
    printf("metric %s", m->name);
    for (size_t i = 0; i < m->n_labels; i++)
        printf(" %s=%s", m->labels[i].name, m->labels[i].value);
    printf(" %" PRId64 "\n", m->kind == KFK_HISTOGRAM ? m->count : m->value);
    return 0;
}

/* ---- commands ---- */

typedef kfk_err change_fn(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);
typedef kfk_err ask_fn(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e);

static kfk_err lag(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e)
{
    (void)timeout_ms;
    return kfk_consumer_lag(c, tps, n, e);
}

static const struct {
    const char *name;
    change_fn *change;
    ask_fn *ask;
} commands[] = {
    {"assign", kfk_consumer_assign, NULL},
    {"add", kfk_consumer_incremental_assign, NULL},
    {"remove", kfk_consumer_incremental_unassign, NULL},
    {"seek", kfk_consumer_seek, NULL},
    {"pause", kfk_consumer_pause, NULL},
    {"resume", kfk_consumer_resume, NULL},
    {"position", NULL, kfk_consumer_position},
    {"lag", NULL, lag},
    {"offsets", NULL, kfk_consumer_list_offsets},
    {"commit", NULL, kfk_consumer_commit},
    {"committed", NULL, kfk_consumer_committed},
};

/* One that is about partitions. */
static kfk_err run_places(struct reader *r, size_t i, char *words, kfk_error *e)
{
    struct places p = parse_places(words);
    kfk_err err;

    if (commands[i].change) {
        err = commands[i].change(r->consumer, p.tps, p.n, e);
    } else {
        err = commands[i].ask(r->consumer, p.tps, p.n, TIMEOUT_MS, e);
        print_places(&p);
    }
    free(p.tps);
    return err;
}

static kfk_err run_command(struct reader *r, const char *name, char *words, kfk_error *e)
{
    char all[] = "";

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return run_places(r, i, words, e);
    }
    if (strcmp(name, "metrics") == 0)
        return kfk_consumer_metrics(r->consumer, print_metric, words ? words : all);
    if (strcmp(name, "quit") == 0) {
        r->ended = 1;
        return kfk_consumer_close(r->consumer, TIMEOUT_MS, e);
    }
    if (strcmp(name, "stop") != 0 && strcmp(name, "go") != 0)
        die("no such command", name);
    r->stopped = strcmp(name, "stop") == 0;
    return KFK_OK;
}

static void take_command(struct reader *r)
{
    char *line = NULL, *words;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, stdin);
    const char *name;
    kfk_error e;
    kfk_err err;

    if (n <= 0) {
        r->ended = 1;
        free(line);
        return;
    }
    if (line[n - 1] == '\n')
        line[n - 1] = 0;
    words = line;
    name = strsep(&words, " ");
    e.msg[0] = 0;
    err = run_command(r, name, words, &e);
    r->told[0] = 0;
    printf("done %s%s%s%s%s\n", name, err ? " " : "", err ? kfk_err_name(err) : "", err ? " " : "",
           err ? e.msg : "");
    free(line);
}

/* A command, a poll, or after a failure nothing for a while. */
static void take_turn(struct reader *r)
{
    struct pollfd fds[] = {{.fd = 0, .events = POLLIN},
                           {.fd = kfk_consumer_fd(r->consumer), .events = POLLIN}};
    int polls = !r->stopped && !r->failing;

    fflush(stdout);
    poll(fds, polls ? 2 : 1, r->failing && !r->stopped ? PAUSE_MS : -1);
    if (fds[0].revents)
        take_command(r);
    else if (!r->stopped)
        poll_once(r);
}

static kfk_consumer *new_consumer(char **args)
{
    kfk_config *config = must(kfk_config_new(NULL));
    kfk_consumer *c;
    kfk_error e;

    if (kfk_config_set(config, "bootstrap.servers", *args, &e))
        die("bootstrap.servers", e.msg);
    while (*++args) {
        char *value = *args, *name = strsep(&value, "=");

        if (kfk_config_set(config, name, value ? value : "", &e))
            die(name, e.msg);
    }
    if (kfk_consumer_new(&c, config, &e))
        die("kfk_consumer_new", e.msg);
    kfk_config_free(config);
    return c;
}

int main(int argc, char **argv)
{
    struct reader r = {0};

    if (argc < 2)
        die("usage", "kfk_reader BOOTSTRAP [PROPERTY=VALUE ...] < commands");
    r.consumer = new_consumer(argv + 1);
    if (kfk_consumer_fd(r.consumer) < 0)
        die("kfk_consumer_fd", "none");
    setvbuf(stdin, NULL, _IONBF, 0); /* what was read ahead, poll would not see */
    while (!r.ended)
        take_turn(&r);
    kfk_consumer_free(r.consumer);
    return 0;
}
