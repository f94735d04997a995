/* changes: a request that changes several topics, and what becomes of each.
 *
 *   pending ──> settled: done, or refused
 *      └─ "not now" (NOT_CONTROLLER, THROTTLING_QUOTA_EXCEEDED): in the next attempt's request
 *
 * A request that may have been written is not sent again: its effect is unknown. */
#ifndef KFK_ADMIN_CHANGES_H
#define KFK_ADMIN_CHANGES_H

#include <stdbool.h>

#include "admin/op.h"

typedef struct kfk__changes kfk__changes;

/* One kind of change: a row for each call. */
typedef struct kfk__change {
    const char *call;  /* its name in the API */
    kfk__call_ops ops; /* of an op that a kfk__changes is */
    /* The i-th element's topic; NULL: there is none. */
    const char *(*topic)(const kfk__changes *ch, size_t i);
    /* What is wrong with the i-th element, or NULL. May be NULL. */
    const char *(*fault)(const kfk__changes *ch, size_t i);
} kfk__change;

struct kfk__changes {
    kfk__admin_op op;
    const kfk__change *kind;
    const void *args; /* the caller's array */
    size_t n;
    bool *settled;
    size_t n_pending;
    size_t next;     /* where to look first for the next topic of an answer */
    kfk_error *each; /* the caller's; or NULL */
    kfk_error first; /* the first that was not done, in their order */
    size_t first_at; /* n: none */
    kfk_err again;   /* of this attempt: why it is to be repeated */
};

/* Runs the whole call. */
kfk_err kfk__changes_run(kfk_admin *a, const kfk__change *kind, const void *args, size_t n,
                         int timeout_ms, kfk_error *each, kfk_error *e);

/* For build: the pending elements, one after the other from |*i| on, which is moved past it. */
bool kfk__changes_next(const kfk__changes *ch, size_t *i);
/* For answer: begin, what the broker says of each topic, end. */
void kfk__changes_begin(kfk__changes *ch);
void kfk__changes_settle(kfk__changes *ch, kfk_bytes topic, int16_t code, kfk_bytes msg);
kfk_err kfk__changes_end(kfk__changes *ch, kfk_error *e);

#endif
