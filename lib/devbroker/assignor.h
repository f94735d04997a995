/* assignor: what each consumer of a group is to have.
 *
 *   uniform   as many each as the topics allow; who has a partition keeps it where that can be
 *   range     of each topic a run of partitions each, in the order of instances or ids
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_ASSIGNOR_H
#define KFK_DEVBROKER_ASSIGNOR_H

#include "devbroker/group.h"

/* "uniform, range": those that there are. */
extern const char *const kfk__dev_assignors;
bool kfk__dev_assignor_known(kfk_bytes name);

/* Sets the targets of all members. false: no memory, and they are as they were. */
bool kfk__dev_assign(kfk__dev_group *g, const char *assignor);
/* Whether the member wants the topic. */
bool kfk__dev_consumer_wants(const kfk__dev_consumer *m, const char *topic);
/* A digest of what there is of what the members want. */
uint64_t kfk__dev_topics_digest(kfk__dev_group *g);

#endif
