/* metrics: what a group counts beside its consumer: what became of runs and records. Written under the group's lock, once a
 * run; read by any thread. */
#ifndef KFK_GROUP_METRICS_H
#define KFK_GROUP_METRICS_H

#include "base/metrics.h"
#include "membership/metrics.h"

typedef struct kfk__group_metrics {
    kfk__counter records; /* handed to record(), or passed by consume() */
    kfk__counter failed, retried, skipped, dead; /* records of which failed() has said so */
    kfk__counter overdue; /* calls of handlers that outlived a deadline */
    kfk__histogram handler; /* the time of a call of consume(), or of record() for a whole run */
} kfk__group_metrics;

void kfk__group_metrics_init(kfk__group_metrics *m);
void kfk__group_metrics_visit(const kfk__group_metrics *m, kfk__visitor *v);
/* Those of the membership. */
void kfk__group_metrics_visit_member(const kfk__member_metrics *m, kfk__visitor *v);
/* |topic|-|partition|: the handler that is at it has been for so many ms. */
void kfk__group_metrics_visit_running(kfk__visitor *v, const char *topic, int32_t partition, int64_t ms);

#endif
