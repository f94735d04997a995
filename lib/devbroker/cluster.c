#include "devbroker/cluster.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/uuid.h"

enum { FIRST_PRODUCER_ID = 1000 };

/* A random one, version 4. */
static kfk__uuid uuid_new(const kfk__env *env)
{
    kfk__uuid id;

    env->ops->random(env->ctx, id.b, sizeof id.b);
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x40);
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
    return id;
}

kfk_err kfk__dev_cluster_init(kfk__dev_cluster *c, const kfk__env *env, int32_t n_nodes)
{
    kfk__uuid id = uuid_new(env);

    *c = (kfk__dev_cluster){.env = *env, .n_nodes = n_nodes};
    c->profile = kfk__dev_profile_by_name(NULL);
    c->default_partitions = 1;
    c->default_replicas = 1;
    c->next_producer_id = FIRST_PRODUCER_ID;
    kfk__dev_topics_init(&c->topics, &c->env.alloc);
    kfk__dev_offsets_init(&c->offsets, &c->env.alloc);
    kfk__dev_groups_init(&c->groups, &c->env, &c->topics, &c->version);
    for (int32_t i = 0; i < n_nodes; i++) {
        c->nodes[i] = (kfk__dev_node){.id = i + 1, .up = true};
        kfk__dev_sessions_init(&c->nodes[i].sessions, &c->env.alloc);
    }
    kfk__uuid_format(&id, c->id);
    c->inflate = kfk__compressor_new(&c->env.alloc);
    return c->inflate ? KFK_OK : KFK_ERR_NOMEM;
}

void kfk__dev_cluster_fini(kfk__dev_cluster *c)
{
    for (int32_t i = 0; i < c->n_nodes; i++)
        kfk__dev_sessions_fini(&c->nodes[i].sessions);
    kfk__dev_groups_fini(&c->groups);
    kfk__dev_topics_fini(&c->topics);
    kfk__dev_offsets_fini(&c->offsets);
    kfk__compressor_free(c->inflate);
}

/* ---- nodes ---- */

kfk__dev_node *kfk__dev_cluster_node(kfk__dev_cluster *c, int32_t id)
{
    return id >= 1 && id <= c->n_nodes ? &c->nodes[id - 1] : NULL;
}

const kfk__dev_profile *kfk__dev_cluster_profile(const kfk__dev_cluster *c, int32_t node)
{
    const kfk__dev_profile *own = c->nodes[node - 1].profile;

    return own ? own : c->profile;
}

/* The first node from the |at|-th on that is up, going round; -1: none. */
static int32_t first_up(const kfk__dev_cluster *c, int32_t at)
{
    for (int32_t i = 0; i < c->n_nodes; i++) {
        const kfk__dev_node *n = &c->nodes[(at + i) % c->n_nodes];

        if (n->up)
            return n->id;
    }
    return -1;
}

int32_t kfk__dev_cluster_controller(const kfk__dev_cluster *c)
{
    return first_up(c, 0);
}

bool kfk__dev_cluster_changes_topics(const kfk__dev_cluster *c, int32_t node)
{
    return !kfk__dev_cluster_profile(c, node)->controller_only ||
           kfk__dev_cluster_controller(c) == node;
}

int32_t kfk__dev_cluster_coordinator(const kfk__dev_cluster *c, kfk_bytes key)
{
    int32_t home = kfk__dev_groups_home(&c->groups, key);

    if (home == 0)
        home = (int32_t)(kfk__map_hash(key.data, key.len) % (uint32_t)c->n_nodes) + 1;
    return first_up(c, home - 1);
}

/* ---- who leads ---- */

void kfk__dev_partition_lead(kfk__dev_cluster *c, kfk__dev_partition *p, int32_t node)
{
    p->leader = node;
    p->leader_epoch++;
    c->version++;
}

static void nodes_remove(kfk__dev_nodes *s, int32_t node)
{
    int32_t kept = 0;

    for (int32_t i = 0; i < s->n; i++)
        if (s->v[i] != node)
            s->v[kept++] = s->v[i];
    s->n = kept;
}

/* The first replica, in the order they were assigned, that is in sync and up. */
static int32_t elect(kfk__dev_cluster *c, const kfk__dev_partition *p)
{
    for (int32_t i = 0; i < p->replicas.n; i++) {
        int32_t node = p->replicas.v[i];

        if (kfk__dev_nodes_have(&p->isr, node) && kfk__dev_cluster_node(c, node)->up)
            return node;
    }
    return -1;
}

/* The last one in sync stays in the set: the log is only there. */
static void node_went(kfk__dev_cluster *c, kfk__dev_partition *p, int32_t node)
{
    if (p->isr.n > 1)
        nodes_remove(&p->isr, node);
    if (p->leader == node)
        kfk__dev_partition_lead(c, p, elect(c, p));
}

