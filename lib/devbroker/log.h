/* log: one partition's log, in memory.
 *
 *   batches   [ 0..9 ][ 10..12 ][ 13..13 ][ 14..40 ]     by offset; each knows where its bytes are
 *               │        │         │         │
 *   chunks    [ bytes  bytes  ··· ]    [ bytes  bytes ··· ]
 *
 * Batches lie in wire form, one behind the other. A chunk never moves and its bytes are written
 * once, so an answer that is being sent points into it and holds a count on it; truncation closes
 * the last chunk instead of writing over it. All replicas of a partition share one log.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_LOG_H
#define KFK_DEVBROKER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "devbroker/transactions.h"
#include "record/batch.h"

typedef struct kfk__dev_chunk {
    const kfk_allocator *alloc;
    uint32_t refs;
    uint32_t len, cap;
    uint8_t bytes[];
} kfk__dev_chunk;

void kfk__dev_chunk_hold(kfk__dev_chunk *c);
/* Frees it with the last one. NULL is allowed. */
void kfk__dev_chunk_drop(kfk__dev_chunk *c);

typedef struct kfk__dev_batch {
    int64_t base, last; /* offsets */
    int64_t max_timestamp;
    kfk__dev_chunk *chunk;
    uint32_t at, size;
    int32_t leader_epoch;
} kfk__dev_batch;

/* From |start| on, the leader's epoch was |epoch|. */
typedef struct kfk__dev_epoch {
    int64_t start;
    int32_t epoch;
} kfk__dev_epoch;

typedef struct kfk__dev_log {
    const kfk_allocator *alloc;
    kfk__dev_batch *batches;
    size_t n, cap;
    kfk__dev_epoch *epochs;
    size_t n_epochs, cap_epochs;
    kfk__dev_chunk *tail; /* where the next batch goes; counted */
    kfk__dev_transactions transactions;
    int64_t start;        /* the first offset that may be read */
    int64_t high;         /* high watermark: what consumers may read ends here */
    int64_t end;          /* the next offset */
    size_t bytes;         /* in all batches */
} kfk__dev_log;

/* What a read gives: bytes inside a chunk, not counted for the caller. len 0: nothing there. */
typedef struct kfk__dev_slice {
    kfk__dev_chunk *chunk;
    const uint8_t *bytes;
    size_t len;
} kfk__dev_slice;

void kfk__dev_log_init(kfk__dev_log *l, const kfk_allocator *a);
void kfk__dev_log_fini(kfk__dev_log *l);

/* Appends one whole, valid batch |b| of |size| bytes, giving it the next offsets and
 * |leader_epoch|, which its crc does not cover. append_ms >= 0: its timestamps become that time
 * (LogAppendTime), and its crc is made anew. *base: its first offset. KFK_ERR_NOMEM: nothing has
 * changed. */
kfk_err kfk__dev_log_append(kfk__dev_log *l, const uint8_t *b, size_t size, int32_t leader_epoch,
                            int64_t append_ms, int64_t *base);
/* Puts a batch with header |h| as it is, with its own offsets and epoch, at or after the end; gaps
 * are allowed, as compaction leaves them. It may be a message of before Kafka 0.11. |h| NULL: what
 * is read there, by which a compressed set of messages seems to begin with its last.
 * KFK_ERR_INVALID_ARG: not a whole batch, or before the end. KFK_ERR_NOMEM. */
kfk_err kfk__dev_log_load(kfk__dev_log *l, const uint8_t *b, size_t size,
                          const kfk__batch_header *h);
/* From the batch that holds |offset| (or the first after it), at most |max| bytes, cut anywhere as
 * a broker cuts; what lies at or above |limit| is left out. A first batch longer than |max|:
 * nothing, or with |at_least_one| that batch. */
kfk__dev_slice kfk__dev_log_read(const kfk__dev_log *l, int64_t offset, int64_t limit, size_t max,
                                 bool at_least_one);
/* Bytes from |offset|'s batch to |limit|; no more than |max| are counted. */
size_t kfk__dev_log_available(const kfk__dev_log *l, int64_t offset, int64_t limit, size_t max);
/* The batch that holds |offset|, or the first after it; NULL: none. */
const kfk__dev_batch *kfk__dev_log_find(const kfk__dev_log *l, int64_t offset);
/* The first batch whose max timestamp is |ms| or more; NULL: none. */
const kfk__dev_batch *kfk__dev_log_find_time(const kfk__dev_log *l, int64_t ms);
static inline const uint8_t *kfk__dev_batch_bytes(const kfk__dev_batch *b)
{
    return b->chunk->bytes + b->at;
}

/* The last stable offset: what consumers with isolation.level=read_committed may read ends here. */
static inline int64_t kfk__dev_log_stable(const kfk__dev_log *l)
{
    return kfk__dev_transactions_stable(&l->transactions, l->high);
}

/* Drops every batch that holds |offset| or what follows. */
void kfk__dev_log_truncate(kfk__dev_log *l, int64_t offset);
/* Moves the start up to |offset| (at most the end) and drops the batches that end before it. */
void kfk__dev_log_trim(kfk__dev_log *l, int64_t offset);
/* Drops the batches of the oldest chunk, or half of them where there is only one chunk. false:
 * there are not two batches. */
bool kfk__dev_log_shed(kfk__dev_log *l);

/* Where |epoch| ends (KIP-320): *found is the largest epoch that is not above it, *end where that
 * one ended. Both -1: |epoch| is above the newest, |newest|. */
void kfk__dev_log_epoch_end(const kfk__dev_log *l, int32_t epoch, int32_t newest, int32_t *found,
                            int64_t *end);
/* The last epoch that began before |end|; -1: none. */
int32_t kfk__dev_log_newest_epoch(const kfk__dev_log *l, int64_t end);
/* The epoch of the batch that holds |offset|; -1: none. */
int32_t kfk__dev_log_epoch_at(const kfk__dev_log *l, int64_t offset);

#endif
