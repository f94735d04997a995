/* identity: the producer id and epoch that make sends idempotent (KIP-98), and how they are come by. Belongs to the
 * Sender. */
#ifndef KFK_PRODUCER_IDENTITY_H
#define KFK_PRODUCER_IDENTITY_H

#include "client/client.h"

typedef struct kfk__identity {
    bool wanted; /* enable.idempotence */
    int64_t id;  /* -1: none yet */
    int16_t epoch; /* -1: likewise */
    bool asked; /* InitProducerId is on its way */
    kfk_error refusal; /* that was its end; KFK_OK: it was not */
    kfk__retry retry;  /* of those that were refused, one after another */
    int64_t ask_at;    /* not before; 0: none has been refused */
} kfk__identity;

void kfk__identity_init(kfk__identity *i, bool wanted);
/* Asks for an id if one is wanted and neither there nor on its way. */
void kfk__identity_ask(kfk__identity *i, kfk__client *c);
/* Whether batches may be sent. */
bool kfk__identity_ready(const kfk__identity *i);
/* The next epoch; at the end of the epochs, a new id is asked for. */
void kfk__identity_next_epoch(kfk__identity *i);

#endif
