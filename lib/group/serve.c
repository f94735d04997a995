#include "group/serve.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "group/call.h"
#include "group/commits.h"
#include "group/runs.h"

enum {
    NOMEM_MS = 10, /* without memory another try is made after so long */
    AGAIN_MS = 100 /* and another commit, where one was refused for a while */
};

static void look_again_at(kfk_group *g, int64_t at)
{
    if (at < atomic_load_explicit(&g->look_at, memory_order_relaxed))
        atomic_store_explicit(&g->look_at, at, memory_order_relaxed);
}

static void done(kfk_group *g)
{
    kfk__handover *h = g->serving;

    g->serving = NULL;
    g->stage = KFK__SERVICE_NEW;
    if (h == g->all)
        g->all = NULL;
    kfk__handover_done(g->consumer, h);
}

/* What a handler has returned. */
static void tell_answer(kfk__worker *w, kfk_err err, const char *which)
{
    kfk_error e;

    if (!err)
        return;
    (void)kfk__fail(&e, err, "%s() returned %s (%d)", which, kfk_err_name(err), (int)err);
    kfk__call_error(w, &e);
}

/* ---- they come ---- */

static bool serve_assign(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk__handover *h = g->serving;
    kfk_error e;
    kfk_err err = h->n > 0 ? kfk__call_setup(w, h->tps, h->n) : KFK_OK;

    if (err)
        (void)kfk__fail(&e, err, "setup() returned %s (%d)", kfk_err_name(err), (int)err);
    else
        err = kfk__consumer_check_places(h->tps, h->n, false, &e);
    if (err)
        kfk__group_fail(g, &e);
    else if (!kfk__handover_assign(g->consumer, h))
        kfk__call_lost(w, h->tps, h->n);
    done(g);
    return true;
}

/* ---- they are gone ---- */

static bool serve_lost(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk__handover *h = g->serving;

    kfk__aside_sweep(g, false);
    if (kfk__handover_is_read(g->consumer, h))
        return false;
    kfk__handover_look(g->consumer, h);
    kfk__call_lost(w, h->tps, h->n);
    done(g);
    return true;
}

/* ---- they go ---- */

static bool is_the_end(const kfk_group *g)
{
    return g->serving == g->all;
}

static int64_t commit_by(const kfk_group *g)
{
    if (is_the_end(g))
        return g->leave_by;
    return g->serving->deadline < g->stop_by ? g->serving->deadline : g->stop_by;
}

/* Begins to commit |n| of those that are known. false: there is nothing to be waited for. */
static bool begin_commit(kfk__worker *w, size_t n)
{
    kfk_group *g = w->group;
    kfk_consumer *c = g->consumer;
    int ms = kfk__consumer_ms_until(c, commit_by(g));
    kfk_error e;

    g->again_at = 0;
    g->n_last = n;
    if (n == 0 || g->o.commit_every == 0)
        return false;
    if (!kfk__consumer_commit_begin(c, g->serving->known, n, ms, NULL, &g->last, &e))
        return true;
    kfk__call_error(w, &e);
    return false;
}

/* Whether what goes is still to be waited for, |ms| from now on. */
static bool is_time(kfk_group *g, int64_t ms)
{
    return !kfk__handover_is_given_up(g->consumer, g->serving) &&
           kfk__now(&g->env) < commit_by(g) - ms * KFK__MS;
}

/* Between two generations, while it keeps what it has, a member is refused for a moment. If it has been left behind it hears
 * of that itself. */
static bool may_pass(kfk_err err)
{
    return err == KFK_ERR_REBALANCE_IN_PROGRESS || err == KFK_ERR_ILLEGAL_GENERATION ||
           err == KFK_ERR_STALE_MEMBER_EPOCH;
}

