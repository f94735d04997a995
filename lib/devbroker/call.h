/* call: one request at one node, from its bytes to the bytes of its answer, the faults it meets
 * included. No I/O.
 *
 *   begin ──> [delay] ──> handler ──> [wait: Fetch] ──> [delay] ──> encode ──> READY
 *     │          │           │                             │
 *     └──────────┴───────────┴── CLOSE, HUNG, SILENT ──────┘
 *
 * A call belongs to one connection, and so to the broker's loop. What it looks at in the service is
 * guarded by the service's lock, which kfk__dev_call_step wants held. */
#ifndef KFK_DEVBROKER_CALL_H
#define KFK_DEVBROKER_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/lock.h"
#include "devbroker/cluster.h"
#include "devbroker/fault.h"
#include "proto/proto.h"

enum { KFK__DEV_KEYS = 128 };

typedef struct kfk__dev_call kfk__dev_call;

/* What all connections share. */
typedef struct kfk__dev_service {
    kfk__mutex lock; /* guards the rest */
    kfk__dev_cluster cluster;
    kfk__dev_faults faults;
    int64_t requests[KFK__DEV_NODES_MAX][KFK__DEV_KEYS]; /* how many came, by node and API */
    void (*heard)(void *arg, const kfk__dev_call *call); /* NULL: nobody listens */
    void *heard_arg;
} kfk__dev_service;

typedef enum kfk__dev_outcome {
    KFK__DEV_ANSWER, /* the response is filled in */
    KFK__DEV_WAIT,   /* to be run again when the cluster changes, and at call->until */
    KFK__DEV_SILENT, /* done, and nobody waits for an answer */
    KFK__DEV_CLOSE   /* the connection must go */
} kfk__dev_outcome;

/* How far a call has come. */
typedef enum kfk__dev_stage {
    KFK__DEV_BEGIN,
    KFK__DEV_DELAYED_BEFORE,
    KFK__DEV_HANDLING,
    KFK__DEV_DELAYED_AFTER,
    KFK__DEV_HANGING
} kfk__dev_stage;

typedef kfk__dev_outcome kfk__dev_handler(kfk__dev_service *s, kfk__dev_call *call);

/* One API that the broker serves. */
typedef struct kfk__dev_api {
    const kfk__api *api;
    kfk__dev_handler *handle;
    int16_t max;         /* highest version served */
    int16_t error_level; /* where its answer says what became of one thing: KFK__DEV_ANY in a
                            fault */
    int16_t deeper_from; /* the version from which on that is one level deeper; 0: none */
} kfk__dev_api;

struct kfk__dev_call {
    kfk__list link;
    /* the request */
    kfk__buf frame; /* without its length */
    kfk__arena arena;
    const kfk__dev_api *api;
    int32_t node;
    int32_t correlation;
    int16_t key, version;
    kfk_bytes client_id;
    void *request, *response; /* api's structs, in the arena */
    kfk_bytes client_host;    /* "/127.0.0.1", as Kafka tells it; the connection's */
    void *kept;               /* a handler's own, from one run to the next, in the arena */
    void (*forget)(struct kfk__dev_call *call); /* NULL, or what becomes of |kept| at the end */
    /* its way */
    kfk__dev_stage stage;
    int64_t now, wall_ms; /* of this step */
    int64_t until;        /* WAITING: when to step it again at the latest */
    uint64_t seen;        /* WAITING: the cluster's version it has looked at */
    int16_t refuse; /* not 0: the handler answers this for everything and leaves all as it is */
    bool faulty;
    kfk__dev_fault fault;
    /* the answer */
    kfk__buf out; /* with its length */
    kfk__splices splices;
    kfk__dev_chunk **pins; /* counted while the answer is being sent */
    size_t n_pins, cap_pins;
    int32_t throttle_ms; /* the connection is not to be read for that long */
    bool cut;            /* only |cut_at| bytes of it are sent, and then the connection goes */
    size_t cut_at;
};

typedef enum kfk__dev_status {
    KFK__DEV_READY,   /* out, splices: send them */
    KFK__DEV_WAITING, /* until |until|, or the cluster's version is no longer |seen| */
    KFK__DEV_HUNG,    /* for ever */
    KFK__DEV_DONE,    /* no answer */
    KFK__DEV_DEAD     /* close the connection */
} kfk__dev_status;

/* NULL: no memory. */
kfk__dev_call *kfk__dev_call_new(const kfk_allocator *a, int32_t node);
/* The service's lock is held. NULL is allowed. */
void kfk__dev_call_free(kfk__dev_call *call);
/* Goes on with a call whose frame is complete, as far as it can. The service's lock is held. */
kfk__dev_status kfk__dev_call_step(kfk__dev_service *s, kfk__dev_call *call, int64_t now,
                                   int64_t wall_ms);

/* ---- for handlers ---- */

/* |n| zeroed elements in the arena. NULL: no memory. */
void *kfk__dev_call_array(kfk__dev_call *call, int32_t n, size_t size);
/* The same for schema structs, each at its defaults. */
void *kfk__dev_call_structs(kfk__dev_call *call, const kfk__schema *s, int32_t n);
/* Keeps the slice's bytes in place until the answer is sent. false: no memory. */
bool kfk__dev_call_pin(kfk__dev_call *call, const kfk__dev_slice *slice);

/* The APIs that there are, ordered by key (apis.c). */
extern const kfk__dev_api kfk__dev_apis[];
extern const size_t kfk__dev_n_apis;
/* NULL: not served by a broker of this profile. *max: the highest version it serves. */
const kfk__dev_api *kfk__dev_api_find(const kfk__dev_profile *p, int16_t key, int16_t *max);

#endif
