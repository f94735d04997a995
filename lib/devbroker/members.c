#include "devbroker/members.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/copy.h"

/* ---- one ---- */

kfk__dev_member *kfk__dev_member_new(kfk__dev_group *g, kfk_bytes id,
                                     void (*fire)(kfk__dev_timer *t, int64_t now))
{
    kfk__dev_member *m = kfk__zalloc(kfk__dev_group_alloc(g), sizeof *m);

    if (!m)
        return NULL;
    m->group = g;
    m->assignment = kfk__bytes("", 0);
    kfk__list_init(&m->link);
    if (kfk__dev_copy(kfk__dev_group_alloc(g), id, &m->id) &&
        kfk__dev_timer_init(&g->all->timers, &m->session, fire))
        return m;
    kfk__dev_copy_free(kfk__dev_group_alloc(g), &m->id);
    kfk__release(kfk__dev_group_alloc(g), m);
    return NULL;
}

void kfk__dev_member_free(kfk__dev_member *m)
{
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);

    kfk__dev_timer_fini(&m->group->all->timers, &m->session);
    kfk__list_remove(&m->link);
    kfk__dev_copy_free(a, &m->id);
    kfk__dev_copy_free(a, &m->instance);
    kfk__dev_copy_free(a, &m->client_id);
    kfk__dev_copy_free(a, &m->client_host);
    if (m->assignment.len)
        kfk__dev_copy_free(a, &m->assignment);
    kfk__release(a, m->protocols);
    kfk__release(a, m);
}

kfk__dev_protocol *kfk__dev_protocols_copy(const kfk_allocator *a,
                                           const kfk__join_group_request *req)
{
    size_t n = (size_t)req->protocols.n, size = n * sizeof(kfk__dev_protocol) + 1;
    kfk__dev_protocol *v;
    uint8_t *to;

    for (size_t i = 0; i < n; i++)
        size += req->protocols.v[i].name.len + req->protocols.v[i].metadata.len;
    v = kfk__alloc(a, size);
    if (!v)
        return NULL;
    to = (uint8_t *)(v + n);
    for (size_t i = 0; i < n; i++) {
        kfk_bytes name = req->protocols.v[i].name, metadata = req->protocols.v[i].metadata;

        v[i] = (kfk__dev_protocol){{to, name.len}, {to + name.len, metadata.len}};
        if (name.len)
            memcpy(to, name.data, name.len);
        if (metadata.len)
            memcpy(to + name.len, metadata.data, metadata.len);
        to += name.len + metadata.len;
    }
    return v;
}

bool kfk__dev_member_update(kfk__dev_member *m, const kfk__join_group_request *req, int16_t version)
{
    kfk__dev_protocol *v = kfk__dev_protocols_copy(kfk__dev_group_alloc(m->group), req);

    if (!v)
        return false;
    kfk__release(kfk__dev_group_alloc(m->group), m->protocols);
    m->protocols = v;
    m->n_protocols = req->protocols.n;
    m->session_ms = req->session_timeout_ms;
    m->rebalance_ms = version >= 1 ? req->rebalance_timeout_ms : req->session_timeout_ms;
    return true;
}

bool kfk__dev_member_rename(kfk__dev_member *m, kfk_bytes id)
{
    kfk_bytes copy;

    if (!kfk__dev_copy(kfk__dev_group_alloc(m->group), id, &copy))
        return false;
    kfk__dev_copy_free(kfk__dev_group_alloc(m->group), &m->id);
    m->id = copy;
    return true;
}

bool kfk__dev_member_wants(const kfk__dev_member *m, const kfk__join_group_request *req)
{
    if (m->n_protocols != req->protocols.n)
        return false;
    for (int32_t i = 0; i < m->n_protocols; i++)
        if (!kfk__bytes_equal(m->protocols[i].name, req->protocols.v[i].name) ||
            !kfk__bytes_equal(m->protocols[i].metadata, req->protocols.v[i].metadata))
            return false;
    return true;
}

static const kfk__dev_protocol *protocol_of(const kfk__dev_member *m, kfk_bytes name)
{
    for (int32_t i = 0; i < m->n_protocols; i++)
        if (kfk__bytes_equal(m->protocols[i].name, name))
            return &m->protocols[i];
    return NULL;
}

