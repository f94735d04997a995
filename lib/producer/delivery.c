#include "producer/delivery.h"

/* A batch on its way to its callbacks. */
typedef struct delivering {
    kfk_producer *producer;
    const kfk__result *result;
    kfk_delivery d; /* of the next record */
    int32_t index;  /* the next record's */
    int32_t at;     /* where among the refused ones it is looked for */
    char text[256];
} delivering;

/* Nearly all records are delivered, at their own time and at the next offset, and this is run for each. */
static void deliver_plain(delivering *to, const kfk__callback *cb, int32_t n)
{
    kfk_delivery *d = &to->d;

    for (const kfk__callback *end = cb + n; cb < end; cb++, d->offset++) {
        if (!cb->fn)
            continue;
        d->timestamp_ms = cb->timestamp_ms;
        d->arg = cb->arg;
        cb->fn(to->producer, d, cb->arg);
    }
}

static void deliver_any(delivering *to, const kfk__callback *cb, int32_t n)
{
    const kfk__result *r = to->result;
    kfk_delivery *d = &to->d;

    for (const kfk__callback *end = cb + n; cb < end;
         cb++, to->index++, d->offset += r->base_offset >= 0) {
        if (!cb->fn || cb->fn == kfk__callback_moved)
            continue;
        if (r->refused)
            d->msg = kfk__refused_text(r->refused, to->index, &to->at, to->text, sizeof to->text,
                                       r->msg);
        d->timestamp_ms = r->log_append_time >= 0 ? r->log_append_time : cb->timestamp_ms;
        d->arg = cb->arg;
        cb->fn(to->producer, d, cb->arg);
    }
}

void kfk__deliver(kfk_producer *p, const kfk__producer_batch *b, const kfk__result *r)
{
    bool plain = r->base_offset >= 0 && r->log_append_time < 0 && !r->refused;
    delivering to = {.producer = p, .result = r};
    const kfk__callback *cb;
    kfk__callback_walk walk;
    int32_t n;

    to.d = (kfk_delivery){.struct_size = sizeof to.d,
                          .status = r->status,
                          .err = r->err,
                          .partition = b->partition->index,
                          .offset = r->base_offset >= 0 ? r->base_offset : -1,
                          .topic = b->partition->topic->name,
                          .msg = r->msg};
    kfk__callback_walk_init(&walk, b);
    while ((cb = kfk__callback_walk_next(&walk, &n)) != NULL)
        (plain ? deliver_plain : deliver_any)(&to, cb, n);
}
