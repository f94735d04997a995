/* group_settings: what a broker's own settings say of groups. */
#ifndef KFK_DEVBROKER_GROUP_SETTINGS_H
#define KFK_DEVBROKER_GROUP_SETTINGS_H

#include <stdint.h>

/* 0 is Kafka's default, but for the delay, of which Kafka's is 3000. */
typedef struct kfk__dev_group_settings {
    int32_t initial_delay_ms; /* group.initial.rebalance.delay.ms */
    int32_t min_session_ms;   /* group.min.session.timeout.ms; 0: 6000 */
    int32_t max_session_ms;   /* group.max.session.timeout.ms; 0: 1800000 */
    int32_t max_size;         /* group.max.size; 0: no limit */
} kfk__dev_group_settings;

#endif
