/* producer_batch: the records of one partition that go out together, and what is to be called when they have.
 *
 *   OPEN ──full, or drained──> CLOSED ──compressed──> READY ──sequence, crc──> SENT ──answer──> finished
 *     records are appended          with a codec only              ^              │ retriable: the same bytes again
 *     in wire format                                               └──────────────┘
 *
 *   without a codec   first: [ header 61 | record record record ... | callbacks | batch ]   the record part goes out
 *   with a codec      first: [ header 61 | record ... | callbacks | batch ] -> [ record ... ] -> …   raw, until `packed`
 *   beside both       callbacks: [ (function, argument, timestamp) ... ] -> …   dense, by index; the first few lie in
 *                     the first chunk, and so does this struct: a batch is begun with one piece of memory
 *
 * A batch in a partition's deque is guarded by the partition's locks while it is OPEN or CLOSED (topics.h); from READY on
 * it is the Sender's. What has been sent never changes (design: a retry sends the same bytes). */
#ifndef KFK_PRODUCER_PRODUCER_BATCH_H
#define KFK_PRODUCER_PRODUCER_BATCH_H

#include <stdatomic.h>

#include <kfk/producer.h>

#include "base/buf.h"
#include "base/list.h"
#include "client/metadata.h"
#include "compress/compress.h"
#include "producer/pool.h"

typedef enum kfk__batch_state {
    KFK__BATCH_OPEN,
    KFK__BATCH_CLOSED,
    KFK__BATCH_READY,
    KFK__BATCH_SENT
} kfk__batch_state;

typedef struct kfk__callback {
    kfk_delivery_fn *fn;
    void *arg;
    union {
        int64_t timestamp_ms;
        int64_t partition; /* in a batch that is kept until the topic is known: the one given, or -1 */
    };
} kfk__callback;

/* Batches are begun one after another, and what becomes of one in parts has its place: no two are alike. */
typedef struct kfk__batch_order {
    uint64_t id;
    uint32_t part; /* the index of the first record in the batch that was begun */
} kfk__batch_order;

static inline bool kfk__batch_before(kfk__batch_order a, kfk__batch_order b)
{
    return a.id < b.id || (a.id == b.id && a.part < b.part);
}

/* How many lie in the first chunk, and in each that comes to it. */
enum { KFK__CALLBACKS_FIRST = 32, KFK__CALLBACKS_MORE = 128 };

static inline size_t kfk__callback_chunk(void)
{
    return KFK__CALLBACKS_MORE * sizeof(kfk__callback);
}

struct kfk__produce_response_partition;

/* The records that a batch was refused for, by index (KIP-467). */
typedef struct kfk__produce_response_partition kfk__refused;

/* The result of a batch. */
typedef struct kfk__result {
    kfk_err err;
    int32_t status;
    int64_t base_offset;         /* -1: not known */
    int64_t log_append_time;     /* -1: the records' own timestamps hold */
    const char *msg;             /* NULL: none */
    const kfk__refused *refused; /* which of its records are at fault; NULL: not told */
} kfk__result;

typedef struct kfk__producer_batch {
    /* What every append touches. */
    uint8_t *at;  /* where the next record goes */
    uint8_t *end; /* it must end before here */
    int64_t base_timestamp;
    int64_t max_timestamp;
    int32_t count;
    int32_t callback_limit; /* records up to here have room for a callback; 0: some are without before callback_at */
    kfk__callback *callback_at;

    kfk__codec codec;
    int level;
    size_t raw;       /* bytes of records in the full chunks; those in the last come to it at the end */
    size_t raw_limit; /* a record that would go past it does not go in */
    kfk__chunk *first, *last;
    kfk__chunk *callbacks, *last_callbacks; /* those after the first */
    kfk__callback *callback_end;
    int32_t n_slots; /* for callbacks, up to callback_end */
    kfk__buf packed;                        /* header and compressed records */

    kfk__batch_state state;
    bool urgent;      /* does not linger */
    bool compressing; /* CLOSED, and a thread is at it */
    kfk__list link;       /* in the partition's deque, or among those in flight */
    kfk__list incomplete; /* in the accumulator's list of all that have no result */
    kfk__list told;       /* in the outbox; it may be in flight still */
    struct kfk__partition *partition;
    kfk__batch_order order;
    int64_t created_at;

    /* The Sender's. */
    struct kfk__produce *produce; /* the request it is in; NULL: in none */
    int32_t base_sequence;        /* -1: not given yet */
    uint32_t attempts;
    kfk__partition_info tried; /* who led the partition at the last of them */
    bool doubt;    /* an attempt was written and not refused: it may be in the log */
    bool finished; /* it has its result, and waits for its request only */
    bool counted;  /* in the metrics, as sent */

    /* It is freed when nothing needs it any more: a request that a socket may still read, and what is to be told. */
    atomic_int holds;
    kfk__result result; /* dispatch=app: until it is told */
    void *result_text;  /* what |result| points at */
} kfk__producer_batch;

