/* The life of a consumer: properties, the Fetcher thread, close and free. */
#include <kfk/consumer.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "config/config.h"
#include "consumer/consumer_env.h"
#include "consumer/lane.h"
#include "net/env_posix.h"

kfk_err kfk__consumer_usable(kfk_consumer *c, kfk_error *e)
{
    if (c->forks != kfk__fork_count())
        return kfk__fail(e, KFK_ERR_FORKED,
                         "the consumer belongs to the process before fork(); make a new one");
    if (atomic_load_explicit(&c->closing, memory_order_acquire))
        return kfk__fail(e, KFK_ERR_CLOSED, "the consumer is closed");
    return KFK_OK;
}

/* ---- the Fetcher thread ---- */

/* Dead letters (lib/group) may ring it as long as it is there. */
static void drop_bell(kfk_consumer *c)
{
    kfk__poller *bell;

    kfk__lock(&c->shared->lock);
    bell = c->shared->bell;
    c->shared->bell = NULL;
    kfk__unlock(&c->shared->lock);
    if (bell)
        c->env.ops->poller_free(bell);
}

static void destroy(kfk_consumer *c)
{
    kfk_allocator a = c->env.alloc;

    kfk__client_metrics_fini(&c->fetcher.client.metrics);
    kfk__compressor_free(c->cut.compressor);
    kfk__loop_fini(&c->loop);
    kfk__consumer_forget_asks(c);
    kfk__assignor_list_fini(&c->group.assignors);
    kfk__consumer_forget_commits(c);
    kfk__consumer_forget_listed(c);
    drop_bell(c);
    kfk__shared_drop(c->shared);
    kfk_config_free(c->config);
    kfk__release(&a, c);
}

static void drop(kfk_consumer *c)
{
    if (atomic_fetch_sub_explicit(&c->owners, 1, memory_order_acq_rel) == 1)
        destroy(c);
}

static void end(kfk_consumer *c, int64_t now)
{
    kfk__shared *s = c->shared;

    kfk__fetcher_fini(&c->fetcher, now); /* there is no news from then on */
    kfk__lock(&s->lock);
    s->loop = NULL;
    kfk__shared_wake_lanes(s);
    kfk__shared_known(s);
    kfk__unlock(&s->lock);
    drop(c);
}

static int64_t step(void *self, kfk__event *ev, int n, int64_t now)
{
    kfk_consumer *c = self;
    int64_t until = kfk__fetcher_step(&c->fetcher, ev, n, now), t;

    if (!atomic_load_explicit(&c->closing, memory_order_acquire)) {
        t = c->keeper.tick ? c->keeper.tick(c->keeper.owner, now) : KFK__NEVER;
        return t < until ? t : until;
    }
    end(c, now);
    return KFK__LOOP_END;
}

/* ---- new, close, free ---- */

static int8_t isolation(const kfk_config *c)
{
    /* In the order of the property's bounds. */
    static const int8_t levels[] = {KFK__READ_COMMITTED, KFK__READ_UNCOMMITTED};

    return levels[kfk__config_choice(c, KFK__P_ISOLATION_LEVEL)];
}

static kfk__fetcher_options fetcher_options(const kfk_config *c)
{
    return (kfk__fetcher_options){
        .min_bytes = kfk__config_int(c, KFK__P_FETCH_MIN_BYTES),
        .max_bytes = kfk__config_int(c, KFK__P_FETCH_MAX_BYTES),
        .max_partition_bytes = kfk__config_int(c, KFK__P_MAX_PARTITION_FETCH_BYTES),
        .max_wait_ms = kfk__config_int(c, KFK__P_FETCH_MAX_WAIT_MS),
        .isolation = isolation(c),
        .rack = kfk__config_string(c, KFK__P_CLIENT_RACK),
        .group = kfk__config_string(c, KFK__P_GROUP_ID),
    };
}

