#include "record/cursor.h"

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
