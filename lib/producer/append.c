#include "producer/append.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/murmur2.h"
#include "record/batch.h"
#include "record/write.h"

/* ---- which partition, and when ---- */

static uint64_t chance(const kfk__accumulator *a)
{
    uint64_t r;

    a->env->ops->random(a->env->ctx, &r, sizeof r);
    return r;
}

/* The sticky choice; |full|: as kfk__topic_sticky. Its partition is there: the array is looked up after the choice. */
static kfk__partition *sticky_partition(kfk__accumulator *a, kfk__topic *t, int32_t full)
{
    int32_t i = kfk__topic_sticky(t, kfk__topic_partitions(t), full, a->options.adaptive, chance(a));

    return kfk__topic_partitions(t)->v[i];
}

/* The partition of a record; *sticky: it is the sticky one. */
static kfk__partition *partition_of(kfk__accumulator *a, kfk__topic *t, const kfk_record *r,
                                    bool *sticky)
{
    const kfk__partitions *ps = kfk__topic_partitions(t);
    int32_t i = r->flags & KFK_PARTITION ? r->partition : kfk__topic_choose(t, ps, r);

    *sticky = i < 0;
    return *sticky ? sticky_partition(a, t, -1) : ps->v[i];
}

/* ---- into the batch ---- */

/* What is missing for a record to go in. */
typedef enum need {
    NEED_NOTHING,
    NEED_RECORDS,   /* a chunk for records: the open batch goes on in it, or a new one begins */
    NEED_CALLBACKS, /* a chunk for callbacks */
    NEED_SWITCH,    /* this partition has had its share: another is to be chosen */
    NEED_OPEN       /* the producer is closed */
} need;

/* One append on its way. */
typedef struct append {
    const kfk_record *record;
    kfk_delivery_fn *fn;
    void *arg;
    int64_t sync_until; /* as given to kfk__accumulate */
    size_t bound;
    int64_t timestamp;
    int64_t until; /* the end of its patience; 0: it has not had to wait yet */
    bool sticky;
    bool told; /* has a callback, or is to be told of without one */
    bool kept; /* its topic is not known, and it may not wait */
    kfk__chunk *chunk; /* what was got for it; NULL: nothing */
    need chunk_for;    /* NEED_RECORDS, NEED_CALLBACKS */
    kfk__producer_batch *closed; /* a batch that it found full, to be compressed by it */
    bool tell;                   /* the Sender should know, */
    int64_t tell_at;             /* by then */
} append;

/* The open batch is full. Locked. Without a codec it is ready; else the caller compresses it. */
static void close_full(kfk__partition *p, append *ap)
{
    kfk__producer_batch *b = p->open;

    kfk__lock(&p->queue_lock);
    kfk__producer_batch_close(b);
    if (b->state == KFK__BATCH_CLOSED) {
        b->compressing = true;
        ap->closed = b;
    } else if (!p->quiet) {
        ap->tell = true;
        ap->tell_at = 0;
    }
    kfk__unlock(&p->queue_lock);
    p->open = NULL;
}

/* Begins a batch in |chunk|. Locked. */
static void begin_batch(kfk__accumulator *a, kfk__partition *p, append *ap, kfk__chunk *chunk)
{
    kfk__topic *t = p->topic;
    kfk__codec codec = ap->kept ? KFK__CODEC_NONE : t->codec;
    size_t limit = codec == KFK__CODEC_NONE ? SIZE_MAX
                                            : kfk__topic_raw_limit(t, a->options.batch_size);
    kfk__producer_batch *b = kfk__producer_batch_new(&a->env->alloc, chunk, ap->bound, codec,
                                                     t->level, limit);

    b->partition = p;
    b->created_at = kfk__now(a->env);
    p->open = b;
    kfk__lock(&p->queue_lock);
    if (kfk__list_empty(&p->deque) && !p->quiet) {
        ap->tell = true;
        ap->tell_at = b->created_at + a->options.linger_ns;
    }
    kfk__partition_insert(p, &p->deque, b);
    kfk__accumulator_begun(a, b);
    kfk__unlock(&p->queue_lock);
}

/* The open batch does not linger. Locked. */
static void make_urgent(kfk__partition *p, append *ap)
{
    kfk__lock(&p->queue_lock);
    p->open->urgent = true;
    ap->tell = !p->quiet;
    ap->tell_at = 0;
    kfk__unlock(&p->queue_lock);
}

