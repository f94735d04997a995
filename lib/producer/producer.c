/* The public face of the producer: arguments, properties, the Sender thread's life.
 *
 *   new ──> OPEN ──close(t)──> CLOSING ── all delivered, or t is over: the rest is ended ──> ENDED ──free──> gone
 *
 * The handle has two owners, the application and the Sender thread; the last one out frees it. */
#include <kfk/producer.h>

#include <stdatomic.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "config/config.h"
#include "net/env_posix.h"
#include "producer/handle.h"
#include "producer/producer_env.h"
#include "producer/sender_step.h"

/* How much longer than its timeout a close waits for the Sender to say that it has ended. */
#define CLOSE_GRACE (500 * KFK__MS)

/* One who waits in close. */
typedef struct closer {
    kfk__list link;
    kfk__waiter waiter;
} closer;

/* ---- checks that calls make ---- */

kfk_err kfk__producer_forked(kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_FORKED,
                     "the producer belongs to the process before fork(); make a new one");
}

kfk_err kfk__producer_may_wait(const kfk_producer *p, const char *call, kfk_error *e)
{
    if (kfk__producer_is_forked(p))
        return kfk__producer_forked(e);
    if (kfk__producer_in_callback(p))
        return kfk__fail(e, KFK_ERR_IN_CALLBACK, "%s may not be called from a callback", call);
    return KFK_OK;
}

/* ---- what the Sender has to tell ---- */

static void enter_callback(kfk_producer *p)
{
    atomic_store_explicit(&p->in_callback, p->env.ops->self(p->env.ctx), memory_order_relaxed);
}

static void leave_callback(kfk_producer *p)
{
    atomic_store_explicit(&p->in_callback, NULL, memory_order_relaxed);
}

/* Stands for the callback of a send_sync that was called, where others are told of the record, too. */
static void already_called(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)d, (void)arg;
}

/* Those who wait in send_sync have their results at once. false: that was all that there was to tell. */
static bool tell_sync(kfk_producer *p, kfk__producer_batch *b, const kfk__result *r)
{
    kfk__delivery_walk w;
    kfk__callback *cb;
    bool others = false;

    kfk__delivery_walk_init(&w, b, r);
    while ((cb = kfk__delivery_walk_next(&w)) != NULL) {
        if (cb->fn == kfk__sync_done) {
            kfk__sync_done(p, &w.d, cb->arg);
            cb->fn = p->hooks.on_ack ? already_called : kfk__callback_moved;
        }
        others |= cb->fn != kfk__callback_moved;
    }
    return others;
}

static bool finish_batch(void *owner, kfk__producer_batch *b, const kfk__result *r)
{
    kfk_producer *p = owner;

    if (!p->app) {
        enter_callback(p);
        kfk__deliver(p, b, r, p->hooks.on_ack, p->hooks_arg);
        leave_callback(p);
        return true;
    }
    if (b->urgent && !tell_sync(p, b, r))
        return true;
    kfk__result_keep(b, r);
    kfk__accumulator_untold(&p->accumulator, b);
    kfk__outbox_put(&p->outbox, b);
    return false;
}

static void tell_event(void *owner, const kfk_event *e)
{
    kfk_producer *p = owner;

    if (p->app) {
        kfk__outbox_event(&p->outbox, e);
        return;
    }
    enter_callback(p);
    p->hooks.on_event(e, p->hooks_arg);
    leave_callback(p);
}

static void queue_line(int level, const char *subsystem, const char *msg, void *arg)
{
    kfk_producer *p = arg;

    kfk__outbox_line(&p->outbox, level, subsystem, msg);
}

/* There is room in buffer.memory again for somebody who was refused. */
static void tell_room(kfk_producer *p)
{
    kfk__outbox_writable(&p->outbox);
    if (p->app || !p->hooks.writable)
        return;
    enter_callback(p);
    p->hooks.writable(p->hooks_arg);
    leave_callback(p);
}

/* ---- the Sender thread ---- */

