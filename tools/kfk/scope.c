#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEAST_AGE_MS = 100,
    AGAIN_MS = 500 /* until the next look for what was not there */
};

struct scope_topic {
    char *name;
    int32_t n; /* partitions that are read */
};

kfk_err scope_open(scope *s, kfk_consumer *consumer, const kfk_config *c, kfk_error *e)
{
    const char *age = kfk_config_get(c, "metadata.max.age.ms");

    s->consumer = consumer;
    s->max_age_ms = age ? strtoll(age, NULL, 10) : 0;
    if (s->max_age_ms < LEAST_AGE_MS)
        s->max_age_ms = LEAST_AGE_MS;
    return s->include ? kfk_admin_new(&s->admin, s->admin_config, e) : KFK_OK;
}

static void forget_topics(scope *s)
{
    for (size_t i = 0; i < s->n_topics; i++)
        free(s->topics[i].name);
    s->n_topics = 0;
}

void scope_close(scope *s)
{
    kfk_admin_free(s->admin);
    forget_topics(s);
    free(s->topics);
    free(s->fresh);
    s->admin = NULL;
    s->topics = NULL;
    s->fresh = NULL;
}

static void *grow(void *p, size_t n, size_t size)
{
    p = realloc(p, n * size);
    if (!p)
        exit(tool_fail("out of memory"));
    return p;
}

static struct scope_topic *find(scope *s, const char *name)
{
    for (size_t i = 0; i < s->n_topics; i++)
        if (strcmp(s->topics[i].name, name) == 0)
            return &s->topics[i];
    s->topics = grow(s->topics, s->n_topics + 1, sizeof *s->topics);
    s->topics[s->n_topics] = (struct scope_topic){.name = strdup(name)};
    if (!s->topics[s->n_topics].name)
        exit(tool_fail("out of memory"));
    return &s->topics[s->n_topics++];
}

/* The topic has |n| partitions now: those that it did not have before are fresh. */
static void found(scope *s, const char *name, int32_t n)
{
    struct scope_topic *t = find(s, name);

    for (; t->n < n; t->n++) {
        s->fresh = grow(s->fresh, s->n_fresh + 1, sizeof *s->fresh);
        s->fresh[s->n_fresh++] = (kfk_tp){.topic = t->name, .partition = t->n};
    }
}

static kfk_err assign_fresh(scope *s, kfk_error *e)
{
    kfk_err err = KFK_OK;

    if (s->n_fresh && !s->assigned)
        err = kfk_consumer_assign(s->consumer, s->fresh, s->n_fresh, e);
    else if (s->n_fresh)
        err = kfk_consumer_incremental_assign(s->consumer, s->fresh, s->n_fresh, e);
    s->assigned |= s->n_fresh > 0;
    s->n_fresh = 0;
    return err;
}

static kfk_err look_for_partition(scope *s, kfk_error *e)
{
    kfk_tp tp = {.topic = s->topic,
                 .partition = (int32_t)s->partition,
                 .offset = s->offset,
                 .flags = KFK_OFFSET};

    s->look_at_ms = INT64_MAX;
    return kfk_consumer_assign(s->consumer, &tp, 1, e);
}

static kfk_err look_for_topic(scope *s, int wait_ms, kfk_error *e)
{
    int32_t n;
    kfk_err err = kfk_consumer_partitions(s->consumer, s->topic, wait_ms, &n, e);

    if (!err)
        found(s, s->topic, n);
    return err;
}

/* How many partitions these topics have. */
static kfk_err look_at_topics(scope *s, const char *const *names, size_t n, int wait_ms,
                              kfk_error *e)
{
    kfk_topics *described;
    kfk_err err;

    if (n == 0)
        return KFK_OK;
    err = kfk_admin_describe_topics(s->admin, names, n, NULL, wait_ms, &described, e);
    if (err)
        return err;
    for (size_t i = 0; i < described->n; i++) {
        const kfk_topic *t = described->topics[i];

        if (t->err) /* it has gone since, or is just being made */
            s->look_at_ms = tool_now_ms() + AGAIN_MS;
        else
            found(s, t->name, (int32_t)t->n_partitions);
    }
    kfk_topics_free(described);
    return KFK_OK;
}

static bool is_subscribed(const scope *s, const char *const *names, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < s->n_topics; j++)
            found += strcmp(names[i], s->topics[j].name) == 0;
    return n == s->n_topics && found == n;
}

/* Without a name a member stays with what it has. */
static kfk_err subscribe(scope *s, const char *const *names, size_t n, kfk_error *e)
{
    if (n == 0 || is_subscribed(s, names, n))
        return KFK_OK;
    forget_topics(s);
    for (size_t i = 0; i < n; i++)
        (void)find(s, names[i]);
    s->assigned = true;
    return kfk_consumer_subscribe(s->consumer, names, n, s->listener, s->listener_arg, e);
}

static kfk_err look_for_matches(scope *s, int wait_ms, kfk_error *e)
{
    kfk_topics *all;
    const char **names;
    size_t n = 0;
    kfk_err err = kfk_admin_list_topics(s->admin, wait_ms, &all, e);

    if (err)
        return err;
    names = grow(NULL, all->n + 1, sizeof *names);
    for (size_t i = 0; i < all->n; i++)
        if (!all->topics[i]->internal && expression_matches(s->include, all->topics[i]->name))
            names[n++] = all->topics[i]->name;
    err = s->member ? subscribe(s, names, n, e) : look_at_topics(s, names, n, wait_ms, e);
    free(names);
    kfk_topics_free(all);
    return err;
}

kfk_err scope_look(scope *s, int wait_ms, kfk_error *e)
{
    kfk_err err;

    if (tool_now_ms() < s->look_at_ms)
        return KFK_OK;
    if (s->partition >= 0)
        return look_for_partition(s, e);
    if (s->member && s->topic) {
        s->look_at_ms = INT64_MAX;
        return subscribe(s, &s->topic, 1, e);
    }
    s->look_at_ms = tool_now_ms() + s->max_age_ms;
    err = s->include ? look_for_matches(s, wait_ms, e) : look_for_topic(s, wait_ms, e);
    if (err == KFK_ERR_TIMED_OUT || (kfk_err_flags(err) & KFK_RETRIABLE)) {
        if (!s->assigned)
            s->look_at_ms = tool_now_ms() + (err == KFK_ERR_TIMED_OUT ? 0 : AGAIN_MS);
        err = KFK_OK;
    }
    return err ? err : assign_fresh(s, e);
}
