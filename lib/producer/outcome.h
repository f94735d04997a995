/* outcome: what an answer to a Produce request says about a batch.
 *
 * Three values, never a guess (design): a batch may be called not written only if it never went to a socket, or if
 * every attempt was answered by a code on the list of those that refuse definitely. */
#ifndef KFK_PRODUCER_OUTCOME_H
#define KFK_PRODUCER_OUTCOME_H

#include <stdbool.h>

#include <kfk/error.h>

/* The broker has looked at the batch and has not appended it. */
bool kfk__refuses(kfk_err code);
/* Worth another attempt. */
bool kfk__produce_retriable(kfk_err code);
/* The partition's leader is somewhere else, or its topic another: metadata is to be asked for. */
bool kfk__stale_metadata(kfk_err code);

#endif
