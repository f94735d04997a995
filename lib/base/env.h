/* env: all that the library takes from outside the program: time, chance, threads, waiting, sockets, names.
 *
 * A handle carries one kfk__env by value and passes it down. There are two: the real one (net/env_posix.c) and the
 * simulator's (tests/sim), where threads are fibers, time is virtual and the network is in memory. Nothing above this
 * interface asks the operating system for anything.
 *
 *   application thread ── wait/wake ──┐                  ┌── step(now) ── poll(until) ── library thread
 *                                     └── waiter   poller_wake ──┘            │
 *                                                                   sockets, resolve jobs
 *
 * Times: |now| is monotonic nanoseconds and is what every deadline is made of; wall_ms is for record timestamps and
 * certificate dates and for nothing else. Deadlines are absolute; KFK__NEVER means none, and one that has passed (0)
 * means "look, do not wait".
 *
 * Threads: everything here may be called from any thread unless it says "owner", which is the thread that polls.
 * Of these only wake and poller_wake, and those that look at the clock, are called with a lock held.
 *
 * A thread that a wake lets go on, by wait or by poll, sees all that its waker did before the wake; likewise a
 * thread's body what was done before its spawn, and who has joined it all that it did. */
#ifndef KFK_BASE_ENV_H
#define KFK_BASE_ENV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <kfk/types.h>

#define KFK__NEVER INT64_MAX
#define KFK__MS INT64_C(1000000) /* nanoseconds */

typedef struct kfk__env kfk__env;
typedef struct kfk__thread kfk__thread;
typedef struct kfk__poller kfk__poller;
typedef struct kfk__sock kfk__sock;
typedef struct kfk__job kfk__job;

/* One sleeper, any number of wakers; a wake before the wait is kept. Lives in the sleeper's frame. |space| is the
 * env's (a mutex and a condition, or a fiber). */
typedef struct kfk__waiter {
    union {
        void *align;
        unsigned char bytes[112];
    } space;
} kfk__waiter;

/* An address, as plain bytes. family: 4 or 6. */
typedef struct kfk__addr {
    uint8_t family;
    uint16_t port;
    uint32_t scope;
    uint8_t bytes[16];
} kfk__addr;

/* What a poll tells: something of |owner|'s is ready. */
enum { KFK__EV_READ = 1, KFK__EV_WRITE = 2, KFK__EV_JOB = 4 };
typedef struct kfk__event {
    void *owner;
    uint32_t what;
} kfk__event;

typedef struct kfk__sock_opts {
    int32_t send_buffer;    /* SO_SNDBUF; -1: the system's */
    int32_t receive_buffer; /* SO_RCVBUF; -1: the system's */
} kfk__sock_opts;

/* 0 or a positive errno where an int is returned. */
typedef struct kfk__env_ops {
    int64_t (*now_ns)(void *ctx);
    int64_t (*wall_ms)(void *ctx);
    void (*random)(void *ctx, void *out, size_t n);

    /* Runs body(arg) on a new thread that blocks all signals. |a| is used until join is true or the orphan ends. */
    int (*spawn)(void *ctx, const kfk_allocator *a, const char *name, void (*body)(void *arg), void *arg,
                 kfk__thread **out);
    /* An address that is the calling thread's own, as long as it lives. */
    const void *(*self)(void *ctx);
    /* Waits until the thread's body has returned. false: it had not by |until|; it is then orphaned and frees itself
     * when it returns. |t| is gone in both cases. Once only. */
    bool (*join)(void *ctx, kfk__thread *t, int64_t until);

    int (*waiter_init)(void *ctx, kfk__waiter *w);
    void (*waiter_fini)(void *ctx, kfk__waiter *w);
    /* One thread at a time. true: woken (and the wakes so far are used up, as one); false: |until| came. */
    bool (*wait)(void *ctx, kfk__waiter *w, int64_t until);
    void (*wake)(void *ctx, kfk__waiter *w);

    int (*poller_new)(void *ctx, const kfk_allocator *a, kfk__poller **out);
    /* After its sockets and jobs are gone. Owner, or whoever is left when that thread has ended. */
    void (*poller_free)(kfk__poller *p);
    /* Owner. Up to |max| events, waiting until |until| for the first or for a wake. Returns how many; 0 may come
     * early. |ev| is the poller's until the next poll: what is closed or ended meanwhile has its entries there wiped
     * to {NULL, 0}. So it outlives the call, and an entry with |what| 0 is passed over. */
    int (*poll)(kfk__poller *p, kfk__event *ev, int max, int64_t until);
    /* Ends the owner's poll, or its next one. Any thread, and signal handlers; coalesced. Until poller_free. */
    void (*poller_wake)(kfk__poller *p);
    /* A descriptor that is readable while poll would not wait; for a host's own loop. -1: none. */
    int (*poller_fd)(kfk__poller *p);

    /* Owner, all of them. A new socket wants KFK__EV_WRITE (connect has ended, well or badly); what is
     * known at once (ENETUNREACH) is returned, and there is no socket then. |o| NULL: the system's buffers; |bound|
     * and |from| may be NULL. */
    int (*connect)(kfk__poller *p, const kfk__addr *to, const kfk__sock_opts *o, void *owner, kfk__sock **out);
    int (*listen)(kfk__poller *p, const kfk__addr *at, void *owner, kfk__sock **out, kfk__addr *bound);
    /* EAGAIN: nobody there. The new socket wants KFK__EV_READ. Any other error (EMFILE) may last, and the listener
     * stays readable: stop wanting for a while. */
    int (*accept)(kfk__sock *listener, void *owner, kfk__sock **out, kfk__addr *from);
    /* How the connect ended: 0 or errno. Only once KFK__EV_WRITE has told that it did. */
    int (*sock_error)(kfk__sock *s);
    /* Bytes taken (may be fewer than given) or -errno; -EAGAIN: want KFK__EV_WRITE. No SIGPIPE. */
    ssize_t (*send)(kfk__sock *s, const struct iovec *v, int n);
    /* Bytes, 0 at the end, or -errno; -EAGAIN: want KFK__EV_READ. |v| has room for one byte at least. */
    ssize_t (*recv)(kfk__sock *s, const struct iovec *v, int n);
    /* Which events are wanted from now on; level-triggered. An error or a hang-up of the peer is every event that is
     * wanted, and none where none is. */
    void (*want)(kfk__sock *s, uint32_t what);
    /* Shutdown, then close. No event for the socket follows, those of the running poll's array included. */
    void (*sock_close)(kfk__sock *s);

    /* Owner. Starts to look |host| up (both families). A KFK__EV_JOB for |owner| follows. */
    int (*resolve)(kfk__poller *p, const char *host, void *owner, kfk__job **out);
    /* After the event: *n addresses (port 0) are copied to |out|, at most |max|, best first; 0, or an EAI_* code with
     * its text in *why (the job's). */
    int (*resolved)(kfk__job *j, kfk__addr *out, int max, int *n, const char **why);
    /* Forgets the job, finished or not; no event follows. Never waits. */
    void (*job_end)(kfk__job *j);
} kfk__env_ops;

struct kfk__env {
    const kfk__env_ops *ops;
    void *ctx;
    kfk_allocator alloc;
};

static inline int64_t kfk__now(const kfk__env *env)
{
    return env->ops->now_ns(env->ctx);
}

static inline int64_t kfk__sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The deadline that a caller's timeout in ms makes: -1 (or less) is never. */
static inline int64_t kfk__deadline(int64_t now, int64_t timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / KFK__MS)
        return KFK__NEVER;
    return now + timeout_ms * KFK__MS;
}

#endif
