/* kfk groups: kafka-consumer-groups. */
#include "groups.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exception.h"
#include "re2.h"

static const args_option options[] = {
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED, but for --validate-regex: brokers to ask first"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the client"},
    [TIMEOUT] = {"timeout", ARGS_VALUE, "ms", "how long each step may take; 30000 without it"},
    [LIST] = {"list", ARGS_NOTHING, NULL, "names of groups"},
    [DESCRIBE] = {"describe", ARGS_NOTHING, NULL,
                  "what groups have read and who reads; or --members, --state"},
    [DELETE] = {"delete", ARGS_NOTHING, NULL, "delete groups without members, and their offsets"},
    [RESET_OFFSETS] = {"reset-offsets", ARGS_NOTHING, NULL,
                       "have groups without members go on from elsewhere"},
    [DELETE_OFFSETS] = {"delete-offsets", ARGS_NOTHING, NULL, "forget what a group has read"},
    [VALIDATE_REGEX] = {"validate-regex", ARGS_VALUE, "regex",
                        "whether brokers can read a regular expression"},
    [GROUP] = {"group", ARGS_VALUE, "group", "a group; again for more"},
    [ALL_GROUPS] = {"all-groups", ARGS_NOTHING, NULL, "all groups"},
    [TOPIC] = {"topic", ARGS_VALUE, "topic[:0,1]",
               "a topic, or some of its partitions; again for more"},
    [ALL_TOPICS] = {"all-topics", ARGS_NOTHING, NULL, "all that the group has read"},
    [MEMBERS] = {"members", ARGS_NOTHING, NULL, "--describe: who is in the group"},
    [OFFSETS] = {"offsets", ARGS_NOTHING, NULL, "--describe: what has been read, as without it"},
    [STATE] = {"state", ARGS_OPTIONAL, "states",
               "--describe: the group as such; --list: states, or groups that are in these"},
    [VERBOSE] = {"verbose", ARGS_NOTHING, NULL, "--describe: more columns"},
    [TYPE] = {"type", ARGS_OPTIONAL, "types", "--list: types, or groups that are of these"},
    [TO_OFFSET] = {"to-offset", ARGS_VALUE, "offset", "--reset-offsets: to this one"},
    [TO_EARLIEST] = {"to-earliest", ARGS_NOTHING, NULL, "... where the logs begin"},
    [TO_LATEST] = {"to-latest", ARGS_NOTHING, NULL, "... where they end"},
    [TO_CURRENT] = {"to-current", ARGS_NOTHING, NULL, "... where the group is"},
    [TO_DATETIME] = {"to-datetime", ARGS_VALUE, "time",
                     "... to what came at YYYY-MM-DDThh:mm:ss.sss or later"},
    [BY_DURATION] = {"by-duration", ARGS_VALUE, "duration",
                     "... the same, by so long ago: PnDTnHnMnS"},
    [SHIFT_BY] = {"shift-by", ARGS_VALUE, "number", "... so many records on, or back if below 0"},
    [FROM_FILE] = {"from-file", ARGS_VALUE, "file", "... as a file of --export says"},
    [DRY_RUN] = {"dry-run", ARGS_NOTHING, NULL, "only say what would be, as without --execute"},
    [EXECUTE] = {"execute", ARGS_NOTHING, NULL, "do it"},
    [EXPORT] = {"export", ARGS_NOTHING, NULL, "print it as lines of a file"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

/* ---- what has failed ---- */

static void say_error(const char *head, const char *fmt, va_list ap)
{
    (void)printf("\nError: %s", head);
    (void)vprintf(fmt, ap);
    (void)printf("\n");
}

void groups_say_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say_error("", fmt, ap);
    va_end(ap);
}

int groups_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say_error("Executing consumer group command failed due to ", fmt, ap);
    va_end(ap);
    return GROUPS_ENDED;
}

const char *groups_text(kfk_err err, const char *text)
{
    switch (err) {
    case KFK_ERR_GROUP_ID_NOT_FOUND:
        return "The group id does not exist.";
    case KFK_ERR_NON_EMPTY_GROUP:
        return "The group is not empty.";
    case KFK_ERR_GROUP_SUBSCRIBED_TO_TOPIC:
        return "Deleting offsets of a topic is forbidden while the consumer group is actively "
               "subscribed to it.";
    case KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION:
        return "This server does not host this topic-partition.";
    case KFK_ERR_UNKNOWN_MEMBER_ID:
        return "The coordinator is not aware of this member.";
    case KFK_ERR_INVALID_GROUP_ID:
        return "The configured groupId is invalid.";
    case KFK_ERR_GROUP_AUTHORIZATION_FAILED:
        return "Group authorization failed.";
    case KFK_ERR_TOPIC_AUTHORIZATION_FAILED:
        return "Topic authorization failed.";
    case KFK_ERR_UNSUPPORTED_VERSION:
        return "The version of API is not supported.";
    default:
        return text;
    }
}

