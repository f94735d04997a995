/* kfk consume: kafka-console-consumer, for a plain consumer of one topic. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format.h"
#include "pairs.h"
#include "reader.h"
#include "tool.h"

enum {
    TOPIC,
    INCLUDE,
    WHITELIST,
    PARTITION,
    OFFSET,
    CONSUMER_PROPERTY,
    COMMAND_PROPERTY,
    CONSUMER_CONFIG,
    COMMAND_CONFIG,
    FORMATTER,
    PROPERTY,
    FORMATTER_PROPERTY,
    FORMATTER_CONFIG,
    FROM_BEGINNING,
    MAX_MESSAGES,
    TIMEOUT_MS,
    SKIP_MESSAGE_ON_ERROR,
    BOOTSTRAP_SERVER,
    KEY_DESERIALIZER,
    VALUE_DESERIALIZER,
    ENABLE_SYSTEST_EVENTS,
    ISOLATION_LEVEL,
    GROUP,
    HELP,
    VERSION
};

static const args_option options[] = {
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "REQUIRED: what to read"},
    [INCLUDE] = {"include", ARGS_VALUE, "expression", "not there yet"},
    [WHITELIST] = {"whitelist", ARGS_VALUE, "expression", "not there yet"},
    [PARTITION] = {"partition", ARGS_VALUE, "number",
                   "only this one; from its end, unless --offset is given"},
    [OFFSET] = {"offset", ARGS_VALUE, "offset", "a number, earliest or latest; with --partition"},
    [CONSUMER_PROPERTY] = {"consumer-property", ARGS_VALUE, "name=value",
                           "--command-property of old"},
    [COMMAND_PROPERTY] = {"command-property", ARGS_VALUE, "name=value",
                          "a property of the consumer; again for more"},
    [CONSUMER_CONFIG] = {"consumer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the consumer"},
    [FORMATTER] = {"formatter", ARGS_VALUE, "class", "Kafka's default formatter, and no other"},
    [PROPERTY] = {"property", ARGS_VALUE, "name=value", "--formatter-property of old"},
    [FORMATTER_PROPERTY] =
        {"formatter-property", ARGS_VALUE, "name=value",
         "print.timestamp print.partition print.offset print.delivery print.epoch print.headers "
         "print.key print.value key.separator line.separator headers.separator null.literal"},
    [FORMATTER_CONFIG] = {"formatter-config", ARGS_VALUE, "file", "a file of them, one a line"},
    [FROM_BEGINNING] = {"from-beginning", ARGS_NOTHING, NULL, "from the start of the log"},
    [MAX_MESSAGES] = {"max-messages", ARGS_VALUE, "number", "end after so many"},
    [TIMEOUT_MS] = {"timeout-ms", ARGS_VALUE, "ms", "end when nothing has come for so long"},
    [SKIP_MESSAGE_ON_ERROR] = {"skip-message-on-error", ARGS_NOTHING, NULL,
                               "go on behind a record that is broken"},
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [KEY_DESERIALIZER] = {"key-deserializer", ARGS_VALUE, "class",
                          "for strings or bytes, and no other"},
    [VALUE_DESERIALIZER] = {"value-deserializer", ARGS_VALUE, "class", "the same"},
    [ENABLE_SYSTEST_EVENTS] = {"enable-systest-events", ARGS_NOTHING, NULL, "say so at the end"},
    [ISOLATION_LEVEL] = {"isolation-level", ARGS_VALUE, "level",
                         "read_uncommitted, read_committed"},
    [GROUP] = {"group", ARGS_VALUE, "group", "not there yet"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

static const tool_property properties[] = {
    {ISOLATION_LEVEL, "isolation.level", "read_uncommitted"},
    {BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
    {-1, NULL, NULL},
};

/* What the options come to. */
typedef struct wanted {
    const char *topic;
    int64_t partition; /* -1: all */
    int64_t offset;
    int64_t most;       /* -1: no limit */
    int64_t timeout_ms; /* -1: never */
    format format;
} wanted;

/* ---- the consumer ---- */

