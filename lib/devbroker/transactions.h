/* transactions: what the batches of one log tell of transactions (KIP-98): which are open, and
 * which have ended in an abort. Nothing else of them is here: no coordinator, no request.
 *
 *   batches of producer 7   [ 10..12 ]     [ 15..15 ]     [ 18: abort ]
 *                             first, open ─────────────────> aborted {7, 10, 18}
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_TRANSACTIONS_H
#define KFK_DEVBROKER_TRANSACTIONS_H

#include <stdbool.h>

#include <kfk/types.h>

#include "record/batch.h"

typedef struct kfk__dev_transaction {
    int64_t producer_id;
    int64_t first; /* offset of its first batch */
    int64_t last;  /* of its marker; -1 while it is open */
} kfk__dev_transaction;

typedef struct kfk__dev_transactions {
    const kfk_allocator *alloc;
    kfk__dev_transaction *open;
    size_t n_open, cap_open;
    kfk__dev_transaction *aborted; /* by the offsets of their markers */
    size_t n_aborted, cap_aborted;
} kfk__dev_transactions;

void kfk__dev_transactions_init(kfk__dev_transactions *t, const kfk_allocator *a);
void kfk__dev_transactions_fini(kfk__dev_transactions *t);

/* Takes in the next batch of the log, its |size| bytes at |b|, with header |h|. false: no memory,
 * and nothing has changed. */
bool kfk__dev_transactions_take(kfk__dev_transactions *t, const kfk__batch_header *h,
                                const uint8_t *b, size_t size);
/* Forgets all, but keeps the memory: to take in what was there before does not fail. */
void kfk__dev_transactions_clear(kfk__dev_transactions *t);
/* Forgets the aborted ones whose markers lie before |offset|. */
void kfk__dev_transactions_trim(kfk__dev_transactions *t, int64_t offset);

/* The last stable offset, where the first open one begins, of a log that ends at |end|. */
int64_t kfk__dev_transactions_stable(const kfk__dev_transactions *t, int64_t end);
/* The aborted ones that lie at least partly in [from, to): fills in at most |max|, and returns how
 * many there are. */
size_t kfk__dev_transactions_aborted(const kfk__dev_transactions *t, int64_t from, int64_t to,
                                     kfk__dev_transaction *out, size_t max);

#endif
