#include "membership/claims.h"

#include "membership/userdata.h"

/* What there is only while claims are weighed. */
typedef struct weighing {
    kfk__claims *c;
    const kfk__roster *r;
    kfk__userdata *said; /* by each member */
    int32_t *newest;     /* generation that claims each partition ... */
    int32_t *newest_former;
    int32_t *heard; /* the member that claimed it last, so that to say it twice is to say it once */
    int32_t latest; /* generation of all */
} weighing;

static kfk_err listen(weighing *w, kfk__claims_from from)
{
    w->latest = -1;
    for (int32_t m = 0; m < w->r->n_members; m++) {
        const kfk__assign_member *member = w->r->members[m];
        kfk__userdata *said = &w->said[m];

        *said = (kfk__userdata){member->owned, member->n_owned, member->generation};
        if (from == KFK__FROM_USER_DATA) {
            if (kfk__userdata_read_sticky(member->user_data, w->r->arena, said) != KFK_OK)
                return KFK_ERR_NOMEM;
        } else if (said->generation < 0) {
            said->generation = kfk__userdata_read_generation(member->user_data);
        }
        if (said->generation < 0)
            said->generation = -1;
        if (said->generation > w->latest)
            w->latest = said->generation;
    }
    return KFK_OK;
}

static void weigh(weighing *w, int32_t m, int32_t p)
{
    int32_t generation = w->said[m].generation;

    if (w->heard[p] == m)
        return;
    w->heard[p] = m;
    if (generation > w->newest[p]) {
        w->newest[p] = generation;
        w->c->owner[p] = m;
        w->c->contested[p] = 0;
    } else if (generation == w->newest[p]) {
        w->c->owner[p] = KFK__NOBODY;
        w->c->contested[p] = 1;
    }
    if (generation < w->latest && generation > w->newest_former[p]) {
        w->newest_former[p] = generation;
        w->c->former[p] = m;
    }
}

static void weigh_all_of(weighing *w, int32_t m)
{
    for (int32_t i = 0; i < w->said[m].n; i++) {
        const kfk__topic_parts *parts = &w->said[m].topics[i];
        int32_t t = kfk__roster_topic(w->r, parts->topic);
        int32_t n = t < 0 ? 0 : kfk__roster_n_partitions(w->r, t);

        for (int32_t k = 0; k < parts->n; k++)
            if (parts->v[k] >= 0 && parts->v[k] < n)
                weigh(w, m, w->r->first[t] + parts->v[k]);
    }
}

kfk_err kfk__claims_init(kfk__claims *c, const kfk__roster *r, kfk__claims_from from)
{
    size_t n = (size_t)r->n_partitions;
    weighing w = {.c = c, .r = r};

    c->owner = kfk__roster_numbers(r, n, KFK__NOBODY);
    c->former = kfk__roster_numbers(r, n, KFK__NOBODY);
    c->contested = kfk__roster_numbers(r, n, 0);
    w.newest = kfk__roster_numbers(r, n, INT32_MIN);
    w.newest_former = kfk__roster_numbers(r, n, INT32_MIN);
    w.heard = kfk__roster_numbers(r, n, KFK__NOBODY);
    w.said = kfk__arena_alloc(r->arena, ((size_t)r->n_members + 1) * sizeof *w.said);
    if (!c->owner || !c->former || !c->contested || !w.newest || !w.newest_former || !w.heard ||
        !w.said || listen(&w, from) != KFK_OK)
        return KFK_ERR_NOMEM;
    for (int32_t m = 0; m < r->n_members; m++)
        weigh_all_of(&w, m);
    return KFK_OK;
}
