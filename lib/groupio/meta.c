#include "groupio/meta.h"

#include <string.h>

/* NULL equals NULL only. */
static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool kfk__group_meta_equal(const kfk__group_meta *a, const kfk__group_meta *b)
{
    return a->generation == b->generation && same(a->member, b->member) &&
           same(a->instance, b->instance) && same(a->group, b->group);
}
