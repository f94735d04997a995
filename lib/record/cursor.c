#include "record/cursor.h"

#include "record/message.h"

/* All in a compressed set have the append time of their wrapper; others have one each. */
static void init_messages(kfk__batch_cursor *c, const kfk__batch_header *h)
{
    const bool of_wrapper = h->attributes & KFK__BATCH_CODEC;
    const bool append_time = of_wrapper && (h->attributes & KFK__BATCH_LOG_APPEND);
    kfk__message first = {0};
    const char *why;
    size_t size;

    (void)kfk__message_read(c->p, (size_t)(c->end - c->p), &first, &size, &why);
    c->messages = true;
    c->first_stored = first.offset;
    c->base_timestamp = append_time ? h->max_timestamp : 0;
    c->delta_mask = append_time ? 0 : -1;
    c->left = 0;
}

void kfk__batch_cursor_init(kfk__batch_cursor *c, const kfk__batch_header *h, const void *records,
                            size_t n)
{
    const bool append_time = h->attributes & KFK__BATCH_LOG_APPEND;

    *c = (kfk__batch_cursor){
        .p = records,
        .end = n ? (const uint8_t *)records + n : records,
        .base_offset = h->base_offset,
        .base_timestamp = append_time ? h->max_timestamp : h->base_timestamp,
        .delta_mask = append_time ? 0 : -1,
        .delta = -1,
        .final_delta = h->last_offset_delta,
        .left = h->count,
    };
    if (h->magic < 2)
        init_messages(c, h);
}

bool kfk__batch_cursor_next_message(kfk__batch_cursor *c)
{
    const char *why = "a message is cut short";
    kfk__message m;
    int64_t delta;
    size_t size;

    if (c->why || c->p == c->end)
        return false;
    if (kfk__message_read(c->p, (size_t)(c->end - c->p), &m, &size, &why) != KFK_OK)
        return kfk__batch_cursor_stop(c, why);
    delta = m.offset - c->first_stored; /* both are not negative */
    if (delta <= c->delta || delta > c->final_delta)
        return kfk__batch_cursor_stop(c, "a message's offset is not where its set has it");
    c->record = (kfk__record){.offset_delta = (int32_t)delta,
                              .key = m.key,
                              .value = m.value,
                              .headers = {c->p + size, 0}};
    c->timestamp = c->base_timestamp + (m.timestamp & c->delta_mask);
    c->offset = c->base_offset + delta;
    c->delta = (int32_t)delta;
    c->p += size;
    return true;
}

bool kfk__batch_cursor_stop(kfk__batch_cursor *c, const char *why)
{
    if (c->why)
        return false;
    if (!why && c->p != c->end)
        why = "there are bytes behind the last record";
    c->why = why;
    c->left = 0;
    return false;
}

int kfk__batch_marker(const kfk__batch_header *h, const void *records, size_t n, const char **why)
{
    kfk__batch_cursor c;
    int type = -1;

    kfk__batch_cursor_init(&c, h, records, n);
    if (kfk__batch_cursor_next(&c)) {
        type = kfk__control_type(c.record.key);
        if (type < 0)
            c.why = "the key of a control record cannot be read";
    }
    *why = c.why;
    return type;
}
