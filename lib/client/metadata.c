#include "client/metadata.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

/* From which version on a broker's leader epochs are to be relied on (KAFKA-9212). */
enum { EPOCHS_FROM = 9 };

void kfk__metadata_init(kfk__metadata *m, const kfk_allocator *a)
{
    *m = (kfk__metadata){.alloc = a, .controller = -1, .updated_at = -1, .stale = true};
    kfk__list_init(&m->topics);
    kfk__map_init(&m->by_name, a);
}

static void free_topic(kfk__metadata *m, kfk__topic_info *t)
{
    kfk__list_remove(&t->link);
    kfk__release(m->alloc, t->partitions);
    kfk__release(m->alloc, t->name);
    kfk__release(m->alloc, t);
}

void kfk__metadata_fini(kfk__metadata *m)
{
    kfk__list *at;

    while ((at = kfk__list_first(&m->topics)) != NULL)
        free_topic(m, KFK__ENTRY(at, kfk__topic_info, link));
    kfk__map_fini(&m->by_name);
}

void kfk__metadata_forget(kfk__metadata *m, kfk__topic_info *t)
{
    kfk__map_remove(&m->by_name, t->name, t->name_len);
    free_topic(m, t);
}

kfk__topic_info *kfk__metadata_find(const kfk__metadata *m, const char *name, size_t len)
{
    return kfk__map_get(&m->by_name, name, len);
}

kfk__topic_info *kfk__metadata_by_id(const kfk__metadata *m, const kfk__uuid *id)
{
    if (kfk__uuid_is_zero(id)) /* that of every topic whose id is not known */
        return NULL;
    for (kfk__list *at = m->topics.next; at != &m->topics; at = at->next) {
        kfk__topic_info *t = KFK__ENTRY(at, kfk__topic_info, link);

        if (kfk__uuid_equal(&t->id, id))
            return t;
    }
    return NULL;
}

kfk__topic_info *kfk__metadata_topic(kfk__metadata *m, const char *name, size_t len, int64_t now)
{
    kfk__topic_info *t = kfk__metadata_find(m, name, len);

    if (t) {
        t->used_at = now;
        return t;
    }
    t = kfk__zalloc(m->alloc, sizeof *t);
    if (!t)
        return NULL;
    kfk__list_init(&t->link);
    t->err = KFK_ERR_WOULD_BLOCK;
    t->stale = true;
    t->used_at = now;
    t->name_len = len;
    t->name = kfk__strndup(m->alloc, name, len);
    if (!t->name || !kfk__map_put(&m->by_name, t->name, len, t)) {
        free_topic(m, t);
        return NULL;
    }
    kfk__list_push(&m->topics, &t->link);
    return t;
}

void kfk__metadata_stale(kfk__metadata *m, kfk__topic_info *t)
{
    if (t)
        t->stale = true;
    else
        m->stale = true;
}

bool kfk__metadata_is_stale(const kfk__metadata *m)
{
    if (m->stale)
        return true;
    for (kfk__list *at = m->topics.next; at != &m->topics; at = at->next)
        if (KFK__ENTRY(at, kfk__topic_info, link)->stale)
            return true;
    return false;
}

bool kfk__metadata_hint(kfk__topic_info *t, int32_t partition, int32_t leader, int32_t epoch)
{
    kfk__partition_info *p;

    if (partition < 0 || partition >= t->n_partitions || leader < 0)
        return false;
    p = &t->partitions[partition];
    if (epoch <= p->leader_epoch)
        return false;
    *p = (kfk__partition_info){.leader = leader, .leader_epoch = epoch};
    return true;
}

void kfk__metadata_expire(kfk__metadata *m, int64_t before)
{
    for (kfk__list *at = m->topics.next, *next; at != &m->topics; at = next) {
        kfk__topic_info *t = KFK__ENTRY(at, kfk__topic_info, link);

        next = at->next;
        if (t->used_at < before)
            kfk__metadata_forget(m, t);
    }
}

