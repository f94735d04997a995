/* What goes out where the application asks for it: fd, dispatch, take, and waits that dispatch meanwhile. */
#include <kfk/producer.h>

#include <string.h>

#include "base/error.h"
#include "producer/handle.h"

/* ---- one thread serves ---- */

/* Begins, as if in a callback: what runs now may not wait. false: somebody serves. */
static bool begin(kfk_producer *p, bool takes)
{
    if (!kfk__outbox_begin(&p->outbox, takes))
        return false;
    if (p->app)
        atomic_store_explicit(&p->in_callback, p->env.ops->self(p->env.ctx), memory_order_relaxed);
    return true;
}

static void end(kfk_producer *p, bool moved, const kfk__outbox_waiter *self)
{
    if (p->app) {
        if (kfk__accumulator_room(&p->accumulator))
            kfk__outbox_writable(&p->outbox);
        atomic_store_explicit(&p->in_callback, NULL, memory_order_relaxed);
    }
    kfk__outbox_end(&p->outbox, moved, self);
}

static kfk__outbox_hooks hooks_of(const kfk_producer *p)
{
    const kfk_hooks *h = &p->hooks;

    return (kfk__outbox_hooks){.log = h->log,
                               .event = h->on_event,
                               .writable = p->app ? h->writable : NULL,
                               .arg = p->hooks_arg};
}

static void told(kfk_producer *p, bool spend)
{
    kfk__producer_batch *b = kfk__outbox_told(&p->outbox);

    if (!b)
        return;
    kfk__accumulator_finished(&p->accumulator, b);
    if (spend)
        kfk__outbox_spend(&p->outbox, b);
    else
        kfk__producer_batch_drop(b, &p->accumulator.pool);
}

/* Runs one thing that waits to be run. *ran: a function of the application was called. false: there is none. */
static bool serve_one(kfk_producer *p, bool *ran)
{
    const kfk__outbox_hooks hooks = hooks_of(p);
    const kfk_delivery *d = &p->outbox.walk.d;
    const kfk__callback *cb;

    *ran = true;
    if (kfk__outbox_tell(&p->outbox, &hooks))
        return true;
    cb = kfk__outbox_next(&p->outbox);
    if (!cb || (!cb->fn && p->outbox.takes))
        return false;
    if (p->hooks.on_ack)
        p->hooks.on_ack(d, p->hooks_arg);
    if (cb->fn)
        cb->fn(p, d, cb->arg);
    *ran = cb->fn || p->hooks.on_ack;
    told(p, false);
    return true;
}

/* At most |max| (below 0: all). *more: there is more. Returns how many functions were called. */
static int serve(kfk_producer *p, int max, bool *more)
{
    bool ran;
    int n = 0;

    *more = true;
    while (n != max && *more) {
        *more = serve_one(p, &ran);
        n += *more && ran;
    }
    return n;
}

/* ---- waits ---- */

static void serve_meanwhile(kfk_producer *p, const kfk__outbox_waiter *self)
{
    bool more;
    int n;

    if (!begin(p, false))
        return;
    n = serve(p, -1, &more);
    end(p, n > 0, self);
}

bool kfk__producer_wait(kfk_producer *p, kfk__waiter *w, int64_t until, bool (*done)(void *arg),
                        void *arg)
{
    kfk__outbox_waiter link = {.waiter = w};
    bool is_done, in_time = true;

    if (p->app)
        kfk__outbox_watch(&p->outbox, &link);
    for (;;) {
        if (p->app)
            serve_meanwhile(p, &link);
        is_done = done(arg);
        if (is_done || !in_time)
            break;
        in_time = p->env.ops->wait(p->env.ctx, w, until);
    }
    if (p->app)
        kfk__outbox_unwatch(&p->outbox, &link);
    return is_done;
}

/* What nobody will take any more is dropped. */
void kfk__producer_dispatch_rest(kfk_producer *p)
{
    bool more;

    if (!begin(p, false))
        return;
    p->outbox.takes = false;
    (void)serve(p, -1, &more);
    end(p, true, NULL);
}

/* ---- the calls ---- */

int kfk_producer_fd(kfk_producer *p)
{
    if (kfk__producer_is_forked(p) || kfk__outbox_open(&p->outbox))
        return -1;
    return p->env.ops->poller_fd(p->outbox.bell);
}

kfk_err kfk_producer_dispatch(kfk_producer *p, int max, int *n, kfk_error *e)
{
    bool more = false;
    int ran = 0;

    if (n)
        *n = 0;
    if (kfk__producer_is_forked(p))
        return kfk__producer_forked(e);
    if (kfk__producer_in_callback(p))
        return kfk__fail(e, KFK_ERR_IN_CALLBACK,
                         "kfk_producer_dispatch may not be called from a callback");
    if (!begin(p, false))
        return kfk__fail(e, KFK_ERR_BUSY, "another thread dispatches");
    ran = serve(p, max < 0 ? -1 : max, &more);
    end(p, ran > 0 || more, NULL);
    if (n)
        *n = ran;
    kfk__producer_leave(p);
    return KFK_OK;
}

static void put(kfk_delivery *out, size_t elem_size, size_t i, const kfk_delivery *d)
{
    void *to = (char *)out + i * elem_size;
    kfk_delivery copy = *d;

    copy.struct_size = (uint32_t)elem_size;
    memcpy(to, &copy, elem_size < sizeof copy ? elem_size : sizeof copy);
}

size_t kfk_producer_take(kfk_producer *p, kfk_delivery *out, size_t elem_size, size_t max)
{
    const kfk__callback *cb = NULL;
    size_t n = 0;

    if (kfk__producer_is_forked(p) || !p->app || kfk__producer_in_callback(p) || !begin(p, true))
        return 0;
    kfk__outbox_drop_spent(&p->outbox, &p->accumulator.pool);
    while (n < max && (cb = kfk__outbox_next(&p->outbox)) != NULL && !cb->fn) {
        const kfk_delivery *d = &p->outbox.walk.d;

        if (p->hooks.on_ack)
            p->hooks.on_ack(d, p->hooks_arg);
        put(out, elem_size, n++, d);
        told(p, true);
    }
    end(p, true, NULL);
    kfk__producer_leave(p);
    return n;
}
