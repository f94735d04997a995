#include "consumer/question.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/list_offsets.h"
#include "proto/offset_for_leader_epoch.h"

/* From this version on anybody may ask for epochs who may read (KIP-320); before, only who may change the cluster. */
enum { EPOCHS_FROM = 3 };

/* One request. */
typedef struct kfk__questioning {
    kfk__questions *questions;
    kfk__question_kind kind;
    size_t n, cap;
    kfk__question **v; /* NULL: dropped, or answered */
} questioning;

static const kfk_allocator *alloc_of(const kfk__questions *qs)
{
    return &qs->client->env->alloc;
}

void kfk__questions_init(kfk__questions *qs, kfk__client *client, int8_t isolation)
{
    *qs = (kfk__questions){.client = client, .isolation = isolation};
    kfk__list_init(&qs->waiting);
}

uint32_t kfk__questions_groups(kfk__questions *qs, uint32_t n)
{
    uint32_t first = qs->last_group + 1;

    if (n > UINT32_MAX - qs->last_group)
        first = KFK__ASSIGNED_GROUP + 1;
    qs->last_group = first + n - 1;
    return first;
}

void kfk__questions_ask(kfk__questions *qs, kfk__question *q)
{
    q->err = KFK_OK;
    q->offset = q->found_epoch = q->leader_epoch = -1;
    q->retry = (kfk__retry){0};
    q->retry_at = 0;
    q->under = NULL;
    kfk__list_init(&q->link);
    kfk__list_push(&qs->waiting, &q->link);
}

void kfk__question_drop(kfk__question *q)
{
    if (q->under)
        q->under->v[q->slot] = NULL;
    q->under = NULL;
    if (q->link.next)
        kfk__list_remove(&q->link);
}

/* ---- how it ends ---- */

static void done(kfk__question *q, kfk_err err, int64_t now)
{
    kfk__question_drop(q);
    q->err = err;
    q->done(q->owner, q, now);
}

/* It waits for the gate, and for what metadata says then. */
static void again(kfk__questions *qs, kfk__question *q, kfk_err why, int64_t now)
{
    kfk__topic_info *info = kfk__metadata_find(&qs->client->metadata, q->topic, q->topic_len);

    kfk__question_drop(q);
    q->retry_at = kfk__client_retry_at(qs->client, &q->retry, why, now);
    kfk__list_push(&qs->waiting, &q->link);
    if (info)
        kfk__client_refresh(qs->client, info);
}

static void failed(kfk__questions *qs, kfk__question *q, kfk_err err, int64_t now)
{
    kfk__client_error(qs->client, err);
    if (err == KFK_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT) /* no times in that log, so there is no such record */
        done(q, KFK_OK, now);
    else if (kfk_err_flags(err) & KFK_RETRIABLE || err == KFK_ERR_UNKNOWN_SERVER_ERROR)
        again(qs, q, err, now);
    else
        done(q, err, now);
}

static void answered(kfk__questions *qs, kfk__question *q, kfk_err err, int64_t offset,
                     int32_t epoch, int64_t now)
{
    if (err) {
        failed(qs, q, err, now);
        return;
    }
    /* A log has a first and a last offset: who cannot say which will, later. */
    if (q->kind == KFK__ASKS_OFFSET && offset < 0 &&
        (q->timestamp == KFK_OFFSET_EARLIEST || q->timestamp == KFK_OFFSET_LATEST)) {
        again(qs, q, KFK_ERR_OFFSET_NOT_AVAILABLE, now);
        return;
    }
    q->offset = offset < 0 ? -1 : offset;
    q->found_epoch = epoch < 0 ? -1 : epoch;
    done(q, KFK_OK, now);
}

/* ---- answers ---- */