static void read_options(kfk_consumer *c)
{
    const kfk_config *cf = c->config;

    kfk__client_options_read(&c->client_options, cf, "consumer");
    c->client_options.auto_create_topics = kfk__config_bool(cf, KFK__P_ALLOW_AUTO_CREATE_TOPICS);
    c->api_timeout_ms = kfk__config_int(cf, KFK__P_DEFAULT_API_TIMEOUT_MS);
    c->marks = c->keeper.owner != NULL;
    if (c->marks)
        c->max_undone = kfk__config_int(cf, KFK__P_MAX_UNACKED);
    if (!c->marks && kfk__config_is_set(cf, KFK__P_GROUP_ID) &&
        kfk__config_bool(cf, KFK__P_ENABLE_AUTO_COMMIT))
        c->commit_every = kfk__config_int(cf, KFK__P_AUTO_COMMIT_INTERVAL_MS) * KFK__MS + 1;
    c->commit_at = kfk__now(&c->env) + c->commit_every;
    c->cut = (kfk__cut_options){
        .max_records = kfk__config_int(cf, KFK__P_MAX_POLL_RECORDS),
        .max_inflated = (size_t)kfk__config_int(cf, KFK__P_MAX_DECOMPRESSED_BATCH_BYTES),
        .check_crcs = kfk__config_bool(cf, KFK__P_CHECK_CRCS),
    };
}

/* The application's assignors as values; *n: how many. NULL: no memory. */
static kfk__custom *custom_assignors(const kfk_consumer *c, size_t *n)
{
    const kfk__config_assignor *from;
    kfk__custom *v;

    for (*n = 0; kfk__config_assignor_at(c->config, *n); ++*n)
        continue;
    v = kfk__array(&c->env.alloc, NULL, *n + 1, sizeof *v);
    for (size_t i = 0; v && (from = kfk__config_assignor_at(c->config, i)) != NULL; i++)
        v[i] = (kfk__custom){from->name, from->flags, from->fn, from->arg};
    return v;
}

/* The names in partition.assignment.strategy. NULL: no memory. */
static kfk_bytes *strategy(const kfk_consumer *c, size_t *n)
{
    const kfk__property_id id = KFK__P_PARTITION_ASSIGNMENT_STRATEGY;
    kfk_bytes name, *v;

    for (*n = 0; kfk__config_item(c->config, id, *n, &name); ++*n)
        continue;
    v = kfk__array(&c->env.alloc, NULL, *n + 1, sizeof *v);
    for (size_t i = 0; v && i < *n; i++)
        (void)kfk__config_item(c->config, id, i, &v[i]);
    return v;
}

static kfk_err read_assignors(kfk_consumer *c, kfk_error *e)
{
    const kfk_allocator *a = &c->env.alloc;
    size_t n_own, n;
    kfk__custom *own = custom_assignors(c, &n_own);
    kfk_bytes *names = strategy(c, &n);
    kfk_err err = own && names
                      ? kfk__assignors_of(&c->group.assignors, names, n, own, n_own, a, e)
                      : kfk__fail_nomem(e);

    kfk__release(a, own);
    kfk__release(a, names);
    return err;
}

/* What it is as a member, should it come to be one. */
static kfk_err read_membership(kfk_consumer *c, kfk_error *e)
{
    const kfk_config *cf = c->config;
    const char *rack = kfk__config_string(cf, KFK__P_CLIENT_RACK);
    kfk_err err = read_assignors(c, e);

    c->group.on_event = cf->hooks.on_event;
    c->group.on_event_arg = cf->hooks_arg;
    c->group.options = (kfk__member_options){
        .group = kfk__config_string(cf, KFK__P_GROUP_ID),
        .instance = kfk__config_string(cf, KFK__P_GROUP_INSTANCE_ID),
        .rack = rack && rack[0] ? rack : NULL,
        .remote_assignor = kfk__config_string(cf, KFK__P_GROUP_REMOTE_ASSIGNOR),
        .session_ms = kfk__config_int(cf, KFK__P_SESSION_TIMEOUT_MS),
        .heartbeat_ms = kfk__config_int(cf, KFK__P_HEARTBEAT_INTERVAL_MS),
        .max_poll_ms = kfk__config_int(cf, KFK__P_MAX_POLL_INTERVAL_MS),
        .modern = kfk__config_choice(cf, KFK__P_GROUP_PROTOCOL) == 0,
        .exclude_internal = kfk__config_bool(cf, KFK__P_EXCLUDE_INTERNAL_TOPICS),
        .assignors = c->group.assignors.v,
        .n_assignors = c->group.assignors.n,
    };
    return err;
}

