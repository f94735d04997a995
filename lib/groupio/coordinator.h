/* coordinator: the broker that looks after a group or a transactional id: found, remembered, and
 * found again.
 *
 *              a route asks             FindCoordinator answers
 *   UNKNOWN ─────────────────> LOOKUP ───────────────────────────> KNOWN, and a line to it
 *    ^  ^                        │ refused for good                  │ NOT_COORDINATOR,
 *    │  └── who waited is told ──┘                                   │ COORDINATOR_NOT_AVAILABLE,
 *    └───────────────────────────────────────────────────────────────┘ its connection failed
 *
 * However many calls wait, there is one lookup. Its retries are a call's: through the gate, as long
 * as somebody waits. The line is a connection of the coordinator's own, so that no Fetch holds up
 * what is said to it; it is kept as long as lookups name the same broker at the same address, and
 * with it the backoff of its connection.
 *
 * Belongs to the client's thread. */
#ifndef KFK_GROUPIO_COORDINATOR_H
#define KFK_GROUPIO_COORDINATOR_H

#include "client/client.h"
#include "proto/find_coordinator.h"

/* What a key is (key_type). */
enum { KFK__COORDINATES_GROUP = 0, KFK__COORDINATES_TRANSACTION = 1 };

typedef struct kfk__coordinator {
    kfk__client *client;
    const char *key;
    int8_t key_type;
    bool known;        /* |line| leads to it, as far as anybody has said */
    kfk__node *line;   /* to the one that was found last; NULL: none was */
    uint32_t downs;    /* of the line, when it was found */
    uint64_t found;    /* how often one was: tells answers of the last one from those of others */
    kfk__call *lookup; /* NULL: none is under way */
    uint64_t asked;    /* lookups so far */
    uint64_t failed;   /* the last of them that failed for good; 0: none */
    kfk_error error;   /* how it did */
} kfk__coordinator;

/* What a call that goes there has of it; zeroed at first. */
typedef struct kfk__coordinated {
    uint64_t asked; /* the lookup that it waits for; 0: none */
    uint64_t found; /* the coordinator that its last attempt went to */
} kfk__coordinated;

/* |key| is borrowed. */
void kfk__coordinator_init(kfk__coordinator *c, kfk__client *client, int8_t key_type,
                           const char *key);
/* Nobody waits any more. */
void kfk__coordinator_fini(kfk__coordinator *c);

/* For a call's route (call.h). Until |deadline| it is worth while to look. */
kfk_err kfk__coordinator_route(kfk__coordinator *c, kfk__coordinated *user, kfk__call *call,
                               int64_t deadline, kfk__node **n, kfk_error *e);
/* What it answered: whether it is the coordinator still. */
void kfk__coordinator_heed(kfk__coordinator *c, const kfk__coordinated *user, kfk_err code);

/* ---- the messages ---- */

typedef struct kfk__coordinator_place {
    int32_t id;
    kfk_bytes host; /* the answer's */
    uint16_t port;
} kfk__coordinator_place;

/* How many keys a request of this version may have. */
size_t kfk__coordinator_most(int16_t version);
/* |keys| are at most that many; 1 or more. KFK_ERR_NOMEM. */
kfk_err kfk__coordinator_ask(kfk__find_coordinator_request *rq, int16_t version, int8_t key_type,
                             const char *const *keys, size_t n, kfk__arena *a);
/* Where it is; or the answer's code, with the broker's words. KFK_ERR_PROTOCOL: of another key. */
kfk_err kfk__coordinator_read(const kfk__find_coordinator_response *rs, int16_t version,
                              const char *key, kfk__coordinator_place *out, kfk_error *e);

#endif
