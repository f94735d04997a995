#include "groupio/offsets.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

char *kfk__offsets_string(kfk__offsets *o, const void *s, size_t n)
{
    char *copy = kfk__arena_alloc(&o->arena, n + 1);

    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

/* NULL stays NULL; false: no memory. */
static bool copy_string(kfk__offsets *o, const char **to, const char *s)
{
    *to = s ? kfk__offsets_string(o, s, strlen(s)) : NULL;
    return *to || !s;
}

static bool copy_who(kfk__offsets *o, const kfk__group_meta *who)
{
    o->who.generation = who->generation;
    return copy_string(o, &o->who.group, who->group) &&
           copy_string(o, &o->who.member, who->member) &&
           copy_string(o, &o->who.instance, who->instance);
}

/* Partitions of one topic mostly follow each other: they share its name. */
static bool copy_tp(kfk__offsets *o, size_t i, const kfk_tp *from)
{
    kfk_tp *to = &o->tps[i];

    *to = *from;
    o->entries[i] = (kfk__offset_entry){.of = o, .tp = to};
    kfk__list_init(&o->entries[i].link);
    if (i > 0 && strcmp(from->topic, to[-1].topic) == 0)
        to->topic = to[-1].topic;
    else if (!copy_string(o, &to->topic, from->topic))
        return false;
    return copy_string(o, &to->metadata, from->metadata);
}

kfk__offsets *kfk__offsets_new(const kfk_allocator *a, const kfk__group_meta *who,
                               const kfk_tp *tps, size_t n)
{
    kfk__offsets *o = n < INT32_MAX ? kfk__zalloc(a, sizeof *o) : NULL;
    bool ok;

    if (!o)
        return NULL;
    kfk__list_init(&o->link);
    kfk__arena_init(&o->arena, a);
    kfk__error_clear(&o->error);
    kfk__error_clear(&o->why);
    o->tps = kfk__arena_alloc(&o->arena, (n + 1) * sizeof *o->tps);
    o->entries = kfk__arena_alloc(&o->arena, (n + 1) * sizeof *o->entries);
    ok = o->tps && o->entries && copy_who(o, who);
    for (; ok && o->n < n; o->n += ok)
        ok = copy_tp(o, o->n, &tps[o->n]);
    o->pending = o->sendable = n;
    if (ok)
        return o;
    kfk__offsets_free(o);
    return NULL;
}

void kfk__offsets_free(kfk__offsets *o)
{
    const kfk_allocator *a;

    if (!o)
        return;
    a = o->arena.alloc;
    for (size_t i = 0; i < o->n; i++)
        kfk__list_remove(&o->entries[i].link);
    kfk__list_remove(&o->link);
    kfk__arena_fini(&o->arena);
    kfk__release(a, o);
}

void kfk__offsets_overtake(kfk__offset_entry *entry)
{
    if (!entry->overtaken)
        entry->of->sendable--;
    entry->overtaken = true;
}

void kfk__offsets_settle(kfk__offset_entry *entry, const kfk_error *error)
{
    kfk__offsets *o = entry->of;
    kfk_tp *tp = entry->tp;

    kfk__list_remove(&entry->link);
    entry->settled = true;
    o->pending--;
    o->sendable -= !entry->overtaken;
    tp->err = error->code;
    if (error->code == KFK_OK)
        return;
    if (o->error.code == KFK_OK) {
        o->error = *error;
        o->error.partition = tp->partition;
        kfk__error_set(o->error.topic, sizeof o->error.topic, tp->topic, strlen(tp->topic));
    }
    if (entry->doubtful)
        o->error.flags |= KFK_MAYBE_DONE;
}

void kfk__offsets_settle_rest(kfk__offsets *o, const kfk_error *error)
{
    for (size_t i = 0; i < o->n; i++)
        if (!o->entries[i].settled)
            kfk__offsets_settle(&o->entries[i], error);
    /* Where there is no partition to tell it of. */
    if (o->error.code == KFK_OK)
        o->error = *error;
}

void kfk__offsets_end(kfk__offsets *o, int64_t now)
{
    o->done(o->owner, o->arg, o->tps, o->n, &o->error, now);
    kfk__offsets_free(o);
}
