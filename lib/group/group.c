/* The life of a group: properties, its threads, close and free. */
#include <kfk/group.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "config/config.h"
#include "group/call.h"
#include "group/commits.h"
#include "group/group_env.h"
#include "group/runs.h"
#include "group/serve.h"
#include "group/work.h"
#include "net/env_posix.h"

/* ---- the Fetcher's ---- */

/* What is out ends early: the handlers are to return. */
static void end_runs(kfk_group *g)
{
    kfk__shared *s = g->consumer->shared;

    if (g->ended_runs || !kfk__group_is_stopping(g))
        return;
    g->ended_runs = true;
    kfk__lock(&s->lock);
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next)
        kfk__assigned_end_runs(KFK__ENTRY(at, kfk__assigned, link));
    kfk__unlock(&s->lock);
}

/* Rings for kfk_group_dispatch, which nothing else would call in time. */
static int64_t ring(kfk_group *g, int64_t now)
{
    kfk__shared *s = g->consumer->shared;
    int64_t at = atomic_load_explicit(&g->tick_at, memory_order_acquire);

    if (at > now)
        return at;
    atomic_store_explicit(&g->tick_at, KFK__NEVER, memory_order_relaxed);
    kfk__lock(&s->lock);
    kfk__shared_turn_all(s);
    kfk__shared_ring(s);
    kfk__unlock(&s->lock);
    return KFK__NEVER;
}

static int64_t tick(void *owner, int64_t now)
{
    kfk_group *g = owner;
    int64_t until, t;

    if (!atomic_load_explicit(&g->ready, memory_order_acquire))
        return KFK__NEVER;
    end_runs(g);
    until = kfk__commits_tick(g, now);
    t = ring(g, now);
    return t < until ? t : until;
}

/* ---- new ---- */

static void read_options(kfk_group *g)
{
    kfk_consumer *c = g->consumer;
    const kfk_config *cf = c->config;
    bool commits = kfk__config_bool(cf, KFK__P_ENABLE_AUTO_COMMIT);

    g->o = (kfk__group_options){
        .threads = kfk__config_int(cf, KFK__P_CONSUME_THREADS),
        .close_ms = kfk__config_int(cf, KFK__P_CLOSE_TIMEOUT_MS),
        .commit_every = commits ? kfk__config_int(cf, KFK__P_AUTO_COMMIT_INTERVAL_MS) * KFK__MS + 1 : 0,
        .max_poll_ms = kfk__config_int(cf, KFK__P_MAX_POLL_INTERVAL_MS),
        .retry = c->client_options.retry,
        .dead_topic = kfk__config_string(cf, KFK__P_DEAD_LETTER_TOPIC),
        .group = c->fetcher.options.group,
    };
    g->commit_at = kfk__now(&g->env) + g->o.commit_every;
}

static kfk_err copy_handler(kfk_group *g, const kfk_group_handler *h, void *arg, kfk_error *e)
{
    if (!h || h->struct_size < offsetof(kfk_group_handler, setup))
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_group_new: there is no handler, or its struct_size is not set");
    memcpy(&g->h, h, h->struct_size < sizeof g->h ? h->struct_size : sizeof g->h);
    g->arg = arg;
    if (!g->h.record == !g->h.consume)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_group_new: a handler has either record or consume");
    return KFK_OK;
}

static void init(kfk_group *g, const kfk__env *env)
{
    g->env = *env;
    atomic_init(&g->owners, 1);
    atomic_init(&g->phase, KFK__GROUP_OPEN);
    atomic_init(&g->look_at, KFK__NEVER);
    atomic_init(&g->tick_at, KFK__NEVER);
    atomic_init(&g->end_by, KFK__NEVER);
    atomic_init(&g->host_until, KFK__NEVER);
    g->stop_by = KFK__NEVER;
    kfk__list_init(&g->asides);
    kfk__list_init(&g->workers);
    kfk__mutex_init(&g->lock);
    kfk__error_clear(&g->outcome);
    kfk__group_metrics_init(&g->metrics);
}

static void release(kfk_group *g)
{
    kfk_allocator a = g->env.alloc;

    kfk__mutex_fini(&g->lock);
    kfk__release(&a, g);
}