static void node_came(kfk__dev_cluster *c, kfk__dev_partition *p, int32_t node)
{
    if (!kfk__dev_nodes_have(&p->replicas, node))
        return;
    if (p->leader < 0) {
        int32_t leader = elect(c, p);

        if (leader < 0)
            return;
        kfk__dev_partition_lead(c, p, leader);
    }
    if (!kfk__dev_nodes_have(&p->isr, node))
        p->isr.v[p->isr.n++] = node;
}

void kfk__dev_cluster_set_up(kfk__dev_cluster *c, int32_t node, bool up)
{
    kfk__dev_cluster_node(c, node)->up = up;
    kfk__dev_cluster_node(c, node)->stops += !up;
    kfk__dev_sessions_expire(&kfk__dev_cluster_node(c, node)->sessions);
    c->version++;
    c->placement++;
    for (kfk__dev_topic *t = kfk__dev_topics_first(&c->topics); t;
         t = kfk__dev_topics_next(&c->topics, t)) {
        for (int32_t k = 0; k < t->n_partitions; k++)
            (up ? node_came : node_went)(c, t->partitions[k], node);
    }
}

/* ---- topics ---- */

static void nodes_up(const kfk__dev_cluster *c, kfk__dev_nodes *out)
{
    out->n = 0;
    for (int32_t i = 0; i < c->n_nodes; i++)
        if (c->nodes[i].up)
            out->v[out->n++] = c->nodes[i].id;
}

kfk__dev_topic *kfk__dev_cluster_add_topic(kfk__dev_cluster *c, kfk_bytes name,
                                           const kfk__dev_nodes *replicas, int32_t n)
{
    kfk__uuid id = uuid_new(&c->env);
    kfk__dev_nodes up;

    nodes_up(c, &up);
    c->version++;
    return kfk__dev_topics_add(&c->topics, name, &id, replicas, n, &up);
}

kfk__dev_topic *kfk__dev_cluster_create_topic(kfk__dev_cluster *c, kfk_bytes name, int32_t n,
                                              int32_t factor)
{
    kfk__dev_nodes *spread = kfk__array(&c->env.alloc, NULL, (size_t)n, sizeof *spread);
    kfk__dev_topic *t = NULL;

    if (spread) {
        kfk__dev_cluster_spread(c, n, factor, spread);
        t = kfk__dev_cluster_add_topic(c, name, spread, n);
    }
    kfk__release(&c->env.alloc, spread);
    return t;
}

void kfk__dev_cluster_delete_topic(kfk__dev_cluster *c, kfk__dev_topic *t)
{
    kfk__dev_offsets_forget(&c->offsets, kfk__bytes_str(t->name));
    kfk__dev_topics_delete(&c->topics, t);
    c->version++;
}

kfk_err kfk__dev_cluster_grow_topic(kfk__dev_cluster *c, kfk__dev_topic *t,
                                    const kfk__dev_nodes *replicas, int32_t n)
{
    kfk__dev_nodes up;

    nodes_up(c, &up);
    c->version++;
    return kfk__dev_topics_grow(&c->topics, t, replicas, n, &up);
}

void kfk__dev_cluster_spread(kfk__dev_cluster *c, int32_t n, int32_t factor, kfk__dev_nodes *out)
{
    for (int32_t i = 0; i < n; i++) {
        out[i].n = factor;
        for (int32_t k = 0; k < factor; k++)
            out[i].v[k] = c->nodes[(c->next_leader + i + k) % c->n_nodes].id;
    }
    c->next_leader = (c->next_leader + n) % c->n_nodes;
}

/* ---- memory ---- */

static kfk__dev_log *largest_log(const kfk__dev_cluster *c, size_t *total)
{
    kfk__dev_log *largest = NULL;

    *total = 0;
    for (const kfk__dev_topic *t = kfk__dev_topics_first(&c->topics); t;
         t = kfk__dev_topics_next(&c->topics, t)) {
        for (int32_t k = 0; k < t->n_partitions; k++) {
            kfk__dev_log *l = &t->partitions[k]->log;

            *total += l->bytes;
            if (!largest || l->bytes > largest->bytes)
                largest = l;
        }
    }
    return largest;
}

bool kfk__dev_cluster_make_room(kfk__dev_cluster *c, size_t more)
{
    size_t total;
    kfk__dev_log *l;

    if (c->bytes_max == 0)
        return true;
    while ((l = largest_log(c, &total)) && total + more > c->bytes_max)
        if (!kfk__dev_log_shed(l))
            return false;
    return true;
}
