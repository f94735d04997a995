/* fork: how often this process is a fork of the one that loaded the library.
 *
 * A handle remembers the count that it was made under. In a child the count is another: its threads
 * are not there, and its descriptors are shared with the parent, so that all that may be done with
 * it is to close them and to free its memory. Which these are is in its ledger (ledger.h): all
 * ledgers are locked while the process forks, and so whole in the child. */
#ifndef KFK_BASE_FORK_H
#define KFK_BASE_FORK_H

#include <stdalign.h>
#include <stdatomic.h>

#include "base/line.h"

/* Every send looks at it, so nothing that is always being changed lies in its line. */
typedef struct kfk__fork_counter {
    alignas(KFK__LINE) atomic_uint n;
} kfk__fork_counter;

extern kfk__fork_counter kfk__forks;

/* Starts to count; to be called before the first count is remembered. Any thread, any number of
 * times. 0 or ENOMEM. */
int kfk__fork_watch(void);

static inline unsigned kfk__fork_count(void)
{
    return atomic_load_explicit(&kfk__forks.n, memory_order_relaxed);
}

#endif