/* The commit has its answer. false: it is to be made again. */
static bool heed_answer(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk__ask *ask = g->last;
    kfk_error e;
    kfk_err err;

    g->last = NULL;
    err = kfk__consumer_commit_finish(g->consumer, ask, &e);
    if (may_pass(err) && is_time(g, AGAIN_MS)) {
        g->again_at = kfk__now(&g->env) + AGAIN_MS * KFK__MS;
        look_again_at(g, g->again_at);
        return false;
    }
    if (err)
        kfk__call_error(w, &e);
    return true;
}

static bool tell_too_late(kfk__worker *w)
{
    kfk_error e;

    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT,
                    "group %.200s: the commit of what was done was not answered before its partitions went",
                    w->group->o.group);
    e.flags |= KFK_MAYBE_DONE;
    kfk__call_error(w, &e);
    return true;
}

/* false: it is waited for. */
static bool try_again(kfk__worker *w)
{
    kfk_group *g = w->group;
    int64_t at = g->again_at;

    if (!is_time(g, 0)) {
        g->again_at = 0;
        return tell_too_late(w);
    }
    if (kfk__now(&g->env) >= at)
        return !begin_commit(w, g->n_last);
    look_again_at(g, at);
    return false;
}

/* The commit that is under way. false: it is still waited for. */
static bool end_commit(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk_consumer *c = g->consumer;
    kfk__ask *ask = g->last;

    if (!ask)
        return g->again_at == 0 || try_again(w);
    if (kfk__consumer_commit_ended(c, ask))
        return heed_answer(w);
    if (is_time(g, 0)) {
        look_again_at(g, commit_by(g));
        return false;
    }
    g->last = NULL;
    kfk__consumer_commit_leave(c, ask);
    return tell_too_late(w);
}

/* Whether cleanup() is to be called for it: it is ours still, and nobody is at it. Locked. */
static bool is_clean(kfk__shared *s, const kfk_tp *tp)
{
    const kfk__assigned *p = kfk__shared_find(s, tp->topic, tp->partition);

    return p && !kfk__shared_is_read(s, p);
}

/* Moves those to the front, in order; returns how many. What is known is forgotten. */
static size_t sort_out(kfk_group *g, kfk__handover *h)
{
    kfk__shared *s = g->consumer->shared;
    size_t n = 0, at = 0;

    kfk__lock(&s->lock);
    for (int clean = 1; clean >= 0; clean--) {
        for (size_t i = 0; i < h->n; i++)
            if (is_clean(s, &h->tps[i]) == clean)
                h->known[at++] = h->tps[i];
        n = clean ? at : n;
    }
    if (h->n > 0)
        memcpy(h->tps, h->known, h->n * sizeof *h->tps);
    kfk__unlock(&s->lock);
    h->n_known = 0;
    return n;
}

/* They leave. Those that are read still, as the group ends, are lost when their handlers have returned. */
static void leave(kfk__worker *w, size_t n_clean)
{
    kfk_group *g = w->group;
    kfk__handover *h = g->serving;
    kfk_consumer *c = g->consumer;

    kfk__handover_leave(c, h);
    if (!is_the_end(g) || !kfk__handover_is_read(c, h)) {
        done(g);
        return;
    }
    g->serving = g->all = NULL;
    g->stage = KFK__SERVICE_NEW;
    h->kind = KFK__TURN_LOST;
    h->tps += n_clean;
    h->n -= n_clean;
    kfk__lock(&c->shared->lock);
    kfk__list_push(&c->group.handovers, &h->link);
    kfk__unlock(&c->shared->lock);
}

/* What is done has been committed: the handler is told. */
static bool clean_up(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk__handover *h = g->serving;

    kfk__handover_look(g->consumer, h);
    g->n_clean = sort_out(g, h);
    tell_answer(w, kfk__call_cleanup(w, h->tps, g->n_clean), "cleanup");
    if (!is_the_end(g)) /* of the others then there is a LOST on its way */
        kfk__call_lost(w, h->tps + g->n_clean, h->n - g->n_clean);
    kfk__handover_look(g->consumer, h);
    if (begin_commit(w, kfk__done_news(g, h->known, h->n_known)))
        g->stage = KFK__SERVICE_COMMITS_2;
    else
        leave(w, g->n_clean);
    return true;
}

