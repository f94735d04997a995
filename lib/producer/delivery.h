/* delivery: a batch's result, as each of its records is told of it.
 *
 * Runs callbacks with nothing locked, on the thread that is to run them. */
#ifndef KFK_PRODUCER_DELIVERY_H
#define KFK_PRODUCER_DELIVERY_H

#include "producer/produce.h"

/* The result of a batch. */
typedef struct kfk__result {
    kfk_err err;
    int32_t status;
    int64_t base_offset;     /* -1: not known */
    int64_t log_append_time; /* -1: the records' own timestamps hold */
    const char *msg;         /* NULL: none */
    const kfk__refused *refused; /* which of its records are at fault; NULL: not told */
} kfk__result;

/* Runs the callbacks of all records of |b|, in order. */
void kfk__deliver(kfk_producer *p, const kfk__producer_batch *b, const kfk__result *r);

#endif
