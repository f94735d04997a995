/* committed: the offsets that groups have committed, by group, topic and partition.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_COMMITTED_H
#define KFK_DEVBROKER_COMMITTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"

enum { KFK__DEV_GROUP_MAX = 2048 };

typedef struct kfk__dev_offset {
    kfk__list link; /* in the order they were first committed, but a group's of a topic together */
    kfk_bytes group, topic;
    char *metadata;
    size_t metadata_len;
    int64_t offset; /* -1: none yet */
    bool pending;   /* a transaction that has not ended has one, too */
    int32_t partition;
    int32_t leader_epoch;
    size_t key_len;
    uint8_t key[]; /* group, topic and partition, each with its length */
} kfk__dev_offset;

typedef struct kfk__dev_offsets {
    kfk__list all;
    kfk__map by_key;
} kfk__dev_offsets;

void kfk__dev_offsets_init(kfk__dev_offsets *os, const kfk_allocator *a);
void kfk__dev_offsets_fini(kfk__dev_offsets *os);
/* NULL: none. */
kfk__dev_offset *kfk__dev_offsets_get(const kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                                      int32_t partition);
/* Adds or replaces. KFK_ERR_INVALID_ARG: a name that is too long. KFK_ERR_NOMEM. */
kfk_err kfk__dev_offsets_put(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                             int32_t partition, int64_t offset, int32_t leader_epoch,
                             kfk_bytes metadata);
/* That a transaction has an offset pending there, or has no more. KFK_ERR_INVALID_ARG,
 * KFK_ERR_NOMEM. */
kfk_err kfk__dev_offsets_pend(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                              int32_t partition, bool pending);
/* What is stored of a group goes with it. */
void kfk__dev_offsets_forget_group(kfk__dev_offsets *os, kfk_bytes group);
/* Takes one away, if it is there. */
void kfk__dev_offsets_remove(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                             int32_t partition);
/* What is stored for a topic goes with it. */
void kfk__dev_offsets_forget(kfk__dev_offsets *os, kfk_bytes topic);

#endif