static void destroy(kfk_producer *p)
{
    kfk_allocator a = p->env.alloc;

    kfk__outbox_fini(&p->outbox, &p->accumulator.pool);
    kfk__client_metrics_fini(&p->sender.client.metrics);
    kfk__accumulator_fini(&p->accumulator);
    kfk__loop_fini(&p->loop);
    kfk__mutex_fini(&p->lock);
    kfk_config_free(p->config);
    kfk__release_lines(&a, p);
}

static void drop(kfk_producer *p)
{
    if (atomic_fetch_sub_explicit(&p->owners, 1, memory_order_acq_rel) == 1)
        destroy(p);
}

/* The time of close is over. */
static void cut_short(kfk_producer *p, int64_t now)
{
    if (!kfk__sender_abandon(&p->sender, now))
        return;
    kfk__lock(&p->lock);
    p->cut_short = true;
    kfk__unlock(&p->lock);
}

/* Everything has its result. */
static void end(kfk_producer *p, int64_t now)
{
    kfk__sender_fini(&p->sender, now);
    kfk__lock(&p->lock);
    p->ended = true;
    for (kfk__list *at = p->closers.next; at != &p->closers; at = at->next)
        p->env.ops->wake(p->env.ctx, &KFK__ENTRY(at, closer, link)->waiter);
    kfk__unlock(&p->lock);
    drop(p);
}

static int64_t step(void *self, kfk__event *ev, int n, int64_t now)
{
    kfk_producer *p = self;
    int64_t until, deadline = KFK__NEVER;
    bool closing;

    kfk__lock(&p->lock);
    closing = p->closing;
    if (closing)
        deadline = p->close_deadline;
    kfk__unlock(&p->lock);
    if (closing)
        kfk__sender_closing(&p->sender);
    until = kfk__sender_step(&p->sender, ev, n, now);
    if (kfk__accumulator_room(&p->accumulator))
        tell_room(p);
    if (now >= deadline)
        cut_short(p, now);
    if (closing && kfk__sender_idle(&p->sender)) {
        end(p, now);
        return KFK__LOOP_END;
    }
    if (now >= deadline)
        deadline = now + KFK__MS; /* somebody still compresses a batch */
    return until < deadline ? until : deadline;
}

/* ---- new ---- */

static bool never_waits(void *owner)
{
    return kfk__producer_in_callback(owner);
}

static void explain(void *owner, kfk_error *e)
{
    kfk_producer *p = owner;

    kfk__client_explain(&p->sender.client, e);
}

static void topic_options(void *owner, const char *topic, kfk__topic_options *o)
{
    static const kfk__property_id levels[] = {
        [KFK__CODEC_GZIP] = KFK__P_COMPRESSION_GZIP_LEVEL,
        [KFK__CODEC_LZ4] = KFK__P_COMPRESSION_LZ4_LEVEL,
        [KFK__CODEC_ZSTD] = KFK__P_COMPRESSION_ZSTD_LEVEL,
    };
    const kfk_config *c = ((const kfk_producer *)owner)->config;

    *o = (kfk__topic_options){
        .codec = (kfk__codec)kfk__config_topic_choice(c, topic, KFK__P_COMPRESSION_TYPE),
        .partitioner = kfk__config_topic_choice(c, topic, KFK__P_PARTITIONER_CLASS),
        .ignore_keys = kfk__config_bool(c, KFK__P_PARTITIONER_IGNORE_KEYS),
        .partition = c->hooks.partition,
        .partition_arg = c->hooks_arg};
    if (o->codec != KFK__CODEC_NONE && o->codec != KFK__CODEC_SNAPPY)
        o->level = kfk__config_topic_int(c, topic, levels[o->codec]);
}

