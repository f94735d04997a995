#include "devbroker/topic.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/text.h"

/* ---- names ---- */

static bool legal_bytes(kfk_bytes name)
{
    const char *p = name.data;

    for (size_t i = 0; i < name.len; i++) {
        bool letter = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z');

        if (!letter && !(p[i] >= '0' && p[i] <= '9') && p[i] != '.' && p[i] != '_' && p[i] != '-')
            return false;
    }
    return true;
}

static bool is_dots(kfk_bytes name)
{
    return (name.len == 1 || name.len == 2) && memcmp(name.data, "..", name.len) == 0;
}

bool kfk__dev_topic_name_ok(kfk_bytes name)
{
    return name.len > 0 && name.len <= KFK__DEV_NAME_MAX && !is_dots(name) && legal_bytes(name);
}

kfk_bytes kfk__dev_topic_name_error(kfk_bytes name, kfk__arena *a)
{
    const char *text = name.data;
    int len = name.len > INT32_MAX ? INT32_MAX : (int)name.len;

    if (name.len == 0)
        return kfk__dev_text(a, "Topic name is invalid: the empty string is not allowed");
    if (is_dots(name))
        return kfk__dev_text(a, "Topic name is invalid: '%.*s' is not allowed", len, text);
    if (name.len > KFK__DEV_NAME_MAX)
        return kfk__dev_text(a,
                             "Topic name is invalid: the length of '%.*s' is longer than the max "
                             "allowed length %d",
                             len, text, KFK__DEV_NAME_MAX);
    return kfk__dev_text(a,
                         "Topic name is invalid: '%.*s' contains one or more characters other than "
                         "ASCII alphanumerics, '.', '_' and '-'",
                         len, text);
}

/* ---- partitions ---- */

kfk__dev_partition *kfk__dev_topic_partition(const kfk__dev_topic *t, int32_t index)
{
    return t && index >= 0 && index < t->n_partitions ? t->partitions[index] : NULL;
}

kfk__dev_view kfk__dev_partition_view(const kfk__dev_partition *p, int32_t node)
{
    const kfk__dev_log *l = &p->log;
    kfk__dev_view all = {l->start, l->high, l->end, p->leader_epoch}, v;

    if (!p->views || p->leader == node || p->views[node - 1].end < 0)
        return all;
    v = p->views[node - 1];
    if (v.start < all.start)
        v.start = all.start;
    if (v.end > all.end)
        v.end = all.end;
    if (v.end < v.start)
        v.end = v.start;
    if (v.high > v.end)
        v.high = v.end;
    v.newest = kfk__dev_log_newest_epoch(l, v.end);
    return v;
}

kfk_err kfk__dev_partition_limit(kfk__dev_partition *p, const kfk_allocator *a, int32_t node,
                                 const kfk__dev_view *view)
{
    static const kfk__dev_view all = {.end = -1};

    if (!p->views) {
        p->views = kfk__array(a, NULL, KFK__DEV_NODES_MAX, sizeof *p->views);
        if (!p->views)
            return KFK_ERR_NOMEM;
        for (int32_t i = 0; i < KFK__DEV_NODES_MAX; i++)
            p->views[i] = all;
    }
    p->views[node - 1] = view ? *view : all;
    return KFK_OK;
}

static void partition_free(const kfk_allocator *a, kfk__dev_partition *p)
{
    kfk__release(a, p->views);
    kfk__dev_log_fini(&p->log);
    kfk__dev_producers_fini(&p->producers);
    kfk__release(a, p);
}

static kfk__dev_partition *partition_new(const kfk_allocator *a, int32_t index,
                                         const kfk__dev_nodes *replicas, const kfk__dev_nodes *up)
{
    kfk__dev_partition *p = kfk__zalloc(a, sizeof *p);

    if (!p)
        return NULL;
    p->index = index;
    p->replicas = *replicas;
    for (int32_t i = 0; i < replicas->n; i++)
        if (kfk__dev_nodes_have(up, replicas->v[i]))
            p->isr.v[p->isr.n++] = replicas->v[i];
    p->leader = p->isr.n ? p->isr.v[0] : -1;
    /* The last replica never leaves the set: somebody must be able to come back and lead. */
    if (p->isr.n == 0)
        p->isr.v[p->isr.n++] = replicas->v[0];
    kfk__dev_log_init(&p->log, a);
    kfk__dev_producers_init(&p->producers, a);
    return p;
}

