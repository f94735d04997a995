/* throttle: how long a broker wants to be left alone (KIP-219). */
#ifndef KFK_CLIENT_THROTTLE_H
#define KFK_CLIENT_THROTTLE_H

#include "proto/proto.h"

/* The ms for which nothing may be sent to the broker that gave this response; 0: none, also where the version is so
 * old that the broker itself has held the answer back. */
int64_t kfk__throttle_ms(const kfk__api *api, int16_t version, const void *response);

#endif
