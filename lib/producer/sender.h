/* sender: what takes batches from the accumulator to the brokers, and results back, has of its own.
 *
 * It belongs to the Sender thread, which runs kfk__sender_step (sender_step.h); settle.h and kept.h are parts of what
 * that does. */
#ifndef KFK_PRODUCER_SENDER_H
#define KFK_PRODUCER_SENDER_H

#include "client/client.h"
#include "producer/accumulator.h"
#include "producer/identity.h"
#include "producer/metrics.h"
#include "producer/produce.h"
#include "producer/schedule.h"

typedef struct kfk__sender_options {
    int64_t linger_ns;
    int64_t availability_ns; /* partitioner.availability.timeout.ms; 0: brokers are not watched */
    int64_t delivery_timeout_ms;
    int32_t request_timeout_ms;
    uint32_t retries;
    bool in_order; /* one in flight a partition: max.in.flight.requests.per.connection=1 */
    size_t max_request_size;
    int16_t acks;
    bool idempotent;
    void (*event)(void *owner, const kfk_event *e); /* NULL: nobody wants to know */
} kfk__sender_options;

/* A batch has its result. true: its callbacks have been called. false: they will be, and kfk__accumulator_finished and
 * kfk__producer_batch_drop after that. */
typedef bool kfk__finish_fn(void *owner, kfk__producer_batch *b, const kfk__result *r);

typedef struct kfk__sender {
    const kfk__env *env;
    kfk__sender_options options;
    kfk__accumulator *accumulator;
    kfk__client client;
    kfk__schedule schedule;
    kfk__list topics; /* all, by link */
    kfk__identity identity;
    kfk__arena scratch; /* what a request needs while it is encoded */
    kfk__produce *spare; /* requests that have been answered, to be used again */
    int n_spare;
    uint64_t produces;   /* requests so far */
    uint64_t purged;     /* batches in front of this one have been purged */
    kfk__producer_metrics metrics;
    bool closing;        /* nothing more goes in, and nothing lingers */
    bool abandoned;      /* nothing is worth a retry any more */
    kfk__finish_fn *finish;
    void *owner;
} kfk__sender;

/* Tells who wants to know; topic and partition are those of |p|, if there is one. */
static inline void kfk__sender_event(kfk__sender *s, const kfk__partition *p, kfk_event e)
{
    if (!s->options.event)
        return;
    e.topic = p ? p->topic->name : NULL;
    e.partition = p ? p->index : -1;
    s->options.event(s->owner, &e);
}

#endif
