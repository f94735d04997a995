/* modern_classic: members that speak the classic protocol, in a group whose coordinator assigns.
 *
 *   Heartbeat ──REBALANCE_IN_PROGRESS──> JoinGroup ──> SyncGroup ──> the partitions it may have now
 *
 * None of them leads. Nobody waits: each goes its own way to its epoch, which it takes for a
 * generation, and is told to join again as long as it is not there.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_MODERN_CLASSIC_H
#define KFK_DEVBROKER_MODERN_CLASSIC_H

#include "devbroker/classic.h"
#include "devbroker/modern.h"

/* |parked| is told at once. false: no memory. */
bool kfk__dev_modern_join(kfk__dev_group *g, const kfk__dev_join *j);
bool kfk__dev_modern_sync(kfk__dev_group *g, const kfk__sync_group_request *req,
                          kfk__dev_parked *parked, int64_t now);
int16_t kfk__dev_modern_heartbeat(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                                  int32_t generation, int64_t now);

#endif
