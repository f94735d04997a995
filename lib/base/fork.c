#include "base/fork.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/ledger.h"

kfk__fork_counter kfk__forks;

/* Two threads may both register the handlers: of each fork the outermost pair counts. */
static _Thread_local unsigned depth;

static void before(void)
{
    if (depth++ == 0)
        kfk__ledgers_lock();
}

static void after(void)
{
    if (depth > 0 && --depth == 0)
        kfk__ledgers_unlock();
}

/* The ledgers' locks are those that this thread took: whoever slept for them is not here. */
static void in_child(void)
{
    atomic_fetch_add_explicit(&kfk__forks.n, 1, memory_order_relaxed);
    after();
}

int kfk__fork_watch(void)
{
    static atomic_bool watched;
    int rc;

    if (atomic_load(&watched))
        return 0;
    /* Two threads may both come here: a child then counts by two, and the count still changes. */
    rc = pthread_atfork(before, after, in_child);
    if (rc == 0)
        atomic_store(&watched, true);
    return rc;
}
