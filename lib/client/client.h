/* client: the cluster, as one handle sees it: its brokers, the metadata, and calls that find their own way.
 *
 *   loop's step:  kfk__client_events ──> what came in; replies, metadata, calls' ends
 *                 (the handle's own work: kfk__client_node, kfk__node_ready, kfk__node_send)
 *                 kfk__client_tick ──> timeouts, metadata, calls, writes; when to be called again
 *
 * One thread for all brokers. Nothing here blocks, and everything belongs to the loop's thread, but
 * kfk__client_last_error and what reads |metrics|. */
#ifndef KFK_CLIENT_CLIENT_H
#define KFK_CLIENT_CLIENT_H

#include "client/call.h"
#include "client/metadata.h"
#include "client/metrics.h"
#include "client/node.h"
#include "client/options.h"
#include "client/standing.h"

typedef struct kfk__client {
    const kfk__env *env;
    const kfk__client_options *options; /* outlive the client */
    kfk__node_host host;
    kfk__list nodes;
    kfk__map by_id;   /* of |nodes| */
    kfk__list lines;  /* nodes of kfk__client_line */
    bool bootstrapped; /* the nodes are those of a metadata answer */
    kfk__metadata metadata;
    bool metadata_in_flight;
    kfk__retry metadata_retry;
    int64_t metadata_at;    /* not to be asked before */
    int64_t metadata_since; /* since when there has been no answer; KFK__NEVER: there is one */
    bool closed;            /* kfk__client_disconnect: nobody is connected to any more */
    kfk__list calls;
    /* Metadata has changed; any call may be made from it. */
    void (*updated)(void *owner, int64_t now);
    /* Topics that are not in use are about to be forgotten: which are, besides those that were asked for, the handle says
     * by kfk__metadata_used; NULL: there are none. */
    void (*expiring)(void *owner, int64_t now);
    /* A broker (id < 0: a bootstrap address) is left alone for |ms|; NULL: the handle does not ask. */
    void (*throttled)(void *owner, int32_t broker, int64_t ms);
    void *owner;

    kfk__standing standing;

    /* Outlives the client: the handle frees it (kfk__client_metrics_fini), once nobody reads it. */
    kfk__client_metrics metrics;
} kfk__client;

/* |poller| is the loop's. KFK_ERR_NOMEM. */
kfk_err kfk__client_init(kfk__client *c, const kfk__env *env, const kfk__client_options *options,
                         kfk__poller *poller, void (*updated)(void *owner, int64_t now),
                         void *owner);
/* Ends all requests and calls with KFK_ERR_CLOSED, for good. Metadata stays. */
void kfk__client_disconnect(kfk__client *c, int64_t now);
/* The same, and gives all back but the metrics. */
void kfk__client_fini(kfk__client *c, int64_t now);

void kfk__client_events(kfk__client *c, const kfk__event *ev, int n, int64_t now);
int64_t kfk__client_tick(kfk__client *c, int64_t now);

/* The broker with this id, or NULL. */
kfk__node *kfk__client_node(const kfk__client *c, int32_t id);
/* A node that is ready and has least to do; NULL: there is none now, and one is being connected to if possible. *again:
 * when to ask again, should no event come before. */
kfk__node *kfk__client_any(kfk__client *c, int64_t now, int64_t *again);
/* A connection of one's own to a broker, beside the one that all share: a broker answers a connection in order, so that
 * what waits on it (a Fetch) holds up what follows. Metadata has no say in it; the broker may be one that it does not
 * know. NULL: no memory. It lasts until kfk__client_hang_up, or the client's end. */
kfk__node *kfk__client_line(kfk__client *c, int32_t id, kfk_bytes host, uint16_t port);
/* Takes no more requests; goes when those that are out have ended. */
void kfk__client_hang_up(kfk__client *c, kfk__node *line);
/* The topic's metadata, asked for if it is new. NULL: no memory. */
kfk__topic_info *kfk__client_topic(kfk__client *c, const char *name, size_t len, int64_t now);
/* Asks for a topic (NULL: for everything) again, through the gate. */
void kfk__client_refresh(kfk__client *c, kfk__topic_info *t);
/* Takes in who leads a partition, and where that broker is, which metadata may not know, or have another address of. true:
 * it was news; else the answer is of before, and its address is, too. */
bool kfk__client_hint(kfk__client *c, kfk__topic_info *t, int32_t partition, const kfk__hint *h);

/* When something may be tried again, by kfk__retry_at with the handle's backoff. Counts it. */
int64_t kfk__client_retry_at(kfk__client *c, kfk__retry *r, kfk_err why, int64_t now);
/* Counts an error that a broker answered with. */
void kfk__client_error(kfk__client *c, kfk_err code);

/* A new call, which starts at once. NULL: no memory. */
kfk__call *kfk__client_call(kfk__client *c, const kfk__call_ops *ops, void *owner, int32_t target,
                            int64_t deadline);
/* Its owner has lost interest: done is not called, whatever becomes of it. */
void kfk__client_drop(kfk__client *c, kfk__call *call);

/* Any thread. */
kfk_err kfk__client_last_error(kfk__client *c, kfk_error *e);
/* Adds to the error of a wait the failure that stands now. Any thread. */
void kfk__client_explain(kfk__client *c, kfk_error *e);
/* The same, if it is that of a connection. */
void kfk__client_explain_connection(kfk__client *c, kfk_error *e);

#endif
