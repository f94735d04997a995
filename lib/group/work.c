#include "group/work.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/run.h"
#include "group/call.h"
#include "group/runs.h"
#include "group/serve.h"

enum {
    NOMEM_MS = 10, /* without memory another try is made after so long */
    NAMED = 8      /* so many handlers are named that have not returned in time */
};

/* ---- workers ---- */

kfk__worker *kfk__worker_new(kfk_group *g)
{
    kfk__worker *w = kfk__zalloc(&g->env.alloc, sizeof *w);

    if (!w)
        return NULL;
    w->group = g;
    w->cut = g->consumer->cut;
    if (g->consumer->max_undone > 0 && g->consumer->max_undone < w->cut.max_records)
        w->cut.max_records = (int32_t)g->consumer->max_undone;
    w->cut.compressor = kfk__compressor_new(&g->env.alloc);
    w->left = INT64_MAX;
    atomic_init(&w->busy_since, KFK__NEVER);
    kfk__list_init(&w->link);
    if (w->cut.compressor)
        return w;
    kfk__release(&g->env.alloc, w);
    return NULL;
}

void kfk__worker_free(kfk__worker *w)
{
    kfk_group *g = w->group;

    kfk__compressor_free(w->cut.compressor);
    kfk__release(&g->env.alloc, w);
}

void kfk__worker_enter(kfk__worker *w)
{
    kfk_group *g = w->group;

    kfk__lock(&g->lock);
    kfk__list_push(&g->workers, &w->link);
    kfk__unlock(&g->lock);
    kfk__lane_add(g->consumer, &w->lane);
    kfk__lane_wake(g->consumer, &w->lane); /* to what there is already */
}

void kfk__worker_leave(kfk__worker *w)
{
    kfk_group *g = w->group;

    kfk__lane_remove(g->consumer, &w->lane);
    kfk__lock(&g->lock);
    kfk__list_remove(&w->link);
    kfk__unlock(&g->lock);
    kfk__lane_wake_all(g->consumer); /* what is aside may be others' now */
}

/* ---- a turn ---- */

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* kfk_group_stop tells the Fetcher, which wakes all: whoever is first passes it on as a turn. */
static void heed_stop(kfk_group *g)
{
    kfk__shared *s = g->consumer->shared;

    if (!atomic_load_explicit(&s->woken, memory_order_acquire))
        return;
    atomic_store_explicit(&s->woken, false, memory_order_release);
    kfk__lane_wake_all(g->consumer);
}

/* false: there is none. */
static bool read_run(kfk__worker *w)
{
    kfk_group *g = w->group;
    kfk_records *rs;
    kfk_error e;
    kfk_err err = kfk__consumer_take(g->consumer, &w->lane, &w->cut, &rs, &e);

    if (rs)
        kfk__run_hand(w, rs, rs->end);
    else if (err == KFK_ERR_NOMEM)
        (void)kfk__consumer_watch(g->consumer, NOMEM_MS, never, NULL);
    else if (err)
        kfk__run_unreadable(w, &e);
    return rs || err;
}

bool kfk__work_once(kfk__worker *w, int64_t *at)
{
    kfk_group *g = w->group;
    int64_t look_at;

    *at = KFK__NEVER;
    heed_stop(g);
    look_at = atomic_load_explicit(&g->look_at, memory_order_relaxed);
    if (kfk__lane_heed(&w->lane) || (look_at != KFK__NEVER && kfk__now(&g->env) >= look_at))
        kfk__serve(w);
    if (kfk__group_phase_of(g) == KFK__GROUP_ENDED)
        return false;
    if (w->left <= 0)
        return true;
    if (!kfk__group_is_stopping(g)) {
        if (kfk__aside_go_on(w, kfk__now(&g->env), at) || read_run(w))
            return true;
    }
    look_at = atomic_load_explicit(&g->look_at, memory_order_relaxed);
    *at = look_at < *at ? look_at : *at;
    return false;
}

void kfk__work_await(kfk__worker *w, int64_t until)
{
    kfk_group *g = w->group;

    if (!kfk__group_is_stopping(g)) {
        (void)kfk__lane_await(g->consumer, &w->lane, until, false);
        return;
    }
    (void)kfk__lane_await_turn(g->consumer, &w->lane, until); /* nobody takes runs any more */
}

