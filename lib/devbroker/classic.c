#include "devbroker/classic.h"

#include "base/bytes.h"
#include "devbroker/copy.h"
#include "devbroker/members.h"
#include "devbroker/rebalance.h"
#include "proto/consumer_protocol_subscription.h"
#include "proto/data.h"

int16_t kfk__dev_classic_check(const kfk__dev_group *g, kfk_bytes id, kfk_bytes instance)
{
    const kfk__dev_member *m = kfk__dev_classic_static(g, instance);

    if (instance.data && !m)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    if (m && !kfk__bytes_equal(m->id, id))
        return KFK_ERR_FENCED_INSTANCE_ID;
    return kfk__dev_classic_find(g, id) ? KFK_OK : KFK_ERR_UNKNOWN_MEMBER_ID;
}

/* ---- SyncGroup ---- */

static int16_t check_sync(const kfk__dev_group *g, const kfk__sync_group_request *req)
{
    const kfk__dev_classic *c = &g->classic;
    int16_t code;

    if (c->state == KFK__DEV_EMPTY)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    code = kfk__dev_classic_check(g, req->member_id, req->group_instance_id);
    if (code)
        return code;
    if (req->generation_id != c->generation)
        return KFK_ERR_ILLEGAL_GENERATION;
    if ((req->protocol_type.data && !kfk__bytes_equal(req->protocol_type, c->protocol_type)) ||
        (req->protocol_name.data && !kfk__bytes_equal(req->protocol_name, c->protocol)))
        return KFK_ERR_INCONSISTENT_GROUP_PROTOCOL;
    return c->state == KFK__DEV_PREPARING ? KFK_ERR_REBALANCE_IN_PROGRESS : KFK_OK;
}

static kfk_bytes assigned_to(const kfk__sync_group_request *req, kfk_bytes id)
{
    for (int32_t i = req->assignments.n; i-- > 0;)
        if (kfk__bytes_equal(req->assignments.v[i].member_id, id))
            return req->assignments.v[i].assignment;
    return kfk__bytes("", 0);
}

static bool assign(kfk__dev_member *m, kfk_bytes assignment)
{
    kfk_bytes copy = kfk__bytes("", 0);

    if (assignment.len && !kfk__dev_copy(kfk__dev_group_alloc(m->group), assignment, &copy))
        return false;
    if (m->assignment.len)
        kfk__dev_copy_free(kfk__dev_group_alloc(m->group), &m->assignment);
    m->assignment = copy;
    return true;
}

/* What the member gets of what was assigned. */
static void give(kfk__dev_member *m)
{
    kfk__dev_verdict v = kfk__dev_verdict_of(m);

    kfk__dev_tell_sync(m, &v);
}

/* The leader's word: everybody has its assignment, those that are not named an empty one. */
static bool assign_all(kfk__dev_group *g, const kfk__sync_group_request *req, int64_t now)
{
    for (KFK__DEV_EACH(m, g))
        if (!assign(m, assigned_to(req, m->id)))
            return false;
    if (!kfk__dev_classic_copy(g, g->classic.protocol, &g->classic.stored_protocol))
        return false;
    for (KFK__DEV_EACH(m, g)) {
        if (!m->syncing)
            continue;
        give(m);
        kfk__dev_member_watch(m, now, m->session_ms);
    }
    kfk__dev_classic_enter(g, KFK__DEV_STABLE);
    kfk__dev_classic_store(g);
    ++*g->all->version;
    return true;
}

bool kfk__dev_classic_sync(kfk__dev_group *g, const kfk__sync_group_request *req,
                           kfk__dev_parked *parked, int64_t now)
{
    kfk__dev_member *m = kfk__dev_classic_find(g, req->member_id);
    int16_t code = check_sync(g, req);

    if (code) {
        kfk__dev_tell(parked, &(kfk__dev_verdict){.code = code});
        return true;
    }
    m->owes_sync = false;
    kfk__dev_park(parked, &m->sync);
    if (g->classic.state == KFK__DEV_STABLE) {
        give(m);
        return true;
    }
    m->syncing = true;
    return m != g->classic.leader || assign_all(g, req, now);
}

/* ---- the others ---- */

