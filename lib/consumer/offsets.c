/* The public calls that ask brokers: each waits for its time, and what it began goes on (ask.h). */
#include <kfk/consumer.h>

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/handle.h"

/* ---- asking, and asking again ---- */

/* One that went on when its time was over and asks just that; else those of the kind are given up. Locked; *dead is to be
 * dropped. */
static kfk__ask *take_left(kfk_consumer *c, kfk__ask_kind kind, const kfk_tp *tps, size_t n,
                           kfk__list *dead)
{
    for (kfk__list *at = c->asks.next, *next; at != &c->asks; at = next) {
        kfk__ask *ask = KFK__ENTRY(at, kfk__ask, left);

        next = at->next;
        if (ask->kind != kind)
            continue;
        if (!ask->dead && kfk__ask_is(ask, kind, tps, n)) {
            kfk__list_remove(at);
            return ask;
        }
        ask->dead = true;
        if (kind == KFK__ASK_COMMIT && !ask->done)
            continue; /* close waits for it */
        kfk__list_remove(at);
        kfk__list_push(dead, at);
    }
    return NULL;
}

static void drop_dead(kfk__list *dead)
{
    kfk__list *at;

    while ((at = kfk__list_pop(dead)) != NULL)
        kfk__ask_drop(KFK__ENTRY(at, kfk__ask, left));
}

/* The ask that is to be waited for, new or not. */
static kfk_err begin(kfk_consumer *c, kfk__ask_kind kind, const kfk_tp *tps, size_t n,
                     int timeout_ms, unsigned how, kfk__ask **out, kfk_error *e)
{
    kfk__shared *s = c->shared;
    kfk__list dead;
    bool closed;

    kfk__list_init(&dead);
    kfk__lock(&s->lock);
    *out = take_left(c, kind, tps, n, &dead);
    kfk__unlock(&s->lock);
    drop_dead(&dead);
    if (*out)
        return KFK_OK;
    *out = kfk__ask_new(s, kind, tps, n);
    if (!*out)
        return kfk__fail_nomem(e);
    (*out)->follow = how & KFK__COMMIT_FOLLOWS;
    (*out)->since = kfk__now(&c->env);
    (*out)->deadline = kfk__deadline(
        (*out)->since,
        timeout_ms >= 0 && timeout_ms < c->api_timeout_ms ? c->api_timeout_ms : timeout_ms);
    kfk__lock(&s->lock);
    closed = s->closed;
    if (!closed) {
        if (kind == KFK__ASK_COMMIT)
            kfk__ask_sign(*out);
        kfk__list_push(&s->asks, &(*out)->link);
        kfk__shared_wake(s);
    }
    kfk__unlock(&s->lock);
    if (!closed)
        return KFK_OK;
    kfk__ask_drop(*out);
    kfk__ask_drop(*out);
    return kfk__consumer_usable(c, e);
}

/* true: it is done. Else it is left, or with |for_good| nobody asks for it again; *last is what was said last. */
static bool await(kfk_consumer *c, kfk__ask *ask, kfk__waiter *w, int64_t until, bool for_good,
                  kfk_err *last)
{
    kfk__shared *s = c->shared;
    bool in_time = true, done;

    kfk__lock(&s->lock);
    ask->waiter = w;
    while (!(done = ask->done) && in_time) {
        kfk__unlock(&s->lock);
        in_time = c->env.ops->wait(c->env.ctx, w, until);
        kfk__lock(&s->lock);
    }
    ask->waiter = NULL;
    ask->dead = for_good;
    *last = ask->error.code;
    if (!done)
        kfk__list_push(&c->asks, &ask->left);
    kfk__unlock(&s->lock);
    return done;
}

/* |last|: what was said last, if anything. */
static kfk_err not_in_time(kfk_consumer *c, kfk__ask_kind kind, kfk_err last, int timeout_ms,
                           kfk_error *e)
{
    if (last > 0)
        return kfk__fail(e, last, "%s, for %d ms", kfk_err_str(last), timeout_ms);
    (void)kfk__fail(e, KFK_ERR_TIMED_OUT, "no answer within %d ms", timeout_ms);
    kfk__client_explain(&c->fetcher.client, e);
    if (e && kind == KFK__ASK_COMMIT)
        e->flags |= KFK_MAYBE_DONE;
    return KFK_ERR_TIMED_OUT;
}

