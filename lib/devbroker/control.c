/* control: the calls by which a test, or the command line, steers a broker that is running. Each
 * takes the service's lock for itself and wakes the loop. */
#include "devbroker/devbroker.h"

#include <string.h>

#include "base/bytes.h"
#include "devbroker/broker.h"
#include "devbroker/records.h"
#include "devbroker/topic.h"
#include "record/message.h"

static kfk__dev_cluster *enter(kfk__devbroker *b)
{
    kfk__lock(&b->service.lock);
    return &b->service.cluster;
}

static kfk_err leave(kfk__devbroker *b, kfk_err err)
{
    kfk__unlock(&b->service.lock);
    kfk__loop_wake(&b->loop);
    return err;
}

/* ---- faults ---- */

int64_t kfk__devbroker_fault(kfk__devbroker *b, const kfk__dev_fault *what)
{
    int64_t id;

    (void)enter(b);
    id = kfk__dev_faults_add(&b->service.faults, &b->env.alloc, what);
    (void)leave(b, KFK_OK);
    return id;
}

int64_t kfk__devbroker_fault_hits(kfk__devbroker *b, int64_t id)
{
    int64_t hits;

    (void)enter(b);
    hits = kfk__dev_faults_hits(&b->service.faults, id);
    (void)leave(b, KFK_OK);
    return hits;
}

int64_t kfk__devbroker_fault_remove(kfk__devbroker *b, int64_t id)
{
    int64_t hits;

    (void)enter(b);
    hits = kfk__dev_faults_remove(&b->service.faults, &b->env.alloc, id);
    (void)leave(b, KFK_OK);
    return hits;
}

void kfk__devbroker_fault_clear(kfk__devbroker *b)
{
    (void)enter(b);
    kfk__dev_faults_clear(&b->service.faults, &b->env.alloc);
    (void)leave(b, KFK_OK);
}

int64_t kfk__devbroker_requests(kfk__devbroker *b, int32_t node, int16_t api)
{
    int64_t n = 0;

    (void)enter(b);
    for (int32_t i = 0; i < KFK__DEV_NODES_MAX && api >= 0 && api < KFK__DEV_KEYS; i++)
        if (node == KFK__DEV_ANY || node == i + 1)
            n += b->service.requests[i][api];
    (void)leave(b, KFK_OK);
    return n;
}

/* ---- nodes ---- */

