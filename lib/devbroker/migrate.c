#include "devbroker/migrate.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/classic.h"
#include "devbroker/copy.h"
#include "devbroker/members.h"
#include "devbroker/rebalance.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/consumer_protocol_subscription.h"
#include "proto/data.h"

typedef kfk__consumer_protocol_assignment assignment;
typedef kfk__consumer_protocol_assignment_partition assigned_topic;
typedef kfk__consumer_protocol_subscription subscription;

/* ---- translation ---- */

bool kfk__dev_read_topic(const kfk__dev_groups *gs, kfk_bytes topic, const int32_t *v, int32_t n,
                         int32_t epoch, kfk__dev_parts *out)
{
    const kfk__dev_topic *t = kfk__map_get(&gs->topics->by_name, topic.data, topic.len);

    for (int32_t i = 0; t && i < n; i++) {
        kfk__dev_part p = {.topic = t->id, .index = v[i], .epoch = epoch};

        if (!kfk__dev_parts_add(out, &gs->env->alloc, &p))
            return false;
    }
    return true;
}

static int16_t version_of(const kfk__dev_consumer *m)
{
    kfk_bytes b = m->n_protocols ? m->protocols[0].metadata : (kfk_bytes){0};
    int16_t version = b.len >= 2 ? (int16_t)kfk__get_be16(b.data) : 0;

    if (version < 0)
        return 0;
    return version > kfk__consumer_protocol_assignment_data.max
               ? kfk__consumer_protocol_assignment_data.max
               : version;
}

static bool fill(const kfk__dev_consumer *m, const kfk__dev_parts *ps, kfk__arena *a,
                 assignment *out)
{
    int32_t n = kfk__dev_parts_topics(ps), at = 0;
    assigned_topic *rows = kfk__arena_alloc(a, (size_t)n * sizeof *rows + 1);

    *out = kfk__consumer_protocol_assignment_default;
    out->assigned_partitions.v = rows;
    for (int32_t i = 0; rows && i < n; i++) {
        int32_t run = kfk__dev_parts_run(ps, at), *v = kfk__arena_alloc(a, (size_t)run * sizeof *v);
        const kfk__uuid *id = &ps->v[at].topic;
        const kfk__dev_topic *t = kfk__map_get(&m->group->all->topics->by_id, id->b, sizeof id->b);

        if (!v)
            return false;
        for (int32_t k = 0; k < run; k++)
            v[k] = ps->v[at + k].index;
        if (t)
            rows[out->assigned_partitions.n++] =
                (assigned_topic){kfk__bytes_str(t->name), {v, run}};
        at += run;
    }
    return rows != NULL;
}

bool kfk__dev_write_assignment(const kfk__dev_consumer *m, const kfk__dev_parts *ps, kfk__buf *out)
{
    kfk__arena arena;
    assignment a;
    bool ok;

    kfk__arena_init(&arena, kfk__dev_group_alloc(m->group));
    ok = fill(m, ps, &arena, &a) &&
         kfk__data_encode(&kfk__consumer_protocol_assignment_data, version_of(m), &a, out) == 0 &&
         kfk__buf_ok(out);
    kfk__arena_fini(&arena);
    return ok;
}

/* ---- up ---- */

/* What a member of a classic group says. Before the first protocol was chosen: to its first. */
static kfk_bytes said(const kfk__dev_member *m)
{
    return m->group->classic.protocol.data || m->n_protocols == 0 ? kfk__dev_member_metadata(m)
                                                                  : m->protocols[0].metadata;
}

static int16_t read_subscription(const kfk__dev_member *m, kfk__arena *a, subscription *s,
                                 const char **why)
{
    int16_t version;
    kfk_err err =
        kfk__data_decode(&kfk__consumer_protocol_subscription_data, said(m), a, s, &version, NULL);

    if (err == KFK_ERR_NOMEM)
        return KFK_ERR_UNKNOWN_SERVER_ERROR;
    if (err)
        *why = "the embedded consumer protocol is malformed";
    return err ? KFK_ERR_GROUP_ID_NOT_FOUND : KFK_OK;
}