kfk_err kfk__group_new_in(kfk_group **out, const kfk__env *env, const kfk_config *c,
                          const char *const *topics, size_t n, const kfk_group_handler *h, void *arg,
                          kfk_error *e)
{
    kfk_group *g = kfk__zalloc(&env->alloc, sizeof *g);
    const kfk__keeper keeper = {kfk__group_alive_at, kfk__group_told, tick, g};
    kfk_err err;

    if (!g)
        return kfk__fail_nomem(e);
    init(g, env);
    err = copy_handler(g, h, arg, e);
    if (!err && n == 0)
        err = kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_group_new: there are no topics");
    if (!err)
        err = kfk__consumer_new_as(&g->consumer, env, c, KFK_ROLE_GROUP, &keeper, e);
    if (err) {
        release(g);
        return err;
    }
    g->forks = kfk__fork_count();
    read_options(g);
    atomic_store_explicit(&g->ready, true, memory_order_release);
    kfk__loop_wake(&g->consumer->loop);
    err = kfk_consumer_subscribe(g->consumer, topics, n, NULL, NULL, e);
    if (err) {
        kfk_consumer_free(g->consumer);
        release(g);
        return err;
    }
    *out = g;
    return KFK_OK;
}

kfk_err kfk_group_new(kfk_group **out, const kfk_config *c, const char *const *topics, size_t n,
                      const kfk_group_handler *h, void *arg, kfk_error *e)
{
    kfk__env env;
    kfk_err err;

    if (!out || !c || (n > 0 && !topics))
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_group_new: out, c or topics is NULL");
    err = kfk__env_handle(&env, &c->alloc, e);
    if (err)
        return err;
    err = kfk__group_new_in(out, &env, c, topics, n, h, arg, e);
    kfk__ledger_settle(&env.alloc);
    return err;
}

/* ---- owners ---- */

static void hold(kfk_group *g)
{
    atomic_fetch_add_explicit(&g->owners, 1, memory_order_relaxed);
}

static void destroy(kfk_group *g)
{
    kfk_consumer *c = g->consumer;

    kfk__aside_sweep(g, true);
    if (g->last)
        kfk__consumer_commit_leave(c, g->last);
    if (g->all)
        kfk__handover_done(c, g->all);
    if (g->host) {
        kfk__worker_leave(g->host);
        kfk__worker_free(g->host);
    }
    kfk_consumer_free(c);
    release(g);
}

static void drop(kfk_group *g)
{
    if (atomic_fetch_sub_explicit(&g->owners, 1, memory_order_acq_rel) == 1)
        destroy(g);
}

/* ---- checks that calls make ---- */

static kfk_err usable(kfk_group *g, kfk_error *e)
{
    if (g->forks != kfk__fork_count())
        return kfk__fail(e, KFK_ERR_FORKED, "the group belongs to the process before fork(); make a new one");
    return KFK_OK;
}

static kfk_err may_wait(kfk_group *g, const char *call, kfk_error *e)
{
    kfk_err err = usable(g, e);

    if (!err && kfk__group_in_callback(g))
        err = kfk__fail(e, KFK_ERR_IN_CALLBACK, "%s may not be called from a handler", call);
    return err;
}

static kfk_err closed(kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_CLOSED, "the group has ended");
}

static kfk_err outcome(kfk_group *g, kfk_error *e)
{
    kfk_err err;

    kfk__lock(&g->lock);
    err = g->outcome.code;
    if (err)
        (void)kfk__fail_copy(e, &g->outcome);
    kfk__unlock(&g->lock);
    return err;
}

kfk_err kfk_group_set_producer(kfk_group *g, kfk_producer *p, kfk_error *e)
{
    kfk_err err = usable(g, e);
    bool runs;

    if (err)
        return err;
    kfk__lock(&g->lock);
    runs = g->n_workers > 0 || g->hired || !kfk__list_empty(&g->workers);
    if (!runs)
        g->producer = p;
    kfk__unlock(&g->lock);
    return runs ? kfk__fail(e, KFK_ERR_STATE, "kfk_group_set_producer: the group runs already") : KFK_OK;
}

/* ---- run ---- */

/* Who has dispatched before, and does not now, would keep partitions from being read. */
static void dismiss_host(kfk_group *g)
{
    if (atomic_exchange_explicit(&g->hosting, true, memory_order_acq_rel))
        return;
    if (g->host) {
        kfk__worker_leave(g->host);
        kfk__worker_free(g->host);
        g->host = NULL;
    }
    atomic_store_explicit(&g->hosting, false, memory_order_release);
}

