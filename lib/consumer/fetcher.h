/* fetcher: brings records of the assigned partitions from their brokers.
 *
 *   news (assign, seek, pause, ...), answers, metadata, time ──> look at the partition:
 *       where does it begin?  what is committed ──> ListOffsets ──┐   questions to leaders (question.h)
 *       does the log still have what was read?  OffsetForLeader ──┤
 *       a seat in the session of its leader, or of a nearer replica ──> Fetch ──> buffers ──> partition, ready list
 *
 * A step does what there is news of: partitions that just go on cost nothing. One Fetch a broker at a time. Belongs to the
 * Fetcher thread. */
#ifndef KFK_CONSUMER_FETCHER_H
#define KFK_CONSUMER_FETCHER_H

#include "client/client.h"
#include "consumer/fetch.h"
#include "consumer/metrics.h"
#include "consumer/question.h"
#include "consumer/shared.h"
#include "groupio/groupio.h"

typedef struct kfk__fetcher_options {
    int32_t min_bytes;
    int32_t max_bytes;
    int32_t max_partition_bytes;
    int32_t max_wait_ms;
    int8_t isolation; /* KFK__READ_... */
    const char *rack;
    const char *group; /* NULL: none */
} kfk__fetcher_options;

typedef struct kfk__fetcher {
    const kfk__env *env;
    kfk__fetcher_options options;
    kfk__shared *shared;
    kfk__client client;
    kfk__consumer_metrics metrics;
    kfk__questions questions;
    kfk__groupio groupio; /* with options.group */
    kfk__list for_group;  /* partitions of which the group is to be asked what is committed */
    kfk__list known;   /* partitions, each held by it */
    kfk__list waiting; /* those of them for which something is to be tried again */
    kfk__list sources;
    size_t n_sources; /* that have somebody in their session */
    int32_t limit;    /* what to ask of a partition now */
    bool moved;       /* something was looked at since the sources were served */
    kfk__list asks;    /* that have been taken up */
    kfk__list commits; /* likewise, in the order they were asked for */
} kfk__fetcher;

/* KFK_ERR_NOMEM. */
kfk_err kfk__fetcher_init(kfk__fetcher *f, const kfk__env *env, const kfk__fetcher_options *o,
                          const kfk__client_options *co, kfk__shared *shared, kfk__poller *poller);
void kfk__fetcher_fini(kfk__fetcher *f, int64_t now);
int64_t kfk__fetcher_step(kfk__fetcher *f, const kfk__event *ev, int n, int64_t now);

/* ---- for the files of the Fetcher ---- */

/* Decides what comes next for |p|, and starts it. Locked. */
void kfk__fetcher_look(kfk__fetcher *f, kfk__assigned *p, int64_t now);
/* The same, once the retry gate lets it. Locked. */
void kfk__fetcher_retry(kfk__fetcher *f, kfk__assigned *p, kfk_err why, int64_t now);
/* The position is not there: the policy says where to go on, or poll tells |err| with |offset|. Locked. */
void kfk__fetcher_reset(kfk__assigned *p, kfk_err err, int64_t offset, const char *why);
/* Before |end| the log is as it was read, from there on it is another one (KIP-320). Locked. */
void kfk__fetcher_diverged(kfk__assigned *p, int64_t end, int32_t epoch);
/* Asks the group for what is committed for those that are for_group (committed.c). Not locked. */
void kfk__fetcher_ask_group(kfk__fetcher *f, int64_t now);
/* Takes up what is asked, gives up what is due. When the next is (answer.c). Not locked. */
int64_t kfk__fetcher_answer(kfk__fetcher *f, int64_t now);
/* What metadata says now. Not locked. */
void kfk__fetcher_answer_partitions(kfk__fetcher *f, int64_t now);
/* Ends all of it. The handle is closed. */
void kfk__fetcher_end_asks(kfk__fetcher *f);
/* Whether a broker is worth a request: it is connected, or may be connected to. */
bool kfk__fetcher_can_reach(const kfk__fetcher *f, int32_t id, int64_t now);
/* A kfk__reply_fn of a Fetch (receive.c). */
void kfk__fetcher_receive(void *owner, void *arg, const kfk__reply *reply, int64_t now);

#endif
