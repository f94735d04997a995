/* config: the properties of a handle, as its entry file reads them.
 *
 *   application: kfk_config_set, _load, _hooks        entry file of a handle: copy, check for its
 * role, then read
 *
 *   "consumer.fetch.min.bytes" = "7"  ->  setting {FETCH_MIN_BYTES, consumer, "7"}  ->
 * kfk__config_int(c, id)
 *
 * Only the files that make handles see a kfk_config; they fill the small options struct of each
 * module from it. */
#ifndef KFK_CONFIG_CONFIG_H
#define KFK_CONFIG_CONFIG_H

#include <stdbool.h>

#include <kfk/config.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/assignor.h"
#include "config/property.h"
#include "config/setting.h"

struct kfk_config {
    kfk_allocator alloc;
    kfk__settings settings;
    kfk__config_assignors assignors;
    kfk__log log;
    kfk_hooks hooks; /* what was given; |log| is made of it */
    void *hooks_arg;
    kfk__buf notes; /* lines made before there was a log function: the level as one byte, then the
                       text and a NUL */
    uint32_t role;  /* whose values the functions below give; 0 before kfk__config_check */
};

/* A copy of |c|, using |a| (NULL: the allocator of |c|). NULL: no memory. */
kfk_config *kfk__config_copy(const kfk_config *c, const kfk_allocator *a);

/* Makes |c|, a copy, the properties of one role: all that is not for the role goes, what
 * contradicts is refused, and what follows from other properties is filled in, as the Java client
 * does it. One line of log for each such change. KFK_ERR_CONFIG: a property that the role does not
 * read was set by a call, one is missing, or two contradict each other. KFK_ERR_UNSUPPORTED: a
 * value from a file needs a part that is not built yet. KFK_ERR_NOMEM. */
kfk_err kfk__config_check(kfk_config *c, uint32_t role, kfk_error *e);

/* The value of a property, set or default. The caller knows the type; what has no value is NULL, 0
 * or false. */
const char *kfk__config_string(const kfk_config *c, kfk__property_id id);
int64_t kfk__config_long(const kfk_config *c, kfk__property_id id);
int32_t kfk__config_int(const kfk_config *c, kfk__property_id id);
bool kfk__config_bool(const kfk_config *c, kfk__property_id id);
double kfk__config_double(const kfk_config *c, kfk__property_id id);
/* Which of the values that the table lists in its bounds, from 0; for compression.type that is
 * Kafka's number. */
int kfk__config_choice(const kfk_config *c, kfk__property_id id);
/* The i-th item of a list. false: it has fewer. */
bool kfk__config_item(const kfk_config *c, kfk__property_id id, size_t i, kfk_bytes *item);
/* Whether it was set at all. */
bool kfk__config_is_set(const kfk_config *c, kfk__property_id id);

/* The i-th setting that is for one topic only; false: there are fewer. The same topic may come more
 * than once. */
bool kfk__config_topic(const kfk_config *c, size_t i, const char **topic, kfk__property_id *id);
/* As above, for one topic: what was set for it, else what holds for all. */
int32_t kfk__config_topic_int(const kfk_config *c, const char *topic, kfk__property_id id);
const char *kfk__config_topic_string(const kfk_config *c, const char *topic, kfk__property_id id);
int kfk__config_topic_choice(const kfk_config *c, const char *topic, kfk__property_id id);

/* The i-th assignor of the application; NULL: there are fewer. Valid as long as |c|. */
const kfk__config_assignor *kfk__config_assignor_at(const kfk_config *c, size_t i);

/* For the files of this folder. */

/* A property's name, taken apart. */
typedef struct kfk__config_key {
    int id;           /* -1: unknown */
    uint32_t scope;   /* the roles of its prefix, or 0 */
    const char *full; /* as given */
    const char *name; /* without the prefix */
} kfk__config_key;

kfk__config_key kfk__config_key_of(const char *name);
/* Reads, checks and stores one value; the topic and the line are as in kfk__setting. Errors as
 * kfk_config_set. */
kfk_err kfk__config_put(kfk_config *c, kfk__config_key key, const char *topic, const char *value,
                        int line, kfk_error *e);
/* Whether a topic can be called that; for which group.instance.id has the same rule. */
bool kfk__config_is_topic(const char *s);
/* What kfk__config_check does for consumers and groups, as far as it is about the group. */
kfk_err kfk__config_check_group(const kfk_config *c, kfk_error *e);
/* Logs a line, or keeps it until there is a log function. KFK_ERR_NOMEM. */
kfk_err kfk__config_note(kfk_config *c, kfk_error *e, int level, const char *fmt, ...)
    KFK_PRINTF(4, 5);

#endif