/* How large a chunk is that is for this. */
static size_t chunk_size(const kfk__accumulator *a, const append *ap, need chunk_for)
{
    size_t records = KFK__BATCH_HEADER + ap->bound;

    if (chunk_for == NEED_CALLBACKS)
        return kfk__callback_chunk();
    return kfk__record_chunk(records > a->options.batch_size ? records : a->options.batch_size);
}

/* The chunk that was got, if it was for this, or one that is at hand; NULL: one is to be got. */
static kfk__chunk *use_chunk(kfk__accumulator *a, append *ap, need chunk_for)
{
    kfk__chunk *c = ap->chunk;

    if (!c || ap->chunk_for != chunk_for)
        return kfk__pool_reuse(&a->pool, chunk_size(a, ap, chunk_for));
    ap->chunk = NULL;
    return c;
}

/* Room for one more callback. Locked. */
static bool extend_callbacks(kfk__accumulator *a, kfk__producer_batch *b, append *ap)
{
    kfk__chunk *c;

    while (!kfk__producer_batch_callback_room(b)) {
        c = use_chunk(a, ap, NEED_CALLBACKS);
        if (!c)
            return false;
        kfk__producer_batch_extend_callbacks(b, c);
    }
    return true;
}

/* Whether a codec's batch goes on in another chunk. */
static bool may_extend(const kfk__producer_batch *b, size_t bound)
{
    return b->codec != KFK__CODEC_NONE && b->count > 0 &&
           bound <= b->raw_limit && kfk__producer_batch_raw(b) <= b->raw_limit - bound;
}

/* Whether a record without key should go elsewhere rather than begin another batch here (KIP-480, KIP-794). */
static bool had_its_share(const kfk__accumulator *a, const kfk__partition *p, const append *ap)
{
    return ap->sticky && p->sticky_bytes > 0 &&
           p->sticky_bytes + ap->bound + KFK__BATCH_HEADER > a->options.batch_size;
}

/* The slower half of try_append. Locked. */
static need make_room(kfk__accumulator *a, kfk__partition *p, append *ap)
{
    kfk__producer_batch *b = p->open;
    kfk__chunk *c;

    if (b && (size_t)(b->end - b->at) < ap->bound && may_extend(b, ap->bound)) {
        c = use_chunk(a, ap, NEED_RECORDS);
        if (!c)
            return NEED_RECORDS;
        kfk__producer_batch_extend(b, c);
    }
    if (b && (size_t)(b->end - b->at) < ap->bound)
        close_full(p, ap);
    if (!p->open) {
        if (had_its_share(a, p, ap))
            return NEED_SWITCH;
        c = use_chunk(a, ap, NEED_RECORDS);
        if (!c)
            return NEED_RECORDS;
        begin_batch(a, p, ap, c);
    }
    return !ap->told || extend_callbacks(a, p->open, ap) ? NEED_NOTHING : NEED_CALLBACKS;
}

static need try_append(kfk__accumulator *a, kfk__partition *p, append *ap)
{
    if (!p->open || !kfk__batch_has_room(p->open, ap->bound) ||
        (ap->told && !kfk__batch_has_callback_room(p->open))) {
        need n = p->dead ? NEED_OPEN : make_room(a, p, ap);

        if (n != NEED_NOTHING)
            return n;
    }
    kfk__batch_put(p->open, ap->record, ap->timestamp, ap->told, ap->fn, ap->arg);
    if (ap->kept)
        p->open->callback_at[-1].partition =
            ap->record->flags & KFK_PARTITION ? ap->record->partition : -1;
    if (ap->sticky)
        p->sticky_bytes += ap->bound;
    if (ap->sync_until && !p->open->urgent)
        make_urgent(p, ap);
    return NEED_NOTHING;
}

/* The batch that this append closed: whoever closes it compresses it. If that fails, the Sender tries again. */
static void compress_closed(kfk__accumulator *a, kfk__partition *p, kfk__producer_batch *b)
{
    kfk_err err = kfk__accumulator_compress(a, b);

    kfk__lock(&p->queue_lock);
    if (!err)
        b->state = KFK__BATCH_READY;
    b->compressing = false;
    kfk__unlock(&p->queue_lock);
    kfk__accumulator_tell(a, p, 0);
}

/* ---- the way in ---- */

