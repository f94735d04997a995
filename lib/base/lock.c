/* The half of a lock that is rarely run: a futex (Drepper, "Futexes are tricky", the second mutex). */
#include "base/lock.h"

#ifndef KFK_SIM

#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* So often a held lock is looked at before sleeping: it is held for a few instructions. */
enum { LOOKS = 100 };

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool try_lock(kfk__mutex *m)
{
    unsigned is = 0;

    return atomic_compare_exchange_strong_explicit(&m->state, &is, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

void kfk__lock_contended(kfk__mutex *m)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(&m->state, memory_order_relaxed) == 0 && try_lock(m))
            return;
        pause_briefly();
    }
    /* Whoever has slept cannot know whether others sleep still, and so takes it as one for which somebody sleeps. */
    while (atomic_exchange_explicit(&m->state, 2, memory_order_acquire) != 0)
        (void)syscall(SYS_futex, &m->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void kfk__unlock_contended(kfk__mutex *m)
{
    /* It was 2, and is 1. Who makes it 2 meanwhile finds it 0, and does not sleep. */
    atomic_store_explicit(&m->state, 0, memory_order_release);
    (void)syscall(SYS_futex, &m->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
