/* sessions: one node's fetch sessions (KIP-227): which partitions a client reads, and what it was
 * told of each last, so that a request names only what has changed, and an answer only what is new.
 *
 *   sessions (the one unused for longest first; found by id)
 *      └── session ── partitions (the next one to be served first; found by topic and index)
 *
 * There are so many slots. A session that was not used for two minutes gives up its own, and one
 * that is older than that to a session with more partitions; else there is none to be had.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_SESSIONS_H
#define KFK_DEVBROKER_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/list.h"
#include "base/map.h"
#include "base/uuid.h"

enum { KFK__DEV_SESSIONS = 1000 };

/* What a client wants of a partition, and what it was told of it last (-1: nothing). */
typedef struct kfk__dev_wish {
    kfk_bytes topic; /* null: an id that no topic has had yet */
    kfk__uuid id;    /* zero where topics go by name */
    int32_t partition;
    int32_t leader_epoch, last_fetched_epoch;
    int32_t max_bytes;
    int64_t offset;
    int64_t told_high, told_start;
} kfk__dev_wish;

typedef struct kfk__dev_session_partition {
    kfk__list link;
    kfk__dev_wish wish; /* its topic is this struct's own */
    size_t key_len;
    uint8_t key[]; /* index, then id or name */
} kfk__dev_session_partition;

typedef struct kfk__dev_session {
    kfk__list link;
    int32_t id;
    int32_t epoch; /* that the next request must have */
    bool by_id;    /* topics go by id, not by name */
    int64_t made, used;
    kfk__list partitions;
    kfk__map by_key;
} kfk__dev_session;

typedef struct kfk__dev_sessions {
    const kfk_allocator *alloc;
    kfk__list all;
    kfk__map by_id;
    int32_t slots;
} kfk__dev_sessions;

void kfk__dev_sessions_init(kfk__dev_sessions *ss, const kfk_allocator *a);
void kfk__dev_sessions_fini(kfk__dev_sessions *ss);
/* Ends all of them. */
void kfk__dev_sessions_expire(kfk__dev_sessions *ss);
/* Those that are too many end, the ones unused for longest first. */
void kfk__dev_sessions_limit(kfk__dev_sessions *ss, int32_t slots);

/* Every session's next request must have this epoch. */
void kfk__dev_sessions_set_epoch(kfk__dev_sessions *ss, int32_t epoch);
/* In all of them. */
int32_t kfk__dev_sessions_partitions(const kfk__dev_sessions *ss);

/* NULL: no such session. */
kfk__dev_session *kfk__dev_sessions_get(const kfk__dev_sessions *ss, int32_t id);
/* A new session, which is to have |n| partitions, with a random id. NULL: no slot, or no memory. */
kfk__dev_session *kfk__dev_sessions_open(kfk__dev_sessions *ss, const kfk__env *env, bool by_id,
                                         size_t n, int64_t now);
/* NULL is allowed. */
void kfk__dev_sessions_close(kfk__dev_sessions *ss, kfk__dev_session *s);
/* A request has come: the epoch moves on, and the session is the one used last. */
void kfk__dev_sessions_use(kfk__dev_sessions *ss, kfk__dev_session *s, int64_t now);

/* Adds a partition at the end, or changes what is wanted of it. false: no memory. */
bool kfk__dev_session_want(kfk__dev_session *s, const kfk__dev_wish *w);
/* Of topic (or id) and index alone; nothing if it is not there. */
void kfk__dev_session_forget(kfk__dev_session *s, const kfk__dev_wish *w);
/* What the client has been told; |data|: records, and so the others come first next time. */
void kfk__dev_session_told(kfk__dev_session *s, const kfk__dev_wish *w, int64_t high, int64_t start,
                           bool data);

/* The epoch after |epoch|: 1 comes again after the highest. */
int32_t kfk__dev_session_next_epoch(int32_t epoch);

#endif
