/* place: where in a partition to begin, or to go on, when that is not given as an offset: auto.offset.reset,
 * auto.offset.start, and what an application seeks to. Values, with no state. */
#ifndef KFK_CONSUMER_PLACE_H
#define KFK_CONSUMER_PLACE_H

#include <stdint.h>

typedef enum kfk__place_kind {
    KFK__PLACE_NONE,      /* nowhere: poll tells, and the application seeks */
    KFK__PLACE_TIME,      /* .ms: KFK_OFFSET_..., or the first record of that time (ms since 1970) or later */
    KFK__PLACE_AGO,       /* .ms: that many ms before it is looked up (KIP-1106) */
    KFK__PLACE_COMMITTED, /* what the group has committed, if it has */
} kfk__place_kind;

typedef struct kfk__place {
    kfk__place_kind kind;
    int64_t ms;
} kfk__place;

/* "earliest", "latest", "none" or "by_duration:PnDTnHnMn.nS", which the property table has checked. */
kfk__place kfk__place_read(const char *value);
/* What ListOffsets asks for, TIME or AGO, when it is |wall_ms|. */
int64_t kfk__place_timestamp(kfk__place p, int64_t wall_ms);

#endif
