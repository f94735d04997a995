#include "producer/settle.h"

#include <inttypes.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "producer/outcome.h"
#include "producer/regroup.h"
#include "producer/sequence.h"

/* Whatever needed the batch does not any more. */
static void drop(kfk__sender *s, kfk__producer_batch *b)
{
    kfk__producer_batch_drop(b, &s->accumulator->pool);
}

static void count_result(kfk__producer_metrics *m, const kfk__producer_batch *b, int32_t status)
{
    kfk__counter_add(status == KFK_DELIVERED     ? &m->delivered
                     : status == KFK_NOT_WRITTEN ? &m->not_written
                                                 : &m->unknown,
                     b->count);
}

/* The batch, which is in no list of its partition, has its result. Its memory goes back at once, unless a socket may
 * still read it, or the application's thread is to tell of it. */
static void finish(kfk__sender *s, kfk__producer_batch *b, const kfk__produce_answer *a)
{
    kfk__result r = {.err = a->err,
                     .status = KFK_DELIVERED,
                     .base_offset = a->base_offset,
                     .log_append_time = a->log_append_time,
                     .msg = a->msg,
                     .refused = a->refused};

    if (a->err)
        r.status = b->doubt ? KFK_UNKNOWN : KFK_NOT_WRITTEN;
    else if (s->options.acks == 0)
        r.status = KFK_UNKNOWN;
    count_result(&s->metrics, b, r.status);
    b->finished = true;
    if (!s->finish(s->owner, b, &r))
        return;
    kfk__accumulator_finished(s->accumulator, b);
    drop(s, b);
}

void kfk__settle_error(kfk__sender *s, kfk__producer_batch *b, kfk_err err, const char *msg)
{
    kfk__produce_answer a = {.err = err, .base_offset = -1, .log_append_time = -1, .msg = msg};

    finish(s, b, &a);
}

void kfk__settle_gone(kfk__sender *s, kfk__producer_batch *b)
{
    kfk__accumulator_finished(s->accumulator, b);
    drop(s, b);
}

/* Past delivery.timeout.ms. */
static void finish_expired(kfk__sender *s, kfk__producer_batch *b)
{
    const kfk_err refusal = b->partition->refusal ? b->partition->refusal
                                                  : kfk__topic_refusal(b->partition->topic);
    kfk_error e;

    (void)kfk__fail(&e, KFK_ERR_DELIVERY_TIMEOUT,
                    "delivery.timeout.ms passed before the record was acknowledged");
    kfk__fail_answered(&e, refusal);
    kfk__client_explain_connection(&s->client, &e);
    kfk__settle_error(s, b, e.code, e.msg);
}

void kfk__requeue(kfk__partition *p, kfk__producer_batch *b)
{
    kfk__list *at;

    b->state = KFK__BATCH_READY;
    kfk__lock(&p->queue_lock);
    for (at = p->deque.next; at != &p->deque; at = at->next) {
        const kfk__producer_batch *other = KFK__ENTRY(at, kfk__producer_batch, link);

        if (kfk__batch_before(b->order, other->order))
            break;
    }
    kfk__partition_insert(p, at, b);
    kfk__unlock(&p->queue_lock);
}

static bool expired(const kfk__sender *s, const kfk__producer_batch *b, int64_t now)
{
    return now >= kfk__deadline(b->created_at, s->options.delivery_timeout_ms);
}

/* Whether the batch is to be sent again; else it is over. */
static bool worth_a_retry(kfk__sender *s, kfk__producer_batch *b, const kfk__produce_answer *a,
                          int64_t now)
{
    if (b->finished || s->abandoned || expired(s, b, now) || b->attempts > s->options.retries)
        return false;
    if (!s->options.idempotent || !kfk__sequence_lost(a->err))
        return a->lost || kfk__produce_retriable(a->err);
    /* If an earlier one has failed, this one had to. It comes after it, with the sequence it has. Otherwise the broker
     * has lost our state: a new epoch is begun, in which this batch may be numbered anew, since no attempt at it can
     * be in the log (design: else it is unknown, for good). */
    if (!kfk__sequence_is_next(b->partition, b))
        return true;
    b->partition->hole = true;
    return !b->doubt;
}

/* A batch that had a sequence will never be in the log, or nobody knows: there is a hole. */
static void left_a_hole(kfk__sender *s, const kfk__producer_batch *b)
{
    if (s->options.idempotent && b->base_sequence >= 0)
        b->partition->hole = true;
}

