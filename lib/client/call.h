/* call: one request that is repeated until it has an answer to keep, or its time is over.
 *
 *   waiting (for a node, for the retry gate) ──> in flight ──> answer ──> done
 *        ^                                           │ retriable, or lost before it was written
 *        └───────────────────────────────────────────┘
 *
 * The client owns it and frees it; done is called exactly once. Belongs to the client's thread. */
#ifndef KFK_CLIENT_CALL_H
#define KFK_CLIENT_CALL_H

#include "client/request.h"
#include "client/retry.h"

/* Where a call goes, if not to a broker's id. */
enum { KFK__TO_ANY = -1, KFK__TO_CONTROLLER = -2, KFK__TO_ROUTE = -3 };

typedef struct kfk__call kfk__call;
struct kfk__node;

/* Where the next attempt goes, for a call that cannot say so once and for all: asked before each. *n NULL: that is not
 * known yet; the end of another call, or an event, makes it known. Not KFK_OK: the call ends with that, and |e| is why. */
typedef kfk_err kfk__route_fn(kfk__call *c, int64_t now, struct kfk__node **n, kfk_error *e);

typedef struct kfk__call_ops {
    const kfk__api *api;
    /* The request, for this version; whatever it needs is in |a|. Called again for each attempt.
     * Not KFK_OK: the call ends with that code. */
    kfk_err (*build)(kfk__call *c, int16_t version, kfk__arena *a, const void **body);
    /* Looks at a response. KFK_OK: this is the answer. A retriable code: to be tried again. Another: the call ends with
     * it. |e| has been started with the broker's name; the function adds what it knows. */
    kfk_err (*answer)(kfk__call *c, const void *body, int16_t version, kfk_error *e);
    /* The end. e->code KFK_OK: answer said so. */
    void (*done)(kfk__call *c, const kfk_error *e, int64_t now);
} kfk__call_ops;

struct kfk__call {
    kfk__list link;
    const kfk__call_ops *ops;
    void *owner;
    int32_t target;
    kfk__route_fn *route; /* KFK__TO_ROUTE: its own */
    int16_t max_version; /* INT16_MAX: whatever both sides speak */
    bool repeatable;     /* sending it twice does no harm */
    bool in_flight;
    bool ended; /* done has been called, or is not to be; the struct waits for its request only */
    bool maybe_done; /* an attempt was written and not answered */
    int64_t deadline;
    int64_t timeout_ms; /* of one attempt; 0: request.timeout.ms */
    int64_t not_before;
    kfk__retry retry;
    kfk_error last; /* why it was not answered yet */
};

#endif