void kfk__work(kfk__worker *w)
{
    kfk_group *g = w->group;
    int64_t at;

    while (kfk__group_phase_of(g) != KFK__GROUP_ENDED)
        if (!kfk__work_once(w, &at) && kfk__group_phase_of(g) != KFK__GROUP_ENDED)
            kfk__work_await(w, at);
    kfk__lane_rest(g->consumer, &w->lane);
    kfk__serve_late(w);
}

/* ---- who is at what ---- */

bool kfk__group_in_callback(kfk_group *g)
{
    const void *self = g->env.ops->self(g->env.ctx);
    bool in = false;

    kfk__lock(&g->lock);
    for (kfk__list *at = g->workers.next; !in && at != &g->workers; at = at->next)
        in = KFK__ENTRY(at, kfk__worker, link)->self == self;
    kfk__unlock(&g->lock);
    return in;
}

/* record() is called for many in a row: each that has returned since is a sign of life. */
static int64_t busy_since(kfk__worker *w, int64_t now)
{
    int64_t since = atomic_load_explicit(&w->busy_since, memory_order_acquire);
    int64_t calls = atomic_load_explicit(&w->calls, memory_order_relaxed);

    if (calls != w->seen_calls) {
        w->seen_calls = calls;
        w->seen_at = now;
    }
    return since != KFK__NEVER && w->seen_at > since ? w->seen_at : since;
}

int64_t kfk__group_alive_at(void *owner)
{
    kfk_group *g = owner;
    int64_t oldest = KFK__NEVER, now = kfk__now(&g->env), since;

    kfk__lock(&g->lock);
    for (kfk__list *at = g->workers.next; at != &g->workers; at = at->next) {
        since = busy_since(KFK__ENTRY(at, kfk__worker, link), now);
        oldest = since < oldest ? since : oldest;
    }
    kfk__unlock(&g->lock);
    return oldest;
}

/* ---- deadlines that were missed ---- */

/* A partition whose handler is late. */
typedef struct late {
    kfk__assigned *p; /* held */
    int64_t ms;
} late;

/* Those that are read though they are gone, or for longer than may be. Locked. */
static int find_late(kfk_group *g, late *v, int64_t now)
{
    kfk__shared *s = g->consumer->shared;
    int n = 0;

    for (kfk__list *at = s->lanes.next; n < NAMED && at != &s->lanes; at = at->next) {
        kfk__worker *w = KFK__ENTRY(at, kfk__worker, lane.link);
        int64_t since = atomic_load_explicit(&w->busy_since, memory_order_acquire);
        kfk__assigned *p = w->lane.reading;

        if (!p || since == KFK__NEVER || (!p->gone && now - since < g->o.max_poll_ms * KFK__MS))
            continue;
        v[n++] = (late){kfk__assigned_hold(p), (now - since) / KFK__MS};
    }
    return n;
}

static void name_late(kfk_group *g, kfk_error *e)
{
    kfk__shared *s = g->consumer->shared;
    late v[NAMED];
    int n;

    kfk__lock(&s->lock);
    n = find_late(g, v, kfk__now(&g->env));
    kfk__unlock(&s->lock);
    for (int i = 0; i < n; i++) {
        kfk__group_log(g, KFK_LOG_WARN, "group %.200s: the handler of %.200s-%d has not returned for %lld ms",
                       g->o.group, v[i].p->topic, v[i].p->partition, (long long)v[i].ms);
        if (i == 0) {
            kfk__error_set(e->topic, sizeof e->topic, v[i].p->topic, v[i].p->topic_len);
            e->partition = v[i].p->partition;
        }
        kfk__assigned_drop(v[i].p);
    }
    kfk__lock(&g->lock);
    kfk__counter_add(&g->metrics.overdue, n);
    kfk__unlock(&g->lock);
}

void kfk__group_told(void *owner, const kfk_error *e)
{
    kfk_group *g = owner;
    kfk_error own = *e;

    if (own.code == KFK_ERR_POLL_INTERVAL)
        name_late(g, &own);
    kfk__group_tell_later(g, &own);
}
