#include "base/fork.h"

#include <pthread.h>
#include <stdbool.h>

atomic_uint kfk__forks;

static void count(void)
{
    atomic_fetch_add_explicit(&kfk__forks, 1, memory_order_relaxed);
}

int kfk__fork_watch(void)
{
    static atomic_bool watched;
    int rc;

    if (atomic_load(&watched))
        return 0;
    /* Two threads may both come here: a child then counts by two, and the count still changes. */
    rc = pthread_atfork(NULL, NULL, count);
    if (rc == 0)
        atomic_store(&watched, true);
    return rc;
}
