/* kfk topics: kafka-topics. */
#include "topics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const args_option options[] = {
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the client"},
    [LIST] = {"list", ARGS_NOTHING, NULL, "names of topics"},
    [CREATE] = {"create", ARGS_NOTHING, NULL, "make a topic"},
    [DELETE] = {"delete", ARGS_NOTHING, NULL, "delete topics"},
    [ALTER] = {"alter", ARGS_NOTHING, NULL, "give topics more partitions"},
    [DESCRIBE] = {"describe", ARGS_NOTHING, NULL,
                  "topics, their partitions and what is set for them"},
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "a name, and but for --create a regular expression"},
    [TOPIC_ID] = {"topic-id", ARGS_VALUE, "id", "the topic to describe"},
    [CONFIG] = {"config", ARGS_VALUE, "name=value",
                "a property of the topic to make; again for more"},
    [DELETE_CONFIG] = {"delete-config", ARGS_VALUE, "name", "does nothing any more"},
    [PARTITIONS] = {"partitions", ARGS_VALUE, "number", "how many partitions the topic is to have"},
    [REPLICATION_FACTOR] = {"replication-factor", ARGS_VALUE, "number",
                            "how many replicas each of them"},
    [REPLICA_ASSIGNMENT] = {"replica-assignment", ARGS_VALUE, "1:2,2:3",
                            "the brokers of each partition"},
    [UNDER_REPLICATED] = {"under-replicated-partitions", ARGS_NOTHING, NULL,
                          "only those that lack replicas"},
    [UNAVAILABLE] = {"unavailable-partitions", ARGS_NOTHING, NULL, "only those without a leader"},
    [UNDER_MIN_ISR] = {"under-min-isr-partitions", ARGS_NOTHING, NULL,
                       "only those below min.insync.replicas"},
    [AT_MIN_ISR] = {"at-min-isr-partitions", ARGS_NOTHING, NULL,
                    "only those that have just so many"},
    [WITH_OVERRIDES] = {"topics-with-overrides", ARGS_NOTHING, NULL,
                        "only topics with properties of their own"},
    [IF_EXISTS] = {"if-exists", ARGS_NOTHING, NULL, "no error if the topic does not exist"},
    [IF_NOT_EXISTS] = {"if-not-exists", ARGS_NOTHING, NULL, "no error if the topic exists"},
    [EXCLUDE_INTERNAL] = {"exclude-internal", ARGS_NOTHING, NULL, "leave Kafka's own topics out"},
    [SIZE_LIMIT] = {"partition-size-limit-per-response", ARGS_VALUE, "number",
                    "partitions an answer"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

/* ---- results ---- */

int topics_fail(const char *fmt, ...)
{
    va_list ap;

    (void)printf("Error while executing topic command : ");
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)printf("\n");
    return 1;
}

int topics_fail_error(const topics *t)
{
    if (tool_verbose)
        (void)tool_fail_error("kfk topics", &t->e);
    return topics_fail("%s", t->e.msg);
}

/* ---- create ---- */

/* What --create and --alter say of a topic. */
typedef struct wanted {
    const char *topic;
    int64_t partitions, replicas; /* INT64_MIN: not given */
    topics_assignment assignment;
    bool by_hand;
    kfk_setting *configs;
    char **texts; /* what they point into */
    size_t n_configs;
} wanted;

/* "name = value", taken apart in place. */
static int parse_config(char *text, kfk_setting *out)
{
    char *value = strchr(text, '='), *end;

    if (!value || !value[1 + strspn(value + 1, " \t")] || strchr(value + 1, '='))
        return topics_fail("requirement failed: Invalid topic config: all configs to be added must "
                           "be in the format "
                           "\"key=val\".");
    for (end = value; end > text && strchr(" \t", end[-1]); end--)
        ;
    *end = '\0';
    value += 1 + strspn(value + 1, " \t");
    *out = (kfk_setting){text + strspn(text, " \t"), value};
    return 0;
}