kfk_err kfk__dev_topics_grow(kfk__dev_topics *ts, kfk__dev_topic *t, const kfk__dev_nodes *replicas,
                             int32_t n, const kfk__dev_nodes *up)
{
    int32_t old = t->n_partitions;
    kfk__dev_partition **v =
        kfk__array(ts->alloc, t->partitions, (size_t)old + (size_t)n, sizeof(kfk__dev_partition *));

    if (!v)
        return KFK_ERR_NOMEM;
    t->partitions = v;
    for (int32_t i = 0; i < n; i++) {
        v[old + i] = partition_new(ts->alloc, old + i, &replicas[i], up);
        if (!v[old + i]) {
            while (i-- > 0)
                partition_free(ts->alloc, v[old + i]);
            return KFK_ERR_NOMEM;
        }
    }
    t->n_partitions = old + n;
    return KFK_OK;
}

/* ---- topics ---- */

void kfk__dev_topics_init(kfk__dev_topics *ts, const kfk_allocator *a)
{
    *ts = (kfk__dev_topics){.alloc = a};
    kfk__list_init(&ts->all);
    kfk__map_init(&ts->by_name, a);
    kfk__map_init(&ts->by_id, a);
}

void kfk__dev_topics_fini(kfk__dev_topics *ts)
{
    for (kfk__dev_topic *t; (t = kfk__dev_topics_first(ts));)
        kfk__dev_topics_delete(ts, t);
    kfk__map_fini(&ts->by_name);
    kfk__map_fini(&ts->by_id);
}

static kfk__dev_topic *entry(kfk__list *node)
{
    return node ? KFK__ENTRY(node, kfk__dev_topic, link) : NULL;
}

kfk__dev_topic *kfk__dev_topics_first(const kfk__dev_topics *ts)
{
    return entry(kfk__list_first(&ts->all));
}

kfk__dev_topic *kfk__dev_topics_next(const kfk__dev_topics *ts, const kfk__dev_topic *t)
{
    return entry(kfk__list_next(&ts->all, &t->link));
}

static void topic_free(const kfk_allocator *a, kfk__dev_topic *t)
{
    for (int32_t i = 0; i < t->n_partitions; i++)
        partition_free(a, t->partitions[i]);
    kfk__release(a, t->partitions);
    kfk__dev_config_fini(&t->config, a);
    kfk__release(a, t);
}

static void link_by_name(kfk__dev_topics *ts, kfk__dev_topic *t)
{
    kfk__dev_topic *at = kfk__dev_topics_first(ts);

    while (at && strcmp(at->name, t->name) < 0)
        at = kfk__dev_topics_next(ts, at);
    kfk__list_insert(at ? &at->link : &ts->all, &t->link);
}

kfk__dev_topic *kfk__dev_topics_add(kfk__dev_topics *ts, kfk_bytes name, const kfk__uuid *id,
                                    const kfk__dev_nodes *replicas, int32_t n,
                                    const kfk__dev_nodes *up)
{
    kfk__dev_topic *t = kfk__zalloc(ts->alloc, sizeof *t);

    if (!t)
        return NULL;
    memcpy(t->name, name.data, name.len);
    t->id = *id;
    kfk__dev_config_init(&t->config);
    if (kfk__dev_topics_grow(ts, t, replicas, n, up) ||
        !kfk__map_put(&ts->by_name, t->name, name.len, t))
        goto fail;
    if (!kfk__map_put(&ts->by_id, t->id.b, sizeof t->id.b, t)) {
        kfk__map_remove(&ts->by_name, t->name, name.len);
        goto fail;
    }
    link_by_name(ts, t);
    ts->n++;
    return t;
fail:
    topic_free(ts->alloc, t);
    return NULL;
}

void kfk__dev_topics_delete(kfk__dev_topics *ts, kfk__dev_topic *t)
{
    kfk__map_remove(&ts->by_name, t->name, strlen(t->name));
    kfk__map_remove(&ts->by_id, t->id.b, sizeof t->id.b);
    kfk__list_remove(&t->link);
    ts->n--;
    topic_free(ts->alloc, t);
}
