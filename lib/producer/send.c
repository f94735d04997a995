/* What comes in: sends, and what they need to know of a topic. */
#include <kfk/producer.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "producer/append.h"
#include "producer/handle.h"

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

static bool is_bad(const kfk_record *r)
{
    return !r || r->struct_size < sizeof *r || !r->topic || !r->topic[0] ||
           (!r->key.data && r->key.len) || (!r->value.data && r->value.len) ||
           (r->n_headers && !r->headers) || has_bad_flags(r);
}

/* Who watches sends hears of those, too, that come to nothing. */
static void not_taken(kfk_producer *p, const kfk_record *r, void *arg, const kfk_error *e)
{
    const kfk_delivery d = {.struct_size = sizeof d,
                            .status = KFK_NOT_WRITTEN,
                            .err = e->code,
                            .partition = r->flags & KFK_PARTITION ? r->partition : -1,
                            .offset = -1,
                            .timestamp_ms = r->flags & KFK_TIMESTAMP ? r->timestamp_ms : -1,
                            .topic = r->topic,
                            .msg = e->msg,
                            .arg = arg};

    p->hooks.on_ack(&d, p->hooks_arg);
}

/* Whatever the quick way does not do. Cold: for its sake the compiler would keep values of the quick way in memory. */
static __attribute__((noinline, cold)) kfk_err append(kfk_producer *p, const kfk_record *r,
                                                      kfk_delivery_fn *cb, void *arg,
                                                      int64_t sync_until, kfk_error *e)
{
    kfk_error own;
    kfk_err err;

    if (kfk__producer_is_forked(p))
        return kfk__producer_forked(e);
    if (is_bad(r))
        return bad_record(r, e);
    if (p->hooks.on_send)
        p->hooks.on_send(r, p->hooks_arg);
    if (!e)
        e = &own;
    err = kfk__append(&p->accumulator, r, cb, arg, sync_until, e);
    if (err && p->hooks.on_ack)
        not_taken(p, r, arg, e);
    return err;
}

kfk_err kfk_producer_send(kfk_producer *p, const kfk_record *r, kfk_delivery_fn *cb, void *arg,
                          kfk_error *e)
{
    if (r && p->quick == kfk__fork_count() && r->struct_size >= sizeof *r && r->topic &&
        kfk__append_quick(&p->accumulator, r, cb, arg))
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

void kfk__sync_done(kfk_producer *p, const kfk_delivery *d, void *arg)
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

static bool is_done(void *arg)
{
    sync_send *s = arg;
    bool done;

    kfk__lock(&s->lock);
    done = s->done;
    kfk__unlock(&s->lock);
    return done;
}

/* true: the result is there. */
static bool await_sync(kfk_producer *p, sync_send *s, kfk__waiter *w, int64_t until)
{
    bool done;

    (void)kfk__producer_wait(p, w, until, is_done, s);
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
        kfk__producer_explain(p, e);
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
    kfk_err err = kfk__producer_may_wait(p, "kfk_producer_send_sync", e);
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
    err = s ? append(p, r, kfk__sync_done, s, until, e) : kfk__fail_nomem(e);
    if (err) {
        if (s) {
            drop_sync(s);
            drop_sync(s);
        }
    } else {
        done = await_sync(p, s, &w, until);
        err = sync_result(p, s, r, done, timeout_ms, d, e);
        drop_sync(s);
    }
    p->env.ops->waiter_fini(p->env.ctx, &w);
    kfk__producer_leave(p);
    return err;
}

/* ---- topics ---- */

kfk_err kfk_producer_partitions(kfk_producer *p, const char *topic, int timeout_ms, int32_t *n,
                                kfk_error *e)
{
    bool waits = timeout_ms != 0 && !kfk__producer_in_callback(p);
    const kfk__partitions *ps;
    kfk__topic *t;
    kfk_err err;

    if (kfk__producer_is_forked(p))
        return kfk__producer_forked(e);
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
            kfk__producer_explain(p, e);
            return err;
        }
        ps = kfk__topic_partitions(t);
    }
    *n = ps->n;
    return KFK_OK;
}
