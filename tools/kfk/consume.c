/* kfk consume: kafka-console-consumer. Without a group it assigns its partitions itself. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "console.h"
#include "expression.h"
#include "group_ids.h"
#include "pairs.h"
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
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "what to read; or the next"},
    [INCLUDE] = {"include", ARGS_VALUE, "expression",
                 "all topics that this regular expression matches"},
    [WHITELIST] = {"whitelist", ARGS_VALUE, "expression", "--include of old"},
    [PARTITION] = {"partition", ARGS_VALUE, "number",
                   "only this one; from its end, unless --offset is given"},
    [OFFSET] = {"offset", ARGS_VALUE, "offset", "a number, earliest or latest; with --partition"},
    [CONSUMER_PROPERTY] = {"consumer-property", ARGS_VALUE, "name=value",
                           "--command-property of old"},
    [COMMAND_PROPERTY] = {"command-property", ARGS_VALUE, "name=value",
                          "a property of the consumer; again for more"},
    [CONSUMER_CONFIG] = {"consumer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the consumer"},
    [FORMATTER] = {"formatter", ARGS_VALUE, "class",
                   "Kafka's default formatter, its logging one or the one that prints nothing"},
    [PROPERTY] = {"property", ARGS_VALUE, "name=value", "--formatter-property of old"},
    [FORMATTER_PROPERTY] =
        {"formatter-property", ARGS_VALUE, "name=value",
         "print.timestamp print.partition print.offset print.delivery print.epoch print.headers "
         "print.key print.value key.separator line.separator headers.separator null.literal "
         "key.deserializer value.deserializer headers.deserializer"},
    [FORMATTER_CONFIG] = {"formatter-config", ARGS_VALUE, "file", "a file of them, one a line"},
    [FROM_BEGINNING] = {"from-beginning", ARGS_NOTHING, NULL, "from the start of the log"},
    [MAX_MESSAGES] = {"max-messages", ARGS_VALUE, "number", "end after so many"},
    [TIMEOUT_MS] = {"timeout-ms", ARGS_VALUE, "ms", "end when nothing has come for so long"},
    [SKIP_MESSAGE_ON_ERROR] = {"skip-message-on-error", ARGS_NOTHING, NULL,
                               "go on behind a record that cannot be read or printed"},
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [KEY_DESERIALIZER] = {"key-deserializer", ARGS_VALUE, "class",
                          "one of Kafka's own: String, Integer, UUID, ..."},
    [VALUE_DESERIALIZER] = {"value-deserializer", ARGS_VALUE, "class", "the same"},
    [ENABLE_SYSTEST_EVENTS] = {"enable-systest-events", ARGS_NOTHING, NULL,
                               "say at the end that it is there"},
    [ISOLATION_LEVEL] = {"isolation-level", ARGS_VALUE, "level",
                         "read_uncommitted, read_committed"},
    [GROUP] = {"group", ARGS_VALUE, "group", "the group to be a member of"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

static const tool_property properties[] = {
    {ISOLATION_LEVEL, "isolation.level", "read_uncommitted"},
    {BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
    {-1, NULL, NULL},
};

/* ---- the consumer ---- */

static bool check_reset(const kfk_config *c, const args *a)
{
    const char *reset = kfk_config_get(c, "auto.offset.reset");

    if (!args_has(a, FROM_BEGINNING) || strcmp(reset, "earliest") == 0)
        return true;
    (void)tool_fail("Can't simultaneously specify --from-beginning and 'auto.offset.reset=%s', "
                    "please remove one option",
                    reset);
    return false;
}

/* Wherever the group is named, it has to be the same. */
static bool set_group(kfk_config *c, const args *a, const group_ids *g)
{
    char ids[1024];

    group_ids_text(g, ids, sizeof ids);
    if (g->n > 1)
        return !tool_usage(options, COUNT(options),
                           "The group ids provided in different places (directly using '--group', "
                           "via '--consumer-property', or via '--consumer.config') do not match. "
                           "Detected group ids: %s",
                           ids);
    if (g->n > 0 && args_has(a, PARTITION))
        return !tool_usage(options, COUNT(options),
                           "Options group and partition cannot be specified together.");
    return tool_set_group(c, g->n > 0 ? g->v[0] : NULL);
}

