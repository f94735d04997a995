/* The partitions that kfk groups is about: as the command line names them, as topics have them, as
 * a group has committed them; and what their logs have. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

/* ---- partitions ---- */

/* Where a partition is, or belongs. */
static size_t place_of(const groups_tps *tps, const char *topic, int32_t partition)
{
    size_t from = 0, to = tps->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = strcmp(tps->v[mid].topic, topic);

        if (order < 0 || (order == 0 && tps->v[mid].partition < partition))
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static bool is_at(const groups_tps *tps, size_t at, const char *topic, int32_t partition)
{
    return at < tps->n && tps->v[at].partition == partition && strcmp(tps->v[at].topic, topic) == 0;
}

kfk_tp *groups_tps_find(const groups_tps *tps, const char *topic, int32_t partition)
{
    size_t at = place_of(tps, topic, partition);

    return is_at(tps, at, topic, partition) ? &tps->v[at] : NULL;
}

kfk_tp *groups_tps_add(groups_tps *tps, const char *topic, int32_t partition, int64_t offset)
{
    size_t at = place_of(tps, topic, partition);
    kfk_tp *v;

    if (is_at(tps, at, topic, partition))
        return &tps->v[at];
    v = realloc(tps->v, (tps->n + 1) * sizeof *v);
    if (!v)
        exit(tool_fail("out of memory"));
    tps->v = v;
    memmove(v + at + 1, v + at, (tps->n - at) * sizeof *v);
    tps->n++;
    v[at] = (kfk_tp){
        .topic = groups_copy(topic), .partition = partition, .offset = offset, .leader_epoch = -1};
    return &v[at];
}

void groups_tps_fini(groups_tps *tps)
{
    for (size_t i = 0; i < tps->n; i++)
        free((void *)(uintptr_t)tps->v[i].topic);
    free(tps->v);
    *tps = (groups_tps){0};
}

/* ---- topic:0,1 ---- */

static int add_number(const char *text, const char *topic, const char *digits, groups_tps *out)
{
    int64_t partition;

    if (!args_integer(digits, INT32_MIN, INT32_MAX, &partition))
        return groups_usage("Invalid partition '%s' specified in topic arg '%s''", digits, text);
    (void)groups_tps_add(out, topic, (int32_t)partition, 0);
    return 0;
}

/* Empty pieces at the end of a list count for nothing. */
static void cut_end(char *list, char separator)
{
    size_t len = strlen(list);

    while (len > 0 && list[len - 1] == separator)
        list[--len] = '\0';
}

int groups_parse_partitions(const char *text, groups_tps *out)
{
    char *copy = groups_copy(text), *colon, *next;
    int status = 0;

    cut_end(copy, ':');
    colon = strchr(copy, ':');
    if (!colon || strchr(colon + 1, ':')) {
        free(copy);
        return groups_usage("Invalid topic arg '%s', expected topic name and partitions", text);
    }
    *colon = '\0';
    next = colon + 1;
    cut_end(next, ',');
    if (!*next && colon[1] == '\0' && text[strlen(text) - 1] == ',')
        next = NULL; /* commas only: no partitions */
    while (!status && next)
        status = add_number(text, copy, strsep(&next, ","), out);
    free(copy);
    return status;
}

/* ---- topics ---- */

int groups_topics(groups *g, const char *const *names, size_t n, kfk_topics **out)
{
    if (kfk_admin_describe_topics(g->admin, names, n, NULL, g->timeout_ms, out, &g->e))
        return groups_fail_error(g, WRAPPED);
    return 0;
}

int groups_topics_of(groups *g, const groups_tps *tps, groups_depth depth, kfk_topics **out)
{
    const char **names = groups_alloc(tps->n, sizeof *names);
    size_t n = 0;
    int status;

    for (size_t i = 0; i < tps->n; i++)
        if (n == 0 || strcmp(names[n - 1], tps->v[i].topic) != 0)
            names[n++] = tps->v[i].topic;
    status = groups_topics(g, names, n, out);
    for (size_t i = 0; !status && i < (*out)->n; i++)
        if ((*out)->topics[i]->err)
            status = groups_fail_code(depth, (*out)->topics[i]->err,
                                      kfk_err_str((*out)->topics[i]->err));
    free(names);
    return status;
}

const kfk_partition *groups_partition(const kfk_topics *topics, const char *topic,
                                      int32_t partition)
{
    for (size_t i = 0; i < topics->n; i++) {
        const kfk_topic *t = topics->topics[i];

        if (strcmp(t->name, topic) != 0)
            continue;
        for (size_t k = 0; k < t->n_partitions; k++)
            if (t->partitions[k]->partition == partition)
                return t->partitions[k];
    }
    return NULL;
}

/* ---- offsets ---- */

int groups_committed(groups *g, const char *group, groups_tps *out)
{
    const kfk_group_offsets *o;
    kfk_groups_offsets *all;
    int status = 0;

    if (kfk_admin_group_offsets(g->admin, &group, 1, 0, g->timeout_ms, &all, &g->e))
        return groups_fail_error(g, WRAPPED);
    o = all->groups[0];
    if (o->err)
        status = groups_fail_code(WRAPPED, o->err, o->msg);
    for (size_t i = 0; !status && i < o->n; i++) {
        kfk_tp *tp;

        if (o->tps[i].err || !(o->tps[i].flags & KFK_OFFSET))
            continue;
        tp = groups_tps_add(out, o->tps[i].topic, o->tps[i].partition, o->tps[i].offset);
        tp->flags = o->tps[i].flags;
        tp->leader_epoch = o->tps[i].leader_epoch;
    }
    kfk_groups_offsets_free(all);
    return status;
}

int groups_log_offsets(groups *g, groups_tps *tps, int64_t place, bool is_time)
{
    if (tps->n == 0)
        return 0;
    if (!g->consumer && kfk_consumer_new(&g->consumer, g->config, &g->e))
        return groups_fail_error(g, WRAPPED);
    for (size_t i = 0; i < tps->n; i++) {
        tps->v[i].offset = place;
        tps->v[i].flags = is_time ? KFK_TIMESTAMP : 0;
    }
    if (kfk_consumer_list_offsets(g->consumer, tps->v, tps->n, g->timeout_ms, &g->e))
        return groups_fail_error(g, WRAPPED);
    return 0;
}
