/* accumulator: where records wait to be sent. A deque of batches for each partition.
 *
 *   any thread                                                        the Sender
 *   kfk__accumulate: topic, partition, ─── fresh list ──────────────> kfk__accumulator_next_partition: with news  
 *     lock the partition, encode into      (once a batch, not once    kfk__accumulator_park: nothing to do until then
 *     the tail batch, unlock               a record)
 *
 * Lock order: a partition's lock, its queue_lock, the accumulator's; the pool's and a topic's are taken with no other
 * held, or inside a partition's. No lock is held across a wait. */
#ifndef KFK_PRODUCER_ACCUMULATOR_H
#define KFK_PRODUCER_ACCUMULATOR_H

#include <stdatomic.h>

#include <kfk/producer.h>

#include "base/env.h"
#include "net/loop.h"
#include "producer/pool.h"
#include "producer/topics.h"

typedef struct kfk__accumulator_options {
    size_t batch_size;
    size_t buffer_memory;
    size_t max_request_size;
    int64_t linger_ns;
    int64_t max_block_ms; /* for metadata and memory together; 0: nobody waits */
    bool adaptive;        /* the sticky choice looks at queues */
    bool tells_all;       /* records without a callback are told of, too */
    /* Whether the calling thread must never wait: it runs a callback. */
    bool (*never_waits)(void *owner);
    /* Adds to the error of a wait what stands in the way. */
    void (*explain)(void *owner, kfk_error *e);
    /* What a topic is made with. Any thread. */
    void (*topic)(void *owner, const char *name, kfk__topic_options *o);
    void *owner;
} kfk__accumulator_options;

typedef struct kfk__accumulator {
    const kfk__env *env;
    kfk__loop *loop; /* the Sender's */
    kfk__accumulator_options options;
    size_t max_record; /* a record with a larger bound is refused */
    kfk__topics topics;
    _Atomic bool closed;
    _Atomic bool room_wanted; /* a send was refused because there was none */

    alignas(KFK__LINE) kfk__pool pool;

    alignas(KFK__LINE) kfk__mutex lock; /* guards all below */
    kfk__list fresh;        /* partitions with news for the Sender */
    kfk__list fresh_topics; /* topics whose partitions are wanted */
    bool stirred;           /* something else has changed: a flush, want of memory, the end */
    bool parked;            /* the Sender sleeps, until: */
    int64_t parked_until;
    uint64_t flush_id; /* batches up to this one do not linger */
    uint64_t purge_id; /* batches in front of this one are to be ended */
    uint64_t next_id;
    kfk__list incomplete; /* batches without a result, oldest first */
    kfk__list untold;     /* batches whose result is to be told by the application's thread, oldest first */
    kfk__list flushers;
    kfk__compressor *compressors; /* one that is free to use, or NULL */
} kfk__accumulator;

/* KFK_ERR_NOMEM. */
kfk_err kfk__accumulator_init(kfk__accumulator *a, const kfk__env *env, kfk__loop *loop,
                              const kfk__accumulator_options *o);
/* All batches are finished. */
void kfk__accumulator_fini(kfk__accumulator *a);

/* ---- any thread ---- */

/* The topic, which is known to the Sender from then on. NULL: no memory. */
kfk__topic *kfk__accumulator_topic(kfk__accumulator *a, const char *name);
/* Waits until the topic has more than |at_least| partitions. KFK_ERR_TIMED_OUT, KFK_ERR_CLOSED, KFK_ERR_NOMEM, or what
 * makes the topic unusable. */
kfk_err kfk__accumulator_await(kfk__accumulator *a, kfk__topic *t, int32_t at_least, int64_t until);
/* For who does not wait: asks for the topic's partitions, and says what is known: KFK_OK, there are more than
 * |at_least|; what makes it unusable; KFK_ERR_CLOSED; or KFK_ERR_WOULD_BLOCK. */
