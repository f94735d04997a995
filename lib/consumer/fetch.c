#include "consumer/fetch.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/fetch.h"
#include "proto/list_offsets.h"

/* From this version on topics go by their id (KIP-516). */
enum { IDS_FROM = 13 };

/* A field gets so much memory before the first of its bytes is there: what a partition is asked for by default. */
#define FIRST_BUFFER ((size_t)1 << 20)

kfk__fetch *kfk__fetch_new(kfk__shared *s, void *owner, kfk__node *node)
{
    kfk__fetch *f = kfk__zalloc(&s->env.alloc, sizeof *f);

    if (!f)
        return NULL;
    f->shared = s;
    f->owner = owner;
    f->node = node;
    return f;
}

size_t kfk__fetch_reserve(kfk__fetch *f, int32_t max, size_t nodes)
{
    f->reserved = kfk__shared_reserve(f->shared, (size_t)max, nodes);
    return f->reserved;
}

void kfk__fetch_free(kfk__fetch *f)
{
    kfk__fbuf *b, *next;

    kfk__shared_unreserve(f->shared, f->reserved);
    for (size_t i = 0; i < f->n; i++)
        kfk__assigned_drop(f->parts[i].partition);
    for (b = f->received; b; b = next) {
        next = b->next;
        kfk__fbuf_drop(b);
    }
    kfk__fbuf_drop(f->filling);
    kfk__release(&f->shared->env.alloc, f->parts);
    kfk__release(&f->shared->env.alloc, f);
}

bool kfk__fetch_add(kfk__fetch *f, kfk__assigned *p, const kfk__topic_info *info)
{
    size_t cap = f->cap ? f->cap * 2 : 8;
    kfk__fetch_part *v;

    if (f->n == f->cap) {
        v = kfk__array(&f->shared->env.alloc, f->parts, cap, sizeof *v);
        if (!v)
            return false;
        f->parts = v;
        f->cap = cap;
    }
    f->parts[f->n++] = (kfk__fetch_part){.partition = kfk__assigned_hold(p),
                                         .info = info,
                                         .id = info->id,
                                         .version = p->fetch_version,
                                         .offset = p->fetch_offset};
    return true;
}

bool kfk__fetch_has_ids(const kfk__fetch *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (kfk__uuid_is_zero(&f->parts[i].info->id))
            return false;
    return true;
}

static bool same_topic(const kfk__fetch_part *p, kfk_bytes name, const kfk__uuid *id)
{
    const kfk__assigned *a = p->partition;

    if (name.len > 0)
        return a->topic_len == name.len && memcmp(a->topic, name.data, name.len) == 0;
    return id && kfk__uuid_equal(&p->id, id);
}

kfk__fetch_part *kfk__fetch_part_of(kfk__fetch *f, size_t *hint, kfk_bytes name,
                                    const kfk__uuid *id, int32_t partition)
{
    for (size_t i = 0; i < f->n; i++) {
        size_t at = (*hint + i) % f->n;
        kfk__fetch_part *p = &f->parts[at];

        if (p->answered || p->partition->partition != partition || !same_topic(p, name, id))
            continue;
        p->answered = true;
        *hint = at + 1;
        return p;
    }
    return NULL;
}

/* ---- receiving ---- */

/* A buffer for |len| bytes of which |have| are in the one that is full. */
static kfk_err more_room(kfk__fetch *f, size_t len, size_t have)
{
    size_t cap = have ? have * 2 : FIRST_BUFFER;
    kfk__fbuf *b = kfk__fbuf_new(f->shared, cap < len ? cap : len);

    if (!b)
        return KFK_ERR_NOMEM;
    if (have)
        memcpy(b->data, f->filling->data, have);
    kfk__fbuf_drop(f->filling);
    f->filling = b;
    return KFK_OK;
}

kfk_err kfk__fetch_sink(void *ctx, const void *parent, size_t len, size_t have, uint8_t **to,
                        size_t *room, kfk_bytes *value)
{
    kfk__fetch *f = ctx;
    kfk_err err = KFK_OK;

    (void)parent;
    if (have < len) {
        err = more_room(f, len, have);
        if (!err) {
            *to = f->filling->data + have;
            *room = f->filling->cap - have;
        }
    } else if (len > 0) {
        *value = kfk__bytes(f->filling->data, len);
        f->filling->next = f->received;
        f->received = f->filling;
        f->filling = NULL;
    } else {
        *value = kfk__bytes("", 0);
    }
    return err;
}

kfk__fbuf *kfk__fetch_buffer(kfk_bytes records)
{
    kfk__fbuf *b = (kfk__fbuf *)((uintptr_t)records.data - offsetof(kfk__fbuf, data));

    atomic_fetch_add_explicit(&b->owners, 1, memory_order_relaxed);
    return b;
}

/* ---- sending ---- */

/* Parts that follow each other and belong to one topic go into one entry. */
static size_t run_length(const kfk__fetch *f, size_t at)
{
    const char *topic = f->parts[at].partition->topic;
    size_t n = at;

    while (n < f->n && strcmp(f->parts[n].partition->topic, topic) == 0)
        n++;
    return n - at;
}