kfk_err kfk__metadata_ask(kfk__metadata *m, bool auto_create, kfk__arena *a,
                              kfk__metadata_request *rq)
{
    int32_t n = 0;

    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = auto_create;
    rq->topics.v = kfk__arena_alloc(a, (m->by_name.n + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    for (kfk__list *at = m->topics.next; at != &m->topics; at = at->next) {
        kfk__topic_info *t = KFK__ENTRY(at, kfk__topic_info, link);

        if (!m->stale && !t->stale)
            continue;
        t->stale = false;
        rq->topics.v[n++] = (kfk__metadata_request_topic){
            .name = kfk__bytes(t->name, t->name_len)};
    }
    rq->topics.n = n;
    m->stale = false;
    return KFK_OK;
}

/* Makes room for |n| partitions and keeps those that were known. */
static bool resize(kfk__metadata *m, kfk__topic_info *t, int32_t n)
{
    kfk__partition_info *p;

    if (n <= t->n_partitions)
        return true; /* a topic never shrinks: an answer with fewer is old */
    p = kfk__array(m->alloc, t->partitions, (size_t)n, sizeof *p);
    if (!p)
        return false;
    for (int32_t i = t->n_partitions; i < n; i++)
        p[i] = (kfk__partition_info){-1, -1};
    t->partitions = p;
    t->n_partitions = n;
    return true;
}

/* A topic deleted and made again has nothing in common with the one of before but its name. */
static void replace(kfk__metadata *m, kfk__topic_info *t, const kfk__uuid *id)
{
    if (!kfk__uuid_is_zero(&t->id)) {
        kfk__release(m->alloc, t->partitions);
        t->partitions = NULL;
        t->n_partitions = 0;
    }
    t->id = *id;
}

static kfk_err update_partition(kfk__topic_info *t, const kfk__metadata_response_partition *rp,
                                int16_t version)
{
    kfk__partition_info *p;
    int32_t epoch = version >= EPOCHS_FROM ? rp->leader_epoch : -1;

    if (rp->partition_index < 0 || rp->partition_index >= t->n_partitions)
        return KFK_ERR_LEADER_NOT_AVAILABLE;
    p = &t->partitions[rp->partition_index];
    if (epoch >= 0 && epoch < p->leader_epoch) /* who led before: nothing about who leads now */
        return p->leader < 0 ? KFK_ERR_LEADER_NOT_AVAILABLE : KFK_OK;
    p->leader = rp->leader_id < 0 || rp->error_code == KFK_ERR_LEADER_NOT_AVAILABLE ? -1
                                                                                    : rp->leader_id;
    p->leader_epoch = epoch;
    return p->leader < 0 ? KFK_ERR_LEADER_NOT_AVAILABLE : KFK_OK;
}

static kfk_err update_topic(kfk__metadata *m, kfk__topic_info *t,
                            const kfk__metadata_response_topic *rt, int16_t version)
{
    kfk_err worst = KFK_OK;

    t->err = rt->error_code;
    /* A topic without partitions is one that is being made: nothing can be done with it. */
    if (!t->err && rt->partitions.n <= 0)
        t->err = KFK_ERR_LEADER_NOT_AVAILABLE;
    if (t->err) {
        t->stale |= (kfk_err_flags(t->err) & KFK_RETRIABLE) != 0;
        return t->err;
    }
    if (!kfk__uuid_is_zero(&rt->topic_id) && !kfk__uuid_equal(&t->id, &rt->topic_id))
        replace(m, t, &rt->topic_id);
    if (!resize(m, t, rt->partitions.n)) {
        t->stale = true;
        return t->err = KFK_ERR_NOMEM;
    }
    for (int32_t i = 0; i < rt->partitions.n; i++) {
        kfk_err err = update_partition(t, &rt->partitions.v[i], version);

        worst = err ? err : worst;
    }
    t->stale |= worst != KFK_OK;
    return worst;
}

/* A topic that was asked for and that the answer does not name is asked for again. */
static kfk_err insist(kfk__metadata *m)
{
    kfk_err worst = KFK_OK;

    for (kfk__list *at = m->topics.next; at != &m->topics; at = at->next) {
        kfk__topic_info *t = KFK__ENTRY(at, kfk__topic_info, link);

        if (t->err != KFK_ERR_WOULD_BLOCK || t->stale)
            continue;
        t->stale = true;
        worst = KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    }
    return worst;
}

kfk_err kfk__metadata_update(kfk__metadata *m, const kfk__metadata_response *rs, int16_t version,
                             int64_t now)
{
    kfk_err worst = KFK_OK, unnamed;

    m->controller = rs->controller_id;
    kfk__error_set(m->cluster_id, sizeof m->cluster_id, rs->cluster_id.data, rs->cluster_id.len);
    m->updated_at = now;
    for (int32_t i = 0; i < rs->topics.n; i++) {
        const kfk__metadata_response_topic *rt = &rs->topics.v[i];
        kfk__topic_info *t = kfk__metadata_find(m, rt->name.data, rt->name.len);
        kfk_err err = t ? update_topic(m, t, rt, version) : KFK_OK;

        if (t)
            t->answered_at = now;
        worst = err ? err : worst;
    }
    unnamed = insist(m);
    return worst ? worst : unnamed;
}
