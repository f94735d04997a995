/* kfk groups --describe --members and --state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

static int wider(int width, const char *text)
{
    int len = (int)strlen(text);

    return len > width ? len : width;
}

/* ---- what is true of all views ---- */

static int by_name(const void *a, const void *b)
{
    const kfk_group_description *const *x = a, *const *y = b;

    return strcmp((*x)->group, (*y)->group);
}

void groups_sort(kfk_group_descriptions *d)
{
    qsort((void *)(uintptr_t)d->groups, d->n, sizeof *d->groups, by_name);
}

bool groups_print_state(const kfk_group_description *d, int *status)
{
    const char *state = groups_state(d->state);

    if (strcmp(state, "Dead") == 0)
        groups_say_error("Consumer group '%s' does not exist.", d->group);
    else if (strcmp(state, "Empty") == 0)
        (void)tool_fail("\nConsumer group '%s' has no active members.", d->group);
    else if (strstr("PreparingRebalance CompletingRebalance Assigning Reconciling", state))
        (void)tool_fail("\nWarning: Consumer group '%s' is rebalancing.", d->group);
    else if (strcmp(state, "Stable") != 0)
        *status = groups_fail("Expected a valid consumer group state, but found '%s'.", state);
    return !*status && strcmp(state, "Dead") != 0;
}

/* ---- members ---- */

static int by_partition(const void *a, const void *b)
{
    const kfk_tp *x = a, *y = b;
    int order = strcmp(x->topic, y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

/* "t:0,1;u:0"; "-" of nothing. free(). */
static char *assignment_text(const kfk_tp *tps, size_t n)
{
    kfk_tp *sorted = groups_alloc(n, sizeof *sorted);
    char *text, *at;
    size_t room = 2;

    for (size_t i = 0; i < n; i++) {
        sorted[i] = tps[i];
        room += strlen(tps[i].topic) + 16;
    }
    qsort(sorted, n, sizeof *sorted, by_partition);
    text = at = groups_alloc(room, 1);
    (void)strcpy(text, n ? "" : "-");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(sorted[i].topic, sorted[i - 1].topic) == 0)
            at += sprintf(at, ",%d", (int)sorted[i].partition);
        else
            at += sprintf(at, "%s%s:%d", i ? ";" : "", sorted[i].topic, (int)sorted[i].partition);
    }
    free(sorted);
    return text;
}

/* The columns of a table, and which there are. */
typedef struct columns {
    int group, id, instance, host, client, assigned, target;
    bool has_instance, verbose, upgraded;
} columns;

/* A row's texts; NULL: the member is a headline. */
typedef struct row {
    const char *group, *id, *instance, *host, *client, *partitions;
    const char *epoch, *assigned, *target_epoch, *target, *upgraded;
} row;

static void print_row(const columns *c, const row *r)
{
    (void)printf("%-*s %-*s ", c->group, r->group, c->id, r->id);
    if (c->has_instance)
        (void)printf("%-*s ", c->instance, r->instance);
    (void)printf("%-*s %-*s %-15s ", c->host, r->host, c->client, r->client, r->partitions);
    if (c->verbose)
        (void)printf("%-15s %-*s %-15s %-*s", r->epoch, c->assigned, r->assigned, r->target_epoch,
                     c->target, r->target);
    if (c->verbose && c->upgraded)
        (void)printf(" %s", r->upgraded);
    (void)printf("\n");
}

static const char *number(char *out, size_t size, int32_t value)
{
    (void)snprintf(out, size, value < 0 ? "-" : "%d", (int)value);
    return out;
}

static void print_member(const columns *c, const kfk_group_description *d,
                         const kfk_group_member *m, const char *assigned, const char *target)
{
    char partitions[24], epoch[16], target_epoch[16];
    row r = {d->group,
             m->id,
             m->instance ? m->instance : "",
             m->host,
             m->client,
             partitions,
             number(epoch, sizeof epoch, m->epoch),
             assigned,
             number(target_epoch, sizeof target_epoch, d->assignment_epoch),
             target,
             m->upgraded < 0 ? "-"
             : m->upgraded   ? "true"
                             : "false"};

    (void)snprintf(partitions, sizeof partitions, "%zu", m->n_assigned);
    print_row(c, &r);
}

