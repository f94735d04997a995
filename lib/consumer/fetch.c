#include "consumer/fetch.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"

/* From this version on topics go by their id (KIP-516). */
enum { IDS_FROM = 13 };

kfk__fetch *kfk__fetch_new(kfk__shared *s, kfk__fetch_source *source, size_t expected)
{
    kfk__fetch *f = kfk__zalloc(&s->env.alloc, sizeof *f);

    if (!f)
        return NULL;
    f->shared = s;
    f->source = source;
    f->expected = expected;
    return f;
}

void kfk__fetch_free(kfk__fetch *f)
{
    kfk__fbuf *b, *next;

    kfk__shared_unreserve(f->shared, f->reserved);
    for (b = f->received; b; b = next) {
        next = b->next;
        kfk__fbuf_drop(b);
    }
    kfk__fbuf_drop(f->filling);
    kfk__release(&f->shared->env.alloc, f);
}

/* ---- receiving ---- */

/* A buffer for |len| bytes of which |have| are in the one that is full. A length is believed as far as it was asked for. */
static kfk_err more_room(kfk__fetch *f, size_t len, size_t have)
{
    size_t cap = have ? have * 2 : f->expected;
    kfk__fbuf *b = kfk__fbuf_new(f->shared, cap < len ? cap : len);

    if (!b)
        return KFK_ERR_NOMEM;
    if (have)
        memcpy(b->data, f->filling->data, have);
    kfk__fbuf_drop(f->filling);
    f->filling = b;
    return KFK_OK;
}

static kfk_err sink(void *ctx, const void *parent, size_t len, size_t have, uint8_t **to,
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
    kfk__fbuf *b = kfk__fbuf_of(records.data);

    atomic_fetch_add_explicit(&b->owners, 1, memory_order_relaxed);
    return b;
}

/* ---- sending ---- */

kfk_err kfk__fetch_send(kfk__fetch *f, kfk__node *node, const kfk__fetch_limits *l,
                        kfk__reply_fn *reply, void *owner, int64_t now)
{
    kfk__session *session = &f->source->session;
    int16_t best = kfk__node_version(node, &kfk__fetch_api, INT16_MAX);
    bool by_id = best >= IDS_FROM && kfk__session_has_ids(session);
    kfk__fetch_request rq;
    kfk__request_spec spec = {
        .api = &kfk__fetch_api,
        .version = by_id || best < IDS_FROM
                       ? best
                       : kfk__node_version(node, &kfk__fetch_api, IDS_FROM - 1),
        .body = &rq,
        .fn = reply,
        .owner = owner,
        .arg = f,
        .sink = sink,
        .sink_ctx = f,
        .timeout_ms = 0};
    kfk__arena arena;
    kfk_err err;

    if (spec.version < 0)
        return KFK_ERR_UNSUPPORTED_VERSION;
    kfk__msg_init(kfk__fetch_api.request, &rq);
    rq.max_wait_ms = l->max_wait_ms;
    rq.min_bytes = l->min_bytes;
    rq.max_bytes = l->max_bytes;
    rq.isolation_level = l->isolation;
    rq.rack_id = kfk__bytes(l->rack ? l->rack : "", l->rack ? strlen(l->rack) : 0);
    f->sent_at = now;
    kfk__arena_init(&arena, &f->shared->env.alloc);
    err = kfk__session_ask(session, by_id, &arena, &rq);
    if (!err)
        err = kfk__node_send(node, &spec, now);
    kfk__arena_fini(&arena);
    if (!err)
        kfk__session_asked(session);
    return err;
}
