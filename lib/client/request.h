/* request: one request on its way to a broker, and what becomes of it.
 *
 *   encoded once, for the version that the broker speaks:
 *   ┌────────────┬────────────────┬──────────────┐     ┌─────────┐     ┌──────────┐
 *   │ length i32 │ request header │ body up to a │ ... │ records │ ... │ the rest │
 *   └────────────┴────────────────┴── splice ────┘     └ splice ─┘     └──────────┘
 *     `head`, in one buffer                              where they lie, not copied
 *
 * Owned by the node that sends it; belongs to the thread of the client. */
#ifndef KFK_CLIENT_REQUEST_H
#define KFK_CLIENT_REQUEST_H

#include <sys/uio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "proto/proto.h"

/* How a request ended. |body| is the response struct, and is gone when the function returns. */
typedef struct kfk__reply {
    kfk_err err;            /* KFK_OK: body is there. Else why there is none */
    bool written;           /* a byte of the request may have reached the broker */
    int16_t version;        /* of request and response */
    const void *body;       /* NULL with acks=0: written, no answer expected */
    const kfk_error *error; /* with err: the whole story */
} kfk__reply;

/* Called exactly once for each request that kfk__node_send accepted, on the client's thread, from inside step; it may
 * send further requests. */
typedef void kfk__reply_fn(void *owner, void *arg, const kfk__reply *reply, int64_t now);

/* What is to be sent, and who wants to know. */
typedef struct kfk__request_spec {
    const kfk__api *api;
    int16_t version;
    bool no_reply;    /* acks=0: done as soon as it is written */
    size_t n_records; /* records fields that should not be copied */
    const void *body;
    kfk__reply_fn *fn;
    void *owner;
    void *arg;
    kfk__records_sink *sink; /* NULL: records come in the response's arena */
    void *sink_ctx;
    int64_t timeout_ms; /* 0: request.timeout.ms */
} kfk__request_spec;

typedef struct kfk__request {
    kfk__list link;
    kfk__request_spec spec;
    int32_t correlation_id;
    int64_t sent_at;    /* when it was queued */
    int64_t written_at; /* all of it */
    int64_t deadline;
    kfk__buf head;
    kfk__splices splices;
    size_t size; /* of all pieces */
    size_t done; /* bytes written */
} kfk__request;

/* Encodes; |client_id| may be NULL. KFK_ERR_NOMEM, UNSUPPORTED_VERSION, KFK_ERR_INVALID_ARG. */
kfk_err kfk__request_new(kfk__request **out, const kfk_allocator *a, const kfk__request_spec *spec,
                         int32_t correlation_id, const char *client_id);
/* The same in a request that has ended, or was zeroed but for its buffer; on an error it may be used again. */
kfk_err kfk__request_begin(kfk__request *r, const kfk__request_spec *spec, int32_t correlation_id,
                           const char *client_id);
void kfk__request_free(kfk__request *r);
/* The pieces that are not written yet, at most |max| of them. Returns how many. */
int kfk__request_pieces(const kfk__request *r, struct iovec *v, int max);

#endif
