/* profile: what a broker of a given Kafka version can do: the highest version it knows of each API
 * (kafka.md 6.1), and a few habits that changed. */
#ifndef KFK_DEVBROKER_PROFILE_H
#define KFK_DEVBROKER_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kfk__dev_profile {
    const char *name;          /* "2.1" */
    uint8_t column;            /* of the table of versions */
    bool advertises_zero;      /* every API from version 0 on, as before KIP-896 */
    bool controller_only;      /* topics are made and deleted by the controller alone (ZooKeeper) */
    bool known_producers_only; /* a forgotten producer must start at 0 (before KIP-360) */
    bool features;             /* tells finalized features */
} kfk__dev_profile;

/* By name: 2.1 2.4 2.8 3.3 3.7 4.3; NULL or "": the newest. NULL: unknown. */
const kfk__dev_profile *kfk__dev_profile_by_name(const char *name);
/* The highest version of an API; -1: this broker does not have it. */
int16_t kfk__dev_profile_max(const kfk__dev_profile *p, int16_t key);

#endif
