/* thread: a thread that can be waited for with a deadline, in the shape that kfk__env_ops asks for;
 * |ctx| is not used. */
#ifndef KFK_NET_THREAD_H
#define KFK_NET_THREAD_H

#include "base/env.h"

/* Runs body(arg) on a new thread that blocks all signals and is called |name| (cut to 15 bytes).
 * 0 or errno. */
int kfk__thread_spawn(void *ctx, const kfk_allocator *a, const char *name, void (*body)(void *arg),
                      void *arg, kfk__thread **out);
/* Waits for the end of the body. false: it did not come by |until|, and the thread frees |t| itself
 * when it does. |t| is gone in both cases. In a child of fork, where the thread is
 * not: true at once. */
bool kfk__thread_join(void *ctx, kfk__thread *t, int64_t until);

#endif