/* Its strings are the application's until the next one. */
static void keep_strings(kfk_consumer *c, kfk__ask *ask)
{
    kfk__ask *old;

    kfk__lock(&c->shared->lock);
    old = c->committed;
    c->committed = ask;
    kfk__unlock(&c->shared->lock);
    if (old)
        kfk__ask_drop(old);
}

static kfk_err finish(kfk_consumer *c, kfk__ask *ask, kfk_tp *tps, kfk_error *e)
{
    kfk_err err = ask->error.code;

    if (err && e)
        *e = ask->error;
    for (size_t i = 0; i < ask->n; i++) {
        tps[i].err = ask->answers[i].err;
        if (ask->kind == KFK__ASK_PARTITIONS)
            tps[i].partition = ask->answers[i].partition;
        if (ask->kind == KFK__ASK_COMMIT)
            continue;
        tps[i].offset = ask->answers[i].offset;
        tps[i].leader_epoch = ask->answers[i].leader_epoch;
        if (ask->kind == KFK__ASK_COMMITTED)
            tps[i].metadata = ask->answers[i].metadata;
    }
    if (ask->kind == KFK__ASK_COMMITTED)
        keep_strings(c, ask);
    else
        kfk__ask_drop(ask);
    return err;
}

/* Whether it was given up at the end of an earlier call's time, or of default.api.timeout.ms, and this one has time left. */
static bool is_over(kfk_consumer *c, const kfk__ask *ask, int64_t until)
{
    return ask->error.code == KFK_ERR_TIMED_OUT && kfk__now(&c->env) < until;
}

static kfk_err ask_until(kfk_consumer *c, kfk__ask_kind kind, kfk_tp *tps, size_t n, int timeout_ms,
                         unsigned how, kfk_error *e)
{
    bool for_good = how & KFK__COMMIT_IS_LEFT;
    int64_t until = timeout_ms == 0 ? 0 : kfk__deadline(kfk__now(&c->env), timeout_ms);
    kfk__ask *ask;
    kfk__waiter w;
    kfk_err err, last;
    bool done;

    if (n == 0)
        return KFK_OK;
    if (c->env.ops->waiter_init(c->env.ctx, &w))
        return kfk__fail_nomem(e);
    err = begin(c, kind, tps, n, timeout_ms, how, &ask, e);
    done = !err && await(c, ask, &w, until, for_good, &last);
    while (done && is_over(c, ask, until)) {
        kfk__ask_drop(ask);
        err = begin(c, kind, tps, n, timeout_ms, how, &ask, e);
        done = !err && await(c, ask, &w, until, for_good, &last);
    }
    c->env.ops->waiter_fini(c->env.ctx, &w);
    if (err)
        return err;
    if (done)
        return finish(c, ask, tps, e);
    return not_in_time(c, kind, last, timeout_ms, e);
}

static kfk_err ask(kfk_consumer *c, kfk__ask_kind kind, kfk_tp *tps, size_t n, int timeout_ms,
                   kfk_error *e)
{
    return ask_until(c, kind, tps, n, timeout_ms, 0, e);
}

kfk_err kfk__consumer_commit(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, unsigned how,
                             kfk_error *e)
{
    return ask_until(c, KFK__ASK_COMMIT, tps, n, timeout_ms, how, e);
}

static kfk_err closed(kfk_consumer *c, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    return err ? err : kfk__fail(e, KFK_ERR_CLOSED, "the consumer is closed");
}

/* Those that have ended and that nobody asks for. */
static void prune(kfk_consumer *c)
{
    kfk__list dead;

    kfk__list_init(&dead);
    kfk__lock(&c->shared->lock);
    for (kfk__list *at = c->asks.next, *next; at != &c->asks; at = next) {
        const kfk__ask *ask = KFK__ENTRY(at, kfk__ask, left);

        next = at->next;
        if (!ask->dead || !ask->done)
            continue;
        kfk__list_remove(at);
        kfk__list_push(&dead, at);
    }
    kfk__unlock(&c->shared->lock);
    drop_dead(&dead);
}