void kfk__consumer_places(const kfk_consumer *c, const char *topic, kfk__place *start,
                          kfk__place *reset)
{
    const char *text = kfk__config_topic_string(c->config, topic, KFK__P_AUTO_OFFSET_START);

    *reset = kfk__place_read(kfk__config_topic_string(c->config, topic, KFK__P_AUTO_OFFSET_RESET));
    *start = text ? kfk__place_read(text) : *reset;
}

/* The parts, once the configuration is there. On an error all that was made is gone again. */
static kfk_err make_parts(kfk_consumer *c, kfk_error *e)
{
    kfk__fetcher_options fo = fetcher_options(c->config);
    int err;

    c->shared =
        kfk__shared_new(&c->env, (size_t)kfk__config_long(c->config, KFK__P_FETCH_BUFFER_MEMORY));
    c->cut.compressor = c->shared ? kfk__compressor_new(&c->env.alloc) : NULL;
    if (!c->cut.compressor)
        goto no_compressor;
    err = kfk__loop_init(&c->loop, &c->env, step, c);
    if (err) {
        (void)kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no poller");
        goto no_loop;
    }
    if (kfk__fetcher_init(&c->fetcher, &c->env, &fo, &c->client_options, c->shared,
                          c->loop.poller)) {
        (void)kfk__fail_nomem(e);
        goto no_fetcher;
    }
    c->shared->loop = &c->loop;
    c->shared->skips_bad = kfk__config_choice(c->config, KFK__P_CORRUPT_BATCH_POLICY) == 1;
    c->loop.told = c->config->hooks.thread;
    c->loop.told_arg = c->config->log.arg;
    err = kfk__loop_start(&c->loop, "kfk-fetcher");
    if (!err)
        return KFK_OK;
    (void)kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no thread");
    kfk__fetcher_fini(&c->fetcher, 0);
no_fetcher:
    kfk__loop_fini(&c->loop);
no_loop:
    kfk__compressor_free(c->cut.compressor);
    kfk__shared_drop(c->shared);
    return e ? e->code : KFK_ERR_SYSTEM;
no_compressor:
    if (c->shared)
        kfk__shared_drop(c->shared);
    return kfk__fail_nomem(e);
}

kfk_err kfk__consumer_new_as(kfk_consumer **out, const kfk__env *env, const kfk_config *config,
                             uint32_t role, const kfk__keeper *keeper, kfk_error *e)
{
    kfk_consumer *c = kfk__zalloc(&env->alloc, sizeof *c);
    kfk_error local;
    kfk_err err;

    e = e ? e : &local;
    if (!c)
        return kfk__fail_nomem(e);
    c->env = *env;
    if (keeper)
        c->keeper = *keeper;
    atomic_init(&c->owners, 2);
    atomic_init(&c->closing, false);
    atomic_flag_clear(&c->polling);
    kfk__list_init(&c->asks);
    kfk__list_init(&c->group.handovers);
    kfk__list_init(&c->asyncs);
    atomic_init(&c->n_asyncs, 0);
    c->config = kfk__config_copy(config, &c->env.alloc);
    err = c->config ? kfk__config_check(c->config, role, e) : kfk__fail_nomem(e);
    if (!err) {
        c->forks = kfk__fork_count(); /* the log function may have forked */
        read_options(c);
        err = read_membership(c, e);
    }
    if (!err)
        err = make_parts(c, e);
    if (err) {
        kfk__assignor_list_fini(&c->group.assignors);
        kfk__client_metrics_fini(&c->fetcher.client.metrics);
        kfk_config_free(c->config);
        kfk__release(&env->alloc, c);
        return err;
    }
    *out = c;
    return KFK_OK;
}

kfk_err kfk__consumer_new_in(kfk_consumer **out, const kfk__env *env, const kfk_config *config,
                             kfk_error *e)
{
    return kfk__consumer_new_as(out, env, config, KFK_ROLE_CONSUMER, NULL, e);
}

kfk_err kfk_consumer_new(kfk_consumer **out, const kfk_config *c, kfk_error *e)
{
    kfk__env env;
    kfk_err err;

    if (!out || !c)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_consumer_new: out or c is NULL");
    err = kfk__env_handle(&env, &c->alloc, e);
    if (err)
        return err;
    err = kfk__consumer_new_in(out, &env, c, e);
    kfk__ledger_settle(&env.alloc);
    return err;
}

