#include "devbroker/modern_classic.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/consumers.h"
#include "devbroker/copy.h"
#include "devbroker/members.h"
#include "devbroker/migrate.h"
#include "proto/consumer_protocol_subscription.h"
#include "proto/data.h"

enum { FIRST_THAT_NEEDS_AN_ID = 4 };

typedef kfk__consumer_protocol_subscription subscription;

static void refuse(const kfk__dev_join *j, int16_t code, kfk_bytes id)
{
    kfk__dev_tell(j->parked, &(kfk__dev_verdict){.code = code, .id = id});
}

/* ---- JoinGroup ---- */

static bool all_know(const kfk__dev_group *g, kfk_bytes name)
{
    for (KFK__DEV_EACH_CONSUMER(m, g)) {
        bool knows = !kfk__dev_consumer_classic(m);

        for (int32_t i = 0; !knows && i < m->n_protocols; i++)
            knows = kfk__bytes_equal(m->protocols[i].name, name);
        if (!knows)
            return false;
    }
    return true;
}

static bool accepted(const kfk__dev_group *g, const kfk__join_group_request *req)
{
    if (!kfk__bytes_equal(req->protocol_type, kfk__bytes_str("consumer")))
        return false;
    for (int32_t i = 0; i < req->protocols.n; i++)
        if (all_know(g, req->protocols.v[i].name))
            return true;
    return false;
}

/* A new one under the instance's name has what the old one had, which is fenced. */
static kfk__dev_consumer *replace(kfk__dev_consumer *m, kfk_bytes id)
{
    kfk_bytes copy;

    if (!kfk__dev_copy(kfk__dev_group_alloc(m->group), id, &copy))
        return NULL;
    kfk__dev_copy_free(kfk__dev_group_alloc(m->group), &m->id);
    m->id = copy;
    m->epoch = m->previous_epoch = 0;
    return m;
}

/* NULL: it was refused, or there is no memory. */
static kfk__dev_consumer *identify(kfk__dev_group *g, const kfk__dev_join *j, kfk_bytes id)
{
    const kfk__join_group_request *req = j->req;
    kfk__dev_consumer *m = req->group_instance_id.data
                               ? kfk__dev_consumer_static(g, req->group_instance_id)
                               : kfk__dev_consumer_find(g, id);

    if (m && req->group_instance_id.data && req->member_id.len == 0)
        return replace(m, id);
    if (m && req->group_instance_id.data && !kfk__bytes_equal(m->id, id))
        refuse(j, KFK_ERR_FENCED_INSTANCE_ID, req->member_id);
    else if (!m && req->group_instance_id.data && req->member_id.len > 0)
        refuse(j, KFK_ERR_UNKNOWN_MEMBER_ID, req->member_id);
    else
        return m ? m : kfk__dev_consumer_add(g, id, req->group_instance_id, &kfk__dev_modern_fires);
    return NULL;
}

static bool put(const kfk_allocator *a, kfk_bytes from, kfk_bytes *to)
{
    kfk_bytes copy;

    if (!kfk__dev_copy(a, from, &copy))
        return false;
    kfk__dev_copy_free(a, to);
    *to = copy;
    return true;
}

static bool take_protocols(kfk__dev_consumer *m, const kfk__join_group_request *req)
{
    kfk__dev_protocol *v = kfk__dev_protocols_copy(kfk__dev_group_alloc(m->group), req);

    if (!v)
        return false;
    kfk__dev_consumer_modern(m);
    m->protocols = v;
    m->n_protocols = req->protocols.n;
    return true;
}

/* *changed: it wants something else now. */
static bool update(kfk__dev_consumer *m, const kfk__dev_join *j, const subscription *s,
                   bool *changed)
{
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);

    *changed =
        m->wants.regex.len > 0 || !kfk__dev_subscription_has(&m->wants, s->topics.v, s->topics.n);
    m->session_ms = j->req->session_timeout_ms;
    m->rebalance_ms = j->version >= 1 ? j->req->rebalance_timeout_ms : j->req->session_timeout_ms;
    return take_protocols(m, j->req) && put(a, j->client_id, &m->client_id) &&
           put(a, j->client_host, &m->client_host) && put(a, s->rack_id, &m->rack) &&
           kfk__dev_subscription_regex(&m->wants, a, kfk__bytes("", 0)) &&
           kfk__dev_subscription_names(&m->wants, a, s->topics.v, s->topics.n);
}