int16_t kfk__dev_classic_heartbeat(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                                   int32_t generation, int64_t now)
{
    int16_t code = kfk__dev_classic_check(g, member, instance);
    kfk__dev_member *m = kfk__dev_classic_find(g, member);

    if (code)
        return code;
    if (generation != g->classic.generation)
        return KFK_ERR_ILLEGAL_GENERATION;
    kfk__dev_member_watch(m, now, m->session_ms);
    return g->classic.state == KFK__DEV_PREPARING ? KFK_ERR_REBALANCE_IN_PROGRESS : KFK_OK;
}

int16_t kfk__dev_classic_leave(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance)
{
    kfk__dev_member *m = kfk__dev_pending_find(g, member);
    int16_t code;

    if (member.len == 0) /* an administrator knows the instance alone */
        m = kfk__dev_classic_static(g, instance);
    if (!m && member.len > 0) {
        code = kfk__dev_classic_check(g, member, instance);
        if (code)
            return code;
        m = kfk__dev_classic_find(g, member);
    }
    if (!m)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    kfk__dev_classic_remove(m);
    return KFK_OK;
}

void kfk__dev_classic_left(kfk__dev_group *g, int64_t now)
{
    if (g->classic.state != KFK__DEV_EMPTY)
        kfk__dev_classic_act(g, now);
}

int16_t kfk__dev_classic_commit(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance,
                                int32_t generation, int64_t now)
{
    const kfk__dev_classic *c = &g->classic;
    kfk__dev_member *m = kfk__dev_classic_find(g, member);
    int16_t code;

    if (generation < 0 && c->state == KFK__DEV_EMPTY)
        return KFK_OK;
    if (generation < 0 && member.len == 0 && !instance.data)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    code = kfk__dev_classic_check(g, member, instance);
    if (code)
        return code;
    if (generation != c->generation)
        return KFK_ERR_ILLEGAL_GENERATION;
    if (c->state == KFK__DEV_COMPLETING)
        return KFK_ERR_REBALANCE_IN_PROGRESS;
    kfk__dev_member_watch(m, now, m->session_ms);
    return KFK_OK;
}

/* Only of consumers is it known what they read: of topics, as each version of their subscription
 * begins with. */
static bool member_reads(const kfk__dev_member *m, kfk_bytes topic, kfk__arena *a)
{
    kfk__consumer_protocol_subscription s;
    int16_t version;

    if (kfk__data_decode(&kfk__consumer_protocol_subscription_data, kfk__dev_member_metadata(m), a,
                         &s, &version, NULL))
        return true;
    for (int32_t i = 0; i < s.topics.n; i++)
        if (kfk__bytes_equal(s.topics.v[i], topic))
            return true;
    return false;
}

bool kfk__dev_classic_reads(const kfk__dev_group *g, kfk_bytes topic, kfk__arena *a)
{
    if (!kfk__bytes_equal(g->classic.protocol_type, kfk__bytes_str("consumer")))
        return false;
    for (KFK__DEV_EACH(m, g))
        if (member_reads(m, topic, a))
            return true;
    return false;
}

const char *kfk__dev_classic_state_name(const kfk__dev_group *g)
{
    static const char *const names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                        "Stable"};

    return names[g->classic.state];
}

/* ---- birth and death ---- */

bool kfk__dev_classic_init(kfk__dev_group *g)
{
    kfk__list_init(&g->classic.members);
    kfk__list_init(&g->classic.pending);
    return kfk__dev_timer_init(&g->all->timers, &g->classic.timer, kfk__dev_time_over);
}

void kfk__dev_classic_reset(kfk__dev_group *g)
{
    kfk__dev_classic *c = &g->classic;

    kfk__dev_classic_remove_all(&c->members);
    kfk__dev_classic_remove_all(&c->pending);
    kfk__dev_timer_stop(&g->all->timers, &c->timer);
    kfk__dev_copy_free(kfk__dev_group_alloc(g), &c->protocol_type);
    kfk__dev_copy_free(kfk__dev_group_alloc(g), &c->protocol);
    kfk__dev_copy_free(kfk__dev_group_alloc(g), &c->stored_protocol);
    c->state = c->before = KFK__DEV_EMPTY;
    c->generation = c->stored_generation = c->stored_members = 0;
}

void kfk__dev_classic_fini(kfk__dev_group *g)
{
    kfk__dev_classic_reset(g);
    kfk__dev_timer_fini(&g->all->timers, &g->classic.timer);
}
