/* node: one broker (or one bootstrap address), and the one connection to it.
 *
 *          backoff over,        address       connected          versions
 *          somebody asks         found       (handshake)         agreed
 *   IDLE ───────────────> RESOLVING ──> CONNECTING ──> NEGOTIATING ──> READY
 *    ^                       │              │ next address  │            │
 *    └── backoff, error ─────┴──────────────┴───────────────┴────────────┘
 *
 * Requests are queued, written as many as there are in one send, and answered in order (a broker answers a connection
 * in order). When the connection ends, each of them ends with its error; after the close, no byte of theirs is read by
 * anybody, so what they point at may be given back.
 *
 * Everything here belongs to the client's thread. */
#ifndef KFK_CLIENT_NODE_H
#define KFK_CLIENT_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/list.h"
#include "base/log_limit.h"
#include "client/exchange.h"
#include "client/metrics.h"
#include "client/options.h"
#include "client/request.h"
#include "client/versions.h"
#include "net/transport.h"

enum { KFK__NODE_ADDRS = 8 };

typedef enum kfk__node_state {
    KFK__NODE_IDLE,
    KFK__NODE_RESOLVING,
    KFK__NODE_CONNECTING,
    KFK__NODE_NEGOTIATING,
    KFK__NODE_READY
} kfk__node_state;

typedef struct kfk__node kfk__node;

/* What all nodes of a client share. */
typedef struct kfk__node_host {
    const kfk__env *env;
    kfk__poller *poller;
    const kfk__client_options *options;
    kfk__client_metrics *metrics;
    bool stirred;     /* a request has ended, or a connection changed: who waits for either may go on */
    uint8_t *scratch; /* KFK__EXCHANGE_SCRATCH bytes that a receive may use */
    kfk__log_limit limit; /* nodes come and go, what was told of them stays */
    /* The connection is ready; or it could not be made, or was lost (not: closed for idleness). */
    void (*up)(void *owner, kfk__node *n, int64_t now);
    void (*down)(void *owner, kfk__node *n, const kfk_error *error, int64_t now);
    /* An answer asked for the broker to be left alone for |ms| from now on. */
    void (*throttled)(void *owner, kfk__node *n, int64_t ms);
    void *owner;
} kfk__node_host;

struct kfk__node {
    kfk__list link; /* the client's */
    kfk__node_host *host;
    int32_t id;      /* < 0: a bootstrap address */
    bool advertised; /* the address came from a broker, not from bootstrap.servers */
    bool doomed;     /* not in the cluster any more: to be freed by the client */
    uint16_t port;
    char name[256]; /* the host */

    kfk__node_state state;
    kfk__job *job;
    kfk__addr addrs[KFK__NODE_ADDRS];
    int n_addrs, next_addr;
    kfk__transport *transport; /* NULL: not connected */
    kfk__versions versions;
    kfk__exchange exchange;

    uint32_t busy;     /* the handle's own: what it has out to this broker */
    uint32_t failures; /* in a row */
    uint32_t downs;    /* in all: who compares knows of one that it did not see */
    int64_t retry_at;  /* IDLE: not before */
    int64_t deadline;  /* until READY */
    int64_t attempted_at;
    kfk_error error; /* the last failure; code KFK_OK while all is well */
};

/* |name| is copied. NULL: no memory. */
kfk__node *kfk__node_new(kfk__node_host *host, int32_t id, const char *name, size_t name_len,
                         uint16_t port, bool advertised);
/* A bootstrap address turns out to be that of this broker. false: no memory. */
bool kfk__node_identify(kfk__node *n, int32_t id);
/* Ends what is under way (requests end with KFK_ERR_CLOSED) and frees. */
void kfk__node_free(kfk__node *n, int64_t now);

/* Whether a request may be sent now; starts to connect where that is what is missing and the backoff allows it. */
bool kfk__node_ready(kfk__node *n, int64_t now);
/* When asking again may help, should nothing happen before; KFK__NEVER: an event will tell. */
int64_t kfk__node_ready_at(const kfk__node *n);
/* The highest version of |api| that both sides speak, at most |max|; -1: none. The node is ready. */
int16_t kfk__node_version(const kfk__node *n, const kfk__api *api, int16_t max);
/* Encodes and queues. The node is ready. KFK_ERR_NOMEM, UNSUPPORTED_VERSION: nothing was sent, fn is not called. */
kfk_err kfk__node_send(kfk__node *n, const kfk__request_spec *spec, int64_t now);
/* Writes what is queued. */
void kfk__node_flush(kfk__node *n, int64_t now);
/* An event of the poller whose owner is |n|. */
void kfk__node_event(kfk__node *n, uint32_t what, int64_t now);
/* Whatever time brings: timeouts, idleness. Returns when to be called again. */
int64_t kfk__node_tick(kfk__node *n, int64_t now);
/* Ends the connection with this error; requests end with it. */
void kfk__node_fail(kfk__node *n, const kfk_error *error, int64_t now);
/* Starts |e| for something that went wrong with this node: phase, id, "host:port (from ...)" and the text. */
kfk_err kfk__node_error(const kfk__node *n, kfk_error *e, kfk_err code, int phase, const char *fmt,
                        ...) KFK_PRINTF(5, 6);

#endif
