/* metadata: what is known of the topics that somebody asked for.
 *
 * A cache and its rules, with no I/O: the client sends the requests. Belongs to the client's thread. A partition's
 * leader epoch never goes back (KIP-320), unless the topic is another one of the same name, with another id. */
#ifndef KFK_CLIENT_METADATA_H
#define KFK_CLIENT_METADATA_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "proto/metadata.h"

typedef struct kfk__partition_info {
    int32_t leader; /* -1: none */
    int32_t leader_epoch; /* -1: not known */
} kfk__partition_info;

/* Whether somebody else leads now than did then, or the same broker in a new term. Nobody at all does not count. */
static inline bool kfk__leader_moved(kfk__partition_info then, kfk__partition_info now)
{
    if (then.leader < 0 || now.leader < 0)
        return false;
    return now.leader != then.leader ||
           (then.leader_epoch >= 0 && now.leader_epoch > then.leader_epoch);
}

/* What an answer to another request than Metadata says of a leader (KIP-951). */
typedef struct kfk__hint {
    int32_t leader; /* -1: none named */
    int32_t epoch;
    kfk_bytes host; /* where it is; empty: not told */
    int32_t port;
} kfk__hint;

typedef struct kfk__topic_info {
    kfk__list link;
    char *name;
    size_t name_len;
    kfk__uuid id; /* zero: not known */
    /* KFK_OK: partitions are there. KFK_ERR_WOULD_BLOCK: nobody has answered yet. Else what the broker said last;
     * partitions are those known before. */
    kfk_err err;
    int32_t n_partitions;
    kfk__partition_info *partitions;
    int64_t used_at;
    int64_t answered_at; /* when a broker last said something of it */
    bool stale; /* to be asked for */
} kfk__topic_info;

typedef struct kfk__metadata {
    const kfk_allocator *alloc;
    kfk__list topics;
    kfk__map by_name;
    int32_t controller;
    char cluster_id[64];
    int64_t updated_at; /* the last answer; -1: none yet */
    bool stale;         /* all of it is to be asked for */
} kfk__metadata;

void kfk__metadata_init(kfk__metadata *m, const kfk_allocator *a);
void kfk__metadata_fini(kfk__metadata *m);

/* The topic, added (and to be asked for) if it is new; NULL: no memory. Marks it as used. */
kfk__topic_info *kfk__metadata_topic(kfk__metadata *m, const char *name, size_t len, int64_t now);
kfk__topic_info *kfk__metadata_find(const kfk__metadata *m, const char *name, size_t len);
/* By id, for answers that name topics so. NULL: not known. */
kfk__topic_info *kfk__metadata_by_id(const kfk__metadata *m, const kfk__uuid *id);
void kfk__metadata_forget(kfk__metadata *m, kfk__topic_info *t);

/* Ask for this topic, or for everything, again. */
void kfk__metadata_stale(kfk__metadata *m, kfk__topic_info *t);
bool kfk__metadata_is_stale(const kfk__metadata *m);
/* Takes in who leads. true: it was news. */
bool kfk__metadata_hint(kfk__topic_info *t, int32_t partition, int32_t leader, int32_t epoch);

/* The topic was in use at |at|, or later. */
static inline void kfk__metadata_used(kfk__topic_info *t, int64_t at)
{
    if (at > t->used_at)
        t->used_at = at;
}

/* Topics not used since |before| are forgotten. */
void kfk__metadata_expire(kfk__metadata *m, int64_t before);

/* Fills the request: all topics, or only those that are stale, which from then on they are no more: who sees the request
 * fail says stale again. KFK_ERR_NOMEM. */
kfk_err kfk__metadata_ask(kfk__metadata *m, bool auto_create, kfk__arena *a,
                              kfk__metadata_request *rq);
/* Takes an answer in. KFK_OK: all that was asked for is known now. Else the worst that was said, and what it concerns
 * is stale still. */
kfk_err kfk__metadata_update(kfk__metadata *m, const kfk__metadata_response *rs, int16_t version,
                             int64_t now);

#endif
