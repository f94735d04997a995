#include "group/metrics.h"

#include <stdio.h>

void kfk__group_metrics_init(kfk__group_metrics *m)
{
    *m = (kfk__group_metrics){0};
    kfk__histogram_init(&m->handler, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
}

#define GROUP(member) offsetof(kfk__group_metrics, member)

static const kfk__metric_row group_rows[] = {
    {"kfk_group_records_total", "records",
     "Records that record() was called for, or offsets that consume() was given and has passed.", KFK_COUNTER, 1, GROUP(records)},
    {"kfk_group_failed_records_total", "records", "Times that record() or consume() failed.",
     KFK_COUNTER, 1, GROUP(failed)},
    {"kfk_group_retried_records_total", "records", "Records that were, or are to be, handed out again.",
     KFK_COUNTER, 1, GROUP(retried)},
    {"kfk_group_skipped_records_total", "records", "Records of which failed() said KFK_SKIP.",
     KFK_COUNTER, 1, GROUP(skipped)},
    {"kfk_group_dead_letters_total", "records", "Records that dead.letter.topic has taken.",
     KFK_COUNTER, 1, GROUP(dead)},
    {"kfk_group_overdue_handlers_total", "calls",
     "Calls of handlers that had not returned when their partition was taken away.", KFK_COUNTER, 1,
     GROUP(overdue)},
    {"kfk_group_handler_seconds", "seconds",
     "How long a call of consume() took, or those of record() for one run.", KFK_HISTOGRAM,
     KFK__PER_SECOND, GROUP(handler)},
};

void kfk__group_metrics_visit(const kfk__group_metrics *m, kfk__visitor *v)
{
    kfk__visit_rows(v, group_rows, sizeof group_rows / sizeof *group_rows, m);
}

#define MEMBER(member) offsetof(kfk__member_metrics, member)

static const kfk__metric_row member_rows[] = {
    {"kfk_group_rebalances_total", "rebalances", "Rebalances that came to an end.", KFK_COUNTER, 1,
     MEMBER(rebalances)},
    {"kfk_group_failed_rebalances_total", "rebalances",
     "Rebalances that did not: a join or a heartbeat was refused.", KFK_COUNTER, 1, MEMBER(failed)},
    {"kfk_group_lost_partitions_total", "partitions",
     "Partitions that were another's before they had been given up.", KFK_COUNTER, 1, MEMBER(lost)},
    {"kfk_group_missed_deadlines_total", "deadlines",
     "Times that max.poll.interval.ms, or the deadline of a rebalance, passed.", KFK_COUNTER, 1,
     MEMBER(overdue)},
    {"kfk_group_heartbeats_total", "heartbeats", "Heartbeats that were answered.", KFK_COUNTER, 1,
     MEMBER(heartbeats)},
    {"kfk_group_owned_partitions", "partitions", "Partitions that this member has.", KFK_GAUGE, 1,
     MEMBER(owned)},
};

void kfk__group_metrics_visit_member(const kfk__member_metrics *m, kfk__visitor *v)
{
    kfk__visit_rows(v, member_rows, sizeof member_rows / sizeof *member_rows, m);
}

static const kfk__metric_row running_row = {
    "kfk_group_running_handler_seconds", "seconds",
    "How long the handler that is at the partition now has been.", KFK_GAUGE, 1000, 0};

void kfk__group_metrics_visit_running(kfk__visitor *v, const char *topic, int32_t partition, int64_t ms)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%d", partition);
    kfk__visitor_label(v, "topic", topic);
    kfk__visitor_label(v, "partition", number);
    kfk__visit_value(v, &running_row, ms);
    v->n_labels -= 2;
}
