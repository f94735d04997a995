/* coordinate: which node looks after a group, and what is due in all of them.
 *
 * There is one copy of a group; that it has a coordinator means who may be asked about it. When
 * that one goes, or runs anew, the group moves: what stays is what a coordinator reads from its
 * log.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_COORDINATE_H
#define KFK_DEVBROKER_COORDINATE_H

#include "devbroker/cluster.h"

/* Does what is due: groups move whose coordinator is another one, sessions and waits end whose time
 * is over. */
void kfk__dev_coordinate(kfk__dev_cluster *c, int64_t now);
/* The group, made where there is none. NULL: no memory. */
kfk__dev_group *kfk__dev_group_of(kfk__dev_cluster *c, kfk_bytes id);
/* The node coordinates |key| from now on. KFK_ERR_NOMEM. */
kfk_err kfk__dev_coordinate_at(kfk__dev_cluster *c, kfk_bytes key, int32_t node);

#endif
