/* lock: a mutex. Held for a few instructions, never across a wait, a poll, a system call or a callback.
 *
 * No order among those who wait, no owner, no recursion.
 *
 * In the simulator's build (KFK_SIM) every acquisition and every release is a point where another fiber may
 * go on. */
#ifndef KFK_BASE_LOCK_H
#define KFK_BASE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

#ifdef KFK_SIM

typedef struct kfk__mutex {
    uint32_t owner;  /* the fiber's number; 0: free */
    uint32_t parked; /* fibers that wait for it */
} kfk__mutex;

/* Defined in tests/sim. */
void kfk__sim_lock(kfk__mutex *m);
void kfk__sim_unlock(kfk__mutex *m);

static inline void kfk__mutex_init(kfk__mutex *m)
{
    m->owner = m->parked = 0;
}

static inline void kfk__mutex_fini(kfk__mutex *m)
{
    (void)m;
}

static inline void kfk__lock(kfk__mutex *m)
{
    kfk__sim_lock(m);
}

static inline void kfk__unlock(kfk__mutex *m)
{
    kfk__sim_unlock(m);
}

#else

/* 0: free; 1: held; 2: held, and somebody sleeps for it. One atomic operation to take it and one to give it back where
 * nobody else wants it, which is what each record costs: pthread's would be a sixth of the budget. */
typedef struct kfk__mutex {
    atomic_uint state;
} kfk__mutex;

/* Takes a lock that is held: looks at it for a while, then sleeps. */
__attribute__((cold)) void kfk__lock_contended(kfk__mutex *m);
/* The rest of it, where somebody sleeps: wakes one. */
__attribute__((cold)) void kfk__unlock_contended(kfk__mutex *m);

static inline void kfk__mutex_init(kfk__mutex *m)
{
    atomic_init(&m->state, 0);
}

static inline void kfk__mutex_fini(kfk__mutex *m)
{
    (void)m;
}

static inline void kfk__lock(kfk__mutex *m)
{
    unsigned is = 0;

    if (!atomic_compare_exchange_strong_explicit(&m->state, &is, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        kfk__lock_contended(m);
}

static inline void kfk__unlock(kfk__mutex *m)
{
    if (atomic_fetch_sub_explicit(&m->state, 1, memory_order_release) != 1)
        kfk__unlock_contended(m);
}

#endif
#endif
