/* kfk groups --describe: how far a group has read, and who reads. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

/* A line: a partition that a member has (NULL: nobody), or of which the group has committed an
 * offset. Its end is the offset in |ends|. */
typedef struct line {
    const kfk_group_member *member;
    const char *topic;
    int32_t partition;
    const kfk_tp *committed; /* NULL: nothing */
} line;

typedef struct table {
    const kfk_group_description *group;
    groups_tps committed, ends;
    line *lines;
    size_t n;
} table;

/* ---- which lines ---- */

static int by_partition(const void *a, const void *b)
{
    const line *x = a, *y = b;
    int order = strcmp(x->topic, y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static line line_of(table *t, const kfk_group_member *m, const kfk_tp *tp)
{
    kfk_tp *committed = groups_tps_find(&t->committed, tp->topic, tp->partition);

    if (committed)
        committed->opaque = t; /* somebody has it */
    return (line){m, tp->topic, tp->partition, committed};
}

static void add_member(table *t, const kfk_group_member *m)
{
    line *first = t->lines + t->n;

    for (size_t i = 0; i < m->n_assigned; i++)
        t->lines[t->n++] = line_of(t, m, &m->assigned[i]);
    qsort(first, m->n_assigned, sizeof *first, by_partition);
}

/* Those who have most come first; among equals, in the order of the broker. */
static void add_members(table *t)
{
    const kfk_group_description *d = t->group;
    size_t most = 0;

    for (size_t i = 0; i < d->n_members; i++)
        if (d->members[i]->n_assigned > most)
            most = d->members[i]->n_assigned;
    while (most > 0) {
        size_t next = 0;

        for (size_t i = 0; i < d->n_members; i++) {
            if (d->members[i]->n_assigned == most)
                add_member(t, d->members[i]);
            else if (d->members[i]->n_assigned < most && d->members[i]->n_assigned > next)
                next = d->members[i]->n_assigned;
        }
        most = next;
    }
}

static void add_rest(table *t)
{
    line *first = t->lines + t->n;

    for (size_t i = 0; i < t->committed.n; i++) {
        const kfk_tp *tp = &t->committed.v[i];

        if (!tp->opaque)
            t->lines[t->n++] = (line){NULL, tp->topic, tp->partition, tp};
    }
    qsort(first, (size_t)(t->lines + t->n - first), sizeof *first, by_partition);
}

/* ---- where the logs end ---- */

/* Of those that have a leader. */
static int find_ends(groups *g, table *t)
{
    groups_tps all = {0};
    kfk_topics *topics = NULL;
    int status;

    for (size_t i = 0; i < t->n; i++)
        (void)groups_tps_add(&all, t->lines[i].topic, t->lines[i].partition, 0);
    status = groups_topics_of(g, &all, WRAPPED, &topics);
    for (size_t i = 0; !status && i < all.n; i++) {
        const kfk_partition *p = groups_partition(topics, all.v[i].topic, all.v[i].partition);

        if (p && p->leader >= 0)
            (void)groups_tps_add(&t->ends, all.v[i].topic, all.v[i].partition, 0);
    }
    if (!status)
        status = groups_log_offsets(g, &t->ends, KFK_OFFSET_LATEST, false);
    kfk_topics_free(topics);
    groups_tps_fini(&all);
    return status;
}

/* ---- printing ---- */

typedef struct widths {
    int group, topic, id, host;
} widths;

static int wider(int width, const char *text)
{
    int len = (int)strlen(text);

    return len > width ? len : width;
}

static widths measure(const table *t)
{
    widths w = {wider(15, t->group->group), 15, 15, 15};

    for (size_t i = 0; i < t->n; i++) {
        w.topic = wider(w.topic, t->lines[i].topic);
        if (!t->lines[i].member)
            continue;
        w.id = wider(w.id, t->lines[i].member->id);
        w.host = wider(w.host, t->lines[i].member->host);
    }
    return w;
}

static const char *number(char *out, size_t size, bool given, int64_t value)
{
    if (given)
        (void)snprintf(out, size, "%" PRId64, value);
    else
        (void)snprintf(out, size, "-");
    return out;
}

static void print_line(const table *t, const widths *w, const line *l, bool verbose)
{
    const kfk_tp *c = l->committed, *end = groups_tps_find(&t->ends, l->topic, l->partition);
    char text[24];

    (void)printf("\n%-*s %-*s %-10" PRId32 " ", w->group, t->group->group, w->topic, l->topic,
                 l->partition);
    if (verbose)
        (void)printf("%-15s ", number(text, sizeof text, c && (c->flags & KFK_EPOCH),
                                      c ? c->leader_epoch : -1));
    (void)printf("%-15s ", number(text, sizeof text, c != NULL, c ? c->offset : -1));
    (void)printf("%-15s ", number(text, sizeof text, end != NULL, end ? end->offset : -1));
    (void)printf("%-15s ",
                 number(text, sizeof text, c && end, c && end ? end->offset - c->offset : -1));
    (void)printf("%-*s %-*s %s", w->id, l->member ? l->member->id : "-", w->host,
                 l->member ? l->member->host : "-", l->member ? l->member->client : "-");
}

static void print(const table *t, bool verbose)
{
    widths w = measure(t);

    (void)printf("\n%-*s %-*s %-10s ", w.group, "GROUP", w.topic, "TOPIC", "PARTITION");
    if (verbose)
        (void)printf("%-15s ", "LEADER-EPOCH");
    (void)printf("%-15s %-15s %-15s %-*s %-*s %s", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", w.id,
                 "CONSUMER-ID", w.host, "HOST", "CLIENT-ID");
    for (size_t i = 0; i < t->n; i++)
        print_line(t, &w, &t->lines[i], verbose);
    (void)printf("\n");
}

/* ---- the whole ---- */

static int collect(groups *g, table *t)
{
    size_t room;
    int status = groups_committed(g, t->group->group, &t->committed);

    if (status)
        return status;
    room = t->committed.n;
    for (size_t i = 0; i < t->group->n_members; i++)
        room += t->group->members[i]->n_assigned;
    t->lines = groups_alloc(room, sizeof *t->lines);
    add_members(t);
    add_rest(t);
    return find_ends(g, t);
}

/* All is asked for before a line is printed. */
static int describe_offsets(groups *g, const kfk_group_descriptions *d)
{
    table *tables = groups_alloc(d->n, sizeof *tables);
    int status = 0;

    for (size_t i = 0; !status && i < d->n; i++) {
        tables[i].group = d->groups[i];
        status = collect(g, &tables[i]);
    }
    for (size_t i = 0; !status && i < d->n; i++)
        if (groups_print_state(d->groups[i], &status) && tables[i].n > 0)
            print(&tables[i], args_has(g->args, VERBOSE));
    for (size_t i = 0; i < d->n; i++) {
        groups_tps_fini(&tables[i].committed);
        groups_tps_fini(&tables[i].ends);
        free(tables[i].lines);
    }
    free(tables);
    return status;
}

/* What another client has written and nobody can read counts for nothing. */
static void warn_of_nonsense(const kfk_group_descriptions *d)
{
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < d->groups[i]->n_members; k++)
            if (d->groups[i]->members[k]->err)
                (void)tool_fail("WARN What member %s of group %s has cannot be read [%s]",
                                d->groups[i]->members[k]->id, d->groups[i]->group,
                                kfk_err_name(d->groups[i]->members[k]->err));
}

int groups_describe(groups *g)
{
    kfk_group_descriptions *d = NULL;
    groups_names names;
    int status = groups_find(g, &names);

    if (!status)
        status = groups_describe_all(g, &names, WITH_CLASS, false, &d);
    if (!status) {
        groups_sort(d);
        warn_of_nonsense(d);
    }
    if (!status && args_has(g->args, MEMBERS))
        status = groups_print_members(g, d);
    else if (!status && args_has(g->args, STATE))
        status = groups_print_states(g, d);
    else if (!status)
        status = describe_offsets(g, d);
    kfk_group_descriptions_free(d);
    groups_names_fini(&names);
    return status;
}
