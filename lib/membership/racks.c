#include "membership/racks.h"

#include "base/map.h"

/* A rack's name, while they are numbered. */
typedef struct rack_name {
    int32_t id;
    int32_t last; /* the partition that it was seen with last */
} rack_name;

/* The rack of that name, which may be new. NULL: no memory. */
static rack_name *intern(kfk__racks *k, kfk__map *by_name, kfk_bytes name)
{
    rack_name *it = kfk__map_get(by_name, name.data, name.len);

    if (it)
        return it;
    it = kfk__arena_alloc(k->r->arena, sizeof *it);
    if (!it || !kfk__map_put(by_name, name.data, name.len, it))
        return NULL;
    *it = (rack_name){.id = k->n++, .last = -1};
    return it;
}

static kfk_err note_members(kfk__racks *k, kfk__map *by_name)
{
    k->of_member = kfk__roster_numbers(k->r, (size_t)k->r->n_members, KFK__NO_RACK);
    if (!k->of_member)
        return KFK_ERR_NOMEM;
    for (int32_t m = 0; m < k->r->n_members; m++) {
        kfk_bytes name = k->r->members[m]->rack;
        const rack_name *it;

        if (name.len == 0)
            continue;
        it = intern(k, by_name, name);
        if (!it)
            return KFK_ERR_NOMEM;
        k->of_member[m] = it->id;
    }
    return KFK_OK;
}

/* NULL: the topic's racks are not known. */
static const kfk__assign_racks *racks_of(const kfk__roster *r, int32_t p)
{
    const kfk__assign_racks *racks = r->topics[r->topic_of[p]]->racks;

    return racks ? &racks[kfk__roster_number(r, p)] : NULL;
}

static bool make_room(kfk__racks *k)
{
    const kfk__roster *r = k->r;
    size_t places = (size_t)r->n_partitions + 1, total = 0;

    for (int32_t p = 0; p < r->n_partitions; p++) {
        const kfk__assign_racks *racks = racks_of(r, p);

        total += racks ? (size_t)racks->n : 0;
    }
    k->of_partition = kfk__arena_alloc(r->arena, places * sizeof *k->of_partition);
    k->ids = kfk__roster_numbers(r, total, 0);
    return k->of_partition && k->ids;
}

static kfk_err note_partition(kfk__racks *k, kfk__map *by_name, int32_t p, size_t *at)
{
    const kfk__assign_racks *racks = racks_of(k->r, p);

    for (int32_t i = 0; racks && i < racks->n; i++) {
        rack_name *it;

        if (!racks->v[i].data)
            continue;
        it = intern(k, by_name, racks->v[i]);
        if (!it)
            return KFK_ERR_NOMEM;
        if (it->last == p)
            continue;
        it->last = p;
        k->ids[(*at)++] = it->id;
    }
    return KFK_OK;
}

static kfk_err note_partitions(kfk__racks *k, kfk__map *by_name)
{
    size_t at = 0;

    if (!make_room(k))
        return KFK_ERR_NOMEM;
    for (int32_t p = 0; p < k->r->n_partitions; p++) {
        k->of_partition[p] = at;
        if (note_partition(k, by_name, p, &at) != KFK_OK)
            return KFK_ERR_NOMEM;
    }
    k->of_partition[k->r->n_partitions] = at;
    k->seen = kfk__roster_numbers(k->r, (size_t)k->n, 0);
    return k->seen ? KFK_OK : KFK_ERR_NOMEM;
}

kfk_err kfk__racks_init(kfk__racks *k, const kfk__roster *r)
{
    kfk__map by_name;
    kfk_err err;

    *k = (kfk__racks){.r = r};
    kfk__map_init(&by_name, r->arena->alloc);
    err = note_members(k, &by_name);
    if (err == KFK_OK && k->n > 0)
        err = note_partitions(k, &by_name);
    kfk__map_fini(&by_name);
    return err;
}

bool kfk__racks_has(const kfk__racks *k, int32_t partition, int32_t rack)
{
    for (size_t i = k->of_partition[partition]; i < k->of_partition[partition + 1]; i++)
        if (k->ids[i] == rack)
            return true;
    return false;
}

/* Marks the partitions' racks; returns how many different ones there are. */
static int32_t mark(kfk__racks *k, int32_t from, int32_t to)
{
    int32_t n = 0;

    for (int32_t i = 0; i < k->n; i++)
        k->seen[i] = 0;
    for (size_t i = k->of_partition[from]; i < k->of_partition[to]; i++) {
        n += !k->seen[k->ids[i]];
        k->seen[k->ids[i]] = 1;
    }
    return n;
}

bool kfk__racks_matter(kfk__racks *k, const int32_t *members, size_t n, int32_t from, int32_t to)
{
    bool shared = false;
    int32_t all;

    if (!k->of_partition)
        return false;
    all = mark(k, from, to);
    for (size_t i = 0; !shared && i < n; i++) {
        int32_t rack = k->of_member[members[i]];

        shared = rack != KFK__NO_RACK && k->seen[rack];
    }
    for (int32_t p = from; shared && p < to; p++)
        if (kfk__racks_count(k, p) != all)
            return true;
    return false;
}
