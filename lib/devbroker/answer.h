/* answer: changes that a fault makes to any API's response, found by the schema's field names. */
#ifndef KFK_DEVBROKER_ANSWER_H
#define KFK_DEVBROKER_ANSWER_H

#include <stdint.h>

#include "proto/proto.h"

/* Sets each error_code that lies |level| arrays deep; where there are none so deep, the outermost
 * one. */
void kfk__dev_answer_errors(const kfk__schema *s, void *msg, int level, int16_t code);
/* Sets throttle_time_ms, if the response has it. */
void kfk__dev_answer_throttle(const kfk__schema *s, void *msg, int32_t ms);

#endif
