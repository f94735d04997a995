/* standing: why nothing moves: the failures that nothing has made good since.
 *
 * Two may stand at a time, the last of each kind: a connection that fails, until it is made or the broker is no more; and
 * what a broker refuses for a reason that may pass, until it grants the same. That is logged here, too; a connection's
 * failure is by the node. The owner's thread writes; any reads. */
#ifndef KFK_CLIENT_STANDING_H
#define KFK_CLIENT_STANDING_H

#include <kfk/error.h>

#include "base/lock.h"
#include "base/log_limit.h"
#include "client/options.h"

typedef struct kfk__standing {
    const kfk__client_options *options;
    kfk__log_limit *limit; /* of the client's lines */
    kfk__mutex lock;       /* guards the next two */
    kfk_error down;
    kfk_error refused; /* its topic and partition (-1: the topic) are what it is about */
} kfk__standing;

void kfk__standing_init(kfk__standing *s, const kfk__client_options *options,
                        kfk__log_limit *limit);
void kfk__standing_fini(kfk__standing *s);

/* A connection has failed. */
void kfk__standing_down(kfk__standing *s, const kfk_error *e);
/* That to this broker (-1: to a bootstrap address) is there, or is not wanted any more. */
void kfk__standing_up(kfk__standing *s, int32_t broker_id);
/* What is refused, and granted in the end. */
void kfk__standing_refused(kfk__standing *s, const kfk_error *e);
void kfk__standing_granted(kfk__standing *s, const char *topic, int32_t partition);
/* The same of what is asked of a partition (-1: of the topic), and a line in the log, now and then. */
void kfk__standing_partition_refused(kfk__standing *s, const char *topic, int32_t partition,
                                     kfk_err why, int64_t now);
void kfk__standing_partition_granted(kfk__standing *s, const char *topic, int32_t partition,
                                     int64_t now);

/* What stands, connections first. KFK_OK: nothing does. Any thread. */
kfk_err kfk__standing_get(kfk__standing *s, kfk_error *e);
/* The same of connections alone. */
kfk_err kfk__standing_connection(kfk__standing *s, kfk_error *e);

#endif
