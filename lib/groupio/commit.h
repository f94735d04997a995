/* commit: the messages of OffsetCommit, in every version. Pure: slots in, a request out; an answer
 * in, codes of slots out. */
#ifndef KFK_GROUPIO_COMMIT_H
#define KFK_GROUPIO_COMMIT_H

#include "groupio/slots.h"
#include "proto/offset_commit.h"

enum { KFK__COMMIT_BY_NAME = 9 /* the last version that names topics */ };

/* The newest entry of each slot; from version 10 on by the topics' ids, which are known then.
 * KFK_ERR_NOMEM. */
kfk_err kfk__commit_build(const kfk__slots *s, const kfk__group_meta *who, int16_t version,
                          kfk__arena *a, const void **body);
/* What it says of each slot: answered, code. What it says of others is passed over. */
void kfk__commit_read(const kfk__offset_commit_response *rs, int16_t version, kfk__slots *s);
/* Whether the code says for certain that nothing was stored. */
bool kfk__commit_refused(kfk_err code);

#endif