/* Whether this append may wait; if so, |until| is set. The clock is read only by those who have to. */
static bool may_wait(const kfk__accumulator *a, append *ap)
{
    const kfk__accumulator_options *o = &a->options;

    if (o->max_block_ms <= 0 || (ap->record->flags & KFK_NOWAIT) || o->never_waits(o->owner))
        return false;
    if (ap->until == 0)
        ap->until = kfk__deadline(kfk__now(a->env), o->max_block_ms);
    if (ap->sync_until && ap->until > ap->sync_until)
        ap->until = ap->sync_until;
    return true;
}

/* Memory for what is needed. Nothing is held while waiting: else those who wait could hold all there is. */
static kfk_err get_chunk(kfk__accumulator *a, append *ap, need n)
{
    size_t cap = chunk_size(a, ap, n);
    kfk_err err;

    if (ap->chunk)
        kfk__pool_put(&a->pool, ap->chunk);
    ap->chunk_for = n;
    ap->chunk = kfk__pool_try(&a->pool, cap);
    if (ap->chunk)
        return KFK_OK;
    if (!may_wait(a, ap)) {
        /* Said before the last look, so that what comes back after it is told of. */
        bool first = !atomic_exchange_explicit(&a->room_wanted, true, memory_order_relaxed);

        ap->chunk = kfk__pool_try(&a->pool, cap);
        if (ap->chunk)
            return KFK_OK;
        if (first)
            kfk__accumulator_stir(a); /* nothing lingers where memory is short */
        return KFK_ERR_WOULD_BLOCK;
    }
    err = kfk__pool_get(&a->pool, cap, ap->until, &ap->chunk);
    /* As long as this one stood in line, there was no room for who does not wait. */
    if (atomic_load_explicit(&a->room_wanted, memory_order_relaxed))
        kfk__accumulator_stir(a);
    return err;
}

static kfk_err satisfy(kfk__accumulator *a, kfk__partition **p, append *ap, need n)
{
    kfk__topic *t = (*p)->topic;

    switch (n) {
    case NEED_NOTHING:
        break;
    case NEED_RECORDS:
    case NEED_CALLBACKS:
        return get_chunk(a, ap, n);
    case NEED_SWITCH:
        *p = sticky_partition(a, t, (*p)->index);
        kfk__lock(&(*p)->lock);
        (*p)->sticky_bytes = 0;
        kfk__unlock(&(*p)->lock);
        break;
    case NEED_OPEN:
        return KFK_ERR_CLOSED;
    }
    return KFK_OK;
}

static kfk_err append_to(kfk__accumulator *a, kfk__partition *p, append *ap)
{
    for (;;) {
        kfk_err err;
        need n;

        kfk__lock(&p->lock);
        n = try_append(a, p, ap);
        kfk__unlock(&p->lock);
        if (__builtin_expect(ap->tell, 0)) {
            kfk__accumulator_tell(a, p, ap->tell_at);
            ap->tell = false;
        }
        if (__builtin_expect(ap->closed != NULL, 0)) {
            compress_closed(a, p, ap->closed);
            ap->closed = NULL;
        }
        if (n == NEED_NOTHING)
            return KFK_OK;
        err = satisfy(a, &p, ap, n);
        if (err)
            return err;
    }
}

/* What ended a wait. */
static const char *limit_of(const append *ap)
{
    return ap->sync_until && ap->until == ap->sync_until ? "the time given" : "max.block.ms";
}

/* The topic is not known, or has no such partition. */
static void no_partition(const kfk__accumulator *a, const append *ap, kfk__topic *t, kfk_error *e)
{
    const kfk__partitions *ps = kfk__topic_partitions(t);
    kfk_err refusal = kfk__topic_refusal(t);

    if (ps) {
        (void)kfk__fail(e, KFK_ERR_TIMED_OUT,
                        "topic %.200s: partition %d is not among its %d, and %s%s", t->name,
                        ap->record->partition, ps->n,
                        ap->until ? "did not come in " : "is not to be waited for",
                        ap->until ? limit_of(ap) : "");
        if (e)
            e->partition = ap->record->partition;
        return;
    }
    (void)kfk__fail(e, KFK_ERR_TIMED_OUT, "topic %.200s: no metadata in %s", t->name, limit_of(ap));
    if (refusal)
        kfk__fail_answered(e, refusal);
    else
        a->options.explain(a->options.owner, e);
}