static bool set_all(kfk_config *c, args *a, group_ids *g)
{
    const char *reset = args_has(a, FROM_BEGINNING) ? "earliest" : "latest", *group = NULL;

    if (args_has(a, GROUP) && !args_one(a, GROUP, &group))
        return !tool_fail("%s", a->why);
    group_ids_add(g, group);
    if (!tool_set(c, "client.id", "console-consumer") || !tool_set(c, "auto.offset.reset", reset) ||
        !tool_set_defaults(c, properties) || !tool_load(c, a, CONSUMER_CONFIG) ||
        !tool_load(c, a, COMMAND_CONFIG))
        return false;
    group_ids_add(g, kfk_config_get(c, "group.id"));
    if (!tool_set_pairs(c, a, CONSUMER_PROPERTY) || !tool_set_pairs(c, a, COMMAND_PROPERTY) ||
        !tool_set_given(c, a, properties))
        return false;
    group_ids_add(g, kfk_config_get(c, "group.id"));
    return set_group(c, a, g);
}

static kfk_config *make_config(args *a)
{
    kfk_config *c = tool_config();
    group_ids g = {.n = 0};
    bool done = set_all(c, a, &g);

    group_ids_fini(&g);
    if (done)
        return c;
    kfk_config_free(c);
    return NULL;
}

/* ---- the command line ---- */

