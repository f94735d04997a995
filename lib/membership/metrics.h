/* metrics: what a member of a group counts beside its client. The Coordinator thread writes, any thread reads. */
#ifndef KFK_MEMBERSHIP_METRICS_H
#define KFK_MEMBERSHIP_METRICS_H

#include "base/metrics.h"

typedef struct kfk__member_metrics {
    kfk__counter rebalances; /* that came to an end */
    kfk__counter failed;     /* that did not: joined in vain, refused */
    kfk__counter lost;       /* partitions that were another's before they were given up */
    kfk__counter overdue;    /* times that max.poll.interval.ms, or a deadline, passed */
    kfk__counter heartbeats; /* answered */
    kfk__gauge owned;        /* partitions */
} kfk__member_metrics;

#endif