/* The question that an answer is about; NULL: none, or nobody wants to know any more. */
static kfk__question *question_of(const questioning *u, size_t *hint, kfk_bytes topic,
                                  int32_t partition)
{
    for (size_t i = 0; i < u->n; i++) {
        size_t at = (*hint + i) % u->n;
        kfk__question *q = u->v[at];

        if (!q || q->partition != partition || q->topic_len != topic.len ||
            memcmp(q->topic, topic.data, topic.len) != 0)
            continue;
        *hint = at + 1;
        return q;
    }
    return NULL;
}

static void take_offsets(questioning *u, const kfk__list_offsets_response *rs, int64_t now)
{
    size_t hint = 0;

    for (int32_t i = 0; i < rs->topics.n; i++)
        for (int32_t k = 0; k < rs->topics.v[i].partitions.n; k++) {
            const kfk__list_offsets_response_partition *rp = &rs->topics.v[i].partitions.v[k];
            kfk__question *q = question_of(u, &hint, rs->topics.v[i].name, rp->partition_index);

            if (q)
                answered(u->questions, q, rp->error_code, rp->offset, rp->leader_epoch, now);
        }
}

static void take_epochs(questioning *u, const kfk__offset_for_leader_epoch_response *rs,
                        int64_t now)
{
    size_t hint = 0;

    for (int32_t i = 0; i < rs->topics.n; i++)
        for (int32_t k = 0; k < rs->topics.v[i].partitions.n; k++) {
            const kfk__offset_for_leader_epoch_response_partition *rp =
                &rs->topics.v[i].partitions.v[k];
            kfk__question *q = question_of(u, &hint, rs->topics.v[i].topic, rp->partition);

            if (q)
                answered(u->questions, q, rp->error_code, rp->end_offset, rp->leader_epoch, now);
        }
}

static void release(questioning *u)
{
    const kfk_allocator *a = alloc_of(u->questions);

    kfk__release(a, u->v);
    kfk__release(a, u);
}

/* What the answer did not name, or could not: it is asked again. */
static void leave_rest(questioning *u, kfk_err why, int64_t now)
{
    for (size_t i = 0; i < u->n; i++)
        if (u->v[i])
            again(u->questions, u->v[i], why, now);
}

static void reply(void *owner, void *arg, const kfk__reply *r, int64_t now)
{
    questioning *u = arg;

    (void)owner;
    if (!r->err && u->kind == KFK__ASKS_OFFSET)
        take_offsets(u, r->body, now);
    else if (!r->err)
        take_epochs(u, r->body, now);
    leave_rest(u, r->err ? r->err : KFK_ERR_NETWORK_EXCEPTION, now);
    release(u);
}

/* ---- requests ---- */

/* Questions that follow each other and are of one topic go into one entry. */
static size_t run_length(const questioning *u, size_t at)
{
    size_t n = at;

    while (n < u->n && u->v[n]->topic_len == u->v[at]->topic_len &&
           memcmp(u->v[n]->topic, u->v[at]->topic, u->v[at]->topic_len) == 0)
        n++;
    return n - at;
}

static kfk_err build_offsets(const questioning *u, kfk__arena *a, kfk__list_offsets_request *rq)
{
    kfk__list_offsets_request_topic *topics = kfk__arena_alloc(a, u->n * sizeof *topics);
    kfk__list_offsets_request_partition *parts = kfk__arena_alloc(a, u->n * sizeof *parts);
    int32_t n_topics = 0;
    size_t n;

    if (!topics || !parts)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < u->n; i += n) {
        n = run_length(u, i);
        topics[n_topics] = (kfk__list_offsets_request_topic){
            .name = kfk__bytes(u->v[i]->topic, u->v[i]->topic_len)};
        topics[n_topics].partitions.v = parts + i;
        topics[n_topics++].partitions.n = (int32_t)n;
        for (size_t k = i; k < i + n; k++)
            parts[k] = (kfk__list_offsets_request_partition){
                .partition_index = u->v[k]->partition,
                .current_leader_epoch = u->v[k]->leader_epoch,
                .timestamp = u->v[k]->timestamp};
    }
    rq->topics.v = topics;
    rq->topics.n = n_topics;
    return KFK_OK;
}

