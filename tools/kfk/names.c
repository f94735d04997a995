/* Which topics --topic and --exclude-internal mean. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topics.h"

/* Kafka's tool takes a list for an expression too, and quotes away that a properties file may have
 * left. */
static void expression(const char *text, char *out, size_t size)
{
    char list[4096];
    size_t from = 0, len = 0;

    for (; *text && len < sizeof list; text++)
        if (*text != ' ')
            list[len++] = *text == ',' ? '|' : *text;
    while (from < len && strchr("\"'", list[from]))
        from++;
    while (len > from && strchr("\"'", list[len - 1]))
        len--;
    if (from < len)
        (void)snprintf(out, size, "^(%.*s)$", (int)(len - from), list + from);
    else
        (void)snprintf(out, size, "^$"); /* "()" is not an expression */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int match(topics *t, const char *topic, topics_names *out)
{
    bool no_internal = args_has(t->args, EXCLUDE_INTERNAL);
    char text[4096 + 8];
    regex_t re;

    if (topic)
        expression(topic, text, sizeof text);
    if (topic && regcomp(&re, text, REG_EXTENDED | REG_NOSUB))
        return topics_fail("%s is an invalid regex.", topic);
    for (size_t i = 0; i < out->all->n; i++) {
        const kfk_topic *each = out->all->topics[i];

        if (no_internal && each->internal)
            continue;
        if (!topic || regexec(&re, each->name, 0, NULL, 0) == 0)
            out->v[out->n++] = each->name;
    }
    if (topic)
        regfree(&re);
    qsort(out->v, out->n, sizeof *out->v, by_name);
    return 0;
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
    return out->v ? match(t, topic, out) : tool_fail("out of memory");
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