/* Whether those who read what is to go are waited for no longer. */
static bool is_late(kfk_group *g)
{
    int64_t end_by = atomic_load_explicit(&g->end_by, memory_order_relaxed);

    if (!is_the_end(g))
        return false;
    if (kfk__now(&g->env) >= end_by)
        g->timed_out = true;
    look_again_at(g, end_by);
    return g->timed_out;
}

static int64_t close_by(kfk_group *g)
{
    int64_t now = kfk__now(&g->env), until = atomic_load_explicit(&g->host_until, memory_order_relaxed);

    if (kfk__group_is_silent(g))
        return now;
    return until != KFK__NEVER ? until : kfk__deadline(now, g->o.close_ms);
}

/* false: something is still waited for. */
static bool serve_revoke(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk__handover *h = g->serving;

    switch (g->stage) {
    case KFK__SERVICE_NEW:
        kfk__handover_stop(g->consumer, h);
        g->stage = KFK__SERVICE_STOPPED;
        return true;
    case KFK__SERVICE_STOPPED:
        kfk__aside_sweep(g, false);
        if (kfk__handover_is_read(g->consumer, h) && !is_late(g))
            return false;
        if (is_the_end(g))
            g->leave_by = close_by(g);
        kfk__handover_look(g->consumer, h);
        (void)kfk__done_news(g, h->known, h->n_known);
        kfk__handover_look(g->consumer, h);
        (void)begin_commit(w, h->n_known);
        g->stage = KFK__SERVICE_COMMITS;
        return true;
    case KFK__SERVICE_COMMITS:
        return end_commit(w) && clean_up(w);
    default:
        if (!end_commit(w))
            return false;
        leave(w, g->n_clean);
        return true;
    }
}

static bool serve_one(kfk__worker *w)
{
    switch (w->group->serving->kind) {
    case KFK__TURN_ASSIGN:
        return serve_assign(w);
    case KFK__TURN_REVOKE:
        return serve_revoke(w);
    default:
        return serve_lost(w);
    }
}

/* ---- the end ---- */

static void set_phase(kfk_group *g, kfk__group_phase phase)
{
    atomic_store_explicit(&g->phase, (int)phase, memory_order_release);
}

/* Nothing comes any more; what is there goes. */
static bool begin_end(kfk_group *g)
{
    kfk_consumer *c = g->consumer;

    kfk__consumer_close_ears(c);
    g->all = kfk__handover_of_all(c);
    if (!g->all) {
        look_again_at(g, kfk__now(&g->env) + NOMEM_MS * KFK__MS);
        return false;
    }
    atomic_store_explicit(&g->end_by, close_by(g), memory_order_relaxed);
    g->all->deadline = KFK__NEVER;
    set_phase(g, KFK__GROUP_ENDING);
    return true;
}

static bool begin_leave(kfk_group *g)
{
    kfk_consumer *c = g->consumer;

    atomic_store_explicit(&c->group.is_member, false, memory_order_release);
    kfk__membership_leave(c->group.membership);
    set_phase(g, KFK__GROUP_LEAVING);
    return true;
}

static bool end(kfk_group *g)
{
    kfk_consumer *c = g->consumer;
    bool left = atomic_load_explicit(&c->group.membership->left, memory_order_acquire);
    kfk_error e;

    if (!left && kfk__now(&g->env) < g->leave_by) {
        look_again_at(g, g->leave_by);
        return false;
    }
    if (g->timed_out)
        (void)kfk__fail(&e, KFK_ERR_TIMED_OUT,
                        "group %.200s: handlers in other threads have not returned in time", g->o.group);
    else if (!left)
        (void)kfk__fail(&e, KFK_ERR_TIMED_OUT,
                        "group %.200s: the coordinator has not confirmed that it was left", g->o.group);
    if (g->timed_out || !left)
        kfk__group_fail(g, &e);
    set_phase(g, KFK__GROUP_ENDED);
    kfk__lock(&c->shared->lock);
    kfk__shared_known(c->shared);
    kfk__shared_turn_all(c->shared);
    kfk__unlock(&c->shared->lock);
    return false;
}