static kfk_err build_epochs(const questioning *u, kfk__arena *a,
                            kfk__offset_for_leader_epoch_request *rq)
{
    kfk__offset_for_leader_epoch_request_topic *topics =
        kfk__arena_alloc(a, u->n * sizeof *topics);
    kfk__offset_for_leader_epoch_request_partition *parts =
        kfk__arena_alloc(a, u->n * sizeof *parts);
    int32_t n_topics = 0;
    size_t n;

    if (!topics || !parts)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < u->n; i += n) {
        n = run_length(u, i);
        topics[n_topics] = (kfk__offset_for_leader_epoch_request_topic){
            .topic = kfk__bytes(u->v[i]->topic, u->v[i]->topic_len)};
        topics[n_topics].partitions.v = parts + i;
        topics[n_topics++].partitions.n = (int32_t)n;
        for (size_t k = i; k < i + n; k++)
            parts[k] = (kfk__offset_for_leader_epoch_request_partition){
                .partition = u->v[k]->partition,
                .current_leader_epoch = u->v[k]->leader_epoch,
                .leader_epoch = u->v[k]->epoch};
    }
    rq->topics.v = topics;
    rq->topics.n = n_topics;
    return KFK_OK;
}

static kfk_err build(const questioning *u, const kfk__api *api, kfk__arena *a, void *body)
{
    kfk__list_offsets_request *rq = body;

    kfk__msg_init(api->request, body);
    if (u->kind == KFK__ASKS_EPOCH) {
        ((kfk__offset_for_leader_epoch_request *)body)->replica_id = -1;
        return build_epochs(u, a, body);
    }
    rq->replica_id = -1;
    rq->isolation_level = u->questions->isolation;
    rq->timeout_ms = (int32_t)u->questions->client->options->request_timeout_ms;
    return build_offsets(u, a, rq);
}

/* The first version of ListOffsets that knows of this. */
static int16_t needs_version(int64_t timestamp)
{
    return timestamp == KFK_OFFSET_MAX_TIMESTAMP             ? 7
           : timestamp == KFK_OFFSET_EARLIEST_LOCAL          ? 8
           : timestamp == KFK_OFFSET_LATEST_TIERED           ? 9
           : timestamp == KFK_OFFSET_EARLIEST_PENDING_UPLOAD ? 11
                                                             : 1;
}

/* Takes out those that the broker cannot answer. */
static void leave_unsupported(questioning *u, int16_t version, int64_t now)
{
    size_t n = 0;

    for (size_t i = 0; i < u->n; i++) {
        kfk__question *q = u->v[i];
        int16_t least = u->kind == KFK__ASKS_EPOCH ? EPOCHS_FROM : needs_version(q->timestamp);

        if (version >= least) {
            q->slot = n;
            u->v[n++] = q;
        } else {
            q->under = NULL; /* its slot may be another's by now */
            done(q, KFK_ERR_UNSUPPORTED_VERSION, now);
        }
    }
    u->n = n;
}

static void send_to(questioning *u, kfk__node *node, int64_t now)
{
    const kfk__api *api =
        u->kind == KFK__ASKS_OFFSET ? &kfk__list_offsets_api : &kfk__offset_for_leader_epoch_api;
    union {
        kfk__list_offsets_request offsets;
        kfk__offset_for_leader_epoch_request epochs;
    } rq;
    kfk__request_spec spec = {.api = api,
                              .version = kfk__node_version(node, api, INT16_MAX),
                              .body = &rq,
                              .fn = reply,
                              .arg = u};
    kfk__arena arena;
    kfk_err err = KFK_OK;

    leave_unsupported(u, spec.version, now);
    kfk__arena_init(&arena, alloc_of(u->questions));
    if (u->n > 0)
        err = build(u, api, &arena, &rq);
    if (u->n > 0 && !err)
        err = kfk__node_send(node, &spec, now);
    kfk__arena_fini(&arena);
    if (u->n > 0 && !err)
        return;
    leave_rest(u, err, now);
    release(u);
}

