/* op: one call of the application's, from its thread to the admin's and back.
 *
 *   application: kfk__admin_run ──posted──> step: kfk__client_call ──> build, answer, ... ──> done
 *                    waits  <──────────────────────── wake ───────────────────────────────────┘
 *
 * It lives in the frame of kfk__admin_run's caller, who touches nothing of it meanwhile: build and
 * answer (on the admin's thread) may read the caller's arguments and write his results. */
#ifndef KFK_ADMIN_OP_H
#define KFK_ADMIN_OP_H

#include <kfk/admin.h>

#include "client/client.h"

typedef struct kfk__admin_op {
    const kfk__call_ops *ops; /* its done is kfk__admin_done; a call's owner is the op */
    int32_t target;
    kfk__route_fn *route; /* KFK__TO_ROUTE */
    bool repeatable;
    int64_t deadline;
    int32_t broker_ms; /* how long the broker may take: the timeout_ms of requests */
    kfk_error again;   /* why what it does was not done yet, for requests that come of that one:
                          through the gate */
    kfk__retry retry;

    kfk__list link;
    kfk_admin *admin;
    kfk__waiter waiter;
    kfk_error error; /* how it ended */
    bool done;       /* guarded by the admin's lock */
} kfk__admin_op;

/* Checks that the handle may be used, and starts |op|. KFK_ERR_INVALID_ARG (|a| is NULL),
 * KFK_ERR_FORKED. */
kfk_err kfk__admin_begin(kfk_admin *a, kfk__admin_op *op, int timeout_ms, kfk_error *e);
/* Makes one request, waits until it has ended, and returns op->error.code. Again and again, with
 * other |ops|, within the one deadline. */
kfk_err kfk__admin_run(kfk__admin_op *op, const kfk__call_ops *ops);
void kfk__admin_done(kfk__call *c, const kfk_error *e, int64_t now);

const kfk_allocator *kfk__admin_allocator(const kfk_admin *a);
/* For what runs on its thread. */
kfk__client *kfk__admin_client(kfk_admin *a);

#endif
