#include "devbroker/assignor.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

const char *const kfk__dev_assignors = "uniform, range";

bool kfk__dev_assignor_known(kfk_bytes name)
{
    return kfk__bytes_equal(name, kfk__bytes_str("uniform")) ||
           kfk__bytes_equal(name, kfk__bytes_str("range"));
}

bool kfk__dev_consumer_wants(const kfk__dev_consumer *m, const char *topic)
{
    kfk__dev_wanted w;
    bool yes;

    kfk__dev_wanted_open(&w, &m->wants);
    yes = kfk__dev_wanted_topic(&w, topic);
    kfk__dev_wanted_close(&w);
    return yes;
}

/* ---- the work ---- */

/* A member while it is being given partitions. */
typedef struct share {
    kfk__dev_consumer *m;
    kfk__dev_wanted wants;
    kfk__dev_parts next; /* its target */
} share;

typedef struct work {
    const kfk_allocator *alloc;
    const kfk__dev_topics *topics;
    share *v;
    int32_t n;
} work;

static void close_work(work *w)
{
    for (int32_t i = 0; i < w->n; i++) {
        kfk__dev_wanted_close(&w->v[i].wants);
        kfk__dev_parts_free(&w->v[i].next, w->alloc);
    }
    kfk__release(w->alloc, w->v);
}

static bool open_work(work *w, kfk__dev_group *g)
{
    *w = (work){.alloc = kfk__dev_group_alloc(g), .topics = g->all->topics};
    w->v = kfk__array(w->alloc, NULL, (size_t)g->modern.n_members + 1, sizeof *w->v);
    if (!w->v)
        return false;
    for (KFK__DEV_EACH_CONSUMER(m, g)) {
        w->v[w->n] = (share){.m = m};
        kfk__dev_wanted_open(&w->v[w->n++].wants, &m->wants);
    }
    return true;
}

/* The targets are what was worked out. */
static void take_over(work *w)
{
    for (int32_t i = 0; i < w->n; i++) {
        kfk__dev_parts old = w->v[i].m->target;

        w->v[i].m->target = w->v[i].next;
        w->v[i].next = old;
    }
}

static bool wants(const share *s, const kfk__dev_topic *t)
{
    return kfk__dev_wanted_topic(&s->wants, t->name);
}

static kfk__dev_part part_of(const kfk__dev_topic *t, int32_t index)
{
    return (kfk__dev_part){.topic = t->id, .index = index};
}

/* ---- uniform ---- */

/* What each has and may have. */
static bool keep_all(work *w)
{
    for (const kfk__dev_topic *t = kfk__dev_topics_first(w->topics); t;
         t = kfk__dev_topics_next(w->topics, t))
        for (int32_t i = 0; i < w->n; i++) {
            if (!wants(&w->v[i], t))
                continue;
            for (int32_t k = 0; k < t->n_partitions; k++) {
                kfk__dev_part p = part_of(t, k);

                if (kfk__dev_parts_find(&w->v[i].m->target, &t->id, k) &&
                    !kfk__dev_parts_add(&w->v[i].next, w->alloc, &p))
                    return false;
            }
        }
    return true;
}

static bool is_given(const work *w, const kfk__dev_topic *t, int32_t index)
{
    for (int32_t i = 0; i < w->n; i++)
        if (kfk__dev_parts_find(&w->v[i].next, &t->id, index))
            return true;
    return false;
}

/* Of those who want the topic, the one that has the fewest; NULL: nobody does. */
static share *poorest(work *w, const kfk__dev_topic *t)
{
    share *best = NULL;

    for (int32_t i = 0; i < w->n; i++)
        if ((!best || w->v[i].next.n < best->next.n) && wants(&w->v[i], t))
            best = &w->v[i];
    return best;
}

static bool give_rest(work *w)
{
    for (const kfk__dev_topic *t = kfk__dev_topics_first(w->topics); t;
         t = kfk__dev_topics_next(w->topics, t))
        for (int32_t k = 0; k < t->n_partitions; k++) {
            kfk__dev_part p = part_of(t, k);
            share *to = is_given(w, t, k) ? NULL : poorest(w, t);

            if (to && !kfk__dev_parts_add(&to->next, w->alloc, &p))
                return false;
        }
    return true;
}