static int16_t read_assignment(const kfk__dev_member *m, kfk__arena *a, assignment *out,
                               const char **why)
{
    int16_t version;
    kfk_err err;

    *out = kfk__consumer_protocol_assignment_default;
    if (m->assignment.len == 0)
        return KFK_OK;
    err = kfk__data_decode(&kfk__consumer_protocol_assignment_data, m->assignment, a, out, &version,
                           NULL);
    if (err == KFK_ERR_NOMEM)
        return KFK_ERR_UNKNOWN_SERVER_ERROR;
    if (err)
        *why = "the embedded consumer protocol is malformed";
    else if (out->user_data.len > 0)
        *why = "an unsupported custom assignor is in use. Please refer to the documentation or "
               "switch to a default assignor before re-attempting the upgrade";
    return *why ? KFK_ERR_GROUP_ID_NOT_FOUND : KFK_OK;
}

static bool take_assignment(kfk__dev_consumer *c, const assignment *a)
{
    for (int32_t i = 0; i < a->assigned_partitions.n; i++) {
        const assigned_topic *t = &a->assigned_partitions.v[i];

        if (!kfk__dev_read_topic(c->group->all, t->topic, t->partitions.v, t->partitions.n,
                                 c->epoch, &c->assigned))
            return false;
    }
    return kfk__dev_parts_copy(&c->target, kfk__dev_group_alloc(c->group), &c->assigned);
}

static bool take_member(kfk__dev_consumer *c, const kfk__dev_member *m, const subscription *s,
                        const assignment *a)
{
    const kfk_allocator *alloc = kfk__dev_group_alloc(c->group);

    c->epoch = c->previous_epoch = c->group->classic.generation;
    c->rebalance_ms = m->rebalance_ms;
    c->session_ms = m->session_ms;
    return kfk__dev_copy(alloc, m->client_id, &c->client_id) &&
           kfk__dev_copy(alloc, m->client_host, &c->client_host) &&
           kfk__dev_copy(alloc, s->rack_id, &c->rack) &&
           kfk__dev_subscription_names(&c->wants, alloc, s->topics.v, s->topics.n) &&
           take_assignment(c, a);
}

static int16_t up_one(kfk__dev_member *m, const kfk__dev_fires *f, kfk__arena *a, const char **why)
{
    kfk__dev_consumer *c;
    subscription s;
    assignment has;
    int16_t code = read_subscription(m, a, &s, why);

    if (!code)
        code = read_assignment(m, a, &has, why);
    if (code)
        return code;
    c = kfk__dev_consumer_add(m->group, m->id, m->instance, f);
    return c && take_member(c, m, &s, &has) ? KFK_OK : KFK_ERR_UNKNOWN_SERVER_ERROR;
}

static void drop_consumers(kfk__dev_group *g)
{
    for (kfk__dev_consumer *m; (m = kfk__dev_consumer_next(g, NULL));)
        kfk__dev_consumer_free(m);
}

/* Nothing can fail any more: the protocols change hands, and who waits is told. */
static void finish_up(kfk__dev_group *g, int64_t now)
{
    kfk__dev_consumer *c = kfk__dev_consumer_next(g, NULL);

    for (KFK__DEV_EACH(m, g)) {
        c->protocols = m->protocols;
        c->n_protocols = m->n_protocols;
        m->protocols = NULL;
        m->n_protocols = 0;
        kfk__dev_refuse_join(m, KFK_ERR_REBALANCE_IN_PROGRESS, m->id);
        kfk__dev_refuse_sync(m, KFK_ERR_REBALANCE_IN_PROGRESS);
        kfk__dev_consumer_watch(c, now);
        c = kfk__dev_consumer_next(g, c);
    }
    g->modern.epoch = g->modern.assignment_epoch = g->classic.generation;
    g->kind = KFK__DEV_MODERN;
    kfk__dev_classic_reset(g);
}