/* ---- what is next ---- */

static bool pick(kfk_group *g)
{
    g->serving = kfk__handover_first(g->consumer);
    g->stage = KFK__SERVICE_NEW;
    return g->serving != NULL;
}

/* As the group ends: what was lost before, then all. */
static bool pick_last(kfk_group *g)
{
    if (!g->timed_out && pick(g))
        return true;
    g->serving = g->all;
    g->stage = KFK__SERVICE_NEW;
    return g->all || begin_leave(g);
}

static bool pick_next(kfk_group *g)
{
    kfk_error e;

    switch (kfk__group_phase_of(g)) {
    case KFK__GROUP_OPEN:
        if (!kfk__group_is_stopping(g) && kfk__consumer_failure(g->consumer, &e))
            kfk__group_fail(g, &e);
        return kfk__group_is_stopping(g) ? begin_end(g) : pick(g);
    case KFK__GROUP_ENDING:
        return pick_last(g);
    case KFK__GROUP_LEAVING:
        return end(g);
    default:
        return false;
    }
}

/* A LOST that waits for a handler is left to whoever returns from that, once it is too late. */
static bool give_up_waiting(kfk_group *g)
{
    int64_t end_by = atomic_load_explicit(&g->end_by, memory_order_relaxed);

    if (kfk__group_phase_of(g) != KFK__GROUP_ENDING || !g->serving || is_the_end(g) || g->timed_out)
        return false;
    look_again_at(g, end_by);
    if (kfk__now(&g->env) < end_by)
        return false;
    g->timed_out = true;
    g->serving = NULL;
    return true;
}

/* Once the group is to end, what waits for handlers is a part of that. */
static void heed_stop(kfk_group *g)
{
    if (g->stop_by != KFK__NEVER || !kfk__group_is_stopping(g))
        return;
    g->stop_by = close_by(g);
    if (!g->serving || g->serving->kind == KFK__TURN_ASSIGN || g->stage > KFK__SERVICE_STOPPED)
        return;
    kfk__handover_put_back(g->consumer, g->serving);
    g->serving = NULL;
}

/* false: there is nothing that can be done now. */
static bool step(kfk__worker *w)
{
    kfk_group *g = w->group;

    heed_stop(g);
    if (kfk__group_tell_now(w))
        return true;
    if (!g->serving)
        return pick_next(g);
    return serve_one(w) || give_up_waiting(g);
}

/* Who waits already does not know that there is to be looked again, and this worker may be in a handler by then. */
static void announce(kfk_group *g)
{
    int64_t at = atomic_load_explicit(&g->look_at, memory_order_relaxed);

    if (at == KFK__NEVER || at == g->announced)
        return;
    g->announced = at;
    kfk__lane_wake_all(g->consumer);
}

void kfk__serve(kfk__worker *w)
{
    kfk_group *g = w->group;

    if (!kfk__token_take(g))
        return;
    atomic_store_explicit(&g->look_at, KFK__NEVER, memory_order_relaxed);
    while (step(w) && w->left > 0)
        ;
    announce(g);
    kfk__token_give(g);
}

void kfk__serve_late(kfk__worker *w)
{
    kfk_group *g = w->group;

    if (kfk__token_await(g))
        return;
    while (g->serving || pick(g)) {
        if (serve_lost(w))
            continue;
        g->serving = NULL; /* it is for who comes after */
        break;
    }
    kfk__token_give(g);
}
