#include "producer/outbox.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

typedef enum notice_kind { LINE, EVENT } notice_kind;

typedef struct notice {
    kfk__list link;
    notice_kind kind;
    int level;
    kfk_event event;
    const char *subsystem; /* static */
    char text[];
} notice;

void kfk__outbox_init(kfk__outbox *o, const kfk__env *env)
{
    *o = (kfk__outbox){.env = env};
    kfk__mutex_init(&o->lock);
    kfk__list_init(&o->batches);
    kfk__list_init(&o->notices);
    kfk__list_init(&o->waiters);
    kfk__list_init(&o->spent);
}

void kfk__outbox_fini(kfk__outbox *o, kfk__pool *pool)
{
    kfk__list *at;

    while ((at = kfk__list_pop(&o->notices)) != NULL)
        kfk__release(&o->env->alloc, KFK__ENTRY(at, notice, link));
    kfk__outbox_drop_spent(o, pool);
    if (o->bell)
        o->env->ops->poller_free(o->bell);
    kfk__mutex_fini(&o->lock);
}

/* ---- bell and waiters ---- */

/* Whether there is something to tell. Locked. */
static bool has_something(const kfk__outbox *o)
{
    return o->batch || !kfk__list_empty(&o->batches) || !kfk__list_empty(&o->notices) ||
           o->writable || o->left_out;
}

/* Locked. */
static void wake_waiters(kfk__outbox *o, const kfk__outbox_waiter *but)
{
    for (kfk__list *at = o->waiters.next; at != &o->waiters; at = at->next) {
        kfk__outbox_waiter *w = KFK__ENTRY(at, kfk__outbox_waiter, link);

        if (w != but)
            o->env->ops->wake(o->env->ctx, w->waiter);
    }
}

/* Something has come. Locked. */
static void ring(kfk__outbox *o)
{
    if (o->bell)
        o->env->ops->poller_wake(o->bell);
    wake_waiters(o, NULL);
}

int kfk__outbox_open(kfk__outbox *o)
{
    kfk__poller *bell = NULL;
    int err = 0;

    kfk__lock(&o->lock);
    bell = o->bell;
    kfk__unlock(&o->lock);
    if (bell)
        return 0;
    err = o->env->ops->poller_new(o->env->ctx, &o->env->alloc, &bell);
    if (err)
        return err;
    kfk__lock(&o->lock);
    if (!o->bell) {
        o->bell = bell;
        bell = NULL;
        if (has_something(o))
            o->env->ops->poller_wake(o->bell);
    }
    kfk__unlock(&o->lock);
    if (bell)
        o->env->ops->poller_free(bell);
    return 0;
}

void kfk__outbox_watch(kfk__outbox *o, kfk__outbox_waiter *w)
{
    kfk__lock(&o->lock);
    kfk__list_push(&o->waiters, &w->link);
    kfk__unlock(&o->lock);
}

void kfk__outbox_unwatch(kfk__outbox *o, kfk__outbox_waiter *w)
{
    kfk__lock(&o->lock);
    kfk__list_remove(&w->link);
    kfk__unlock(&o->lock);
}

/* ---- in ---- */

void kfk__outbox_put(kfk__outbox *o, kfk__producer_batch *b)
{
    kfk__lock(&o->lock);
    kfk__list_push(&o->batches, &b->told);
    ring(o);
    kfk__unlock(&o->lock);
}

void kfk__outbox_writable(kfk__outbox *o)
{
    kfk__lock(&o->lock);
    o->writable = true;
    ring(o);
    kfk__unlock(&o->lock);
}

/* One that there is no memory or no room for is counted. */
static void put_notice(kfk__outbox *o, notice *n)
{
    kfk__lock(&o->lock);
    if (n && o->n_notices < KFK__OUTBOX_NOTICES) {
        kfk__list_push(&o->notices, &n->link);
        o->n_notices++;
        n = NULL;
    } else {
        o->left_out++;
    }
    ring(o);
    kfk__unlock(&o->lock);
    kfk__release(&o->env->alloc, n);
}

void kfk__outbox_line(kfk__outbox *o, int level, const char *subsystem, const char *text)
{
    size_t size = strlen(text) + 1;
    notice *n = kfk__alloc(&o->env->alloc, sizeof *n + size);

    if (n) {
        *n = (notice){.kind = LINE, .level = level, .subsystem = subsystem};
        kfk__list_init(&n->link);
        memcpy(n->text, text, size);
    }
    put_notice(o, n);
}

