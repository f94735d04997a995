#include "consumer/speaker.h"

#include <string.h>

#include "base/mem.h"

/* With its NUL; of NULL nothing. */
static size_t size_of(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *put(char **to, const char *s)
{
    const char *copy = s ? *to : NULL;
    size_t n = size_of(s);

    if (n > 0)
        memcpy(*to, s, n);
    *to += n;
    return copy;
}

kfk__speaker *kfk__speaker_new(const kfk_allocator *a, const kfk__group_meta *who)
{
    size_t n = size_of(who->group) + size_of(who->member) + size_of(who->instance);
    kfk__speaker *m = kfk__alloc(a, sizeof *m + n);
    char *to = (char *)(m + 1);

    if (!m)
        return NULL;
    atomic_init(&m->owners, 1);
    m->alloc = *a;
    m->meta = (kfk__group_meta){.group = put(&to, who->group),
                                .member = put(&to, who->member),
                                .instance = put(&to, who->instance),
                                .generation = who->generation};
    return m;
}

void kfk__speaker_drop(kfk__speaker *m)
{
    kfk_allocator a;

    if (!m || atomic_fetch_sub_explicit(&m->owners, 1, memory_order_acq_rel) != 1)
        return;
    a = m->alloc;
    kfk__release(&a, m);
}

bool kfk__speaker_went_on(const kfk__speaker *then, const kfk__speaker *now)
{
    return then && now && now->meta.generation > then->meta.generation &&
           strcmp(now->meta.member, then->meta.member) == 0;
}