/* Once nothing is in flight any more, a hole in the sequences is left behind. */
static void mend(kfk__sender *s, kfk__partition *p)
{
    kfk__list lost;
    kfk__list *at;

    if (!p->hole || p->n_in_flight > 0)
        return;
    kfk__list_init(&lost);
    kfk__sequence_restart(&s->identity, p, &lost);
    kfk__log_write(&s->client.options->log, KFK_LOG_INFO, s->client.options->subsystem,
                   "topic %.249s, partition %d: a sequence number is missing, so that a new %s begins",
                   p->topic->name, p->index, p->epoch < 0 ? "producer id" : "epoch");
    kfk__sender_event(s, p, (kfk_event){.type = KFK_EVENT_EPOCH, .broker_id = -1, .value = p->epoch});
    while ((at = kfk__list_pop(&lost)) != NULL)
        kfk__settle_error(s, KFK__ENTRY(at, kfk__producer_batch, link),
                         KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                         "the sequence was broken, by the broker or by a record before this one, while "
                         "nobody knows whether this one is in the log: sent again it could be there twice");
}

static void succeeded(kfk__sender *s, kfk__producer_batch *b, kfk__produce_answer *a, int64_t now)
{
    kfk__partition *p = b->partition;

    if (a->err == KFK_ERR_DUPLICATE_SEQUENCE_NUMBER) {
        a->err = KFK_OK;
        a->base_offset = -1;
    }
    kfk__sequence_acked(p, b);
    p->retry = (kfk__retry){0};
    if (p->refusal)
        kfk__standing_partition_granted(&s->client.standing, p->topic->name, p->index, now);
    p->refusal = KFK_OK;
    if (!b->finished)
        finish(s, b, a);
}

/* What was in flight together fails together, for one reason, and backs off once. */
static void back_off(kfk__sender *s, kfk__partition *p, uint64_t request, kfk_err why, int64_t now)
{
    if (request <= p->backed_off)
        return;
    p->backed_off = s->produces;
    p->retry_at = kfk__client_retry_at(&s->client, &p->retry, why, now);
}

/* A batch that the broker finds too large goes in parts, at once, which is no retry (KIP-126). Should it be in the log
 * all the same, from an attempt that was not answered, the broker knows its sequences and refuses the parts; without
 * sequences it would take them. false: it cannot be split. */
static bool split(kfk__sender *s, kfk__producer_batch *b, uint64_t request, int64_t now)
{
    kfk__partition *p = b->partition;
    kfk__list parts;
    kfk__list *at;
    int64_t n = 0;

    if (b->count == 1 || (b->doubt && b->base_sequence < 0) || b->finished || s->abandoned)
        return false;
    kfk__list_init(&parts);
    if (kfk__split(s->accumulator, b, &parts))
        return false;
    for (; (at = kfk__list_pop(&parts)) != NULL; n++) {
        kfk__producer_batch *part = KFK__ENTRY(at, kfk__producer_batch, link);

        if (b->base_sequence >= 0)
            kfk__sequence_part(p, b, part, (int32_t)(part->order.part - b->order.part));
        kfk__requeue(p, part);
    }
    back_off(s, p, request, KFK__RETRY_SPLIT, now);
    kfk__counter_add(&s->metrics.splits, 1);
    kfk__log_write(&s->client.options->log, KFK_LOG_INFO, s->client.options->subsystem,
                   "topic %.249s, partition %d: a batch of %d records is too large for the broker, and "
                   "goes in %" PRId64 " parts",
                   p->topic->name, p->index, b->count, n);
    kfk__sender_event(s, p, (kfk_event){.type = KFK_EVENT_SPLIT, .broker_id = -1, .value = n});
    kfk__settle_gone(s, b);
    return true;
}

static void failed(kfk__sender *s, kfk__producer_batch *b, const kfk__produce_answer *a,
                   uint64_t request, int64_t now)
{
    kfk__partition *p = b->partition;
    const kfk__topic *t = p->topic;
    kfk__topic_info *info = kfk__metadata_find(&s->client.metadata, t->name, t->name_len);
    kfk_err why = a->err;

    if (info && kfk__client_hint(&s->client, info, p->index, &a->hint))
        s->schedule.leaders_era++;
    /* By the hint, or by metadata that came while the request was out. */
    if (info && p->index < info->n_partitions &&
        kfk__leader_moved(b->tried, info->partitions[p->index]))
        why = KFK__RETRY_NEW_LEADER;
    if (kfk__stale_metadata(a->err))
        kfk__client_refresh(&s->client, info);
    if (a->err == KFK_ERR_MESSAGE_TOO_LARGE && split(s, b, request, now))
        return;
    if (!a->lost)
        p->refusal = a->err;
    if (worth_a_retry(s, b, a, now)) {
        if (!a->lost)
            kfk__standing_partition_refused(&s->client.standing, t->name, p->index, a->err, now);
        kfk__requeue(p, b);
        back_off(s, p, request, why, now);
        kfk__counter_add(&s->metrics.retries, 1);
        kfk__sender_event(s, p, (kfk_event){.type = KFK_EVENT_RETRY, .broker_id = -1, .err = a->err,
                                            .value = b->attempts});
        return;
    }
    left_a_hole(s, b);
    if (!b->finished)
        finish(s, b, a);
}