static int32_t leader_epoch(const kfk__fetch_part *p)
{
    return p->info->partitions[p->partition->partition].leader_epoch;
}

static kfk_err build_fetch(const kfk__fetch *f, const kfk__fetch_limits *l, kfk__arena *a,
                           kfk__fetch_request *rq)
{
    kfk__fetch_request_topic *topics = kfk__arena_alloc(a, f->n * sizeof *topics);
    kfk__fetch_request_partition *parts = kfk__arena_alloc(a, f->n * sizeof *parts);
    int32_t n_topics = 0;
    size_t n;

    if (!topics || !parts)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < f->n; i += n) {
        const kfk__assigned *p = f->parts[i].partition;
        kfk__fetch_request_topic *t = &topics[n_topics++];

        n = run_length(f, i);
        *t = (kfk__fetch_request_topic){.topic = kfk__bytes(p->topic, p->topic_len),
                                        .topic_id = f->parts[i].info->id};
        t->partitions.v = parts + i;
        t->partitions.n = (int32_t)n;
        for (size_t k = i; k < i + n; k++)
            parts[k] = (kfk__fetch_request_partition){
                .partition = f->parts[k].partition->partition,
                .current_leader_epoch = leader_epoch(&f->parts[k]),
                .fetch_offset = f->parts[k].offset,
                .last_fetched_epoch = -1,
                .log_start_offset = -1,
                .partition_max_bytes = l->max_partition_bytes,
                .high_watermark = INT64_MAX};
    }
    rq->topics.v = topics;
    rq->topics.n = n_topics;
    return KFK_OK;
}

kfk_err kfk__fetch_send(kfk__fetch *f, const kfk__fetch_limits *l, kfk__reply_fn *reply,
                        int64_t now)
{
    kfk__fetch_request rq;
    int16_t max = kfk__fetch_has_ids(f) ? INT16_MAX : IDS_FROM - 1;
    kfk__request_spec spec = {.api = &kfk__fetch_api,
                              .version = kfk__node_version(f->node, &kfk__fetch_api, max),
                              .body = &rq,
                              .fn = reply,
                              .owner = f->owner,
                              .arg = f,
                              .sink = kfk__fetch_sink,
                              .sink_ctx = f};
    kfk__arena arena;
    kfk_err err;

    if (spec.version < 0)
        return KFK_ERR_UNSUPPORTED_VERSION;
    kfk__msg_init(kfk__fetch_api.request, &rq);
    rq.max_wait_ms = l->max_wait_ms;
    rq.min_bytes = l->min_bytes;
    rq.max_bytes = l->max_bytes;
    rq.isolation_level = l->isolation;
    f->sent_at = now;
    kfk__arena_init(&arena, &f->shared->env.alloc);
    err = build_fetch(f, l, &arena, &rq);
    if (!err)
        err = kfk__node_send(f->node, &spec, now);
    kfk__arena_fini(&arena);
    return err;
}

static kfk_err build_list(const kfk__fetch *f, kfk__arena *a, kfk__list_offsets_request *rq)
{
    kfk__list_offsets_request_topic *topics = kfk__arena_alloc(a, f->n * sizeof *topics);
    kfk__list_offsets_request_partition *parts = kfk__arena_alloc(a, f->n * sizeof *parts);
    int32_t n_topics = 0;
    size_t n;

    if (!topics || !parts)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < f->n; i += n) {
        const kfk__assigned *p = f->parts[i].partition;
        kfk__list_offsets_request_topic *t = &topics[n_topics++];

        n = run_length(f, i);
        *t = (kfk__list_offsets_request_topic){.name = kfk__bytes(p->topic, p->topic_len)};
        t->partitions.v = parts + i;
        t->partitions.n = (int32_t)n;
        for (size_t k = i; k < i + n; k++)
            parts[k] = (kfk__list_offsets_request_partition){
                .partition_index = f->parts[k].partition->partition,
                .current_leader_epoch = leader_epoch(&f->parts[k]),
                .timestamp = f->parts[k].offset};
    }
    rq->topics.v = topics;
    rq->topics.n = n_topics;
    return KFK_OK;
}

kfk_err kfk__fetch_send_list(kfk__fetch *f, int8_t isolation, kfk__reply_fn *reply, int64_t now)
{
    kfk__list_offsets_request rq;
    kfk__request_spec spec = {
        .api = &kfk__list_offsets_api,
        .version = kfk__node_version(f->node, &kfk__list_offsets_api, INT16_MAX),
        .body = &rq,
        .fn = reply,
        .owner = f->owner,
        .arg = f};
    kfk__arena arena;
    kfk_err err;

    if (spec.version < 0)
        return KFK_ERR_UNSUPPORTED_VERSION;
    kfk__msg_init(kfk__list_offsets_api.request, &rq);
    rq.replica_id = -1;
    rq.isolation_level = isolation;
    kfk__arena_init(&arena, &f->shared->env.alloc);
    err = build_list(f, &arena, &rq);
    if (!err)
        err = kfk__node_send(f->node, &spec, now);
    kfk__arena_fini(&arena);
    return err;
}
