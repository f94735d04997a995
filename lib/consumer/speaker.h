/* member: who commits in the name of a group, as a value that several hold by counts: the handle as long as it is that
 * (shared.h), and every commit that was begun as it. Never changed. Any thread. */
#ifndef KFK_CONSUMER_SPEAKER_H
#define KFK_CONSUMER_SPEAKER_H

#include <stdatomic.h>

#include <kfk/config.h>

#include "groupio/meta.h"

typedef struct kfk__speaker {
    atomic_int owners;
    kfk_allocator alloc;
    kfk__group_meta meta; /* the strings are its own */
} kfk__speaker;

/* A copy of |who|, with one owner. NULL: no memory. */
kfk__speaker *kfk__speaker_new(const kfk_allocator *a, const kfk__group_meta *who);
static inline kfk__speaker *kfk__speaker_hold(kfk__speaker *m)
{
    if (m)
        atomic_fetch_add_explicit(&m->owners, 1, memory_order_relaxed);
    return m;
}
/* NULL is allowed. */
void kfk__speaker_drop(kfk__speaker *m);
/* Whether |now| is the same member, who has gone on since it was |then|. */
bool kfk__speaker_went_on(const kfk__speaker *then, const kfk__speaker *now);

#endif
