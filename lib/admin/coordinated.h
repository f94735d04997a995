/* coordinated: requests about groups, each to the coordinator of its group, and what becomes of
 * each.
 *
 *            FindCoordinator                the request
 *   SOUGHT ─────────────────> FOUND, ASKED ─────────────> SETTLED: an answer, or why there is none
 *     ^                           │
 *     └── NOT_COORDINATOR, ... ───┘ its broker cannot be reached; through the gate
 *
 * Groups of one coordinator share a request where they can, and all share the connection that the
 * handle has to it. It runs on the caller's thread, request by request; build and answer run on the
 * admin's, while the caller waits. */
#ifndef KFK_ADMIN_COORDINATED_H
#define KFK_ADMIN_COORDINATED_H

#include "admin/op.h"
#include "base/map.h"

typedef enum kfk__group_step {
    KFK__GROUP_SOUGHT,
    KFK__GROUP_FOUND,
    KFK__GROUP_ASKED,
    KFK__GROUP_SETTLED
} kfk__group_step;

typedef struct kfk__asked_group {
    const char *id;
    kfk__group_step step;
    bool doubtful;    /* an attempt may have taken effect, whatever its answer said */
    int32_t broker;   /* -1: not found yet */
    const char *host; /* in the arena */
    uint16_t port;
    kfk_error error; /* how it ended */
} kfk__asked_group;

typedef struct kfk__coordinated_call {
    kfk__admin_op op; /* first: a call's owner is both */
    kfk__asked_group *groups;
    size_t n, n_pending;
    kfk__map by_id;
    kfk__arena arena;
    const kfk__call_ops *ops; /* the request's */
    int16_t max_version;
    bool repeatable;
    kfk_error again; /* why groups are sought once more */
    int32_t broker;  /* to which the request goes that is made now */
    int64_t since;   /* when it was looked at first; -1: not yet */
    bool reached;    /* there was a node, which had lost this many connections: */
    uint32_t downs;
} kfk__coordinated_call;

/* |name| is the call's in the API. KFK_ERR_INVALID_ARG (a group is NULL, or named twice), and as
 * kfk__admin_begin. kfk__coordinated_fini in all cases. */
kfk_err kfk__coordinated_begin(kfk__coordinated_call *g, kfk_admin *a, const char *name,
                               const char *const *groups, size_t n, int timeout_ms, kfk_error *e);
/* Makes requests until each group is settled. Again, with other |ops|, for those that
 * kfk__coordinated_ask_again has put back. */
void kfk__coordinated_run(kfk__coordinated_call *g, const kfk__call_ops *ops);
void kfk__coordinated_ask_again(kfk__coordinated_call *g, kfk__asked_group *group);
/* What the call as a whole ended with, where no broker has said anything of any group; else KFK_OK.
 */
kfk_err kfk__coordinated_whole(const kfk__coordinated_call *g, kfk_error *e);
void kfk__coordinated_fini(kfk__coordinated_call *g);

/* For build: the groups that the request may ask about, one after the other from |*i| on, which is
 * moved past it; NULL: no more. Those that it gave are what the answer has to tell of. */
kfk__asked_group *kfk__coordinated_next(kfk__coordinated_call *g, size_t *i);
/* Their names, for a request about several. false: no memory. */
bool kfk__coordinated_names(kfk__coordinated_call *g, kfk__arena *a, kfk_bytes **v, int32_t *n);
/* For answer: the group of this name that was asked about and is not settled, or NULL. */
kfk__asked_group *kfk__coordinated_find(const kfk__coordinated_call *g, kfk_bytes id);
/* What became of it. A code that only means "not now" has it asked again. */
void kfk__coordinated_settle(kfk__coordinated_call *g, kfk__asked_group *group,
                             const kfk_error *error);
/* The same of a code, with the broker's words, if it had any. */
void kfk__coordinated_code(kfk__coordinated_call *g, kfk__asked_group *group, int16_t code,
                           kfk_bytes msg);
/* Those that the answer left out are settled with that. */
void kfk__coordinated_end(kfk__coordinated_call *g);

/* Whether a code only means that it should be tried again, at this coordinator or another. */
bool kfk__coordinated_not_now(kfk_err code);
/* Whether a change may have been written though it was answered so: it was not replicated in time,
 * or the partition of the offsets topic moved meanwhile. */
bool kfk__coordinated_doubtful(kfk_err code);
/* What can be done about a code, to stand behind what it means; "": nothing is known. */
const char *kfk__coordinated_remedy(kfk_err code);

#endif
