/* The public face of the consumer: arguments, properties, the Fetcher thread's life, poll.
 *
 * The handle has two owners, the application and the Fetcher thread; the last one out frees it. Runs that the
 * application holds keep what they need of it (shared.h). */
#include <kfk/consumer.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "config/config.h"
#include "consumer/consumer_env.h"
#include "consumer/fetch.h"
#include "consumer/fetcher.h"
#include "consumer/records.h"
#include "net/env_posix.h"

struct kfk_consumer {
    kfk__env env;
    unsigned forks; /* kfk__fork_count when it was made */
    atomic_int owners;
    atomic_bool closing;
    atomic_flag polling;
    kfk_config *config;
    kfk__client_options client_options;
    kfk__cut_options cut;
    kfk__shared *shared;
    kfk__fetcher fetcher;
    kfk__loop loop;
};

static kfk_err usable(kfk_consumer *c, kfk_error *e)
{
    if (c->forks != kfk__fork_count())
        return kfk__fail(e, KFK_ERR_FORKED,
                         "the consumer belongs to the process before fork(); make a new one");
    if (atomic_load_explicit(&c->closing, memory_order_acquire))
        return kfk__fail(e, KFK_ERR_CLOSED, "the consumer is closed");
    return KFK_OK;
}

/* ---- the Fetcher thread ---- */

static void destroy(kfk_consumer *c)
{
    kfk_allocator a = c->env.alloc;

    kfk__client_metrics_fini(&c->fetcher.client.metrics);
    kfk__compressor_free(c->cut.compressor);
    kfk__loop_fini(&c->loop);
    kfk__shared_drop(c->shared);
    kfk_config_free(c->config);
    kfk__release(&a, c);
}

static void drop(kfk_consumer *c)
{
    if (atomic_fetch_sub_explicit(&c->owners, 1, memory_order_acq_rel) == 1)
        destroy(c);
}

/* Takes all partitions out of the assignment. Locked; what they held is garbage then. */
static void unassign_all(kfk__shared *s, kfk__list *out)
{
    kfk__list_splice(out, &s->partitions);
    for (kfk__list *at = out->next; at != out; at = at->next)
        kfk__assigned_move(KFK__ENTRY(at, kfk__assigned, link), -1);
}

static void drop_all(kfk__list *partitions)
{
    kfk__list *at;

    while ((at = kfk__list_pop(partitions)) != NULL)
        kfk__assigned_drop(KFK__ENTRY(at, kfk__assigned, link));
}

static void end(kfk_consumer *c, int64_t now)
{
    kfk__shared *s = c->shared;

    kfk__fetcher_fini(&c->fetcher, now);
    kfk__lock(&s->lock);
    s->loop = NULL;
    s->closed = true;
    for (kfk__list *at = c->fetcher.queries.next; at != &c->fetcher.queries; at = at->next) {
        kfk__topic_query *q = KFK__ENTRY(at, kfk__topic_query, link);

        if (!q->done) {
            q->done = true;
            q->err = KFK_ERR_CLOSED;
            c->env.ops->wake(c->env.ctx, q->waiter);
        }
    }
    if (s->poller)
        c->env.ops->wake(c->env.ctx, s->poller);
    kfk__unlock(&s->lock);
    drop(c);
}

static int64_t step(void *self, kfk__event *ev, int n, int64_t now)
{
    kfk_consumer *c = self;
    int64_t until = kfk__fetcher_step(&c->fetcher, ev, n, now);

    if (!atomic_load_explicit(&c->closing, memory_order_acquire))
        return until;
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
    };
}

