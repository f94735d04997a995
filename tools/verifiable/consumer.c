/* kfk-verifiable-consumer: org.apache.kafka.tools.VerifiableConsumer, for Kafka's system tests.
 *
 *   kfk-verifiable-consumer --topic TOPIC --group-id GROUP --bootstrap-server HOST:PORT [OPTION ...]
 *
 * A member of a group that prints what it is given, reads and commits. SIGTERM, SIGINT or the last
 * record end it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <kfk/kafka_errors.h>

#include "../kfk/tool.h"
#include "event.h"
#include "../kfk/exception.h"

enum {
    TOPIC,
    BOOTSTRAP_SERVER,
    GROUP_PROTOCOL,
    GROUP_REMOTE_ASSIGNOR,
    GROUP_ID,
    GROUP_INSTANCE_ID,
    MAX_MESSAGES,
    SESSION_TIMEOUT,
    VERBOSE,
    ENABLE_AUTOCOMMIT,
    RESET_POLICY,
    ASSIGNMENT_STRATEGY,
    CONSUMER_CONFIG,
    COMMAND_CONFIG,
    HELP
};

static const args_option options[] = {
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "REQUIRED: where the records come from"},
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [GROUP_PROTOCOL] = {"group-protocol", ARGS_VALUE, "protocol", "classic or consumer (classic)"},
    [GROUP_REMOTE_ASSIGNOR] = {"group-remote-assignor", ARGS_VALUE, "assignor",
                               "with --group-protocol consumer: the assignor of the broker"},
    [GROUP_ID] = {"group-id", ARGS_VALUE, "group", "REQUIRED: the group to join"},
    [GROUP_INSTANCE_ID] = {"group-instance-id", ARGS_VALUE, "name", "makes it a static member"},
    [MAX_MESSAGES] = {"max-messages", ARGS_VALUE, "number",
                      "how many records; -1: until it is ended (-1)"},
    [SESSION_TIMEOUT] = {"session-timeout", ARGS_VALUE, "ms",
                         "session.timeout.ms; not looked at with --group-protocol consumer"},
    [VERBOSE] = {"verbose", ARGS_NOTHING, NULL, "print each record"},
    [ENABLE_AUTOCOMMIT] = {"enable-autocommit", ARGS_NOTHING, NULL,
                           "do not commit after each poll"},
    [RESET_POLICY] = {"reset-policy", ARGS_VALUE, "policy", "auto.offset.reset (earliest)"},
    [ASSIGNMENT_STRATEGY] = {"assignment-strategy", ARGS_VALUE, "class",
                             "partition.assignment.strategy, with --group-protocol classic (range)"},
    [CONSUMER_CONFIG] = {"consumer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file",
                        "properties of the consumer, before which these options go"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
};

/* Set before the first poll. */
static struct wanted {
    const char *topic;
    int64_t max_messages;
    bool verbose, commits;
} wanted = {.max_messages = -1};

static kfk_consumer *consumer;
static int64_t consumed;

/* ---- what is printed ---- */

static void print_partitions(const char *name, const kfk_tp *tps, size_t n)
{
    event_begin(name);
    event_array("partitions");
    for (size_t i = 0; i < n; i++) {
        event_object();
        event_string("topic", tps[i].topic);
        event_integer("partition", tps[i].partition);
    }
    event_array_end();
    event_end();
}

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    print_partitions("partitions_assigned", tps, n);
    return KFK_OK;
}

/* Of partitions that are lost Java's listener says the same. */
static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    print_partitions("partitions_revoked", tps, n);
    return KFK_OK;
}

static void print_record(const kfk_record_view *r)
{
    event_begin("record_data");
    event_bytes("key", r->key.data, r->key.len);
    event_bytes("value", r->value.data, r->value.len);
    event_string("topic", r->topic);
    event_integer("partition", r->partition);
    event_integer("offset", r->offset);
    event_end();
}

