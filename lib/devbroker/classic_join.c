/* classic_join: JoinGroup, as a group of the classic protocol takes it. */
#include "devbroker/classic.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "devbroker/copy.h"
#include "devbroker/members.h"
#include "devbroker/rebalance.h"

enum {
    NEW_MEMBER_MS = 5 * 60 * 1000, /* how long one may wait that is in no generation yet */
    UUID_TEXT = 36,
    FIRST_THAT_NEEDS_AN_ID = 4,
    FIRST_THAT_SKIPS = 9
};

/* ---- ids ---- */

static void hyphenated(const kfk__env *env, char out[UUID_TEXT + 1])
{
    uint8_t b[16];
    size_t at = 0;

    env->ops->random(env->ctx, b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        bool hyphen = i == 4 || i == 6 || i == 8 || i == 10;

        at += (size_t)snprintf(out + at, UUID_TEXT + 1 - at, "%s%02x", hyphen ? "-" : "", b[i]);
    }
}

/* "client-5c0c1c7d-..." or "instance-5c0c1c7d-...", in the call's arena. */
static bool new_id(const kfk__dev_group *g, const kfk__dev_join *j, kfk_bytes *out)
{
    kfk_bytes name = j->req->group_instance_id.data ? j->req->group_instance_id : j->client_id;
    char uuid[UUID_TEXT + 1], *to = kfk__arena_alloc(j->arena, name.len + 1 + sizeof uuid);

    if (!to)
        return false;
    hyphenated(g->all->env, uuid);
    if (name.len)
        memcpy(to, name.data, name.len);
    to[name.len] = '-';
    memcpy(to + name.len + 1, uuid, sizeof uuid);
    *out = kfk__bytes(to, name.len + 1 + UUID_TEXT);
    return true;
}

/* ---- waiting, and being told ---- */

/* It waits for the group. */
static void wait_joined(kfk__dev_member *m, const kfk__dev_join *j)
{
    kfk__dev_park(j->parked, &m->join);
    m->group->classic.n_joining += !m->joining;
    m->joining = true;
}

static void refuse(const kfk__dev_join *j, int16_t code, kfk_bytes id)
{
    kfk__dev_tell(j->parked, &(kfk__dev_verdict){.code = code, .id = id});
}

static bool rejoin(kfk__dev_member *m, const kfk__dev_join *j)
{
    if (!kfk__dev_member_update(m, j->req, j->version))
        return false;
    wait_joined(m, j);
    kfk__dev_classic_act(m->group, j->now);
    return true;
}

/* The group as it is. */
static void same_generation(const kfk__dev_member *m, const kfk__dev_join *j)
{
    kfk__dev_verdict v = kfk__dev_verdict_of(m);

    if (m->group->classic.state == KFK__DEV_STABLE)
        v.leads = NULL;
    kfk__dev_tell(j->parked, &v);
}

/* ---- new members ---- */

static bool describe_member(kfk__dev_member *m, const kfk__dev_join *j)
{
    const kfk__join_group_request *req = j->req;
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);

    return kfk__dev_copy(a, req->group_instance_id, &m->instance) &&
           kfk__dev_copy(a, j->client_id, &m->client_id) &&
           kfk__dev_copy(a, j->client_host, &m->client_host) &&
           kfk__dev_member_update(m, req, j->version);
}

static kfk__dev_member *make_member(kfk__dev_group *g, const kfk__dev_join *j, kfk_bytes id)
{
    const kfk__join_group_request *req = j->req;
    kfk__dev_member *m = kfk__dev_member_new(g, id, kfk__dev_session_over);

    if (m && describe_member(m, j) &&
        (g->classic.n_members > 0 ||
         kfk__dev_classic_copy(g, req->protocol_type, &g->classic.protocol_type)))
        return m;
    if (m)
        kfk__dev_member_free(m);
    return NULL;
}

static bool add_member(kfk__dev_group *g, const kfk__dev_join *j, kfk_bytes id)
{
    kfk__dev_classic *c = &g->classic;
    kfk__dev_member *m = make_member(g, j, id), *pending = kfk__dev_pending_find(g, id);

    if (!m)
        return false;
    if (pending)
        kfk__dev_classic_remove(pending);
    if (c->state == KFK__DEV_PREPARING && c->before == KFK__DEV_EMPTY)
        c->came = true;
    kfk__list_push(&c->members, &m->link);
    c->n_members++;
    m->is_new = true;
    wait_joined(m, j);
    if (!c->leader)
        c->leader = m;
    kfk__dev_member_watch(m, j->now, NEW_MEMBER_MS);
    kfk__dev_classic_act(g, j->now);
    return true;
}

/* Tells a client its id, with which it is to ask again: so that one whose request is lost leaves
 * no member behind. */
