/* topics: the topics that records were sent to, and their partitions.
 *
 * The table only grows, and is read without a lock by every send; a topic and a partition live as long as the producer
 * and never move. How many partitions there are is one atomic load of the topic's array, which is replaced when it
 * grows (the old ones stay, since a send may be reading them). */
#ifndef KFK_PRODUCER_TOPICS_H
#define KFK_PRODUCER_TOPICS_H

#include <stdalign.h>
#include <stdatomic.h>

#include "base/heap.h"
#include "base/line.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/uuid.h"
#include "client/metadata.h"
#include "client/retry.h"
#include "compress/compress.h"
#include "producer/partitioner.h"
#include "producer/producer_batch.h"

/* What the Sender does with a partition. */
typedef enum kfk__drain_state {
    KFK__DRAIN_IDLE,    /* nothing in its deque */
    KFK__DRAIN_TIMER,   /* something that lingers, or backs off: in the Sender's heap */
    KFK__DRAIN_READY,   /* to be sent: in its leader's list */
    KFK__DRAIN_WAITING, /* held back by what is in flight, or by who compresses its head */
    KFK__DRAIN_HOMELESS /* to be sent, and its leader is not known */
} kfk__drain_state;

typedef struct kfk__topic kfk__topic;

/* Two locks, so that the Sender does not come between one record and the next: as long as batches fill, it takes the
 * second one only. A batch that is OPEN becomes something else with both held, |lock| first. */
typedef struct kfk__partition {
    /* Touched for each record. */
    alignas(KFK__LINE) kfk__topic *topic;
    int32_t index;
    kfk__mutex lock;           /* guards the next three, and what is written into the open batch */
    kfk__producer_batch *open; /* the last of the deque, while it is OPEN */
    size_t sticky_bytes;       /* put here since the sticky choice fell on it */
    bool dead;                 /* the producer is closed: no record goes in any more */
    _Atomic bool leaderless;   /* read by who takes turns; the Sender's, who writes here only to change it */

    /* Touched for each batch. */
    alignas(KFK__LINE) kfk__mutex queue_lock; /* guards the next two, and the states of the batches in the deque */
    bool quiet; /* the Sender knows that there is something to send */
    kfk__list deque;
    _Atomic int32_t queued; /* batches in the deque; changed under queue_lock, read by the sticky choice */
    _Atomic bool away;      /* it has no leader, or one that takes nothing; the Sender's, read likewise */
    kfk__list fresh;        /* in the accumulator's list, under its lock */

    /* The Sender's. */
    alignas(KFK__LINE) kfk__drain_state drain;
    struct kfk__leader *leader; /* as looked up in: */
    uint64_t leader_era;
    kfk__partition_info leader_was; /* the last that was found; its leader -1: none yet */
    kfk__list drain_link;
    kfk__heap_node timer;
    kfk__list in_flight; /* batches, oldest first */
    int32_t n_in_flight;
    uint64_t produce;    /* the last Produce request that it was in */
    int64_t sent_at;     /* when a batch went into one last */
    uint64_t backed_off; /* requests up to this one have failed together, if they fail */
    kfk__retry retry;
    int64_t retry_at;
    int64_t producer_id;    /* and epoch: those of the numbers that were given last (sequence.h) */
    int16_t epoch;
    bool hole;              /* in the sequences: nothing is sent until nothing is in flight */
    kfk_err refusal;        /* why its leader takes nothing, of late; KFK_OK: it does */
    int32_t next_sequence;  /* of the batch that is drained next */
    int32_t acked_sequence; /* of the last record that the broker has; -1: none */
} kfk__partition;

typedef struct kfk__partitions {
    struct kfk__partitions *older;
    int32_t n;
    kfk__partition *v[];
} kfk__partitions;

struct kfk__topic {
    /* Looked at by every send. */
    alignas(KFK__LINE) struct kfk__topic *next; /* in its bucket */
    uint32_t hash;
    size_t name_len;
    char *name; /* in front of this struct */
    kfk__codec codec;
    int level;
    kfk__partitioning partitioning;
    _Atomic(kfk__partitions *) partitions; /* NULL: not known yet */
    _Atomic int32_t sticky;                /* -1: none chosen yet */

    kfk__partition kept; /* what is sent meanwhile by those who may not wait (kept.h); its index is -1 */

    kfk__mutex lock;   /* guards the next four */
    kfk_err err;       /* why there are no partitions, where it is for good */
    kfk_err refusal;   /* and where it may pass: what was answered last; KFK_OK: nothing */
    kfk__list waiters; /* those who wait for partitions */
    double ratio;      /* compressed by raw, as seen so far */

