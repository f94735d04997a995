#include "producer/sequence.h"

#include <kfk/kafka_errors.h>

bool kfk__sequence_lost(kfk_err err)
{
    return err == KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER || err == KFK_ERR_UNKNOWN_PRODUCER_ID ||
           err == KFK_ERR_INVALID_PRODUCER_EPOCH;
}

/* Sequences wrap from 2^31-1 to 0. */
static int32_t after(int32_t sequence, int32_t count)
{
    return (int32_t)(((uint32_t)sequence + (uint32_t)count) & INT32_MAX);
}

bool kfk__sequence_is_next(const kfk__partition *p, const kfk__producer_batch *b)
{
    return b->base_sequence == (p->acked_sequence < 0 ? 0 : after(p->acked_sequence, 1));
}

/* The identity that is ours now, from sequence 0 on. */
static void adopt(const kfk__identity *i, kfk__partition *p)
{
    p->producer_id = i->id;
    p->epoch = i->epoch;
    p->next_sequence = 0;
    p->acked_sequence = -1;
}

static bool is_current(const kfk__identity *i, const kfk__partition *p)
{
    return p->producer_id == i->id && p->epoch == i->epoch;
}

void kfk__sequence_number(kfk__identity *i, kfk__partition *p, kfk__producer_batch *b)
{
    /* Numbered batches go before it in the deque, so none is left there. */
    if (p->n_in_flight == 0 && !is_current(i, p))
        adopt(i, p);
    kfk__producer_batch_seal(b, p->producer_id, p->epoch, p->next_sequence);
    p->next_sequence = after(p->next_sequence, b->count);
}

void kfk__sequence_part(const kfk__partition *p, const kfk__producer_batch *whole,
                        kfk__producer_batch *part, int32_t first)
{
    kfk__producer_batch_seal(part, p->producer_id, p->epoch, after(whole->base_sequence, first));
}

/* Whether |a| comes after |b|. What is out at a time is far less than half of the numbers there are. */
static bool is_ahead(int32_t a, int32_t b)
{
    uint32_t by = ((uint32_t)a - (uint32_t)b) & INT32_MAX;

    return by > 0 && by <= INT32_MAX / 2;
}

void kfk__sequence_acked(kfk__partition *p, const kfk__producer_batch *b)
{
    int32_t last = after(b->base_sequence, b->count - 1);

    if (b->base_sequence < 0)
        return;
    /* An earlier one may be acknowledged late: its first answer left it open whether the broker has it. */
    if (p->acked_sequence < 0 || is_ahead(last, p->acked_sequence))
        p->acked_sequence = last;
}

void kfk__sequence_restart(kfk__identity *i, kfk__partition *p, kfk__list *lost)
{
    kfk__list *at, *next;

    p->hole = false;
    if (is_current(i, p)) /* else another partition has moved on already */
        kfk__identity_next_epoch(i);
    adopt(i, p);
    kfk__lock(&p->queue_lock);
    for (at = p->deque.next; at != &p->deque; at = next) {
        kfk__producer_batch *b = KFK__ENTRY(at, kfk__producer_batch, link);

        next = at->next;
        if (b->base_sequence < 0)
            continue;
        b->base_sequence = -1;
        if (!b->doubt)
            continue;
        kfk__partition_remove(p, b);
        kfk__list_push(lost, at);
    }
    kfk__unlock(&p->queue_lock);
}
