/* fetch: the messages of OffsetFetch, in every version: before 8 of one group, from 8 on of an
 * array of groups (of which we ask for one), from 10 on by the topics' ids. Pure. */
#ifndef KFK_GROUPIO_FETCH_H
#define KFK_GROUPIO_FETCH_H

#include "groupio/slots.h"
#include "proto/offset_fetch.h"

enum { KFK__FETCH_BY_NAME = 9 /* the last version that names topics */ };

/* |s| NULL: all that the group has. Where the version cannot ask for stable offsets, any will do,
 * as for Kafka's own consumer. KFK_ERR_NOMEM. */
kfk_err kfk__fetch_offsets_build(const kfk__slots *s, const kfk__group_meta *who, bool stable,
                                 int16_t version, kfk__arena *a, const void **body);
/* Takes the answer in. With |s|, what it says of each slot's entries, and |o| is settled; without,
 * |o| gets as many tps as the group has. The code of the group; or the first of a partition that is
 * worth another try, in which case nothing is settled; KFK_ERR_PROTOCOL; KFK_ERR_NOMEM. */
kfk_err kfk__fetch_offsets_read(const kfk__offset_fetch_response *rs, int16_t version,
                                kfk__slots *s, kfk__offsets *o, kfk_error *e);

#endif
