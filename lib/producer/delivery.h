/* delivery: a batch's result, as each of its records is told of it.
 *
 * Whoever runs callbacks does so with nothing locked. */
#ifndef KFK_PRODUCER_DELIVERY_H
#define KFK_PRODUCER_DELIVERY_H

#include <kfk/config.h>

#include "producer/producer_batch.h"

/* A batch on its way to being told, record by record. */
typedef struct kfk__delivery_walk {
    const kfk__result *result;
    kfk_delivery d; /* of the record that next came to */
    kfk__callback_walk pieces;
    kfk__callback *at, *end;
    int32_t index;      /* of the record at |at| */
    int32_t refused_at; /* where among the refused ones it is looked for */
    bool own_text;      /* the result is kept by the batch, and with it its texts */
    char text[256];
} kfk__delivery_walk;

/* Batch and result outlive the walk. */
void kfk__delivery_walk_init(kfk__delivery_walk *w, const kfk__producer_batch *b,
                             const kfk__result *r);
/* To the next record: its callback (fn NULL: it has none), and w->d, valid until the next call. NULL: no more. */
kfk__callback *kfk__delivery_walk_next(kfk__delivery_walk *w);

/* Runs the callbacks of all records of |b|, in order, each behind |on_ack|, if there is one. */
void kfk__deliver(kfk_producer *p, const kfk__producer_batch *b, const kfk__result *r,
                  kfk_ack_fn *on_ack, void *ack_arg);

/* Makes |r| the batch's own, with all that it points at; without the texts where there is no memory for them. */
void kfk__result_keep(kfk__producer_batch *b, const kfk__result *r);

#endif
