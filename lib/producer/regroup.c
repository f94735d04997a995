#include "producer/regroup.h"

#include <kfk/kafka_errors.h>

#include "base/arena.h"
#include "producer/append.h"
#include "record/cursor.h"

/* ---- the records that there are ---- */

typedef struct source {
    kfk__batch_cursor cursor;
    kfk__callback_walk walk;
    kfk__callback *at, *end; /* of the piece of callbacks that the next record's is in */
    kfk__buf raw;            /* what the batch inflates to */
    kfk__arena arena;        /* one record's headers */
    /* What next came to. */
    kfk_record record;
    kfk__callback *callback; /* NULL: it has none, nor has any behind it */
} source;

static void source_fini(source *s)
{
    kfk__buf_fini(&s->raw);
    kfk__arena_fini(&s->arena);
}

/* |b| is READY. */
static kfk_err source_init(source *s, kfk__accumulator *a, const kfk__producer_batch *b)
{
    const kfk_allocator *alloc = &a->env->alloc;
    kfk_bytes all = kfk__producer_batch_bytes(b), records;
    const char *why;
    kfk__batch_header h;
    size_t size;
    kfk_err err = KFK_OK;

    *s = (source){.record = {.struct_size = sizeof s->record, .flags = KFK_TIMESTAMP}};
    kfk__buf_init(&s->raw, alloc);
    kfk__arena_init(&s->arena, alloc);
    kfk__callback_walk_init(&s->walk, b);
    if (kfk__batch_header_read(all.data, all.len, &h, &size, &why))
        return KFK_ERR_INTERNAL;
    records = (kfk_bytes){(const uint8_t *)all.data + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER};
    if (b->codec != KFK__CODEC_NONE) {
        err = kfk__accumulator_inflate(a, b, records, &s->raw);
        records = (kfk_bytes){s->raw.data, s->raw.len};
    }
    kfk__batch_cursor_init(&s->cursor, &h, records.data, records.len);
    return err;
}

static kfk__callback *next_callback(source *s)
{
    int32_t n;

    if (s->at == s->end) {
        s->at = kfk__callback_walk_next(&s->walk, &n);
        s->end = s->at ? s->at + n : NULL;
    }
    return s->at ? s->at++ : NULL;
}

/* To the next record. false: there is none, or *err. */
static bool source_next(source *s, kfk_err *err)
{
    const kfk__record *r = &s->cursor.record;
    kfk_header *headers = NULL;

    *err = KFK_OK;
    if (!kfk__batch_cursor_next(&s->cursor)) {
        *err = s->cursor.why ? KFK_ERR_INTERNAL : KFK_OK;
        return false;
    }
    kfk__arena_reset(&s->arena);
    if (r->n_headers) {
        headers = kfk__arena_alloc(&s->arena, r->n_headers * sizeof *headers);
        if (!headers) {
            *err = KFK_ERR_NOMEM;
            return false;
        }
        (void)kfk__record_headers(r, headers, r->n_headers);
    }
    s->record.key = r->key;
    s->record.value = r->value;
    s->record.headers = headers;
    s->record.n_headers = r->n_headers;
    s->record.timestamp_ms = s->cursor.timestamp;
    s->callback = next_callback(s);
    return true;
}

/* ---- where they go ---- */

/* A new batch of |size| bytes, before compression; or of what its first record needs, if that is more. */
static kfk__producer_batch *begin(kfk__accumulator *a, kfk__producer_batch *from, kfk__partition *p,
                                  const source *s, size_t size)
{
    const kfk__topic *t = from->partition->topic;
    size_t bound = kfk__append_bound(&s->record), least = KFK__BATCH_HEADER + bound;
    size_t raw = size > least ? size - KFK__BATCH_HEADER : bound;
    kfk__chunk *c = kfk__pool_overdraw(&a->pool, kfk__record_chunk(KFK__BATCH_HEADER + raw));
    kfk__producer_batch *b;

    if (!c)
        return NULL;
    b = kfk__producer_batch_new(&a->env->alloc, c, bound, t->codec, t->level, raw);
    b->partition = p;
    b->created_at = from->created_at;
    b->urgent = from->urgent;
    b->doubt = from->doubt;
    b->order = from->order;
    b->order.part += (uint32_t)s->cursor.delta;
    kfk__accumulator_parted(a, from, b);
    return b;
}

/* A chunk for callbacks where one is needed. false: no memory. */
static bool callback_room(kfk__accumulator *a, kfk__producer_batch *b)
{
    while (!kfk__producer_batch_callback_room(b)) {
        kfk__chunk *c = kfk__pool_overdraw(&a->pool, kfk__callback_chunk());

        if (!c)
            return false;
        kfk__producer_batch_extend_callbacks(b, c);
    }
    return true;
}

static bool fits(const kfk__producer_batch *b, const source *s)
{
    return (size_t)(b->end - b->at) >= kfk__append_bound(&s->record);
}

