/* kfk offsets: kafka-get-offsets. */
#include <inttypes.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules.h"
#include "tool.h"

enum {
    BOOTSTRAP_SERVER,
    TOPIC_PARTITIONS,
    TOPIC,
    PARTITIONS,
    TIME,
    COMMAND_CONFIG,
    EXCLUDE_INTERNAL_TOPICS,
    HELP,
    VERSION
};

static const args_option options[] = {
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [TOPIC_PARTITIONS] = {"topic-partitions", ARGS_VALUE, "t:1,t:0-3,...",
                          "topics, as regular expressions, and partitions: 1, 1-3 (without 3), 1-, "
                          "-3, or all"},
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "topics, a regular expression; all without it"},
    [PARTITIONS] = {"partitions", ARGS_VALUE, "1,2,...", "only these; all without it"},
    [TIME] = {"time", ARGS_VALUE, "time",
              "latest or -1 (what it is without it), earliest -2, max-timestamp -3, earliest-local "
              "-4, latest-tiered -5, earliest-pending-upload -6, or ms since 1970"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the client"},
    [EXCLUDE_INTERNAL_TOPICS] = {"exclude-internal-topics", ARGS_NOTHING, NULL,
                                 "leave Kafka's own topics out"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

/* The offsets that are asked for, and of what. */
typedef struct question {
    rules rules;
    int64_t time;
    bool no_internal;
    kfk_admin *admin;
    kfk_consumer *consumer;
    kfk_topics *all, *described; /* names in |tps| are theirs */
    kfk_tp *tps;
    size_t n;
    kfk_error e;
} question;

static int fail(const char *fmt, ...) KFK_PRINTF(1, 2);

static int fail(const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "Error occurred: ");
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return 1;
}

static int fail_error(const kfk_error *e)
{
    return fail("%s [%s]", e->msg, kfk_err_name(e->code));
}

/* ---- which partitions ---- */

static int describe(question *q)
{
    const char **names;
    size_t n = 0;
    kfk_err err;

    if (kfk_admin_list_topics(q->admin, -1, &q->all, &q->e))
        return fail_error(&q->e);
    names = calloc(q->all->n + 1, sizeof *names);
    if (!names)
        return fail("out of memory");
    for (size_t i = 0; i < q->all->n; i++) {
        const kfk_topic *t = q->all->topics[i];

        if (!(t->internal && q->no_internal) && rules_topic(&q->rules, t->name))
            names[n++] = t->name;
    }
    err = kfk_admin_describe_topics(q->admin, names, n, NULL, -1, &q->described, &q->e);
    free(names);
    return err ? fail_error(&q->e) : 0;
}

static int choose(question *q)
{
    size_t room = 1;

    for (size_t i = 0; i < q->described->n; i++)
        room += q->described->topics[i]->n_partitions;
    q->tps = calloc(room, sizeof *q->tps);
    if (!q->tps)
        return fail("out of memory");
    for (size_t i = 0; i < q->described->n; i++) {
        const kfk_topic *t = q->described->topics[i];

        if (t->err)
            return fail("topic %s: %s [%s]", t->name, kfk_err_str(t->err), kfk_err_name(t->err));
        for (size_t k = 0; k < t->n_partitions; k++)
            if (rules_partition(&q->rules, t->name, t->partitions[k]->partition))
                q->tps[q->n++] = (kfk_tp){.topic = t->name,
                                          .partition = t->partitions[k]->partition,
                                          .offset = q->time,
                                          .flags = q->time >= 0 ? KFK_TIMESTAMP : 0};
    }
    return q->n ? 0 : fail("Could not match any topic-partitions with the specified filters");
}

/* ---- the answer ---- */

/* As text, in which 10 is before 2. */
static int by_name(const void *a, const void *b)
{
    const kfk_tp *x = a, *y = b;
    char left[300], right[300];

    (void)snprintf(left, sizeof left, "%s-%" PRId32, x->topic, x->partition);
    (void)snprintf(right, sizeof right, "%s-%" PRId32, y->topic, y->partition);
    return strcmp(left, right);
}

static void skip(const kfk_tp *tp, const char *why)
{
    (void)tool_fail("Skip getting offsets for topic-partition %s-%" PRId32 " due to error: %s",
                    tp->topic, tp->partition, why);
}

static void print(question *q)
{
    for (size_t i = 0; i < q->n; i++) {
        char why[256];

        if (!q->tps[i].err)
            continue;
        (void)snprintf(why, sizeof why, "%s [%s]", kfk_err_str(q->tps[i].err),
                       kfk_err_name(q->tps[i].err));
        skip(&q->tps[i], why);
    }
    qsort(q->tps, q->n, sizeof *q->tps, by_name);
    for (size_t i = 0; i < q->n; i++)
        if (!q->tps[i].err && q->tps[i].offset >= 0)
            (void)printf("%s:%" PRId32 ":%" PRId64 "\n", q->tps[i].topic, q->tps[i].partition,
                         q->tps[i].offset);
}

static int ask(question *q, int timeout_ms)
{
    /* What has no meaning is refused by Kafka's client, which says no more than this. */
    if (q->time < KFK_OFFSET_EARLIEST_PENDING_UPLOAD) {
        for (size_t i = 0; i < q->n; i++)
            skip(&q->tps[i], "org.apache.kafka.common.errors.UnsupportedVersionException: The "
                             "version of API is not supported.");
        return 0;
    }
    if (kfk_consumer_list_offsets(q->consumer, q->tps, q->n, timeout_ms, &q->e)) {
        bool told = false;

        for (size_t i = 0; i < q->n; i++)
            told |= q->tps[i].err != 0;
        if (!told)
            return fail_error(&q->e);
    }
    print(q);
    return 0;
}

/* ---- the command line ---- */

static int usage(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

static bool parse_time(const char *text, int64_t *time)
{
    static const char *const names[] = {"latest",        "earliest",
                                        "max-timestamp", "earliest-local",
                                        "latest-tiered", "earliest-pending-upload"};

    for (int i = 0; i < COUNT(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *time = -1 - i; /* as the protocol numbers them */
            return true;
        }
    return args_integer(text, INT64_MIN, INT64_MAX, time);
}

static int parse_question(args *a, question *q)
{
    const char *list = NULL, *topic = NULL, *partitions = NULL, *time = NULL;

    if (args_has(a, TOPIC_PARTITIONS) && (args_has(a, TOPIC) || args_has(a, PARTITIONS)))
        return fail("--topic-partitions cannot be used with --topic or --partitions");
    if (!args_one(a, TIME, &time) || !args_one(a, TOPIC_PARTITIONS, &list) ||
        !args_one(a, TOPIC, &topic) || !args_one(a, PARTITIONS, &partitions))
        return fail("%s", a->why);
    q->no_internal = args_has(a, EXCLUDE_INTERNAL_TOPICS);
    if (!parse_time(time ? time : "latest", &q->time))
        return fail("Malformed time argument %s. Please use -1 or latest / -2 or earliest / -3 or "
                    "max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or "
                    "earliest-pending-upload, or a specified long format timestamp",
                    time);
    if (list ? !rules_parse_list(&q->rules, list) : !rules_parse(&q->rules, topic, partitions))
        return fail("%s", q->rules.why);
    return 0;
}

/* Each of the list has to be a host and a port. */
static int check_servers(const char *servers)
{
    static const char one[] = "^(([0-9a-zA-Z%._-]*://)?\\[?[0-9a-zA-Z%._:-]*\\]?:[0-9]+(,|$))+,*$";
    regex_t re;
    bool ok;

    if (!servers[strspn(servers, " \t\n")])
        return usage("Error while validating the bootstrap address\n");
    if (regcomp(&re, one, REG_EXTENDED | REG_NOSUB))
        return fail("out of memory");
    ok = regexec(&re, servers, 0, NULL, 0) == 0;
    regfree(&re);
    return ok ? 0 : usage("Please provide valid host:port like host1:9091,host2:9092\n");
}

static int check(args *a)
{
    const char *servers;

    if (!args_has(a, BOOTSTRAP_SERVER))
        return usage("Missing required argument \"[bootstrap-server]\"");
    if (!args_one(a, BOOTSTRAP_SERVER, &servers))
        return fail("%s", a->why);
    return check_servers(servers);
}

/* The file is for an admin client, which does not ask as its transactions are. */
static kfk_config *make_config(args *a)
{
    static const tool_property properties[] = {{BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
                                               {-1, NULL, NULL}};
    const char *file = args_at(a, COMMAND_CONFIG, 0);
    kfk_config *c;

    if (file && access(file, R_OK) != 0) {
        (void)fail("%s", file);
        return NULL;
    }
    c = tool_config();
    if (tool_load(c, a, COMMAND_CONFIG) && tool_set_given(c, a, properties) &&
        tool_set(c, "client.id", "GetOffsetShell") &&
        tool_set(c, "consumer.isolation.level", "read_uncommitted"))
        return c;
    kfk_config_free(c);
    return NULL;
}

static int run(args *a, question *q)
{
    kfk_config *c = make_config(a);
    const char *timeout = c ? kfk_config_get(c, "default.api.timeout.ms") : NULL;
    int timeout_ms = timeout ? atoi(timeout) : 60000, status;

    if (!c)
        return 1;
    if (kfk_admin_new(&q->admin, c, &q->e) || kfk_consumer_new(&q->consumer, c, &q->e))
        status = fail_error(&q->e);
    else
        status = describe(q) || choose(q) || ask(q, timeout_ms);
    free(q->tps);
    kfk_topics_free(q->all);
    kfk_topics_free(q->described);
    kfk_consumer_free(q->consumer);
    kfk_admin_free(q->admin);
    kfk_config_free(c);
    return status;
}

int offsets_command(int n, char *const *words)
{
    static const char what[] =
        "Prints where the logs of partitions begin or end, or were at a time.";
    question q = {.n = 0};
    args a = {0};
    int status;

    if (n == 0)
        status = usage(what);
    else if (!args_parse(&a, options, COUNT(options), n, words))
        status = fail("%s", a.why);
    else if (args_has(&a, HELP))
        status = usage(what);
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else
        status = check(&a) || parse_question(&a, &q) || run(&a, &q);
    rules_fini(&q.rules);
    args_fini(&a);
    return status;
}
