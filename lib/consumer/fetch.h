/* fetch: one request for many partitions of one broker, Fetch or ListOffsets: which they are, at which version and
 * offset, and the buffers that the records of a Fetch are received into. Belongs to the Fetcher. */
#ifndef KFK_CONSUMER_FETCH_H
#define KFK_CONSUMER_FETCH_H

#include "client/client.h"
#include "consumer/shared.h"

/* isolation.level, as it goes over the wire. */
enum { KFK__READ_UNCOMMITTED = 0, KFK__READ_COMMITTED = 1 };

typedef struct kfk__fetch_part {
    kfk__assigned *partition;
    const kfk__topic_info *info; /* valid while the request is being built */
    kfk__uuid id;
    unsigned version;
    int64_t offset; /* for ListOffsets: KFK_OFFSET_... */
    bool answered;
} kfk__fetch_part;

typedef struct kfk__fetch {
    kfk__shared *shared;
    void *owner;
    kfk__node *node;
    kfk__fetch_part *parts;
    size_t n, cap;
    size_t reserved;     /* credit that it has taken */
    int64_t sent_at;
    kfk__fbuf *filling;  /* what the sink is filling */
    kfk__fbuf *received; /* what it has filled */
} kfk__fetch;

/* NULL: no memory. */
kfk__fetch *kfk__fetch_new(kfk__shared *s, void *owner, kfk__node *node);
/* Takes credit for at most |max| bytes, one node's share among |nodes|. Returns how much; 0: there is none. */
size_t kfk__fetch_reserve(kfk__fetch *f, int32_t max, size_t nodes);
/* Drops partitions, buffers and credit. */
void kfk__fetch_free(kfk__fetch *f);
/* Holds |p|. false: no memory. */
bool kfk__fetch_add(kfk__fetch *f, kfk__assigned *p, const kfk__topic_info *info);
/* Whether every topic has an id. */
bool kfk__fetch_has_ids(const kfk__fetch *f);
/* The part that an answer is about, once; NULL: none. Either name or id (may be NULL) says which topic. */
kfk__fetch_part *kfk__fetch_part_of(kfk__fetch *f, size_t *hint, kfk_bytes name,
                                    const kfk__uuid *id, int32_t partition);
/* Puts received records into a buffer of their partition. */
kfk__records_sink kfk__fetch_sink;
/* The buffer in which these records lie, with one more owner. */
kfk__fbuf *kfk__fetch_buffer(kfk_bytes records);

/* Encode and send. Errors as kfk__node_send. |reply| gets the kfk__fetch as its argument. */
typedef struct kfk__fetch_limits {
    int32_t min_bytes, max_bytes, max_partition_bytes, max_wait_ms;
    int8_t isolation;
} kfk__fetch_limits;
kfk_err kfk__fetch_send(kfk__fetch *f, const kfk__fetch_limits *l, kfk__reply_fn *reply,
                        int64_t now);
kfk_err kfk__fetch_send_list(kfk__fetch *f, int8_t isolation, kfk__reply_fn *reply, int64_t now);

#endif