/* The record goes in. false: no memory. */
static bool put(kfk__accumulator *a, kfk__producer_batch *b, const source *s)
{
    const kfk__callback *cb = s->callback;

    if (cb && !callback_room(a, b))
        return false;
    kfk__batch_put(b, &s->record, s->record.timestamp_ms, cb != NULL, cb ? cb->fn : NULL,
                   cb ? cb->arg : NULL);
    return true;
}

/* ---- split ---- */

/* How large a part may be, before compression. What is no larger than it should be is halved, else it would come back as
 * it was. */
static size_t part_size(const kfk__accumulator *a, const kfk__producer_batch *b)
{
    size_t size = KFK__BATCH_HEADER + b->raw;

    return size > a->options.batch_size ? a->options.batch_size : size / 2;
}

static void drop_parts(kfk__accumulator *a, kfk__list *parts)
{
    kfk__list *at;

    while ((at = kfk__list_pop(parts)) != NULL) {
        kfk__producer_batch *b = KFK__ENTRY(at, kfk__producer_batch, link);

        kfk__accumulator_unparted(a, b);
        kfk__producer_batch_free(b, &a->pool);
    }
}

static kfk_err make_parts(kfk__accumulator *a, kfk__producer_batch *b, source *s, kfk__list *parts)
{
    size_t size = part_size(a, b);
    kfk__producer_batch *part = NULL;
    kfk_err err;

    while (source_next(s, &err)) {
        if (!part || !fits(part, s)) {
            part = begin(a, b, b->partition, s, size);
            if (!part)
                return KFK_ERR_NOMEM;
            kfk__list_push(parts, &part->link);
        }
        if (!put(a, part, s))
            return KFK_ERR_NOMEM;
    }
    return err;
}

static kfk_err finish_parts(kfk__accumulator *a, kfk__list *parts)
{
    kfk_err err = KFK_OK;

    for (kfk__list *at = parts->next; at != parts && !err; at = at->next) {
        kfk__producer_batch *part = KFK__ENTRY(at, kfk__producer_batch, link);

        kfk__producer_batch_close(part);
        if (part->state == KFK__BATCH_CLOSED)
            err = kfk__accumulator_compress(a, part);
        part->state = KFK__BATCH_READY;
    }
    return err;
}

kfk_err kfk__split(kfk__accumulator *a, kfk__producer_batch *b, kfk__list *parts)
{
    source s;
    kfk_err err = source_init(&s, a, b);

    if (!err)
        err = make_parts(a, b, &s, parts);
    if (!err)
        err = finish_parts(a, parts);
    if (err)
        drop_parts(a, parts);
    else if (b->codec != KFK__CODEC_NONE)
        kfk__topic_too_large(b->partition->topic, (double)b->packed.len / (double)b->raw);
    source_fini(&s);
    return err;
}

/* ---- place ---- */

/* One of the partitions, as it is given or chosen; NULL: there is no such. */
static kfk__partition *partition_for(kfk__accumulator *a, kfk__topic *t, const kfk__partitions *ps,
                                     source *s)
{
    int64_t given = s->callback->partition;
    kfk__partition *p;
    uint64_t chance;

    if (given >= ps->n)
        return NULL;
    if (given < 0)
        given = kfk__topic_choose(t, ps, &s->record);
    if (given >= 0)
        return ps->v[given];
    a->env->ops->random(a->env->ctx, &chance, sizeof chance);
    p = ps->v[kfk__topic_sticky(t, ps, -1, a->options.adaptive, chance)];
    if (p->sticky_bytes >= a->options.batch_size) {
        p = ps->v[kfk__topic_sticky(t, ps, p->index, a->options.adaptive, chance)];
        p->sticky_bytes = 0;
    }
    p->sticky_bytes += kfk__append_bound(&s->record);
    return p;
}

/* The partition's batch that the record goes into; NULL: no memory. */
static kfk__producer_batch *open_batch(kfk__accumulator *a, kfk__producer_batch *from,
                                       kfk__partition *p, const source *s)
{
    if (p->open && fits(p->open, s))
        return p->open;
    if (p->open)
        kfk__producer_batch_close(p->open);
    p->open = begin(a, from, p, s, a->options.batch_size);
    if (p->open)
        kfk__partition_insert(p, &p->deque, p->open);
    return p->open;
}

static kfk_err place_one(kfk__accumulator *a, kfk__producer_batch *from, const kfk__partitions *ps,
                         source *s)
{
    kfk__partition *p = partition_for(a, from->partition->topic, ps, s);
    kfk__producer_batch *b;

    if (!p)
        return KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    b = open_batch(a, from, p, s);
    if (!b || !put(a, b, s))
        return KFK_ERR_NOMEM;
    s->callback->fn = kfk__callback_moved;
    return KFK_OK;
}

kfk_err kfk__place(kfk__accumulator *a, kfk__producer_batch *b, const kfk__partitions *ps)
{
    source s;
    kfk_err err = source_init(&s, a, b), worst = err, end = KFK_OK;

    s.record.topic = b->partition->topic->name;
    while (worst != KFK_ERR_NOMEM && worst != KFK_ERR_INTERNAL && source_next(&s, &end)) {
        err = place_one(a, b, ps, &s);
        worst = err ? err : worst;
    }
    source_fini(&s);
    return end ? end : worst;
}
