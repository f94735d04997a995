/* map: byte strings to pointers. Open addressing, no tombstones; the keys stay the caller's and must outlive their
 * entries. Has no order and no iteration: what must be walked is kept in an array or a list beside it. */
#ifndef KFK_BASE_MAP_H
#define KFK_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

typedef struct kfk__map_slot {
    const void *key;
    size_t len;
    void *value; /* NULL: free */
    uint32_t hash;
} kfk__map_slot;

typedef struct kfk__map {
    kfk__map_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t n;
    const kfk_allocator *alloc;
} kfk__map;

void kfk__map_init(kfk__map *m, const kfk_allocator *a);
void kfk__map_fini(kfk__map *m);
void *kfk__map_get(const kfk__map *m, const void *key, size_t len);
/* Adds or replaces; |value| is not NULL. false: no memory, and nothing has changed. */
bool kfk__map_put(kfk__map *m, const void *key, size_t len, void *value);
/* What was there, or NULL. */
void *kfk__map_remove(kfk__map *m, const void *key, size_t len);
/* FNV-1a. */
uint32_t kfk__map_hash(const void *key, size_t len);

#endif
