/* plan: what a Fetch comes to: which partitions to read, in which order, and which session it is
 * part of. Made once, when the request comes; a Fetch that waits keeps it.
 *
 *   full request         all that it names        ──> answer with all of it, and a new session
 *   incremental request  ──> session ──> all that ──> answer with what is new ──> session
 *                                        it holds
 *
 * It has copies of the session's partitions, since the session may end while the Fetch waits. */
#ifndef KFK_DEVBROKER_PLAN_H
#define KFK_DEVBROKER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "devbroker/call.h"
#include "devbroker/sessions.h"

typedef struct kfk__dev_plan {
    kfk__dev_wish *wishes;
    int32_t n;
    bool by_id;
    bool opens;      /* a full request that wants a session */
    int32_t session; /* an incremental request's; else 0 */
    int32_t epoch;   /* of that session, unless something comes between */
    int16_t code;    /* not 0: there is no such session, or not so; nothing is read */
} kfk__dev_plan;

/* In the arena of the call, a Fetch. Takes from the session what is forgotten, and puts into it
 * what is new. NULL: no memory. */
kfk__dev_plan *kfk__dev_plan_new(kfk__dev_service *s, kfk__dev_call *call);

/* Whether the session had another request while this one waited. */
bool kfk__dev_plan_overtaken(kfk__dev_service *s, const kfk__dev_call *call,
                             const kfk__dev_plan *plan);

/* What is about to be told of a partition. */
typedef struct kfk__dev_news {
    int16_t code;
    int64_t high, start;
    bool data;   /* there are records */
    bool moving; /* it is to be read elsewhere, or from elsewhere on */
} kfk__dev_news;

/* Notes it, for the session's next time. Whether the client is to be told at all. */
bool kfk__dev_plan_tell(kfk__dev_service *s, const kfk__dev_call *call, kfk__dev_plan *plan,
                        int32_t at, const kfk__dev_news *news);
/* All has been told. The session id to answer with; makes the session, if the plan wants one and it
 * can be had. */
int32_t kfk__dev_plan_end(kfk__dev_service *s, const kfk__dev_call *call,
                          const kfk__dev_plan *plan);

#endif