static kfk_config *make_config(args *a)
{
    kfk_config *c = tool_config();
    const char *reset = args_has(a, FROM_BEGINNING) ? "earliest" : "latest", *now;

    if (tool_set(c, "client.id", "console-consumer") && tool_set(c, "auto.offset.reset", reset) &&
        tool_set_defaults(c, properties) && tool_load(c, a, CONSUMER_CONFIG) &&
        tool_load(c, a, COMMAND_CONFIG) && tool_set_pairs(c, a, CONSUMER_PROPERTY) &&
        tool_set_pairs(c, a, COMMAND_PROPERTY) && tool_set_given(c, a, properties)) {
        now = kfk_config_get(c, "auto.offset.reset");
        if (!args_has(a, FROM_BEGINNING) || strcmp(now, "earliest") == 0)
            return c;
        (void)tool_fail("Can't simultaneously specify --from-beginning and 'auto.offset.reset=%s', "
                        "please remove one "
                        "option",
                        now);
    }
    kfk_config_free(c);
    return NULL;
}

/* ---- reading ---- */

static reader *current; /* the one that a signal ends */

static void wake(void)
{
    if (current)
        kfk_consumer_wakeup(current->consumer);
}

/* 0: go on; 1: that was the last. */
static int take(const wanted *w, reader *r, const kfk_record_view *record, int64_t *n)
{
    ++*n;
    format_print(&w->format, stdout, r->run, record);
    if (ferror(stdout)) {
        (void)tool_fail("Unable to write to standard out, closing consumer.");
        return 1;
    }
    return w->most >= 0 && *n >= w->most;
}

static void report(const kfk_error *e)
{
    if (e->code == KFK_ERR_TIMED_OUT)
        (void)tool_fail("ERROR Error processing message, terminating consumer process: \n"
                        "org.apache.kafka.common.errors.TimeoutException");
    else if (e->code != KFK_ERR_WOKEN)
        (void)tool_fail("ERROR Error processing message, terminating consumer process: %s [%s]",
                        e->msg, kfk_err_name(e->code));
}

static int64_t read_all(const wanted *w, reader *r, bool skip)
{
    int64_t n = 0;
    bool over = w->most == 0;

    while (!over && !tool_stopped()) {
        const kfk_record_view *record;
        kfk_error e;
        kfk_err err = reader_next(r, w->timeout_ms, &record, &e);

        if (err && skip && reader_skip(r, &e)) {
            report(&e);
            continue;
        }
        if (err)
            report(&e);
        over = err || take(w, r, record, &n);
    }
    return n;
}

static int run(args *a, const wanted *w)
{
    kfk_config *c = make_config(a);
    kfk_error e;
    kfk_err err;
    int64_t n;
    reader r;

    if (!c)
        return 1;
    err = reader_open(&r, c, w->topic, w->partition, w->offset, &e);
    kfk_config_free(c);
    if (err)
        return tool_fail_error("ERROR Unknown error when running consumer", &e);
    current = &r;
    tool_catch_signals(wake);
    n = read_all(w, &r, args_has(a, SKIP_MESSAGE_ON_ERROR));
    (void)fflush(stdout);
    current = NULL;
    reader_close(&r);
    (void)tool_fail("Processed a total of %" PRId64 " messages", n);
    if (tool_stopped() && args_has(a, ENABLE_SYSTEST_EVENTS))
        (void)printf("shutdown_complete\n");
    return 0;
}

/* ---- the command line ---- */

