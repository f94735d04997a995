/* resolver: from a host's name to its addresses, in the shape that kfk__env_ops asks for.
 *
 * A numeric address is its own answer. All else goes to the helper thread (net/helper.h), one name
 * after the other. The owner hears by KFK__EV_JOB in both cases, never from inside the call. */
#ifndef KFK_NET_RESOLVER_H
#define KFK_NET_RESOLVER_H

#include "base/env.h"

/* Addresses of one name that are kept. */
#define KFK__RESOLVE_MAX 32

/* 0 or errno. */
int kfk__resolver_start(kfk__poller *p, const char *host, void *owner, kfk__job **out);
/* After the event. 0, or an EAI_* code with its text in *why (the job's). */
int kfk__resolver_result(kfk__job *j, kfk__addr *out, int max, int *n, const char **why);
/* Finished or not. Never waits. */
void kfk__resolver_end(kfk__job *j);

#endif
