/* The public calls that handlers make, and any other thread. */
#include <kfk/group.h>

#include "base/error.h"
#include "base/fork.h"
#include "consumer/run.h"
#include "group/commits.h"

static kfk_err commit_all(kfk_group *g, int timeout_ms, kfk_error *e)
{
    kfk_err err;
    kfk_tp *tps;
    size_t n;

    if (kfk__done_collect(g, false, &tps, &n))
        return kfk__fail_nomem(e);
    err = kfk__consumer_commit(g->consumer, tps, n, timeout_ms, KFK__COMMIT_FOLLOWS, e);
    kfk__done_drop(g, tps, n);
    return err;
}

kfk_err kfk_group_commit(kfk_group *g, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__consumer_check_commit(g->consumer, tps, n, e);

    if (err)
        return err;
    if (n == 0)
        return commit_all(g, timeout_ms, e);
    return kfk__consumer_commit(g->consumer, tps, n, timeout_ms, KFK__COMMIT_FOLLOWS, e);
}

/* ---- pause ---- */

static kfk_err not_ours(kfk_err err, kfk_error *e)
{
    if (err != KFK_ERR_STATE)
        return err;
    if (e)
        e->code = KFK_ERR_REVOKED;
    return KFK_ERR_REVOKED;
}

kfk_err kfk_group_pause(kfk_group *g, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = not_ours(kfk_consumer_pause(g->consumer, tps, n, e), e);

    if (!err)
        kfk__lane_wake_all(g->consumer); /* a run that is out is interrupted */
    return err;
}

kfk_err kfk_group_resume(kfk_group *g, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = not_ours(kfk_consumer_resume(g->consumer, tps, n, e), e);

    if (!err)
        kfk__lane_wake_all(g->consumer);
    return err;
}

/* ---- what a handler wants to know ---- */

size_t kfk_group_headers(kfk_group *g, const kfk_record_view *r, kfk_header *out, size_t max)
{
    (void)g;
    return kfk_records_headers(KFK__ENTRY(r, kfk_records, view), out, max);
}

/* The earliest of what is to go, or has gone. KFK__NEVER: nothing. */
static int64_t first_deadline(kfk_group *g)
{
    const kfk__list *all = &g->consumer->group.handovers;
    int64_t first = KFK__NEVER;

    kfk__lock(&g->consumer->shared->lock);
    for (const kfk__list *at = all->next; at != all; at = at->next) {
        const kfk__handover *h = KFK__ENTRY(at, kfk__handover, link);
        bool gone = h->kind == KFK__TURN_LOST || h->given_up;

        if (h->kind == KFK__TURN_ASSIGN || h->n == 0)
            continue;
        if (gone || h->deadline < first)
            first = gone ? 0 : h->deadline;
    }
    kfk__unlock(&g->consumer->shared->lock);
    return first;
}

int64_t kfk_group_time_left(kfk_group *g)
{
    int64_t by, ms;

    if (g->forks != kfk__fork_count())
        return -1;
    by = first_deadline(g);
    if (by == KFK__NEVER && kfk__group_phase_of(g) == KFK__GROUP_ENDING)
        by = atomic_load_explicit(&g->end_by, memory_order_relaxed);
    if (by == KFK__NEVER)
        return -1;
    ms = (by - kfk__now(&g->env)) / KFK__MS;
    return ms > 0 ? ms : 0;
}
