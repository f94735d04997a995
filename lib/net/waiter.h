/* waiter: one sleeper, any number of wakers; a wake before the wait is kept, several are one.
 *
 * The pthread flavour of kfk__waiter, in the shape that kfk__env_ops asks for; |ctx| is not used.
 * A waiter may be finished as soon as the wait that its last waker ended has returned. */
#ifndef KFK_NET_WAITER_H
#define KFK_NET_WAITER_H

#include "base/env.h"

/* 0 or errno. */
int kfk__waiter_init(void *ctx, kfk__waiter *w);
void kfk__waiter_fini(void *ctx, kfk__waiter *w);
/* true: woken, and the wake is used up. false: |until| came. */
bool kfk__waiter_wait(void *ctx, kfk__waiter *w, int64_t until);
/* No system call unless the sleeper sleeps. */
void kfk__waiter_wake(void *ctx, kfk__waiter *w);

#endif
