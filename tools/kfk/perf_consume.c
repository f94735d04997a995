/* kfk perf consume: kafka-consumer-perf-test. Without a group it assigns its partitions itself. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "date.h"
#include "expression.h"
#include "perf.h"
#include "reader.h"
#include "tool.h"

enum {
    BOOTSTRAP_SERVER,
    TOPIC,
    INCLUDE,
    GROUP,
    FETCH_SIZE,
    COMMAND_PROPERTY,
    FROM_LATEST,
    SOCKET_BUFFER_SIZE,
    CONSUMER_CONFIG,
    COMMAND_CONFIG,
    PRINT_METRICS,
    SHOW_DETAILED_STATS,
    TIMEOUT,
    MESSAGES,
    NUM_RECORDS,
    REPORTING_INTERVAL,
    DATE_FORMAT,
    HIDE_HEADER,
    HELP,
    VERSION
};

static const args_option options[] = {
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "what to read; or the next"},
    [INCLUDE] = {"include", ARGS_VALUE, "expression",
                 "all topics that this regular expression matches"},
    [GROUP] = {"group", ARGS_VALUE, "group", "the group to be a member of"},
    [FETCH_SIZE] = {"fetch-size", ARGS_VALUE, "bytes", "max.partition.fetch.bytes (1048576)"},
    [COMMAND_PROPERTY] = {"command-property", ARGS_VALUE, "name=value",
                          "a property of the consumer; again for more"},
    [FROM_LATEST] = {"from-latest", ARGS_NOTHING, NULL, "from the end of the log"},
    [SOCKET_BUFFER_SIZE] = {"socket-buffer-size", ARGS_VALUE, "bytes",
                            "receive.buffer.bytes (2097152)"},
    [CONSUMER_CONFIG] = {"consumer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the consumer"},
    [PRINT_METRICS] = {"print-metrics", ARGS_NOTHING, NULL,
                       "what the consumer has counted, at last"},
    [SHOW_DETAILED_STATS] = {"show-detailed-stats", ARGS_NOTHING, NULL,
                             "a line each interval, and no total"},
    [TIMEOUT] = {"timeout", ARGS_NUMBER, "ms", "end when nothing has come for so long (10000)"},
    [MESSAGES] = {"messages", ARGS_VALUE, "number", "--num-records of old"},
    [NUM_RECORDS] = {"num-records", ARGS_VALUE, "number", "REQUIRED: end after so many"},
    [REPORTING_INTERVAL] = {"reporting-interval", ARGS_VALUE, "ms", "between lines (5000)"},
    [DATE_FORMAT] = {"date-format", ARGS_VALUE, "pattern", "of times (yyyy-MM-dd HH:mm:ss:SSS)"},
    [HIDE_HEADER] = {"hide-header", ARGS_NOTHING, NULL, "no first line"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

enum { POLL_MS = 100 };

static const tool_property properties[] = {
    {SOCKET_BUFFER_SIZE, "receive.buffer.bytes", "2097152"},
    {FETCH_SIZE, "max.partition.fetch.bytes", "1048576"},
    {BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
    {-1, NULL, NULL},
};

typedef struct wanted {
    const char *date_format;
    int64_t n, timeout_ms, interval_ms;
    bool details;
} wanted;

typedef struct progress {
    int64_t records, bytes;
    int64_t at_ms;
    int64_t joined_ms; /* how long there was no partition, of a member */
} progress;

/* Counted as by Kafka's tool: from the start, or the loss of the last partition, until it is told
 * what it has now. */
typedef struct joining {
    size_t n; /* partitions */
    int64_t since_ms, total_ms;
} joining;

/* ---- lines ---- */