/* Who has two fewer at least, and wants what |from| has at |*at|, the last such one; NULL: nobody. */
static share *taker(work *w, const share *from, int32_t *at)
{
    for (*at = from->next.n - 1; *at >= 0; --*at) {
        kfk__uuid id = from->next.v[*at].topic;
        share *to = poorest(w, kfk__map_get(&w->topics->by_id, id.b, sizeof id.b));

        if (to && to->next.n + 1 < from->next.n)
            return to;
    }
    return NULL;
}

/* One partition from the richest that can give one: nobody gets any who gave. */
static bool level_one(work *w, bool *moved)
{
    share *from = NULL, *to = NULL;
    int32_t at = 0;

    for (int32_t i = 0; i < w->n; i++) {
        int32_t k;
        share *s = from && w->v[i].next.n <= from->next.n ? NULL : taker(w, &w->v[i], &k);

        if (!s)
            continue;
        from = &w->v[i];
        to = s;
        at = k;
    }
    *moved = from != NULL;
    if (!from)
        return true;
    if (!kfk__dev_parts_add(&to->next, w->alloc, &from->next.v[at]))
        return false;
    kfk__dev_parts_remove(&from->next, at);
    return true;
}

static bool uniform(work *w)
{
    bool moved = true;

    if (!keep_all(w) || !give_rest(w))
        return false;
    while (moved)
        if (!level_one(w, &moved))
            return false;
    return true;
}

/* ---- range ---- */

static int compare(kfk_bytes a, kfk_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;

    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Static members are ordered by instance, so that one that comes back has what it had. */
static kfk_bytes name_of(const share *s)
{
    return s->m->instance.data ? s->m->instance : s->m->id;
}

static void sort(work *w)
{
    for (int32_t i = 1; i < w->n; i++) {
        share s = w->v[i];
        int32_t k = i;

        for (; k > 0 && compare(name_of(&w->v[k - 1]), name_of(&s)) > 0; k--)
            w->v[k] = w->v[k - 1];
        w->v[k] = s;
    }
}

static bool range_of(work *w, const kfk__dev_topic *t)
{
    int32_t n = 0, at = 0, quota, extra;

    for (int32_t i = 0; i < w->n; i++)
        n += wants(&w->v[i], t);
    if (n == 0)
        return true;
    quota = t->n_partitions / n;
    extra = t->n_partitions % n;
    for (int32_t i = 0; i < w->n; i++) {
        int32_t end;

        if (!wants(&w->v[i], t))
            continue;
        for (end = at + quota + (extra-- > 0); at < end; at++) {
            kfk__dev_part p = part_of(t, at);

            if (!kfk__dev_parts_add(&w->v[i].next, w->alloc, &p))
                return false;
        }
    }
    return true;
}

static bool range(work *w)
{
    sort(w);
    for (const kfk__dev_topic *t = kfk__dev_topics_first(w->topics); t;
         t = kfk__dev_topics_next(w->topics, t))
        if (!range_of(w, t))
            return false;
    return true;
}

bool kfk__dev_assign(kfk__dev_group *g, const char *assignor)
{
    work w;
    bool ok = open_work(&w, g) && (strcmp(assignor, "range") == 0 ? range(&w) : uniform(&w));

    if (ok)
        take_over(&w);
    close_work(&w);
    return ok;
}

/* ---- what there is ---- */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    return (h * UINT64_C(1099511628211)) ^ kfk__map_hash(p, n);
}

uint64_t kfk__dev_topics_digest(kfk__dev_group *g)
{
    const kfk__dev_topics *ts = g->all->topics;
    uint64_t h = 1;
    work w;

    if (!open_work(&w, g))
        return g->modern.topics; /* it will be seen the next time */
    for (const kfk__dev_topic *t = kfk__dev_topics_first(ts); t; t = kfk__dev_topics_next(ts, t)) {
        if (!poorest(&w, t))
            continue;
        h = mix(h, t->id.b, sizeof t->id.b);
        h = mix(h, &t->n_partitions, sizeof t->n_partitions);
    }
    close_work(&w);
    return h;
}
