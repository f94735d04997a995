#include "devbroker/consumers.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/copy.h"

kfk__dev_consumer *kfk__dev_consumer_find(const kfk__dev_group *g, kfk_bytes id)
{
    for (KFK__DEV_EACH_CONSUMER(m, g))
        if (kfk__bytes_equal(m->id, id))
            return m;
    return NULL;
}

kfk__dev_consumer *kfk__dev_consumer_static(const kfk__dev_group *g, kfk_bytes instance)
{
    for (KFK__DEV_EACH_CONSUMER(m, g))
        if (instance.data && kfk__bytes_equal(m->instance, instance))
            return m;
    return NULL;
}

void kfk__dev_consumer_modern(kfk__dev_consumer *m)
{
    kfk__release(kfk__dev_group_alloc(m->group), m->protocols);
    m->protocols = NULL;
    m->n_protocols = 0;
}

static void dispose(kfk__dev_consumer *m)
{
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);

    kfk__list_remove(&m->link);
    kfk__dev_timer_fini(&m->group->all->timers, &m->session);
    kfk__dev_timer_fini(&m->group->all->timers, &m->deadline);
    kfk__dev_copy_free(a, &m->id);
    kfk__dev_copy_free(a, &m->instance);
    kfk__dev_copy_free(a, &m->rack);
    kfk__dev_copy_free(a, &m->client_id);
    kfk__dev_copy_free(a, &m->client_host);
    kfk__dev_copy_free(a, &m->assignor);
    kfk__dev_subscription_free(&m->wants, a);
    kfk__dev_parts_free(&m->assigned, a);
    kfk__dev_parts_free(&m->revoking, a);
    kfk__dev_parts_free(&m->target, a);
    kfk__dev_consumer_modern(m);
    kfk__release(a, m);
}

void kfk__dev_consumer_free(kfk__dev_consumer *m)
{
    m->group->modern.n_members--;
    dispose(m);
}

static kfk__dev_consumer *make(kfk__dev_group *g, const kfk__dev_fires *f)
{
    const kfk_allocator *a = kfk__dev_group_alloc(g);
    kfk__dev_consumer *m = kfk__zalloc(a, sizeof *m);

    if (!m)
        return NULL;
    m->group = g;
    m->previous_epoch = -1;
    kfk__list_init(&m->link);
    if (!kfk__dev_timer_init(&g->all->timers, &m->session, f->session)) {
        kfk__release(a, m);
        return NULL;
    }
    if (!kfk__dev_timer_init(&g->all->timers, &m->deadline, f->deadline)) {
        kfk__dev_timer_fini(&g->all->timers, &m->session);
        kfk__release(a, m);
        return NULL;
    }
    return m;
}

kfk__dev_consumer *kfk__dev_consumer_add(kfk__dev_group *g, kfk_bytes id, kfk_bytes instance,
                                         const kfk__dev_fires *f)
{
    const kfk_allocator *a = kfk__dev_group_alloc(g);
    kfk__dev_consumer *m = make(g, f);

    if (!m)
        return NULL;
    if (!kfk__dev_copy(a, id, &m->id) || !kfk__dev_copy(a, instance, &m->instance)) {
        dispose(m);
        return NULL;
    }
    kfk__list_push(&g->modern.members, &m->link);
    g->modern.n_members++;
    return m;
}

void kfk__dev_consumer_watch(kfk__dev_consumer *m, int64_t now)
{
    int32_t ms = kfk__dev_consumer_classic(m) ? m->session_ms : m->group->all->settings.session_ms;

    kfk__dev_timer_set(&m->group->all->timers, &m->session, now + ms * KFK__MS);
}

void kfk__dev_consumer_hurry(kfk__dev_consumer *m, int64_t now, bool anew)
{
    if (anew || m->deadline.node.index == 0)
        kfk__dev_timer_set(&m->group->all->timers, &m->deadline, now + m->rebalance_ms * KFK__MS);
}

void kfk__dev_consumer_rest(kfk__dev_consumer *m)
{
    kfk__dev_timer_stop(&m->group->all->timers, &m->deadline);
}

bool kfk__dev_others_have(const kfk__dev_consumer *m, const kfk__dev_part *p)
{
    for (KFK__DEV_EACH_CONSUMER(other, m->group))
        if (other != m && (kfk__dev_parts_find(&other->assigned, &p->topic, p->index) ||
                           kfk__dev_parts_find(&other->revoking, &p->topic, p->index)))
            return true;
    return false;
}