static void read_options(kfk_consumer *c)
{
    const kfk_config *cf = c->config;

    kfk__client_options_read(&c->client_options, cf, "consumer");
    c->client_options.auto_create_topics = kfk__config_bool(cf, KFK__P_ALLOW_AUTO_CREATE_TOPICS);
    c->cut = (kfk__cut_options){
        .max_records = kfk__config_int(cf, KFK__P_MAX_POLL_RECORDS),
        .max_inflated = (size_t)kfk__config_int(cf, KFK__P_MAX_DECOMPRESSED_BATCH_BYTES),
        .check_crcs = kfk__config_bool(cf, KFK__P_CHECK_CRCS),
    };
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

kfk_err kfk__consumer_new_in(kfk_consumer **out, const kfk__env *env, const kfk_config *config,
                             kfk_error *e)
{
    kfk_consumer *c = kfk__zalloc(&env->alloc, sizeof *c);
    kfk_error local;
    kfk_err err;

    e = e ? e : &local;
    if (!c)
        return kfk__fail_nomem(e);
    c->env = *env;
    atomic_init(&c->owners, 2);
    atomic_init(&c->closing, false);
    atomic_flag_clear(&c->polling);
    c->config = kfk__config_copy(config, &c->env.alloc);
    err = c->config ? kfk__config_check(c->config, KFK_ROLE_CONSUMER, e) : kfk__fail_nomem(e);
    if (!err) {
        c->forks = kfk__fork_count(); /* the log function may have forked */
        read_options(c);
        err = make_parts(c, e);
    }
    if (err) {
        kfk__client_metrics_fini(&c->fetcher.client.metrics);
        kfk_config_free(c->config);
        kfk__release(&env->alloc, c);
        return err;
    }
    *out = c;
    return KFK_OK;
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
    kfk__list_splice(&gone, &s->partitions);
    while (!kfk__list_empty(&s->ready))
        kfk__list_remove(s->ready.next);
    for (kfk__list *at = gone.next; at != &gone; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        kfk__list_splice(&s->garbage, &p->fetched);
    }
    if (s->poller)
        c->env.ops->wake(c->env.ctx, s->poller);
    kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    drop_all(&gone);
    kfk__shared_sweep(s);
}

kfk_err kfk_consumer_close(kfk_consumer *c, int timeout_ms, kfk_error *e)
{
    (void)timeout_ms; /* nothing here waits for a broker */
    if (c->forks != kfk__fork_count())
        return usable(c, e);
    start_close(c);
    return KFK_OK;
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
    (void)kfk__loop_join(&c->loop, KFK__NEVER);
    drop(c);
}

kfk_err kfk_consumer_last_error(kfk_consumer *c, kfk_error *e)
{
    if (c->forks != kfk__fork_count())
        return usable(c, e);
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

/* ---- what is read ---- */

static kfk_err check_tps(const kfk_tp *tps, size_t n, bool offsets, kfk_error *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!tps[i].topic || !tps[i].topic[0] || tps[i].partition < 0)
            return kfk__fail(e, KFK_ERR_INVALID_ARG, "partition %zu has no topic or is negative",
                             i);
        if ((offsets || (tps[i].flags & KFK_OFFSET)) && tps[i].offset < KFK_OFFSET_EARLIEST)
            return kfk__fail(e, KFK_ERR_INVALID_ARG, "%.200s-%d: %lld is not an offset",
                             tps[i].topic, tps[i].partition, (long long)tps[i].offset);
    }
    return KFK_OK;
}

/* auto.offset.reset, as it holds for the topic. */
static int64_t reset_of(const kfk_consumer *c, const char *topic)
{
    /* In the order of the property's bounds. */
    static const int64_t resets[] = {KFK_OFFSET_LATEST, KFK_OFFSET_EARLIEST, KFK__RESET_NONE};

    return resets[kfk__config_topic_choice(c->config, topic, KFK__P_AUTO_OFFSET_RESET)];
}

/* New partitions for all of |tps|, in |out|. */
static kfk_err make_partitions(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk__list *out)
{
    for (size_t i = 0; i < n; i++) {
        kfk__assigned *p = kfk__assigned_new(c->shared, tps[i].topic, tps[i].partition);

        if (!p) {
            drop_all(out);
            return KFK_ERR_NOMEM;
        }
        p->opaque = tps[i].opaque;
        p->reset = reset_of(c, tps[i].topic);
        p->position = tps[i].flags & KFK_OFFSET ? tps[i].offset : p->reset;
        if (p->position == KFK__RESET_NONE) {
            p->position = -1;
            p->err = KFK_ERR_NO_OFFSET;
        }
        kfk__list_push(out, &p->link);
    }
    return KFK_OK;
}

