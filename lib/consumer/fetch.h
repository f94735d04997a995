/* fetch: one Fetch request to one broker, and the buffers that its records are received into. Belongs to the Fetcher. */
#ifndef KFK_CONSUMER_FETCH_H
#define KFK_CONSUMER_FETCH_H

#include "client/client.h"
#include "consumer/session.h"
#include "consumer/shared.h"

/* isolation.level, as it goes over the wire. */
enum { KFK__READ_UNCOMMITTED = 0, KFK__READ_COMMITTED = 1 };

/* A broker that is fetched from. */
typedef struct kfk__fetch_source {
    kfk__list link;
    int32_t id;
    kfk__session session;
    bool busy;        /* a Fetch is out */
    int64_t rackless_until; /* until then it is not told client.rack, so that it sends nobody elsewhere */
    size_t held_back; /* partitions that would be fetched here, were their buffers not full */
    kfk__retry retry;
    int64_t retry_at;
} kfk__fetch_source;

typedef struct kfk__fetch {
    kfk__shared *shared;
    kfk__fetch_source *source;
    size_t reserved; /* credit that it has taken */
    size_t expected; /* that a partition was asked for, at most */
    int64_t sent_at;
    kfk__fbuf *filling;  /* what the sink is filling */
    kfk__fbuf *received; /* what it has filled */
} kfk__fetch;

typedef struct kfk__fetch_limits {
    int32_t min_bytes, max_bytes, max_wait_ms;
    int8_t isolation;
    const char *rack; /* NULL or "": none */
} kfk__fetch_limits;

/* NULL: no memory. */
kfk__fetch *kfk__fetch_new(kfk__shared *s, kfk__fetch_source *source, size_t expected);
/* Drops buffers and credit. */
void kfk__fetch_free(kfk__fetch *f);
/* Encodes what the session has to tell, and sends it; |reply| gets |owner| and the kfk__fetch. Errors as kfk__node_send;
 * the session is as before then. */
kfk_err kfk__fetch_send(kfk__fetch *f, kfk__node *node, const kfk__fetch_limits *l,
                        kfk__reply_fn *reply, void *owner, int64_t now);
/* The buffer in which these records lie, with one more owner. */
kfk__fbuf *kfk__fetch_buffer(kfk_bytes records);

#endif