kfk_err kfk__accumulator_ask(kfk__accumulator *a, kfk__topic *t, int32_t at_least);
/* A batch has been begun: it has a number now, and is without a result. Inside its partition's locks. */
void kfk__accumulator_begun(kfk__accumulator *a, kfk__producer_batch *b);
/* The partition has something new for the Sender, of interest from |when| on. */
void kfk__accumulator_tell(kfk__accumulator *a, kfk__partition *p, int64_t when);
/* Compresses a CLOSED batch. The caller makes it READY. */
kfk_err kfk__accumulator_compress(kfk__accumulator *a, kfk__producer_batch *b);
/* Whether there is room for a batch, after a send was refused for want of it; tells so once. */
bool kfk__accumulator_room(kfk__accumulator *a);

/* A wait for the result of every record appended so far. Lives in the frame of who waits, from begin to end; |waiter| is
 * woken when it may be over. */
typedef struct kfk__flush {
    kfk__list link;
    uint64_t id; /* of the last batch that it waits for */
    kfk__waiter waiter;
} kfk__flush;
/* KFK_ERR_NOMEM: there is nothing to end. */
kfk_err kfk__accumulator_flush_begin(kfk__accumulator *a, kfk__flush *f);
/* |told|: all that can be told of those that have a result has been. */
bool kfk__accumulator_flush_done(kfk__accumulator *a, const kfk__flush *f, bool told);
void kfk__accumulator_flush_end(kfk__accumulator *a, kfk__flush *f);
/* Every record appended so far is to be ended. */
void kfk__accumulator_purge(kfk__accumulator *a);
/* Ends all waits; nothing more goes in. */
void kfk__accumulator_close(kfk__accumulator *a);
/* Makes the Sender look, whatever it is that has changed. */
void kfk__accumulator_stir(kfk__accumulator *a);

/* ---- the Sender ---- */

/* The Sender is awake. What has changed beside partitions and topics: */
typedef struct kfk__accumulator_news {
    uint64_t flush_id;    /* batches up to this one do not linger */
    uint64_t purge_id;    /* those in front of this one are to be ended */
    bool short_of_memory; /* nor does any */
} kfk__accumulator_news;
void kfk__accumulator_awake(kfk__accumulator *a, kfk__accumulator_news *news);
/* The next topic, the next partition, of which there is news; NULL: no more. */
kfk__topic *kfk__accumulator_next_topic(kfk__accumulator *a);
kfk__partition *kfk__accumulator_next_partition(kfk__accumulator *a);
/* The Sender is about to sleep until |until|. false: there is news, do not. */
bool kfk__accumulator_park(kfk__accumulator *a, int64_t until);
/* Partitions of a topic have come, or will not (|err|): whoever waits goes on. */
void kfk__accumulator_known(kfk__accumulator *a, kfk__topic *t, kfk_err err);
/* The oldest batch without a result, or the oldest of those behind |order|; NULL: there is none. */
kfk__producer_batch *kfk__accumulator_oldest(kfk__accumulator *a);
kfk__producer_batch *kfk__accumulator_behind(kfk__accumulator *a, kfk__batch_order order);
/* The id of the batch that will be begun next. */
uint64_t kfk__accumulator_next_id(kfk__accumulator *a);
/* |part| has records of |b|, and is without a result as long; or is no more. */
void kfk__accumulator_parted(kfk__accumulator *a, kfk__producer_batch *b,
                             kfk__producer_batch *part);
void kfk__accumulator_unparted(kfk__accumulator *a, kfk__producer_batch *part);
/* Appends what the records of a batch inflate to. KFK_ERR_NOMEM, KFK_ERR_INTERNAL. */
kfk_err kfk__accumulator_inflate(kfk__accumulator *a, const kfk__producer_batch *b,
                                 kfk_bytes packed, kfk__buf *out);
/* A batch has its result, of which the application's thread will tell. */
void kfk__accumulator_untold(kfk__accumulator *a, kfk__producer_batch *b);
/* A batch has its result, and its callbacks have been called. Any thread. */
void kfk__accumulator_finished(kfk__accumulator *a, kfk__producer_batch *b);

#endif