/* Those that are assigned already, and are given no offset, go on as they are. Locked. */
static void keep_assigned(kfk__shared *s, const kfk_tp *tps, kfk__list *fresh, kfk__list *unused)
{
    size_t i = 0;

    for (kfk__list *at = fresh->next, *next; at != fresh; at = next, i++) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        kfk__assigned *old = kfk__shared_find(s, p->topic, p->partition);

        next = at->next;
        if (!old || (tps[i].flags & KFK_OFFSET))
            continue;
        kfk__list_remove(&old->link);
        kfk__list_insert(at, &old->link);
        old->opaque = p->opaque;
        kfk__list_remove(at);
        kfk__list_push(unused, at);
    }
}

/* A partition without a position, where the policy is not to look one up, is an error that poll tells. */
static void tell_failed(kfk__shared *s)
{
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (p->err == KFK_ERR_NO_OFFSET)
            kfk__assigned_fail(p, p->err, "no offset was given, and auto.offset.reset=none");
    }
}

kfk_err kfk_consumer_assign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = usable(c, e);
    kfk__shared *s = c->shared;
    kfk__list fresh, unused;
    bool closed;

    kfk__list_init(&fresh);
    kfk__list_init(&unused);
    if (!err)
        err = check_tps(tps, n, false, e);
    if (err)
        return err;
    if (make_partitions(c, tps, n, &fresh))
        return kfk__fail_nomem(e);
    kfk__lock(&s->lock);
    closed = s->closed; /* since usable looked */
    if (!closed) {
        keep_assigned(s, tps, &fresh, &unused);
        unassign_all(s, &unused);
        kfk__list_splice(&s->partitions, &fresh);
        tell_failed(s);
        kfk__shared_wake(s);
    }
    kfk__unlock(&s->lock);
    drop_all(&fresh);
    drop_all(&unused);
    kfk__shared_sweep(s);
    return closed ? usable(c, e) : KFK_OK;
}

kfk_err kfk_consumer_seek(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = usable(c, e);
    kfk__shared *s = c->shared;
    size_t i;

    if (!err)
        err = check_tps(tps, n, true, e);
    if (err)
        return err;
    kfk__lock(&s->lock);
    for (i = 0; i < n && kfk__shared_find(s, tps[i].topic, tps[i].partition); i++)
        ;
    for (size_t k = 0; i == n && k < n; k++)
        kfk__assigned_move(kfk__shared_find(s, tps[k].topic, tps[k].partition), tps[k].offset);
    kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    kfk__shared_sweep(s);
    if (i < n)
        return kfk__fail(e, KFK_ERR_STATE, "%.200s-%d is not assigned", tps[i].topic,
                         tps[i].partition);
    return KFK_OK;
}

kfk_err kfk_consumer_position(kfk_consumer *c, kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = usable(c, e);
    kfk__shared *s = c->shared;

    if (!err)
        err = check_tps(tps, n, false, e);
    if (err)
        return err;
    kfk__lock(&s->lock);
    for (size_t i = 0; i < n; i++) {
        const kfk__assigned *p = kfk__shared_find(s, tps[i].topic, tps[i].partition);

        tps[i].offset = p && p->position >= 0 ? p->position : -1;
        tps[i].err = !p ? KFK_ERR_STATE : p->position < 0 ? KFK_ERR_WOULD_BLOCK : KFK_OK;
    }
    kfk__unlock(&s->lock);
    return KFK_OK;
}

