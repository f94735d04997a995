#include "membership/range.h"

#include "membership/order.h"
#include "membership/racks.h"

/* What a topic's readers may still get of it. */
typedef struct quota {
    int32_t each;   /* so many for each reader ... */
    int32_t extra;  /* ... and one more for so many of them */
    int32_t *taken; /* by each reader, in their order */
} quota;

typedef struct range {
    kfk__roster r;
    kfk__racks racks;
    int32_t *holder;
    quota *quotas;
    int32_t *left; /* scratch: readers that may still get something */
} range;

static const int32_t *readers(const range *g, int32_t t)
{
    return g->r.readers + g->r.readers_of[t];
}

/* How many more partitions of topic |t| its |i|th reader may get. */
static int32_t allowed(const range *g, int32_t t, int32_t i)
{
    const quota *q = &g->quotas[t];
    int32_t n = q->each + (q->extra > 0) - q->taken[i];

    return n > 0 ? n : 0;
}

static void give(range *g, int32_t t, int32_t p, int32_t i)
{
    quota *q = &g->quotas[t];

    g->holder[p] = readers(g, t)[i];
    q->taken[i]++;
    if (q->taken[i] > q->each)
        q->extra--;
}

/* A member that is in no rack is near everything. */
static bool is_near(const range *g, int32_t t, int32_t p, int32_t i)
{
    return !kfk__racks_differ(&g->racks, readers(g, t)[i], p);
}

/* To each reader in turn what it may get of what is left. The number is settled before the first is
 * given: it must not change when this reader takes the last extra one. */
static void give_ranges(range *g, int32_t t, bool only_near)
{
    int32_t begin = g->r.first[t], end = g->r.first[t + 1];

    for (int32_t i = 0; i < kfk__roster_n_readers(&g->r, t); i++) {
        int32_t n = allowed(g, t, i);

        while (begin < end && g->holder[begin] != KFK__NOBODY)
            begin++;
        for (int32_t p = begin; n > 0 && p < end; p++) {
            if (g->holder[p] != KFK__NOBODY || (only_near && !is_near(g, t, p, i)))
                continue;
            give(g, t, p, i);
            n--;
        }
    }
}

/* ---- topics of the same readers and as many partitions ---- */

static int by_company(const void *context, int32_t a, int32_t b)
{
    const range *g = context;
    int32_t x = kfk__roster_n_readers(&g->r, a), y = kfk__roster_n_readers(&g->r, b);
    int32_t v = kfk__roster_n_partitions(&g->r, a), w = kfk__roster_n_partitions(&g->r, b);

    if (x != y)
        return x < y ? -1 : 1;
    if (v != w)
        return v < w ? -1 : 1;
    for (int32_t i = 0; i < x; i++)
        if (readers(g, a)[i] != readers(g, b)[i])
            return readers(g, a)[i] < readers(g, b)[i] ? -1 : 1;
    return 0;
}

/* Whether the |i|th reader may get partition |number| of each of the |n| topics, and is near it. */
static bool fits(const range *g, const int32_t *topics, int32_t n, int32_t number, int32_t i)
{
    for (int32_t k = 0; k < n; k++) {
        int32_t t = topics[k];

        if (allowed(g, t, i) == 0 || !is_near(g, t, g->r.first[t] + number, i))
            return false;
    }
    return true;
}

static bool is_full(const range *g, const int32_t *topics, int32_t n, int32_t i)
{
    for (int32_t k = 0; k < n; k++)
        if (allowed(g, topics[k], i) > 0)
            return false;
    return true;
}

/* The same partition of all the topics to one reader, if one fits. */
static void give_together(range *g, const int32_t *topics, int32_t n, int32_t number,
                          int32_t *n_left)
{
    int32_t at = 0, i;

    while (at < *n_left && !fits(g, topics, n, number, g->left[at]))
        at++;
    if (at == *n_left)
        return;
    i = g->left[at];
    for (int32_t k = 0; k < n; k++)
        give(g, topics[k], g->r.first[topics[k]] + number, i);
    if (!is_full(g, topics, n, i))
        return;
    for (--*n_left; at < *n_left; at++)
        g->left[at] = g->left[at + 1];
}

