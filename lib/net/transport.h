/* transport: what a connection speaks through: TCP, or TLS over it.
 *
 *   connection ── start, send, recv ──> transport ──> kfk__sock
 *        └────── want(READ | WRITE) ─────────┘
 *
 * Any operation may need the socket to become readable or writable: a TLS handshake does both, and
 * so may a TLS read or write. So each says which by its return value; the connection asks for that
 * event by want, and when it comes calls the same operation again, a send with the same bytes.
 *
 * All calls are the owner's, the thread that polls. */
#ifndef KFK_NET_TRANSPORT_H
#define KFK_NET_TRANSPORT_H

#include "base/env.h"

typedef struct kfk__transport kfk__transport;

/* What an operation returns where it is not a count of bytes. */
enum {
    KFK__IO_AGAIN_READ = -1,  /* call again when the socket is readable */
    KFK__IO_AGAIN_WRITE = -2, /* ... writable */
    KFK__IO_FAILED = -3 /* the connection is lost; the kfk_error is filled: code, errno, text */
};

typedef struct kfk__transport_ops {
    /* A step of what comes before the first byte: the end of the connect, the handshake. 0: done.
     * The first event that it needs is KFK__EV_WRITE, which a new socket wants. */
    ssize_t (*start)(kfk__transport *t, kfk_error *e);
    /* Bytes taken, which may be fewer than given. */
    ssize_t (*send)(kfk__transport *t, const struct iovec *v, int n, kfk_error *e);
    /* Bytes given; 0: the peer has ended in good order. |v| has room for at least one byte. */
    ssize_t (*recv)(kfk__transport *t, const struct iovec *v, int n, kfk_error *e);
    /* True: there are bytes for recv that the socket will not tell of (decrypted already). */
    bool (*pending)(const kfk__transport *t);
    /* As kfk__env_ops.want, of the socket below. */
    void (*want)(kfk__transport *t, uint32_t what);
    /* Closes the socket too, and frees the transport. */
    void (*close)(kfk__transport *t);
} kfk__transport_ops;

/* A transport begins with this. */
struct kfk__transport {
    const kfk__transport_ops *ops;
};

/* The event that is to be wanted after |rc|; 0 where it is not one of the AGAINs. */
static inline uint32_t kfk__io_event(ssize_t rc)
{
    if (rc == KFK__IO_AGAIN_READ)
        return KFK__EV_READ;
    return rc == KFK__IO_AGAIN_WRITE ? KFK__EV_WRITE : 0;
}

/* Plain TCP over a socket that connects, or was accepted. Takes the socket; |env| is copied.
 * NULL: no memory, and the socket is still the caller's. */
kfk__transport *kfk__transport_tcp(const kfk__env *env, kfk__sock *s);

#endif
