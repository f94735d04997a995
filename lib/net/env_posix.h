/* env_posix: the real kfk__env: the system's clocks, pthreads, TCP sockets, getaddrinfo. */
#ifndef KFK_NET_ENV_POSIX_H
#define KFK_NET_ENV_POSIX_H

#include "base/env.h"
#include "net/poller.h"

/* |a| is copied. KFK_ERR_SYSTEM. There is nothing to be given back. */
kfk_err kfk__env_posix(kfk__env *out, const kfk_allocator *a, kfk_error *e);
/* The same with a poller of one's choice: &kfk__poller_epoll, &kfk__poller_poll. */
kfk_err kfk__env_posix_with(kfk__env *out, const kfk_allocator *a,
                            const kfk__poller_backend *backend, kfk_error *e);
/* The env of a handle: what it allocates and opens is entered in a ledger (base/ledger.h). When the
 * handle has been made, or has not, kfk__ledger_settle is called for out->alloc, once.
 * KFK_ERR_SYSTEM, KFK_ERR_NOMEM: then not. */
kfk_err kfk__env_handle(kfk__env *out, const kfk_allocator *a, kfk_error *e);

#endif