kfk_err kfk_consumer_partitions(kfk_consumer *c, const char *topic, int timeout_ms, int32_t *count,
                                kfk_error *e)
{
    kfk__topic_query q = {.topic = topic};
    kfk_err err = usable(c, e);
    kfk__shared *s = c->shared;
    int64_t until;
    bool in_time = true, done = false;
    kfk__waiter w;

    if (err)
        return err;
    if (!topic || !topic[0])
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "no topic");
    if (c->env.ops->waiter_init(c->env.ctx, &w))
        return kfk__fail_nomem(e);
    q.since = kfk__now(&c->env);
    until = kfk__deadline(q.since, timeout_ms);
    q.waiter = &w;
    kfk__lock(&s->lock);
    kfk__list_push(&c->fetcher.queries, &q.link);
    done = q.done = s->closed;
    q.err = done ? KFK_ERR_CLOSED : KFK_OK;
    kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    while (!done && in_time) {
        in_time = c->env.ops->wait(c->env.ctx, &w, until);
        kfk__lock(&s->lock);
        done = q.done;
        kfk__unlock(&s->lock);
    }
    kfk__lock(&s->lock);
    kfk__list_remove(&q.link);
    done = q.done;
    kfk__unlock(&s->lock);
    c->env.ops->waiter_fini(c->env.ctx, &w);
    if (!done && q.err <= 0) {
        (void)kfk__fail(e, KFK_ERR_TIMED_OUT, "topic %.200s: no metadata within %d ms", topic,
                        timeout_ms);
        kfk__client_explain(&c->fetcher.client, e);
        return KFK_ERR_TIMED_OUT;
    }
    if (q.err)
        return kfk__fail(e, q.err, "topic %.200s: %s", topic, kfk_err_str(q.err));
    *count = q.partitions;
    return KFK_OK;
}

/* ---- poll ---- */

void kfk_consumer_wakeup(kfk_consumer *c)
{
    /* May be a signal handler's: the Fetcher passes it on to who waits. */
    atomic_store_explicit(&c->shared->woken, true, memory_order_release);
    kfk__loop_wake(&c->loop);
}

/* What stands in the way of a partition's next record. Locked. */
static kfk_err tell_error(kfk__assigned *p, kfk_error *e)
{
    kfk_err err = kfk__fail(e, p->err, "%.200s-%d at offset %lld: %s", p->topic, p->partition,
                            (long long)p->position, p->why);

    if (e) {
        kfk__error_set(e->topic, sizeof e->topic, p->topic, p->topic_len);
        e->partition = p->partition;
        e->offset = p->position;
    }
    return err;
}

/* The first ready partition's oldest data, taken out; the partition is held. NULL: nothing is ready, or *err. */
static kfk__fetched *take_ready(kfk__shared *s, kfk__assigned **partition, unsigned *version,
                                int64_t *position, kfk_err *err, kfk_error *e)
{
    kfk__fetched *f = NULL;
    kfk__assigned *p;
    kfk__list *at;

    kfk__lock(&s->lock);
    at = kfk__list_pop(&s->ready);
    if (at) {
        p = KFK__ENTRY(at, kfk__assigned, ready);
        at = kfk__list_pop(&p->fetched);
        if (p->err) {
            /* It stays ready, so that poll tells again, after the others had their turn. */
            kfk__list_push(&s->ready, &p->ready);
            *err = tell_error(p, e);
        } else if (at) {
            f = KFK__ENTRY(at, kfk__fetched, link);
            *partition = kfk__assigned_hold(p);
            *version = atomic_load_explicit(&p->version, memory_order_relaxed);
            *position = p->position;
        }
    }
    kfk__unlock(&s->lock);
    return f;
}

/* Puts back what is left of it, and moves the position, unless a seek came between. true: the run is to be handed
 * out. */