    kfk__list fresh; /* in the accumulator's list, under its lock */

    /* The Sender's. */
    kfk__list link;
    kfk__uuid id; /* zero: not known */
};

enum { KFK__TOPIC_BUCKETS = 1024 };

/* What a topic is made with. */
typedef struct kfk__topic_options {
    kfk__codec codec;
    int level;
    kfk__partitioner partitioner;
    bool ignore_keys;
    kfk_partition_fn *partition; /* the program's */
    void *partition_arg;
} kfk__topic_options;

typedef struct kfk__topics {
    const kfk_allocator *alloc;
    /* That of the last send, once its partitions are known: most sends are to the same. Never NULL. */
    _Atomic(kfk__topic *) last;
    kfk__mutex lock;            /* taken to insert */
    _Atomic(kfk__topic *) buckets[KFK__TOPIC_BUCKETS];
} kfk__topics;

void kfk__topics_init(kfk__topics *ts, const kfk_allocator *a);
/* Frees topics and partitions, whose deques are empty. */
void kfk__topics_fini(kfk__topics *ts);

/* Any thread, no lock. NULL: not there. */
kfk__topic *kfk__topics_find(kfk__topics *ts, const char *name, size_t len);
/* Finds or inserts. NULL: no memory. |fresh|: it was inserted. */
kfk__topic *kfk__topics_add(kfk__topics *ts, const char *name, size_t len,
                            const kfk__topic_options *o, bool *fresh);
/* Sender. An array of |n| partitions, more than the topic has, those that it has among them. Nobody sees it until it is
 * published. NULL: no memory. */
kfk__partitions *kfk__topic_grow(kfk__topics *ts, kfk__topic *t, int32_t n);
void kfk__topic_publish(kfk__topic *t, kfk__partitions *ps);

static inline kfk__partitions *kfk__topic_partitions(kfk__topic *t)
{
    return atomic_load_explicit(&t->partitions, memory_order_acquire);
}

/* The partition of a record that names none; -1: the sticky choice. Called as kfk__partitioning_choose is: turns are
 * taken. As Java's RoundRobinPartitioner those that have a leader take them, and if there is none all do. */
int32_t kfk__topic_choose(kfk__topic *t, const kfk__partitions *ps, const kfk_record *r);

/* The partition that records without key go to now. |full| (-1: none): the caller has found that one full, and if it
 * is still the choice, another is chosen by |chance|: never one that is away, unless all are; |adaptive|: the fewer
 * batches it has queued, the more likely (KIP-794). */
int32_t kfk__topic_sticky(kfk__topic *t, const kfk__partitions *ps, int32_t full, bool adaptive,
                          uint64_t chance);

/* The first of the deque; NULL: it is empty. queue_lock is held. */
static inline kfk__producer_batch *kfk__partition_head(const kfk__partition *p)
{
    kfk__list *at = kfk__list_first(&p->deque);

    return at ? KFK__ENTRY(at, kfk__producer_batch, link) : NULL;
}

/* Into the deque in front of |at|, and out of it. queue_lock is held. */
static inline void kfk__partition_insert(kfk__partition *p, kfk__list *at, kfk__producer_batch *b)
{
    kfk__list_insert(at, &b->link);
    atomic_fetch_add_explicit(&p->queued, 1, memory_order_relaxed);
}

static inline void kfk__partition_remove(kfk__partition *p, kfk__producer_batch *b)
{
    kfk__list_remove(&b->link);
    atomic_fetch_sub_explicit(&p->queued, 1, memory_order_relaxed);
}

/* What was answered last when the topic's partitions were asked for, and may pass; KFK_OK: nothing was. */
kfk_err kfk__topic_refusal(kfk__topic *t);
/* true: it was another one before. */
bool kfk__topic_set_refusal(kfk__topic *t, kfk_err refusal);

/* Nothing more goes into the open batch, if there is one. |lock| is held. */
void kfk__partition_close_open(kfk__partition *p);
/* The same, if it is |b|, with neither lock held. */
void kfk__partition_close(kfk__partition *p, const kfk__producer_batch *b);

/* The compression ratio, as it moved with one more batch (as Java's CompressionRatioEstimator: quick to get worse, slow
 * to get better). */
void kfk__topic_observe_ratio(kfk__topic *t, double ratio);
/* A batch with that ratio was too large for a broker: from now on it is not worked with less than 1. */
void kfk__topic_too_large(kfk__topic *t, double ratio);
/* How many raw bytes a batch of |batch_size| may hold. */
size_t kfk__topic_raw_limit(kfk__topic *t, size_t batch_size);

#endif
