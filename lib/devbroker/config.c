#include "devbroker/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "devbroker/text.h"

#define MAX_LONG "9223372036854775807"

/* Ordered by name, as tools print them. */
const kfk__dev_config_def kfk__dev_config_defs[KFK__DEV_N_CONFIGS] = {
    {"cleanup.policy", "delete", "compact|delete", KFK__DEV_LIST, 0, 0},
    {"compression.gzip.level", "-1", NULL, KFK__DEV_INT, -1, 9},
    {"compression.lz4.level", "9", NULL, KFK__DEV_INT, 1, 17},
    {"compression.type", "producer", "uncompressed|zstd|lz4|snappy|gzip|producer", KFK__DEV_STRING,
     0, 0},
    {"compression.zstd.level", "3", NULL, KFK__DEV_INT, -131072, 22},
    {"delete.retention.ms", "86400000", NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"file.delete.delay.ms", "60000", NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"flush.messages", MAX_LONG, NULL, KFK__DEV_LONG, 1, INT64_MAX},
    {"flush.ms", MAX_LONG, NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"follower.replication.throttled.replicas", "", NULL, KFK__DEV_LIST, 0, 0},
    {"index.interval.bytes", "4096", NULL, KFK__DEV_INT, 0, INT32_MAX},
    {"leader.replication.throttled.replicas", "", NULL, KFK__DEV_LIST, 0, 0},
    {"local.retention.bytes", "-2", NULL, KFK__DEV_LONG, -2, INT64_MAX},
    {"local.retention.ms", "-2", NULL, KFK__DEV_LONG, -2, INT64_MAX},
    {"max.compaction.lag.ms", MAX_LONG, NULL, KFK__DEV_LONG, 1, INT64_MAX},
    {"max.message.bytes", "1048588", NULL, KFK__DEV_INT, 0, INT32_MAX},
    {"message.timestamp.after.max.ms", "3600000", NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"message.timestamp.before.max.ms", MAX_LONG, NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"message.timestamp.type", "CreateTime", "CreateTime|LogAppendTime", KFK__DEV_STRING, 0, 0},
    {"min.cleanable.dirty.ratio", "0.5", NULL, KFK__DEV_DOUBLE, 0, 1},
    {"min.compaction.lag.ms", "0", NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"min.insync.replicas", "1", NULL, KFK__DEV_INT, 1, INT32_MAX},
    {"preallocate", "false", NULL, KFK__DEV_BOOLEAN, 0, 0},
    {"remote.log.copy.disable", "false", NULL, KFK__DEV_BOOLEAN, 0, 0},
    {"remote.log.delete.on.disable", "false", NULL, KFK__DEV_BOOLEAN, 0, 0},
    {"remote.storage.enable", "false", NULL, KFK__DEV_BOOLEAN, 0, 0},
    {"retention.bytes", "-1", NULL, KFK__DEV_LONG, INT64_MIN, INT64_MAX},
    {"retention.ms", "604800000", NULL, KFK__DEV_LONG, -1, INT64_MAX},
    {"segment.bytes", "1073741824", NULL, KFK__DEV_INT, 1048576, INT32_MAX},
    {"segment.index.bytes", "10485760", NULL, KFK__DEV_INT, 4, INT32_MAX},
    {"segment.jitter.ms", "0", NULL, KFK__DEV_LONG, 0, INT64_MAX},
    {"segment.ms", "604800000", NULL, KFK__DEV_LONG, 1, INT64_MAX},
    {"unclean.leader.election.enable", "false", NULL, KFK__DEV_BOOLEAN, 0, 0},
};

int kfk__dev_config_index(const char *name, size_t len)
{
    for (int i = 0; i < KFK__DEV_N_CONFIGS; i++)
        if (strlen(kfk__dev_config_defs[i].name) == len &&
            !memcmp(kfk__dev_config_defs[i].name, name, len))
            return i;
    return -1;
}

/* ---- values ---- */

static bool parse_long(const char *s, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(s, &end, 10);
    return *s && !*end && !errno;
}

static bool valid_double(const char *s, int64_t min, int64_t max)
{
    char *end;
    double v = strtod(s, &end);

    return *s && !*end && v >= (double)min && v <= (double)max;
}