kfk_err kfk__consumer_commit_begin(kfk_consumer *c, const kfk_tp *tps, size_t n, int timeout_ms,
                                   const kfk__ended *ended, kfk__ask **out, kfk_error *e)
{
    kfk__shared *s = c->shared;
    kfk__ask *ask = kfk__ask_new(s, KFK__ASK_COMMIT, tps, n);
    bool open;

    prune(c);
    if (!ask)
        return kfk__fail_nomem(e);
    ask->follow = true;
    ask->since = kfk__now(&c->env);
    ask->deadline = kfk__deadline(ask->since, timeout_ms);
    if (ended) {
        ask->ended = ended->fn;
        ask->owner = ended->owner;
    }
    kfk__lock(&s->lock);
    open = !s->closed;
    if (open) {
        kfk__ask_sign(ask);
        kfk__list_push(&s->asks, &ask->link);
        ask->dead = !out;
        if (!out)
            kfk__list_push(&c->asks, &ask->left);
        kfk__shared_wake(s);
    }
    kfk__unlock(&s->lock);
    if (open) {
        if (out)
            *out = ask;
        return KFK_OK;
    }
    kfk__ask_drop(ask);
    kfk__ask_drop(ask);
    return closed(c, e);
}

bool kfk__consumer_commit_ended(kfk_consumer *c, const kfk__ask *ask)
{
    bool done;

    kfk__lock(&c->shared->lock);
    done = ask->done;
    kfk__unlock(&c->shared->lock);
    return done;
}

kfk_err kfk__consumer_commit_finish(kfk_consumer *c, kfk__ask *ask, kfk_error *e)
{
    kfk_err err = ask->error.code;

    (void)c;
    if (err)
        (void)kfk__fail_copy(e, &ask->error);
    kfk__ask_drop(ask);
    return err;
}

void kfk__consumer_commit_leave(kfk_consumer *c, kfk__ask *ask)
{
    bool done;

    kfk__lock(&c->shared->lock);
    done = ask->done;
    ask->dead = true;
    if (!done)
        kfk__list_push(&c->asks, &ask->left);
    kfk__unlock(&c->shared->lock);
    if (done)
        kfk__ask_drop(ask);
}

/* ---- the calls ---- */

kfk_err kfk_consumer_list_offsets(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms,
                                  kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    for (size_t i = 0; !err && i < n; i++) {
        bool time = tps[i].flags & KFK_TIMESTAMP;

        if (time ? tps[i].offset < 0
                 : tps[i].offset < KFK_OFFSET_EARLIEST_PENDING_UPLOAD || tps[i].offset >= 0)
            err = kfk__fail(e, KFK_ERR_INVALID_ARG, "%.200s-%d: %lld is not %s", tps[i].topic,
                            tps[i].partition, (long long)tps[i].offset,
                            time ? "a time" : "a place in a partition");
    }
    return err ? err : ask(c, KFK__ASK_OFFSETS, tps, n, timeout_ms, e);
}

static kfk_err needs_group(kfk_consumer *c, kfk_error *e)
{
    if (c->fetcher.options.group)
        return KFK_OK;
    return kfk__fail(e, KFK_ERR_CONFIG, "group.id is not set: in whose name is that to be?");
}

/* All positions, as they are now, into |tps|, which has room for |cap|; each partition is held, in opaque. Returns how
 * many partitions there are: with more than |cap| nothing has been done. Locked. */
static size_t take_positions(kfk__shared *s, kfk_tp *tps, size_t cap, size_t *n)
{
    *n = 0;
    if (s->index.n > cap)
        return s->index.n;
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (p->position < 0)
            continue;
        tps[*n] = (kfk_tp){.topic = p->topic,
                           .opaque = kfk__assigned_hold(p),
                           .offset = p->position,
                           .partition = p->partition,
                           .leader_epoch = p->epoch,
                           .flags = KFK_OFFSET | (p->epoch >= 0 ? KFK_EPOCH : 0)};
        ++*n;
    }
    return cap;
}

kfk_tp *kfk__consumer_positions(kfk_consumer *c, size_t *n)
{
    const kfk_allocator *a = &c->env.alloc;
    size_t cap = 0, needed = 8;
    kfk_tp *tps = NULL, *v;

    while (needed > cap) {
        cap = needed;
        v = kfk__array(a, tps, cap, sizeof *tps);
        if (!v) {
            kfk__release(a, tps);
            return NULL;
        }
        tps = v;
        kfk__lock(&c->shared->lock);
        needed = take_positions(c->shared, tps, cap, n);
        kfk__unlock(&c->shared->lock);
    }
    return tps;
}

void kfk__consumer_drop_positions(kfk_consumer *c, kfk_tp *tps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kfk__assigned_drop(tps[i].opaque);
    kfk__release(&c->env.alloc, tps);
}

static kfk_err commit_positions(kfk_consumer *c, int timeout_ms, unsigned how, kfk_error *e)
{
    size_t n;
    kfk_err err;
    kfk_tp *tps = kfk__consumer_positions(c, &n);

    if (!tps)
        return kfk__fail_nomem(e);
    err = kfk__consumer_commit(c, tps, n, timeout_ms, how, e);
    kfk__consumer_drop_positions(c, tps, n);
    return err;
}

