#include "net/helper.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/fork.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "net/clock.h"
#include "net/thread.h"
#include "net/waiter.h"

#define IDLE_NS (10000 * KFK__MS)

enum { QUEUED, RUNNING, ENDED, ORPHANED };

/* The lock is held across the start of the thread and across a poller's wake, which are system
 * calls that do not wait: the first so that no other task can count on a thread that then fails to
 * start, the second so that the poller is still there. */
struct helper {
    kfk_allocator alloc; /* of the thread and the tasks, with a ledger */
    kfk__mutex lock;
    kfk__list tasks; /* those QUEUED */
    bool running;    /* there is a thread, or there will be at once */
    kfk__waiter idle;
    unsigned forks;
    struct helper
        *before; /* the parent's; kept, as it may be locked by a thread that is not here */
};

static _Atomic(struct helper *) current;

static void helper_free(struct helper *h)
{
    kfk__ledger_settle(&h->alloc);
    kfk__waiter_fini(NULL, &h->idle);
    kfk__mutex_fini(&h->lock);
    kfk__release(&kfk__malloc_allocator, h);
}

static struct helper *helper_new(void)
{
    struct helper *h = kfk__zalloc(&kfk__malloc_allocator, sizeof *h);

    if (!h)
        return NULL;
    if (kfk__waiter_init(NULL, &h->idle)) {
        kfk__release(&kfk__malloc_allocator, h);
        return NULL;
    }
    if (!kfk__ledger_open(&h->alloc, &kfk__malloc_allocator)) {
        kfk__waiter_fini(NULL, &h->idle);
        kfk__release(&kfk__malloc_allocator, h);
        return NULL;
    }
    kfk__mutex_init(&h->lock);
    kfk__list_init(&h->tasks);
    h->forks = kfk__fork_count();
    return h;
}

/* The helper of this process: made by the first who asks, never freed. A child of fork makes its
 * own, and gives back all of its parent's but the struct, which another thread may look at just now.
 * NULL: no memory. */
static struct helper *helper_get(void)
{
    struct helper *h = atomic_load(&current);
    struct helper *mine;

    if (h && h->forks == kfk__fork_count())
        return h;
    mine = helper_new();
    if (!mine)
        return NULL;
    mine->before = h;
    if (!atomic_compare_exchange_strong(&current, &h, mine)) {
        helper_free(mine);
        return h;
    }
    if (h)
        kfk__ledger_abandon(&h->alloc);
    return mine;
}

const kfk_allocator *kfk__helper_allocator(void)
{
    const struct helper *h = helper_get();

    return h ? &h->alloc : NULL;
}

/* The next task, now RUNNING, or NULL. */
static kfk__task *take(struct helper *h)
{
    kfk__list *node;
    kfk__task *t = NULL;

    kfk__lock(&h->lock);
    node = kfk__list_pop(&h->tasks);
    if (node) {
        t = KFK__ENTRY(node, kfk__task, node);
        t->state = RUNNING;
    }
    kfk__unlock(&h->lock);
    return t;
}

static void finish(struct helper *h, kfk__task *t)
{
    bool orphaned;

    kfk__lock(&h->lock);
    orphaned = t->state == ORPHANED;
    if (!orphaned) {
        t->state = ENDED;
        kfk__poller_post(t->poller, &t->post);
    }
    kfk__unlock(&h->lock);
    if (orphaned)
        t->drop(t);
}

/* False: a task has come after all. */
static bool retire(struct helper *h)
{
    bool retired;

    kfk__lock(&h->lock);
    retired = kfk__list_empty(&h->tasks);
    if (retired)
        h->running = false;
    kfk__unlock(&h->lock);
    return retired;
}

static void work(void *arg)
{
    struct helper *h = arg;
    kfk__task *t;

    for (;;) {
        while ((t = take(h)) != NULL) {
            t->run(t);
            finish(h, t);
        }
        if (!kfk__waiter_wait(NULL, &h->idle, kfk__clock_ns(CLOCK_MONOTONIC) + IDLE_NS) &&
            retire(h))
            return;
    }
}

/* Locked. 0 or errno. */
static int ensure_thread(struct helper *h)
{
    kfk__thread *thread;
    int rc;

    if (h->running) {
        kfk__waiter_wake(NULL, &h->idle);
        return 0;
    }
    rc = kfk__thread_spawn(NULL, &h->alloc, "kfk-helper", work, h, &thread);
    if (rc)
        return rc;
    h->running = true;
    (void)kfk__thread_join(NULL, thread, 0); /* nobody's: it frees itself */
    return 0;
}

int kfk__helper_submit(kfk__task *t)
{
    struct helper *h = helper_get();
    int rc;

    if (!h)
        return ENOMEM;
    kfk__lock(&h->lock);
    rc = ensure_thread(h);
    if (rc == 0) {
        t->state = QUEUED;
        kfk__list_push(&h->tasks, &t->node);
    }
    kfk__unlock(&h->lock);
    return rc;
}

void kfk__helper_end(kfk__task *t)
{
    struct helper *h = atomic_load(&current);
    bool orphaned;

    /* In a child of fork the thread that knew of the task is not there. */
    if (kfk__poller_forked(t->poller)) {
        t->drop(t);
        return;
    }
    kfk__lock(&h->lock);
    orphaned = t->state == RUNNING;
    if (orphaned)
        t->state = ORPHANED;
    else if (t->state == QUEUED)
        kfk__list_remove(&t->node);
    else
        kfk__poller_unpost(t->poller, &t->post);
    kfk__unlock(&h->lock);
    if (!orphaned)
        t->drop(t);
}