static columns measure(const groups *g, const kfk_group_description *d, char *const *assigned,
                       char *const *target)
{
    columns c = {15, 15, 17, 15, 15, 20, 20, false, args_has(g->args, VERBOSE), false};
    bool classic = false, modern = false;

    for (size_t i = 0; i < d->n_members; i++) {
        const kfk_group_member *m = d->members[i];

        c.group = wider(c.group, d->group);
        c.id = wider(c.id, m->id);
        c.instance = wider(c.instance, m->instance ? m->instance : "");
        c.has_instance |= m->instance && *m->instance;
        c.host = wider(c.host, m->host);
        c.client = wider(c.client, m->client);
        c.assigned = wider(c.assigned, assigned[i]);
        c.target = wider(c.target, target[i]);
        classic |= m->upgraded == 0;
        modern |= m->upgraded == 1;
    }
    c.upgraded = classic && modern;
    return c;
}

static void print_table(const groups *g, const kfk_group_description *d)
{
    static const row head = {
        "GROUP",        "CONSUMER-ID",       "GROUP-INSTANCE-ID", "HOST",
        "CLIENT-ID",    "#PARTITIONS",       "CURRENT-EPOCH",     "CURRENT-ASSIGNMENT",
        "TARGET-EPOCH", "TARGET-ASSIGNMENT", "UPGRADED"};
    char **assigned = groups_alloc(d->n_members, sizeof *assigned);
    char **target = groups_alloc(d->n_members, sizeof *target);
    columns c;

    for (size_t i = 0; i < d->n_members; i++) {
        assigned[i] = assignment_text(d->members[i]->assigned, d->members[i]->n_assigned);
        target[i] = assignment_text(d->members[i]->target, d->members[i]->n_target);
    }
    c = measure(g, d, assigned, target);
    (void)printf("\n");
    print_row(&c, &head);
    for (size_t i = 0; i < d->n_members; i++) {
        print_member(&c, d, d->members[i], assigned[i], target[i]);
        free(assigned[i]);
        free(target[i]);
    }
    free(assigned);
    free(target);
}

int groups_print_members(groups *g, const kfk_group_descriptions *d)
{
    int status = 0;

    for (size_t i = 0; !status && i < d->n; i++) {
        (void)groups_print_state(d->groups[i], &status);
        if (!status)
            print_table(g, d->groups[i]);
    }
    return status;
}

/* ---- states ---- */

static void print_group(const kfk_group_description *d, bool verbose)
{
    const char *assignor = *d->assignor ? d->assignor : "-", *state = groups_state(d->state);
    char coordinator[320], epoch[16], target[16];
    int group = wider(15, d->group), width;

    (void)snprintf(coordinator, sizeof coordinator, "%s:%d  (%d)", d->host, (int)d->port,
                   (int)d->coordinator);
    width = wider(25, coordinator);
    (void)printf("\n%-*s %-*s %-20s %-20s ", group, "GROUP", width, "COORDINATOR (ID)",
                 "ASSIGNMENT-STRATEGY", "STATE");
    if (verbose)
        (void)printf("%-15s %-25s ", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH");
    (void)printf("%s", "#MEMBERS");
    (void)printf("\n%-*s %-*s %-20s %-20s ", group, d->group, width, coordinator, assignor, state);
    if (verbose)
        (void)printf("%-15s %-25s ", number(epoch, sizeof epoch, d->epoch),
                     number(target, sizeof target, d->assignment_epoch));
    (void)printf("%zu\n", d->n_members);
}

int groups_print_states(groups *g, const kfk_group_descriptions *d)
{
    int status = 0;

    for (size_t i = 0; !status && i < d->n; i++)
        if (groups_print_state(d->groups[i], &status))
            print_group(d->groups[i], args_has(g->args, VERBOSE));
    return status;
}
