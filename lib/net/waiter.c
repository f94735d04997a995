#include "net/waiter.h"

#include <pthread.h>
#include <time.h>

struct state {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool woken;
};

_Static_assert(sizeof(struct state) <= sizeof(kfk__waiter), "kfk__waiter.space is too small");
_Static_assert(_Alignof(struct state) <= _Alignof(kfk__waiter), "kfk__waiter.space is misaligned");

static struct state *state_of(kfk__waiter *w)
{
    return (struct state *)(void *)w->space.bytes;
}

static int cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc)
        return rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0)
        rc = pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return rc;
}

int kfk__waiter_init(void *ctx, kfk__waiter *w)
{
    struct state *s = state_of(w);
    int rc = pthread_mutex_init(&s->lock, NULL);

    (void)ctx;
    if (rc)
        return rc;
    s->woken = false;
    rc = cond_init(&s->cond);
    if (rc)
        (void)pthread_mutex_destroy(&s->lock);
    return rc;
}

void kfk__waiter_fini(void *ctx, kfk__waiter *w)
{
    struct state *s = state_of(w);

    (void)ctx;
    (void)pthread_cond_destroy(&s->cond);
    (void)pthread_mutex_destroy(&s->lock);
}

/* One sleep. false: there is no time left for another. */
static bool sleep_once(struct state *s, int64_t until)
{
    struct timespec ts;

    if (until == KFK__NEVER)
        return pthread_cond_wait(&s->cond, &s->lock) == 0;
    if (until <= 0)
        return false;
    ts.tv_sec = (time_t)(until / 1000000000);
    ts.tv_nsec = (long)(until % 1000000000);
    return pthread_cond_timedwait(&s->cond, &s->lock, &ts) == 0;
}

bool kfk__waiter_wait(void *ctx, kfk__waiter *w, int64_t until)
{
    struct state *s = state_of(w);
    bool woken;

    (void)ctx;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->woken && sleep_once(s, until))
        ;
    woken = s->woken;
    s->woken = false;
    (void)pthread_mutex_unlock(&s->lock);
    return woken;
}

void kfk__waiter_wake(void *ctx, kfk__waiter *w)
{
    struct state *s = state_of(w);

    (void)ctx;
    (void)pthread_mutex_lock(&s->lock);
    if (!s->woken) {
        s->woken = true;
        /* Signalled under the lock: the sleeper may destroy the waiter as soon as it can have the
         * lock, and by then nothing but the end of the unlock is left to do here. */
        (void)pthread_cond_signal(&s->cond);
    }
    (void)pthread_mutex_unlock(&s->lock);
}