/* Ends the Fetcher, which ends whoever waits. */
static void start_close(kfk_consumer *c)
{
    kfk__shared *s = c->shared;
    kfk__list gone;

    atomic_store_explicit(&c->closing, true, memory_order_release);
    kfk__list_init(&gone);
    kfk__lock(&s->lock);
    s->closed = true;
    /* Runs that are out stay valid: their version does not change. */
    kfk__shared_remove_all(s, &gone);
    for (kfk__list *at = gone.next; at != &gone; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (p->marks)
            kfk__marks_end(p->marks);
        kfk__list_remove(&p->ready);
        kfk__list_splice(&s->garbage, &p->fetched);
    }
    kfk__shared_wake_lanes(s);
    kfk__shared_ring(s);
    kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    kfk__consumer_drop_all(&gone);
    kfk__shared_sweep(s);
}

static bool may_enter(void *arg)
{
    return kfk__consumer_enter(arg);
}

/* A member takes its leave, as who polls; whoever is at it comes out. */
static kfk_err leave_group(kfk_consumer *c, int64_t until, int timeout_ms, kfk_error *e)
{
    kfk_err err;

    if (!atomic_load_explicit(&c->group.is_member, memory_order_acquire))
        return KFK_OK;
    if (c->group.serving == c->env.ops->self(c->env.ctx))
        return kfk__fail(e, KFK_ERR_IN_CALLBACK, "a listener may not close the consumer");
    atomic_store_explicit(&c->group.awaited, true, memory_order_release);
    kfk__lane_wake_all(c);
    err = kfk__consumer_watch(c, timeout_ms, may_enter, c);
    if (err == KFK_ERR_NOMEM)
        return kfk__fail_nomem(e);
    if (err)
        return kfk__fail(e, err, "another thread did not leave kfk_consumer_poll");
    err = kfk__consumer_leave(c, until, e);
    kfk__consumer_exit(c);
    return err;
}

kfk_err kfk_consumer_close(kfk_consumer *c, int timeout_ms, kfk_error *e)
{
    kfk_err left = KFK_OK;
    bool settled;

    if (c->forks != kfk__fork_count())
        return kfk__consumer_usable(c, e);
    if (!atomic_load_explicit(&c->closing, memory_order_acquire)) {
        int64_t until = kfk__deadline(kfk__now(&c->env), timeout_ms);

        left = leave_group(c, until, timeout_ms, e);
        if (left == KFK_ERR_IN_CALLBACK || left == KFK_ERR_NOMEM)
            return left;
        kfk__consumer_commit_last(c);
        timeout_ms = kfk__consumer_ms_until(c, until);
    }
    settled = kfk__consumer_await_commits(c, timeout_ms);
    start_close(c);
    kfk__consumer_end_commits(c);
    if (settled)
        return left;
    (void)kfk__fail(e, KFK_ERR_TIMED_OUT, "a commit was not answered within %d ms", timeout_ms);
    if (e)
        e->flags |= KFK_MAYBE_DONE;
    return KFK_ERR_TIMED_OUT;
}

void kfk_consumer_free(kfk_consumer *c)
{
    if (!c)
        return;
    if (c->forks != kfk__fork_count()) {
        kfk_config_free(c->config); /* nobody changes it; passwords are cleared */
        kfk__ledger_abandon(&c->env.alloc);
        return;
    }
    start_close(c);
    kfk__consumer_end_membership(c);
    (void)kfk__loop_join(&c->loop, KFK__NEVER);
    drop(c);
}

kfk_err kfk_consumer_last_error(kfk_consumer *c, kfk_error *e)
{
    if (c->forks != kfk__fork_count())
        return kfk__consumer_usable(c, e);
    return kfk__client_last_error(&c->fetcher.client, e);
}

kfk_err kfk_consumer_metrics(kfk_consumer *c, kfk_metric_fn *fn, void *arg)
{
    kfk__visitor v;

    if (!c || !fn)
        return KFK_ERR_INVALID_ARG;
    if (c->forks != kfk__fork_count())
        return KFK_ERR_FORKED;
    kfk__client_metrics_begin(&c->fetcher.client.metrics, &v, fn, arg);
    kfk__client_metrics_visit(&c->fetcher.client.metrics, &v);
    return kfk__consumer_metrics_visit(&c->fetcher.metrics, c->shared, &v);
}