/* One more worker. false: the group has ended. *first: of all. */
static bool enlist(kfk_group *g, bool *first)
{
    bool open;

    kfk__lock(&g->lock);
    open = kfk__group_phase_of(g) != KFK__GROUP_ENDED;
    *first = open && !g->hired;
    if (open) {
        g->hired = true;
        g->n_workers++;
    }
    kfk__unlock(&g->lock);
    if (open)
        hold(g);
    return open;
}

static void discharge(kfk_group *g)
{
    kfk__shared *s = g->consumer->shared;

    kfk__lock(&g->lock);
    g->n_workers--;
    kfk__unlock(&g->lock);
    kfk__lock(&s->lock);
    kfk__shared_wake_watchers(s); /* of whom one may close */
    kfk__unlock(&s->lock);
}

static void work(kfk__worker *w)
{
    kfk_group *g = w->group;

    w->self = g->env.ops->self(g->env.ctx);
    kfk__worker_enter(w);
    kfk__work(w);
    kfk__worker_leave(w);
}

static void hired_main(void *arg)
{
    kfk__worker *w = arg;
    kfk_group *g = w->group;
    kfk_thread_fn *told = g->consumer->config->hooks.thread;
    void *told_arg = g->consumer->config->log.arg;

    if (told)
        told(1, "kfk-worker", told_arg);
    work(w);
    kfk__worker_free(w);
    discharge(g);
    if (told && g->forks == kfk__fork_count())
        told(0, "kfk-worker", told_arg);
    drop(g);
}

/* false: there is no thread to be had. */
static kfk_err hire_one(kfk_group *g, kfk__thread **t, kfk_error *e)
{
    kfk__worker *w = kfk__worker_new(g);
    bool first;
    int err;

    if (!w)
        return kfk__fail_nomem(e);
    if (!enlist(g, &first)) {
        kfk__worker_free(w);
        return closed(e);
    }
    err = g->env.ops->spawn(g->env.ctx, &g->env.alloc, "kfk-worker", hired_main, w, t);
    if (!err)
        return KFK_OK;
    kfk__worker_free(w);
    discharge(g);
    drop(g);
    return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no thread");
}

/* consume.threads, less the one that calls. Fewer are no reason not to run. */
static int32_t hire(kfk_group *g, kfk__thread **v, int32_t n)
{
    int32_t made = 0;
    kfk_error e;

    while (v && made < n && !hire_one(g, &v[made], &e))
        made++;
    if (made < n)
        kfk__group_log(g, KFK_LOG_WARN, "group %.200s: %d of %d threads could be made for handlers", g->o.group,
                       made + 1, n + 1);
    return made;
}

static kfk_err run(kfk_group *g, kfk__worker *w, bool first, kfk_error *e)
{
    const kfk_allocator *a = &g->env.alloc;
    int32_t n = first ? g->o.threads - 1 : 0;
    kfk__thread **v = n > 0 ? kfk__array(a, NULL, (size_t)n, sizeof *v) : NULL;
    bool late;

    n = n > 0 ? hire(g, v, n) : 0;
    work(w);
    late = g->timed_out; /* those are left to themselves */
    for (int32_t i = 0; i < n; i++)
        (void)g->env.ops->join(g->env.ctx, v[i], late ? 0 : KFK__NEVER);
    kfk__release(a, v);
    return outcome(g, e);
}

kfk_err kfk_group_run(kfk_group *g, kfk_error *e)
{
    kfk_err err = may_wait(g, "kfk_group_run", e);
    kfk__worker *w;
    bool first;

    if (err)
        return err;
    w = kfk__worker_new(g);
    if (!w)
        return kfk__fail_nomem(e);
    if (!enlist(g, &first)) {
        kfk__worker_free(w);
        return closed(e);
    }
    dismiss_host(g);
    err = run(g, w, first, e);
    kfk__worker_free(w);
    discharge(g);
    drop(g);
    return err;
}

void kfk_group_stop(kfk_group *g)
{
    atomic_store_explicit(&g->stop, true, memory_order_release);
    kfk_consumer_wakeup(g->consumer);
}

/* ---- the host's thread ---- */

