/* duration: a span of time as ISO 8601 and Java write it, PnDTnHnMn.nS. */
#ifndef KFK_CONFIG_DURATION_H
#define KFK_CONFIG_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* In whole ms, what is less is cut off. Letters of either case, any of the parts in that order, at least one, only
 * seconds with a fraction. false: it is none, is negative, or does not fit. */
bool kfk__duration_ms(const char *text, int64_t *ms);

#endif