const char *groups_exception(kfk_err err, const char *text, char *out, size_t size)
{
    char name[EXCEPTION_MAX];

    (void)snprintf(out, size, "%s: %s", exception_class(err, name), text);
    return out;
}

static int fail_text(groups_depth depth, kfk_err err, const char *text)
{
    char what[1024];

    if (depth == ONLY_TEXT)
        return groups_fail("%s", text);
    return groups_fail("%s%s", depth == WRAPPED ? "java.util.concurrent.ExecutionException: " : "",
                       groups_exception(err, text, what, sizeof what));
}

int groups_fail_code(groups_depth depth, kfk_err err, const char *text)
{
    return fail_text(depth, err, groups_text(err, text));
}

int groups_fail_error(const groups *g, groups_depth depth)
{
    if (tool_verbose)
        (void)tool_fail_error("kfk groups", &g->e);
    return groups_fail_code(depth, g->e.code, g->e.msg);
}

int groups_usage(const char *fmt, ...)
{
    char why[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return tool_usage(options, COUNT(options), "%s", why);
}

/* ---- memory ---- */

void *groups_alloc(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);

    if (!p)
        exit(tool_fail("out of memory"));
    return p;
}

char *groups_copy(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        exit(tool_fail("out of memory"));
    return copy;
}

/* ---- which groups ---- */

int groups_find_all(groups *g, groups_names *out)
{
    static const char *const types[] = {"classic", "consumer"}, *const protocols[] = {"",
                                                                                      "consumer"};
    kfk_group_filter f = {.struct_size = sizeof f,
                          .types = types,
                          .n_types = COUNT(types),
                          .protocols = protocols,
                          .n_protocols = COUNT(protocols)};

    *out = (groups_names){0};
    if (kfk_admin_list_groups(g->admin, &f, g->timeout_ms, &out->all, &g->e))
        return groups_fail_error(g, WRAPPED);
    out->v = groups_alloc(out->all->n, sizeof *out->v);
    for (; out->n < out->all->n; out->n++)
        out->v[out->n] = out->all->groups[out->n]->group;
    return 0;
}

static bool has_name(const groups_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i], name) == 0)
            return true;
    return false;
}

int groups_find(groups *g, groups_names *out)
{
    int n = args_count(g->args, GROUP);

    *out = (groups_names){0};
    if (args_has(g->args, ALL_GROUPS))
        return groups_find_all(g, out);
    out->v = groups_alloc((size_t)n, sizeof *out->v);
    for (int i = 0; i < n; i++)
        if (!has_name(out, args_at(g->args, GROUP, i)))
            out->v[out->n++] = args_at(g->args, GROUP, i);
    return 0;
}

void groups_names_fini(groups_names *names)
{
    free(names->v);
    kfk_group_listings_free(names->all);
}

static int fail_group(groups_depth depth, const kfk_group_description *d)
{
    char text[512];

    if (tool_verbose)
        (void)tool_fail("kfk groups: %s [%s]", d->msg, kfk_err_name(d->err));
    if (d->err != KFK_ERR_GROUP_ID_NOT_FOUND)
        return groups_fail_code(depth, d->err, d->msg);
    (void)snprintf(text, sizeof text, "Group %s not found.", d->group);
    return fail_text(depth, d->err, text);
}

/* A group of another protocol is none of consumers. */
static int check_protocol(groups_depth depth, const kfk_group_description *d)
{
    char text[512];

    if (!d->protocol_type[0] || strcmp(d->protocol_type, "consumer") == 0)
        return 0;
    (void)snprintf(text, sizeof text, "GroupId %s is not a consumer group (%s).", d->group,
                   d->protocol_type);
    return fail_text(depth, KFK_ERR_INVALID_ARG, text);
}

