#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ledger.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/poller.h"

struct kfk__sock {
    kfk__watch watch;
    kfk__descriptor descriptor;
    kfk__poller *poller;
};

/* ---- making one ---- */

/* A kfk__sock around |fd|, watched. 0 or errno, and then |fd| is still the caller's. */
static int wrap(kfk__poller *p, int fd, uint32_t want, void *owner, kfk__sock **out)
{
    kfk__sock *s = kfk__zalloc(&p->alloc, sizeof *s);
    int rc;

    if (!s)
        return ENOMEM;
    s->poller = p;
    s->watch.fd = fd;
    s->watch.want = want;
    s->watch.source.owner = owner;
    rc = kfk__poller_add(p, &s->watch);
    if (rc) {
        kfk__release(&p->alloc, s);
        return rc;
    }
    kfk__ledger_enter(&p->alloc, &s->descriptor, fd);
    *out = s;
    return 0;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? errno : 0;
}

static int set_stream_options(int fd)
{
    int rc = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);

    return rc ? rc : set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Before the connect: the receive buffer decides the window scale that is offered. */
static int set_buffers(int fd, const kfk__sock_opts *o)
{
    int rc = 0;

    if (o && o->send_buffer >= 0)
        rc = set_option(fd, SOL_SOCKET, SO_SNDBUF, o->send_buffer);
    if (rc == 0 && o && o->receive_buffer >= 0)
        rc = set_option(fd, SOL_SOCKET, SO_RCVBUF, o->receive_buffer);
    return rc;
}

/* A connect that a signal interrupts goes on by itself, like one that is in progress. */
static int begin_connect(int fd, const kfk__addr *to, const kfk__sock_opts *o)
{
    struct sockaddr_storage sa;
    socklen_t len = kfk__addr_to_sockaddr(to, &sa);
    int rc = set_stream_options(fd);

    if (rc == 0)
        rc = set_buffers(fd, o);
    if (rc == 0 && connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS &&
        errno != EINTR)
        rc = errno;
    return rc;
}

static int stream_socket(const kfk__addr *a)
{
    return socket(a->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  IPPROTO_TCP);
}

int kfk__socket_connect(kfk__poller *p, const kfk__addr *to, const kfk__sock_opts *o, void *owner,
                        kfk__sock **out)
{
    int fd = stream_socket(to);
    int rc;

    if (fd < 0)
        return errno;
    rc = begin_connect(fd, to, o);
    if (rc == 0)
        rc = wrap(p, fd, KFK__EV_WRITE, owner, out);
    if (rc)
        (void)close(fd);
    return rc;
}

static int local_addr(int fd, kfk__addr *out)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;

    if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
        return errno;
    return kfk__addr_from_sockaddr((struct sockaddr *)&sa, len, out) ? 0 : EAFNOSUPPORT;
}

static int peer_addr(int fd, kfk__addr *out)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;

    if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
        return errno;
    return kfk__addr_from_sockaddr((struct sockaddr *)&sa, len, out) ? 0 : EAFNOSUPPORT;
}

static int begin_listen(int fd, const kfk__addr *at)
{
    struct sockaddr_storage sa;
    socklen_t len = kfk__addr_to_sockaddr(at, &sa);
    int rc = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (rc == 0 && at->family == 6)
        rc = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (rc == 0 && bind(fd, (struct sockaddr *)&sa, len) < 0)
        rc = errno;
    if (rc == 0 && listen(fd, SOMAXCONN) < 0)
        rc = errno;
    return rc;
}

int kfk__socket_listen(kfk__poller *p, const kfk__addr *at, void *owner, kfk__sock **out,
                       kfk__addr *bound)
{
    int fd = stream_socket(at);
    int rc;

    if (fd < 0)
        return errno;
    rc = begin_listen(fd, at);
    if (rc == 0 && bound)
        rc = local_addr(fd, bound);
    if (rc == 0)
        rc = wrap(p, fd, KFK__EV_READ, owner, out);
    if (rc)
        (void)close(fd);
    return rc;
}

/* One that was given up while it waited is not the listener's failure: the next one, then. */
static int next_in_line(int fd)
{
    int got;

    do
        got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNABORTED));
    return got;
}

int kfk__socket_accept(kfk__sock *listener, void *owner, kfk__sock **out, kfk__addr *from)
{
    int fd = next_in_line(listener->watch.fd);
    int rc;

    if (fd < 0)
        return errno == EWOULDBLOCK ? EAGAIN : errno;
    rc = set_stream_options(fd);
    if (rc == 0 && from)
        rc = peer_addr(fd, from);
    if (rc == 0)
        rc = wrap(listener->poller, fd, KFK__EV_READ, owner, out);
    if (rc)
        (void)close(fd);
    return rc;
}

/* ---- using it ---- */

/* To connect to a port of one's own machine on which nobody listens may meet itself: the system
 * picks that very port as the local one, and the two ends are one socket. It is a refusal in
 * disguise. */
static bool met_itself(int fd)
{
    kfk__addr local, peer;

    return local_addr(fd, &local) == 0 && peer_addr(fd, &peer) == 0 &&
           kfk__addr_equal(&local, &peer);
}

int kfk__socket_error(kfk__sock *s)
{
    int err = 0;
    socklen_t len = sizeof err;

    if (getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return errno;
    if (err == 0 && met_itself(s->watch.fd))
        err = ECONNREFUSED;
    return err;
}

static struct msghdr message(const struct iovec *v, int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v};

    m.msg_iovlen = n < IOV_MAX ? (size_t)n : IOV_MAX;
    return m;
}

static ssize_t failed(void)
{
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

/* A thread of the handle that comes back from a callback in a child of fork must not send or read
 * on the parent's connection. */
ssize_t kfk__socket_send(kfk__sock *s, const struct iovec *v, int n)
{
    struct msghdr m = message(v, n);
    ssize_t sent;

    if (kfk__poller_forked(s->poller))
        return -ECANCELED;
    do
        sent = sendmsg(s->watch.fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? failed() : sent;
}

ssize_t kfk__socket_recv(kfk__sock *s, const struct iovec *v, int n)
{
    struct msghdr m = message(v, n);
    ssize_t got;

    if (kfk__poller_forked(s->poller))
        return -ECANCELED;
    do
        got = recvmsg(s->watch.fd, &m, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 ? failed() : got;
}

void kfk__socket_want(kfk__sock *s, uint32_t what)
{
    kfk__poller_want(s->poller, &s->watch, what);
}

/* The shutdown ends the connection even while a child of fork holds the descriptor too. In such a
 * child the connection is the parent's and goes on. */
void kfk__socket_close(kfk__sock *s)
{
    if (!s)
        return;
    kfk__poller_remove(s->poller, &s->watch);
    if (!kfk__poller_forked(s->poller))
        (void)shutdown(s->watch.fd, SHUT_RDWR);
    kfk__ledger_close(&s->poller->alloc, &s->descriptor);
    kfk__release(&s->poller->alloc, s);
}
