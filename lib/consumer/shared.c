#include "consumer/shared.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST_CLASS = 12 }; /* 4 KiB */

kfk__shared *kfk__shared_new(const kfk__env *env, size_t max_bytes)
{
    kfk__shared *s = kfk__zalloc(&env->alloc, sizeof *s);

    if (!s)
        return NULL;
    s->env = *env;
    atomic_init(&s->owners, 1);
    atomic_init(&s->woken, false);
    atomic_init(&s->max_bytes, max_bytes);
    kfk__mutex_init(&s->lock);
    kfk__list_init(&s->partitions);
    kfk__list_init(&s->ready);
    kfk__list_init(&s->garbage);
    return s;
}

static void hold_shared(kfk__shared *s)
{
    atomic_fetch_add_explicit(&s->owners, 1, memory_order_relaxed);
}

void kfk__shared_drop(kfk__shared *s)
{
    kfk_allocator a = s->env.alloc;
    kfk__fbuf *b, *next;

    if (atomic_fetch_sub_explicit(&s->owners, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < KFK__FBUF_CLASSES; i++)
        for (b = s->kept[i]; b; b = next) {
            next = b->next;
            kfk__release(&a, b);
        }
    kfk__mutex_fini(&s->lock);
    kfk__release(&a, s);
}

void kfk__shared_wake(kfk__shared *s)
{
    if (s->loop)
        kfk__loop_wake(s->loop);
}

/* ---- buffers ---- */

/* Buffers come in powers of two, so that one that was freed serves the next of about its size. */
static size_t class_of(size_t cap)
{
    size_t class = 0;

    while (class + 1 < KFK__FBUF_CLASSES && ((size_t)1 << (class + SMALLEST_CLASS)) < cap)
        class++;
    return class;
}

kfk__fbuf *kfk__fbuf_new(kfk__shared *s, size_t cap)
{
    size_t class = class_of(cap), size = (size_t)1 << (class + SMALLEST_CLASS);
    kfk__fbuf *b;

    if (size < cap)
        size = cap; /* larger than any class: it is not kept */
    kfk__lock(&s->lock);
    s->used += size;
    b = s->kept[class];
    if (b && b->cap >= cap) {
        s->kept[class] = b->next;
        s->kept_bytes -= b->cap;
    } else {
        b = NULL;
    }
    kfk__unlock(&s->lock);
    if (!b) {
        b = kfk__alloc(&s->env.alloc, sizeof *b + size);
        if (b)
            b->cap = size;
    }
    if (!b) {
        kfk__lock(&s->lock);
        s->used -= size;
        kfk__unlock(&s->lock);
        return NULL;
    }
    b->shared = s;
    atomic_init(&b->owners, 1);
    hold_shared(s);
    return b;
}

void kfk__fbuf_drop(kfk__fbuf *b)
{
    kfk__shared *s;
    size_t class, max;
    bool wake, keep;

    if (!b || atomic_fetch_sub_explicit(&b->owners, 1, memory_order_acq_rel) != 1)
        return;
    s = b->shared;
    class = class_of(b->cap);
    max = atomic_load_explicit(&s->max_bytes, memory_order_relaxed);
    kfk__lock(&s->lock);
    s->used -= b->cap;
    keep = !s->closed && class + 1 < KFK__FBUF_CLASSES && s->used + s->kept_bytes + b->cap <= max;
    if (keep) {
        b->next = s->kept[class];
        s->kept[class] = b;
        s->kept_bytes += b->cap;
    }
    wake = s->starved && s->used < max;
    s->starved &= !wake;
    if (wake)
        kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    if (!keep)
        kfk__release(&s->env.alloc, b);
    kfk__shared_drop(s);
}

size_t kfk__shared_reserve(kfk__shared *s, size_t max, size_t shares)
{
    size_t total = atomic_load_explicit(&s->max_bytes, memory_order_relaxed), credit, share;

    share = total / (shares ? shares : 1);
    if (max > share)
        max = share;
    kfk__lock(&s->lock);
    credit = total > s->used + s->reserved ? total - s->used - s->reserved : 0;
    s->starved = credit == 0;
    if (credit > max)
        credit = max;
    s->reserved += credit;
    kfk__unlock(&s->lock);
    return credit;
}

void kfk__shared_unreserve(kfk__shared *s, size_t n)
{
    kfk__lock(&s->lock);
    s->reserved -= n;
    kfk__unlock(&s->lock);
}

/* ---- partitions ---- */

kfk__assigned *kfk__assigned_new(kfk__shared *s, const char *topic, int32_t partition)
{
    kfk__assigned *p = kfk__zalloc(&s->env.alloc, sizeof *p);

    if (!p)
        return NULL;
    p->topic = kfk__strdup(&s->env.alloc, topic);
    if (!p->topic) {
        kfk__release(&s->env.alloc, p);
        return NULL;
    }
    p->shared = s;
    p->topic_len = strlen(topic);
    p->partition = partition;
    p->fetch_version = (unsigned)-1;
    p->resume_at = p->end = -1;
    atomic_init(&p->owners, 1);
    atomic_init(&p->version, 0);
    kfk__list_init(&p->link);
    kfk__list_init(&p->ready);
    kfk__list_init(&p->fetched);
    hold_shared(s);
    return p;
}

void kfk__assigned_drop(kfk__assigned *p)
{
    kfk__shared *s;

    if (!p || atomic_fetch_sub_explicit(&p->owners, 1, memory_order_acq_rel) != 1)
        return;
    s = p->shared;
    kfk__release(&s->env.alloc, p->topic);
    kfk__release(&s->env.alloc, p);
    kfk__shared_drop(s);
}

void kfk__fetched_free(kfk__shared *s, kfk__fetched *f)
{
    kfk__fbuf_drop(f->inflated);
    kfk__fbuf_drop(f->buf);
    kfk__aborted_fini(&f->aborted, &s->env.alloc);
    kfk__release(&s->env.alloc, f);
}

void kfk__shared_sweep(kfk__shared *s)
{
    kfk__list garbage;
    kfk__list *at;

    kfk__list_init(&garbage);
    kfk__lock(&s->lock);
    kfk__list_splice(&garbage, &s->garbage);
    kfk__unlock(&s->lock);
    while ((at = kfk__list_pop(&garbage)) != NULL)
        kfk__fetched_free(s, KFK__ENTRY(at, kfk__fetched, link));
}

void kfk__assigned_move(kfk__assigned *p, int64_t position)
{
    kfk__list *at;

    atomic_fetch_add_explicit(&p->version, 1, memory_order_release);
    p->position = position;
    p->err = KFK_OK;
    p->buffered = 0;
    p->resume_at = -1;
    kfk__list_remove(&p->ready);
    while ((at = kfk__list_pop(&p->fetched)) != NULL)
        kfk__list_push(&p->shared->garbage, at);
    p->shared->changed = true;
}

void kfk__assigned_fail(kfk__assigned *p, kfk_err err, const char *why)
{
    kfk__assigned_move(p, p->position);
    p->err = err;
    (void)snprintf(p->why, sizeof p->why, "%s", why);
    kfk__assigned_ready(p);
}

void kfk__assigned_ready(kfk__assigned *p)
{
    kfk__shared *s = p->shared;

    if (s->closed) /* nobody polls any more, and the partition may be about to go */
        return;
    if (kfk__list_empty(&p->ready))
        kfk__list_push(&s->ready, &p->ready);
    if (s->poller)
        s->env.ops->wake(s->env.ctx, s->poller);
}

kfk__assigned *kfk__shared_find(kfk__shared *s, const char *topic, int32_t partition)
{
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (p->partition == partition && strcmp(p->topic, topic) == 0)
            return p;
    }
    return NULL;
}