static int parse_configs(topics *t, wanted *w)
{
    int n = args_count(t->args, CONFIG), status = 0;

    w->configs = calloc((size_t)n + 1, sizeof *w->configs);
    w->texts = calloc((size_t)n + 1, sizeof *w->texts);
    if (!w->configs || !w->texts)
        return tool_fail("out of memory");
    for (int i = 0; !status && i < n; i++) {
        size_t at = w->n_configs++;

        w->texts[at] = strdup(args_at(t->args, CONFIG, i));
        status =
            w->texts[at] ? parse_config(w->texts[at], &w->configs[at]) : tool_fail("out of memory");
    }
    return status;
}

static int parse_wanted(topics *t, wanted *w)
{
    const char *text = NULL;

    *w = (wanted){.partitions = INT64_MIN, .replicas = INT64_MIN};
    if (!args_one(t->args, TOPIC, &w->topic) ||
        !args_number(t->args, PARTITIONS, INT32_MIN, INT32_MAX, &w->partitions) ||
        !args_number(t->args, REPLICATION_FACTOR, INT32_MIN, INT32_MAX, &w->replicas) ||
        !args_one(t->args, REPLICA_ASSIGNMENT, &text))
        return topics_fail("%s", t->args->why);
    w->by_hand = text && *text;
    if (w->by_hand && topics_assignment_parse(&w->assignment, text))
        return 1;
    return parse_configs(t, w);
}

static void wanted_fini(wanted *w)
{
    topics_assignment_fini(&w->assignment);
    for (size_t i = 0; i < w->n_configs; i++)
        free(w->texts[i]);
    free(w->texts);
    free(w->configs);
}

static kfk_err send_create(topics *t, const wanted *w)
{
    kfk_new_topic topic = {.struct_size = sizeof topic,
                           .name = w->topic,
                           .replicas = w->assignment.partitions,
                           .n_replicas = w->assignment.n,
                           .configs = w->configs,
                           .n_configs = w->n_configs};

    if (w->partitions != INT64_MIN)
        topic.partitions = (int32_t)w->partitions;
    if (w->replicas != INT64_MIN)
        topic.replication_factor = (int32_t)w->replicas;
    return kfk_admin_create_topics(t->admin, &topic, 1, -1, NULL, &t->e);
}

/* Kafka's tool knows the properties of topics itself and looks at them before anything else, so
 * that it does not warn where they are wrong. Here the broker knows them. */
static void warn_of_collisions(const wanted *w, kfk_err err)
{
    if (strpbrk(w->topic, "._") && err != KFK_ERR_INVALID_CONFIG)
        (void)printf("WARNING: Due to limitations in metric names, topics with a period ('.') or "
                     "underscore ('_') "
                     "could collide. To avoid issues it is best to use either, but not both.\n");
}

static int create(topics *t, const wanted *w)
{
    bool defaults = !w->by_hand && (w->partitions == INT64_MIN || w->replicas == INT64_MIN);
    kfk_err err;

    if (w->replicas != INT64_MIN && (w->replicas < 1 || w->replicas > INT16_MAX)) {
        warn_of_collisions(w, KFK_OK);
        return topics_fail("The replication factor must be between 1 and 32767 inclusive");
    }
    if (w->partitions != INT64_MIN && w->partitions < 1) {
        warn_of_collisions(w, KFK_OK);
        return topics_fail("The partitions must be greater than 0");
    }
    if (!*w->topic)
        return topics_fail("The given topic name '' cannot be represented in a request.");
    err = send_create(t, w);
    warn_of_collisions(w, err);
    if (err == KFK_ERR_TOPIC_ALREADY_EXISTS && args_has(t->args, IF_NOT_EXISTS))
        return 0;
    if (err == KFK_ERR_UNSUPPORTED_VERSION && defaults)
        return topics_fail(
            "Creating topics with default partitions/replication factor are only supported in "
            "CreateTopicRequest version 4+. The following topics need values for partitions and "
            "replicas: [%s]",
            w->topic);
    if (err)
        return topics_fail_error(t);
    (void)printf("Created topic %s.\n", w->topic);
    return 0;
}

