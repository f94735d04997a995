/* session: what one broker has been told to fetch for us (KIP-227).
 *
 * A full request (epoch 0) names all partitions; from then on only what has changed is told, and the broker answers with
 * what is new. A partition's place in it is its seat:
 *
 *   take ──> news ──ask──> named, `told` is what the broker knows
 *             ^               │ take with another wish: news │ leave: news, then forgotten, and the seat is free
 *             └── reset: the broker knows of none ───────────┘
 *
 * A broker that has no room for a session (or is older than Kafka 1.1) answers each request with session id 0; then all
 * requests are full. No I/O here, no lock; belongs to the Fetcher. */
#ifndef KFK_CONSUMER_SESSION_H
#define KFK_CONSUMER_SESSION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "consumer/shared.h"
#include "proto/fetch.h"

/* What a broker is told of one partition. */
typedef struct kfk__wish {
    kfk__uuid id; /* of its topic; zero: not known */
    int64_t offset;
    int32_t leader_epoch;
    int32_t max_bytes;
    unsigned version; /* the partition's fetch_version, which an answer must still have; not told */
} kfk__wish;

typedef struct kfk__seat {
    kfk__list link; /* in the session */
    kfk__list news; /* in the session's news; in none: the broker knows it all */
    kfk__assigned *partition; /* held */
    struct kfk__seat **owner; /* where whoever took it has it, until it leaves */
    bool named;     /* the broker knows of it */
    bool leaving;
    bool heard;     /* the answer that is being taken in has told of it */
    kfk__wish wish, told;
    size_t key_len;
    uint8_t key[]; /* partition, then the topic's id or name */
} kfk__seat;

typedef struct kfk__session {
    const kfk_allocator *alloc;
    int32_t id;
    int32_t epoch; /* of the next request; 0: a full one */
    bool by_id;    /* topics go by their ids */
    kfk__list seats, news;
    kfk__map by_key;
    size_t wanted;   /* seats that are not leaving */
    size_t nameless; /* seats of topics without an id */
} kfk__session;

void kfk__session_init(kfk__session *s, const kfk_allocator *a);
void kfk__session_fini(kfk__session *s);

/* Asks for |p| as in |wish|, in *seat, which is its seat here already or NULL, and which stays where it is: if another
 * partition comes to have the same name (two topics of one id, as a broken cluster may have it) the seat is that one's, and
 * *seat NULL. KFK_ERR_NOMEM: nothing has changed, but that a seat for a topic of another id is left. */
kfk_err kfk__session_take(kfk__session *s, kfk__assigned *p, const kfk__wish *wish, kfk__seat **seat);
/* It is not asked for any more, and nothing that comes for it is of interest. The seat is the session's now. */
void kfk__session_leave(kfk__session *s, kfk__seat *seat);

/* Whether every topic has an id. */
bool kfk__session_has_ids(const kfk__session *s);
/* Fills the request: session, topics, forgotten topics. |by_id|: how topics go, which may be another way than before.
 * KFK_ERR_NOMEM. */
kfk_err kfk__session_ask(kfk__session *s, bool by_id, kfk__arena *a, kfk__fetch_request *rq);
/* That request is on its way. */
void kfk__session_asked(kfk__session *s);

/* Looks at the whole answer. Not KFK_OK: nothing of it is to be used, the session begins anew, and that is why.
 * |by_id|, as it came. */
kfk_err kfk__session_answer(kfk__session *s, const kfk__fetch_response *rs);
/* The seat of an answer's partition. NULL: nobody wants to know. */
kfk__seat *kfk__session_find(const kfk__session *s, kfk_bytes topic, const kfk__uuid *id,
                             int32_t partition);
/* There was no answer, or it was an error of the whole: the broker may know anything. */
void kfk__session_lost(kfk__session *s, kfk_err why);

#endif