static int usage(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

/* What may be given by two names, but not by both, and is told of where it is the old one. */
typedef struct renamed {
    int old, now;
} renamed;

static int check_renamed(const args *a, const renamed *r, int n)
{
    for (int i = 0; i < n; i++)
        if (args_has(a, r[i].old) && args_has(a, r[i].now))
            return tool_usage(options, COUNT(options),
                              "Options --%s and --%s cannot be specified together.",
                              options[r[i].old].name, options[r[i].now].name);
    for (int i = 0; i < n; i++)
        if (args_has(a, r[i].old))
            (void)printf("Option --%s is deprecated and will be removed in a future version. Use "
                         "--%s instead.\n",
                         options[r[i].old].name, options[r[i].now].name);
    return 0;
}

static int check(const args *a)
{
    static const renamed names[] = {{CONSUMER_PROPERTY, COMMAND_PROPERTY},
                                    {CONSUMER_CONFIG, COMMAND_CONFIG}};
    static const int topics[] = {TOPIC, INCLUDE, WHITELIST, -1};

    if (tool_given(a, topics) != 1)
        return usage("Exactly one of the following arguments is required: [topic], [include]");
    if (args_has(a, PARTITION) && !args_has(a, TOPIC))
        return usage("The topic is required when partition is specified.");
    if (args_has(a, PARTITION) && args_has(a, FROM_BEGINNING) && args_has(a, OFFSET))
        return usage("Options from-beginning and offset cannot be specified together.");
    if (!args_has(a, PARTITION) && args_has(a, OFFSET))
        return usage("The partition is required when offset is specified.");
    if (!args_has(a, BOOTSTRAP_SERVER))
        return usage("Missing required argument \"[bootstrap-server]\"");
    return check_renamed(a, names, COUNT(names));
}

static bool parse_offset(const char *text, int64_t *offset)
{
    if (strcasecmp(text, "earliest") == 0 || strcasecmp(text, "latest") == 0) {
        *offset = strcasecmp(text, "latest") == 0 ? KFK_OFFSET_LATEST : KFK_OFFSET_EARLIEST;
        return true;
    }
    return args_integer(text, 0, INT64_MAX, offset);
}

static int parse_scope(args *a, scope *s)
{
    const char *offset = NULL;

    s->partition = -1;
    s->offset = args_has(a, FROM_BEGINNING) ? KFK_OFFSET_EARLIEST : KFK_OFFSET_LATEST;
    if (!args_one(a, TOPIC, &s->topic) || !args_number(a, PARTITION, 0, INT32_MAX, &s->partition) ||
        !args_one(a, OFFSET, &offset))
        return usage(a->why);
    if (offset && !parse_offset(offset, &s->offset))
        return tool_usage(options, COUNT(options),
                          "The provided offset value '%s' is incorrect. Valid values are "
                          "'earliest', 'latest', or a non-negative long.",
                          offset);
    if (s->topic && !*s->topic)
        return tool_fail("ERROR Unknown error when running consumer: the topic has no name");
    return 0;
}

static int parse_limits(args *a, console *c)
{
    c->most = c->timeout_ms = -1;
    c->skip = args_has(a, SKIP_MESSAGE_ON_ERROR);
    c->events = args_has(a, ENABLE_SYSTEST_EVENTS);
    if (!args_number(a, MAX_MESSAGES, INT32_MIN, INT32_MAX, &c->most) ||
        !args_number(a, TIMEOUT_MS, INT64_MIN, INT64_MAX, &c->timeout_ms))
        return usage(a->why);
    if (c->most < -1)
        c->most = 0; /* as there */
    return 0;
}

/* ---- the formatter ---- */

static bool set_pair(void *arg, const char *pair)
{
    format_set(arg, pair);
    return true;
}

static void set_pairs(format *f, const args *a, int option)
{
    for (int i = 0; i < args_count(a, option); i++)
        format_set(f, args_at(a, option, i));
}

static void set_class(format *f, const args *a, int option, const char *name)
{
    const char *class = args_at(a, option, 0);
    static char pairs[2][512];
    char *pair = pairs[option == VALUE_DESERIALIZER];

    if (!class || !*class)
        return;
    (void)snprintf(pair, sizeof pairs[0], "%s=%s", name, class);
    format_set(f, pair);
}

static int make_format(format *f, const args *a)
{
    static const renamed names[] = {{PROPERTY, FORMATTER_PROPERTY}};

    format_init(f);
    if ((args_has(a, FORMATTER) && !format_choose(f, args_at(a, FORMATTER, 0))) ||
        check_renamed(a, names, COUNT(names)))
        return 1;
    if (args_has(a, FORMATTER_CONFIG) && !pairs_each(args_at(a, FORMATTER_CONFIG, 0), set_pair, f))
        return 1;
    set_class(f, a, KEY_DESERIALIZER, "key.deserializer");
    set_class(f, a, VALUE_DESERIALIZER, "value.deserializer");
    set_pairs(f, a, PROPERTY);
    set_pairs(f, a, FORMATTER_PROPERTY);
    return format_check(f) ? 0 : 1;
}

/* ---- the command ---- */

static int run_matches(args *a, console *c, const kfk_config *config)
{
    int option = args_has(a, INCLUDE) ? INCLUDE : WHITELIST, status = 1;
    kfk_config *admin_config;
    const char *text;
    expression x;

    if (!args_one(a, option, &text))
        return tool_fail("%s", a->why);
    if (!*text || !expression_init(&x, text))
        return tool_fail("ERROR Unknown error when running consumer: %s is no regular expression "
                         "that can be used here",
                         text);
    tool_only(KFK_ROLE_ADMIN);
    admin_config = make_config(a);
    tool_only(0);
    c->reader.scope.include = &x;
    c->reader.scope.admin_config = admin_config;
    if (admin_config)
        status = console_run(c, config);
    kfk_config_free(admin_config);
    expression_fini(&x);
    return status;
}

static int run(args *a)
{
    console c = {.n = 0};
    kfk_config *config = make_config(a);
    int status = !config || !check_reset(config, a) || parse_scope(a, &c.reader.scope) ||
                 parse_limits(a, &c) || make_format(&c.format, a);

    if (!status)
        c.reader.scope.member = kfk_config_get(config, "group.id") != NULL;
    if (!status)
        status = args_has(a, TOPIC) ? console_run(&c, config) : run_matches(a, &c, config);
    kfk_config_free(config);
    return status;
}

int consume_command(int n, char *const *words)
{
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
        status = check(&a) ? 1 : run(&a);
    args_fini(&a);
    return status;
}
