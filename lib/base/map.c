#include "base/map.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

void kfk__map_init(kfk__map *m, const kfk_allocator *a)
{
    *m = (kfk__map){.alloc = a};
}

void kfk__map_fini(kfk__map *m)
{
    kfk__release(m->alloc, m->slots);
    kfk__map_init(m, m->alloc);
}

uint32_t kfk__map_hash(const void *key, size_t len)
{
    const uint8_t *p = key;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}

/* The slot that holds the key, or the free one where it would go. There is always a free one. */
static kfk__map_slot *find(const kfk__map *m, const void *key, size_t len, uint32_t hash)
{
    size_t i = hash & (m->cap - 1);

    for (;; i = (i + 1) & (m->cap - 1)) {
        kfk__map_slot *s = &m->slots[i];

        if (!s->value)
            return s;
        if (s->hash == hash && s->len == len && (len == 0 || memcmp(s->key, key, len) == 0))
            return s;
    }
}

void *kfk__map_get(const kfk__map *m, const void *key, size_t len)
{
    return m->cap ? find(m, key, len, kfk__map_hash(key, len))->value : NULL;
}

static bool grow(kfk__map *m)
{
    kfk__map bigger = {.cap = m->cap ? m->cap * 2 : FIRST_CAP, .n = m->n, .alloc = m->alloc};

    bigger.slots = kfk__array(m->alloc, NULL, bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    memset(bigger.slots, 0, bigger.cap * sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++) {
        const kfk__map_slot *s = &m->slots[i];

        if (s->value)
            *find(&bigger, s->key, s->len, s->hash) = *s;
    }
    kfk__release(m->alloc, m->slots);
    *m = bigger;
    return true;
}

bool kfk__map_put(kfk__map *m, const void *key, size_t len, void *value)
{
    uint32_t hash = kfk__map_hash(key, len);
    kfk__map_slot *s;

    if (m->n + 1 > m->cap - m->cap / 4 && !grow(m))
        return false;
    s = find(m, key, len, hash);
    m->n += !s->value;
    *s = (kfk__map_slot){.key = key, .len = len, .value = value, .hash = hash};
    return true;
}

void *kfk__map_remove(kfk__map *m, const void *key, size_t len)
{
    kfk__map_slot *hole = m->cap ? find(m, key, len, kfk__map_hash(key, len)) : NULL;
    size_t i, mask = m->cap - 1;
    void *value;

    if (!hole || !hole->value)
        return NULL;
    value = hole->value;
    hole->value = NULL;
    m->n--;
    /* Entries that had to go past the hole move back into it. */
    for (i = (size_t)(hole - m->slots + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask, h = (size_t)(hole - m->slots);

        if (((i - home) & mask) < ((i - h) & mask))
            continue;
        *hole = m->slots[i];
        hole = &m->slots[i];
        hole->value = NULL;
    }
    return value;
}
