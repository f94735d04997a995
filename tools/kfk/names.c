/* Which topics --topic and --exclude-internal mean. */
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "topics.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* |x| NULL: all. */
static void match(const topics *t, const expression *x, topics_names *out)
{
    bool no_internal = args_has(t->args, EXCLUDE_INTERNAL);

    for (size_t i = 0; i < out->all->n; i++) {
        const kfk_topic *each = out->all->topics[i];

        if (each->internal && no_internal)
            continue;
        if (!x || expression_matches(x, each->name))
            out->v[out->n++] = each->name;
    }
    qsort(out->v, out->n, sizeof *out->v, by_name);
}

static int match_text(const topics *t, const char *topic, topics_names *out)
{
    char *text = expression_of_list(topic);
    expression x;
    int status = 0;

    if (!text)
        return tool_fail("out of memory");
    if (expression_init(&x, text)) {
        match(t, &x, out);
        expression_fini(&x);
    } else {
        status = topics_fail("%s is an invalid regex.", text);
    }
    free(text);
    return status;
}

int topics_find(topics *t, topics_names *out)
{
    const char *topic;

    *out = (topics_names){0};
    if (!args_one(t->args, TOPIC, &topic))
        return topics_fail("%s", t->args->why);
    if (kfk_admin_list_topics(t->admin, -1, &out->all, &t->e))
        return topics_fail_error(t);
    out->v = calloc(out->all->n + 1, sizeof *out->v);
    if (!out->v)
        return tool_fail("out of memory");
    if (topic)
        return match_text(t, topic, out);
    match(t, NULL, out);
    return 0;
}

int topics_find_existing(topics *t, topics_names *out)
{
    const char *topic = NULL;
    int status = topics_find(t, out);

    if (status || out->n > 0 || args_has(t->args, IF_EXISTS))
        return status;
    (void)args_one(t->args, TOPIC, &topic);
    return topic && *topic ? topics_fail("Topic '%s' does not exist as expected", topic) : 0;
}

void topics_names_fini(topics_names *names)
{
    free(names->v);
    kfk_topics_free(names->all);
}