kfk_bytes kfk__dev_member_metadata(const kfk__dev_member *m)
{
    const kfk__dev_protocol *p = protocol_of(m, m->group->classic.protocol);

    return p ? p->metadata : kfk__bytes("", 0);
}

/* ---- all ---- */

static kfk__dev_member *find(const kfk__list *l, kfk_bytes id)
{
    for (kfk__list *i = kfk__list_first(l); i; i = kfk__list_next(l, i)) {
        kfk__dev_member *m = KFK__ENTRY(i, kfk__dev_member, link);

        if (kfk__bytes_equal(m->id, id))
            return m;
    }
    return NULL;
}

kfk__dev_member *kfk__dev_classic_find(const kfk__dev_group *g, kfk_bytes id)
{
    return find(&g->classic.members, id);
}

kfk__dev_member *kfk__dev_pending_find(const kfk__dev_group *g, kfk_bytes id)
{
    return find(&g->classic.pending, id);
}

kfk__dev_member *kfk__dev_classic_static(const kfk__dev_group *g, kfk_bytes instance)
{
    const kfk__list *l = &g->classic.members;

    for (kfk__list *i = kfk__list_first(l); i && instance.data; i = kfk__list_next(l, i)) {
        kfk__dev_member *m = KFK__ENTRY(i, kfk__dev_member, link);

        if (kfk__bytes_equal(m->instance, instance))
            return m;
    }
    return NULL;
}

static bool all_know(const kfk__dev_group *g, kfk_bytes name)
{
    const kfk__list *l = &g->classic.members;

    for (kfk__list *i = kfk__list_first(l); i; i = kfk__list_next(l, i))
        if (!protocol_of(KFK__ENTRY(i, kfk__dev_member, link), name))
            return false;
    return true;
}

bool kfk__dev_members_accept(const kfk__dev_group *g, const kfk__join_group_request *req)
{
    if (g->classic.state == KFK__DEV_EMPTY)
        return req->protocol_type.len > 0 && req->protocols.n > 0;
    if (!kfk__bytes_equal(g->classic.protocol_type, req->protocol_type))
        return false;
    for (int32_t i = 0; i < req->protocols.n; i++)
        if (all_know(g, req->protocols.v[i].name))
            return true;
    return false;
}

/* The first that the member names of those that all know; null: there is none. */
static kfk_bytes vote(const kfk__dev_group *g, const kfk__dev_member *m)
{
    for (int32_t i = 0; i < m->n_protocols; i++)
        if (all_know(g, m->protocols[i].name))
            return m->protocols[i].name;
    return (kfk_bytes){0};
}

static int32_t votes_for(const kfk__dev_group *g, kfk_bytes name)
{
    const kfk__list *l = &g->classic.members;
    int32_t n = 0;

    for (kfk__list *i = kfk__list_first(l); i; i = kfk__list_next(l, i))
        n += kfk__bytes_equal(vote(g, KFK__ENTRY(i, kfk__dev_member, link)), name);
    return n;
}

/* What all know, the first member knows. */
kfk_bytes kfk__dev_members_choice(const kfk__dev_group *g)
{
    const kfk__dev_member *first =
        KFK__ENTRY(kfk__list_first(&g->classic.members), kfk__dev_member, link);
    kfk_bytes best = {0};
    int32_t most = 0;

    for (int32_t i = 0; i < first->n_protocols; i++) {
        kfk_bytes name = first->protocols[i].name;
        int32_t n = all_know(g, name) ? votes_for(g, name) : 0;

        if (n > most) {
            most = n;
            best = name;
        }
    }
    return best;
}

int32_t kfk__dev_members_patience(const kfk__dev_group *g)
{
    const kfk__list *l = &g->classic.members;
    int32_t ms = 0;

    for (kfk__list *i = kfk__list_first(l); i; i = kfk__list_next(l, i)) {
        const kfk__dev_member *m = KFK__ENTRY(i, kfk__dev_member, link);

        if (m->rebalance_ms > ms)
            ms = m->rebalance_ms;
    }
    return ms;
}