/* It is the one in the host's place from now on. KFK_ERR_BUSY: another is. */
static kfk_err host_enter(kfk_group *g, kfk_error *e)
{
    bool fresh;

    if (atomic_exchange_explicit(&g->hosting, true, memory_order_acq_rel))
        return kfk__fail(e, KFK_ERR_BUSY, "another thread dispatches");
    fresh = !g->host;
    if (fresh)
        g->host = kfk__worker_new(g);
    if (!g->host) {
        atomic_store_explicit(&g->hosting, false, memory_order_release);
        return kfk__fail_nomem(e);
    }
    kfk__lock(&g->lock);
    g->host->self = g->env.ops->self(g->env.ctx);
    kfk__unlock(&g->lock);
    if (fresh)
        kfk__worker_enter(g->host);
    hold(g);
    return KFK_OK;
}

static void host_exit(kfk_group *g)
{
    kfk__shared *s = g->consumer->shared;

    kfk__lock(&g->lock);
    g->host->self = NULL;
    kfk__unlock(&g->lock);
    atomic_store_explicit(&g->hosting, false, memory_order_release);
    kfk__lock(&s->lock);
    kfk__shared_wake_watchers(s); /* of whom one may close */
    kfk__unlock(&s->lock);
    drop(g);
}

/* The end has been told once, if it was an error. */
static kfk_err tell_end(kfk_group *g, kfk_error *e)
{
    bool told;

    kfk__lock(&g->lock);
    told = g->told_outcome;
    g->told_outcome = true;
    kfk__unlock(&g->lock);
    if (!told) {
        kfk_err err = outcome(g, e);

        if (err)
            return err;
    }
    return closed(e);
}

/* When it is to be called again, if nothing happens. */
static void set_tick(kfk_group *g, int64_t at)
{
    atomic_store_explicit(&g->tick_at, at, memory_order_release);
    if (at != KFK__NEVER)
        kfk__loop_wake(&g->consumer->loop);
}

kfk_err kfk_group_dispatch(kfk_group *g, int max, int *n, kfk_error *e)
{
    kfk_err err = may_wait(g, "kfk_group_dispatch", e);
    int64_t budget = max > 0 ? max : INT32_MAX, at = KFK__NEVER;
    kfk__worker *w;
    bool ended;

    if (n)
        *n = 0;
    if (!err)
        err = host_enter(g, e);
    if (err)
        return err;
    w = g->host;
    w->left = budget;
    while (kfk__work_once(w, &at) && w->left > 0)
        ;
    if (n)
        *n = (int)(budget - w->left);
    kfk__lane_rest(g->consumer, &w->lane);
    if (w->left <= 0)
        kfk__lane_wake(g->consumer, &w->lane);
    kfk__lane_quieten(g->consumer, &w->lane);
    set_tick(g, at);
    ended = kfk__group_phase_of(g) == KFK__GROUP_ENDED;
    err = ended && w->left == budget ? tell_end(g, e) : KFK_OK;
    host_exit(g);
    return err;
}

int kfk_group_fd(kfk_group *g)
{
    return g->forks == kfk__fork_count() ? kfk_consumer_fd(g->consumer) : -1;
}

/* ---- close, free ---- */

/* Nobody else does: ends the group, within |until|. */
static kfk_err end_as_host(kfk_group *g, int64_t until, kfk_error *e)
{
    kfk_err err = host_enter(g, e);
    int64_t at;

    if (err)
        return err;
    g->host->left = INT64_MAX;
    atomic_store_explicit(&g->host_until, until, memory_order_relaxed);
    kfk__lane_wake(g->consumer, &g->host->lane);
    while (kfk__group_phase_of(g) != KFK__GROUP_ENDED)
        if (!kfk__work_once(g->host, &at) && kfk__group_phase_of(g) != KFK__GROUP_ENDED)
            kfk__work_await(g->host, at);
    host_exit(g);
    return KFK_OK;
}

/* Whether nobody is at it any more. Locked: that of shared.h. */
static bool is_over(void *arg)
{
    kfk_group *g = arg;

    return kfk__group_phase_of(g) == KFK__GROUP_ENDED &&
           atomic_load_explicit(&g->n_workers, memory_order_acquire) == 0 &&
           !atomic_load_explicit(&g->hosting, memory_order_acquire);
}

static bool is_nobodys(kfk_group *g)
{
    return kfk__group_phase_of(g) != KFK__GROUP_ENDED &&
           atomic_load_explicit(&g->n_workers, memory_order_acquire) == 0;
}

static bool is_over_or_nobodys(void *arg)
{
    kfk_group *g = arg;

    return is_over(g) ||
           (is_nobodys(g) && !atomic_load_explicit(&g->hosting, memory_order_acquire));
}

