/* cursor: the records of one batch, one after another, with their offsets and timestamps.
 *
 * It holds the batch to its header: as many records as that counts, no byte behind the last, and
 * offsets that rise and end by the batch's last. Gaps are what compaction leaves.
 *
 * It goes through messages of before Kafka 0.11 (message.h), too. For these |left| is always 0, so
 * that the way that the records of batches take knows nothing of them. */
#ifndef KFK_RECORD_CURSOR_H
#define KFK_RECORD_CURSOR_H

#include <stdbool.h>

#include "record/batch.h"
#include "record/read.h"

typedef struct kfk__batch_cursor {
    /* What next() came to: valid until it is called again. */
    kfk__record record;
    int64_t offset;
    int64_t timestamp;

    const char *why; /* what is wrong with the batch; NULL: nothing so far */
    const uint8_t *p;
    const uint8_t *end;
    int64_t base_offset;
    int64_t base_timestamp;
    int64_t delta_mask;  /* 0 where every record has the time of the append */
    int32_t delta;       /* of the record that next() gave last; -1 at first */
    int32_t final_delta; /* that none goes beyond */
    int32_t left;
    bool messages;        /* what there is are messages, not records */
    int64_t first_stored; /* the first one's offset, as it stands there */
} kfk__batch_cursor;

/* Over the |n| bytes of a batch's records, decompressed; they and nothing of |h| must outlive it.
 * |h| is one that kfk__batch_header_read found good; or that of a message or set of these, then
 * |records| are whole messages. */
void kfk__batch_cursor_init(kfk__batch_cursor *c, const kfk__batch_header *h, const void *records,
                            size_t n);
/* What next() does when there is no record to give. */
bool kfk__batch_cursor_stop(kfk__batch_cursor *c, const char *why);
/* What next() does for messages. */
bool kfk__batch_cursor_next_message(kfk__batch_cursor *c);

/* How the transaction ended that the control batch |h|, with |n| bytes of records, is the marker of:
 * kfk__control_type of its record; -1 where there is none, then with *why if it cannot be read. */
int kfk__batch_marker(const kfk__batch_header *h, const void *records, size_t n, const char **why);

/* What next() does with a record that was read, whose successor is at |next|. false: as it. */
static inline __attribute__((always_inline)) bool
kfk__batch_cursor_step(kfk__batch_cursor *c, const kfk__record *r, const uint8_t *next)
{
    if (r->offset_delta <= c->delta || r->offset_delta > c->final_delta)
        return kfk__batch_cursor_stop(c, "a record's offset is not where the batch has it");
    if (__builtin_add_overflow(c->base_timestamp, r->timestamp_delta & c->delta_mask,
                               &c->timestamp))
        return kfk__batch_cursor_stop(c, "a record's timestamp is out of range");
    c->offset = c->base_offset + r->offset_delta;
    c->delta = r->offset_delta;
    c->p = next;
    c->left--;
    return true;
}

/* To the next record. false: there is none, because all were read, or because of |why|; from then
 * on always false. What a record points at lies in the batch's bytes. */
static inline bool kfk__batch_cursor_next(kfk__batch_cursor *c)
{
    const uint8_t *next;

    if (c->left == 0)
        return c->messages ? kfk__batch_cursor_next_message(c) : kfk__batch_cursor_stop(c, NULL);
    next = kfk__record_read(c->p, c->end, &c->record);
    return next ? kfk__batch_cursor_step(c, &c->record, next)
                : kfk__batch_cursor_stop(c, "a record cannot be parsed");
}

#endif
