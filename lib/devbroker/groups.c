#include "devbroker/groups.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/classic.h"
#include "devbroker/copy.h"
#include "devbroker/modern.h"
#include "devbroker/rebalance.h"

enum { MIN_SESSION_MS = 6000, MAX_SESSION_MS = 1800000, SESSION_MS = 45000, HEARTBEAT_MS = 5000 };

static const kfk_allocator *alloc_of(const kfk__dev_groups *gs)
{
    return &gs->env->alloc;
}

void kfk__dev_groups_init(kfk__dev_groups *gs, const kfk__env *env, const kfk__dev_topics *topics,
                          uint64_t *version)
{
    *gs = (kfk__dev_groups){.env = env, .topics = topics, .version = version};
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
    if (!set->session_ms)
        gs->settings.session_ms = SESSION_MS;
    if (!set->heartbeat_ms)
        gs->settings.heartbeat_ms = HEARTBEAT_MS;
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
    kfk__dev_modern_init(g);
    if (kfk__dev_copy(alloc_of(gs), id, &g->id) && kfk__dev_classic_init(g))
        return g;
    kfk__dev_copy_free(alloc_of(gs), &g->id);
    kfk__release(alloc_of(gs), g);
    return NULL;
}

static void destroy(kfk__dev_groups *gs, kfk__dev_group *g)
{
    kfk__dev_classic_fini(g);
    kfk__dev_modern_fini(g);
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

/* ---- of either kind ---- */

const char *kfk__dev_group_state_name(const kfk__dev_group *g)
{
    return g->kind == KFK__DEV_MODERN ? kfk__dev_modern_state_name(g)
                                      : kfk__dev_classic_state_name(g);
}

bool kfk__dev_group_empty(const kfk__dev_group *g)
{
    return g->kind == KFK__DEV_MODERN ? g->modern.n_members == 0
                                      : g->classic.state == KFK__DEV_EMPTY;
}

bool kfk__dev_group_reads(const kfk__dev_group *g, kfk_bytes topic, kfk__arena *a)
{
    return g->kind == KFK__DEV_MODERN ? kfk__dev_modern_reads(g, topic)
                                      : kfk__dev_classic_reads(g, topic, a);
}

void kfk__dev_group_move(kfk__dev_group *g, int64_t now)
{
    (g->kind == KFK__DEV_MODERN ? kfk__dev_modern_move : kfk__dev_classic_move)(g, now);
}

void kfk__dev_group_become(kfk__dev_group *g, kfk__dev_group_kind kind)
{
    if (g->kind == kind)
        return;
    g->kind = kind;
    kfk__dev_classic_reset(g);
    g->modern.epoch = g->modern.assignment_epoch = 0;
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
