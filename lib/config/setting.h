/* setting: one property that was set, and the set of them. Values are in the form of value.h and
 * are wiped when they are replaced or given back. */
#ifndef KFK_CONFIG_SETTING_H
#define KFK_CONFIG_SETTING_H

#include <stdbool.h>

#include <kfk/types.h>

typedef struct kfk__setting {
    char *value;
    char *topic;    /* NULL: for all topics */
    int id;         /* kfk__property_id */
    uint32_t scope; /* the roles that the prefix of its name stands for; 0: it had none */
    int line;       /* of the file that it comes from; 0: it was set by a call */
} kfk__setting;

typedef struct kfk__settings {
    kfk__setting *v;
    size_t n, cap;
    const kfk_allocator *alloc;
} kfk__settings;

void kfk__settings_init(kfk__settings *s, const kfk_allocator *a);
/* Gives everything back; the set is as after init. */
void kfk__settings_fini(kfk__settings *s);
/* Adds a setting, in place of an earlier one of the same id, scope and topic. Copies |topic|,
 * whatever set->topic is, and takes set->value. false: no memory; then nothing is changed or taken.
 */
bool kfk__settings_put(kfk__settings *s, const kfk__setting *set, const char *topic);
/* Copies all of |from| into |to|, which is empty. false: no memory; then |to| is still empty. */
bool kfk__settings_copy(kfk__settings *to, const kfk__settings *from);
/* Of one allocator, both. */
void kfk__settings_swap(kfk__settings *a, kfk__settings *b);
void kfk__settings_remove(kfk__settings *s, size_t i);
/* Keeps what holds for one role, and drops the prefixes. */
void kfk__settings_keep(kfk__settings *s, uint32_t role);
/* What holds for a role (0: the settings without a prefix) and a topic (NULL: in general): a prefix
 * goes before none. NULL: not set. */
const kfk__setting *kfk__settings_find(const kfk__settings *s, int id, uint32_t role,
                                       const char *topic);

#endif
