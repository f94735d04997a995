#include "devbroker/groups.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/classic.h"
#include "devbroker/copy.h"

enum { MIN_SESSION_MS = 6000, MAX_SESSION_MS = 1800000 };

static const kfk_allocator *alloc_of(const kfk__dev_groups *gs)
{
    return &gs->env->alloc;
}

void kfk__dev_groups_init(kfk__dev_groups *gs, const kfk__env *env, uint64_t *version)
{
    *gs = (kfk__dev_groups){.env = env, .version = version};
    kfk__list_init(&gs->all);
    kfk__list_init(&gs->homes);
    kfk__map_init(&gs->by_id, &env->alloc);
    kfk__dev_timers_init(&gs->timers, &env->alloc);
    kfk__dev_groups_set(gs, &(kfk__dev_group_settings){0});
}

void kfk__dev_groups_set(kfk__dev_groups *gs, const kfk__dev_group_settings *set)
{
    gs->settings = *set;
    if (!set->min_session_ms)
        gs->settings.min_session_ms = MIN_SESSION_MS;
    if (!set->max_session_ms)
        gs->settings.max_session_ms = MAX_SESSION_MS;
    if (!set->max_size)
        gs->settings.max_size = INT32_MAX;
}

static void free_home(kfk__dev_groups *gs, kfk__dev_home *h)
{
    kfk__list_remove(&h->link);
    kfk__dev_copy_free(alloc_of(gs), &h->key);
    kfk__release(alloc_of(gs), h);
}

void kfk__dev_groups_fini(kfk__dev_groups *gs)
{
    for (kfk__list *i; (i = kfk__list_first(&gs->all));)
        kfk__dev_groups_delete(gs, KFK__ENTRY(i, kfk__dev_group, link));
    for (kfk__list *i; (i = kfk__list_first(&gs->homes));)
        free_home(gs, KFK__ENTRY(i, kfk__dev_home, link));
    kfk__map_fini(&gs->by_id);
    kfk__dev_timers_fini(&gs->timers);
}

/* ---- groups ---- */

kfk__dev_group *kfk__dev_groups_find(const kfk__dev_groups *gs, kfk_bytes id)
{
    return kfk__map_get(&gs->by_id, id.data, id.len);
}

static kfk__dev_group *make(kfk__dev_groups *gs, kfk_bytes id)
{
    kfk__dev_group *g = kfk__zalloc(alloc_of(gs), sizeof *g);

    if (!g)
        return NULL;
    g->all = gs;
    if (kfk__dev_copy(alloc_of(gs), id, &g->id) && kfk__dev_classic_init(g))
        return g;
    kfk__dev_copy_free(alloc_of(gs), &g->id);
    kfk__release(alloc_of(gs), g);
    return NULL;
}

static void destroy(kfk__dev_groups *gs, kfk__dev_group *g)
{
    kfk__dev_classic_fini(g);
    kfk__dev_copy_free(alloc_of(gs), &g->id);
    kfk__release(alloc_of(gs), g);
}

kfk__dev_group *kfk__dev_groups_get(kfk__dev_groups *gs, kfk_bytes id)
{
    kfk__dev_group *g = kfk__dev_groups_find(gs, id);

    if (g)
        return g;
    g = make(gs, id);
    if (!g)
        return NULL;
    if (!kfk__map_put(&gs->by_id, g->id.data, g->id.len, g)) {
        destroy(gs, g);
        return NULL;
    }
    kfk__list_push(&gs->all, &g->link);
    return g;
}

void kfk__dev_groups_delete(kfk__dev_groups *gs, kfk__dev_group *g)
{
    kfk__map_remove(&gs->by_id, g->id.data, g->id.len);
    kfk__list_remove(&g->link);
    destroy(gs, g);
}

/* ---- coordinators ---- */

static kfk__dev_home *find_home(const kfk__dev_groups *gs, kfk_bytes key)
{
    for (kfk__list *i = kfk__list_first(&gs->homes); i; i = kfk__list_next(&gs->homes, i)) {
        kfk__dev_home *h = KFK__ENTRY(i, kfk__dev_home, link);

        if (kfk__bytes_equal(h->key, key))
            return h;
    }
    return NULL;
}

int32_t kfk__dev_groups_home(const kfk__dev_groups *gs, kfk_bytes key)
{
    const kfk__dev_home *h = find_home(gs, key);

    return h ? h->node : 0;
}

kfk_err kfk__dev_groups_set_home(kfk__dev_groups *gs, kfk_bytes key, int32_t node)
{
    kfk__dev_home *h = find_home(gs, key);

    if (!h) {
        h = kfk__zalloc(alloc_of(gs), sizeof *h);
        if (!h || !kfk__dev_copy(alloc_of(gs), key, &h->key)) {
            kfk__release(alloc_of(gs), h);
            return KFK_ERR_NOMEM;
        }
        kfk__list_push(&gs->homes, &h->link);
    }
    h->node = node;
    return KFK_OK;
}
