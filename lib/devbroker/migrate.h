/* migrate: a group changes its kind while it has members: up, when the first consumer joins that
 * lets the coordinator assign; down, when the last one of these leaves. What consumers say and get
 * in the classic protocol (ConsumerProtocolSubscription, ConsumerProtocolAssignment) is translated.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_MIGRATE_H
#define KFK_DEVBROKER_MIGRATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "devbroker/consumers.h"

/* KFK_OK; KFK_ERR_NOMEM; KFK_ERR_GROUP_ID_NOT_FOUND: it cannot be, and *why says what stands
 * against it. But for KFK_OK all is as it was. Who waits is told REBALANCE_IN_PROGRESS. */
int16_t kfk__dev_migrate_up(kfk__dev_group *g, const kfk__dev_fires *f, kfk__arena *a, int64_t now,
                            const char **why);
/* All members speak the classic protocol. A rebalance begins. false: no memory, and all is as it
 * was. */
bool kfk__dev_migrate_down(kfk__dev_group *g, int64_t now);

/* What one gets in the classic protocol, in the version in which it speaks. false: no memory. */
bool kfk__dev_write_assignment(const kfk__dev_consumer *m, const kfk__dev_parts *ps, kfk__buf *out);
/* Adds what the classic protocol says of topics by name: those that there are. false: no memory. */
bool kfk__dev_read_topic(const kfk__dev_groups *gs, kfk_bytes topic, const int32_t *v, int32_t n,
                         int32_t epoch, kfk__dev_parts *out);

#endif
