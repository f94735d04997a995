/* subscription: what a member of a consumer group wants to read: topics by name, and by a regular
 * expression that the coordinator resolves.
 *
 * Kafka's coordinator takes RE2's expressions; here they are POSIX extended ones. Both must match a
 * whole name.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_SUBSCRIPTION_H
#define KFK_DEVBROKER_SUBSCRIPTION_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "devbroker/topic.h"

typedef struct kfk__dev_subscription {
    kfk_bytes *names; /* with what they point to, one piece of memory */
    int32_t n;
    kfk_bytes regex; /* null or empty: none */
} kfk__dev_subscription;

void kfk__dev_subscription_free(kfk__dev_subscription *s, const kfk_allocator *a);
/* false: no memory, and all is as it was. */
bool kfk__dev_subscription_names(kfk__dev_subscription *s, const kfk_allocator *a,
                                 const kfk_bytes *names, int32_t n);
bool kfk__dev_subscription_regex(kfk__dev_subscription *s, const kfk_allocator *a, kfk_bytes regex);
/* Whether these are the names that it has. */
bool kfk__dev_subscription_has(const kfk__dev_subscription *s, const kfk_bytes *names, int32_t n);
bool kfk__dev_regex_ok(kfk_bytes regex);

/* A subscription that is ready to be asked. */
typedef struct kfk__dev_wanted {
    const kfk__dev_subscription *s;
    bool compiled; /* false: no expression, or no memory for one */
    regex_t regex;
} kfk__dev_wanted;

void kfk__dev_wanted_open(kfk__dev_wanted *w, const kfk__dev_subscription *s);
bool kfk__dev_wanted_topic(const kfk__dev_wanted *w, const char *topic);
void kfk__dev_wanted_close(kfk__dev_wanted *w);

#endif
