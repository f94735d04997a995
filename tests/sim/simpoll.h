/* simpoll: the env's pollers, sockets and jobs, over link and names. Contracts: base/env.h. */
#ifndef SIM_SIMPOLL_H
#define SIM_SIMPOLL_H

#include "base/env.h"

int sim_poller_new(void *ctx, const kfk_allocator *a, kfk__poller **out);
void sim_poller_free(kfk__poller *p);
int sim_poll(kfk__poller *p, kfk__event *ev, int max, int64_t until);
void sim_poller_wake(kfk__poller *p);
int sim_poller_fd(kfk__poller *p);

int sim_connect(kfk__poller *p, const kfk__addr *to, const kfk__sock_opts *o, void *owner,
                kfk__sock **out);
int sim_listen(kfk__poller *p, const kfk__addr *at, void *owner, kfk__sock **out, kfk__addr *bound);
int sim_accept(kfk__sock *listener, void *owner, kfk__sock **out, kfk__addr *from);
int sim_sock_error(kfk__sock *s);
ssize_t sim_send(kfk__sock *s, const struct iovec *v, int n);
ssize_t sim_recv(kfk__sock *s, const struct iovec *v, int n);
void sim_want(kfk__sock *s, uint32_t what);
void sim_sock_close(kfk__sock *s);

int sim_resolve(kfk__poller *p, const char *host, void *owner, kfk__job **out);
int sim_resolved(kfk__job *j, kfk__addr *out, int max, int *n, const char **why);
void sim_job_end(kfk__job *j);

#endif