int groups_describe_all(groups *g, const groups_names *names, groups_depth depth, bool absent,
                        kfk_group_descriptions **out)
{
    int status = 0;

    if (kfk_admin_describe_groups(g->admin, names->v, names->n, g->timeout_ms, out, &g->e))
        return groups_fail_error(g, depth);
    for (size_t i = 0; !status && i < (*out)->n; i++) {
        const kfk_group_description *d = (*out)->groups[i];

        if (d->err && !(absent && d->err == KFK_ERR_GROUP_ID_NOT_FOUND))
            status = fail_group(depth, d);
        else
            status = check_protocol(depth, d);
    }
    return status;
}

/* ---- the command line ---- */

/* |used| does not go with the others, up to one below 0. */
static bool clash(const args *a, int used, const int *others)
{
    for (; args_has(a, used) && *others >= 0; others++) {
        if (*others == used || !args_has(a, *others))
            continue;
        (void)groups_usage("Option \"[%s]\" can't be used with option \"[%s]\"", options[used].name,
                           options[*others].name);
        return true;
    }
    return false;
}

static bool any_clash(const args *a)
{
    static const int ways[] = {TO_OFFSET,  TO_DATETIME, BY_DURATION, TO_EARLIEST, TO_LATEST,
                               TO_CURRENT, SHIFT_BY,    FROM_FILE,   -1};
    static const int not_all[] = {ALL_GROUPS, -1}, not_group[] = {LIST, -1},
                     not_topic[] = {LIST, DESCRIBE, -1};

    for (int i = 0; args_has(a, RESET_OFFSETS) && ways[i] >= 0; i++)
        if (clash(a, ways[i], ways))
            return true;
    return clash(a, GROUP, not_all) || clash(a, GROUP, not_group) || clash(a, TOPIC, not_topic);
}

/* Options that are there beside others only. */
static int check_available(const args *a)
{
    static const int of_describe[] = {MEMBERS, OFFSETS, VERBOSE, -1};
    const char *name = NULL;

    for (int i = 0; of_describe[i] >= 0; i++)
        if (!args_has(a, DESCRIBE) && args_has(a, of_describe[i]))
            name = options[of_describe[i]].name;
    if (args_has(a, STATE) && !args_has(a, DESCRIBE) && !args_has(a, LIST))
        name = options[STATE].name;
    if (args_has(a, TYPE) && !args_has(a, LIST))
        name = options[TYPE].name;
    return name
               ? tool_fail("Option(s) [%s] are unavailable given other options on the command line",
                           name)
               : 0;
}

static bool names_groups(const args *a)
{
    return args_has(a, GROUP) || args_has(a, ALL_GROUPS);
}

static int check_describe(args *a)
{
    static const int views[] = {MEMBERS, OFFSETS, STATE, -1};
    const char *state = NULL;

    if (!names_groups(a))
        return groups_usage("Option [describe] takes one of these options: [group], [all-groups]");
    if (tool_given(a, views) > 1)
        return groups_usage("Option [describe] takes at most one of these options: [members], "
                            "[offsets], [state]");
    if (!args_one(a, STATE, &state))
        return tool_fail("%s", a->why);
    return state ? groups_usage("Option [describe] does not take a value for [state]") : 0;
}

static int check_delete(const args *a)
{
    if (!names_groups(a))
        return groups_usage("Option [delete] takes one of these options: [group], [all-groups]");
    if (args_has(a, TOPIC))
        return groups_usage("The consumer does not support topic-specific offset deletion from a "
                            "consumer group.");
    return 0;
}

static int check_reset(const args *a)
{
    if (args_has(a, DRY_RUN) && args_has(a, EXECUTE))
        return groups_usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]");
    if (!args_has(a, DRY_RUN) && !args_has(a, EXECUTE))
        (void)tool_fail(
            "WARN: No action will be performed as the --execute option is missing. In "
            "version 5.0, this command will require either --dry-run or --execute to be "
            "specified. You should add the --dry-run option explicitly if you are "
            "scripting this command and want to keep the current default behavior "
            "without prompting.");
    if (!names_groups(a))
        return groups_usage("Option [reset-offsets] takes one of these options: [group], "
                            "[all-groups]");
    return 0;
}

