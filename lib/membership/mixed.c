#include "membership/mixed.h"

#include "membership/order.h"

typedef struct mixed {
    const kfk__roster *r;
    const kfk__claims *claims;
    const kfk__racks *racks; /* NULL: they do not matter */
    int32_t *holder;
    int32_t *count; /* what each member has */
    int32_t *all;   /* partitions, those of the topics with the fewest readers first */
    int32_t *fresh; /* those of them that nobody kept, in the same order */
    int32_t n_fresh;
    int32_t *moved_from; /* where a partition was before it was moved, or KFK__NOBODY */
    int32_t *n_gone;     /* how many such there are of each member */
    bool took;           /* something was taken from a member that owned it */
} mixed;

static void give(mixed *x, int32_t p, int32_t member)
{
    x->holder[p] = member;
    x->count[member]++;
}

/* The reader of topic |t| that has the least, the first of them; KFK__NOBODY: it has none. */
static int32_t poorest(const mixed *x, int32_t t)
{
    int32_t best = KFK__NOBODY;

    for (size_t i = x->r->readers_of[t]; i < x->r->readers_of[t + 1]; i++)
        if (best == KFK__NOBODY || x->count[x->r->readers[i]] < x->count[best])
            best = x->r->readers[i];
    return best;
}

/* The same of those that are not in another rack than partition |p|. */
static int32_t poorest_near(const mixed *x, int32_t p)
{
    int32_t t = x->r->topic_of[p], best = KFK__NOBODY;

    for (size_t i = x->r->readers_of[t]; i < x->r->readers_of[t + 1]; i++) {
        int32_t m = x->r->readers[i];

        if ((best == KFK__NOBODY || x->count[m] < x->count[best]) &&
            !kfk__racks_differ(x->racks, m, p))
            best = m;
    }
    return best;
}

/* ---- keep ---- */

static void keep_all(mixed *x)
{
    for (int32_t p = 0; p < x->r->n_partitions; p++) {
        int32_t m = x->claims->owner[p];

        if (m == KFK__NOBODY)
            continue;
        if (!kfk__roster_reads(x->r, m, x->r->topic_of[p]) ||
            (x->racks && kfk__racks_differ(x->racks, m, p)))
            x->took = true;
        else
            give(x, p, m);
    }
}

static int by_readers(const void *context, int32_t a, int32_t b)
{
    const kfk__roster *r = context;
    int32_t x = kfk__roster_n_readers(r, a), y = kfk__roster_n_readers(r, b);

    return (x > y) - (x < y); /* topics are in the order of their names */
}

static bool line_up(mixed *x)
{
    size_t n = (size_t)x->r->n_topics;
    int32_t *topics = kfk__roster_numbers(x->r, n, 0), *space = kfk__roster_numbers(x->r, n, 0);
    int32_t at = 0;

    if (!topics || !space)
        return false;
    for (int32_t t = 0; t < x->r->n_topics; t++)
        topics[t] = t;
    kfk__order_sort(topics, space, n, by_readers, x->r);
    for (int32_t t = 0; t < x->r->n_topics; t++)
        for (int32_t p = x->r->first[topics[t]]; p < x->r->first[topics[t] + 1]; p++)
            x->all[at++] = p;
    for (int32_t i = 0; i < at; i++)
        if (x->holder[x->all[i]] == KFK__NOBODY)
            x->fresh[x->n_fresh++] = x->all[i];
    return true;
}

/* ---- near, rest ---- */

static void give_fresh(mixed *x)
{
    for (int32_t i = 0; x->racks && i < x->n_fresh; i++) {
        int32_t m = poorest_near(x, x->fresh[i]);

        if (m != KFK__NOBODY)
            give(x, x->fresh[i], m);
    }
    for (int32_t i = 0; i < x->n_fresh; i++)
        if (x->holder[x->fresh[i]] == KFK__NOBODY)
            give(x, x->fresh[i], poorest(x, x->r->topic_of[x->fresh[i]]));
}