/* The chunk that holds |bytes| of records, header included, the first callbacks, and the batch. */
static inline size_t kfk__record_chunk(size_t bytes)
{
    return ((bytes + 7) & ~(size_t)7) + KFK__CALLBACKS_FIRST * sizeof(kfk__callback) +
           sizeof(kfk__producer_batch);
}

/* An OPEN batch in |chunk|, which is now its own, and has room for a first record of |first| bytes whatever |raw_limit|
 * says. */
kfk__producer_batch *kfk__producer_batch_new(const kfk_allocator *a, kfk__chunk *chunk,
                                             size_t first, kfk__codec codec, int level,
                                             size_t raw_limit);
/* One that needs it less. The last gives everything back to |pool|, the batch included. */
void kfk__producer_batch_drop(kfk__producer_batch *b, kfk__pool *pool);
/* Gives everything back, held or not. */
void kfk__producer_batch_free(kfk__producer_batch *b, kfk__pool *pool);

/* Adds a chunk for more records, or for more callbacks, which is now the batch's own. */
void kfk__producer_batch_extend(kfk__producer_batch *b, kfk__chunk *chunk);
void kfk__producer_batch_extend_callbacks(kfk__producer_batch *b, kfk__chunk *chunk);
/* Makes room for the callback of the next record; records that had none before it are given empty ones. false: a chunk
 * for more callbacks is needed first. */
bool kfk__producer_batch_callback_room(kfk__producer_batch *b);

/* No more records: OPEN becomes READY without a codec, CLOSED with one. */
void kfk__producer_batch_close(kfk__producer_batch *b);
/* Compresses a CLOSED batch, which the caller then makes READY; raw chunks go back to |pool|. Runs without any lock.
 * *ratio: compressed by raw. KFK_ERR_NOMEM, KFK_ERR_INTERNAL: it cannot be compressed, and is as before. */
kfk_err kfk__producer_batch_compress(kfk__producer_batch *b, kfk__compressor *c, kfk__pool *pool,
                                     double *ratio);
/* The bytes that go on the wire. READY. */
kfk_bytes kfk__producer_batch_bytes(const kfk__producer_batch *b);
/* Writes producer id, epoch, sequence and crc into the header. READY, and never sent. */
void kfk__producer_batch_seal(kfk__producer_batch *b, int64_t producer_id, int16_t epoch,
                              int32_t base_sequence);
/* Bytes of records in it, before compression. Not READY. */
size_t kfk__producer_batch_raw(const kfk__producer_batch *b);
/* How long it is, or will be, on the wire at the most. */
size_t kfk__producer_batch_size(const kfk__producer_batch *b);

/* The callbacks, one piece of memory after another; those of the records that have none, before the last that has one,
 * are among them. */
typedef struct kfk__callback_walk {
    kfk__callback *at;
    kfk__chunk *next;
    int32_t left;
} kfk__callback_walk;

void kfk__callback_walk_init(kfk__callback_walk *w, const kfk__producer_batch *b);
/* The next piece, of *n callbacks; NULL: there is none. */
kfk__callback *kfk__callback_walk_next(kfk__callback_walk *w, int32_t *n);

/* Stands for the callback of a record that has gone to another batch. Never called. */
void kfk__callback_moved(kfk_producer *p, const kfk_delivery *d, void *arg);

#endif