/* An attempt has ended. |doubtful|: the batch may be in the log because of it. */
static void settle(kfk__sender *s, kfk__producer_batch *b, const kfk__produce_answer *answer,
                   bool doubtful, int64_t now)
{
    kfk__partition *p = b->partition;
    kfk__produce_answer a = *answer;
    uint64_t request = b->produce->number;

    kfk__list_remove(&b->link);
    b->produce = NULL;
    b->doubt |= doubtful;
    p->n_in_flight--;
    if (a.err == KFK_OK || a.err == KFK_ERR_DUPLICATE_SEQUENCE_NUMBER)
        succeeded(s, b, &a, now);
    else
        failed(s, b, &a, request, now);
    drop(s, b); /* the request's */
    mend(s, p);
    kfk__schedule_place(&s->schedule, p, now);
}

void kfk__settle(void *sender, kfk__producer_batch *b, const kfk__produce_answer *a, int64_t now)
{
    kfk__sender *s = sender;

    if (a->err && !a->lost)
        kfk__client_error(&s->client, a->err);
    settle(sender, b, a, a->err != KFK_OK && !kfk__refuses(a->err), now);
}

void kfk__settle_unsent(kfk__sender *s, kfk__producer_batch *b, const kfk__produce_answer *a,
                     int64_t now)
{
    b->attempts--;
    settle(s, b, a, false, now);
}

/* ---- time ---- */

/* Takes a batch out of its deque, whatever its state. false: somebody is compressing it. */
static bool pull(kfk__producer_batch *b)
{
    kfk__partition *p = b->partition;
    bool free;

    kfk__partition_close(p, b);
    kfk__lock(&p->queue_lock);
    free = !b->compressing;
    if (free)
        kfk__partition_remove(p, b);
    kfk__unlock(&p->queue_lock);
    return free;
}

int64_t kfk__settle_expired(kfk__sender *s, int64_t now)
{
    kfk__producer_batch *b;

    while ((b = kfk__accumulator_oldest(s->accumulator)) != NULL) {
        kfk__partition *p = b->partition;

        if (!expired(s, b, now))
            return kfk__deadline(b->created_at, s->options.delivery_timeout_ms);
        if (b->produce) {
            /* Its memory stays where it is until the answer comes, or the connection ends. */
            b->doubt = true;
        } else {
            if (!pull(b))
                return now + KFK__MS;
            left_a_hole(s, b);
        }
        finish_expired(s, b);
        mend(s, p);
        kfk__schedule_place(&s->schedule, p, now);
    }
    return KFK__NEVER;
}

/* Ends the batches in front of |end|; |in_flight|: those in flight, too, whose memory stays where it is until the answer
 * comes. false: but for those that somebody is compressing. */
static bool end_all(kfk__sender *s, uint64_t end, bool in_flight, kfk_err err, const char *msg,
                    int64_t now)
{
    kfk__batch_order at = {0, 0};
    kfk__producer_batch *b;
    bool all = true;

    while ((b = kfk__accumulator_behind(s->accumulator, at)) != NULL && b->order.id < end) {
        kfk__partition *p = b->partition;

        at = b->order;
        if (b->produce && !in_flight)
            continue;
        if (!b->produce && !pull(b)) {
            all = false;
            continue;
        }
        if (b->produce)
            b->doubt = true;
        else
            left_a_hole(s, b);
        kfk__settle_error(s, b, err, msg);
        mend(s, p);
        kfk__schedule_place(&s->schedule, p, now);
    }
    return all;
}

void kfk__settle_queued(kfk__sender *s, kfk_err err, const char *msg, int64_t now)
{
    (void)end_all(s, kfk__accumulator_next_id(s->accumulator), false, err, msg, now);
}

bool kfk__settle_purge(kfk__sender *s, uint64_t id, int64_t now)
{
    return end_all(s, id, true, KFK_ERR_PURGED, "the producer was purged", now);
}