int16_t kfk__dev_migrate_up(kfk__dev_group *g, const kfk__dev_fires *f, kfk__arena *a, int64_t now,
                            const char **why)
{
    int16_t code = KFK_OK;

    *why = NULL;
    if (!kfk__bytes_equal(g->classic.protocol_type, kfk__bytes_str("consumer")))
        *why = "the group does not use the consumer embedded protocol";
    else if (g->classic.n_members > g->all->settings.max_size)
        *why = "the group size exceeds the consumer group maximum size";
    if (*why)
        return KFK_ERR_GROUP_ID_NOT_FOUND;
    for (KFK__DEV_EACH(m, g)) {
        code = up_one(m, f, a, why);
        if (code)
            break;
    }
    if (code)
        drop_consumers(g);
    else
        finish_up(g, now);
    return code == KFK_ERR_UNKNOWN_SERVER_ERROR ? KFK_ERR_NOMEM : code;
}

/* ---- down ---- */

static bool give_member(kfk__dev_member *m, const kfk__dev_consumer *c)
{
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);
    kfk__buf out;
    bool ok;

    m->session_ms = c->session_ms;
    m->rebalance_ms = c->rebalance_ms;
    kfk__buf_init(&out, a);
    ok = kfk__dev_write_assignment(c, &c->target, &out) &&
         kfk__dev_copy(a, kfk__bytes(out.data, out.len), &m->assignment) &&
         kfk__dev_copy(a, c->instance, &m->instance) &&
         kfk__dev_copy(a, c->client_id, &m->client_id) &&
         kfk__dev_copy(a, c->client_host, &m->client_host);
    kfk__buf_fini(&out);
    return ok;
}

static bool down_one(kfk__dev_consumer *c)
{
    kfk__dev_group *g = c->group;
    kfk__dev_member *m = kfk__dev_member_new(g, c->id, kfk__dev_session_over);

    if (!m)
        return false;
    kfk__list_push(&g->classic.members, &m->link);
    g->classic.n_members++;
    return give_member(m, c);
}

static bool finish_down(kfk__dev_group *g, int64_t now)
{
    kfk__dev_consumer *c = kfk__dev_consumer_next(g, NULL);
    kfk__dev_classic *classic = &g->classic;

    for (KFK__DEV_EACH(m, g)) {
        m->protocols = c->protocols;
        m->n_protocols = c->n_protocols;
        c = kfk__dev_consumer_next(g, c);
    }
    if (!kfk__dev_classic_copy(g, kfk__bytes_str("consumer"), &classic->protocol_type) ||
        !kfk__dev_classic_copy(g, kfk__dev_members_choice(g), &classic->protocol) ||
        !kfk__dev_classic_copy(g, classic->protocol, &classic->stored_protocol)) {
        for (KFK__DEV_EACH(m, g))
            m->protocols = NULL; /* they are the consumers' still */
        return false;
    }
    for (KFK__DEV_EACH_CONSUMER(m, g))
        m->protocols = NULL;
    classic->generation = g->modern.epoch;
    classic->leader = kfk__dev_member_next(&classic->members, NULL);
    g->kind = KFK__DEV_CLASSIC;
    kfk__dev_classic_enter(g, KFK__DEV_STABLE);
    kfk__dev_classic_store(g);
    for (KFK__DEV_EACH(m, g))
        kfk__dev_member_watch(m, now, m->session_ms);
    drop_consumers(g);
    return true;
}

bool kfk__dev_migrate_down(kfk__dev_group *g, int64_t now)
{
    bool ok = true;

    for (KFK__DEV_EACH_CONSUMER(m, g))
        ok = ok && down_one(m);
    if (!ok || !finish_down(g, now)) {
        kfk__dev_classic_reset(g);
        return false;
    }
    kfk__dev_classic_act(g, now);
    return true;
}