static bool add_pending(kfk__dev_group *g, const kfk__dev_join *j, kfk_bytes id)
{
    const kfk__join_group_request *req = j->req;
    kfk__dev_member *m = kfk__dev_member_new(g, id, kfk__dev_session_over);

    if (!m)
        return false;
    m->pending = true;
    kfk__list_push(&g->classic.pending, &m->link);
    g->classic.n_pending++;
    kfk__dev_member_watch(m, j->now, req->session_timeout_ms);
    refuse(j, KFK_ERR_MEMBER_ID_REQUIRED, id);
    return true;
}

/* In a stable group a static member comes back under a new id, and nothing changes for the others.
 * Clients before version 9 could not lead without assigning; so that they do not, they are told
 * that the old one leads. */
static void replaced_in_stable(const kfk__dev_member *m, const kfk__dev_join *j,
                               kfk_bytes old_leader)
{
    kfk__dev_verdict v = kfk__dev_verdict_of(m);

    if (j->version < FIRST_THAT_SKIPS) {
        v.leader = old_leader;
        v.leads = NULL;
    }
    v.skip = v.leads != NULL;
    kfk__dev_tell(j->parked, &v);
}

static bool replace_member(kfk__dev_member *m, const kfk__dev_join *j, kfk_bytes id)
{
    kfk__dev_group *g = m->group;
    kfk_bytes old_leader;

    if (!kfk__dev_copy_in(j->arena, g->classic.leader->id, &old_leader) ||
        !kfk__dev_member_update(m, j->req, j->version))
        return false;
    kfk__dev_refuse_join(m, KFK_ERR_FENCED_INSTANCE_ID, m->id);
    kfk__dev_refuse_sync(m, KFK_ERR_FENCED_INSTANCE_ID);
    if (!kfk__dev_member_rename(m, id))
        return false;
    m->is_new = false;
    kfk__dev_member_watch(m, j->now, m->session_ms);
    if (g->classic.state == KFK__DEV_STABLE &&
        kfk__bytes_equal(kfk__dev_members_choice(g), g->classic.protocol)) {
        replaced_in_stable(m, j, old_leader);
        return true;
    }
    wait_joined(m, j);
    kfk__dev_classic_act(g, j->now);
    return true;
}

static bool join_new(kfk__dev_group *g, const kfk__dev_join *j)
{
    const kfk__join_group_request *req = j->req;
    kfk__dev_member *known = kfk__dev_classic_static(g, req->group_instance_id);
    kfk_bytes id;

    if (!new_id(g, j, &id))
        return false;
    if (known)
        return replace_member(known, j, id);
    if (!req->group_instance_id.data && j->version >= FIRST_THAT_NEEDS_AN_ID)
        return add_pending(g, j, id);
    return add_member(g, j, id);
}

static bool join_known(kfk__dev_group *g, const kfk__dev_join *j)
{
    const kfk__join_group_request *req = j->req;
    kfk__dev_member *m = kfk__dev_classic_find(g, req->member_id);
    bool leads = m && m == g->classic.leader;
    int16_t code;

    if (kfk__dev_pending_find(g, req->member_id))
        return add_member(g, j, req->member_id);
    code = kfk__dev_classic_check(g, req->member_id, req->group_instance_id);
    if (code)
        refuse(j, code, req->member_id);
    else if (g->classic.state == KFK__DEV_COMPLETING && kfk__dev_member_wants(m, req))
        same_generation(m, j);
    else if (g->classic.state == KFK__DEV_STABLE && !leads && kfk__dev_member_wants(m, req))
        same_generation(m, j);
    else
        return rejoin(m, j);
    return true;
}

/* Whether there is room for one more; who waits already, or is in this generation, has its own. */
static bool has_room(const kfk__dev_group *g, kfk_bytes id)
{
    const kfk__dev_member *m = kfk__dev_classic_find(g, id);
    int32_t max = g->all->settings.max_size;

    if (g->classic.state == KFK__DEV_EMPTY)
        return true;
    if (g->classic.state == KFK__DEV_PREPARING)
        return (m && m->joining) || g->classic.n_joining < max;
    return m || g->classic.n_members < max;
}

bool kfk__dev_classic_join(kfk__dev_group *g, const kfk__dev_join *j)
{
    const kfk__join_group_request *req = j->req;

    if (!has_room(g, req->member_id)) {
        kfk__dev_member *m = kfk__dev_classic_find(g, req->member_id);

        if (m)
            kfk__dev_classic_remove(m);
        refuse(j, KFK_ERR_GROUP_MAX_SIZE_REACHED, kfk__bytes("", 0));
        return true;
    }
    if (!kfk__dev_members_accept(g, req)) {
        refuse(j, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL, req->member_id);
        return true;
    }
    return req->member_id.len == 0 ? join_new(g, j) : join_known(g, j);
}