static int usage(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

static bool parse_offset(const char *text, int64_t *offset)
{
    char *end;

    if (strcasecmp(text, "earliest") == 0 || strcasecmp(text, "latest") == 0) {
        *offset = strcasecmp(text, "latest") == 0 ? KFK_OFFSET_LATEST : KFK_OFFSET_EARLIEST;
        return true;
    }
    *offset = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *offset < INT64_MAX;
}

static int parse_wanted(args *a, wanted *w)
{
    const char *offset = NULL;

    *w = (wanted){.partition = -1, .most = -1, .timeout_ms = -1};
    if (!args_one(a, TOPIC, &w->topic) || !args_number(a, PARTITION, 0, INT32_MAX, &w->partition) ||
        !args_one(a, OFFSET, &offset) || !args_number(a, MAX_MESSAGES, -1, INT32_MAX, &w->most) ||
        !args_number(a, TIMEOUT_MS, INT64_MIN, INT64_MAX, &w->timeout_ms))
        return usage(a->why);
    if (w->timeout_ms > INT_MAX)
        w->timeout_ms = INT_MAX;
    w->offset = args_has(a, FROM_BEGINNING) ? KFK_OFFSET_EARLIEST : KFK_OFFSET_LATEST;
    if (offset && !parse_offset(offset, &w->offset))
        return tool_usage(options, COUNT(options),
                          "The provided offset value '%s' is incorrect. Valid values are "
                          "'earliest', 'latest', or a "
                          "non-negative long.",
                          offset);
    return 0;
}

static int check_renamed(const args *a)
{
    static const int renamed[][2] = {{CONSUMER_PROPERTY, COMMAND_PROPERTY},
                                     {CONSUMER_CONFIG, COMMAND_CONFIG},
                                     {PROPERTY, FORMATTER_PROPERTY}};

    for (int i = 0; i < COUNT(renamed); i++) {
        const char *old = options[renamed[i][0]].name, *now = options[renamed[i][1]].name;

        if (!args_has(a, renamed[i][0]))
            continue;
        if (args_has(a, renamed[i][1]))
            return tool_usage(options, COUNT(options),
                              "Options --%s and --%s cannot be specified together.", old, now);
        (void)printf("Option --%s is deprecated and will be removed in a future version. Use --%s "
                     "instead.\n",
                     old, now);
    }
    return 0;
}

static int check(const args *a)
{
    static const int not_yet[] = {INCLUDE, WHITELIST, -1}, groups[] = {GROUP, -1};

    if (tool_not_yet(a, not_yet, "name one topic with --topic"))
        return 1;
    if (tool_not_yet(a, groups, "consumer groups come with version 0.2"))
        return 1;
    if (!args_has(a, TOPIC))
        return usage("Exactly one of the following arguments is required: [topic], [include]");
    if (args_has(a, PARTITION) && args_has(a, FROM_BEGINNING) && args_has(a, OFFSET))
        return usage("Options from-beginning and offset cannot be specified together.");
    if (!args_has(a, PARTITION) && args_has(a, OFFSET))
        return usage("The partition is required when offset is specified.");
    if (!args_has(a, BOOTSTRAP_SERVER))
        return usage("Missing required argument \"[bootstrap-server]\"");
    return check_renamed(a);
}

static bool set_pair(void *arg, const char *pair)
{
    return format_set(arg, pair);
}

static bool set_formats(format *f, const args *a, int option)
{
    for (int i = 0; i < args_count(a, option); i++)
        if (!format_set(f, args_at(a, option, i)))
            return false;
    return true;
}

/* Where a class is named: it must be one whose work is done here. */
static bool set_classes(format *f, const args *a)
{
    static const char *const formatters[] = {
        "org.apache.kafka.tools.consumer.DefaultMessageFormatter",
        "kafka.tools.DefaultMessageFormatter"};
    static const int deserializers[] = {KEY_DESERIALIZER, VALUE_DESERIALIZER};
    const char *formatter = args_at(a, FORMATTER, 0);

    if (formatter && strcmp(formatter, formatters[0]) != 0 &&
        strcmp(formatter, formatters[1]) != 0) {
        (void)tool_fail("--formatter %s: a class of the JVM cannot be used here", formatter);
        return false;
    }
    for (int i = 0; i < COUNT(deserializers); i++) {
        static const char *const names[] = {"key.deserializer", "value.deserializer"};
        const char *class = args_at(a, deserializers[i], 0);
        char pair[512];

        (void)snprintf(pair, sizeof pair, "%s=%s", names[i], class ? class : "");
        if (class && !format_set(f, pair))
            return false;
    }
    return true;
}

static bool set_formatter(format *f, const args *a)
{
    format_init(f);
    return (!args_has(a, FORMATTER_CONFIG) ||
            pairs_each(args_at(a, FORMATTER_CONFIG, 0), set_pair, f)) &&
           set_formats(f, a, PROPERTY) && set_formats(f, a, FORMATTER_PROPERTY) &&
           set_classes(f, a);
}

int consume_command(int n, char *const *words)
{
    wanted w;
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words))
        status = usage(a.why);
    else if (n == 0 || args_has(&a, HELP))
        status = usage(
            "This tool helps to read data from Kafka topics and outputs it to standard output.");
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else
        status =
            check(&a) || parse_wanted(&a, &w) || !set_formatter(&w.format, &a) ? 1 : run(&a, &w);
    args_fini(&a);
    return status;
}