static double megabytes(int64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

/* As Java prints it, also where it was divided by no time at all. */
static void print_rate(double amount, int64_t ms)
{
    double rate = amount * 1000.0 / (double)ms;

    if (isnan(rate))
        (void)printf(", NaN");
    else if (isinf(rate))
        (void)printf(", Infinity");
    else
        (void)printf(", %.4f", rate);
}

static void print_header(bool details)
{
    (void)printf("%s, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, "
                 "rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n",
                 details ? "time, threadId" : "start.time, end.time");
}

/* Without a group nothing is rebalanced: all of the time is fetch time. */
static void print_rates(const progress *from, const progress *to, bool interval)
{
    int64_t ms = to->at_ms - from->at_ms, joined_ms = to->joined_ms - from->joined_ms;
    int64_t fetched_ms = ms - joined_ms;
    bool none = interval && fetched_ms <= 0; /* as there, which divides the total all the same */
    double mb = megabytes(to->bytes - from->bytes);
    double records = (double)(to->records - from->records);

    (void)printf(", %.4f", megabytes(to->bytes));
    print_rate(mb, ms);
    (void)printf(", %" PRId64, to->records);
    print_rate(records, ms);
    (void)printf(", %" PRId64 ", %" PRId64, joined_ms, fetched_ms);
    print_rate(none ? 0 : mb, none ? 1 : fetched_ms);
    print_rate(none ? 0 : records, none ? 1 : fetched_ms);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void print_interval(const wanted *w, const progress *from, const progress *to)
{
    char now[128] = "";

    (void)date_format(now, sizeof now, w->date_format, to->at_ms);
    (void)printf("%s, 0", now);
    print_rates(from, to, true);
}

static void print_total(const wanted *w, const progress *from, const progress *to)
{
    char first[128] = "", last[128] = "";

    (void)date_format(first, sizeof first, w->date_format, from->at_ms);
    (void)date_format(last, sizeof last, w->date_format, to->at_ms);
    (void)printf("%s, %s", first, last);
    print_rates(from, to, false);
}

static int print_metrics(kfk_consumer *c)
{
    kfk_metrics_text *t = kfk_metrics_text_new(KFK_METRICS_TABLE, NULL);

    return perf_print_metrics(t, t ? kfk_consumer_metrics(c, kfk_metrics_text_add, t) : KFK_OK);
}

/* ---- the group ---- */

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    joining *j = arg;

    (void)c;
    (void)tps;
    if (j->n == 0)
        j->total_ms += tool_wall_ms() - j->since_ms;
    j->n += n;
    return KFK_OK;
}

static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    joining *j = arg;

    (void)c;
    (void)tps;
    j->n -= n < j->n ? n : j->n;
    if (j->n == 0)
        j->since_ms = tool_wall_ms();
    return KFK_OK;
}

/* ---- the run ---- */

/* Adds the records of a run, and tells of the interval if one is over: time passes between runs,
 * not within them. */
static kfk_err add_run(const wanted *w, reader *r, progress *p, progress *last, kfk_error *e)
{
    const kfk_record_view *record;
    kfk_err err;

    while ((record = kfk_records_next(r->run)) != NULL) {
        p->records++;
        p->bytes += (int64_t)(record->key.len + record->value.len);
        if (p->at_ms - last->at_ms < w->interval_ms)
            continue;
        if (w->details)
            print_interval(w, last, p);
        *last = *p;
    }
    err = kfk_records_status(r->run, e);
    return err == KFK_ERR_REVOKED ? KFK_OK : err;
}

/* Until there are enough records, or nothing has come for too long. */
static kfk_err read_all(const wanted *w, reader *r, progress *p, kfk_error *e)
{
    const joining *j = r->scope.listener_arg;
    progress last = *p;
    int64_t had_ms = p->at_ms;

    while (p->records < w->n && p->at_ms - had_ms <= w->timeout_ms) {
        kfk_err err = reader_poll(r, POLL_MS, e);

        p->at_ms = tool_wall_ms();
        p->joined_ms = j->total_ms;
        if (!err) {
            had_ms = p->at_ms;
            err = add_run(w, r, p, &last, e);
        }
        if (err == KFK_ERR_WOKEN)
            break;
        if (err && err != KFK_ERR_TIMED_OUT)
            return err;
    }
    p->at_ms = tool_wall_ms();
    return KFK_OK;
}

/* As there, a group that properties name is not looked at: without --group it is one that nobody
 * knows. */
static bool set_group(kfk_config *c, args *a)
{
    char unknown[64];
    const char *group = NULL;

    if (args_has(a, GROUP) && !args_one(a, GROUP, &group))
        return !tool_fail("%s", a->why);
    (void)snprintf(unknown, sizeof unknown, "perf-consumer-%d", (int)(tool_wall_ms() % 100000));
    if (!group && kfk_config_get(c, "group.id"))
        group = unknown;
    return tool_set_group(c, group);
}

static kfk_config *make_config(args *a)
{
    kfk_config *c = tool_config();

    if (tool_set(c, "client.id", "perf-consumer-client") && tool_set_defaults(c, properties) &&
        tool_load(c, a, CONSUMER_CONFIG) && tool_load(c, a, COMMAND_CONFIG) &&
        tool_set_pairs(c, a, COMMAND_PROPERTY) && tool_set_given(c, a, properties) &&
        tool_set(c, "auto.offset.reset", args_has(a, FROM_LATEST) ? "latest" : "earliest") &&
        tool_set(c, "check.crcs", "false") && set_group(c, a))
        return c;
    kfk_config_free(c);
    return NULL;
}

static int measure(const args *a, const wanted *w, reader *r)
{
    progress begin = {.at_ms = tool_wall_ms()}, end = begin;
    kfk_error e;

    if (read_all(w, r, &end, &e))
        return tool_fail_error("kfk perf consume", &e);
    if (end.records < w->n)
        (void)printf("WARNING: Exiting before consuming the expected number of records: timeout "
                     "(%" PRId64 " ms) exceeded. You can use the --timeout option to increase the "
                     "timeout.\n",
                     w->timeout_ms);
    if (!w->details)
        print_total(w, &begin, &end);
    return args_has(a, PRINT_METRICS) ? print_metrics(r->consumer) : 0;
}

