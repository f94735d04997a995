/* Groups by chance, and groups that are the same in another order. */
#ifndef TESTS_MEMBERSHIP_CHOSEN_H
#define TESTS_MEMBERSHIP_CHOSEN_H

#include "groups.h"

enum { ALIKE = 1, IN_RACKS = 2, OWNING = 4, CONTESTED = 8 };

typedef struct shape {
    int32_t members, topics, partitions; /* as many at most */
    unsigned how;
} shape;

static uint64_t state = 20260101;

static inline int32_t below(int32_t n)
{
    return (int32_t)(chance(&state) % (uint64_t)n);
}

static inline kfk_bytes named(const char *what, int32_t i)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%s%d", what, (int)i);

    return keep_bytes(text, (size_t)n);
}

static inline void choose_racks(kfk__assign_topic *t)
{
    kfk__assign_racks *v = keep(((size_t)t->n_partitions + 1) * sizeof *v);

    for (int32_t p = 0; p < t->n_partitions; p++) {
        kfk_bytes *of = keep(3 * sizeof *of);

        v[p] = (kfk__assign_racks){of, below(3)};
        for (int32_t i = 0; i < v[p].n; i++)
            of[i] = named("r", below(4));
    }
    t->racks = v;
}

static inline void choose_topics(const shape *s)
{
    group.n_topics = 1 + below(s->topics);
    for (int32_t t = 0; t < group.n_topics; t++) {
        topics[t] = (kfk__assign_topic){.name = named("t", t * 37 % 100),
                                        .n_partitions = below(s->partitions + 1)};
        if (s->how & IN_RACKS)
            choose_racks(&topics[t]);
    }
}

static inline void choose_member(const shape *s, int32_t m)
{
    kfk_bytes *names = keep(((size_t)group.n_topics + 1) * sizeof *names);

    members[m] =
        (kfk__assign_member){.id = named("m", m * 7919 % 10007), .topics = names, .generation = -1};
    if (below(3) == 0)
        members[m].instance = named("i", m * 17 % 101);
    if ((s->how & IN_RACKS) && below(6) > 0)
        members[m].rack = named("r", below(5));
    for (int32_t t = 0; t < group.n_topics; t++)
        if ((s->how & ALIKE) || below(3) > 0)
            names[members[m].n_topics++] = topics[t].name;
    if (!(s->how & ALIKE) && below(9) == 0)
        names[members[m].n_topics++] = keep_bytes("gone", 4);
}

/* Who claims what: of each topic, a member's partitions in one list. */
static inline void choose_owned(const shape *s)
{
    static bool claimed[MOST_PARTITIONS];

    memset(claimed, 0, sizeof claimed);
    for (int32_t m = 0; m < group.n_members; m++) {
        kfk__topic_parts *parts = keep(((size_t)group.n_topics + 1) * sizeof *parts);
        int32_t share = 1 + below(group.n_members);

        members[m].owned = parts;
        members[m].generation = s->how & CONTESTED ? below(4) - 1 : 7;
        for (int32_t t = 0; t < group.n_topics; t++) {
            int32_t *v = keep(((size_t)topics[t].n_partitions + 1) * sizeof *v), n = 0;

            for (int32_t p = 0; p < topics[t].n_partitions; p++) {
                bool *taken = &claimed[first_of(t) + p];

                if (below(share) > 0 || (*taken && !(s->how & CONTESTED)))
                    continue;
                *taken = true;
                v[n++] = p;
            }
            if (n > 0)
                parts[members[m].n_owned++] = (kfk__topic_parts){topics[t].name, v, n};
        }
    }
}

static inline void choose_group(const shape *s)
{
    forget_group();
    choose_topics(s);
    group.n_members = 1 + below(s->members);
    for (int32_t m = 0; m < group.n_members; m++)
        choose_member(s, m);
    if (s->how & OWNING)
        choose_owned(s);
}

/* |i|th of them; over and over it comes to every kind of group. */
static inline void choose_any(int i)
{
    shape s = {.members = 1 + i % 13, .topics = 1 + i % 5, .partitions = 1 + i % 17};

    s.how = (unsigned)i * 7 % 16;
    choose_group(&s);
}

/* ---- what members got becomes what they own ---- */

static inline const kfk__topic_parts *keep_parts(const kfk__topic_parts *from, int32_t n)
{
    kfk__topic_parts *v = keep(((size_t)n + 1) * sizeof *v);

    for (int32_t i = 0; i < n; i++) {
        size_t size = (size_t)from[i].n * sizeof *from[i].v;

        v[i] = from[i];
        v[i].v = memcpy(keep(size), from[i].v, size);
    }
    return v;
}

static inline void take_what_was_given(int32_t generation)
{
    for (int32_t m = 0; m < group.n_members; m++) {
        members[m].owned = keep_parts(answer[m].topics, answer[m].n);
        members[m].n_owned = answer[m].n;
        members[m].generation = generation;
    }
}

#endif
