#include "devbroker/coordinate.h"

#include "devbroker/groups.h"

/* Who coordinates the group now. Whether that is news. */
static bool look(const kfk__dev_cluster *c, kfk__dev_group *g)
{
    int32_t coordinator = g->coordinator;
    int64_t stops = g->stops;

    g->coordinator = kfk__dev_cluster_coordinator(c, g->id);
    g->stops = g->coordinator > 0 ? c->nodes[g->coordinator - 1].stops : 0;
    return g->coordinator != coordinator || g->stops != stops;
}

static void settle(kfk__dev_cluster *c, int64_t now)
{
    kfk__dev_groups *gs = &c->groups;

    if (gs->placed == c->placement)
        return;
    gs->placed = c->placement;
    for (kfk__list *i = kfk__list_first(&gs->all); i; i = kfk__list_next(&gs->all, i)) {
        kfk__dev_group *g = KFK__ENTRY(i, kfk__dev_group, link);

        if (look(c, g))
            kfk__dev_group_move(g, now);
    }
}

void kfk__dev_coordinate(kfk__dev_cluster *c, int64_t now)
{
    settle(c, now);
    kfk__dev_timers_run(&c->groups.timers, now);
}

kfk__dev_group *kfk__dev_group_of(kfk__dev_cluster *c, kfk_bytes id)
{
    kfk__dev_group *g = kfk__dev_groups_get(&c->groups, id);

    if (g)
        (void)look(c, g);
    return g;
}

kfk_err kfk__dev_coordinate_at(kfk__dev_cluster *c, kfk_bytes key, int32_t node)
{
    c->placement++;
    c->version++;
    return kfk__dev_groups_set_home(&c->groups, key, node);
}
