/* config: a topic's settings: Kafka's table of names, types and defaults, and what one topic
 * overrides.
 *
 * The broker acts on max.message.bytes, min.insync.replicas, cleanup.policy and
 * message.timestamp.*; the others are kept and told. */
#ifndef KFK_DEVBROKER_CONFIG_H
#define KFK_DEVBROKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "base/arena.h"

/* As DescribeConfigs numbers them. */
typedef enum kfk__dev_config_type {
    KFK__DEV_BOOLEAN = 1,
    KFK__DEV_STRING = 2,
    KFK__DEV_INT = 3,
    KFK__DEV_LONG = 5,
    KFK__DEV_DOUBLE = 6,
    KFK__DEV_LIST = 7
} kfk__dev_config_type;

typedef struct kfk__dev_config_def {
    const char *name, *def;
    const char *one_of; /* "a|b|c": what a string or the members of a list may be; NULL: anything */
    kfk__dev_config_type type;
    int64_t min, max; /* numbers */
} kfk__dev_config_def;

enum { KFK__DEV_N_CONFIGS = 33 };
extern const kfk__dev_config_def kfk__dev_config_defs[KFK__DEV_N_CONFIGS];

/* What a topic has set (NULL: the default), and the values that the broker acts on. */
typedef struct kfk__dev_config {
    char *set[KFK__DEV_N_CONFIGS];
    int64_t before_max_ms, after_max_ms;
    int32_t max_message_bytes, min_insync;
    bool compacted, log_append;
} kfk__dev_config;

void kfk__dev_config_init(kfk__dev_config *c);
void kfk__dev_config_fini(kfk__dev_config *c, const kfk_allocator *a);
/* The row of a setting; -1: there is none. */
int kfk__dev_config_index(const char *name, size_t len);
/* Whether the value is of the row's type and in its bounds. */
bool kfk__dev_config_valid(int index, const char *value);
/* What is wrong with a value that is not valid, in Kafka's words. */
kfk_bytes kfk__dev_config_error(int index, const char *value, kfk__arena *a);
/* Copies the value. KFK_ERR_INVALID_ARG: not valid. KFK_ERR_NOMEM. */
kfk_err kfk__dev_config_set(kfk__dev_config *c, const kfk_allocator *a, int index,
                            const char *value);
static inline const char *kfk__dev_config_value(const kfk__dev_config *c, int index)
{
    return c->set[index] ? c->set[index] : kfk__dev_config_defs[index].def;
}

#endif
