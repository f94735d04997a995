/* producers: what a partition remembers of each idempotent producer: its epoch and its last five
 * batches (KIP-98).
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_PRODUCERS_H
#define KFK_DEVBROKER_PRODUCERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "record/batch.h"

enum { KFK__DEV_BATCHES_KEPT = 5 }; /* why a producer may have five requests in flight */

typedef struct kfk__dev_producers {
    kfk__map by_id;
    kfk__list all;
} kfk__dev_producers;

/* Where a batch went that was appended. */
typedef struct kfk__dev_appended {
    int64_t base_offset;
    int64_t append_ms; /* -1: the producer's own timestamps */
} kfk__dev_appended;

void kfk__dev_producers_init(kfk__dev_producers *p, const kfk_allocator *a);
void kfk__dev_producers_fini(kfk__dev_producers *p);
/* Forgets all of them, as a broker does after producer.id.expiration.ms. */
void kfk__dev_producers_expire(kfk__dev_producers *p);

/* Whether the batch may be appended: KFK_OK with *dup false; KFK_OK with *dup true, where it went
 * the first time in *was; INVALID_PRODUCER_EPOCH (47); OUT_OF_ORDER_SEQUENCE_NUMBER (45);
 * UNKNOWN_PRODUCER_ID (59), only if |known_only|, which is how brokers before 2.5 treat a producer
 * that they have forgotten. */
kfk_err kfk__dev_producers_check(const kfk__dev_producers *p, const kfk__batch_header *h,
                                 bool known_only, bool *dup, kfk__dev_appended *was);
/* Remembers a batch that was appended. KFK_ERR_NOMEM. */
kfk_err kfk__dev_producers_add(kfk__dev_producers *p, const kfk__batch_header *h,
                               kfk__dev_appended where);

#endif
