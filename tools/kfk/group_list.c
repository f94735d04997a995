/* kfk groups --list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "groups.h"

static const char *const states[] = {
    "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty",
    "Assigning",          "Reconciling"};
static const char *const types[] = {"Classic", "Consumer", "Share", "Streams"};
enum { OF_CONSUMERS = 2 /* types */ };

static const char *find(const char *const *v, int n, const char *name, size_t len)
{
    for (int i = 0; i < n; i++)
        if (strlen(v[i]) == len && strncasecmp(v[i], name, len) == 0)
            return v[i];
    return NULL;
}

const char *groups_state(const char *state)
{
    const char *known = find(states, COUNT(states), state, strlen(state));

    if (strcasecmp(state, "NotReady") == 0)
        return "NotReady";
    return known ? known : "Unknown";
}

const char *groups_type(const char *type)
{
    const char *known = find(types, COUNT(types), type, strlen(type));

    return known ? known : "Unknown";
}

/* A list of words, each of which is one of |known|. NULL: one is not. free(). */
static const char **parse(const char *list, const char *const *known, int n_known, size_t *n)
{
    const char **out = groups_alloc(strlen(list) + 1, sizeof *out);
    const char *at = list;

    *n = 0;
    for (;;) {
        size_t blanks = strspn(at, " \t"), len = strcspn(at, ",");
        size_t end = len;

        while (end > blanks && strchr(" \t", at[end - 1]))
            end--;
        out[*n] = find(known, n_known, at + blanks, end > blanks ? end - blanks : 0);
        if (!out[*n]) {
            free(out);
            return NULL;
        }
        ++*n;
        if (!at[len])
            return out;
        at += len + 1;
    }
}

/* What --state or --type lets pass; without a value: everything. */
static int read_filter(groups *g, int option, const char *const *known, int n_known,
                       const char ***v, size_t *n)
{
    const char *list = NULL;

    if (!args_one(g->args, option, &list))
        return groups_fail("%s", g->args->why);
    if (!list || !*list)
        return 0;
    *v = parse(list, known, n_known, n);
    if (*v)
        return 0;
    if (option == TYPE)
        return groups_usage("Invalid types list '%s'. Valid types are: Classic, Consumer", list);
    return groups_usage("Invalid state list '%s'. Valid states are: PreparingRebalance, "
                        "CompletingRebalance, Stable, Dead, Empty, Assigning, Reconciling",
                        list);
}

/* NULL: there is no such column. */
static void print_row(int width, const char *group, const char *type, const char *state)
{
    (void)printf("%-*s", width, group);
    if (type)
        (void)printf(" %-20s", type);
    if (state)
        (void)printf(" %-20s", state);
    (void)printf("\n");
}

static void print(const groups *g, const kfk_group_listings *l)
{
    bool type = args_has(g->args, TYPE), state = args_has(g->args, STATE);
    int width = 15;

    for (size_t i = 0; i < l->n; i++)
        if ((int)strlen(l->groups[i]->group) > width)
            width = (int)strlen(l->groups[i]->group);
    width += 10;
    print_row(width, "GROUP", type ? "TYPE" : NULL, state ? "STATE" : NULL);
    for (size_t i = 0; i < l->n; i++)
        print_row(width, l->groups[i]->group, type ? groups_type(l->groups[i]->type) : NULL,
                  state ? groups_state(l->groups[i]->state) : NULL);
}

static int list_filtered(groups *g)
{
    static const char *const protocols[] = {"", "consumer"};
    const char **in_states = NULL, **of_types = NULL;
    kfk_group_filter f = {
        .struct_size = sizeof f, .protocols = protocols, .n_protocols = COUNT(protocols)};
    kfk_group_listings *l = NULL;
    int status = read_filter(g, TYPE, types, OF_CONSUMERS, &of_types, &f.n_types);

    if (!status)
        status = read_filter(g, STATE, states, COUNT(states), &in_states, &f.n_states);
    f.types = of_types;
    f.states = in_states;
    if (!status && kfk_admin_list_groups(g->admin, &f, g->timeout_ms, &l, &g->e))
        status = groups_fail_error(g, WITH_CLASS);
    if (!status)
        print(g, l);
    kfk_group_listings_free(l);
    free(in_states);
    free(of_types);
    return status;
}

int groups_list(groups *g)
{
    static const int filters[] = {STATE, TYPE, -1};
    groups_names names;
    int status;

    if (tool_given(g->args, filters) > 0)
        return list_filtered(g);
    status = groups_find_all(g, &names);
    for (size_t i = 0; !status && i < names.n; i++)
        (void)printf("%s\n", names.v[i]);
    groups_names_fini(&names);
    return status;
}