static bool read_owned(const kfk__dev_group *g, const subscription *s, kfk__dev_parts *out)
{
    for (int32_t i = 0; i < s->owned_partitions.n; i++) {
        const kfk__consumer_protocol_subscription_partition *t = &s->owned_partitions.v[i];

        if (!kfk__dev_read_topic(g->all, t->topic, t->partitions.v, t->partitions.n, 0, out))
            return false;
    }
    return true;
}

static bool step(kfk__dev_consumer *m, const kfk__dev_join *j, const subscription *s, bool changed)
{
    kfk__dev_parts owned = {0};
    bool news, ok = kfk__dev_modern_assign(m->group, changed, j->now) &&
                    read_owned(m->group, s, &owned) &&
                    kfk__dev_modern_step(m, &owned, changed, j->now, &news);

    kfk__dev_parts_free(&owned, kfk__dev_group_alloc(m->group));
    return ok;
}

static void tell(const kfk__dev_consumer *m, const kfk__dev_join *j)
{
    kfk__dev_tell(j->parked, &(kfk__dev_verdict){.id = m->id,
                                                 .generation = m->epoch,
                                                 .protocol_type = kfk__bytes_str("consumer"),
                                                 .protocol = m->protocols[0].name});
}

static bool join_as(kfk__dev_group *g, const kfk__dev_join *j, kfk_bytes id, const subscription *s)
{
    kfk__dev_consumer *m = identify(g, j, id);
    bool changed;

    if (!m)
        return j->parked->done;
    if (!update(m, j, s, &changed) || !step(m, j, s, changed))
        return false;
    kfk__dev_consumer_watch(m, j->now);
    kfk__dev_consumer_hurry(m, j->now, true); /* it has to ask for its assignment */
    tell(m, j);
    return true;
}

/* If with a static member that comes back the last one is gone that let the coordinator assign. */
static bool joined_the_last(kfk__dev_group *g, const kfk__dev_join *j)
{
    const kfk__dev_consumer *old = kfk__dev_consumer_static(g, j->req->group_instance_id);

    if (!old || kfk__dev_consumer_classic(old) || j->req->member_id.len > 0)
        return false;
    for (KFK__DEV_EACH_CONSUMER(m, g))
        if (m != old && !kfk__dev_consumer_classic(m))
            return false;
    return true;
}

static bool read_subscription(const kfk__dev_join *j, subscription *s, bool *malformed)
{
    int16_t version;
    kfk_err err = kfk__data_decode(&kfk__consumer_protocol_subscription_data,
                                   j->req->protocols.v[0].metadata, j->arena, s, &version, NULL);

    *malformed = err && err != KFK_ERR_NOMEM;
    return !err || *malformed;
}

/* The old member takes on what the new one says, and the group goes on as a classic one. */
static bool join_down(kfk__dev_group *g, const kfk__dev_join *j, const subscription *s)
{
    kfk__dev_consumer *m = kfk__dev_consumer_static(g, j->req->group_instance_id);
    bool changed;

    return update(m, j, s, &changed) && kfk__dev_migrate_down(g, j->now) &&
           kfk__dev_classic_join(g, j);
}

bool kfk__dev_modern_join(kfk__dev_group *g, const kfk__dev_join *j)
{
    const kfk__join_group_request *req = j->req;
    subscription s;
    bool malformed;
    kfk_bytes id = req->member_id;

    if (g->modern.n_members >= g->all->settings.max_size && !kfk__dev_consumer_find(g, id)) {
        refuse(j, KFK_ERR_GROUP_MAX_SIZE_REACHED, kfk__bytes("", 0));
        return true;
    }
    if (!accepted(g, req)) {
        refuse(j, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL, id);
        return true;
    }
    if (id.len == 0 && !kfk__dev_modern_new_id(g, j->arena, &id))
        return false;
    if (req->member_id.len == 0 && !req->group_instance_id.data &&
        j->version >= FIRST_THAT_NEEDS_AN_ID) {
        refuse(j, KFK_ERR_MEMBER_ID_REQUIRED, id);
        return true;
    }
    if (!read_subscription(j, &s, &malformed))
        return false;
    if (malformed) {
        refuse(j, KFK_ERR_UNKNOWN_SERVER_ERROR, req->member_id);
        return true;
    }
    return joined_the_last(g, j) ? join_down(g, j, &s) : join_as(g, j, id, &s);
}

