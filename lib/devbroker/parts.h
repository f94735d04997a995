/* parts: sets of partitions, ordered by topic id and index, each with the epoch in which its owner
 * got it.
 *
 * Not locked: the broker's lock guards them. */
#ifndef KFK_DEVBROKER_PARTS_H
#define KFK_DEVBROKER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "base/uuid.h"

typedef struct kfk__dev_part {
    kfk__uuid topic;
    int32_t index;
    int32_t epoch;
} kfk__dev_part;

typedef struct kfk__dev_parts {
    kfk__dev_part *v;
    int32_t n, cap;
} kfk__dev_parts;

void kfk__dev_parts_free(kfk__dev_parts *ps, const kfk_allocator *a);
static inline void kfk__dev_parts_clear(kfk__dev_parts *ps)
{
    ps->n = 0;
}
/* NULL: it is not in the set. */
const kfk__dev_part *kfk__dev_parts_find(const kfk__dev_parts *ps, const kfk__uuid *topic,
                                         int32_t index);
/* Unless it is there. false: no memory. */
bool kfk__dev_parts_add(kfk__dev_parts *ps, const kfk_allocator *a, const kfk__dev_part *p);
void kfk__dev_parts_remove(kfk__dev_parts *ps, int32_t at);
/* false: no memory, and |to| is not to be used but freed. */
bool kfk__dev_parts_copy(kfk__dev_parts *to, const kfk_allocator *a, const kfk__dev_parts *from);
/* The same partitions, whatever their epochs. */
bool kfk__dev_parts_same(const kfk__dev_parts *a, const kfk__dev_parts *b);
/* How many topics there are, and of the topic at |at| how many partitions. */
int32_t kfk__dev_parts_topics(const kfk__dev_parts *ps);
int32_t kfk__dev_parts_run(const kfk__dev_parts *ps, int32_t at);

#endif
