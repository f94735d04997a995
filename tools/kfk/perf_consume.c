/* kfk perf consume: kafka-consumer-perf-test, for a plain consumer of one topic. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
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
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "REQUIRED: what to read"},
    [INCLUDE] = {"include", ARGS_VALUE, "expression", "not there yet"},
    [GROUP] = {"group", ARGS_VALUE, "group", "not there yet"},
    [FETCH_SIZE] = {"fetch-size", ARGS_VALUE, "bytes", "max.partition.fetch.bytes (1048576)"},
    [COMMAND_PROPERTY] = {"command-property", ARGS_VALUE, "name=value",
                          "a property of the consumer; again for more"},
    [FROM_LATEST] = {"from-latest", ARGS_NOTHING, NULL, "from the end of the log"},
    [SOCKET_BUFFER_SIZE] = {"socket-buffer-size", ARGS_VALUE, "bytes",
                            "receive.buffer.bytes (2097152)"},
    [CONSUMER_CONFIG] = {"consumer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the consumer"},
    [PRINT_METRICS] = {"print-metrics", ARGS_NOTHING, NULL, "not there yet"},
    [SHOW_DETAILED_STATS] = {"show-detailed-stats", ARGS_NOTHING, NULL,
                             "a line each interval, and no total"},
    [TIMEOUT] = {"timeout", ARGS_OPTIONAL, "ms", "end when nothing has come for so long (10000)"},
    [MESSAGES] = {"messages", ARGS_VALUE, "number", "--num-records of old"},
    [NUM_RECORDS] = {"num-records", ARGS_VALUE, "number", "REQUIRED: end after so many"},
    [REPORTING_INTERVAL] = {"reporting-interval", ARGS_VALUE, "ms", "between lines (5000)"},
    [DATE_FORMAT] = {"date-format", ARGS_VALUE, "pattern", "of times (yyyy-MM-dd HH:mm:ss:SSS)"},
    [HIDE_HEADER] = {"hide-header", ARGS_NOTHING, NULL, "no first line"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

static const tool_property properties[] = {
    {SOCKET_BUFFER_SIZE, "receive.buffer.bytes", "2097152"},
    {FETCH_SIZE, "max.partition.fetch.bytes", "1048576"},
    {BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
    {-1, NULL, NULL},
};

typedef struct wanted {
    const char *topic, *date_format;
    int64_t n, timeout_ms, interval_ms;
    bool details;
} wanted;

typedef struct progress {
    int64_t records, bytes;
    int64_t at_ms;
} progress;

/* ---- lines ---- */