static int check(args *a)
{
    static const int actions[] = {LIST,           DESCRIBE,       DELETE, RESET_OFFSETS,
                                  DELETE_OFFSETS, VALIDATE_REGEX, -1};
    int status = 0;

    if (!args_has(a, VALIDATE_REGEX) && !args_has(a, BOOTSTRAP_SERVER))
        return groups_usage("Missing required argument \"[bootstrap-server]\"");
    if (args_has(a, DESCRIBE))
        status = check_describe(a);
    if (!status && args_has(a, DELETE))
        status = check_delete(a);
    if (!status && args_has(a, DELETE_OFFSETS) && (!args_has(a, GROUP) || !args_has(a, TOPIC)))
        status = groups_usage("Option [delete-offsets] takes the following options: [group], "
                              "[topic]");
    if (!status && args_has(a, RESET_OFFSETS))
        status = check_reset(a);
    if (status || any_clash(a))
        return 1;
    if (tool_given(a, actions) != 1)
        return groups_usage(
            "Command must include exactly one action: --list, --describe, --delete, "
            "--reset-offsets, --delete-offsets, --validate-regex");
    return 0;
}

/* ---- the handles ---- */

static int connect_admin(groups *g)
{
    const char *servers, *file = NULL;
    FILE *f;

    g->config = tool_config();
    if (!args_one(g->args, BOOTSTRAP_SERVER, &servers) || !args_one(g->args, COMMAND_CONFIG, &file))
        return groups_fail("%s", g->args->why);
    f = file ? fopen(file, "r") : NULL;
    if (file && !f)
        return groups_fail("java.nio.file.NoSuchFileException: %s", file);
    if (f)
        (void)fclose(f);
    if (!tool_load(g->config, g->args, COMMAND_CONFIG) ||
        !tool_set(g->config, "bootstrap.servers", servers) ||
        !tool_set(g->config, "consumer.isolation.level", "read_uncommitted"))
        return groups_fail("Failed to create new KafkaAdminClient");
    if (kfk_admin_new(&g->admin, g->config, &g->e))
        return groups_fail_error(g, ONLY_TEXT);
    return 0;
}

/* Numbers are looked at whatever is to be done. Of several --to-offset the first counts. */
static int read_numbers(groups *g)
{
    int64_t number, timeout = 30000;
    const char *text;

    for (int i = 0; i < args_count(g->args, TO_OFFSET); i++) {
        text = args_at(g->args, TO_OFFSET, i);
        if (!args_integer(text, INT64_MIN, INT64_MAX, &number))
            return groups_fail("Cannot parse argument '%s' of option to-offset", text);
    }
    if (!args_one(g->args, BY_DURATION, &text) ||
        !args_number(g->args, SHIFT_BY, INT64_MIN, INT64_MAX, &number) ||
        !args_number(g->args, TIMEOUT, INT64_MIN, INT64_MAX, &timeout))
        return groups_fail("%s", g->args->why);
    g->timeout_ms = timeout < 0 ? 0 : timeout < INT32_MAX ? (int)timeout : INT32_MAX;
    return 0;
}

static int run(args *a)
{
    groups g = {.args = a};
    int status = connect_admin(&g);

    if (!status)
        status = read_numbers(&g);
    if (!status && args_has(a, LIST))
        status = groups_list(&g);
    else if (!status && args_has(a, DESCRIBE))
        status = groups_describe(&g);
    else if (!status && args_has(a, DELETE))
        status = groups_delete(&g);
    else if (!status && args_has(a, RESET_OFFSETS))
        status = groups_reset(&g);
    else if (!status)
        status = groups_delete_offsets(&g);
    kfk_consumer_free(g.consumer);
    kfk_admin_free(g.admin);
    kfk_config_free(g.config);
    return status == GROUPS_ENDED ? 0 : status;
}

static int validate(args *a)
{
    const char *text, *why;

    if (!args_one(a, VALIDATE_REGEX, &text))
        return tool_fail("%s", a->why);
    why = re2_fault(text);
    if (why)
        (void)printf("The regular expression `%s` is invalid: %s.\n", text, why);
    else
        (void)printf("The regular expression `%s` is valid.\n", text);
    return 0;
}

int groups_command(int n, char *const *words)
{
    static const char what[] = "Lists, describes and deletes groups of consumers, and changes from "
                               "where on they read.";
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words) || check_available(&a))
        status = a.why[0] ? tool_fail("%s", a.why) : 1;
    else if (n == 0 || args_has(&a, HELP))
        status = groups_usage("%s", what);
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else if (check(&a))
        status = 1;
    else
        status = args_has(&a, VALIDATE_REGEX) ? validate(&a) : run(&a);
    args_fini(&a);
    return status;
}
