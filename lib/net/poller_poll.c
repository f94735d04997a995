/* The poller of any POSIX system: poll(2), woken by a pipe.
 *
 *   fds      [pipe][fd of watch 1][fd of watch 2] ...     what poll(2) is given
 *   watches  [NULL][watch 1      ][watch 2      ] ...     watch->index is its place in both */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/ledger.h"
#include "base/mem.h"
#include "net/poller.h"

struct set {
    kfk__poller base;
    int pipe_fd; /* the end that is read */
    kfk__descriptor ends[2];
    struct pollfd *fds;
    kfk__watch **watches;
    int n, cap;
    int start; /* where the next wait begins to look, so that none is always the last */
};

static struct set *set_of(kfk__poller *p)
{
    return (struct set *)(void *)p;
}

static void set_free(struct set *s, const kfk_allocator *a)
{
    kfk__release(a, s->fds);
    kfk__release(a, s->watches);
    kfk__release(a, s);
}

static void poll_close(kfk__poller *p)
{
    kfk_allocator a = p->alloc;

    kfk__ledger_close(&a, &set_of(p)->ends[0]);
    kfk__ledger_close(&a, &set_of(p)->ends[1]);
    set_free(set_of(p), &a);
}

static int grow(struct set *s, const kfk_allocator *a)
{
    int cap = s->cap ? s->cap * 2 : 8;
    struct pollfd *fds;
    kfk__watch **watches;

    if (s->n < s->cap)
        return 0;
    fds = kfk__array(a, s->fds, (size_t)cap, sizeof *fds);
    if (!fds)
        return ENOMEM;
    s->fds = fds;
    watches = kfk__array(a, s->watches, (size_t)cap, sizeof(kfk__watch *));
    if (!watches)
        return ENOMEM;
    s->watches = watches;
    s->cap = cap;
    return 0;
}

static int add_pipe(struct set *s)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return errno;
    s->pipe_fd = ends[0];
    s->base.wake_fd = ends[1];
    s->fds[0] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    s->watches[0] = NULL;
    s->n = 1;
    return 0;
}

static int poll_open(const kfk_allocator *a, kfk__poller **out)
{
    struct set *s = kfk__zalloc(a, sizeof *s);
    int rc;

    if (!s)
        return ENOMEM;
    rc = grow(s, a);
    if (rc == 0)
        rc = add_pipe(s);
    if (rc) {
        set_free(s, a);
        return rc;
    }
    kfk__ledger_enter(a, &s->ends[0], s->pipe_fd);
    kfk__ledger_enter(a, &s->ends[1], s->base.wake_fd);
    *out = &s->base;
    return 0;
}

static int poll_fd(const kfk__poller *p)
{
    (void)p;
    return -1;
}

/* What wants nothing is left out by a negative descriptor, since poll(2) tells errors and hang-ups
 * whether they are wanted or not. */
static void set_entry(struct set *s, const kfk__watch *w)
{
    struct pollfd *e = &s->fds[w->index];

    e->fd = w->want ? w->fd : -1;
    e->events = 0;
    e->revents = 0;
    if (w->want & KFK__EV_READ)
        e->events |= POLLIN;
    if (w->want & KFK__EV_WRITE)
        e->events |= POLLOUT;
}

static int poll_add(kfk__poller *p, kfk__watch *w)
{
    struct set *s = set_of(p);
    int rc = grow(s, &p->alloc);

    if (rc)
        return rc;
    w->index = s->n++;
    s->watches[w->index] = w;
    set_entry(s, w);
    return 0;
}

static void poll_change(kfk__poller *p, kfk__watch *w)
{
    set_entry(set_of(p), w);
}

static void poll_remove(kfk__poller *p, kfk__watch *w)
{
    struct set *s = set_of(p);
    int last = --s->n;

    s->fds[w->index] = s->fds[last];
    s->watches[w->index] = s->watches[last];
    s->watches[w->index]->index = w->index;
}

static uint32_t from_poll(int events)
{
    uint32_t what = 0;

    if (events & (POLLIN | POLLERR | POLLHUP | POLLNVAL))
        what |= KFK__EV_READ;
    if (events & (POLLOUT | POLLERR | POLLHUP | POLLNVAL))
        what |= KFK__EV_WRITE;
    return what;
}

/* Puts the first |ready| ones from |start| on, around the end, as far as there is room. */
static void put_ready(struct set *s, int ready)
{
    int n = s->n - 1;

    for (int i = 0; i < n && ready > 0 && kfk__poller_room(&s->base) > 0; i++) {
        int at = 1 + (s->start + i) % n;
        kfk__watch *w = s->watches[at];

        if (!s->fds[at].revents)
            continue;
        ready--;
        kfk__poller_put(&s->base, &w->source, from_poll(s->fds[at].revents) & w->want);
        if (kfk__poller_room(&s->base) == 0)
            s->start = at % n;
    }
}

static int poll_wait_ready(kfk__poller *p, int timeout_ms)
{
    struct set *s = set_of(p);
    int ready = poll(s->fds, (nfds_t)s->n, timeout_ms);
    bool woken = ready > 0 && s->fds[0].revents != 0;
    char bytes[64];

    if (ready < 0)
        return -1;
    put_ready(s, woken ? ready - 1 : ready);
    /* One read is enough: wakes are coalesced, so there is one write at most. */
    if (woken && read(s->pipe_fd, bytes, sizeof bytes) <= 0)
        return 0;
    return woken;
}

const kfk__poller_backend kfk__poller_poll = {
    .open = poll_open,
    .close = poll_close,
    .wait = poll_wait_ready,
    .fd = poll_fd,
    .add = poll_add,
    .change = poll_change,
    .remove = poll_remove,
};
