/* The poller on Linux: epoll, woken by an eventfd. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ledger.h"
#include "base/mem.h"
#include "net/poller.h"

/* Taken from the system at once. */
#define MAX_READY 64

struct epoll {
    kfk__poller base;
    int fd;
    kfk__descriptor own, wake; /* |fd|, and the eventfd */
};

static struct epoll *epoll_of(kfk__poller *p)
{
    return (struct epoll *)(void *)p;
}

static void epoll_close(kfk__poller *p)
{
    struct epoll *e = epoll_of(p);
    kfk_allocator a = p->alloc;

    kfk__ledger_close(&a, &e->wake);
    kfk__ledger_close(&a, &e->own);
    kfk__release(&a, e);
}

/* The eventfd is edge-triggered: every write is told once and there is nothing to be read from it.
 * It is the entry without a watch. */
static int add_wake(struct epoll *e)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    e->base.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->base.wake_fd < 0)
        return errno;
    if (epoll_ctl(e->fd, EPOLL_CTL_ADD, e->base.wake_fd, &ev) < 0) {
        int err = errno;
        (void)close(e->base.wake_fd);
        return err;
    }
    return 0;
}

static int epoll_open(const kfk_allocator *a, kfk__poller **out)
{
    struct epoll *e = kfk__zalloc(a, sizeof *e);
    int rc;

    if (!e)
        return ENOMEM;
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    rc = e->fd < 0 ? errno : add_wake(e);
    if (rc) {
        if (e->fd >= 0)
            (void)close(e->fd);
        kfk__release(a, e);
        return rc;
    }
    kfk__ledger_enter(a, &e->own, e->fd);
    kfk__ledger_enter(a, &e->wake, e->base.wake_fd);
    *out = &e->base;
    return 0;
}

static int epoll_fd(const kfk__poller *p)
{
    return ((const struct epoll *)(const void *)p)->fd;
}

/* epoll tells errors and hang-ups whether they are wanted or not. A watch that wants nothing takes
 * them once at most: a change cannot fail as taking it out and adding it again could. */
static uint32_t to_epoll(uint32_t want)
{
    uint32_t events = want ? 0 : EPOLLONESHOT;

    if (want & KFK__EV_READ)
        events |= EPOLLIN;
    if (want & KFK__EV_WRITE)
        events |= EPOLLOUT;
    return events;
}

static uint32_t from_epoll(uint32_t events)
{
    uint32_t what = 0;

    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        what |= KFK__EV_READ;
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        what |= KFK__EV_WRITE;
    return what;
}

static int control(kfk__poller *p, int op, kfk__watch *w)
{
    struct epoll_event ev = {.events = to_epoll(w->want), .data.ptr = w};

    return epoll_ctl(epoll_of(p)->fd, op, w->fd, &ev) < 0 ? errno : 0;
}

static int epoll_add(kfk__poller *p, kfk__watch *w)
{
    return control(p, EPOLL_CTL_ADD, w);
}

static void epoll_change(kfk__poller *p, kfk__watch *w)
{
    (void)control(p, EPOLL_CTL_MOD, w);
}

/* To close the descriptor is not enough: where a child of fork has it too, its events would go on.
 */
static void epoll_remove(kfk__poller *p, kfk__watch *w)
{
    (void)control(p, EPOLL_CTL_DEL, w);
}

static int epoll_wait_ready(kfk__poller *p, int timeout_ms)
{
    struct epoll_event ready[MAX_READY];
    int room = kfk__poller_room(p);
    int n = epoll_wait(epoll_of(p)->fd, ready, room < MAX_READY ? room : MAX_READY, timeout_ms);
    int woken = 0;

    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        kfk__watch *w = ready[i].data.ptr;
        uint32_t what = w ? from_epoll(ready[i].events) & w->want : 0;

        if (!w)
            woken = 1;
        else if (what)
            kfk__poller_put(p, &w->source, what);
    }
    return woken;
}

const kfk__poller_backend kfk__poller_epoll = {
    .open = epoll_open,
    .close = epoll_close,
    .wait = epoll_wait_ready,
    .fd = epoll_fd,
    .add = epoll_add,
    .change = epoll_change,
    .remove = epoll_remove,
};