static kfk__accumulator_options accumulator_options(kfk_producer *p)
{
    const kfk_config *c = p->config;

    return (kfk__accumulator_options){
        .batch_size = (size_t)kfk__config_int(c, KFK__P_BATCH_SIZE),
        .buffer_memory = (size_t)kfk__config_long(c, KFK__P_BUFFER_MEMORY),
        .max_request_size = (size_t)kfk__config_int(c, KFK__P_MAX_REQUEST_SIZE),
        .linger_ns = kfk__config_long(c, KFK__P_LINGER_MS) * KFK__MS,
        .max_block_ms = kfk__config_long(c, KFK__P_MAX_BLOCK_MS),
        .adaptive = kfk__config_bool(c, KFK__P_PARTITIONER_ADAPTIVE),
        .tells_all = p->app || p->hooks.on_ack,
        .never_waits = never_waits,
        .explain = explain,
        .topic = topic_options,
        .owner = p,
    };
}

static kfk__sender_options sender_options(const kfk_config *c)
{
    static const int16_t acks[] = {-1, -1, 0, 1}; /* all, -1, 0, 1 */

    return (kfk__sender_options){
        .linger_ns = kfk__config_long(c, KFK__P_LINGER_MS) * KFK__MS,
        .availability_ns = kfk__config_long(c, KFK__P_PARTITIONER_AVAILABILITY_TIMEOUT_MS) * KFK__MS,
        .delivery_timeout_ms = kfk__config_int(c, KFK__P_DELIVERY_TIMEOUT_MS),
        .request_timeout_ms = kfk__config_int(c, KFK__P_REQUEST_TIMEOUT_MS),
        .retries = (uint32_t)kfk__config_int(c, KFK__P_RETRIES),
        .max_request_size = (size_t)kfk__config_int(c, KFK__P_MAX_REQUEST_SIZE),
        .acks = acks[kfk__config_choice(c, KFK__P_ACKS)],
        .idempotent = kfk__config_bool(c, KFK__P_ENABLE_IDEMPOTENCE),
        .in_order = kfk__config_int(c, KFK__P_MAX_IN_FLIGHT) == 1,
    };
}

static void read_options(kfk_producer *p)
{
    const kfk_config *c = p->config;
    kfk__client_options *o = &p->client_options;

    p->app = kfk__config_choice(c, KFK__P_DISPATCH) == 1;
    p->hooks = c->hooks;
    p->hooks_arg = c->hooks_arg;
    p->quick = p->hooks.on_send || p->hooks.on_ack ? p->forks - 1 : p->forks;
    kfk__client_options_read(o, c, "producer");
    if (p->app && o->log.fn)
        o->log = (kfk__log){.fn = queue_line, .arg = p, .level = o->log.level};
    o->max_in_flight = kfk__config_int(c, KFK__P_MAX_IN_FLIGHT);
    o->metadata_max_idle_ms = kfk__config_long(c, KFK__P_METADATA_MAX_IDLE_MS);
    o->auto_create_topics = true; /* as Java's producer: the broker's setting decides */
}

/* The parts, once the configuration is there. On an error nothing is left but |p| and its config. */
static kfk_err make_parts(kfk_producer *p, kfk_error *e)
{
    kfk__accumulator_options ao = accumulator_options(p);
    kfk__sender_options so = sender_options(p->config);
    int err = kfk__loop_init(&p->loop, &p->env, step, p);

    if (err)
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no poller");
    so.event = p->hooks.on_event ? tell_event : NULL;
    kfk__accumulator_init(&p->accumulator, &p->env, &p->loop, &ao);
    if (kfk__sender_init(&p->sender, &p->env, &so, &p->client_options, &p->accumulator,
                         p->loop.poller, finish_batch, p)) {
        kfk__accumulator_fini(&p->accumulator);
        kfk__loop_fini(&p->loop);
        return kfk__fail_nomem(e);
    }
    p->loop.told = p->config->hooks.thread;
    p->loop.told_arg = p->config->log.arg;
    err = kfk__loop_start(&p->loop, "kfk-sender");
    if (!err)
        return KFK_OK;
    kfk__sender_fini(&p->sender, 0);
    kfk__accumulator_fini(&p->accumulator);
    kfk__loop_fini(&p->loop);
    return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no thread");
}

