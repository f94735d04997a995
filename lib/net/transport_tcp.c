/* The transport that adds nothing: each call is the socket's. */
#include <errno.h>

#include "base/error.h"
#include "base/mem.h"
#include "net/transport.h"

struct tcp {
    kfk__transport base;
    kfk__env env;
    kfk__sock *sock;
};

static struct tcp *tcp_of(kfk__transport *t)
{
    return (struct tcp *)(void *)t;
}

static ssize_t tcp_start(kfk__transport *t, kfk_error *e)
{
    struct tcp *tcp = tcp_of(t);
    int err = tcp->env.ops->sock_error(tcp->sock);

    if (err == 0)
        return 0;
    (void)kfk__fail_sys(e, KFK_ERR_CONNECT, err, "cannot connect");
    return KFK__IO_FAILED;
}

static ssize_t tcp_send(kfk__transport *t, const struct iovec *v, int n, kfk_error *e)
{
    struct tcp *tcp = tcp_of(t);
    ssize_t rc = tcp->env.ops->send(tcp->sock, v, n);

    if (rc >= 0)
        return rc;
    if (rc == -EAGAIN)
        return KFK__IO_AGAIN_WRITE;
    (void)kfk__fail_sys(e, KFK_ERR_DISCONNECTED, (int)-rc, "cannot send");
    return KFK__IO_FAILED;
}

static ssize_t tcp_recv(kfk__transport *t, const struct iovec *v, int n, kfk_error *e)
{
    struct tcp *tcp = tcp_of(t);
    ssize_t rc = tcp->env.ops->recv(tcp->sock, v, n);

    if (rc >= 0)
        return rc;
    if (rc == -EAGAIN)
        return KFK__IO_AGAIN_READ;
    (void)kfk__fail_sys(e, KFK_ERR_DISCONNECTED, (int)-rc, "cannot receive");
    return KFK__IO_FAILED;
}

static bool tcp_pending(const kfk__transport *t)
{
    (void)t;
    return false;
}

static void tcp_want(kfk__transport *t, uint32_t what)
{
    tcp_of(t)->env.ops->want(tcp_of(t)->sock, what);
}

static void tcp_close(kfk__transport *t)
{
    struct tcp *tcp = tcp_of(t);
    kfk_allocator a = tcp->env.alloc;

    tcp->env.ops->sock_close(tcp->sock);
    kfk__release(&a, tcp);
}

static const kfk__transport_ops ops = {
    .start = tcp_start,
    .send = tcp_send,
    .recv = tcp_recv,
    .pending = tcp_pending,
    .want = tcp_want,
    .close = tcp_close,
};

kfk__transport *kfk__transport_tcp(const kfk__env *env, kfk__sock *s)
{
    struct tcp *tcp = kfk__alloc(&env->alloc, sizeof *tcp);

    if (!tcp)
        return NULL;
    tcp->base.ops = &ops;
    tcp->env = *env;
    tcp->sock = s;
    return &tcp->base;
}
