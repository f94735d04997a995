#include "config/property.h"

#include <string.h>

#include "base/bytes.h"
#include "config/nearest.h"

/* The words of the table's columns. */
enum {
    P = KFK_ROLE_PRODUCER,
    C = KFK_ROLE_CONSUMER | KFK_ROLE_GROUP,
    A = KFK_ROLE_ADMIN,
    PC = P | C,
    PA = P | A,
    CA = C | A,
    G = KFK_ROLE_GROUP,
    ALL = P | C | A
};
enum {
    TOPIC = KFK__PROPERTY_TOPIC,
    JVM = KFK__PROPERTY_JVM,
    JVM_SECURITY = KFK__PROPERTY_JVM_SECURITY
};
#define ANY NULL
#define DEFAULT_ONLY ""

#define ROLE_DEFAULT(id, role, deflt)
#define PROPERTY(id, name, type, roles, importance, deflt, bounds, built, flags, doc) \
    {name, deflt, bounds, built, doc, KFK__TYPE_##type, roles, flags},
const kfk__property kfk__property_table[KFK__P_COUNT] = {
#include "config/property.def"
};
#undef PROPERTY
#undef ROLE_DEFAULT

#define PROPERTY(id, name, type, roles, importance, deflt, bounds, built, flags, doc)
#define ROLE_DEFAULT(id, role, deflt) {KFK__P_##id, KFK_ROLE_##role, deflt},
static const struct {
    int id;
    uint32_t role;
    const char *deflt;
} role_defaults[] = {
#include "config/property.def"
};

int kfk__property_find(const char *name)
{
    for (int i = 0; i < KFK__P_COUNT; i++)
        if (strcmp(kfk__property_table[i].name, name) == 0)
            return i;
    return -1;
}

const char *kfk__property_nearest(const char *name)
{
    kfk__nearest n = kfk__nearest_to(kfk__bytes_str(name));

    for (int i = 0; i < KFK__P_COUNT; i++)
        kfk__nearest_try(&n, kfk__bytes_str(kfk__property_table[i].name));
    return n.known.data;
}

const char *kfk__property_default(int id, uint32_t role)
{
    for (size_t i = 0; i < sizeof role_defaults / sizeof *role_defaults; i++)
        if (role_defaults[i].id == id && (role_defaults[i].role & role))
            return role_defaults[i].deflt;
    return kfk__property_table[id].deflt;
}

bool kfk__property_is_default(int id, const char *value)
{
    const char *deflt = kfk__property_table[id].deflt;

    if (deflt && strcmp(deflt, value) == 0)
        return true;
    for (size_t i = 0; i < sizeof role_defaults / sizeof *role_defaults; i++)
        if (role_defaults[i].id == id && strcmp(role_defaults[i].deflt, value) == 0)
            return true;
    return false;
}