kfk_err kfk__producer_new_in(kfk_producer **out, const kfk__env *env, const kfk_config *c,
                             kfk_error *e)
{
    kfk_producer *p = kfk__zalloc_lines(&env->alloc, sizeof *p, KFK__LINE);
    kfk_err err;

    if (!p)
        return kfk__fail_nomem(e);
    p->env = *env;
    atomic_init(&p->owners, 2);
    atomic_init(&p->in_callback, NULL);
    kfk__mutex_init(&p->lock);
    kfk__list_init(&p->closers);
    kfk__outbox_init(&p->outbox, &p->env);
    p->config = kfk__config_copy(c, &p->env.alloc);
    err = p->config ? kfk__config_check(p->config, KFK_ROLE_PRODUCER, e) : kfk__fail_nomem(e);
    if (!err) {
        p->forks = kfk__fork_count(); /* the log function may have forked */
        read_options(p);
        err = make_parts(p, e);
    }
    if (err) {
        kfk__client_metrics_fini(&p->sender.client.metrics);
        kfk__mutex_fini(&p->lock);
        kfk_config_free(p->config);
        kfk__release_lines(&env->alloc, p);
        return err;
    }
    *out = p;
    return KFK_OK;
}

kfk_err kfk_producer_new(kfk_producer **out, const kfk_config *c, kfk_error *e)
{
    kfk__env env;
    kfk_err err;

    if (!out || !c)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_producer_new: out or c is NULL");
    err = kfk__env_handle(&env, &c->alloc, e);
    if (err)
        return err;
    err = kfk__producer_new_in(out, &env, c, e);
    kfk__ledger_settle(&env.alloc);
    return err;
}

/* ---- flush, close, free ---- */

typedef struct flush {
    kfk_producer *producer;
    kfk__flush wait;
} flush;

/* Not as soon as the outbox is empty: a result that has just come may not be in it yet. */
static bool is_flushed(void *arg)
{
    flush *f = arg;
    kfk_producer *p = f->producer;

    return kfk__accumulator_flush_done(&p->accumulator, &f->wait,
                                       p->app && kfk__outbox_is_blocked(&p->outbox));
}

kfk_err kfk_producer_flush(kfk_producer *p, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__producer_may_wait(p, "kfk_producer_flush", e);
    flush f = {.producer = p};
    bool done;

    if (err)
        return err;
    if (kfk__accumulator_flush_begin(&p->accumulator, &f.wait))
        return kfk__fail_nomem(e);
    done = kfk__producer_wait(p, &f.wait.waiter, kfk__deadline(kfk__now(&p->env), timeout_ms),
                              is_flushed, &f);
    kfk__accumulator_flush_end(&p->accumulator, &f.wait);
    if (!done) {
        err = kfk__fail(e, KFK_ERR_TIMED_OUT, "records were still without a result after %d ms",
                        timeout_ms);
        kfk__producer_explain(p, e);
    }
    kfk__producer_leave(p);
    return err;
}

kfk_err kfk_producer_purge(kfk_producer *p, kfk_error *e)
{
    if (kfk__producer_is_forked(p))
        return kfk__producer_forked(e);
    kfk__accumulator_purge(&p->accumulator);
    return KFK_OK;
}

/* The Sender is to end, at |deadline| at the latest; an earlier deadline holds. */
static void start_close(kfk_producer *p, int64_t deadline)
{
    /* First: what the Sender finds when it closes is all there will be. */
    kfk__accumulator_close(&p->accumulator);
    kfk__lock(&p->lock);
    if (!p->closing || deadline < p->close_deadline)
        p->close_deadline = deadline;
    p->closing = true;
    kfk__unlock(&p->lock);
    kfk__loop_wake(&p->loop);
}

static bool has_ended(void *arg)
{
    kfk_producer *p = arg;
    bool ended;

    kfk__lock(&p->lock);
    ended = p->ended;
    kfk__unlock(&p->lock);
    return ended && (!p->app || kfk__outbox_is_quiet(&p->outbox));
}