static bool put_back(kfk__shared *s, kfk__assigned *p, unsigned version, kfk__fetched *f,
                     size_t was, int64_t position, kfk_err err, const char *why)
{
    size_t left = f->end - f->at;
    bool still, wake = false;

    kfk__lock(&s->lock);
    still = !s->closed && atomic_load_explicit(&p->version, memory_order_relaxed) == version;
    if (still) {
        p->position = position;
        p->buffered -= was - left;
        if (left > 0 && (!err || err == KFK_ERR_NOMEM)) {
            kfk__list_push_front(&p->fetched, &f->link);
            f = NULL;
        }
        if (!kfk__list_empty(&p->fetched))
            kfk__assigned_ready(p);
        wake = left == 0;
    }
    if (still && err && err != KFK_ERR_NOMEM)
        kfk__assigned_fail(p, err, why);
    if (wake)
        kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    if (f)
        kfk__fetched_free(s, f);
    kfk__shared_sweep(s);
    return still;
}

/* One run, if anything is ready. KFK_OK and NULL: nothing is. */
static kfk_err try_poll(kfk_consumer *c, kfk_records **rs, kfk_error *e)
{
    kfk__shared *s = c->shared;

    for (;;) {
        kfk__assigned *p;
        kfk_err err = KFK_OK;
        const char *why = NULL;
        int64_t position;
        unsigned version;
        size_t was;
        kfk__fetched *f = take_ready(s, &p, &version, &position, &err, e);

        if (!f)
            return err;
        was = f->end - f->at;
        err = kfk__records_cut(rs, p, version, f, &position, &c->cut, &why);
        if (!put_back(s, p, version, f, was, position, err, why ? why : "")) {
            kfk_records_free(*rs);
            *rs = NULL;
        }
        kfk__assigned_drop(p);
        if (*rs)
            return KFK_OK;
        if (err == KFK_ERR_NOMEM)
            return kfk__fail_nomem(e);
    }
}

static bool anything(kfk__shared *s)
{
    bool yes;

    kfk__lock(&s->lock);
    yes = !kfk__list_empty(&s->ready) || s->closed;
    kfk__unlock(&s->lock);
    return yes;
}

static void set_poller(kfk__shared *s, kfk__waiter *w)
{
    kfk__lock(&s->lock);
    s->poller = w;
    kfk__unlock(&s->lock);
}

/* Until there is something, or |until|. */
static kfk_err await_something(kfk_consumer *c, int64_t until)
{
    kfk__shared *s = c->shared;
    kfk__waiter w;
    bool in_time = true;

    if (c->env.ops->waiter_init(c->env.ctx, &w))
        return KFK_ERR_NOMEM;
    set_poller(s, &w);
    while (in_time && !anything(s) && !atomic_load_explicit(&s->woken, memory_order_acquire))
        in_time = c->env.ops->wait(c->env.ctx, &w, until);
    set_poller(s, NULL);
    c->env.ops->waiter_fini(c->env.ctx, &w);
    return in_time ? KFK_OK : KFK_ERR_TIMED_OUT;
}

static kfk_err poll_until(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e)
{
    int64_t until = -1;

    for (;;) {
        kfk_err err = usable(c, e);

        if (!err && atomic_exchange_explicit(&c->shared->woken, false, memory_order_acq_rel))
            err = kfk__fail(e, KFK_ERR_WOKEN, "kfk_consumer_wakeup ended the wait");
        if (!err)
            err = try_poll(c, rs, e);
        if (err || *rs || timeout_ms == 0)
            return err;
        if (until < 0)
            until = kfk__deadline(kfk__now(&c->env), timeout_ms);
        err = await_something(c, until);
        if (err == KFK_ERR_TIMED_OUT)
            return KFK_OK;
        if (err)
            return kfk__fail(e, err, "%s", kfk_err_str(err));
    }
}

kfk_err kfk_consumer_poll(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e)
{
    kfk_err err = usable(c, e);

    *rs = NULL;
    if (err)
        return err;
    if (atomic_flag_test_and_set_explicit(&c->polling, memory_order_acquire))
        return kfk__fail(e, KFK_ERR_BUSY, "another thread is in kfk_consumer_poll");
    err = poll_until(c, timeout_ms, rs, e);
    atomic_flag_clear_explicit(&c->polling, memory_order_release);
    return err;
}
