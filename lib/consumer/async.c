/* kfk_consumer_commit_async: commits that nobody waits for, and who is told what became of them.
 *
 *   call ──> ask (ask.h) ──> the Fetcher ──> done ──> the next poll, commit, unsubscribe or close: fn
 *       └──> handle's asyncs, in the order of the calls ──┘
 *
 * One thread tells at a time, the oldest first; who comes meanwhile leaves it to that one. */
#include <kfk/consumer.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/handle.h"

typedef struct async {
    kfk__list link; /* of the handle's; under the shared lock */
    kfk__ask *ask;
    kfk_commit_fn *fn; /* NULL: nobody is told */
    void *arg;
    size_t n;
    kfk_tp tps[]; /* what is told; the strings are the ask's */
} async;

static void free_async(kfk_consumer *c, async *a)
{
    if (a->ask)
        kfk__ask_drop(a->ask);
    kfk__release(&c->env.alloc, a);
}

/* NULL: no memory. */
static async *new_async(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_commit_fn *fn, void *arg)
{
    async *a = kfk__zalloc(&c->env.alloc, sizeof *a + n * sizeof *a->tps);

    if (!a)
        return NULL;
    *a = (async){.fn = fn, .arg = arg, .n = n};
    kfk__list_init(&a->link);
    a->ask = kfk__ask_new(c->shared, KFK__ASK_COMMIT, tps, n);
    if (!a->ask) {
        free_async(c, a);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        a->tps[i] = a->ask->asked[i];
    a->ask->since = kfk__now(&c->env);
    a->ask->deadline = kfk__deadline(a->ask->since, c->api_timeout_ms);
    a->ask->told_to_poll = true;
    a->ask->dead = !fn; /* then the log has what goes wrong */
    return a;
}

/* ---- the call ---- */

/* false: the handle is closed. */
static bool begin(kfk_consumer *c, async *a)
{
    kfk__shared *s = c->shared;
    bool closed;

    kfk__lock(&s->lock);
    closed = s->closed || c->asyncs_ended;
    if (!closed) {
        kfk__ask_sign(a->ask);
        kfk__list_push(&c->asyncs, &a->link);
        atomic_fetch_add_explicit(&c->n_asyncs, 1, memory_order_relaxed);
        kfk__list_push(&s->asks, &a->ask->link);
        kfk__shared_wake(s);
    }
    kfk__unlock(&s->lock);
    return !closed;
}

static kfk_err commit(kfk_consumer *c, const kfk_tp *tps, size_t n, bool positions,
                      kfk_commit_fn *fn, void *arg, kfk_error *e)
{
    async *a = new_async(c, tps, n, fn, arg);

    if (!a)
        return kfk__fail_nomem(e);
    /* Where they are positions, opaque is the partition. */
    kfk__lock(&c->shared->lock);
    for (size_t i = 0; positions && i < n; i++)
        a->tps[i].opaque = ((const kfk__assigned *)tps[i].opaque)->opaque;
    kfk__unlock(&c->shared->lock);
    if (begin(c, a))
        return KFK_OK;
    kfk__ask_drop(a->ask); /* the Fetcher's part of it */
    free_async(c, a);
    return kfk__fail(e, KFK_ERR_CLOSED, "the consumer is closed");
}

kfk_err kfk_consumer_commit_async(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_commit_fn *fn,
                                  void *arg, kfk_error *e)
{
    kfk_err err = kfk__consumer_check_commit(c, tps, n, e);
    kfk_tp *all;

    if (err)
        return err;
    if (n > 0)
        return commit(c, tps, n, false, fn, arg, e);
    all = kfk__consumer_positions(c, &n);
    if (!all)
        return kfk__fail_nomem(e);
    err = commit(c, all, n, true, fn, arg, e);
    kfk__consumer_drop_positions(c, all, n);
    return err;
}

/* ---- telling ---- */

/* The oldest, if it has its answer, or with |at_end| even if not, taken out. Locked. */
static async *take(kfk_consumer *c, bool at_end)
{
    kfk__list *at = kfk__list_first(&c->asyncs);
    async *a = at ? KFK__ENTRY(at, async, link) : NULL;

    if (!a || !(a->ask->done || at_end))
        return NULL;
    kfk__list_remove(at);
    atomic_fetch_sub_explicit(&c->n_asyncs, 1, memory_order_relaxed);
    return a;
}

static void tell(kfk_consumer *c, async *a, bool done)
{
    kfk_error e;

    if (done) {
        e = a->ask->error;
    } else {
        (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "the consumer was closed before there was an answer");
        e.flags |= KFK_MAYBE_DONE;
    }
    for (size_t i = 0; i < a->n; i++)
        a->tps[i].err = done ? a->ask->answers[i].err : e.code;
    if (a->fn)
        a->fn(c, a->tps, a->n, &e, a->arg);
    free_async(c, a);
}

static void tell_all(kfk_consumer *c)
{
    kfk__shared *s = c->shared;
    async *a;

    kfk__lock(&s->lock);
    if (c->telling) { /* which may be this very thread, from inside of fn */
        kfk__unlock(&s->lock);
        return;
    }
    c->telling = true;
    while ((a = take(c, c->asyncs_ended)) != NULL) {
        bool done = a->ask->done;

        kfk__unlock(&s->lock);
        tell(c, a, done);
        kfk__lock(&s->lock);
    }
    c->telling = false;
    kfk__unlock(&s->lock);
}

void kfk__consumer_tell_commits(kfk_consumer *c)
{
    if (atomic_load_explicit(&c->n_asyncs, memory_order_relaxed) > 0)
        tell_all(c);
}

void kfk__consumer_end_commits(kfk_consumer *c)
{
    kfk__lock(&c->shared->lock);
    c->asyncs_ended = true;
    kfk__unlock(&c->shared->lock);
    kfk__consumer_tell_commits(c);
}

bool kfk__consumer_commits_pend(const kfk_consumer *c)
{
    for (const kfk__list *at = c->asyncs.next; at != &c->asyncs; at = at->next)
        if (!KFK__ENTRY(at, async, link)->ask->done)
            return true;
    return false;
}

void kfk__consumer_forget_commits(kfk_consumer *c)
{
    kfk__list *at;

    while ((at = kfk__list_pop(&c->asyncs)) != NULL)
        free_async(c, KFK__ENTRY(at, async, link));
}
