/* produce: one Produce request: which batches are in it, how it is encoded, and what its answer says of each.
 *
 * Belongs to the Sender. */
#ifndef KFK_PRODUCER_PRODUCE_H
#define KFK_PRODUCER_PRODUCE_H

#include "client/metadata.h"
#include "client/node.h"
#include "producer/producer_batch.h"
#include "producer/topics.h"

/* What the answer says of one batch. */
typedef struct kfk__produce_answer {
    kfk_err err;
    int64_t base_offset;
    int64_t log_append_time;
    kfk__hint hint; /* who leads instead */
    const char *msg; /* the broker's text, NUL-terminated; NULL: none */
    bool lost;       /* there was no answer: the connection has ended, because of |err|, or there was no memory */
    const kfk__refused *refused; /* NULL: not told */
} kfk__produce_answer;

enum { KFK__PRODUCE_FEW = 8 };

typedef struct kfk__produce {
    struct kfk__produce *next; /* where it is kept to be used again */
    const kfk_allocator *alloc;
    void *owner;
    uint64_t number; /* of the requests of its Sender */
    size_t n, cap;
    size_t size; /* of the batches */
    kfk__producer_batch **batches; /* NULL: answered */
    kfk__producer_batch *few[KFK__PRODUCE_FEW]; /* where they are while they are few */
} kfk__produce;

/* NULL: no memory. */
kfk__produce *kfk__produce_new(const kfk_allocator *a, void *owner);
void kfk__produce_free(kfk__produce *p);
/* false: no memory, and the batch is not in it. */
bool kfk__produce_add(kfk__produce *p, kfk__producer_batch *b);

/* The highest version that its topics allow: from 13 on they go by id, which each must have. */
int16_t kfk__produce_max_version(const kfk__produce *p);
/* Encodes it, with what it needs for that in |scratch|, and queues it at |n|, for |version|. Errors as
 * kfk__node_send. */
kfk_err kfk__produce_send(kfk__produce *p, kfk__node *n, int16_t version, int16_t acks,
                          int32_t timeout_ms, kfk__reply_fn *fn, kfk__arena *scratch, int64_t now);
/* Calls |each| for each batch that the response names, once; those that it does not name stay in p->batches. */
void kfk__produce_answers(kfk__produce *p, const void *body, int16_t version,
                          void (*each)(void *owner, kfk__producer_batch *b,
                                       const kfk__produce_answer *a, int64_t now),
                          int64_t now);

/* What the record at |index| is refused with: KFK_ERR_BATCH_REFUSED if it is not at fault, else what is at *at is about it.
 * Indices go up from call to call, and *at, 0 at first, with them. */
kfk_err kfk__refused_code(const kfk__refused *refused, int32_t index, int32_t *at);
/* The text of what is at |at|, perhaps written into |text| (NULL: the texts are terminated where they lie); |otherwise|
 * where the broker has none of its own. */
const char *kfk__refused_text(const kfk__refused *refused, int32_t at, char *text, size_t size,
                              const char *otherwise);

#endif
