/* poller: waits for sockets, for ended jobs and for wakes. One thread polls it: the owner.
 *
 *   kfk__watch (a descriptor, of a socket) ──┐                the caller's array
 *   kfk__post  (a job that has ended) ───────┼──> poll ──> [event][event][event]
 *   kfk__poller_wake ────────────────────────┘                ▲
 *                                remove, unpost ── wipes ─────┘
 *
 * Level-triggered. The caller goes through the events one by one, and what it does for one may
 * close the socket of another. So each source remembers where its event of the running turn lies,
 * and one that is removed wipes it there: {NULL, 0}, an entry to be passed over.
 *
 * How to wait is a backend: epoll, or poll(2) for systems without it. poller.c is what they share.
 *
 * After a fork the child shares the backend's descriptors with the parent; there nothing is taken
 * out of them and nobody is woken, and what is left to do is to close and to free. */
#ifndef KFK_NET_POLLER_H
#define KFK_NET_POLLER_H

#include <stdatomic.h>

#include "base/env.h"
#include "base/list.h"
#include "base/lock.h"

/* What can have an event. To be zeroed but for |owner|. */
typedef struct kfk__source {
    void *owner;
    uint64_t turn; /* the turn of its latest event, and where that lies */
    int slot;
} kfk__source;

/* A descriptor that is waited for. Owner. */
typedef struct kfk__watch {
    kfk__source source;
    int fd;
    uint32_t want; /* KFK__EV_READ | KFK__EV_WRITE */
    int index;     /* the backend's */
} kfk__watch;

/* A KFK__EV_JOB to be delivered. Handed over from any thread. */
typedef struct kfk__post {
    kfk__source source;
    kfk__list node;
} kfk__post;

typedef struct kfk__poller_backend {
    /* 0 or errno. */
    int (*open)(const kfk_allocator *a, kfk__poller **out);
    void (*close)(kfk__poller *p);
    /* Waits, at most |timeout_ms| (-1: no limit), and puts what is ready. 1: woken too; 0: not;
     * -1: errno says why it cannot wait. */
    int (*wait)(kfk__poller *p, int timeout_ms);
    /* Readable while wait would not wait; -1: there is none. */
    int (*fd)(const kfk__poller *p);
    /* 0 or errno. */
    int (*add)(kfk__poller *p, kfk__watch *w);
    /* w->want is another. Cannot fail. */
    void (*change)(kfk__poller *p, kfk__watch *w);
    void (*remove)(kfk__poller *p, kfk__watch *w);
} kfk__poller_backend;

extern const kfk__poller_backend kfk__poller_epoll;
extern const kfk__poller_backend kfk__poller_poll;

/* A backend's poller begins with this. */
struct kfk__poller {
    const kfk__poller_backend *backend;
    kfk_allocator alloc;
    unsigned forks;
    int wake_fd;       /* 8 bytes written to it end a wait */
    atomic_bool woken; /* ... and were, since the owner last looked */

    /* The running turn: the caller's array. */
    kfk__event *events;
    int n, max;
    uint64_t turn;

    kfk__mutex lock; /* guards: */
    kfk__list posts;
};

/* |ctx| is the backend. The shape of these is kfk__env_ops's. */
int kfk__poller_new(void *ctx, const kfk_allocator *a, kfk__poller **out);
void kfk__poller_free(kfk__poller *p);
int kfk__poller_turn(kfk__poller *p, kfk__event *ev, int max, int64_t until);
void kfk__poller_wake(kfk__poller *p);
int kfk__poller_fd(kfk__poller *p);

/* True in a child of the process that made the poller. */
bool kfk__poller_forked(const kfk__poller *p);

/* Owner. The descriptor stays the caller's and is removed before it is closed. 0 or errno. */
int kfk__poller_add(kfk__poller *p, kfk__watch *w);
void kfk__poller_want(kfk__poller *p, kfk__watch *w, uint32_t want);
void kfk__poller_remove(kfk__poller *p, kfk__watch *w);

/* Any thread. One KFK__EV_JOB for the post's owner follows; the post is the poller's until then. */
void kfk__poller_post(kfk__poller *p, kfk__post *post);
/* Owner. Takes a post back, delivered or not, out of the running turn's events too. */
void kfk__poller_unpost(kfk__poller *p, kfk__post *post);

/* For backends. Those of put are at most the room that is left. */
static inline int kfk__poller_room(const kfk__poller *p)
{
    return p->max - p->n;
}

static inline void kfk__poller_put(kfk__poller *p, kfk__source *s, uint32_t what)
{
    s->turn = p->turn;
    s->slot = p->n;
    p->events[p->n++] = (kfk__event){s->owner, what};
}

#endif