static void give_company(range *g, const int32_t *topics, int32_t n)
{
    int32_t n_left = kfk__roster_n_readers(&g->r, topics[0]);

    for (int32_t i = 0; i < n_left; i++)
        g->left[i] = i;
    for (int32_t number = 0; number < kfk__roster_n_partitions(&g->r, topics[0]); number++)
        give_together(g, topics, n, number, &n_left);
}

static bool in_any_rack(const range *g, int32_t t)
{
    for (int32_t i = 0; i < kfk__roster_n_readers(&g->r, t); i++)
        if (g->racks.of_member[readers(g, t)[i]] != KFK__NO_RACK)
            return true;
    return false;
}

static bool matters(range *g, int32_t t)
{
    return kfk__racks_matter(&g->racks, readers(g, t), (size_t)kfk__roster_n_readers(&g->r, t),
                             g->r.first[t], g->r.first[t + 1]);
}

/* A topic whose readers are all in no rack has no preferences that it could share. */
static void give_near(range *g, const int32_t *topics, int32_t n)
{
    if (n > 1 && in_any_rack(g, topics[0]))
        give_company(g, topics, n);
    else if (n == 1 && matters(g, topics[0]))
        give_ranges(g, topics[0], true);
}

static kfk_err give_all_near(range *g)
{
    size_t n = (size_t)g->r.n_topics;
    int32_t *topics = kfk__roster_numbers(&g->r, n, 0), *space = kfk__roster_numbers(&g->r, n, 0);
    int32_t to;

    g->left = kfk__roster_numbers(&g->r, (size_t)g->r.n_members, 0);
    if (!topics || !space || !g->left)
        return KFK_ERR_NOMEM;
    for (int32_t t = 0; t < g->r.n_topics; t++)
        topics[t] = t;
    kfk__order_sort(topics, space, n, by_company, g);
    for (int32_t from = 0; from < g->r.n_topics; from = to) {
        to = from + 1;
        while (to < g->r.n_topics && by_company(g, topics[from], topics[to]) == 0)
            to++;
        give_near(g, topics + from, to - from);
    }
    return KFK_OK;
}

/* ---- all of it ---- */

static bool set_quotas(range *g)
{
    int32_t *taken = kfk__roster_numbers(&g->r, g->r.readers_of[g->r.n_topics], 0);

    g->holder = kfk__roster_numbers(&g->r, (size_t)g->r.n_partitions, KFK__NOBODY);
    g->quotas = kfk__arena_alloc(g->r.arena, ((size_t)g->r.n_topics + 1) * sizeof *g->quotas);
    if (!taken || !g->holder || !g->quotas)
        return false;
    for (int32_t t = 0; t < g->r.n_topics; t++) {
        int32_t n = kfk__roster_n_readers(&g->r, t);

        g->quotas[t] = (quota){.each = kfk__roster_n_partitions(&g->r, t) / n,
                               .extra = kfk__roster_n_partitions(&g->r, t) % n,
                               .taken = taken + g->r.readers_of[t]};
    }
    return true;
}

static kfk_err give_everything(range *g)
{
    bool near = false;
    kfk_err err = KFK_OK;

    if (!set_quotas(g))
        return KFK_ERR_NOMEM;
    for (int32_t t = 0; !near && t < g->r.n_topics; t++)
        near = matters(g, t);
    if (near)
        err = give_all_near(g);
    for (int32_t t = 0; err == KFK_OK && t < g->r.n_topics; t++)
        give_ranges(g, t, false);
    return err;
}

kfk_err kfk__range_assign(const kfk__assignor *self, const kfk__assign_group *in, kfk__arena *arena,
                          const kfk__assign_share **out, kfk_error *e)
{
    kfk__arena scratch;
    range g = {0};
    kfk_err err;

    (void)self;
    (void)e;
    kfk__arena_init(&scratch, arena->alloc);
    err = kfk__roster_init(&g.r, in, KFK__BY_INSTANCE, &scratch);
    if (err == KFK_OK)
        err = kfk__racks_init(&g.racks, &g.r);
    if (err == KFK_OK)
        err = give_everything(&g);
    if (err == KFK_OK)
        err = kfk__roster_answer(&g.r, g.holder, arena, out);
    kfk__arena_fini(&scratch);
    return err;
}