/* ---- alter, delete, list ---- */

/* The part of the assignment that is about new partitions: what lies behind those there are. */
static int skip_existing(topics *t, const topics_names *names, const wanted *w,
                         kfk_new_partitions *out)
{
    kfk_topics *found;

    if (kfk_admin_describe_topics(t->admin, names->v, names->n, NULL, -1, &found, &t->e))
        return topics_fail_error(t);
    for (size_t i = 0; i < names->n; i++)
        for (size_t k = 0; k < found->n; k++) {
            size_t have = found->topics[k]->n_partitions;

            if (strcmp(found->topics[k]->name, names->v[i]) != 0)
                continue;
            have = have < w->assignment.n ? have : w->assignment.n;
            out[i].replicas = w->assignment.partitions + have;
            out[i].n_replicas = w->assignment.n - have;
        }
    kfk_topics_free(found);
    return 0;
}

static int alter(topics *t, const wanted *w)
{
    kfk_new_partitions *more = NULL;
    topics_names names;
    int status = topics_find_existing(t, &names);

    if (!status && names.n) {
        more = calloc(names.n, sizeof *more);
        status = more ? 0 : tool_fail("out of memory");
    }
    for (size_t i = 0; !status && i < names.n; i++)
        more[i] = (kfk_new_partitions){
            .struct_size = sizeof *more, .topic = names.v[i], .total = (int32_t)w->partitions};
    if (!status && names.n && w->by_hand)
        status = skip_existing(t, &names, w, more);
    if (!status && kfk_admin_create_partitions(t->admin, more, names.n, -1, NULL, &t->e))
        status = topics_fail_error(t);
    free(more);
    topics_names_fini(&names);
    return status;
}

static int create_or_alter(topics *t)
{
    wanted w;
    int status = parse_wanted(t, &w);

    if (!status)
        status = args_has(t->args, CREATE) ? create(t, &w) : alter(t, &w);
    wanted_fini(&w);
    return status;
}

static int delete_topics(topics *t)
{
    topics_names names;
    int status = topics_find_existing(t, &names);

    if (!status && kfk_admin_delete_topics(t->admin, names.v, names.n, -1, NULL, &t->e))
        status = topics_fail_error(t);
    topics_names_fini(&names);
    return status;
}

static int list(topics *t)
{
    topics_names names;
    int status = topics_find(t, &names);

    for (size_t i = 0; !status && i < names.n; i++)
        (void)printf("%s%s", i ? "\n" : "", names.v[i]);
    if (!status)
        (void)printf("\n");
    topics_names_fini(&names);
    return status;
}

/* ---- the command line ---- */

