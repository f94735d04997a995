/* slots: the partitions that one request speaks of, ordered by topic and number, and who asked
 * about each.
 *
 *   topics   [ orders          | payments     ]
 *   slots    [ 0 | 1 | 4       | 0            ]
 *              │   └─ entries: the oldest ... the newest, which is the one that is sent
 *
 * What an answer says of a partition is true of all entries in its slot: where an older commit has
 * not been sent before a newer one of the same partition was asked for, the newer stands for both.
 * An entry that is overtaken is never the newest of a slot. Sorting is stable and needs no order of
 * pointers. Belongs to the client's thread. */
#ifndef KFK_GROUPIO_SLOTS_H
#define KFK_GROUPIO_SLOTS_H

#include "base/arena.h"
#include "client/metadata.h"
#include "groupio/offsets.h"

typedef struct kfk__slot {
    kfk__list entries; /* the oldest first */
    int32_t partition;
    bool answered;
    kfk_err code; /* what the answer said */
} kfk__slot;

typedef struct kfk__slot_topic {
    kfk_bytes name;
    kfk__uuid id; /* zero: not known */
    kfk__slot *slots;
    int32_t n;
} kfk__slot_topic;

typedef struct kfk__slots {
    kfk__arena arena;
    kfk__slot *v;
    kfk__slot_topic *topics;
    int32_t n, n_topics;
    int32_t next; /* the topic with which a search begins: answers mostly follow requests */
} kfk__slots;

void kfk__slots_init(kfk__slots *s, const kfk_allocator *a);
/* No entry is in a slot any more; nor is there a slot. */
void kfk__slots_clear(kfk__slots *s);
void kfk__slots_fini(kfk__slots *s);
/* Makes the slots of |n| entries, the oldest first; |v| is put in order. A slot goes as far as its
 * newest entry whose kfk__offsets is ready and that is not overtaken; a partition without one has
 * no slot. KFK_ERR_NOMEM: there are none. */
kfk_err kfk__slots_fill(kfk__slots *s, kfk__offset_entry **v, size_t n);
/* Writes down the topics' ids as metadata has them. false: it does not know each. */
bool kfk__slots_know_ids(kfk__slots *s, const kfk__metadata *m);
/* NULL: the request does not speak of it. |id| NULL: by name. */
kfk__slot *kfk__slots_find(kfk__slots *s, kfk_bytes name, const kfk__uuid *id, int32_t partition);

static inline kfk__offset_entry *kfk__slot_newest(const kfk__slot *slot)
{
    return KFK__ENTRY(slot->entries.prev, kfk__offset_entry, link);
}

#endif
