#include "devbroker/reconcile.h"

#include "devbroker/assignor.h"
#include "devbroker/consumers.h"

/* Where a step leads. */
typedef struct next {
    kfk__dev_parts assigned, revoking, coming;
    bool unreleased;
} next;

static void close_next(next *n, const kfk_allocator *a)
{
    kfk__dev_parts_free(&n->assigned, a);
    kfk__dev_parts_free(&n->revoking, a);
    kfk__dev_parts_free(&n->coming, a);
}

/* The target may be older than what the member wants. */
static bool may_have(const kfk__dev_consumer *m, const kfk__dev_part *p)
{
    const kfk__dev_topic *t =
        kfk__map_get(&m->group->all->topics->by_id, p->topic.b, sizeof p->topic.b);

    return t && kfk__dev_consumer_wants(m, t->name);
}

static bool sort_target(const kfk__dev_consumer *m, next *n, const kfk_allocator *a)
{
    for (int32_t i = 0; i < m->target.n; i++) {
        kfk__dev_part p = m->target.v[i];
        const kfk__dev_part *has = kfk__dev_parts_find(&m->assigned, &p.topic, p.index);

        p.epoch = has ? has->epoch : m->group->modern.assignment_epoch;
        if (!may_have(m, &p))
            continue;
        if (!has && kfk__dev_others_have(m, &p))
            n->unreleased = true;
        else if (!kfk__dev_parts_add(has ? &n->assigned : &n->coming, a, &p))
            return false;
    }
    return true;
}

static bool sort_assigned(const kfk__dev_consumer *m, next *n, const kfk_allocator *a)
{
    for (int32_t i = 0; i < m->assigned.n; i++) {
        const kfk__dev_part *p = &m->assigned.v[i];

        if (!kfk__dev_parts_find(&n->assigned, &p->topic, p->index) &&
            !kfk__dev_parts_add(&n->revoking, a, p))
            return false;
    }
    return true;
}

/* Whether the member still has some of them; who does not say has. */
static bool has_any(const kfk__dev_parts *of, const kfk__dev_parts *owned)
{
    if (!owned)
        return true;
    for (int32_t i = 0; i < owned->n; i++)
        if (kfk__dev_parts_find(of, &owned->v[i].topic, owned->v[i].index))
            return true;
    return false;
}

static void swap(kfk__dev_parts *a, kfk__dev_parts *b)
{
    kfk__dev_parts old = *a;

    *a = *b;
    *b = old;
}

static void set_epoch(kfk__dev_consumer *m, int32_t epoch)
{
    m->previous_epoch = m->epoch;
    m->epoch = epoch;
}

/* It is told to give up some: it stays in its epoch until it has. */
static void revoke(kfk__dev_consumer *m, next *n)
{
    swap(&m->assigned, &n->assigned);
    swap(&m->revoking, &n->revoking);
    m->progress = KFK__DEV_UNREVOKED;
    set_epoch(m, m->epoch);
}

static bool advance(kfk__dev_consumer *m, next *n, const kfk_allocator *a)
{
    for (int32_t i = 0; i < n->coming.n; i++)
        if (!kfk__dev_parts_add(&n->assigned, a, &n->coming.v[i]))
            return false;
    swap(&m->assigned, &n->assigned);
    kfk__dev_parts_clear(&m->revoking);
    m->progress = n->unreleased ? KFK__DEV_UNRELEASED : KFK__DEV_RECONCILED;
    set_epoch(m, m->group->modern.assignment_epoch);
    return true;
}

static bool step(kfk__dev_consumer *m, const kfk__dev_parts *owned, bool *assigned)
{
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);
    next n = {.unreleased = false};
    bool ok = sort_target(m, &n, a) && sort_assigned(m, &n, a);

    if (ok && n.revoking.n > 0 && has_any(&n.revoking, owned))
        revoke(m, &n);
    else if (ok)
        ok = advance(m, &n, a);
    *assigned = ok && !kfk__dev_parts_same(&m->assigned, &n.assigned);
    close_next(&n, a);
    return ok;
}

bool kfk__dev_reconcile(kfk__dev_consumer *m, const kfk__dev_parts *owned, bool changed,
                        bool *assigned)
{
    *assigned = false;
    if (m->progress == KFK__DEV_RECONCILED && !changed &&
        m->epoch == m->group->modern.assignment_epoch)
        return true;
    if (m->progress == KFK__DEV_UNREVOKED && has_any(&m->revoking, owned))
        return true;
    return step(m, owned, assigned);
}