static kfk_err set_up(kfk__devbroker *b, int32_t id, bool up)
{
    kfk__dev_cluster *c = enter(b);
    const kfk__dev_node *node = kfk__dev_cluster_node(c, id);

    if (node && node->up != up)
        kfk__dev_cluster_set_up(c, id, up);
    return leave(b, node ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_stop_node(kfk__devbroker *b, int32_t node)
{
    return set_up(b, node, false);
}

kfk_err kfk__devbroker_start_node(kfk__devbroker *b, int32_t node)
{
    return set_up(b, node, true);
}

kfk_err kfk__devbroker_restart_node(kfk__devbroker *b, int32_t node, const char *profile)
{
    const kfk__dev_profile *is = kfk__dev_profile_by_name(profile);
    kfk_err err = is ? kfk__devbroker_stop_node(b, node) : KFK_ERR_INVALID_ARG;

    if (err)
        return err;
    kfk__dev_cluster_node(enter(b), node)->profile = is;
    (void)leave(b, KFK_OK);
    return kfk__devbroker_start_node(b, node);
}

/* ---- topics ---- */

static kfk__dev_topic *topic_of(kfk__dev_cluster *c, const char *name)
{
    return kfk__dev_cluster_topic(c, kfk__bytes_str(name));
}

/* "name=value" */
static kfk_err set_config(kfk__dev_cluster *c, kfk__dev_topic *t, const char *config)
{
    const char *is = strchr(config, '=');
    int index = is ? kfk__dev_config_index(config, (size_t)(is - config)) : -1;

    return index < 0 ? KFK_ERR_INVALID_ARG
                     : kfk__dev_config_set(&t->config, &c->env.alloc, index, is + 1);
}

static kfk_err create_topic(kfk__dev_cluster *c, const char *name, int32_t partitions,
                            int32_t replicas, const char *const *configs, size_t n_configs)
{
    kfk__dev_topic *t =
        kfk__dev_cluster_create_topic(c, kfk__bytes_str(name), partitions, replicas);
    kfk_err err = KFK_OK;

    if (!t)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < n_configs && !err; i++)
        err = set_config(c, t, configs[i]);
    if (err)
        kfk__dev_cluster_delete_topic(c, t);
    return err;
}

kfk_err kfk__devbroker_create_topic(kfk__devbroker *b, const char *topic, int32_t partitions,
                                    int32_t replicas, const char *const *configs, size_t n_configs)
{
    kfk__dev_cluster *c = enter(b);

    if (partitions == 0)
        partitions = c->default_partitions;
    if (replicas == 0)
        replicas = c->default_replicas;
    if (!kfk__dev_topic_name_ok(kfk__bytes_str(topic)) || topic_of(c, topic) || partitions < 0 ||
        partitions > KFK__DEV_PARTITIONS_MAX || replicas < 0 || replicas > c->n_nodes)
        return leave(b, KFK_ERR_INVALID_ARG);
    return leave(b, create_topic(c, topic, partitions, replicas, configs, n_configs));
}

kfk_err kfk__devbroker_delete_topic(kfk__devbroker *b, const char *topic)
{
    kfk__dev_cluster *c = enter(b);
    kfk__dev_topic *t = topic_of(c, topic);

    if (t)
        kfk__dev_cluster_delete_topic(c, t);
    return leave(b, t ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_set_config(kfk__devbroker *b, const char *topic, const char *name,
                                  const char *value)
{
    kfk__dev_cluster *c = enter(b);
    kfk__dev_topic *t = topic_of(c, topic);
    int index = kfk__dev_config_index(name, strlen(name));

    if (!t || index < 0)
        return leave(b, KFK_ERR_INVALID_ARG);
    return leave(b, kfk__dev_config_set(&t->config, &c->env.alloc, index, value));
}

kfk_err kfk__devbroker_topic_id(kfk__devbroker *b, const char *topic, kfk__uuid *out)
{
    const kfk__dev_topic *t = topic_of(enter(b), topic);

    if (t)
        *out = t->id;
    return leave(b, t ? KFK_OK : KFK_ERR_INVALID_ARG);
}

/* ---- partitions ---- */

static kfk__dev_partition *partition_of(kfk__devbroker *b, const char *topic, int32_t partition)
{
    return kfk__dev_topic_partition(topic_of(enter(b), topic), partition);
}

kfk_err kfk__devbroker_move_leader(kfk__devbroker *b, const char *topic, int32_t partition,
                                   int32_t node)
{
    kfk__dev_partition *p = partition_of(b, topic, partition);
    kfk__dev_cluster *c = &b->service.cluster;

    if (!p || !kfk__dev_nodes_have(&p->replicas, node) || !kfk__dev_cluster_node(c, node)->up)
        return leave(b, KFK_ERR_INVALID_ARG);
    kfk__dev_partition_lead(c, p, node);
    return leave(b, KFK_OK);
}

kfk_err kfk__devbroker_bump_epoch(kfk__devbroker *b, const char *topic, int32_t partition)
{
    kfk__dev_partition *p = partition_of(b, topic, partition);

    if (p)
        kfk__dev_partition_lead(&b->service.cluster, p, p->leader);
    return leave(b, p ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_leader(kfk__devbroker *b, const char *topic, int32_t partition,
                              int32_t *node, int32_t *epoch)
{
    const kfk__dev_partition *p = partition_of(b, topic, partition);

    if (p) {
        *node = p->leader;
        *epoch = p->leader_epoch;
    }
    return leave(b, p ? KFK_OK : KFK_ERR_INVALID_ARG);
}

kfk_err kfk__devbroker_truncate(kfk__devbroker *b, const char *topic, int32_t partition,
                                int64_t offset)
{
    kfk__dev_partition *p = partition_of(b, topic, partition);

    if (!p || offset < 0)
        return leave(b, KFK_ERR_INVALID_ARG);
    kfk__dev_log_truncate(&p->log, offset);
    kfk__dev_partition_lead(&b->service.cluster, p, p->leader);
    return leave(b, KFK_OK);
}

kfk_err kfk__devbroker_trim(kfk__devbroker *b, const char *topic, int32_t partition, int64_t offset)
{
    kfk__dev_partition *p = partition_of(b, topic, partition);

    if (!p)
        return leave(b, KFK_ERR_INVALID_ARG);
    kfk__dev_log_trim(&p->log, offset);
    b->service.cluster.version++;
    return leave(b, KFK_OK);
}

kfk_err kfk__devbroker_set_follower(kfk__devbroker *b, const char *topic, int32_t partition,
                                    int32_t node, const kfk__devbroker_offsets *has)
{
    kfk__dev_partition *p = partition_of(b, topic, partition);
    kfk__dev_cluster *c = &b->service.cluster;
    kfk__dev_view view = {0};

    if (has)
        view = (kfk__dev_view){.start = has->start, .high = has->high, .end = has->end};
    if (!p || !kfk__dev_nodes_have(&p->replicas, node) || view.start < 0 ||
        view.high < view.start || view.end < view.high)
        return leave(b, KFK_ERR_INVALID_ARG);
    c->version++;
    return leave(b, kfk__dev_partition_limit(p, &c->env.alloc, node, has ? &view : NULL));
}

kfk_err kfk__devbroker_set_pending(kfk__devbroker *b, const char *group, const char *topic,
                                   int32_t partition, bool pending)
{
    const kfk__dev_partition *p = partition_of(b, topic, partition);

    if (!p)
        return leave(b, KFK_ERR_INVALID_ARG);
    return leave(b, kfk__dev_offsets_pend(&b->service.cluster.offsets, kfk__bytes_str(group),
                                          kfk__bytes_str(topic), partition, pending));
}

kfk_err kfk__devbroker_set_producer_epoch(kfk__devbroker *b, int16_t epoch)
{
    kfk__dev_cluster *c = enter(b);

    if (epoch >= 0)
        c->producer_epoch = epoch;
    return leave(b, epoch >= 0 ? KFK_OK : KFK_ERR_INVALID_ARG);
}

void kfk__devbroker_expire_producers(kfk__devbroker *b)
{
    kfk__dev_cluster *c = enter(b);

    for (kfk__dev_topic *t = kfk__dev_topics_first(&c->topics); t;
         t = kfk__dev_topics_next(&c->topics, t)) {
        for (int32_t k = 0; k < t->n_partitions; k++)
            kfk__dev_producers_expire(&t->partitions[k]->producers);
    }
    (void)leave(b, KFK_OK);
}

/* ---- fetch sessions ---- */

typedef void sessions_fn(kfk__dev_sessions *ss, int32_t arg);

static kfk_err each_node(kfk__devbroker *b, int32_t node, sessions_fn *fn, int32_t arg)
{
    kfk__dev_cluster *c = enter(b);
    kfk_err err = KFK_ERR_INVALID_ARG;

    for (int32_t i = 0; i < c->n_nodes; i++) {
        if (node != KFK__DEV_ANY && node != c->nodes[i].id)
            continue;
        fn(&c->nodes[i].sessions, arg);
        err = KFK_OK;
    }
    return leave(b, err);
}

kfk_err kfk__devbroker_sessions(kfk__devbroker *b, int32_t node, int32_t *sessions,
                                int32_t *partitions)
{
    const kfk__dev_cluster *c = enter(b);
    kfk_err err = KFK_ERR_INVALID_ARG;

    *sessions = *partitions = 0;
    for (int32_t i = 0; i < c->n_nodes; i++) {
        if (node != KFK__DEV_ANY && node != c->nodes[i].id)
            continue;
        *sessions += (int32_t)c->nodes[i].sessions.by_id.n;
        *partitions += kfk__dev_sessions_partitions(&c->nodes[i].sessions);
        err = KFK_OK;
    }
    return leave(b, err);
}

static void expire(kfk__dev_sessions *ss, int32_t arg)
{
    (void)arg;
    kfk__dev_sessions_expire(ss);
}

kfk_err kfk__devbroker_expire_sessions(kfk__devbroker *b, int32_t node)
{
    return each_node(b, node, expire, 0);
}

kfk_err kfk__devbroker_limit_sessions(kfk__devbroker *b, int32_t node, int32_t slots)
{
    return slots < 0 ? KFK_ERR_INVALID_ARG : each_node(b, node, kfk__dev_sessions_limit, slots);
}

kfk_err kfk__devbroker_set_session_epoch(kfk__devbroker *b, int32_t node, int32_t epoch)
{
    return epoch < 1 ? KFK_ERR_INVALID_ARG : each_node(b, node, kfk__dev_sessions_set_epoch, epoch);
}

/* ---- logs ---- */

kfk_err kfk__devbroker_offsets_of(kfk__devbroker *b, const char *topic, int32_t partition,
                                  kfk__devbroker_offsets *out)
{
    const kfk__dev_partition *p = partition_of(b, topic, partition);

    if (p)
        *out = (kfk__devbroker_offsets){p->log.start, p->log.high, p->log.end};
    return leave(b, p ? KFK_OK : KFK_ERR_INVALID_ARG);
}

/* Completes the header of a compressed set of messages, which does not say where it begins. One
 * that cannot be opened stays as it is: it may be meant so. */
static void open_set(kfk__dev_cluster *c, const uint8_t *b, size_t size, kfk__batch_header *h)
{
    kfk__batch_header opened = *h;
    kfk__dev_records it;
    const char *why;

    if (h->magic == 2 || !(h->attributes & KFK__BATCH_CODEC) ||
        kfk__dev_records_open(&it, c->inflate, &c->env.alloc, b, size, &opened, &why))
        return;
    kfk__dev_records_close(&it);
    *h = opened;
}

/* *size: the first batch's of the |n| bytes. */
static kfk_err load_one(kfk__dev_cluster *c, kfk__dev_partition *p, const uint8_t *b, size_t n,
                        size_t *size)
{
    kfk__batch_header h;
    const char *why;
    kfk_err err;

    if (kfk__message_header_read(b, n, &h, size, &why))
        return KFK_ERR_INVALID_ARG;
    open_set(c, b, *size, &h);
    err = kfk__dev_log_load(&p->log, b, *size, &h);
    if (!err && h.leader_epoch > p->leader_epoch)
        p->leader_epoch = h.leader_epoch;
    return err;
}

kfk_err kfk__devbroker_load(kfk__devbroker *b, const char *topic, int32_t partition,
                            const void *batches, size_t n)
{
    kfk__dev_partition *p = partition_of(b, topic, partition);
    const uint8_t *at = batches;
    kfk_err err = p ? KFK_OK : KFK_ERR_INVALID_ARG;

    while (!err && n > 0) {
        size_t size = 0;

        err = load_one(&b->service.cluster, p, at, n, &size);
        at += size;
        n -= size;
    }
    b->service.cluster.version++;
    return leave(b, err);
}

kfk_err kfk__devbroker_dump(kfk__devbroker *b, const char *topic, int32_t partition, int64_t offset,
                            kfk__buf *out)
{
    const kfk__dev_partition *p = partition_of(b, topic, partition);

    while (p && offset < p->log.end) {
        kfk__dev_slice s = kfk__dev_log_read(&p->log, offset, p->log.end, SIZE_MAX, true);

        if (s.len == 0)
            break;
        kfk__buf_put(out, s.bytes, s.len);
        while (kfk__dev_log_find(&p->log, offset) &&
               kfk__dev_log_find(&p->log, offset)->chunk == s.chunk)
            offset = kfk__dev_log_find(&p->log, offset)->last + 1;
    }
    return leave(b, !p ? KFK_ERR_INVALID_ARG : kfk__buf_ok(out) ? KFK_OK : KFK_ERR_NOMEM);
}