void kfk__outbox_event(kfk__outbox *o, const kfk_event *e)
{
    size_t size = e->topic ? strlen(e->topic) + 1 : 0;
    notice *n = kfk__alloc(&o->env->alloc, sizeof *n + size);

    if (n) {
        *n = (notice){.kind = EVENT, .event = *e};
        kfk__list_init(&n->link);
        if (size)
            n->event.topic = memcpy(n->text, e->topic, size);
    }
    put_notice(o, n);
}

/* ---- out ---- */

bool kfk__outbox_begin(kfk__outbox *o, bool takes)
{
    kfk__event ev[1];
    bool free;

    kfk__lock(&o->lock);
    free = !o->serving;
    o->serving = true;
    o->takes |= takes;
    kfk__unlock(&o->lock);
    /* Heard. What comes from now on rings again. */
    if (free && o->bell)
        (void)o->env->ops->poll(o->bell, ev, 1, 0);
    return free;
}

void kfk__outbox_end(kfk__outbox *o, bool moved, const kfk__outbox_waiter *self)
{
    kfk__lock(&o->lock);
    o->serving = false;
    o->blocked = o->takes && o->next && !o->next->fn;
    /* What came after this one had looked was found busy by those whom it woke. */
    if (moved || o->looked || (has_something(o) && !o->blocked))
        wake_waiters(o, self);
    o->looked = false;
    if (o->bell && has_something(o))
        o->env->ops->poller_wake(o->bell);
    kfk__unlock(&o->lock);
}

bool kfk__outbox_is_quiet(kfk__outbox *o)
{
    bool quiet;

    kfk__lock(&o->lock);
    quiet = !o->serving && (o->blocked || !has_something(o));
    o->looked |= o->serving;
    kfk__unlock(&o->lock);
    return quiet;
}

bool kfk__outbox_is_blocked(kfk__outbox *o)
{
    bool blocked;

    kfk__lock(&o->lock);
    blocked = o->blocked;
    kfk__unlock(&o->lock);
    return blocked;
}

static void tell_left_out(const kfk__outbox_hooks *h, uint32_t n)
{
    char text[64];

    if (!h->log)
        return;
    (void)snprintf(text, sizeof text, "%u lines and events before this were left out", (unsigned)n);
    h->log(KFK_LOG_WARN, "producer", text, h->arg);
}

bool kfk__outbox_tell(kfk__outbox *o, const kfk__outbox_hooks *h)
{
    kfk__list *at;
    uint32_t left_out = 0;
    bool writable;
    notice *n;

    kfk__lock(&o->lock);
    at = kfk__list_pop(&o->notices);
    if (at) {
        o->n_notices--;
    } else {
        left_out = o->left_out;
        o->left_out = 0;
    }
    writable = o->writable;
    o->writable = false;
    kfk__unlock(&o->lock);
    if (writable && h->writable)
        h->writable(h->arg);
    if (left_out)
        tell_left_out(h, left_out);
    if (!at)
        return writable || left_out;
    n = KFK__ENTRY(at, notice, link);
    if (n->kind == LINE && h->log)
        h->log(n->level, n->subsystem, n->text, h->arg);
    if (n->kind == EVENT && h->event)
        h->event(&n->event, h->arg);
    kfk__release(&o->env->alloc, n);
    return true;
}

static kfk__producer_batch *pop(kfk__outbox *o)
{
    kfk__list *at;

    kfk__lock(&o->lock);
    at = kfk__list_pop(&o->batches);
    o->batch = at ? KFK__ENTRY(at, kfk__producer_batch, told) : NULL;
    kfk__unlock(&o->lock);
    return o->batch;
}

const kfk__callback *kfk__outbox_next(kfk__outbox *o)
{
    if (!o->next && !o->batch && pop(o)) {
        kfk__delivery_walk_init(&o->walk, o->batch, &o->batch->result);
        o->next = kfk__delivery_walk_next(&o->walk);
    }
    return o->next;
}

kfk__producer_batch *kfk__outbox_told(kfk__outbox *o)
{
    kfk__producer_batch *b = o->batch;

    o->next = kfk__delivery_walk_next(&o->walk);
    if (o->next)
        return NULL;
    kfk__lock(&o->lock);
    o->batch = NULL;
    kfk__unlock(&o->lock);
    return b;
}

void kfk__outbox_spend(kfk__outbox *o, kfk__producer_batch *b)
{
    kfk__list_push(&o->spent, &b->told);
}

void kfk__outbox_drop_spent(kfk__outbox *o, kfk__pool *pool)
{
    kfk__list *at;

    while ((at = kfk__list_pop(&o->spent)) != NULL)
        kfk__producer_batch_drop(KFK__ENTRY(at, kfk__producer_batch, told), pool);
}
