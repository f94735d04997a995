#include "group/call.h"

#include "base/error.h"

/* ---- since when ---- */

bool kfk__call_begin(kfk__worker *w)
{
    kfk_group *g = w->group;

    /* Whoever frees the group sees that a handler runs, or this sees that it is freed. */
    atomic_store(&w->busy_since, kfk__now(&g->env));
    if (!atomic_load(&g->silent))
        return true;
    atomic_store(&w->busy_since, KFK__NEVER);
    return false;
}

void kfk__call_end(kfk__worker *w)
{
    atomic_store(&w->busy_since, KFK__NEVER);
    kfk__consumer_stir(w->group->consumer);
}

/* ---- one at a time ---- */

bool kfk__token_take(kfk_group *g)
{
    return !atomic_exchange_explicit(&g->token, true, memory_order_acq_rel);
}

static bool take(void *arg)
{
    return kfk__token_take(arg);
}

kfk_err kfk__token_await(kfk_group *g)
{
    kfk_err err;

    if (kfk__token_take(g))
        return KFK_OK;
    atomic_fetch_add(&g->token_waiters, 1);
    err = kfk__consumer_watch(g->consumer, -1, take, g);
    atomic_fetch_sub(&g->token_waiters, 1);
    return err;
}

void kfk__token_give(kfk_group *g)
{
    kfk__shared *s = g->consumer->shared;

    atomic_store(&g->token, false);
    if (atomic_load(&g->token_waiters) == 0)
        return;
    kfk__lock(&s->lock);
    kfk__shared_wake_watchers(s);
    kfk__unlock(&s->lock);
}

kfk_err kfk__call_setup(kfk__worker *w, kfk_tp *tps, size_t n)
{
    kfk_group *g = w->group;
    kfk_err err = KFK_OK;

    if (!g->h.setup || !kfk__call_begin(w))
        return KFK_OK;
    w->left--;
    err = g->h.setup(g, tps, n, g->arg);
    kfk__call_end(w);
    return err;
}

kfk_err kfk__call_cleanup(kfk__worker *w, const kfk_tp *tps, size_t n)
{
    kfk_group *g = w->group;
    kfk_err err;

    if (n == 0 || !g->h.cleanup || !kfk__call_begin(w))
        return KFK_OK;
    w->left--;
    err = g->h.cleanup(g, tps, n, g->arg);
    kfk__call_end(w);
    return err;
}

void kfk__call_lost(kfk__worker *w, const kfk_tp *tps, size_t n)
{
    kfk_group *g = w->group;

    if (n == 0)
        return;
    if (!g->h.lost) {
        (void)kfk__call_cleanup(w, tps, n);
        return;
    }
    if (!kfk__call_begin(w))
        return;
    w->left--;
    g->h.lost(g, tps, n, g->arg);
    kfk__call_end(w);
}

int kfk__call_failed(kfk__worker *w, const kfk_record_view *r, const kfk_error *e, int attempt)
{
    kfk_group *g = w->group;
    int answer;

    if (!g->h.failed || !kfk__call_begin(w))
        return KFK_RETRY;
    w->left--;
    answer = g->h.failed(g, r, e, attempt, g->arg);
    kfk__call_end(w);
    return answer;
}

void kfk__call_error(kfk__worker *w, const kfk_error *e)
{
    kfk_group *g = w->group;

    if (!g->h.error) {
        kfk__group_log(g, KFK_LOG_WARN, "%s", e->msg);
        return;
    }
    if (!kfk__call_begin(w))
        return;
    w->left--;
    g->h.error(g, e, g->arg);
    kfk__call_end(w);
}

void kfk__group_tell(kfk__worker *w, const kfk_error *e)
{
    kfk_group *g = w->group;

    if (kfk__token_await(g)) {
        kfk__group_tell_later(g, e);
        return;
    }
    kfk__call_error(w, e);
    kfk__token_give(g);
}

void kfk__group_tell_later(kfk_group *g, const kfk_error *e)
{
    bool full;

    kfk__lock(&g->lock);
    full = g->n_errors == KFK__GROUP_ERRORS;
    if (!full)
        g->errors[g->n_errors++] = *e;
    kfk__unlock(&g->lock);
    if (full)
        kfk__group_log(g, KFK_LOG_WARN, "%s", e->msg);
    kfk__lane_wake_all(g->consumer);
}

static bool next_error(kfk_group *g, kfk_error *e)
{
    bool any;

    kfk__lock(&g->lock);
    any = g->n_errors > 0;
    if (any) {
        *e = g->errors[0];
        g->n_errors--;
        for (int32_t i = 0; i < g->n_errors; i++)
            g->errors[i] = g->errors[i + 1];
    }
    kfk__unlock(&g->lock);
    return any;
}

bool kfk__group_tell_now(kfk__worker *w)
{
    kfk_error e;

    if (!next_error(w->group, &e))
        return false;
    kfk__call_error(w, &e);
    return true;
}

void kfk__group_fail(kfk_group *g, const kfk_error *e)
{
    kfk__lock(&g->lock);
    if (!g->outcome.code)
        g->outcome = *e;
    kfk__unlock(&g->lock);
    atomic_store_explicit(&g->stop, true, memory_order_release);
    kfk__loop_wake(&g->consumer->loop); /* which ends the runs that are out */
    kfk__lane_wake_all(g->consumer);
}
