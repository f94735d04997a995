#include "net/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/fork.h"
#include "base/mem.h"
#include "net/waiter.h"

/* RUNNING is left once, by whoever is first: the thread (ENDED, and the joiner frees), or the
 * joiner (ORPHANED, and the thread frees). */
enum { RUNNING, ENDED, ORPHANED };

struct kfk__thread {
    pthread_t id;
    atomic_int state;
    kfk__waiter ended;
    void (*body)(void *arg);
    void *arg;
    kfk_allocator alloc;
    unsigned forks;
    char name[16];
};

static void thread_free(kfk__thread *t)
{
    kfk_allocator a = t->alloc;

    kfk__waiter_fini(NULL, &t->ended);
    kfk__release(&a, t);
}

static void *run(void *arg)
{
    kfk__thread *t = arg;
    unsigned forks = t->forks;

    (void)pthread_setname_np(pthread_self(), t->name);
    t->body(t->arg);
    if (forks != kfk__fork_count()) /* a child's copy: whoever joins is not here, nor is |t| maybe */
        return NULL;
    if (atomic_exchange(&t->state, ENDED) == ORPHANED)
        thread_free(t);
    else
        kfk__waiter_wake(NULL, &t->ended);
    return NULL;
}

/* A thread inherits the mask of the one that makes it, so that there is no moment at which the new
 * one could take a signal. */
static int create_masked(kfk__thread *t)
{
    sigset_t all, old;
    int rc;

    (void)sigfillset(&all);
    rc = pthread_sigmask(SIG_SETMASK, &all, &old);
    if (rc)
        return rc;
    rc = pthread_create(&t->id, NULL, run, t);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int kfk__thread_spawn(void *ctx, const kfk_allocator *a, const char *name, void (*body)(void *arg),
                      void *arg, kfk__thread **out)
{
    kfk__thread *t = kfk__zalloc(a, sizeof *t);
    int rc;

    (void)ctx;
    if (!t)
        return ENOMEM;
    t->alloc = *a;
    t->forks = kfk__fork_count();
    t->body = body;
    t->arg = arg;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    rc = kfk__waiter_init(NULL, &t->ended);
    if (rc) {
        kfk__release(a, t);
        return rc;
    }
    rc = create_masked(t);
    if (rc) {
        thread_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

bool kfk__thread_join(void *ctx, kfk__thread *t, int64_t until)
{
    pthread_t id = t->id; /* an orphan may free |t| at once */

    (void)ctx;
    if (t->forks != kfk__fork_count()) {
        /* Not finished but dropped: to destroy what another thread slept on could wait for it. */
        kfk__release(&t->alloc, t);
        return true;
    }
    if (!kfk__waiter_wait(NULL, &t->ended, until) &&
        atomic_exchange(&t->state, ORPHANED) == RUNNING) {
        (void)pthread_detach(id);
        return false;
    }
    (void)pthread_join(id, NULL);
    thread_free(t);
    return true;
}
