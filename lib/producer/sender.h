/* sender: takes batches from the accumulator to the brokers, and results back.
 *
 *   news ──> schedule: what is ready, by leader ──> one head batch of each partition of a broker in one Produce request
 *
 *   answer ──> delivered, refused: callbacks     retriable: back into the deque, in sequence order, same bytes
 *
 * Everything here belongs to the Sender thread, which runs kfk__sender_step. */
#ifndef KFK_PRODUCER_SENDER_H
#define KFK_PRODUCER_SENDER_H

#include "client/client.h"
#include "producer/accumulator.h"
#include "producer/identity.h"
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
    uint64_t produces;   /* requests so far */
    uint64_t purged;     /* batches in front of this one have been purged */
    bool closing;        /* nothing more goes in, and nothing lingers */
    bool abandoned;      /* nothing is worth a retry any more */
    kfk__finish_fn *finish;
    void *owner;
} kfk__sender;

/* |finish| calls the callbacks of a batch. KFK_ERR_NOMEM. */
kfk_err kfk__sender_init(kfk__sender *s, const kfk__env *env, const kfk__sender_options *options,
                         const kfk__client_options *client_options, kfk__accumulator *a,
                         kfk__poller *poller, kfk__finish_fn *finish, void *owner);
/* Gives all back. Every batch has its result. */
void kfk__sender_fini(kfk__sender *s, int64_t now);

/* Tells who wants to know; topic and partition are those of |p|. */
void kfk__sender_event(kfk__sender *s, const kfk__partition *p, kfk_event e);

/* Does all that can be done. Returns when to be called again. */
int64_t kfk__sender_step(kfk__sender *s, const kfk__event *ev, int n, int64_t now);
/* Nothing more goes in, and nothing lingers any more. */
void kfk__sender_closing(kfk__sender *s);
/* Closes all connections and ends every batch with KFK_ERR_CLOSED, but those that somebody is compressing: to be called
 * again until the Sender is idle. false: there was nothing to end. */
bool kfk__sender_abandon(kfk__sender *s, int64_t now);
/* Whether there is nothing left to send or to wait for. */
bool kfk__sender_idle(kfk__sender *s);

#endif
