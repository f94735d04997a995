/* socket: TCP sockets that never block, in the shape that kfk__env_ops asks for (base/env.h has the
 * contracts). Each is watched by one poller, and all calls are its owner's. */
#ifndef KFK_NET_SOCKET_H
#define KFK_NET_SOCKET_H

#include "base/env.h"

int kfk__socket_connect(kfk__poller *p, const kfk__addr *to, const kfk__sock_opts *o, void *owner,
                        kfk__sock **out);
int kfk__socket_listen(kfk__poller *p, const kfk__addr *at, void *owner, kfk__sock **out,
                       kfk__addr *bound);
int kfk__socket_accept(kfk__sock *listener, void *owner, kfk__sock **out, kfk__addr *from);
int kfk__socket_error(kfk__sock *s);
ssize_t kfk__socket_send(kfk__sock *s, const struct iovec *v, int n);
ssize_t kfk__socket_recv(kfk__sock *s, const struct iovec *v, int n);
void kfk__socket_want(kfk__sock *s, uint32_t what);
void kfk__socket_close(kfk__sock *s);

#endif
