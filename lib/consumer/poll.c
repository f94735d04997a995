/* kfk_consumer_poll, and what wakes it or stands in for it. */
#include <kfk/consumer.h>

#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/mem.h"
#include "consumer/handle.h"

/* So long the application may hold all of the memory before a poll that waits says so. */
enum { STUCK_MS = 1000 };

void kfk_consumer_wakeup(kfk_consumer *c)
{
    /* May be a signal handler's: the Fetcher passes it on to who waits. */
    atomic_store_explicit(&c->shared->woken, true, memory_order_release);
    kfk__loop_wake(&c->loop);
}

/* What stands in the way of a partition's next record. It stays ready, so that poll tells again after the others had their
 * turn; unless the policy is to go on behind it. Locked. */
static kfk_err tell_error(kfk__assigned *p, kfk_error *e)
{
    kfk__shared *s = p->shared;
    kfk_err err = kfk__fail(e, p->err, "%.200s-%d at offset %lld: %s", p->topic, p->partition,
                            (long long)p->position, p->why);

    if (e) {
        kfk__error_set(e->topic, sizeof e->topic, p->topic, p->topic_len);
        e->partition = p->partition;
        e->offset = p->err_offset;
    }
    if (s->skips_bad && p->skip_to > p->position)
        kfk__assigned_move(p, p->skip_to, -1);
    else
        kfk__list_push(&s->ready, &p->ready);
    return err;
}

/* What is being read out of one partition. */
typedef struct reading {
    kfk__assigned *p; /* held */
    kfk__fetched *f;  /* NULL: nothing is ready */
    unsigned version, fetch_version;
    int64_t position;
    size_t was; /* bytes in |f| */
} reading;

/* The first ready partition's oldest data, taken out. Not KFK_OK: what poll is to tell. */
static kfk_err take_ready(kfk__shared *s, reading *r, kfk_error *e)
{
    kfk_err err = KFK_OK;
    kfk__list *at;

    *r = (reading){0};
    kfk__lock(&s->lock);
    at = kfk__list_pop(&s->ready);
    if (at) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, ready);

        at = p->err ? NULL : kfk__list_pop(&p->fetched);
        if (p->err)
            err = tell_error(p, e);
        if (at)
            *r = (reading){.p = kfk__assigned_hold(p),
                           .f = KFK__ENTRY(at, kfk__fetched, link),
                           .version = atomic_load_explicit(&p->version, memory_order_relaxed),
                           .fetch_version = p->fetch_version,
                           .position = p->position};
    }
    kfk__unlock(&s->lock);
    if (r->f)
        r->was = r->f->end - r->f->at;
    return err;
}

/* A seek, a failure or a close since it was taken out: nothing of it is to be handed out. Locked. */
static bool is_stale(const reading *r)
{
    return r->p->shared->closed || r->p->fetch_version != r->fetch_version;
}

/* Puts back what is left of it, and moves the position. |err|: what the cut ended with. false: it is stale. */
static bool put_back(reading *r, kfk_err err, const char *why)
{
    kfk__shared *s = r->p->shared;
    kfk__assigned *p = r->p;
    kfk__fetched *f = r->f;
    size_t left = f->end - f->at;
    bool fresh;

    kfk__lock(&s->lock);
    fresh = !is_stale(r);
    if (fresh) {
        if (p->position != r->position)
            p->epoch = f->epoch;
        p->position = r->position;
        p->buffered -= r->was - left;
        if (p->full && p->buffered <= p->full) {
            p->full = 0;
            kfk__assigned_tell(p);
        }
        if (left > 0 && (!err || err == KFK_ERR_NOMEM)) {
            kfk__list_push_front(&p->fetched, &f->link);
            f = NULL;
        }
        if (!kfk__list_empty(&p->fetched))
            kfk__assigned_ready(p);
    }
    if (fresh && err && err != KFK_ERR_NOMEM) {
        kfk__assigned_fail(p, err, p->position, why);
        if (p->end < 0 || f->bad_until <= p->end) /* the log knows nothing of what would be behind that */
            p->skip_to = f->bad_until;
    }
    kfk__unlock(&s->lock);
    if (f)
        kfk__fetched_free(s, f);
    kfk__shared_sweep(s);
    return fresh;
}

/* One run, if anything is ready. KFK_OK and NULL: nothing is. */
static kfk_err try_poll(kfk_consumer *c, kfk_records **rs, kfk_error *e)
{
    for (;;) {
        const char *why = "";
        reading r;
        kfk_err err = take_ready(c->shared, &r, e);

        if (!r.f)
            return err;
        err = kfk__records_cut(rs, r.p, r.version, r.f, &r.position, &c->cut, &why);
        if (!put_back(&r, err, why)) {
            kfk_records_free(*rs);
            *rs = NULL;
        }
        kfk__assigned_drop(r.p);
        if (*rs)
            return KFK_OK;
        if (err == KFK_ERR_NOMEM)
            return kfk__fail_nomem(e);
    }
}

/* ---- waiting ---- */

static bool anything(kfk__shared *s)
{
    bool yes;

    kfk__lock(&s->lock);
    yes = !kfk__list_empty(&s->ready) || s->closed;
    kfk__unlock(&s->lock);
    return yes;
}

