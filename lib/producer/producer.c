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
#include "base/mem.h"
#include "config/config.h"
#include "net/env_posix.h"
#include "producer/append.h"
#include "producer/delivery.h"
#include "producer/producer_env.h"
#include "producer/sender.h"

/* How much longer than its timeout a close waits for the Sender to say that it has ended. */
#define CLOSE_GRACE (500 * KFK__MS)

struct kfk_producer {
    kfk__env env;
    unsigned forks; /* kfk__fork_count when it was made */
    atomic_int owners;
    kfk_config *config;
    kfk__client_options client_options;
    kfk__accumulator accumulator;
    kfk__sender sender;
    kfk__loop loop;
    _Atomic(const void *) in_callback; /* the thread that runs one, or NULL */

    kfk__mutex lock;        /* guards all below */
    bool closing;
    int64_t close_deadline; /* when the Sender ends what is left */
    bool ended;             /* by the Sender: every record has its result */
    bool cut_short;         /* at the deadline there were some left without one */
    kfk__list closers;
};

/* One who waits in close. */
typedef struct closer {
    kfk__list link;
    kfk__waiter waiter;
} closer;

/* ---- checks that every call makes ---- */

static kfk_err forked(kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_FORKED,
                     "the producer belongs to the process before fork(); make a new one");
}

static bool is_forked(const kfk_producer *p)
{
    return p->forks != kfk__fork_count();
}

static bool is_in_callback(const kfk_producer *p)
{
    const void *who = atomic_load_explicit(&p->in_callback, memory_order_relaxed);

    return who && who == p->env.ops->self(p->env.ctx);
}

/* For calls that wait: not in a child, not from a callback. */
static kfk_err may_wait(const kfk_producer *p, const char *call, kfk_error *e)
{
    if (is_forked(p))
        return forked(e);
    if (is_in_callback(p))
        return kfk__fail(e, KFK_ERR_IN_CALLBACK, "%s may not be called from a callback", call);
    return KFK_OK;
}

/* ---- results ---- */

static void finish_batch(void *owner, const kfk__producer_batch *b, const kfk__result *r)
{
    kfk_producer *p = owner;

    atomic_store_explicit(&p->in_callback, p->env.ops->self(p->env.ctx), memory_order_relaxed);
    kfk__deliver(p, b, r);
    atomic_store_explicit(&p->in_callback, NULL, memory_order_relaxed);
}

/* ---- the Sender thread ---- */