/* |all|: those too that are more than were wanted. */
static void print_consumed(const kfk_tp *tp, int64_t all, int64_t n, int64_t first, int64_t last)
{
    event_begin("records_consumed");
    event_integer("count", all);
    event_array("partitions");
    event_object();
    event_string("topic", tp->topic);
    event_integer("partition", tp->partition);
    event_integer("count", n);
    event_integer("minOffset", first);
    event_integer("maxOffset", last);
    event_array_end();
    event_end();
}

static void print_committed(const kfk_tp *tp, kfk_err err, const kfk_error *e)
{
    event_begin("offsets_committed");
    event_array("offsets");
    event_object();
    event_string("topic", tp->topic);
    event_integer("partition", tp->partition);
    event_integer("offset", tp->offset);
    event_array_end();
    if (err)
        event_string("error", e->msg);
    event_boolean("success", !err);
    event_end();
}

/* ---- the run ---- */

enum { COMMIT_MS = 60000, CLOSE_MS = 30000 };

static void wake(void)
{
    kfk_consumer_wakeup(consumer);
}

static bool is_finished(void)
{
    return tool_stopped() || (wanted.max_messages >= 0 && consumed >= wanted.max_messages);
}

/* A commit that a signal came into is made all the same. false: another has this one's name. */
static bool commit(kfk_tp tp)
{
    kfk_error e;
    kfk_err err = kfk_consumer_commit(consumer, &tp, 1, COMMIT_MS, &e);

    if (err == KFK_ERR_FENCED_INSTANCE_ID)
        return tool_fail("%s", e.msg) == 0;
    print_committed(&tp, err, &e);
    return true;
}

/* false: it is over. */
static bool take(kfk_records *rs)
{
    int64_t all, n = 0, first = -1, last = -1, most = INT64_MAX;
    kfk_tp tp = *kfk_records_tp(rs);
    const kfk_record_view *r;

    if (wanted.max_messages >= 0)
        most = wanted.max_messages - consumed;
    while (n < most && (r = kfk_records_next(rs)) != NULL) {
        first = first < 0 ? r->offset : first;
        last = r->offset;
        n++;
        if (wanted.verbose)
            print_record(r);
    }
    if (n == 0)
        return true;
    for (all = n; kfk_records_next(rs) != NULL; all++)
        ;
    consumed += n;
    print_consumed(&tp, all, n, first, last);
    tp.offset = last + 1;
    tp.flags = 0;
    return !wanted.commits || commit(tp);
}

/* An error that ends it goes to stderr, and is none of the program's. */
static void consume_all(void)
{
    static const kfk_listener listener = {sizeof listener, 0, assigned, revoked, NULL};
    kfk_records *rs;
    kfk_error e;
    kfk_err err = kfk_consumer_subscribe(consumer, &wanted.topic, 1, &listener, NULL, &e);

    while (!err && !is_finished()) {
        err = kfk_consumer_poll(consumer, -1, &rs, &e);
        if (rs && !take(rs))
            err = KFK_ERR_CLOSED, e.msg[0] = '\0';
        kfk_records_free(rs);
        if (err == KFK_ERR_WOKEN)
            err = KFK_OK;
    }
    if (err && e.msg[0])
        (void)tool_fail("%s", e.msg);
}

static void print_event(const char *name)
{
    event_begin(name);
    event_end();
}

/* Kafka's tool says that a shutdown was requested when its process is about to end, too; a shell
 * sees 128 and the signal's number. */
static int run(void)
{
    bool stopped;
    kfk_error e;

    tool_catch_signals(wake);
    print_event("startup_complete");
    consume_all();
    stopped = tool_stopped();
    if (stopped)
        print_event("shutdown_requested");
    if (kfk_consumer_close(consumer, CLOSE_MS, &e))
        (void)tool_fail("%s", e.msg);
    print_event("shutdown_complete");
    if (!stopped)
        print_event("shutdown_requested");
    return stopped ? 128 + tool_stopped() : 0;
}