/* ---- SyncGroup and Heartbeat ---- */

static int16_t check(const kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                     kfk__dev_consumer **out)
{
    kfk__dev_consumer *m =
        instance.data ? kfk__dev_consumer_static(g, instance) : kfk__dev_consumer_find(g, member);

    *out = m;
    if (!m)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    if (!kfk__bytes_equal(m->id, member))
        return KFK_ERR_FENCED_INSTANCE_ID;
    return kfk__dev_consumer_classic(m) ? KFK_OK : KFK_ERR_UNKNOWN_MEMBER_ID;
}

static int16_t check_sync(kfk__dev_group *g, const kfk__sync_group_request *req,
                          kfk__dev_consumer **out, int64_t now)
{
    int16_t code = check(g, req->member_id, req->group_instance_id, out);
    kfk__dev_consumer *m = *out;

    if (code)
        return code;
    if (req->generation_id != m->epoch)
        return KFK_ERR_ILLEGAL_GENERATION;
    if ((req->protocol_type.data &&
         !kfk__bytes_equal(req->protocol_type, kfk__bytes_str("consumer"))) ||
        (req->protocol_name.data && !kfk__bytes_equal(req->protocol_name, m->protocols[0].name)))
        return KFK_ERR_INCONSISTENT_GROUP_PROTOCOL;
    if (g->modern.epoch == m->epoch || m->progress == KFK__DEV_UNREVOKED)
        return KFK_OK;
    kfk__dev_consumer_hurry(m, now, false);
    return KFK_ERR_REBALANCE_IN_PROGRESS;
}

bool kfk__dev_modern_sync(kfk__dev_group *g, const kfk__sync_group_request *req,
                          kfk__dev_parked *parked, int64_t now)
{
    kfk__dev_consumer *m;
    int16_t code = check_sync(g, req, &m, now);
    kfk__buf out;
    bool ok;

    if (code) {
        kfk__dev_tell(parked, &(kfk__dev_verdict){.code = code});
        return true;
    }
    kfk__dev_consumer_rest(m);
    kfk__dev_consumer_watch(m, now);
    kfk__buf_init(&out, kfk__dev_group_alloc(g));
    ok = kfk__dev_write_assignment(m, &m->assigned, &out);
    if (ok)
        kfk__dev_tell(parked, &(kfk__dev_verdict){.protocol_type = req->protocol_type,
                                                  .protocol = req->protocol_name,
                                                  .assignment = kfk__bytes(out.data, out.len)});
    kfk__buf_fini(&out);
    return ok;
}

/* Whether somebody still has what the member is to have. */
static bool waits_for_others(const kfk__dev_consumer *m)
{
    for (int32_t i = 0; i < m->target.n; i++) {
        const kfk__dev_part *p = &m->target.v[i];

        if (!kfk__dev_parts_find(&m->assigned, &p->topic, p->index) && kfk__dev_others_have(m, p))
            return true;
    }
    return false;
}

int16_t kfk__dev_modern_heartbeat(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                                  int32_t generation, int64_t now)
{
    kfk__dev_consumer *m;
    int16_t code = check(g, member, instance, &m);

    if (code)
        return code;
    if (generation != m->epoch)
        return KFK_ERR_ILLEGAL_GENERATION;
    kfk__dev_consumer_watch(m, now);
    if (m->epoch >= g->modern.epoch && m->progress != KFK__DEV_UNREVOKED &&
        (m->progress != KFK__DEV_UNRELEASED || waits_for_others(m)))
        return KFK_OK;
    kfk__dev_consumer_hurry(m, now, false);
    return KFK_ERR_REBALANCE_IN_PROGRESS;
}
