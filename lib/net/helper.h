/* helper: the one thread of the process for what can only block (getaddrinfo).
 *
 *        owner                    helper thread
 *   submit ── QUEUED ──> RUNNING: run() ──> ENDED ── kfk__post ──> the owner's poll
 *   end:      dropped    orphaned: the helper drops it    dropped
 *
 * It is started by the first task, takes them one by one, goes after 10 s without any, and nobody
 * ever waits for it. It belongs to no handle: a task that has been orphaned outlives its handle and
 * its handle's allocator, and so what a task is made of comes from the helper's, which is malloc.
 *
 * A child of fork has a helper of its own. When it makes it, what the parent's was made of and worked
 * on is given back there. */
#ifndef KFK_NET_HELPER_H
#define KFK_NET_HELPER_H

#include "net/poller.h"

typedef struct kfk__task kfk__task;

/* To be embedded in what is to be done; zeroed but for the first four members. */
struct kfk__task {
    void (*run)(kfk__task *t);  /* on the helper thread, nothing locked, as long as it takes */
    void (*drop)(kfk__task *t); /* frees it; on either thread */
    kfk__poller *poller;        /* that of the owner; not touched once the task has been ended */
    kfk__post post;             /* sent to it after run() */
    kfk__list node;             /* guarded by the helper's lock, as is: */
    int state;
};

/* What tasks are to be made of, in this process. NULL: no memory. Any thread. */
const kfk_allocator *kfk__helper_allocator(void);

/* Owner. 0 or errno; on an error the task is still the caller's. */
int kfk__helper_submit(kfk__task *t);
/* Owner. Forgets the task, whatever has become of it: it is dropped, now or when its run() returns.
 * No event of it follows. Never waits. */
void kfk__helper_end(kfk__task *t);

#endif
