/* reconcile: the steps by which a consumer comes to have what it is to have: it gives up first, and
 * gets once the others have given up.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_RECONCILE_H
#define KFK_DEVBROKER_RECONCILE_H

#include "devbroker/group.h"

/* One step. |owned|: what the member says that it has; NULL: it does not say. |changed|: it wants
 * something else than before. *assigned: whether what it may have is another. false: no memory, and
 * all is as it was. */
bool kfk__dev_reconcile(kfk__dev_consumer *m, const kfk__dev_parts *owned, bool changed,
                        bool *assigned);

#endif
