#include "group/commits.h"

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "group/call.h"

/* ---- what is done ---- */

/* |tps| has room for |cap|. Returns how many partitions there are: with more than |cap| nothing has been done. Locked. */
static size_t collect(kfk__shared *s, bool news, kfk_tp *tps, size_t cap, size_t *n)
{
    *n = 0;
    if (s->index.n > cap)
        return s->index.n;
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        int32_t epoch;
        int64_t done = kfk__assigned_done(p, &epoch);

        if (done < 0 || (news && (done == p->asked || p->leaving)))
            continue;
        if (news)
            p->asked = done;
        tps[(*n)++] = (kfk_tp){.topic = p->topic,
                               .opaque = kfk__assigned_hold(p),
                               .offset = done,
                               .partition = p->partition,
                               .leader_epoch = epoch,
                               .flags = KFK_OFFSET | (epoch >= 0 ? KFK_EPOCH : 0)};
    }
    return cap;
}

kfk_err kfk__done_collect(kfk_group *g, bool news, kfk_tp **out, size_t *n)
{
    const kfk_allocator *a = &g->env.alloc;
    kfk__shared *s = g->consumer->shared;
    size_t cap = 0, needed = 8;
    kfk_tp *tps = NULL, *v;

    while (needed > cap) {
        cap = needed;
        v = kfk__array(a, tps, cap, sizeof *tps);
        if (!v) {
            kfk__release(a, tps);
            return KFK_ERR_NOMEM;
        }
        tps = v;
        kfk__lock(&s->lock);
        needed = collect(s, news, tps, cap, n);
        kfk__unlock(&s->lock);
    }
    *out = tps;
    return KFK_OK;
}

void kfk__done_drop(kfk_group *g, kfk_tp *tps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kfk__assigned_drop(tps[i].opaque);
    kfk__release(&g->env.alloc, tps);
}

size_t kfk__done_news(kfk_group *g, kfk_tp *tps, size_t n)
{
    kfk__shared *s = g->consumer->shared;
    size_t kept = 0;

    kfk__lock(&s->lock);
    for (size_t i = 0; i < n; i++) {
        kfk__assigned *p = kfk__shared_find(s, tps[i].topic, tps[i].partition);

        if (!p || p->asked == tps[i].offset)
            continue;
        p->asked = tps[i].offset;
        tps[kept++] = tps[i];
    }
    kfk__unlock(&s->lock);
    return kept;
}

/* ---- by itself ---- */

/* What was not committed is so with the next. */
static void forget_failed(kfk_group *g, const kfk__ask *ask)
{
    kfk__shared *s = g->consumer->shared;

    kfk__lock(&s->lock);
    for (size_t i = 0; i < ask->n; i++) {
        const kfk_tp *tp = &ask->answers[i];
        kfk__assigned *p = tp->err ? kfk__shared_find(s, tp->topic, tp->partition) : NULL;

        if (p && p->asked == ask->asked[i].offset)
            p->asked = -1;
    }
    kfk__unlock(&s->lock);
}

/* The group has gone on, or is about to: what follows from that is told anyway, and what is ours then is committed then. */
static bool is_expected(kfk_err err)
{
    return err == KFK_ERR_REVOKED || err == KFK_ERR_CLOSED || err == KFK_ERR_REBALANCE_IN_PROGRESS ||
           err == KFK_ERR_ILLEGAL_GENERATION || err == KFK_ERR_UNKNOWN_MEMBER_ID ||
           err == KFK_ERR_STALE_MEMBER_EPOCH;
}

static void committed(void *owner, const kfk__ask *ask, const kfk_error *e)
{
    kfk_group *g = owner;

    atomic_store_explicit(&g->committing, false, memory_order_relaxed);
    if (!e)
        return;
    forget_failed(g, ask);
    if (!is_expected(e->code))
        kfk__group_tell_later(g, e);
}

static void commit(kfk_group *g)
{
    const kfk__ended ended = {committed, g};
    kfk_consumer *c = g->consumer;
    kfk_tp *tps;
    size_t n;

    if (kfk__done_collect(g, true, &tps, &n))
        return;
    atomic_store_explicit(&g->committing, n > 0, memory_order_relaxed);
    if (n > 0 && kfk__consumer_commit_begin(c, tps, n, c->api_timeout_ms, &ended, NULL, NULL)) {
        atomic_store_explicit(&g->committing, false, memory_order_relaxed);
        kfk__lock(&c->shared->lock);
        for (size_t i = 0; i < n; i++)
            ((kfk__assigned *)tps[i].opaque)->asked = -1;
        kfk__unlock(&c->shared->lock);
    }
    kfk__done_drop(g, tps, n);
}

int64_t kfk__commits_tick(kfk_group *g, int64_t now)
{
    if (g->o.commit_every == 0 || atomic_load_explicit(&g->committing, memory_order_relaxed))
        return KFK__NEVER;
    if (now >= g->commit_at) {
        g->commit_at = now + g->o.commit_every;
        commit(g);
    }
    return g->commit_at;
}