static bool is_one_of(const char *word, size_t len, const char *one_of)
{
    for (const char *p = one_of; *p;) {
        size_t n = strcspn(p, "|");

        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

static bool valid_list(const char *s, const char *one_of)
{
    while (one_of && *s) {
        size_t n = strcspn(s, ",");

        if (!is_one_of(s, n, one_of))
            return false;
        s += n + (s[n] == ',');
    }
    return true;
}

bool kfk__dev_config_valid(int index, const char *value)
{
    const kfk__dev_config_def *d = &kfk__dev_config_defs[index];
    int64_t n;

    switch (d->type) {
    case KFK__DEV_BOOLEAN:
        return is_one_of(value, strlen(value), "true|false");
    case KFK__DEV_STRING:
        return !d->one_of || is_one_of(value, strlen(value), d->one_of);
    case KFK__DEV_LIST:
        return valid_list(value, d->one_of);
    case KFK__DEV_DOUBLE:
        return valid_double(value, d->min, d->max);
    case KFK__DEV_INT:
    case KFK__DEV_LONG:
        return parse_long(value, &n) && n >= d->min && n <= d->max;
    }
    return false;
}

/* "a|b|c" as "a, b, c". */
static const char *listed(const char *one_of, kfk__arena *a)
{
    size_t n = strlen(one_of);
    char *out = kfk__arena_alloc(a, 2 * n + 1), *to = out;

    for (size_t i = 0; out && i < n; i++) {
        *to++ = one_of[i] == '|' ? ',' : one_of[i];
        if (one_of[i] == '|')
            *to++ = ' ';
    }
    if (out)
        *to = 0;
    return out ? out : one_of;
}

kfk_bytes kfk__dev_config_error(int index, const char *value, kfk__arena *a)
{
    const kfk__dev_config_def *d = &kfk__dev_config_defs[index];
    int64_t n;

    if (d->one_of)
        return kfk__dev_text(a, "Invalid value %s for configuration %s: String must be one of: %s",
                             value, d->name, listed(d->one_of, a));
    if (d->type == KFK__DEV_BOOLEAN)
        return kfk__dev_text(
            a, "Invalid value %s for configuration %s: Expected value to be either true or false",
            value, d->name);
    if (d->type == KFK__DEV_DOUBLE || !parse_long(value, &n))
        return kfk__dev_text(a, "Invalid value %s for configuration %s: Not a number of type %s",
                             value, d->name,
                             d->type == KFK__DEV_INT    ? "INT"
                             : d->type == KFK__DEV_LONG ? "LONG"
                                                        : "DOUBLE");
    if (n < d->min)
        return kfk__dev_text(a,
                             "Invalid value %s for configuration %s: Value must be at least %lld",
                             value, d->name, (long long)d->min);
    return kfk__dev_text(a,
                         "Invalid value %s for configuration %s: Value must be no more than %lld",
                         value, d->name, (long long)d->max);
}

/* ---- a topic's ---- */

static const char *value_of(const kfk__dev_config *c, const char *name)
{
    return kfk__dev_config_value(c, kfk__dev_config_index(name, strlen(name)));
}

static int64_t long_of(const kfk__dev_config *c, const char *name)
{
    int64_t n = 0;

    (void)parse_long(value_of(c, name), &n);
    return n;
}

static void act_on(kfk__dev_config *c)
{
    c->max_message_bytes = (int32_t)long_of(c, "max.message.bytes");
    c->min_insync = (int32_t)long_of(c, "min.insync.replicas");
    c->before_max_ms = long_of(c, "message.timestamp.before.max.ms");
    c->after_max_ms = long_of(c, "message.timestamp.after.max.ms");
    c->compacted = strstr(value_of(c, "cleanup.policy"), "compact") != NULL;
    c->log_append = strcmp(value_of(c, "message.timestamp.type"), "LogAppendTime") == 0;
}

void kfk__dev_config_init(kfk__dev_config *c)
{
    *c = (kfk__dev_config){0};
    act_on(c);
}

void kfk__dev_config_fini(kfk__dev_config *c, const kfk_allocator *a)
{
    for (int i = 0; i < KFK__DEV_N_CONFIGS; i++)
        kfk__release(a, c->set[i]);
    kfk__dev_config_init(c);
}

kfk_err kfk__dev_config_set(kfk__dev_config *c, const kfk_allocator *a, int index,
                            const char *value)
{
    char *copy;

    if (!kfk__dev_config_valid(index, value))
        return KFK_ERR_INVALID_ARG;
    copy = kfk__strdup(a, value);
    if (!copy)
        return KFK_ERR_NOMEM;
    kfk__release(a, c->set[index]);
    c->set[index] = copy;
    act_on(c);
    return KFK_OK;
}
