/* exchange: requests out, answers in, over one connection.
 *
 *   add ──> out ──flush (as many as there are, one send)──> waiting ──receive──> answered, in that order
 *
 * A broker answers a connection in order, so the answer that comes next is that of the request that waits longest. Every
 * request that was added ends exactly once: answered, or failed when the connection ends. Belongs to the node. */
#ifndef KFK_CLIENT_EXCHANGE_H
#define KFK_CLIENT_EXCHANGE_H

#include "client/input.h"
#include "client/metrics.h"
#include "client/request.h"
#include "net/transport.h"

enum { KFK__EXCHANGE_SCRATCH = 64 * 1024 };

typedef struct kfk__exchange {
    const kfk_allocator *alloc;
    kfk__broker_metrics *metrics; /* the node's broker's */
    kfk__list out;     /* requests not wholly written */
    kfk__list waiting; /* written, in the order in which answers will come */
    kfk__list spare;   /* ended, to be used again */
    int n_spare;
    int32_t n;         /* in both */
    int32_t next_correlation;
    unsigned era; /* raised by fail: whoever calls a request's function looks whether the connection is still the same */
    kfk__input input;
    int64_t throttled_until; /* what an answer asked for (KIP-219) */
    int64_t used_at;         /* the last request or answer */
    /* Hears of each request when it is queued, without a reply, and of its end; NULL: nobody. For the log. */
    void (*traced)(void *owner, const kfk__request *r, const kfk__reply *reply, int64_t now);
    void *traced_by;
} kfk__exchange;

void kfk__exchange_init(kfk__exchange *x, const kfk_allocator *a, kfk__broker_metrics *metrics);
/* Nothing is in it. */
void kfk__exchange_fini(kfk__exchange *x);

/* Encodes and queues. Errors as kfk__request_new: nothing is queued. */
kfk_err kfk__exchange_add(kfk__exchange *x, const kfk__request_spec *spec, const char *client_id,
                          int64_t timeout_ms, int64_t now);
/* Writes what is queued, and wants the events that are needed. KFK_ERR_DISCONNECTED, with the transport's error. */
kfk_err kfk__exchange_flush(kfk__exchange *x, kfk__transport *t, int64_t now, kfk_error *e);
/* Receives what there is, and has each answer's request answered. KFK_ERR_DISCONNECTED: e->code KFK_OK if the peer
 * closed the connection, else the transport's error. KFK_ERR_PROTOCOL, with e->msg; KFK_ERR_NOMEM, or a sink's code. */
kfk_err kfk__exchange_receive(kfk__exchange *x, kfk__transport *t, uint8_t *scratch, int64_t now,
                              kfk_error *e);
/* The connection has ended: every request ends with |error|. For a new connection everything begins anew. */
void kfk__exchange_fail(kfk__exchange *x, const kfk_error *error, int64_t now);
/* The earliest deadline, and whose it is; KFK__NEVER: none. */
int64_t kfk__exchange_deadline(const kfk__exchange *x, const kfk__request **which);

#endif
