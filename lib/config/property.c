#include "config/property.h"

#include <string.h>

/* The words of the table's columns. */
enum {
    P = KFK_ROLE_PRODUCER,
    C = KFK_ROLE_CONSUMER | KFK_ROLE_GROUP,
    A = KFK_ROLE_ADMIN,
    PC = P | C,
    PA = P | A,
    CA = C | A,
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

enum { NAME_MAX_COMPARED = 80 }; /* longer than any name */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* How many characters have to be put in, left out or replaced to make |b| of |a|; |lb| <=
 * NAME_MAX_COMPARED. */
static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
    size_t row[NAME_MAX_COMPARED + 1];

    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

const char *kfk__property_nearest(const char *name)
{
    size_t len = strlen(name), best = len / 2 + 1;
    const char *nearest = NULL;

    if (len > NAME_MAX_COMPARED)
        return NULL;
    for (int i = 0; i < KFK__P_COUNT; i++) {
        const char *known = kfk__property_table[i].name;
        size_t d = distance(name, len, known, strlen(known));

        if (d < best) {
            best = d;
            nearest = known;
        }
    }
    return nearest;
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