static int usage(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

/* |used| does not go with the others, up to one below 0. */
static bool clash(const args *a, int used, const int *others)
{
    for (; args_has(a, used) && *others >= 0; others++) {
        if (!args_has(a, *others))
            continue;
        (void)tool_usage(options, COUNT(options),
                         "Option \"[%s]\" can't be used with option \"[%s]\"", options[used].name,
                         options[*others].name);
        return true;
    }
    return false;
}

static bool any_clash(const args *a)
{
    static const struct {
        int used, others[6];
    } rules[] = {
        {CONFIG, {LIST, DELETE, DESCRIBE, -1}},
        {PARTITIONS, {LIST, DELETE, DESCRIBE, -1}},
        {REPLICATION_FACTOR, {LIST, DELETE, DESCRIBE, ALTER, -1}},
        {REPLICA_ASSIGNMENT, {LIST, DELETE, DESCRIBE, -1}},
        {UNDER_REPLICATED, {LIST, CREATE, DELETE, ALTER, WITH_OVERRIDES, -1}},
        {UNDER_MIN_ISR, {LIST, CREATE, DELETE, ALTER, WITH_OVERRIDES, -1}},
        {AT_MIN_ISR, {LIST, CREATE, DELETE, ALTER, WITH_OVERRIDES, -1}},
        {UNAVAILABLE, {LIST, CREATE, DELETE, ALTER, WITH_OVERRIDES, -1}},
        {WITH_OVERRIDES, {LIST, CREATE, DELETE, ALTER, -1}},
        {IF_EXISTS, {LIST, CREATE, -1}},
        {IF_NOT_EXISTS, {LIST, DELETE, DESCRIBE, ALTER, -1}},
        {EXCLUDE_INTERNAL, {CREATE, DELETE, ALTER, -1}},
    };
    static const int counts[] = {PARTITIONS, REPLICATION_FACTOR, -1};

    for (int i = 0; i < COUNT(rules); i++)
        if (clash(a, rules[i].used, rules[i].others))
            return true;
    return args_has(a, CREATE) && clash(a, REPLICA_ASSIGNMENT, counts);
}

static bool missing(const args *a, int option)
{
    if (args_has(a, option))
        return false;
    (void)tool_usage(options, COUNT(options), "Missing required argument \"[%s]\"",
                     options[option].name);
    return true;
}

static int check(const args *a)
{
    static const int actions[] = {CREATE, LIST, ALTER, DESCRIBE, DELETE, -1};

    if (tool_given(a, actions) != 1)
        return usage("Command must include exactly one action: --list, --describe, --create, "
                     "--alter or --delete");
    if (args_has(a, DELETE_CONFIG))
        (void)tool_fail("delete-config option is no longer supported and deprecated since version "
                        "4.0. The config "
                        "will be fully removed in future releases.");
    if (!args_has(a, BOOTSTRAP_SERVER))
        return tool_fail("--bootstrap-server must be specified");
    if (args_has(a, DESCRIBE) && args_has(a, IF_EXISTS)) {
        if (!args_has(a, TOPIC) && !args_has(a, TOPIC_ID))
            return usage("--topic or --topic-id is required to describe a topic");
        if (args_has(a, TOPIC) && args_has(a, TOPIC_ID))
            (void)printf("Only topic id will be used when both --topic and --topic-id are "
                         "specified and topicId is "
                         "not Uuid.ZERO_UUID\n");
    }
    if (!args_has(a, LIST) && !args_has(a, DESCRIBE) && missing(a, TOPIC))
        return 1;
    if (args_has(a, ALTER) && args_has(a, CONFIG))
        return usage("Option combination \"[[bootstrap-server], [config]]\" can't be used with "
                     "option \"[alter]\" "
                     "(To alter topic configurations, the kafka-configs tool can be used.)");
    if (args_has(a, ALTER) && missing(a, PARTITIONS))
        return 1;
    return any_clash(a) ? 1 : 0;
}

static kfk_admin *connect_admin(args *a)
{
    kfk_config *c = tool_config();
    const char *servers;
    kfk_admin *admin = NULL;
    kfk_error e;

    if (!args_one(a, BOOTSTRAP_SERVER, &servers))
        (void)tool_fail("%s", a->why);
    else if (tool_load(c, a, COMMAND_CONFIG) && tool_set(c, "bootstrap.servers", servers) &&
             kfk_admin_new(&admin, c, &e))
        (void)tool_fail("%s", e.msg);
    kfk_config_free(c);
    return admin;
}

static int run(args *a)
{
    topics t = {.args = a, .admin = connect_admin(a)};
    int status;

    if (!t.admin)
        return 1;
    if (args_has(a, CREATE) || args_has(a, ALTER))
        status = create_or_alter(&t);
    else if (args_has(a, DELETE))
        status = delete_topics(&t);
    else
        status = args_has(a, LIST) ? list(&t) : topics_describe(&t);
    kfk_admin_free(t.admin);
    return status;
}

int topics_command(int n, char *const *words)
{
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words))
        status = tool_fail("%s", a.why);
    else if (n == 0)
        status = usage("Create, delete, describe, or change a topic.");
    else if (args_has(&a, HELP))
        status = usage("This tool helps to create, delete, describe, or change a topic.");
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else
        status = check(&a) ? 1 : run(&a);
    args_fini(&a);
    return status;
}
