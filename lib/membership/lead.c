#include "membership/lead.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "membership/order.h"
#include "membership/subscription.h"

static bool copy(kfk__arena *a, kfk_bytes from, kfk_bytes *to)
{
    char *bytes = kfk__arena_alloc(a, from.len + 1);

    if (!bytes)
        return false;
    if (from.len)
        memcpy(bytes, from.data, from.len);
    bytes[from.len] = '\0';
    *to = kfk__bytes(from.data ? bytes : NULL, from.len);
    return true;
}

/* One whose subscription cannot be read subscribes to nothing. */
static kfk_err read_member(kfk__lead *l, const kfk__join_group_response_member *from)
{
    kfk__assign_member *m = &l->members[l->n_members++];
    const char *why;
    kfk_bytes data;
    kfk_err err;

    *m = (kfk__assign_member){.generation = -1};
    if (!copy(l->arena, from->member_id, &m->id) ||
        !copy(l->arena, from->group_instance_id, &m->instance) ||
        !copy(l->arena, from->metadata, &data))
        return KFK_ERR_NOMEM;
    err = kfk__subscription_read(data, l->arena, m, &why);
    if (err != KFK_ERR_PROTOCOL)
        return err;
    l->n_unreadable++;
    return KFK_OK;
}

/* ---- the topics of all ---- */

static int by_name(const void *names, int32_t a, int32_t b)
{
    const kfk_bytes *v = names;

    return kfk__order_names(v[a], v[b]);
}

static bool is_name(kfk_bytes topic)
{
    return topic.len > 0 && topic.len <= 249 && !memchr(topic.data, 0, topic.len);
}

static size_t count_names(const kfk__lead *l)
{
    size_t n = 0;

    for (int32_t i = 0; i < l->n_members; i++)
        n += (size_t)l->members[i].n_topics;
    return n;
}

/* What anybody subscribes to, if it can be the name of a topic. */
static int32_t list_names(const kfk__lead *l, kfk_bytes *names, int32_t *order)
{
    int32_t n = 0;

    for (int32_t i = 0; i < l->n_members; i++)
        for (int32_t k = 0; k < l->members[i].n_topics; k++)
            if (is_name(l->members[i].topics[k])) {
                names[n] = l->members[i].topics[k];
                order[n] = n;
                n++;
            }
    return n;
}

static kfk_err collect_topics(kfk__lead *l)
{
    size_t most = count_names(l) + 1;
    kfk_bytes *names = kfk__arena_alloc(l->arena, most * sizeof *names);
    int32_t *order = kfk__arena_alloc(l->arena, most * sizeof *order), n;

    l->topics = kfk__arena_alloc(l->arena, most * sizeof *l->topics);
    l->counts = kfk__arena_alloc(l->arena, most * sizeof *l->counts);
    if (!names || !order || !l->topics || !l->counts)
        return KFK_ERR_NOMEM;
    n = list_names(l, names, order);
    kfk__order_sort(order, l->counts, (size_t)n, by_name, names);
    for (int32_t i = 0; i < n; i++)
        if (l->n_topics == 0 || !kfk__bytes_equal(l->topics[l->n_topics - 1], names[order[i]]))
            l->topics[l->n_topics++] = names[order[i]];
    for (int32_t i = 0; i < l->n_topics; i++)
        l->counts[i] = -1;
    return KFK_OK;
}

kfk_err kfk__lead_begin(kfk__lead *l, const kfk__join_group_response *rs, kfk__arena *a)
{
    kfk_err err = KFK_OK;

    *l = (kfk__lead){.arena = a};
    l->members = kfk__arena_alloc(a, ((size_t)rs->members.n + 1) * sizeof *l->members);
    if (!l->members)
        return KFK_ERR_NOMEM;
    for (int32_t i = 0; !err && i < rs->members.n; i++)
        err = read_member(l, &rs->members.v[i]);
    return err ? err : collect_topics(l);
}

