#include "consumer/ask.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static void free_tps(const kfk_allocator *a, kfk_tp *tps, size_t n)
{
    for (size_t i = 0; tps && i < n; i++) {
        kfk__release(a, (char *)(uintptr_t)tps[i].topic);
        kfk__release(a, (char *)(uintptr_t)tps[i].metadata);
    }
    kfk__release(a, tps);
}

/* With strings of their own. NULL: no memory. */
static kfk_tp *copy_tps(const kfk_allocator *a, const kfk_tp *tps, size_t n, bool metadata)
{
    kfk_tp *copy = kfk__zalloc(a, (n + 1) * sizeof *copy);

    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = tps[i];
        copy[i].metadata = NULL;
        copy[i].topic = kfk__strdup(a, tps[i].topic);
        if (metadata && tps[i].metadata)
            copy[i].metadata = kfk__strdup(a, tps[i].metadata);
        if (!copy[i].topic || (metadata && tps[i].metadata && !copy[i].metadata)) {
            free_tps(a, copy, i + 1);
            return NULL;
        }
    }
    return copy;
}

kfk__ask *kfk__ask_new(kfk__shared *s, kfk__ask_kind kind, const kfk_tp *tps, size_t n)
{
    const kfk_allocator *a = &s->env.alloc;
    kfk__ask *ask = kfk__zalloc(a, sizeof *ask);

    if (!ask)
        return NULL;
    ask->asked = copy_tps(a, tps, n, true);
    ask->answers = ask->asked ? copy_tps(a, tps, n, false) : NULL;
    if (!ask->answers) {
        free_tps(a, ask->asked, n);
        kfk__release(a, ask);
        return NULL;
    }
    ask->shared = s;
    ask->kind = kind;
    ask->n = n;
    atomic_init(&ask->owners, 2);
    kfk__list_init(&ask->link);
    kfk__list_init(&ask->left);
    kfk__error_clear(&ask->error);
    return ask;
}

void kfk__ask_drop(kfk__ask *ask)
{
    const kfk_allocator *a = &ask->shared->env.alloc;

    if (atomic_fetch_sub_explicit(&ask->owners, 1, memory_order_acq_rel) != 1)
        return;
    free_tps(a, ask->asked, ask->n);
    free_tps(a, ask->answers, ask->n);
    kfk__release(a, ask->questions);
    kfk__speaker_drop(ask->who);
    kfk__release(a, ask);
}

void kfk__ask_sign(kfk__ask *ask)
{
    kfk__shared *s = ask->shared;
    bool may_all = !s->member, may_none = s->member && (!s->who || s->who->meta.generation < 0);

    ask->who = kfk__speaker_hold(s->who);
    for (size_t i = 0; i < ask->n; i++) {
        kfk_tp *tp = &ask->answers[i];
        bool may = !may_none && (may_all || kfk__shared_find(s, tp->topic, tp->partition));

        tp->err = may ? KFK_ERR_WOULD_BLOCK : KFK_ERR_REVOKED;
    }
}

void kfk__ask_settle(kfk__ask *ask, kfk_err err)
{
    for (size_t i = 0; i < ask->n; i++)
        if (ask->answers[i].err == KFK_ERR_WOULD_BLOCK)
            ask->answers[i].err = err;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool kfk__ask_is(const kfk__ask *ask, kfk__ask_kind kind, const kfk_tp *tps, size_t n)
{
    bool same = ask->kind == kind && ask->n == n;

    for (size_t i = 0; same && i < n; i++) {
        const kfk_tp *a = &ask->asked[i], *b = &tps[i];

        same = strcmp(a->topic, b->topic) == 0 && a->partition == b->partition;
        if (kind != KFK__ASK_COMMITTED) /* which asks for no offset in particular */
            same = same && a->offset == b->offset && a->flags == b->flags;
        if (kind == KFK__ASK_COMMIT)
            same = same && same_text(a->metadata, b->metadata);
    }
    return same;
}

void kfk__ask_done(kfk__ask *ask, const kfk_error *e)
{
    kfk__shared *s = ask->shared;

    kfk__lock(&s->lock);
    kfk__list_remove(&ask->link);
    ask->done = true;
    if (e)
        ask->error = *e;
    else
        kfk__error_clear(&ask->error); /* of what was said before */
    if (ask->waiter)
        s->env.ops->wake(s->env.ctx, ask->waiter);
    if (ask->told_to_poll)
        kfk__shared_turn(s, &s->lane);
    kfk__shared_known(s);
    kfk__unlock(&s->lock);
    kfk__ask_drop(ask);
}