static int run(args *a, const wanted *w, scope s)
{
    static const kfk_listener listener = {sizeof listener, 0, assigned, revoked, NULL};
    joining j = {.since_ms = tool_wall_ms()};
    kfk_config *c = make_config(a);
    reader r = {.scope = s};
    kfk_error e;
    int status;

    if (!c)
        return 1;
    r.scope.member = kfk_config_get(c, "group.id") != NULL;
    r.scope.listener = &listener;
    r.scope.listener_arg = &j;
    if (reader_open(&r, c, &e))
        status = tool_fail_error("kfk perf consume", &e);
    else
        status = measure(a, w, &r);
    reader_close(&r);
    kfk_config_free(c);
    return status;
}

static int run_matches(args *a, const wanted *w, const char *include)
{
    kfk_config *admin_config;
    expression x;
    int status = 1;

    if (!*include || !expression_init(&x, include))
        return tool_fail("%s is no regular expression that can be used here", include);
    tool_only(KFK_ROLE_ADMIN);
    admin_config = make_config(a);
    tool_only(0);
    if (admin_config)
        status = run(a, w, (scope){.partition = -1, .include = &x, .admin_config = admin_config});
    kfk_config_free(admin_config);
    expression_fini(&x);
    return status;
}

/* ---- the command line ---- */

static int refuse(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

static int parse_wanted(args *a, wanted *w)
{
    char example[128];

    *w = (wanted){.date_format = "yyyy-MM-dd HH:mm:ss:SSS",
                  .timeout_ms = 10000,
                  .interval_ms = 5000,
                  .details = args_has(a, SHOW_DETAILED_STATS)};
    if (!args_number(a, MESSAGES, INT64_MIN, INT64_MAX, &w->n) ||
        !args_number(a, NUM_RECORDS, INT64_MIN, INT64_MAX, &w->n) ||
        !args_number(a, REPORTING_INTERVAL, 0, INT64_MAX, &w->interval_ms) ||
        (args_at(a, TIMEOUT, 0) &&
         !args_number(a, TIMEOUT, INT64_MIN, INT64_MAX, &w->timeout_ms)) ||
        (args_has(a, DATE_FORMAT) && !args_one(a, DATE_FORMAT, &w->date_format)))
        return tool_fail("%s", a->why);
    if (w->interval_ms <= 0)
        return tool_fail("Reporting interval must be greater than 0.");
    if (!date_format(example, sizeof example, w->date_format, 0))
        return tool_fail("--date-format: of letters only y M d H m s S are known here");
    return 0;
}

static int check(const args *a)
{
    static const int topics[] = {TOPIC, INCLUDE, -1}, counts[] = {MESSAGES, NUM_RECORDS, -1};

    if (!args_has(a, BOOTSTRAP_SERVER))
        return refuse("Missing required argument \"[bootstrap-server]\"");
    if (tool_given(a, topics) != 1)
        return refuse("Exactly one of the following arguments is required: [topic], [include]");
    if (tool_given(a, counts) != 1)
        return refuse(
            "Exactly one of the following arguments is required: [messages], [num-records]");
    if (args_has(a, CONSUMER_CONFIG) && args_has(a, COMMAND_CONFIG))
        return refuse(
            "Option \"[consumer.config]\" can't be used with option \"[command-config]\"");
    if (args_has(a, MESSAGES))
        (void)printf("Warning: --messages is deprecated. Use --num-records instead.\n");
    if (args_has(a, CONSUMER_CONFIG))
        (void)printf("Warning: --consumer.config is deprecated. Use --command-config instead.\n");
    return 0;
}

/* What is wrong with the values of options is told behind the header, as there. */
static int run_checked(args *a)
{
    const char *topic = NULL, *include = NULL;
    wanted w;

    if (!args_has(a, HIDE_HEADER))
        print_header(args_has(a, SHOW_DETAILED_STATS));
    if (parse_wanted(a, &w))
        return 1;
    if (!args_one(a, TOPIC, &topic) || !args_one(a, INCLUDE, &include))
        return tool_fail("%s", a->why);
    if (include)
        return run_matches(a, &w, include);
    return run(a, &w, (scope){.partition = -1, .topic = topic});
}

int perf_consume_command(int n, char *const *words)
{
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words))
        status = refuse(a.why);
    else if (n == 0 || args_has(&a, HELP))
        status = refuse("This tool is used to verify the consumer performance.");
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else
        status = check(&a) ? 1 : run_checked(&a);
    args_fini(&a);
    return status;
}