kfk_err kfk__consumer_check_commit(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    for (size_t i = 0; !err && i < n; i++)
        if (tps[i].offset < 0)
            err = kfk__fail(e, KFK_ERR_INVALID_ARG, "%.200s-%d: %lld cannot be committed",
                            tps[i].topic, tps[i].partition, (long long)tps[i].offset);
    return err ? err : needs_group(c, e);
}

kfk_err kfk_consumer_commit(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__consumer_check_commit(c, tps, n, e);

    if (err)
        return err;
    err = n > 0 ? ask(c, KFK__ASK_COMMIT, tps, n, timeout_ms, e)
                : commit_positions(c, timeout_ms, 0, e);
    kfk__consumer_tell_commits(c);
    return err;
}

kfk_err kfk_consumer_committed(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    if (!err)
        err = needs_group(c, e);
    return err ? err : ask(c, KFK__ASK_COMMITTED, tps, n, timeout_ms, e);
}

kfk_err kfk_consumer_partitions(kfk_consumer *c, const char *topic, int timeout_ms, int32_t *count,
                                kfk_error *e)
{
    kfk_tp tp = {.topic = topic};
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err && (!topic || !topic[0]))
        err = kfk__fail(e, KFK_ERR_INVALID_ARG, "no topic");
    if (!err)
        err = ask(c, KFK__ASK_PARTITIONS, &tp, 1, timeout_ms, e);
    if (!err)
        *count = tp.partition;
    return err;
}

/* ---- commits by themselves ---- */

enum { BY_ITSELF = KFK__COMMIT_FOLLOWS | KFK__COMMIT_IS_LEFT };

void kfk__consumer_commit_if_due(kfk_consumer *c)
{
    int64_t now;

    if (c->commit_every == 0)
        return;
    now = kfk__now(&c->env);
    if (now < c->commit_at)
        return;
    c->commit_at = now + c->commit_every;
    (void)commit_positions(c, 0, BY_ITSELF, NULL);
}

void kfk__consumer_commit_last(kfk_consumer *c)
{
    if (c->commit_every > 0)
        (void)commit_positions(c, 0, BY_ITSELF, NULL);
}

/* ---- the end ---- */

kfk_err kfk__consumer_watch(kfk_consumer *c, int timeout_ms, bool (*done)(void *arg), void *arg)
{
    int64_t until = timeout_ms == 0 ? 0 : kfk__deadline(kfk__now(&c->env), timeout_ms);
    kfk__shared *s = c->shared;
    kfk__watcher watcher;
    kfk__waiter w;
    bool in_time = timeout_ms != 0, is_done;

    if (c->env.ops->waiter_init(c->env.ctx, &w))
        return KFK_ERR_NOMEM;
    watcher.waiter = &w;
    kfk__lock(&s->lock);
    kfk__list_push(&s->watchers, &watcher.link);
    while (!(is_done = done(arg)) && in_time) {
        kfk__unlock(&s->lock);
        in_time = c->env.ops->wait(c->env.ctx, &w, until);
        kfk__lock(&s->lock);
    }
    kfk__list_remove(&watcher.link);
    kfk__unlock(&s->lock);
    c->env.ops->waiter_fini(c->env.ctx, &w);
    return is_done ? KFK_OK : KFK_ERR_TIMED_OUT;
}

/* Whether each commit that was asked for has its answer, or will have none. Locked. */
static bool commits_ended(void *arg)
{
    const kfk_consumer *c = arg;

    for (const kfk__list *at = c->asks.next; at != &c->asks && !c->shared->closed; at = at->next) {
        const kfk__ask *ask = KFK__ENTRY(at, kfk__ask, left);

        if (ask->kind == KFK__ASK_COMMIT && !ask->done)
            return false;
    }
    return c->shared->closed || !kfk__consumer_commits_pend(c);
}

bool kfk__consumer_await_commits(kfk_consumer *c, int timeout_ms)
{
    bool ended;

    kfk__lock(&c->shared->lock);
    ended = commits_ended(c);
    kfk__unlock(&c->shared->lock);
    return ended || kfk__consumer_watch(c, timeout_ms, commits_ended, c) == KFK_OK;
}

void kfk__consumer_forget_asks(kfk_consumer *c)
{
    drop_dead(&c->asks);
    if (c->committed)
        kfk__ask_drop(c->committed);
}
