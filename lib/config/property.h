/* property: what is known of every property: name, type, default, bounds, who reads it, whether it
 * is built yet.
 *
 * One table (property.def) drives parsing, checking, introspection and kfk-config(5). It is
 * constant. */
#ifndef KFK_CONFIG_PROPERTY_H
#define KFK_CONFIG_PROPERTY_H

#include <stdbool.h>

#include <kfk/config.h>

/* KFK__P_LINGER_MS and so on: the index into kfk__property_table. */
typedef enum kfk__property_id {
#define PROPERTY(id, name, type, roles, importance, deflt, bounds, built, flags, doc) KFK__P_##id,
#define ROLE_DEFAULT(id, role, deflt)
#include "config/property.def"
#undef PROPERTY
#undef ROLE_DEFAULT
    KFK__P_COUNT
} kfk__property_id;

typedef enum kfk__property_type {
    KFK__TYPE_INT,
    KFK__TYPE_LONG,
    KFK__TYPE_SHORT,
    KFK__TYPE_DOUBLE,
    KFK__TYPE_BOOLEAN,
    KFK__TYPE_STRING,
    KFK__TYPE_LIST,
    KFK__TYPE_CLASS,
    KFK__TYPE_PASSWORD
} kfk__property_type;

enum {
    KFK__PROPERTY_TOPIC = 1,       /* may be set for one topic */
    KFK__PROPERTY_JVM = 2,         /* means something to the Java client only */
    KFK__PROPERTY_JVM_SECURITY = 4 /* the same, but to leave it out would change who is trusted */
};

typedef struct kfk__property {
    const char *name;
    const char *deflt;  /* NULL: none */
    const char *bounds; /* NULL: any */
    const char *built;  /* the values that are built: NULL all, "" the default only, or a list */
    const char *doc;
    kfk__property_type type;
    uint32_t roles;
    uint32_t flags;
} kfk__property;

extern const kfk__property kfk__property_table[KFK__P_COUNT];

/* By name, without a prefix. -1: there is none. */
int kfk__property_find(const char *name);
/* The known name that is most like |name|, or NULL if none is. */
const char *kfk__property_nearest(const char *name);
/* What holds for a role (0: whichever) where nothing is set. NULL: no default. */
const char *kfk__property_default(int id, uint32_t role);
/* Whether |value|, in the form of value.h, is the default of any role. */
bool kfk__property_is_default(int id, const char *value);

#endif