static kfk_err refuse(const kfk__accumulator *a, const append *ap, kfk__topic *t, kfk_err err,
                      kfk_error *e)
{
    const char *topic = ap->record->topic;

    switch (err) {
    case KFK_ERR_TIMED_OUT:
        no_partition(a, ap, t, e);
        break;
    case KFK_ERR_BUFFER_FULL:
        err = kfk__fail(e, err, "buffer.memory (%zu bytes) stayed full for %s",
                        a->options.buffer_memory, limit_of(ap));
        a->options.explain(a->options.owner, e);
        break;
    case KFK_ERR_WOULD_BLOCK:
        err = kfk__fail(e, err, "buffer.memory (%zu bytes) is full, and is not to be waited for",
                        a->options.buffer_memory);
        break;
    case KFK_ERR_CLOSED:
        err = kfk__fail(e, err, "the producer is closed");
        break;
    default:
        err = kfk__fail(e, err, "topic %.200s: %s", topic, kfk_err_str(err));
        break;
    }
    if (e)
        kfk__error_set(e->topic, sizeof e->topic, topic, strlen(topic));
    return err;
}

/* A second look at a record whose size may be too large. */
static kfk_err measure(const kfk__accumulator *a, append *ap, kfk_error *e)
{
    const kfk_record *r = ap->record;
    size_t size;

    if (ap->bound == SIZE_MAX)
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "topic %.200s: a header has no key, or the record is larger than 2 GiB",
                         r->topic);
    ap->bound = kfk__record_closer_bound(r->key, r->value, r->headers, r->n_headers);
    if (ap->bound <= a->max_record)
        return KFK_OK;
    size = KFK__BATCH_HEADER + ap->bound;
    if (size > a->options.max_request_size)
        return kfk__fail(e, KFK_ERR_MESSAGE_TOO_LARGE,
                         "topic %.200s: a batch of this record alone takes up to %zu bytes; "
                         "max.request.size is %zu",
                         r->topic, size, a->options.max_request_size);
    return kfk__fail(e, KFK_ERR_MESSAGE_TOO_LARGE,
                     "topic %.200s: a batch of this record alone takes up to %zu bytes, and some for "
                     "itself; buffer.memory is %zu",
                     r->topic, size, a->options.buffer_memory);
}

/* The partition that the record goes to, once it is known; those who may not wait for that have it kept. */
static kfk_err where_to(kfk__accumulator *a, kfk__topic *t, append *ap, kfk__partition **p)
{
    const kfk_record *r = ap->record;
    int32_t at_least = r->flags & KFK_PARTITION ? r->partition : 0;
    const kfk__partitions *ps = kfk__topic_partitions(t);
    kfk_err err = KFK_OK;

    ap->kept = false;
    if (!ps || ps->n <= at_least) {
        err = may_wait(a, ap) ? kfk__accumulator_await(a, t, at_least, ap->until)
                              : kfk__accumulator_ask(a, t, at_least);
        ap->kept = err == KFK_ERR_WOULD_BLOCK && !ps;
        if (err == KFK_ERR_WOULD_BLOCK && ps)
            err = KFK_ERR_TIMED_OUT; /* as after no time: there is nothing to be told of later */
    }
    ap->told = ap->fn || ap->kept || a->options.tells_all;
    if (ap->kept)
        *p = &t->kept;
    else if (!err)
        *p = partition_of(a, t, r, &ap->sticky);
    return ap->kept ? KFK_OK : err;
}

kfk_err kfk__append(kfk__accumulator *a, const kfk_record *r, kfk_delivery_fn *fn, void *arg,
                    int64_t sync_until, kfk_error *e)
{
    append ap = {.record = r, .fn = fn, .arg = arg, .sync_until = sync_until};
    kfk__partition *p;
    kfk__topic *t;
    kfk_err err;

    ap.bound = kfk__record_bound(r->key, r->value, r->headers, r->n_headers);
    if (atomic_load_explicit(&a->closed, memory_order_relaxed))
        return refuse(a, &ap, NULL, KFK_ERR_CLOSED, e);
    err = ap.bound > a->max_record ? measure(a, &ap, e) : KFK_OK;
    if (err)
        return err;
    t = kfk__accumulator_topic(a, r->topic);
    if (!t)
        return refuse(a, &ap, NULL, KFK_ERR_NOMEM, e);
    ap.timestamp = kfk__append_timestamp(a, r);
    do {
        err = where_to(a, t, &ap, &p);
        if (!err)
            err = append_to(a, p, &ap);
        /* Nothing is kept any more: the topic is known now, or the producer is closed. */
    } while (err == KFK_ERR_CLOSED && ap.kept && kfk__topic_partitions(t));
    if (ap.chunk)
        kfk__pool_put(&a->pool, ap.chunk);
    return err ? refuse(a, &ap, t, err, e) : KFK_OK;
}