kfk_err kfk__lead_ask(const kfk__lead *l, kfk__arena *a, kfk__metadata_request *rq)
{
    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = false; /* who subscribes asks for that himself */
    rq->topics.v = kfk__arena_alloc(a, ((size_t)l->n_topics + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    rq->topics.n = l->n_topics;
    for (int32_t i = 0; i < l->n_topics; i++)
        rq->topics.v[i] = (kfk__metadata_request_topic){.name = l->topics[i]};
    return KFK_OK;
}

/* ---- what there is ---- */

static kfk_bytes rack_of(const kfk__metadata_response *rs, int32_t broker)
{
    for (int32_t i = 0; i < rs->brokers.n; i++)
        if (rs->brokers.v[i].node_id == broker)
            return rs->brokers.v[i].rack;
    return kfk__bytes(NULL, 0);
}

/* Those of its replicas that have one. NULL: no memory. */
static kfk_bytes *racks_of(const kfk__metadata_response *rs,
                           const kfk__metadata_response_partition *p, kfk__arena *a, int32_t *n)
{
    kfk_bytes *v = kfk__arena_alloc(a, ((size_t)p->replica_nodes.n + 1) * sizeof *v);

    *n = 0;
    for (int32_t i = 0; v && i < p->replica_nodes.n; i++) {
        v[*n] = rack_of(rs, p->replica_nodes.v[i]);
        *n += v[*n].len > 0;
    }
    return v;
}

static bool any_rack(const kfk__lead *l)
{
    for (int32_t i = 0; i < l->n_members; i++)
        if (l->members[i].rack.len > 0)
            return true;
    return false;
}

/* false: no memory. */
static bool fill_racks(const kfk__metadata_response *rs, const kfk__metadata_response_topic *t,
                       kfk__arena *a, const kfk__assign_racks **out)
{
    kfk__assign_racks *v = kfk__arena_alloc(a, ((size_t)t->partitions.n + 1) * sizeof *v);

    if (!v)
        return false;
    memset(v, 0, ((size_t)t->partitions.n + 1) * sizeof *v);
    for (int32_t i = 0; i < t->partitions.n; i++) {
        const kfk__metadata_response_partition *p = &t->partitions.v[i];

        if (p->partition_index < 0 || p->partition_index >= t->partitions.n)
            continue;
        v[p->partition_index].v = racks_of(rs, p, a, &v[p->partition_index].n);
        if (!v[p->partition_index].v)
            return false;
    }
    *out = v;
    return true;
}

static const kfk__metadata_response_topic *find(const kfk__metadata_response *rs, kfk_bytes name,
                                                int32_t at)
{
    /* Answers mostly come in the order of what was asked. */
    for (int32_t i = 0; i < rs->topics.n; i++) {
        const kfk__metadata_response_topic *t = &rs->topics.v[(at + i) % rs->topics.n];

        if (kfk__bytes_equal(t->name, name))
            return t;
    }
    return NULL;
}

/* The topics that there are. A topic of which nobody knows is one of none: it may come. */
static kfk_err fill_topics(kfk__lead *l, const kfk__metadata_response *rs, kfk__arena *a,
                           kfk__assign_group *in)
{
    kfk__assign_topic *v = kfk__arena_alloc(a, ((size_t)l->n_topics + 1) * sizeof *v);
    bool racks = any_rack(l);

    if (!v)
        return KFK_ERR_NOMEM;
    *in = (kfk__assign_group){.members = l->members, .n_members = l->n_members, .topics = v};
    for (int32_t i = 0; i < l->n_topics; i++) {
        const kfk__metadata_response_topic *t = find(rs, l->topics[i], i);

        l->counts[i] = t && !t->error_code ? t->partitions.n : 0;
        if (l->counts[i] == 0)
            continue;
        v[in->n_topics] = (kfk__assign_topic){.name = l->topics[i], .n_partitions = l->counts[i]};
        if (racks && !fill_racks(rs, t, a, &v[in->n_topics].racks))
            return KFK_ERR_NOMEM;
        in->n_topics++;
    }
    return KFK_OK;
}

void kfk__lead_recall(kfk__lead *l, const kfk__lead *last)
{
    int32_t k = 0;

    for (int32_t i = 0; i < l->n_topics; i++) { /* both are in order */
        while (k < last->n_topics && kfk__order_names(last->topics[k], l->topics[i]) < 0)
            k++;
        if (k < last->n_topics && kfk__bytes_equal(last->topics[k], l->topics[i]))
            l->counts[i] = last->counts[k];
    }
}

void kfk__lead_look(kfk__lead *l, const kfk__metadata_response *rs)
{
    for (int32_t i = 0; i < l->n_topics; i++) {
        const kfk__metadata_response_topic *t = find(rs, l->topics[i], i);

        if (l->counts[i] < 0)
            l->counts[i] = t && !t->error_code ? t->partitions.n : 0;
    }
}

kfk_err kfk__lead_assign(kfk__lead *l, const kfk__assignor *by, uint32_t protocol,
                         const kfk__metadata_response *rs, kfk__arena *scratch, kfk_error *e)
{
    kfk__assign_group in;
    kfk_err err = fill_topics(l, rs, scratch, &in);

    if (err)
        return kfk__fail_nomem(e);
    return kfk__assignor_run(by, protocol, &in, l->arena, &l->shares, e);
}

const char *kfk__lead_changed(const kfk__lead *l, const kfk__metadata *m)
{
    for (int32_t i = 0; i < l->n_topics; i++) {
        const kfk__topic_info *t = kfk__metadata_find(m, l->topics[i].data, l->topics[i].len);

        if (t && !t->err && l->counts[i] >= 0 && t->n_partitions != l->counts[i])
            return t->name;
    }
    return NULL;
}
