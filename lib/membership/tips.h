/* tips: a set of partitions by the ids of their topics, in the order of id and number, once each: as
 * a coordinator that assigns speaks of them (KIP-848).
 *
 * A name may be given to another topic; an id is not. No locks, no thread of its own. */
#ifndef KFK_MEMBERSHIP_TIPS_H
#define KFK_MEMBERSHIP_TIPS_H

#include <stdbool.h>
#include <stddef.h>

#include <kfk/types.h>

#include "base/uuid.h"

typedef struct kfk__tip {
    kfk__uuid topic;
    int32_t partition;
} kfk__tip;

typedef struct kfk__tips {
    const kfk_allocator *alloc;
    kfk__tip *v;
    size_t n, cap;
} kfk__tips;

void kfk__tips_init(kfk__tips *t, const kfk_allocator *a);
void kfk__tips_fini(kfk__tips *t);
void kfk__tips_clear(kfk__tips *t);
/* At the end, to be sorted once all are there. false: no memory, and nothing has changed. */
bool kfk__tips_add(kfk__tips *t, const kfk__tip *tip);
/* In order, and each once. */
void kfk__tips_sort(kfk__tips *t);
/* From here on they are sorted. */
bool kfk__tips_has(const kfk__tips *t, const kfk__tip *tip);
bool kfk__tips_has_topic(const kfk__tips *t, const kfk__uuid *topic);
bool kfk__tips_equal(const kfk__tips *a, const kfk__tips *b);
/* Where the topic of |at| ends: the first of another one, or n. */
size_t kfk__tips_run(const kfk__tips *t, size_t at);
/* |to| has what |from| had; |from| is empty. */
void kfk__tips_move(kfk__tips *to, kfk__tips *from);

#endif
