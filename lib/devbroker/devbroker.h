/* devbroker: a Kafka cluster of one to sixteen nodes in one process, in memory, over an env's
 * sockets.
 *
 *   kfk__devbroker_start ──> a thread of its own ──┐
 *                                                  ├── poll ── kfk__devbroker_step ── conns
 *   kfk__devbroker_listen ──> the host's own loop ─┘
 *
 * One loop serves all nodes. The calls below that are not marked "loop" may come from any thread at
 * any time while the broker lives: they take its mutex, change what the nodes share and wake the
 * loop, which does what has to do with sockets at its next step. */
#ifndef KFK_DEVBROKER_DEVBROKER_H
#define KFK_DEVBROKER_DEVBROKER_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/uuid.h"
#include "devbroker/fault.h"
#include "devbroker/group_settings.h"

typedef struct kfk__devbroker kfk__devbroker;
struct kfk__dev_call;

/* Zero is the default of every member. */
typedef struct kfk__devbroker_opts {
    int32_t n_nodes;            /* 0: 1. Their ids are 1..n */
    const kfk__addr *listen;    /* one for each node; NULL: 127.0.0.1, any port */
    const char *const *host;    /* what each node advertises; NULL: its address */
    const char *const *rack;    /* where each node is; NULL or "": nowhere */
    const char *profile;        /* the Kafka version it plays, "2.1" ... "4.3"; NULL: the newest */
    const char *cluster_id;     /* NULL: a random one */
    int32_t default_partitions; /* 0: 1 */
    int32_t default_replicas;   /* 0: 1 */
    int32_t request_max;        /* longest frame in bytes; 0: 100 MiB */
    int64_t memory_max;         /* bytes in all logs, the oldest go first; 0: no limit */
    int32_t fetch_sessions;     /* slots at each node; 0: 1000; -1: none */
    bool no_auto_create;        /* as auto.create.topics.enable=false */
    kfk__dev_group_settings groups;
    /* Loop, with the lock held: each request (call.h) as it came, before any fault and before
     * anything is done with it. */
    void (*heard)(void *arg, const struct kfk__dev_call *call);
    void *heard_arg;
} kfk__devbroker_opts;

/* KFK_ERR_NOMEM, KFK_ERR_INVALID_ARG, KFK_ERR_SYSTEM (no poller). Listens to nothing yet. */
kfk_err kfk__devbroker_new(kfk__devbroker **out, const kfk__env *env, const kfk__devbroker_opts *o,
                           kfk_error *e);
/* Stops it if it was started; else loop. NULL is allowed. */
void kfk__devbroker_free(kfk__devbroker *b);

/* Loop. Opens the nodes' ports. KFK_ERR_SYSTEM: one cannot be had. */
kfk_err kfk__devbroker_listen(kfk__devbroker *b, kfk_error *e);
/* Loop. Does all that can be done and never blocks. When to be called again at the latest. */
int64_t kfk__devbroker_step(kfk__devbroker *b, const kfk__event *events, int n, int64_t now);
/* What to poll. */
kfk__poller *kfk__devbroker_poller(kfk__devbroker *b);

/* Listens, and serves from a thread of its own until stop. KFK_ERR_SYSTEM. */
kfk_err kfk__devbroker_start(kfk__devbroker *b, kfk_error *e);
/* Closes every connection and every port. Not from the broker's thread. */
void kfk__devbroker_stop(kfk__devbroker *b);

/* "host:port,host:port", once it listens. */
const char *kfk__devbroker_bootstrap(const kfk__devbroker *b);

/* ---- faults (fault.h) ---- */

/* A positive id; 0: no memory. */
int64_t kfk__devbroker_fault(kfk__devbroker *b, const kfk__dev_fault *what);
/* How many requests the rule has met; -1: no such rule. */
int64_t kfk__devbroker_fault_hits(kfk__devbroker *b, int64_t id);
/* The same, and the rule is gone. */
int64_t kfk__devbroker_fault_remove(kfk__devbroker *b, int64_t id);
void kfk__devbroker_fault_clear(kfk__devbroker *b);
/* How many requests of an API came to a node (KFK__DEV_ANY: to all). */
int64_t kfk__devbroker_requests(kfk__devbroker *b, int32_t node, int16_t api);

typedef struct kfk__devbroker_offsets {
    int64_t start, high, end; /* high: the high watermark */
} kfk__devbroker_offsets;

/* ---- the cluster ----
 * KFK_ERR_INVALID_ARG: no such node, topic or partition, or one that cannot be used so. */

/* A node stops: its port and its connections close, what it led is led by others. Or it starts
 * again, on its port. */
kfk_err kfk__devbroker_stop_node(kfk__devbroker *b, int32_t node);
kfk_err kfk__devbroker_start_node(kfk__devbroker *b, int32_t node);
/* A node that is up restarts as another Kafka version, one that is not starts as that. */
kfk_err kfk__devbroker_restart_node(kfk__devbroker *b, int32_t node, const char *profile);
/* |configs| are "name=value"; partitions and replicas 0: the defaults. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_create_topic(kfk__devbroker *b, const char *topic, int32_t partitions,
                                    int32_t replicas, const char *const *configs, size_t n_configs);
kfk_err kfk__devbroker_delete_topic(kfk__devbroker *b, const char *topic);
kfk_err kfk__devbroker_set_config(kfk__devbroker *b, const char *topic, const char *name,
                                  const char *value);
kfk_err kfk__devbroker_topic_id(kfk__devbroker *b, const char *topic, kfk__uuid *out);
/* Another replica that is up leads from now on. */
kfk_err kfk__devbroker_move_leader(kfk__devbroker *b, const char *topic, int32_t partition,
                                   int32_t node);