static bool await_end(kfk_producer *p, int64_t until)
{
    bool ended;
    closer c;

    if (p->env.ops->waiter_init(p->env.ctx, &c.waiter))
        return false;
    kfk__lock(&p->lock);
    kfk__list_push(&p->closers, &c.link);
    kfk__unlock(&p->lock);
    ended = kfk__producer_wait(p, &c.waiter, until, has_ended, p);
    kfk__lock(&p->lock);
    kfk__list_remove(&c.link);
    kfk__unlock(&p->lock);
    p->env.ops->waiter_fini(p->env.ctx, &c.waiter);
    return ended;
}

kfk_err kfk_producer_close(kfk_producer *p, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__producer_may_wait(p, "kfk_producer_close", e);
    int64_t deadline;

    if (err)
        return err;
    deadline = kfk__deadline(kfk__now(&p->env), timeout_ms);
    start_close(p, deadline);
    if (!await_end(p, deadline < KFK__NEVER - CLOSE_GRACE ? deadline + CLOSE_GRACE : KFK__NEVER))
        err = kfk__fail(e, KFK_ERR_TIMED_OUT, "a callback had not returned after %d ms",
                        timeout_ms);
    else if (p->cut_short)
        err = kfk__fail(e, KFK_ERR_TIMED_OUT, "some records were not delivered within %d ms",
                        timeout_ms);
    kfk__producer_leave(p);
    return err;
}

/* From a callback the handle cannot go: the thread that runs it still needs it. The Sender frees it when it ends, a call
 * of the application's when that returns. */
static bool free_later(kfk_producer *p)
{
    if (!p->app || !kfk__producer_in_callback(p))
        return false;
    kfk__lock(&p->lock);
    p->leaving = true;
    kfk__unlock(&p->lock);
    return true;
}

void kfk__producer_leave(kfk_producer *p)
{
    bool leaving;

    kfk__lock(&p->lock);
    leaving = p->leaving;
    kfk__unlock(&p->lock);
    if (leaving && !kfk__producer_in_callback(p))
        kfk_producer_free(p);
}

void kfk_producer_free(kfk_producer *p)
{
    if (!p)
        return;
    if (kfk__producer_is_forked(p)) {
        kfk_config_free(p->config); /* nobody changes it; passwords are cleared */
        kfk__ledger_abandon(&p->env.alloc);
        return;
    }
    start_close(p, 0);
    if (free_later(p))
        return;
    (void)kfk__loop_join(&p->loop, kfk__producer_in_callback(p) ? 0 : KFK__NEVER);
    if (p->app)
        kfk__producer_dispatch_rest(p);
    drop(p);
}

kfk_err kfk_producer_last_error(kfk_producer *p, kfk_error *e)
{
    return kfk__producer_is_forked(p) ? kfk__producer_forked(e) : kfk__client_last_error(&p->sender.client, e);
}

/* ---- metrics ---- */

static void look_at_buffer(kfk__pool *pool, kfk__buffer_metrics *b)
{
    int64_t waiters = 0;

    kfk__gauge_set(&b->total, (int64_t)pool->total);
    kfk__lock(&pool->lock);
    for (const kfk__list *at = pool->waiters.next; at != &pool->waiters; at = at->next)
        waiters++;
    kfk__gauge_set(&b->available, (int64_t)pool->available);
    kfk__unlock(&pool->lock);
    kfk__gauge_set(&b->waiters, waiters);
}

kfk_err kfk_producer_metrics(kfk_producer *p, kfk_metric_fn *fn, void *arg)
{
    kfk__buffer_metrics buffer = {0};
    kfk__visitor v;

    if (!p || !fn)
        return KFK_ERR_INVALID_ARG;
    if (kfk__producer_is_forked(p))
        return KFK_ERR_FORKED;
    look_at_buffer(&p->accumulator.pool, &buffer);
    kfk__client_metrics_begin(&p->sender.client.metrics, &v, fn, arg);
    kfk__client_metrics_visit(&p->sender.client.metrics, &v);
    kfk__producer_metrics_visit(&p->sender.metrics, &buffer, &v);
    return KFK_OK;
}
