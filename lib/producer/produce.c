#include "producer/produce.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/produce.h"

/* From this version on topics go by their id (KIP-516). */
enum { IDS_FROM = 13 };

kfk__produce *kfk__produce_new(const kfk_allocator *a, void *owner)
{
    kfk__produce *p = kfk__zalloc(a, sizeof *p);

    if (!p)
        return NULL;
    p->alloc = a;
    p->owner = owner;
    p->batches = p->few;
    p->cap = KFK__PRODUCE_FEW;
    return p;
}

void kfk__produce_free(kfk__produce *p)
{
    if (!p)
        return;
    if (p->batches != p->few)
        kfk__release(p->alloc, p->batches);
    kfk__release(p->alloc, p);
}

static bool grow(kfk__produce *p)
{
    kfk__producer_batch **had = p->batches == p->few ? NULL : p->batches;
    kfk__producer_batch **v = kfk__array(p->alloc, had, p->cap * 2, sizeof *v);

    if (!v)
        return false;
    if (!had)
        memcpy(v, p->few, sizeof p->few);
    p->batches = v;
    p->cap *= 2;
    return true;
}

bool kfk__produce_add(kfk__produce *p, kfk__producer_batch *b)
{
    if (p->n == p->cap && !grow(p))
        return false;
    p->batches[p->n++] = b;
    p->size += kfk__producer_batch_size(b);
    return true;
}

typedef kfk__produce_request_topic request_topic;
typedef kfk__produce_request_partition request_partition;

/* Batches that follow each other and belong to one topic go into one entry of the request. */
static int32_t run_length(const kfk__produce *p, size_t at)
{
    const kfk__topic *t = p->batches[at]->partition->topic;
    size_t n = at;

    while (n < p->n && p->batches[n]->partition->topic == t)
        n++;
    return (int32_t)(n - at);
}

static kfk_err build(const kfk__produce *p, kfk__arena *a, kfk__produce_request *rq)
{
    request_topic *topics = kfk__arena_alloc(a, p->n * sizeof *topics);
    request_partition *parts = kfk__arena_alloc(a, p->n * sizeof *parts);
    int32_t n_topics = 0, n;

    if (!topics || !parts)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < p->n; i += (size_t)n) {
        const kfk__topic *t = p->batches[i]->partition->topic;

        n = run_length(p, i);
        topics[n_topics] =
            (request_topic){.name = kfk__bytes(t->name, t->name_len), .topic_id = t->id};
        topics[n_topics].partition_data.v = parts + i;
        topics[n_topics++].partition_data.n = n;
        for (int32_t k = 0; k < n; k++) {
            const kfk__producer_batch *b = p->batches[i + (size_t)k];

            parts[i + (size_t)k] = (request_partition){.index = b->partition->index,
                                                       .records = kfk__producer_batch_bytes(b)};
        }
    }
    rq->topic_data.v = topics;
    rq->topic_data.n = n_topics;
    return KFK_OK;
}

int16_t kfk__produce_max_version(const kfk__produce *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (kfk__uuid_is_zero(&p->batches[i]->partition->topic->id))
            return IDS_FROM - 1;
    return INT16_MAX;
}

kfk_err kfk__produce_send(kfk__produce *p, kfk__node *n, int16_t version, int16_t acks,
                          int32_t timeout_ms, kfk__reply_fn *fn, kfk__arena *scratch, int64_t now)
{
    kfk__produce_request rq;
    kfk__request_spec spec = {.api = &kfk__produce_api,
                              .version = version,
                              .no_reply = acks == 0,
                              .n_records = p->n,
                              .body = &rq,
                              .fn = fn,
                              .owner = p->owner,
                              .arg = p};
    kfk_err err;

    kfk__msg_init(kfk__produce_api.request, &rq);
    rq.acks = acks;
    rq.timeout_ms = timeout_ms;
    kfk__arena_reset(scratch);
    err = build(p, scratch, &rq);
    return err ? err : kfk__node_send(n, &spec, now);
}

static bool same_topic(const kfk__topic *t, const kfk__produce_response_topic *rt, int16_t version)
{
    if (version >= IDS_FROM)
        return kfk__uuid_equal(&t->id, &rt->topic_id);
    return t->name_len == rt->name.len && memcmp(t->name, rt->name.data, t->name_len) == 0;
}

/* The batch that is meant, taken out of the request: who is named twice is answered once. Answers come in the order of
 * the request, or nearly so. */
static kfk__producer_batch *take(kfk__produce *p, size_t *hint,
                                 const kfk__produce_response_topic *rt, int32_t index,
                                 int16_t version)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t at = (*hint + i) % p->n;
        kfk__producer_batch *b = p->batches[at];

        if (!b || b->partition->index != index || !same_topic(b->partition->topic, rt, version))
            continue;
        p->batches[at] = NULL;
        *hint = at + 1;
        return b;
    }
    return NULL;
}

kfk_err kfk__refused_code(const kfk__refused *refused, int32_t index, int32_t *at)
{
    const kfk__produce_response_record_error *v = refused->record_errors.v;

    while (*at < refused->record_errors.n && v[*at].batch_index < index)
        ++*at;
    if (*at == refused->record_errors.n || v[*at].batch_index != index)
        return KFK_ERR_BATCH_REFUSED;
    return refused->record_errors.n == 1 ? refused->error_code : KFK_ERR_INVALID_RECORD;
}

const char *kfk__refused_text(const kfk__refused *refused, int32_t at, char *text, size_t size,
                              const char *otherwise)
{
    kfk_bytes why = refused->record_errors.v[at].batch_index_error_message;

    if (!why.data)
        return otherwise;
    if (!text)
        return why.data;
    kfk__error_set(text, size, why.data, why.len);
    return text;
}

/* Who leads a partition instead, and where that is. */
static kfk__hint hint_of(const kfk__produce_response *rs,
                         const kfk__produce_response_partition *rp)
{
    kfk__hint h = {.leader = rp->current_leader.leader_id,
                   .epoch = rp->current_leader.leader_epoch};

    for (int32_t i = 0; h.leader >= 0 && i < rs->node_endpoints.n; i++) {
        const kfk__produce_response_endpoint *e = &rs->node_endpoints.v[i];

        if (e->node_id != h.leader)
            continue;
        h.host = e->host;
        h.port = e->port;
        break;
    }
    return h;
}

void kfk__produce_answers(kfk__produce *p, const void *body, int16_t version,
                          void (*each)(void *owner, kfk__producer_batch *b,
                                       const kfk__produce_answer *a, int64_t now),
                          int64_t now)
{
    const kfk__produce_response *rs = body;
    size_t hint = 0;
    char text[256];

    for (int32_t i = 0; i < rs->responses.n; i++) {
        const kfk__produce_response_topic *rt = &rs->responses.v[i];

        for (int32_t k = 0; k < rt->partition_responses.n; k++) {
            const kfk__produce_response_partition *rp = &rt->partition_responses.v[k];
            kfk__producer_batch *b = take(p, &hint, rt, rp->index, version);
            kfk__produce_answer a = {.err = rp->error_code,
                                     .base_offset = rp->base_offset,
                                     .log_append_time = rp->log_append_time_ms};

            if (!b)
                continue;
            a.hint = hint_of(rs, rp);
            if (rp->record_errors.n > 0)
                a.refused = rp;
            if (rp->error_message.data) {
                kfk__error_set(text, sizeof text, rp->error_message.data, rp->error_message.len);
                a.msg = text;
            }
            each(p->owner, b, &a, now);
        }
    }
}
