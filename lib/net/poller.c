#include "net/poller.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/fork.h"
#include "net/clock.h"

/* How long a wait takes that the system refuses: long enough not to spin, short enough for timers.
 */
#define NAP_MS 10

int kfk__poller_new(void *ctx, const kfk_allocator *a, kfk__poller **out)
{
    const kfk__poller_backend *backend = ctx;
    kfk__poller *p;
    int rc = backend->open(a, &p);

    if (rc)
        return rc;
    p->backend = backend;
    p->alloc = *a;
    p->forks = kfk__fork_count();
    kfk__list_init(&p->posts);
    kfk__mutex_init(&p->lock);
    *out = p;
    return 0;
}

void kfk__poller_free(kfk__poller *p)
{
    if (!p)
        return;
    kfk__mutex_fini(&p->lock);
    p->backend->close(p);
}

int kfk__poller_fd(kfk__poller *p)
{
    return p->backend->fd(p);
}

bool kfk__poller_forked(const kfk__poller *p)
{
    return p->forks != kfk__fork_count();
}

/* ---- wakes ---- */

void kfk__poller_wake(kfk__poller *p)
{
    static const uint64_t one = 1;
    int saved = errno; /* of the code that a signal handler has interrupted */

    if (kfk__poller_forked(p))
        return;
    if (!atomic_exchange_explicit(&p->woken, true, memory_order_acq_rel)) {
        /* EAGAIN would be a wake that is pending already. */
        while (write(p->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
    errno = saved;
}

/* Only after the backend has consumed what was written: cleared sooner, the write of a waker that
 * comes in between would be consumed with it, the flag stay set, and no wake be written any more.
 * The exchange makes all that the coalesced wakers did before their wakes visible to the owner. */
static void clear_wake(kfk__poller *p)
{
    (void)atomic_exchange_explicit(&p->woken, false, memory_order_acq_rel);
}

/* ---- posts ---- */

void kfk__poller_post(kfk__poller *p, kfk__post *post)
{
    kfk__lock(&p->lock);
    kfk__list_push(&p->posts, &post->node);
    kfk__unlock(&p->lock);
    kfk__poller_wake(p);
}

/* Those that find no room wait for the next turn, which must not sleep then. */
static void take_posts(kfk__poller *p)
{
    bool left;

    kfk__lock(&p->lock);
    while (!kfk__list_empty(&p->posts) && kfk__poller_room(p) > 0) {
        kfk__post *post = KFK__ENTRY(kfk__list_pop(&p->posts), kfk__post, node);

        kfk__poller_put(p, &post->source, KFK__EV_JOB);
    }
    left = !kfk__list_empty(&p->posts);
    kfk__unlock(&p->lock);
    if (left)
        kfk__poller_wake(p);
}

static void forget(kfk__poller *p, const kfk__source *s)
{
    if (s->turn != 0 && s->turn == p->turn)
        p->events[s->slot] = (kfk__event){NULL, 0};
}

void kfk__poller_unpost(kfk__poller *p, kfk__post *post)
{
    if (kfk__poller_forked(p))
        return;
    kfk__lock(&p->lock);
    kfk__list_remove(&post->node);
    kfk__unlock(&p->lock);
    forget(p, &post->source);
}

/* ---- watches ---- */

int kfk__poller_add(kfk__poller *p, kfk__watch *w)
{
    if (kfk__poller_forked(p))
        return ECANCELED;
    return p->backend->add(p, w);
}

void kfk__poller_want(kfk__poller *p, kfk__watch *w, uint32_t want)
{
    if (w->want == want)
        return;
    w->want = want;
    if (!kfk__poller_forked(p))
        p->backend->change(p, w);
}

void kfk__poller_remove(kfk__poller *p, kfk__watch *w)
{
    if (kfk__poller_forked(p))
        return;
    p->backend->remove(p, w);
    forget(p, &w->source);
}

/* ---- the turn ---- */

/* Rounded up: a wait that ends a fraction before the deadline would be followed by a spin. */
static int timeout_ms(int64_t until)
{
    int64_t left, ms;

    if (until == KFK__NEVER)
        return -1;
    if (until <= 0)
        return 0;
    left = until - kfk__clock_ns(CLOCK_MONOTONIC);
    if (left <= 0)
        return 0;
    ms = (left - 1) / KFK__MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* True: woken. A signal ends the wait early; the caller looks at the time anyway. When the system
 * cannot wait at all (the program has closed our descriptor, say) time must still pass. */
static bool wait_once(kfk__poller *p, int timeout)
{
    int rc = p->backend->wait(p, timeout);

    if (rc < 0 && errno != EINTR && timeout != 0)
        (void)poll(NULL, 0, timeout < 0 || timeout > NAP_MS ? NAP_MS : timeout);
    if (rc <= 0)
        return false;
    clear_wake(p);
    take_posts(p);
    return true;
}

int kfk__poller_turn(kfk__poller *p, kfk__event *ev, int max, int64_t until)
{
    p->turn++;
    p->events = ev;
    p->max = max;
    p->n = 0;
    take_posts(p);
    while (kfk__poller_room(p) > 0) {
        int timeout = p->n ? 0 : timeout_ms(until);

        if (wait_once(p, timeout) || p->n || timeout == 0 || timeout_ms(until) == 0)
            break;
    }
    return p->n;
}