static bool add(questioning *u, kfk__question *q)
{
    size_t cap = u->cap ? u->cap * 2 : 8;
    kfk__question **v;

    if (u->n == u->cap) {
        v = kfk__array(alloc_of(u->questions), u->v, cap, sizeof *v);
        if (!v)
            return false;
        u->v = v;
        u->cap = cap;
    }
    kfk__list_remove(&q->link);
    q->under = u;
    q->slot = u->n;
    u->v[u->n++] = q;
    return true;
}

/* The broker to ask, with q->leader_epoch; NULL: not known now. *err: nor ever. */
static kfk__node *leader_of(kfk__questions *qs, kfk__question *q, kfk_err *err, int64_t now)
{
    kfk__topic_info *info = kfk__client_topic(qs->client, q->topic, q->topic_len, now);
    kfk__node *node = NULL;

    *err = KFK_OK;
    if (!info) { /* no memory, which may pass: an answer to that lets us look again */
        kfk__client_refresh(qs->client, NULL);
        return NULL;
    }
    if (q->partition < info->n_partitions && info->partitions[q->partition].leader >= 0) {
        q->leader_epoch = info->partitions[q->partition].leader_epoch;
        node = kfk__client_node(qs->client, info->partitions[q->partition].leader);
    }
    if (!node && info->err > 0 && !(kfk_err_flags(info->err) & KFK_RETRIABLE))
        *err = info->err;
    if (!node && info->err != KFK_ERR_WOULD_BLOCK)
        kfk__client_refresh(qs->client, info);
    return node;
}

/* All that wait, are due and go where |first| does, in one request. */
static void ask_all(kfk__questions *qs, kfk__question *first, kfk__node *node, int64_t now)
{
    questioning *u = kfk__zalloc(alloc_of(qs), sizeof *u);
    const int64_t soon = now + KFK__RETRY_TOGETHER_MS * KFK__MS;
    kfk_err err;

    if (!u) {
        again(qs, first, KFK_ERR_NOMEM, now);
        return;
    }
    u->questions = qs;
    u->kind = first->kind;
    for (kfk__list *at = qs->waiting.next, *next; at != &qs->waiting; at = next) {
        kfk__question *q = KFK__ENTRY(at, kfk__question, link);

        next = at->next;
        if (q->kind == first->kind && q->group == first->group && q->retry_at <= soon &&
            leader_of(qs, q, &err, now) == node && !add(u, q))
            break;
    }
    if (u->n == 0) {
        release(u);
        again(qs, first, KFK_ERR_NOMEM, now);
    } else {
        send_to(u, node, now);
    }
}

/* Whether the list has changed; else *until is when to look at it again. */
static bool try(kfk__questions *qs, kfk__question *q, int64_t now, int64_t *until)
{
    kfk__node *node;
    int64_t t = q->retry_at;
    kfk_err err;

    if (q->retry_at <= now) {
        node = leader_of(qs, q, &err, now);
        if (err || (node && kfk__node_ready(node, now))) {
            if (err)
                done(q, err, now);
            else
                ask_all(qs, q, node, now);
            return true;
        }
        t = node ? kfk__node_ready_at(node) : KFK__NEVER;
    }
    *until = t < *until ? t : *until;
    return false;
}

int64_t kfk__questions_step(kfk__questions *qs, int64_t now)
{
    int64_t until = KFK__NEVER;
    kfk__list *at = qs->waiting.next;

    /* Whatever changes the list takes one out, or makes it wait for a time to come: so this ends. */
    while (at != &qs->waiting) {
        kfk__question *q = KFK__ENTRY(at, kfk__question, link);

        at = try(qs, q, now, &until) ? qs->waiting.next : at->next;
    }
    return until;
}