/* Nothing can come: all of the memory is in runs that the application holds, or kept for what is paused. */
static bool is_stuck(kfk__shared *s)
{
    bool yes;

    kfk__lock(&s->lock);
    yes = s->starved > 0 && s->reserved == 0 && kfk__list_empty(&s->ready);
    kfk__unlock(&s->lock);
    return yes;
}

static void set_poller(kfk__shared *s, kfk__waiter *w)
{
    kfk__lock(&s->lock);
    s->poller = w;
    kfk__unlock(&s->lock);
}

/* Until there is something, or |until|, or nothing can come, if that is |news|. */
static kfk_err await_something(kfk_consumer *c, int64_t until, bool news)
{
    kfk__shared *s = c->shared;
    kfk__waiter w;
    bool in_time = true;

    if (c->env.ops->waiter_init(c->env.ctx, &w))
        return KFK_ERR_NOMEM;
    set_poller(s, &w);
    while (in_time && !anything(s) && !(news && is_stuck(s)) &&
           !atomic_load_explicit(&s->woken, memory_order_acquire))
        in_time = c->env.ops->wait(c->env.ctx, &w, until);
    set_poller(s, NULL);
    c->env.ops->waiter_fini(c->env.ctx, &w);
    return in_time ? KFK_OK : KFK_ERR_TIMED_OUT;
}

static kfk__poller *bell_of(kfk__shared *s)
{
    kfk__poller *bell;

    kfk__lock(&s->lock);
    bell = s->bell;
    kfk__unlock(&s->lock);
    return bell;
}

/* The bell has been heard; it rings on if there is anything. */
static void quieten(kfk_consumer *c)
{
    kfk__shared *s = c->shared;
    kfk__poller *bell = bell_of(s);
    kfk__event ev;

    if (!bell)
        return;
    (void)c->env.ops->poll(bell, &ev, 1, 0);
    if (anything(s) || atomic_load_explicit(&s->woken, memory_order_acquire))
        c->env.ops->poller_wake(bell);
}

/* Whether poll is to say so: after a second, or all of the time that it had. */
static bool has_been_stuck(kfk_consumer *c, int64_t start, int64_t until, int64_t now)
{
    bool whole_time;

    if (!is_stuck(c->shared)) {
        c->stuck_since = 0;
        return false;
    }
    if (c->stuck_since == 0)
        c->stuck_since = now;
    whole_time = now >= until && until > start && c->stuck_since <= start;
    return whole_time || now - c->stuck_since >= STUCK_MS * KFK__MS;
}

static kfk_err say_stuck(kfk_consumer *c, kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_BUFFER_FULL,
                     "runs that are not freed, and what is kept for paused partitions, take up all "
                     "%zu bytes of fetch.buffer.memory: nothing can be fetched",
                     atomic_load_explicit(&c->shared->max_bytes, memory_order_relaxed));
}

static kfk_err poll_until(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e)
{
    int64_t start = -1, until = 0, now, look;

    for (;;) {
        kfk_err err = kfk__consumer_usable(c, e);

        if (!err && atomic_exchange_explicit(&c->shared->woken, false, memory_order_acq_rel))
            err = kfk__fail(e, KFK_ERR_WOKEN, "kfk_consumer_wakeup ended the wait");
        if (!err)
            err = try_poll(c, rs, e);
        if (err || *rs)
            return err;
        now = kfk__now(&c->env);
        if (start < 0) {
            start = now;
            until = kfk__deadline(now, timeout_ms);
        }
        if (has_been_stuck(c, start, until, now))
            return say_stuck(c, e);
        if (until <= now)
            return KFK_OK;
        look = c->stuck_since ? c->stuck_since + STUCK_MS * KFK__MS : until;
        err = await_something(c, look < until ? look : until, c->stuck_since == 0);
        if (err == KFK_ERR_NOMEM)
            return kfk__fail_nomem(e);
    }
}

kfk_err kfk_consumer_poll(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    *rs = NULL;
    if (err)
        return err;
    if (atomic_flag_test_and_set_explicit(&c->polling, memory_order_acquire))
        return kfk__fail(e, KFK_ERR_BUSY, "another thread is in kfk_consumer_poll");
    kfk__consumer_commit_if_due(c);
    err = poll_until(c, timeout_ms, rs, e);
    if (!*rs)
        quieten(c);
    atomic_flag_clear_explicit(&c->polling, memory_order_release);
    return err;
}

int kfk_consumer_fd(kfk_consumer *c)
{
    kfk__shared *s = c->shared;
    kfk__poller *fresh = NULL, *bell;

    if (c->forks != kfk__fork_count())
        return -1;
    bell = bell_of(s);
    if (bell)
        return c->env.ops->poller_fd(bell);
    if (c->env.ops->poller_new(c->env.ctx, &c->env.alloc, &fresh))
        return -1;
    kfk__lock(&s->lock);
    bell = s->bell;
    if (!bell) {
        s->bell = bell = fresh;
        fresh = NULL;
        kfk__shared_ring(s); /* for what there is already */
    }
    kfk__unlock(&s->lock);
    if (fresh)
        c->env.ops->poller_free(fresh);
    return c->env.ops->poller_fd(bell);
}
