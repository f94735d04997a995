#include "producer/delivery.h"

#include <string.h>

#include "base/mem.h"
#include "producer/produce.h"
#include "proto/produce.h"

static kfk_delivery first_delivery(const kfk__producer_batch *b, const kfk__result *r)
{
    return (kfk_delivery){.struct_size = sizeof(kfk_delivery),
                          .status = r->status,
                          .err = r->err,
                          .partition = b->partition->index,
                          .offset = r->base_offset >= 0 ? r->base_offset : -1,
                          .topic = b->partition->topic->name,
                          .msg = r->msg};
}

void kfk__delivery_walk_init(kfk__delivery_walk *w, const kfk__producer_batch *b,
                             const kfk__result *r)
{
    w->result = r;
    w->d = first_delivery(b, r);
    kfk__callback_walk_init(&w->pieces, b);
    w->at = w->end = NULL;
    w->index = w->refused_at = 0;
    w->own_text = r == &b->result;
}

/* The next callback that is still here. */
static kfk__callback *step(kfk__delivery_walk *w)
{
    int32_t n;

    for (;;) {
        if (w->at == w->end) {
            w->at = kfk__callback_walk_next(&w->pieces, &n);
            w->end = w->at ? w->at + n : NULL;
        }
        if (!w->at)
            return NULL;
        w->index++;
        if (w->at++->fn != kfk__callback_moved)
            return w->at - 1;
    }
}

/* Which records are at fault, and which only went with them (as Java's Sender.failBatch). */
static void blame(kfk__delivery_walk *w)
{
    const kfk__result *r = w->result;

    w->d.err = kfk__refused_code(r->refused, w->index - 1, &w->refused_at);
    w->d.msg = w->d.err == KFK_ERR_BATCH_REFUSED
                   ? "another record of the same batch was refused"
                   : kfk__refused_text(r->refused, w->refused_at, w->own_text ? NULL : w->text,
                                       sizeof w->text, r->msg);
}

kfk__callback *kfk__delivery_walk_next(kfk__delivery_walk *w)
{
    const kfk__result *r = w->result;
    kfk__callback *cb = step(w);

    if (!cb)
        return NULL;
    if (r->refused)
        blame(w);
    w->d.timestamp_ms = r->log_append_time >= 0 ? r->log_append_time : cb->timestamp_ms;
    w->d.offset = r->base_offset >= 0 ? r->base_offset + w->index - 1 : -1;
    w->d.arg = cb->arg;
    return cb;
}

/* Nearly all records are delivered, at their own time and at the next offset, and this is run for each. */
static void deliver_plain(kfk_producer *p, const kfk__producer_batch *b, const kfk__result *r)
{
    kfk_delivery d = first_delivery(b, r);
    const kfk__callback *cb;
    kfk__callback_walk walk;
    int32_t n;

    kfk__callback_walk_init(&walk, b);
    while ((cb = kfk__callback_walk_next(&walk, &n)) != NULL)
        for (const kfk__callback *end = cb + n; cb < end; cb++, d.offset++) {
            if (!cb->fn)
                continue;
            d.timestamp_ms = cb->timestamp_ms;
            d.arg = cb->arg;
            cb->fn(p, &d, cb->arg);
        }
}

void kfk__deliver(kfk_producer *p, const kfk__producer_batch *b, const kfk__result *r,
                  kfk_ack_fn *on_ack, void *ack_arg)
{
    const kfk__callback *cb;
    kfk__delivery_walk w;

    if (r->base_offset >= 0 && r->log_append_time < 0 && !r->refused && !on_ack) {
        deliver_plain(p, b, r);
        return;
    }
    kfk__delivery_walk_init(&w, b, r);
    while ((cb = kfk__delivery_walk_next(&w)) != NULL) {
        if (on_ack)
            on_ack(&w.d, ack_arg);
        if (cb->fn)
            cb->fn(p, &w.d, cb->arg);
    }
}

/* ---- results that are told later ---- */

typedef struct kfk__produce_response_record_error record_error;

static size_t text_size(const kfk__result *r)
{
    size_t n = r->msg ? strlen(r->msg) + 1 : 0;

    for (int32_t i = 0; r->refused && i < r->refused->record_errors.n; i++)
        n += sizeof(record_error) + r->refused->record_errors.v[i].batch_index_error_message.len + 1;
    return n + (r->refused ? sizeof *r->refused : 0);
}

/* Copies the refused records to |at|: struct, array, texts. */
static char *copy_refused(const kfk__refused *from, char *at)
{
    kfk__refused *to = (kfk__refused *)(void *)at;
    int32_t n = from->record_errors.n;
    record_error *v = (record_error *)(void *)(to + 1);

    *to = *from;
    to->record_errors.v = v;
    at = (char *)(v + n);
    for (int32_t i = 0; i < n; i++) {
        kfk_bytes *text = &v[i].batch_index_error_message;

        v[i] = from->record_errors.v[i];
        if (!text->data)
            continue;
        memcpy(at, text->data, text->len);
        at[text->len] = '\0';
        text->data = at;
        at += text->len + 1;
    }
    return at;
}

void kfk__result_keep(kfk__producer_batch *b, const kfk__result *r)
{
    size_t size = text_size(r);
    char *at = size ? kfk__alloc(b->packed.alloc, size) : NULL;

    b->result = *r;
    b->result_text = at;
    b->result.msg = NULL;
    b->result.refused = NULL;
    if (!at)
        return;
    if (r->refused) {
        b->result.refused = (const kfk__refused *)(const void *)at;
        at = copy_refused(r->refused, at);
    }
    if (r->msg)
        b->result.msg = memcpy(at, r->msg, strlen(r->msg) + 1);
}