/* ---- even out ---- */

static bool richer_by_two(const mixed *x, int32_t a, int32_t b)
{
    return x->count[a] > x->count[b] + 1;
}

/* The partition to move where |p| is to go to |to|: another of the topic that had come from there,
 * to where |p| was at first; best one that |to| owned. */
static int32_t instead(const mixed *x, int32_t p, int32_t to)
{
    int32_t t = x->r->topic_of[p], best = p;
    int32_t from = x->moved_from[p] == KFK__NOBODY ? x->holder[p] : x->moved_from[p];

    if (x->n_gone[to] == 0 || !richer_by_two(x, from, to))
        return p;
    for (int32_t q = x->r->first[t]; q < x->r->first[t + 1]; q++) {
        if (x->moved_from[q] != to || x->holder[q] != from)
            continue;
        if (x->claims->owner[q] == to)
            return q;
        if (best == p)
            best = q;
    }
    return best;
}

static void move(mixed *x, int32_t p, int32_t to)
{
    int32_t from;

    p = instead(x, p, to);
    from = x->holder[p];
    if (x->moved_from[p] == KFK__NOBODY) {
        x->moved_from[p] = from;
        x->n_gone[from]++;
    } else if (x->moved_from[p] == to) {
        x->moved_from[p] = KFK__NOBODY;
        x->n_gone[to]--;
    }
    x->count[from]--;
    give(x, p, to);
}

/* Where the partition was before, if to move it back there evens out; or KFK__NOBODY. */
static int32_t way_back(const mixed *x, int32_t p)
{
    int32_t m = x->claims->former[p];

    if (m == KFK__NOBODY || !kfk__roster_reads(x->r, m, x->r->topic_of[p]) ||
        !richer_by_two(x, x->holder[p], m))
        return KFK__NOBODY;
    return m;
}

/* Whether it moved anything. The poorest reader of a topic stays that until something moves. */
static bool even_out_once(mixed *x, const int32_t *v, int32_t n)
{
    int32_t topic = -1, poor = KFK__NOBODY;
    bool moved = false;

    for (int32_t i = 0; i < n; i++) {
        int32_t p = v[i], to = way_back(x, p);

        if (x->r->topic_of[p] != topic) {
            topic = x->r->topic_of[p];
            poor = poorest(x, topic);
        }
        if (to == KFK__NOBODY && richer_by_two(x, x->holder[p], poor))
            to = poor;
        if (to == KFK__NOBODY)
            continue;
        move(x, p, to);
        moved = true;
        topic = -1;
    }
    return moved;
}

static void even_out(mixed *x, const int32_t *v, int32_t n)
{
    while (even_out_once(x, v, n))
        ;
}

static bool set_out(mixed *x)
{
    size_t partitions = (size_t)x->r->n_partitions;

    x->count = kfk__roster_numbers(x->r, (size_t)x->r->n_members, 0);
    x->all = kfk__roster_numbers(x->r, partitions, 0);
    x->fresh = kfk__roster_numbers(x->r, partitions, 0);
    x->moved_from = kfk__roster_numbers(x->r, partitions, KFK__NOBODY);
    x->n_gone = kfk__roster_numbers(x->r, (size_t)x->r->n_members, 0);
    return x->count && x->all && x->fresh && x->moved_from && x->n_gone;
}

kfk_err kfk__mixed_decide(const kfk__roster *r, const kfk__claims *claims, const kfk__racks *racks,
                          int32_t *holder)
{
    mixed x = {.r = r, .claims = claims, .racks = racks, .holder = holder};

    if (!set_out(&x))
        return KFK_ERR_NOMEM;
    keep_all(&x);
    if (!line_up(&x))
        return KFK_ERR_NOMEM;
    give_fresh(&x);
    if (!x.took)
        even_out(&x, x.fresh, x.n_fresh);
    even_out(&x, x.all, r->n_partitions);
    return KFK_OK;
}
