/* letter: a record on its way to the dead letter topic, until the producer tells what became of it.
 *
 *   worker: send ──> out ──> delivered() on the producer's thread ──> result, the workers look up
 *
 * Owned by the partition that is aside for it, and by the producer's callback, which may come after the group has gone. */
#ifndef KFK_GROUP_LETTER_H
#define KFK_GROUP_LETTER_H

#include "group/handle.h"

typedef struct kfk__letter kfk__letter;

/* Why a record goes there. */
typedef struct kfk__letter_reason {
    const kfk_error *e;
    int attempts;
} kfk__letter_reason;

/* Sends |r|, which rs gave last. NULL: it could not be sent, and |why| says so. */
kfk__letter *kfk__letter_send(kfk_group *g, kfk_records *rs, const kfk_record_view *r,
                              const kfk__letter_reason *reason, kfk_error *why);
/* KFK_ERR_WOULD_BLOCK: it is out. KFK_OK: it is there. Else why not. */
kfk_err kfk__letter_result(const kfk__letter *l);
/* NULL is allowed. */
void kfk__letter_drop(kfk__letter *l);

#endif