/* ---- the command line ---- */

static const char *value_of(args *a, int option, const char *otherwise)
{
    const char *value;

    return args_has(a, option) && args_one(a, option, &value) ? value : otherwise;
}

static bool set(kfk_config *c, args *a, int option, const char *name, const char *otherwise)
{
    const char *value = value_of(a, option, otherwise);

    return !value || tool_set(c, name, value);
}

static bool is_modern(args *a)
{
    return strcasecmp(value_of(a, GROUP_PROTOCOL, "classic"), "consumer") == 0;
}

/* The two protocols have properties of their own. Kafka's system tests give a session timeout with
 * both, which the tool of 4.3 refuses. */
static bool set_protocol(kfk_config *c, args *a)
{
    if (!set(c, a, GROUP_PROTOCOL, "group.protocol", "classic"))
        return false;
    if (is_modern(a))
        return set(c, a, GROUP_REMOTE_ASSIGNOR, "group.remote.assignor", NULL);
    return set(c, a, SESSION_TIMEOUT, "session.timeout.ms", NULL) &&
           set(c, a, ASSIGNMENT_STRATEGY, "partition.assignment.strategy", "range");
}

static bool make_consumer(args *a)
{
    kfk_config *c = tool_config();
    kfk_error e;

    if (tool_load(c, a, CONSUMER_CONFIG) && tool_load(c, a, COMMAND_CONFIG) &&
        set(c, a, BOOTSTRAP_SERVER, "bootstrap.servers", NULL) && set_protocol(c, a) &&
        set(c, a, GROUP_ID, "group.id", NULL) &&
        set(c, a, GROUP_INSTANCE_ID, "group.instance.id", NULL) &&
        tool_set(c, "enable.auto.commit", wanted.commits ? "false" : "true") &&
        set(c, a, RESET_POLICY, "auto.offset.reset", "earliest") &&
        kfk_consumer_new(&consumer, c, &e))
        (void)tool_fail("%s", e.msg);
    kfk_config_free(c);
    return consumer != NULL;
}

static int refuse(const char *why)
{
    return tool_usage(options, COUNT(options), "kfk-verifiable-consumer: error: %s", why);
}

static int check(args *a)
{
    int64_t session = 30000;

    if (!args_has(a, TOPIC) || !args_has(a, GROUP_ID) || !args_has(a, BOOTSTRAP_SERVER))
        return refuse("--topic, --group-id and --bootstrap-server are required");
    if (!args_one(a, TOPIC, &wanted.topic) ||
        !args_number(a, MAX_MESSAGES, INT32_MIN, INT32_MAX, &wanted.max_messages) ||
        !args_number(a, SESSION_TIMEOUT, INT32_MIN, INT32_MAX, &session))
        return refuse(a->why);
    if (args_has(a, CONSUMER_CONFIG) && args_has(a, COMMAND_CONFIG))
        return refuse("Options --consumer.config and --command-config are mutually exclusive.");
    if (args_has(a, CONSUMER_CONFIG))
        (void)printf("Option --consumer.config has been deprecated and will be removed in a future "
                     "version. Use --command-config instead.\n");
    wanted.verbose = args_has(a, VERBOSE);
    wanted.commits = !args_has(a, ENABLE_AUTOCOMMIT);
    return 0;
}

int main(int argc, char **argv)
{
    args a;
    int status;

    if (!args_parse_strict(&a, options, COUNT(options), argc - 1, argv + 1))
        status = refuse(a.why);
    else if (argc == 1 || args_has(&a, HELP))
        status = tool_help(options, COUNT(options),
                           "Reads a topic as a member of a group, and prints as JSON what it is "
                           "given, reads and commits.",
                           argc > 1);
    else
        status = check(&a) || !make_consumer(&a) ? 1 : run();
    kfk_consumer_free(consumer);
    args_fini(&a);
    return status;
}
