#include "base/ledger.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/mem.h"

/* What lies before each piece of memory, and leaves it aligned for any type. */
typedef struct block {
    alignas(max_align_t) kfk__list link;
} block;

typedef struct ledger {
    kfk__list link; /* under |all_lock|; first, so that tools that look for leaks find it */
    kfk_allocator beneath;

    kfk__mutex lock; /* guards all below */
    kfk__list blocks;
    kfk__list descriptors;
    size_t n; /* blocks, those that are being resized too; one more until it is settled */
} ledger;

static kfk__mutex all_lock; /* guards: */
static kfk__list all = {&all, &all};

/* ---- the allocator ---- */

static void enter(ledger *l, block *b)
{
    kfk__lock(&l->lock);
    kfk__list_push(&l->blocks, &b->link);
    kfk__unlock(&l->lock);
}

static void *ledger_alloc(void *ctx, size_t n)
{
    ledger *l = ctx;
    block *b = n <= SIZE_MAX - sizeof *b ? kfk__alloc(&l->beneath, sizeof *b + n) : NULL;

    if (!b)
        return NULL;
    kfk__lock(&l->lock);
    kfk__list_push(&l->blocks, &b->link);
    l->n++;
    kfk__unlock(&l->lock);
    return b + 1;
}

/* It is in no list meanwhile, since it may move, and what is beneath is not called with a lock held. */
static void *ledger_resize(void *ctx, void *p, size_t n)
{
    ledger *l = ctx;
    block *b, *moved;

    if (!p)
        return ledger_alloc(ctx, n);
    if (n > SIZE_MAX - sizeof *b)
        return NULL;
    b = (block *)p - 1;
    kfk__lock(&l->lock);
    kfk__list_remove(&b->link);
    kfk__unlock(&l->lock);
    moved = kfk__resize(&l->beneath, b, sizeof *b + n);
    enter(l, moved ? moved : b);
    return moved ? moved + 1 : NULL;
}

static void forget(ledger *l)
{
    kfk__lock(&all_lock);
    kfk__list_remove(&l->link);
    kfk__unlock(&all_lock);
}

/* |b| may be NULL: it is the maker who lets go. Once the lock is given back, somebody else may free the ledger. */
static void give_up(ledger *l, block *b)
{
    kfk_allocator beneath = l->beneath;
    bool last;

    kfk__lock(&l->lock);
    if (b)
        kfk__list_remove(&b->link);
    last = --l->n == 0;
    kfk__unlock(&l->lock);
    kfk__release(&beneath, b);
    if (!last)
        return;
    forget(l);
    kfk__mutex_fini(&l->lock);
    kfk__release(&beneath, l);
}

static void ledger_release(void *ctx, void *p)
{
    if (p)
        give_up(ctx, (block *)p - 1);
}

/* NULL: it has none. */
static ledger *ledger_of(const kfk_allocator *a)
{
    return a->release == ledger_release ? a->ctx : NULL;
}

/* ---- its life ---- */

bool kfk__ledger_open(kfk_allocator *out, const kfk_allocator *a)
{
    ledger *l = kfk__zalloc(a, sizeof *l);

    if (!l)
        return false;
    l->beneath = *a;
    l->n = 1;
    kfk__mutex_init(&l->lock);
    kfk__list_init(&l->blocks);
    kfk__list_init(&l->descriptors);
    *out = (kfk_allocator){ledger_alloc, ledger_resize, ledger_release, l};
    kfk__lock(&all_lock);
    kfk__list_push(&all, &l->link);
    kfk__unlock(&all_lock);
    return true;
}

void kfk__ledger_settle(const kfk_allocator *a)
{
    if (ledger_of(a))
        give_up(ledger_of(a), NULL);
}

const kfk_allocator *kfk__ledger_beneath(const kfk_allocator *a)
{
    const ledger *l = ledger_of(a);

    return l ? &l->beneath : a;
}

/* |a| itself lies in one of the blocks. */
void kfk__ledger_abandon(const kfk_allocator *a)
{
    ledger *l = ledger_of(a);
    kfk_allocator beneath;
    kfk__list *at;

    if (!l)
        return;
    beneath = l->beneath;
    forget(l);
    while ((at = kfk__list_pop(&l->descriptors)) != NULL)
        (void)close(KFK__ENTRY(at, kfk__descriptor, link)->fd);
    while ((at = kfk__list_pop(&l->blocks)) != NULL)
        kfk__release(&beneath, KFK__ENTRY(at, block, link));
    kfk__release(&beneath, l);
}

/* ---- descriptors ---- */

void kfk__ledger_enter(const kfk_allocator *a, kfk__descriptor *d, int fd)
{
    ledger *l = ledger_of(a);

    d->fd = fd;
    kfk__list_init(&d->link);
    if (!l)
        return;
    kfk__lock(&l->lock);
    kfk__list_push(&l->descriptors, &d->link);
    kfk__unlock(&l->lock);
}

/* First out, then closed: else a child might close what has the same number by then. */
void kfk__ledger_close(const kfk_allocator *a, kfk__descriptor *d)
{
    ledger *l = ledger_of(a);

    if (l) {
        kfk__lock(&l->lock);
        kfk__list_remove(&d->link);
        kfk__unlock(&l->lock);
    }
    (void)close(d->fd);
}

/* ---- fork ---- */

void kfk__ledgers_lock(void)
{
    kfk__lock(&all_lock);
    for (kfk__list *at = all.next; at != &all; at = at->next)
        kfk__lock(&KFK__ENTRY(at, ledger, link)->lock);
}

void kfk__ledgers_unlock(void)
{
    for (kfk__list *at = all.next; at != &all; at = at->next)
        kfk__unlock(&KFK__ENTRY(at, ledger, link)->lock);
    kfk__unlock(&all_lock);
}