static double megabytes(int64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

static double a_second(double n, int64_t ms)
{
    return ms > 0 ? n * 1000.0 / (double)ms : 0.0;
}

static void print_header(const wanted *w)
{
    (void)printf("%s, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, "
                 "rebalance.time.ms, fetch.time.ms, "
                 "fetch.MB.sec, fetch.nMsg.sec\n",
                 w->details ? "time, threadId" : "start.time, end.time");
}

/* Without a group nothing is rebalanced: all of the time is fetch time. */
static void print_rates(const progress *from, const progress *to)
{
    int64_t ms = to->at_ms - from->at_ms;
    double mb = a_second(megabytes(to->bytes - from->bytes), ms);
    double records = a_second((double)(to->records - from->records), ms);

    (void)printf(", %.4f, %.4f, %" PRId64 ", %.4f, 0, %" PRId64 ", %.4f, %.4f\n",
                 megabytes(to->bytes), mb, to->records, records, ms, mb, records);
    (void)fflush(stdout);
}

static void print_interval(const wanted *w, const progress *from, const progress *to)
{
    char now[128] = "";

    (void)date_format(now, sizeof now, w->date_format, to->at_ms);
    (void)printf("%s, 0", now);
    print_rates(from, to);
}

static void print_total(const wanted *w, const progress *from, const progress *to)
{
    char first[128] = "", last[128] = "";

    (void)date_format(first, sizeof first, w->date_format, from->at_ms);
    (void)date_format(last, sizeof last, w->date_format, to->at_ms);
    (void)printf("%s, %s", first, last);
    print_rates(from, to);
}

/* ---- the run ---- */

static kfk_err read_all(const wanted *w, reader *r, progress *p, kfk_error *e)
{
    progress last = *p;
    kfk_err err = KFK_OK;

    while (p->records < w->n && !tool_stopped()) {
        const kfk_record_view *record;

        err = reader_next(r, w->timeout_ms, &record, e);
        if (err)
            break;
        p->records++;
        p->bytes += (int64_t)(record->key.len + record->value.len);
        /* A clock every so many records is enough. */
        if ((p->records & 255) == 0)
            p->at_ms = tool_wall_ms();
        if (p->at_ms - last.at_ms < w->interval_ms)
            continue;
        if (w->details)
            print_interval(w, &last, p);
        last = *p;
    }
    p->at_ms = tool_wall_ms();
    return err;
}

static kfk_config *make_config(args *a)
{
    kfk_config *c = tool_config();

    if (tool_set(c, "client.id", "perf-consumer-client") && tool_set_defaults(c, properties) &&
        tool_load(c, a, CONSUMER_CONFIG) && tool_load(c, a, COMMAND_CONFIG) &&
        tool_set_pairs(c, a, COMMAND_PROPERTY) && tool_set_given(c, a, properties) &&
        tool_set(c, "auto.offset.reset", args_has(a, FROM_LATEST) ? "latest" : "earliest") &&
        tool_set(c, "check.crcs", "false"))
        return c;
    kfk_config_free(c);
    return NULL;
}

static int measure(const wanted *w, const kfk_config *c)
{
    progress begin = {.at_ms = tool_wall_ms()}, end = begin;
    kfk_error e;
    kfk_err err;
    reader r;

    if (reader_open(&r, c, w->topic, -1, 0, &e))
        return tool_fail_error("kfk perf consume", &e);
    err = read_all(w, &r, &end, &e);
    if (err == KFK_ERR_TIMED_OUT)
        (void)printf(
            "WARNING: Exiting before consuming the expected number of records: timeout (%" PRId64
            " ms) "
            "exceeded. You can use the --timeout option to increase the timeout.\n",
            w->timeout_ms);
    else if (err)
        (void)tool_fail_error("kfk perf consume", &e);
    reader_close(&r);
    if (!w->details)
        print_total(w, &begin, &end);
    return err && err != KFK_ERR_TIMED_OUT;
}

static int run(args *a, const wanted *w)
{
    kfk_config *c = make_config(a);
    int status;

    if (!c)
        return 1;
    if (!args_has(a, HIDE_HEADER))
        print_header(w);
    tool_catch_signals(NULL);
    status = measure(w, c);
    kfk_config_free(c);
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
    if (!args_one(a, TOPIC, &w->topic) || !args_number(a, MESSAGES, INT64_MIN, INT64_MAX, &w->n) ||
        !args_number(a, NUM_RECORDS, INT64_MIN, INT64_MAX, &w->n) ||
        !args_number(a, REPORTING_INTERVAL, 0, INT64_MAX, &w->interval_ms))
        return refuse(a->why);
    if (args_at(a, TIMEOUT, 0) && !args_number(a, TIMEOUT, 0, INT32_MAX, &w->timeout_ms))
        return refuse(a->why);
    if (args_has(a, DATE_FORMAT) && !args_one(a, DATE_FORMAT, &w->date_format))
        return refuse(a->why);
    if (w->interval_ms <= 0)
        return refuse("Reporting interval must be greater than 0.");
    if (!date_format(example, sizeof example, w->date_format, 0))
        return refuse("--date-format: of letters only y M d H m s S are known here");
    return 0;
}

static int check(const args *a)
{
    static const int groups[] = {GROUP, -1}, include[] = {INCLUDE, -1},
                     metrics[] = {PRINT_METRICS, -1};
    static const int counts[] = {MESSAGES, NUM_RECORDS, -1};

    if (tool_not_yet(a, groups, "consumer groups come with version 0.2") ||
        tool_not_yet(a, include, "name one topic with --topic") ||
        tool_not_yet(a, metrics, "metrics come with a later version"))
        return 1;
    if (!args_has(a, BOOTSTRAP_SERVER))
        return refuse("Missing required argument \"[bootstrap-server]\"");
    if (!args_has(a, TOPIC))
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

int perf_consume_command(int n, char *const *words)
{
    wanted w;
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words))
        status = refuse(a.why);
    else if (n == 0 || args_has(&a, HELP))
        status = refuse("This tool is used to verify the consumer performance.");
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else
        status = check(&a) || parse_wanted(&a, &w) ? 1 : run(&a, &w);
    args_fini(&a);
    return status;
}