static void destroy(kfk_producer *p)
{
    kfk_allocator a = p->env.alloc;

    kfk__accumulator_fini(&p->accumulator);
    kfk__loop_fini(&p->loop);
    kfk__mutex_fini(&p->lock);
    kfk_config_free(p->config);
    kfk__release(&a, p);
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
    return is_in_callback(owner);
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

    kfk__client_options_read(o, c, "producer");
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
    kfk__accumulator_init(&p->accumulator, &p->env, &p->loop, &ao);
    if (kfk__sender_init(&p->sender, &p->env, &so, &p->client_options, &p->accumulator,
                         p->loop.poller, finish_batch, p)) {
        kfk__accumulator_fini(&p->accumulator);
        kfk__loop_fini(&p->loop);
        return kfk__fail_nomem(e);
    }
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
    kfk_producer *p = kfk__zalloc(&env->alloc, sizeof *p);
    kfk_err err;

    if (!p)
        return kfk__fail_nomem(e);
    p->env = *env;
    p->forks = kfk__fork_count();
    atomic_init(&p->owners, 2);
    atomic_init(&p->in_callback, NULL);
    kfk__mutex_init(&p->lock);
    kfk__list_init(&p->closers);
    p->config = kfk__config_copy(c, &p->env.alloc);
    err = p->config ? kfk__config_check(p->config, KFK_ROLE_PRODUCER, e) : kfk__fail_nomem(e);
    if (!err) {
        read_options(p);
        err = make_parts(p, e);
    }
    if (err) {
        kfk__mutex_fini(&p->lock);
        kfk_config_free(p->config);
        kfk__release(&env->alloc, p);
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
    err = kfk__env_posix(&env, &c->alloc, e);
    return err ? err : kfk__producer_new_in(out, &env, c, e);
}

/* ---- send ---- */

static kfk_err bad_record(const kfk_record *r, kfk_error *e)
{
    const char *what = "the partition is negative";

    if (!r || r->struct_size < sizeof *r)
        what = "no record, or its struct_size is not sizeof(kfk_record)";
    else if (!r->topic || !r->topic[0])
        what = "no topic";
    else if ((!r->key.data && r->key.len) || (!r->value.data && r->value.len))
        what = "a key or value has a length but no data";
    else if (r->n_headers && !r->headers)
        what = "n_headers is set, headers is NULL";
    else if ((r->flags & KFK_TIMESTAMP) && r->timestamp_ms < 0)
        what = "the timestamp is negative";
    return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_producer_send: %s", what);
}

static bool has_bad_flags(const kfk_record *r)
{
    return ((r->flags & KFK_PARTITION) && r->partition < 0) ||
           ((r->flags & KFK_TIMESTAMP) && r->timestamp_ms < 0);
}

/* What no look at the record may come before. */
static inline bool is_bad(const kfk_record *r)
{
    return !r || r->struct_size < sizeof *r || !r->topic || (!r->key.data && r->key.len) ||
           (!r->value.data && r->value.len) || (r->n_headers && !r->headers);
}

/* Whatever the quick way does not do. */
static __attribute__((noinline)) kfk_err append(kfk_producer *p, const kfk_record *r,
                                                kfk_delivery_fn *cb, void *arg, int64_t sync_until,
                                                kfk_error *e)
{
    if (is_forked(p))
        return forked(e);
    if (is_bad(r) || !r->topic[0] || has_bad_flags(r))
        return bad_record(r, e);
    return kfk__append(&p->accumulator, r, cb, arg, sync_until, e);
}

kfk_err kfk_producer_send(kfk_producer *p, const kfk_record *r, kfk_delivery_fn *cb, void *arg,
                          kfk_error *e)
{
    if (!is_forked(p) && !is_bad(r) && kfk__append_quick(&p->accumulator, r, cb, arg))
        return KFK_OK;
    return append(p, r, cb, arg, 0, e);
}

/* What a send_sync and its callback share; the last of the two frees it. */
typedef struct sync_send {
    kfk_allocator alloc;
    kfk__env env;
    atomic_int owners;
    atomic_bool waiting; /* the waiter is alive */
    kfk_delivery delivery;
    char msg[608]; /* as in kfk_error */
    kfk__mutex lock; /* guards the next two */
    bool done;
    kfk__waiter *waiter; /* in the frame of send_sync; NULL once that has gone */
} sync_send;

static void drop_sync(sync_send *s)
{
    kfk_allocator a = s->alloc;

    if (atomic_fetch_sub_explicit(&s->owners, 1, memory_order_acq_rel) != 1)
        return;
    kfk__mutex_fini(&s->lock);
    kfk__release(&a, s);
}

static void sync_done(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    sync_send *s = arg;

    (void)p;
    s->delivery = *d;
    if (d->msg)
        kfk__error_set(s->msg, sizeof s->msg, d->msg, strlen(d->msg));
    kfk__lock(&s->lock);
    s->done = true;
    if (s->waiter)
        s->env.ops->wake(s->env.ctx, s->waiter);
    kfk__unlock(&s->lock);
    drop_sync(s);
}

static sync_send *new_sync(kfk_producer *p, kfk__waiter *w)
{
    sync_send *s = kfk__zalloc(&p->env.alloc, sizeof *s);

    if (!s)
        return NULL;
    s->alloc = p->env.alloc;
    s->env = p->env;
    s->waiter = w;
    atomic_init(&s->owners, 2);
    kfk__mutex_init(&s->lock);
    return s;
}

/* true: the result is there. */
static bool await_sync(sync_send *s, kfk__waiter *w, int64_t until)
{
    bool done = false, in_time = true;

    while (!done && in_time) {
        in_time = s->env.ops->wait(s->env.ctx, w, until);
        kfk__lock(&s->lock);
        done = s->done;
        kfk__unlock(&s->lock);
    }
    kfk__lock(&s->lock);
    done = s->done;
    s->waiter = NULL;
    kfk__unlock(&s->lock);
    return done;
}

static kfk_err sync_result(kfk_producer *p, const sync_send *s, const kfk_record *r, bool done,
                           int timeout_ms, kfk_delivery *d, kfk_error *e)
{
    kfk_err err;

    if (!done) {
        err = kfk__fail(e, KFK_ERR_TIMED_OUT,
                        "topic %.200s: no result within %d ms; the record is still queued or in "
                        "flight",
                        r->topic, timeout_ms);
        explain(p, e);
        if (e)
            e->flags |= KFK_MAYBE_DONE;
        return err;
    }
    if (d) {
        size_t size = d->struct_size < sizeof *d ? d->struct_size : sizeof *d;
        kfk_delivery copy = s->delivery;

        copy.struct_size = d->struct_size;
        copy.topic = copy.msg = NULL;
        copy.arg = NULL;
        memcpy(d, &copy, size);
    }
    if (s->delivery.err == KFK_OK)
        return KFK_OK;
    err = kfk__fail(e, s->delivery.err, "topic %.200s, partition %d: %s", r->topic,
                    s->delivery.partition, s->msg[0] ? s->msg : kfk_err_str(s->delivery.err));
    if (e && s->delivery.status == KFK_UNKNOWN)
        e->flags |= KFK_MAYBE_DONE;
    if (e)
        e->partition = s->delivery.partition;
    return err;
}

kfk_err kfk_producer_send_sync(kfk_producer *p, const kfk_record *r, int timeout_ms,
                               kfk_delivery *d, kfk_error *e)
{
    kfk_err err = may_wait(p, "kfk_producer_send_sync", e);
    kfk__waiter w;
    sync_send *s;
    int64_t until;
    bool done;

    if (err)
        return err;
    if (p->env.ops->waiter_init(p->env.ctx, &w))
        return kfk__fail_nomem(e);
    until = kfk__deadline(kfk__now(&p->env), timeout_ms);
    s = new_sync(p, &w);
    err = s ? append(p, r, sync_done, s, until, e) : kfk__fail_nomem(e);
    if (err) {
        if (s) {
            drop_sync(s);
            drop_sync(s);
        }
    } else {
        done = await_sync(s, &w, until);
        err = sync_result(p, s, r, done, timeout_ms, d, e);
        drop_sync(s);
    }
    p->env.ops->waiter_fini(p->env.ctx, &w);
    return err;
}

/* ---- topics ---- */

kfk_err kfk_producer_partitions(kfk_producer *p, const char *topic, int timeout_ms, int32_t *n,
                                kfk_error *e)
{
    bool waits = timeout_ms != 0 && !is_in_callback(p);
    const kfk__partitions *ps;
    kfk__topic *t;
    kfk_err err;

    if (is_forked(p))
        return forked(e);
    if (!topic || !topic[0] || !n)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_producer_partitions: no topic, or no n");
    t = kfk__accumulator_topic(&p->accumulator, topic);
    if (!t)
        return kfk__fail_nomem(e);
    ps = kfk__topic_partitions(t);
    if (!ps) {
        err = waits ? kfk__accumulator_await(&p->accumulator, t, 0,
                                             kfk__deadline(kfk__now(&p->env), timeout_ms))
                    : kfk__accumulator_ask(&p->accumulator, t, 0);
        if (err) {
            (void)kfk__fail(e, err, "topic %.200s: no metadata: %s", topic, kfk_err_str(err));
            explain(p, e);
            return err;
        }
        ps = kfk__topic_partitions(t);
    }
    *n = ps->n;
    return KFK_OK;
}

/* ---- flush, close, free ---- */

kfk_err kfk_producer_flush(kfk_producer *p, int timeout_ms, kfk_error *e)
{
    kfk_err err = may_wait(p, "kfk_producer_flush", e);

    if (err)
        return err;
    err = kfk__accumulator_flush(&p->accumulator, kfk__deadline(kfk__now(&p->env), timeout_ms));
    if (err == KFK_ERR_TIMED_OUT) {
        (void)kfk__fail(e, err, "records were still without a result after %d ms", timeout_ms);
        explain(p, e);
        return err;
    }
    return err ? kfk__fail(e, err, "%s", kfk_err_str(err)) : KFK_OK;
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

static bool await_end(kfk_producer *p, int64_t until)
{
    bool ended, in_time = true;
    closer c;

    if (p->env.ops->waiter_init(p->env.ctx, &c.waiter))
        return false;
    kfk__lock(&p->lock);
    kfk__list_push(&p->closers, &c.link);
    ended = p->ended;
    kfk__unlock(&p->lock);
    while (!ended && in_time) {
        in_time = p->env.ops->wait(p->env.ctx, &c.waiter, until);
        kfk__lock(&p->lock);
        ended = p->ended;
        kfk__unlock(&p->lock);
    }
    kfk__lock(&p->lock);
    kfk__list_remove(&c.link);
    kfk__unlock(&p->lock);
    p->env.ops->waiter_fini(p->env.ctx, &c.waiter);
    return ended;
}

kfk_err kfk_producer_close(kfk_producer *p, int timeout_ms, kfk_error *e)
{
    kfk_err err = may_wait(p, "kfk_producer_close", e);
    int64_t deadline;

    if (err)
        return err;
    deadline = kfk__deadline(kfk__now(&p->env), timeout_ms);
    start_close(p, deadline);
    if (!await_end(p, deadline < KFK__NEVER - CLOSE_GRACE ? deadline + CLOSE_GRACE : KFK__NEVER))
        return kfk__fail(e, KFK_ERR_TIMED_OUT, "a callback had not returned after %d ms",
                         timeout_ms);
    if (p->cut_short)
        return kfk__fail(e, KFK_ERR_TIMED_OUT, "some records were not delivered within %d ms",
                         timeout_ms);
    return KFK_OK;
}

void kfk_producer_free(kfk_producer *p)
{
    if (!p || is_forked(p))
        return;
    start_close(p, 0);
    /* From a callback the thread cannot wait for itself: it frees the handle when it ends. */
    (void)kfk__loop_join(&p->loop, is_in_callback(p) ? 0 : KFK__NEVER);
    drop(p);
}

kfk_err kfk_producer_last_error(kfk_producer *p, kfk_error *e)
{
    return is_forked(p) ? forked(e) : kfk__client_last_error(&p->sender.client, e);
}