kfk_err kfk_group_close(kfk_group *g, int timeout_ms, kfk_error *e)
{
    kfk_err err = may_wait(g, "kfk_group_close", e);
    int64_t until;

    if (err)
        return err;
    until = kfk__deadline(kfk__now(&g->env), timeout_ms);
    kfk_group_stop(g);
    do {
        if (is_nobodys(g))
            err = end_as_host(g, until, e);
        if (err == KFK_ERR_NOMEM)
            return err;
        err = kfk__consumer_watch(g->consumer, kfk__consumer_ms_until(g->consumer, until), is_over_or_nobodys, g);
    } while (!err && is_nobodys(g));
    if (err == KFK_ERR_NOMEM)
        return kfk__fail_nomem(e);
    if (err)
        return kfk__fail(e, err, "group %.200s: a handler has not returned within %d ms", g->o.group,
                         timeout_ms);
    err = outcome(g, e);
    return err == KFK_ERR_TIMED_OUT ? err : KFK_OK;
}

void kfk_group_free(kfk_group *g)
{
    if (!g)
        return;
    if (g->forks != kfk__fork_count()) {
        kfk_consumer_free(g->consumer); /* whose ledger has all of it */
        return;
    }
    if (!kfk__group_in_callback(g) && is_nobodys(g))
        (void)kfk_group_close(g, 0, NULL);
    atomic_store(&g->silent, true);
    kfk_group_stop(g);
    drop(g);
}

/* ---- what stands ---- */

/* Nothing can be fetched: all of the memory is in runs that are kept. */
static kfk_err stuck(kfk_group *g, kfk_error *e)
{
    kfk__shared *s = g->consumer->shared;

    if (!kfk__consumer_is_stuck(g->consumer))
        return KFK_OK;
    return kfk__fail(e, KFK_ERR_BUFFER_FULL,
                     "runs that are not freed, and what is kept for paused partitions, take up all %zu bytes of "
                     "fetch.buffer.memory: nothing can be fetched",
                     atomic_load_explicit(&s->max_bytes, memory_order_relaxed));
}

kfk_err kfk_group_last_error(kfk_group *g, kfk_error *e)
{
    kfk_err err = usable(g, e);

    if (err)
        return err;
    err = kfk__consumer_failure(g->consumer, e);
    if (!err)
        err = kfk__client_last_error(&g->consumer->group.membership->member.client, e);
    if (!err)
        err = kfk_consumer_last_error(g->consumer, e);
    return err ? err : stuck(g, e);
}

static void visit_running(kfk_group *g, kfk__visitor *v)
{
    kfk__shared *s = g->consumer->shared;
    struct {
        kfk__assigned *p;
        int64_t ms;
    } at[32];
    int n = 0;

    kfk__lock(&s->lock);
    for (kfk__list *l = s->lanes.next; n < 32 && l != &s->lanes; l = l->next) {
        kfk__worker *w = KFK__ENTRY(l, kfk__worker, lane.link);
        int64_t since = atomic_load_explicit(&w->busy_since, memory_order_acquire);

        if (!w->lane.reading || since == KFK__NEVER)
            continue;
        at[n].p = kfk__assigned_hold(w->lane.reading);
        at[n++].ms = (kfk__now(&g->env) - since) / KFK__MS;
    }
    kfk__unlock(&s->lock);
    for (int i = 0; i < n; i++) {
        kfk__group_metrics_visit_running(v, at[i].p->topic, at[i].p->partition, at[i].ms);
        kfk__assigned_drop(at[i].p);
    }
}

kfk_err kfk_group_metrics(kfk_group *g, kfk_metric_fn *fn, void *arg)
{
    kfk_consumer *c;
    kfk__visitor v;
    kfk_err err;

    if (!g || !fn)
        return KFK_ERR_INVALID_ARG;
    if (g->forks != kfk__fork_count())
        return KFK_ERR_FORKED;
    c = g->consumer;
    err = kfk_consumer_metrics(c, fn, arg);
    kfk__client_metrics_begin(&c->group.membership->member.client.metrics, &v, fn, arg);
    kfk__client_metrics_visit(&c->group.membership->member.client.metrics, &v);
    kfk__group_metrics_visit_member(&c->group.membership->member.metrics, &v);
    kfk__group_metrics_visit(&g->metrics, &v);
    visit_running(g, &v);
    return err;
}
