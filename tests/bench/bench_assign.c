/* bench_assign: what it takes to share out a group's partitions: from nothing, after a member has
 * come, and after one has gone, as far as the assignor remembers.
 *
 * usage: bench_assign [members=N] [topics=N] [partitions=N]      (of each topic)
 *
 * Prints a table, in ms of CPU time. "Mixed": each member leaves out a topic; "racks": members and
 * replicas are in six of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "membership/assignors.h"

enum { RACKS = 6, REPLICAS = 3, NAME = 32, RUNS = 5 };

typedef struct group {
    kfk__assign_member *members;
    kfk__assign_topic *topics;
    int32_t n_members, n_topics;
} group;

static int32_t members = 50, topics = 100, partitions = 100;
static const kfk_bytes racks[RACKS] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"f", 1}};

static void *need(size_t n)
{
    void *p = calloc(1, n + 1);

    if (!p)
        exit(1);
    return p;
}

static kfk_bytes name(const char *what, int32_t i)
{
    char *s = need(NAME);

    (void)snprintf(s, NAME, "%s-%05d", what, (int)i);
    return kfk__bytes_str(s);
}

static const kfk__assign_racks *spread(int32_t t)
{
    kfk__assign_racks *v = need((size_t)partitions * sizeof *v);

    for (int32_t p = 0; p < partitions; p++) {
        kfk_bytes *of = need(REPLICAS * sizeof *of);

        for (int32_t i = 0; i < REPLICAS; i++)
            of[i] = racks[(p * 7 + t + i) % RACKS];
        v[p] = (kfk__assign_racks){of, REPLICAS};
    }
    return v;
}

static group make(bool mixed, bool racked)
{
    group g = {.n_members = members + 1, .n_topics = topics};
    kfk_bytes *names = need((size_t)topics * sizeof *names);

    g.topics = need((size_t)topics * sizeof *g.topics);
    g.members = need((size_t)g.n_members * sizeof *g.members);
    for (int32_t t = 0; t < topics; t++) {
        names[t] = name("topic", t);
        g.topics[t] = (kfk__assign_topic){names[t], partitions, racked ? spread(t) : NULL};
    }
    for (int32_t m = 0; m < g.n_members; m++) {
        kfk_bytes *of = need((size_t)topics * sizeof *of);

        memcpy(of, names, (size_t)topics * sizeof *of);
        of[m % topics] = of[topics - 1];
        g.members[m] = (kfk__assign_member){.id = name("member", m * 7919 % 100000),
                                            .topics = mixed && topics > 1 ? of : names,
                                            .n_topics = topics - (mixed && topics > 1),
                                            .generation = -1};
        if (racked)
            g.members[m].rack = racks[m % RACKS];
    }
    return g;
}

/* What a member got, it says that it owns. */
static void remember(const kfk__assignor *a, group *g, const kfk__assign_share *answer, int32_t n,
                     kfk__arena *arena)
{
    for (int32_t m = 0; m < n; m++) {
        kfk__assign_mine mine = {true, answer[m].n, answer[m].topics, 1};

        g->members[m].owned = answer[m].topics;
        g->members[m].n_owned = answer[m].n;
        g->members[m].generation = 1;
        if (a->user_data && a->user_data(a, &mine, arena, &g->members[m].user_data) != KFK_OK)
            exit(1);
    }
}

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Of the members from |from| on, |n|; the least of some runs. */
static double measure(const kfk__assignor *a, const group *g, int32_t from, int32_t n,
                      kfk__arena *arena, const kfk__assign_share **answer)
{
    kfk__assign_group in = {g->members + from, g->topics, n, g->n_topics};
    double least = 0;
    kfk_error e;

    for (int i = 0; i < RUNS; i++) {
        double began = cpu_ms(), took;

        if (a->assign(a, &in, arena, answer, &e) != KFK_OK)
            exit(1);
        took = cpu_ms() - began;
        least = i == 0 || took < least ? took : least;
    }
    return least;
}

static void row(const char *what, const char *text, bool mixed, bool racked)
{
    const kfk__assignor *a = kfk__assignor_find(kfk__bytes_str(what), NULL, 0);
    group g = make(mixed, racked);
    const kfk__assign_share *answer, *after;
    kfk__arena arena;
    double first, more, less;

    kfk__arena_init(&arena, &kfk__malloc_allocator);
    first = measure(a, &g, 0, members, &arena, &answer);
    remember(a, &g, answer, members, &arena);
    more = measure(a, &g, 0, members + 1, &arena, &after);
    less = measure(a, &g, 1, members - 1, &arena, &after);
    printf("| %s%s | %.1f | %.1f | %.1f |\n", what, text, first, more, less);
    kfk__arena_fini(&arena);
}

static void argument(const char *arg)
{
    const char *value = strchr(arg, '=');
    int32_t n = value ? (int32_t)strtol(value + 1, NULL, 10) : 0;

    if (n > 1 && strncmp(arg, "members=", 8) == 0)
        members = n;
    else if (n > 0 && strncmp(arg, "topics=", 7) == 0)
        topics = n;
    else if (n > 0 && strncmp(arg, "partitions=", 11) == 0)
        partitions = n;
    else
        exit(2);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        argument(argv[i]);
    printf("| %d members, %d topics of %d partitions: ms | from nothing | one more | one less |\n",
           (int)members, (int)topics, (int)partitions);
    printf("|---|---:|---:|---:|\n");
    row("range", "", false, false);
    row("range", ", racks", false, true);
    row("roundrobin", "", false, false);
    row("sticky", "", false, false);
    row("sticky", ", racks", false, true);
    row("sticky", ", mixed", true, false);
    row("sticky", ", mixed, racks", true, true);
    row("cooperative-sticky", "", false, false);
    return 0;
}
