#include "config/assignor.h"

#include "base/mem.h"

void kfk__config_assignors_fini(kfk__config_assignors *s, const kfk_allocator *a)
{
    for (size_t i = 0; i < s->n; i++)
        kfk__release(a, s->v[i].name);
    kfk__release(a, s->v);
    *s = (kfk__config_assignors){0};
}

bool kfk__config_assignors_add(kfk__config_assignors *s, const kfk_allocator *a,
                               const kfk__config_assignor *from)
{
    kfk__config_assignor *v = kfk__array(a, s->v, s->n + 1, sizeof *v);
    char *name;

    if (!v)
        return false;
    s->v = v;
    name = kfk__strdup(a, from->name);
    if (!name)
        return false;
    v[s->n] = *from;
    v[s->n++].name = name;
    return true;
}

bool kfk__config_assignors_copy(kfk__config_assignors *to, const kfk_allocator *a,
                                const kfk__config_assignors *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!kfk__config_assignors_add(to, a, &from->v[i])) {
            kfk__config_assignors_fini(to, a);
            return false;
        }
    return true;
}
