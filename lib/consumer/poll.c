/* kfk_consumer_poll, and what wakes it or stands in for it. */
#include <kfk/consumer.h>

#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/mem.h"
#include "consumer/lane.h"

/* So long the application may hold all of the memory before a poll that waits says so. */
enum { STUCK_MS = 1000 };

void kfk_consumer_wakeup(kfk_consumer *c)
{
    /* May be a signal handler's: the Fetcher passes it on to who waits. */
    atomic_store_explicit(&c->shared->woken, true, memory_order_release);
    kfk__loop_wake(&c->loop);
}

/* Whether poll is to say so: after a second, or all of the time that it had. */
static bool has_been_stuck(kfk_consumer *c, int64_t start, int64_t until, int64_t now)
{
    bool whole_time;

    if (!kfk__consumer_is_stuck(c)) {
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

/* What the group wants comes first: it is the reason why others wait. */
static kfk_err serve(kfk_consumer *c, int timeout_ms, int64_t *start, int64_t *until, kfk_error *e)
{
    if (*start < 0) {
        *start = kfk__now(&c->env);
        *until = kfk__deadline(*start, timeout_ms);
    }
    return kfk__consumer_serve(c, *until, e);
}

static kfk_err poll_until(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e)
{
    int64_t start = -1, until = 0, now, look;

    for (;;) {
        kfk_err err = kfk__consumer_usable(c, e);

        (void)kfk__lane_heed(&c->shared->lane);
        if (!err && atomic_load_explicit(&c->group.awaited, memory_order_acquire))
            err = kfk__fail(e, KFK_ERR_CLOSED, "the consumer is being closed");
        if (!err && c->group.membership)
            err = serve(c, timeout_ms, &start, &until, e);
        if (!err)
            kfk__consumer_tell_commits(c);
        if (!err && atomic_exchange_explicit(&c->shared->woken, false, memory_order_acq_rel))
            err = kfk__fail(e, KFK_ERR_WOKEN, "kfk_consumer_wakeup ended the wait");
        if (!err)
            err = kfk__consumer_take(c, &c->shared->lane, &c->cut, rs, e);
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
        err = kfk__lane_await(c, &c->shared->lane, look < until ? look : until, c->stuck_since == 0);
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
    if (!kfk__consumer_enter(c))
        return kfk__fail(e, KFK_ERR_BUSY, "another thread is in kfk_consumer_poll");
    if (c->group.membership)
        kfk__consumer_show_life(c, KFK__NEVER);
    kfk__consumer_commit_if_due(c);
    err = poll_until(c, timeout_ms, rs, e);
    if (!*rs)
        kfk__lane_quieten(c, &c->shared->lane);
    kfk__consumer_exit(c);
    return err;
}

static kfk__poller *bell_of(kfk__shared *s)
{
    kfk__poller *bell;

    kfk__lock(&s->lock);
    bell = s->bell;
    kfk__unlock(&s->lock);
    return bell;
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
