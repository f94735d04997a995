#include "config/setting.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

void kfk__settings_init(kfk__settings *s, const kfk_allocator *a)
{
    *s = (kfk__settings){.alloc = a};
}

static void release(const kfk_allocator *a, kfk__setting *set)
{
    kfk__release_secret(a, set->value);
    kfk__release(a, set->topic);
}

void kfk__settings_fini(kfk__settings *s)
{
    for (size_t i = 0; i < s->n; i++)
        release(s->alloc, &s->v[i]);
    kfk__release(s->alloc, s->v);
    kfk__settings_init(s, s->alloc);
}

static bool same_topic(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool grow(kfk__settings *s)
{
    size_t cap = s->cap ? s->cap * 2 : 16;
    kfk__setting *v = kfk__array(s->alloc, s->v, cap, sizeof *v);

    if (!v)
        return false;
    s->v = v;
    s->cap = cap;
    return true;
}

/* The place for a setting: that of the one it replaces, or a new one. NULL: no memory. */
static kfk__setting *place(kfk__settings *s, const kfk__setting *set, const char *topic)
{
    for (size_t i = 0; i < s->n; i++) {
        kfk__setting *old = &s->v[i];

        if (old->id == set->id && old->scope == set->scope && same_topic(old->topic, topic))
            return old;
    }
    return s->n < s->cap || grow(s) ? &s->v[s->n] : NULL;
}

bool kfk__settings_put(kfk__settings *s, const kfk__setting *set, const char *topic)
{
    char *copy = topic ? kfk__strdup(s->alloc, topic) : NULL;
    kfk__setting *at = copy || !topic ? place(s, set, topic) : NULL;

    if (!at) {
        kfk__release(s->alloc, copy);
        return false;
    }
    if (at == &s->v[s->n])
        s->n++;
    else
        release(s->alloc, at);
    *at = *set;
    at->topic = copy;
    return true;
}

bool kfk__settings_copy(kfk__settings *to, const kfk__settings *from)
{
    for (size_t i = 0; i < from->n; i++) {
        kfk__setting set = from->v[i];

        set.value = kfk__strdup(to->alloc, set.value);
        if (!set.value || !kfk__settings_put(to, &set, set.topic)) {
            kfk__release_secret(to->alloc, set.value);
            kfk__settings_fini(to);
            return false;
        }
    }
    return true;
}

void kfk__settings_swap(kfk__settings *a, kfk__settings *b)
{
    kfk__settings old = *a;

    *a = *b;
    *b = old;
}

void kfk__settings_remove(kfk__settings *s, size_t i)
{
    release(s->alloc, &s->v[i]);
    s->n--;
    memmove(&s->v[i], &s->v[i + 1], (s->n - i) * sizeof *s->v);
}

void kfk__settings_keep(kfk__settings *s, uint32_t role)
{
    for (size_t i = s->n; i-- > 0;) {
        const kfk__setting *set = &s->v[i];

        if (kfk__settings_find(s, set->id, role, set->topic) != set)
            kfk__settings_remove(s, i);
    }
    for (size_t i = 0; i < s->n; i++)
        s->v[i].scope = 0;
}

const kfk__setting *kfk__settings_find(const kfk__settings *s, int id, uint32_t role,
                                       const char *topic)
{
    const kfk__setting *found = NULL;

    for (size_t i = 0; i < s->n; i++) {
        const kfk__setting *set = &s->v[i];

        if (set->id != id || !same_topic(set->topic, topic))
            continue;
        if (set->scope & role)
            return set;
        if (set->scope == 0)
            found = set;
    }
    return found;
}