/* The same leader in a new epoch. */
kfk_err kfk__devbroker_bump_epoch(kfk__devbroker *b, const char *topic, int32_t partition);
/* -1 while the partition is offline. */
kfk_err kfk__devbroker_leader(kfk__devbroker *b, const char *topic, int32_t partition,
                              int32_t *node, int32_t *epoch);
/* Cuts off what follows |offset|, as an unclean election does: a new epoch begins. */
kfk_err kfk__devbroker_truncate(kfk__devbroker *b, const char *topic, int32_t partition,
                                int64_t offset);
/* Moves the log's start up to |offset|, as retention does. */
kfk_err kfk__devbroker_trim(kfk__devbroker *b, const char *topic, int32_t partition,
                            int64_t offset);
/* What a follower has of the log, as far as there is so much; NULL: all. Consumers that read from it
 * see its high watermark, and an offset outside of start to end is out of range there. It stays in
 * sync, and if it comes to lead, it has all. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_set_follower(kfk__devbroker *b, const char *topic, int32_t partition,
                                    int32_t node, const kfk__devbroker_offsets *has);
/* A transaction that has not ended has an offset for the group, or has no more: while it has, an
 * OffsetFetch that requires stable ones is answered UNSTABLE_OFFSET_COMMIT there. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_set_pending(kfk__devbroker *b, const char *group, const char *topic,
                                   int32_t partition, bool pending);
/* New producer ids begin with that epoch from now on, 0 at first. KFK_ERR_INVALID_ARG: it is below 0. */
kfk_err kfk__devbroker_set_producer_epoch(kfk__devbroker *b, int16_t epoch);
/* Every partition forgets its producers. */
void kfk__devbroker_expire_producers(kfk__devbroker *b);

/* ---- fetch sessions (sessions.h) ----
 * |node|: its id, or KFK__DEV_ANY. KFK_ERR_INVALID_ARG: no such node. */

/* How many there are, and how many partitions they have together. */
kfk_err kfk__devbroker_sessions(kfk__devbroker *b, int32_t node, int32_t *sessions,
                                int32_t *partitions);
/* The node forgets all of them: their next requests are answered FETCH_SESSION_ID_NOT_FOUND. */
kfk_err kfk__devbroker_expire_sessions(kfk__devbroker *b, int32_t node);
/* As many slots from now on; those that are too many end, the ones unused for longest first. */
kfk_err kfk__devbroker_limit_sessions(kfk__devbroker *b, int32_t node, int32_t slots);
/* The next request of every session must have this epoch; else INVALID_FETCH_SESSION_EPOCH. */
kfk_err kfk__devbroker_set_session_epoch(kfk__devbroker *b, int32_t node, int32_t epoch);

/* ---- groups ----
 * KFK_ERR_INVALID_ARG: no such group, member or node. */

typedef struct kfk__devbroker_tp {
    kfk_bytes topic;
    int32_t partition;
} kfk__devbroker_tp;

typedef struct kfk__devbroker_member {
    kfk_bytes id, instance, client_id; /* instance null: it is a dynamic member */
    int32_t epoch;                     /* of the member, or the generation that it is in */
    const kfk__devbroker_tp *owns;     /* its assignment, if it is a consumer's */
    size_t n_owns;
} kfk__devbroker_member;

/* With the lock held, and |m| and what it points to for as long. */
typedef void kfk__devbroker_member_fn(void *arg, const kfk__devbroker_member *m);

typedef struct kfk__devbroker_group_state {
    const char *state;   /* "Stable" */
    int32_t epoch;       /* of the group, or its generation */
    int32_t members;     /* those with an id of which nothing else is known do not count */
    int32_t coordinator; /* -1: no node is up */
} kfk__devbroker_group_state;

/* How the group is, and, where |each| is not NULL, its members in the order they came. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_group(kfk__devbroker *b, const char *group, kfk__devbroker_group_state *out,
                             kfk__devbroker_member_fn *each, void *arg);
/* A rebalance begins, unless one is under way. */
kfk_err kfk__devbroker_rebalance_group(kfk__devbroker *b, const char *group);
/* The member's session ends. */
kfk_err kfk__devbroker_expire_member(kfk__devbroker *b, const char *group, const char *member);
/* The group is lost, with its members; what it has committed stays. */
kfk_err kfk__devbroker_forget_group(kfk__devbroker *b, const char *group);
/* The node coordinates the group, or the transactional id, from now on: while it is down, the next
 * one does. The group goes on there as it was stored. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_move_coordinator(kfk__devbroker *b, const char *key, int32_t node);
/* For what is done from now on. */
void kfk__devbroker_set_groups(kfk__devbroker *b, const kfk__dev_group_settings *set);

/* ---- what lies in a log ---- */

kfk_err kfk__devbroker_offsets_of(kfk__devbroker *b, const char *topic, int32_t partition,
                                  kfk__devbroker_offsets *out);
/* Puts batches, or messages of before Kafka 0.11, as they are, one behind the other, with their own
 * offsets (at or after the end, gaps allowed) and epochs, of which the highest, if it is higher, is
 * the leader's from then on. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_load(kfk__devbroker *b, const char *topic, int32_t partition,
                            const void *batches, size_t n);
/* Appends all batches from the one that holds |offset| on to |out|. KFK_ERR_NOMEM. */
kfk_err kfk__devbroker_dump(kfk__devbroker *b, const char *topic, int32_t partition, int64_t offset,
                            kfk__buf *out);

#endif
