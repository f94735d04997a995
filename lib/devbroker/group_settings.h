/* group_settings: what a broker's own settings say of groups. */
#ifndef KFK_DEVBROKER_GROUP_SETTINGS_H
#define KFK_DEVBROKER_GROUP_SETTINGS_H

#include <stdint.h>

/* 0 is Kafka's default, but for what rebalances wait for. */
typedef struct kfk__dev_group_settings {
    int32_t initial_delay_ms; /* group.initial.rebalance.delay.ms, of which Kafka's is 3000 */
    int32_t min_session_ms;   /* group.min.session.timeout.ms; 0: 6000 */
    int32_t max_session_ms;   /* group.max.session.timeout.ms; 0: 1800000 */
    int32_t max_size;         /* group.max.size and group.consumer.max.size; 0: no limit */
    int32_t session_ms;       /* group.consumer.session.timeout.ms; 0: 45000 */
    int32_t heartbeat_ms;     /* group.consumer.heartbeat.interval.ms; 0: 5000 */
    int32_t assign_ms;        /* group.consumer.assignment.interval.ms, of which Kafka's is 1000 */
} kfk__dev_group_settings;

#endif
