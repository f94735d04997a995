/* data: messages that travel as the bytes of another, which nobody on the way looks into: what the
 * consumers of a group tell its leader, and what it gives them.
 *
 *   version i16 · message
 *
 * Who reads one may be older than who wrote it. What a later version added stands behind what there
 * was before, so a version above the highest is read as that one, and what is left over is no
 * error. */
#ifndef KFK_PROTO_DATA_H
#define KFK_PROTO_DATA_H

#include "proto/proto.h"

/* Appends version and message. As kfk__encode. */
kfk_err kfk__data_encode(const kfk__data *d, int16_t version, const void *msg, kfk__buf *out);
/* |msg| points into |bytes| and |arena|. *version: what is written there, which may be above the
 * highest. KFK_ERR_PROTOCOL, with the field's name in |why| (may be NULL); KFK_ERR_NOMEM. */
kfk_err kfk__data_decode(const kfk__data *d, kfk_bytes bytes, kfk__arena *arena, void *msg,
                         int16_t *version, const char **why);

#endif
