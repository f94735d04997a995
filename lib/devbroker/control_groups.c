/* control_groups: the calls by which a test looks at groups and steers them. As those of control.c,
 * each takes the service's lock for itself and wakes the loop. */
#include "devbroker/devbroker.h"

#include <string.h>

#include "base/bytes.h"
#include "devbroker/broker.h"
#include "devbroker/classic.h"
#include "devbroker/coordinate.h"
#include "devbroker/groups.h"
#include "devbroker/members.h"
#include "devbroker/modern.h"
#include "devbroker/rebalance.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/data.h"

static kfk__dev_cluster *enter(kfk__devbroker *b)
{
    kfk__lock(&b->service.lock);
    return &b->service.cluster;
}

static kfk_err leave(kfk__devbroker *b, kfk_err err)
{
    kfk__unlock(&b->service.lock);
    kfk__loop_wake(&b->loop);
    return err;
}

static int64_t now_of(const kfk__devbroker *b)
{
    return b->env.ops->now_ns(b->env.ctx);
}

/* With what is due done. NULL: there is no such group. */
static kfk__dev_group *group_of(kfk__devbroker *b, const char *group)
{
    kfk__dev_cluster *c = enter(b);

    kfk__dev_coordinate(c, now_of(b));
    return kfk__dev_groups_find(&c->groups, kfk__bytes_str(group));
}

/* ---- looking ---- */

/* What a consumer was assigned; nothing where it is not a consumer, or its leader wrote something
 * else. */
static kfk_err read_assignment(kfk_bytes bytes, kfk__arena *a, kfk__devbroker_member *out)
{
    kfk__consumer_protocol_assignment in;
    kfk__devbroker_tp *v;
    int16_t version;
    size_t n = 0;
    kfk_err err =
        kfk__data_decode(&kfk__consumer_protocol_assignment_data, bytes, a, &in, &version, NULL);

    if (err)
        return err == KFK_ERR_NOMEM ? err : KFK_OK;
    for (int32_t i = 0; i < in.assigned_partitions.n; i++)
        n += (size_t)in.assigned_partitions.v[i].partitions.n;
    v = kfk__arena_alloc(a, n * sizeof *v + 1);
    if (!v)
        return KFK_ERR_NOMEM;
    out->owns = v;
    out->n_owns = n;
    for (int32_t i = 0; i < in.assigned_partitions.n; i++) {
        const kfk__consumer_protocol_assignment_partition *t = &in.assigned_partitions.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++)
            *v++ = (kfk__devbroker_tp){t->topic, t->partitions.v[k]};
    }
    return KFK_OK;
}

static kfk_err show(const kfk__dev_member *m, kfk__arena *a, kfk__devbroker_member_fn *each,
                    void *arg)
{
    kfk__devbroker_member out = {.id = m->id,
                                 .instance = m->instance,
                                 .client_id = m->client_id,
                                 .epoch = m->group->classic.generation};
    kfk_err err = read_assignment(m->assignment, a, &out);

    if (!err)
        each(arg, &out);
    return err;
}

static kfk_err show_consumer(const kfk__dev_consumer *m, kfk__arena *a,
                             kfk__devbroker_member_fn *each, void *arg)
{
    kfk__devbroker_tp *v = kfk__arena_alloc(a, (size_t)m->assigned.n * sizeof *v + 1);
    kfk__devbroker_member out = {.id = m->id,
                                 .instance = m->instance,
                                 .client_id = m->client_id,
                                 .epoch = m->epoch,
                                 .owns = v};

    if (!v)
        return KFK_ERR_NOMEM;
    for (int32_t i = 0; i < m->assigned.n; i++) {
        const kfk__uuid *id = &m->assigned.v[i].topic;
        const kfk__dev_topic *t = kfk__map_get(&m->group->all->topics->by_id, id->b, sizeof id->b);

        if (t)
            v[out.n_owns++] = (kfk__devbroker_tp){kfk__bytes_str(t->name), m->assigned.v[i].index};
    }
    each(arg, &out);
    return KFK_OK;
}

static kfk_err show_consumers(const kfk__dev_group *g, kfk__arena *a,
                              kfk__devbroker_member_fn *each, void *arg)
{
    kfk_err err;

    for (KFK__DEV_EACH_CONSUMER(m, g)) {
        err = show_consumer(m, a, each, arg);
        if (err)
            return err;
    }
    return KFK_OK;
}

static kfk_err show_all(const kfk__dev_group *g, kfk__arena *a, kfk__devbroker_member_fn *each,
                        void *arg)
{
    const kfk__list *l = &g->classic.members;
    kfk_err err = KFK_OK;

    for (kfk__list *i = kfk__list_first(l); !err && i; i = kfk__list_next(l, i))
        err = show(KFK__ENTRY(i, kfk__dev_member, link), a, each, arg);
    return err;
}

kfk_err kfk__devbroker_group(kfk__devbroker *b, const char *group, kfk__devbroker_group_state *out,
                             kfk__devbroker_member_fn *each, void *arg)
{
    const kfk__dev_group *g = group_of(b, group);
    kfk__arena a;
    kfk_err err;
    bool modern;

    if (!g)
        return leave(b, KFK_ERR_INVALID_ARG);
    modern = g->kind == KFK__DEV_MODERN;
    *out =
        (kfk__devbroker_group_state){.state = kfk__dev_group_state_name(g),
                                     .epoch = modern ? g->modern.epoch : g->classic.generation,
                                     .members = modern ? g->modern.n_members : g->classic.n_members,
                                     .coordinator = g->coordinator};
    kfk__arena_init(&a, &b->env.alloc);
    err = each ? (modern ? show_consumers : show_all)(g, &a, each, arg) : KFK_OK;
    kfk__arena_fini(&a);
    return leave(b, err);
}

/* ---- steering ---- */

kfk_err kfk__devbroker_rebalance_group(kfk__devbroker *b, const char *group)
{
    kfk__dev_group *g = group_of(b, group);

    if (g && g->kind == KFK__DEV_MODERN)
        kfk__dev_modern_rebalance(g);
    else if (g)
        kfk__dev_classic_rebalance(g, now_of(b));
    return leave(b, g ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_expire_member(kfk__devbroker *b, const char *group, const char *member)
{
    kfk__dev_group *g = group_of(b, group);
    kfk__dev_member *m = g ? kfk__dev_classic_find(g, kfk__bytes_str(member)) : NULL;
    kfk__dev_consumer *c = g ? kfk__dev_consumer_find(g, kfk__bytes_str(member)) : NULL;

    if (m)
        kfk__dev_classic_expire(m, now_of(b));
    if (c)
        kfk__dev_modern_fence(c, now_of(b));
    return leave(b, m || c ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_forget_group(kfk__devbroker *b, const char *group)
{
    kfk__dev_group *g = group_of(b, group);

    if (g)
        kfk__dev_groups_delete(&b->service.cluster.groups, g);
    return leave(b, g ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_move_coordinator(kfk__devbroker *b, const char *key, int32_t node)
{
    kfk__dev_cluster *c = enter(b);

    if (!kfk__dev_cluster_node(c, node))
        return leave(b, KFK_ERR_INVALID_ARG);
    return leave(b, kfk__dev_coordinate_at(c, kfk__bytes_str(key), node));
}

void kfk__devbroker_set_groups(kfk__devbroker *b, const kfk__dev_group_settings *set)
{
    kfk__dev_groups_set(&enter(b)->groups, set);
    (void)leave(b, KFK_OK);
}
