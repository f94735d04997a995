/* parts: a set of partitions, in the order of topic and number, once each.
 *
 * What is given is copied. The entries are kfk_tps, so that a host can hand them on as they are; only topic and partition
 * of them are looked at here. A set that failed to grow is to be thrown away. No locks, no thread of its own. */
#ifndef KFK_MEMBERSHIP_PARTS_H
#define KFK_MEMBERSHIP_PARTS_H

#include <stdbool.h>

#include <kfk/types.h>

#include "base/arena.h"

typedef struct kfk__parts {
    kfk__arena names;
    kfk_tp *v;
    size_t n, cap;
    bool sorted;
} kfk__parts;

void kfk__parts_init(kfk__parts *p, const kfk_allocator *a);
void kfk__parts_fini(kfk__parts *p);
/* Empty again. */
void kfk__parts_clear(kfk__parts *p);
/* At the end, to be sorted once all are there. false: no memory. */
bool kfk__parts_add(kfk__parts *p, kfk_bytes topic, int32_t partition);
/* In order, and each once. */
void kfk__parts_sort(kfk__parts *p);
/* From here on both are sorted, and so is what comes out. */
bool kfk__parts_has(const kfk__parts *p, const kfk_tp *tp);
bool kfk__parts_equal(const kfk__parts *a, const kfk__parts *b);
/* Adds to |out| those of |a| that are not in |b|, or with |in| that are. false: no memory. */
bool kfk__parts_pick(kfk__parts *out, const kfk__parts *a, const kfk__parts *b, bool in);
/* Adds all of |from|. false: no memory. */
bool kfk__parts_join(kfk__parts *to, const kfk__parts *from);
/* Takes those out that are in |gone|. */
void kfk__parts_remove(kfk__parts *p, const kfk__parts *gone);
/* |to| has what |from| had; |from| is empty. */
void kfk__parts_move(kfk__parts *to, kfk__parts *from);

#endif
