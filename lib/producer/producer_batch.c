#include "producer/producer_batch.h"

#include <string.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "record/batch.h"

/* More pieces than this are never needed: raw is at most 16 x batch.size, in chunks of batch.size, and a record that is
 * larger has a chunk to itself. */
enum { MAX_CHUNKS = 64 };

/* The end of a first chunk is the batch, and in front of it are the first callbacks. */
static kfk__producer_batch *batch_in(kfk__chunk *c)
{
    return (kfk__producer_batch *)(void *)(c->data + c->cap - sizeof(kfk__producer_batch));
}

static kfk__callback *first_callbacks(const kfk__producer_batch *b)
{
    return (kfk__callback *)(void *)(uintptr_t)b - KFK__CALLBACKS_FIRST;
}

static void set_end(kfk__producer_batch *b)
{
    size_t cap = b->last == b->first ? (size_t)((uint8_t *)first_callbacks(b) - b->first->data)
                                     : b->last->cap;
    size_t room = cap - b->last->used;
    size_t left = b->raw_limit > b->raw ? b->raw_limit - b->raw : 0;

    b->at = b->last->data + b->last->used;
    b->end = b->at + (room < left ? room : left);
}

kfk__producer_batch *kfk__producer_batch_new(const kfk_allocator *a, kfk__chunk *chunk,
                                             size_t first, kfk__codec codec, int level,
                                             size_t raw_limit)
{
    kfk__producer_batch *b = batch_in(chunk);

    *b = (kfk__producer_batch){.codec = codec, .level = level, .raw_limit = raw_limit};
    kfk__list_init(&b->link);
    kfk__list_init(&b->incomplete);
    kfk__list_init(&b->told);
    kfk__buf_init(&b->packed, a);
    b->base_sequence = -1;
    atomic_init(&b->holds, 1);
    b->first = b->last = chunk;
    chunk->used = KFK__BATCH_HEADER;
    b->callback_at = first_callbacks(b);
    b->callback_end = b->callback_at + KFK__CALLBACKS_FIRST;
    b->callback_limit = b->n_slots = KFK__CALLBACKS_FIRST;
    set_end(b);
    if ((size_t)(b->end - b->at) < first)
        b->end = b->at + first;
    return b;
}

static void put_chain(kfk__pool *pool, kfk__chunk *c)
{
    kfk__chunk *next;

    for (; c; c = next) {
        next = c->next;
        kfk__pool_put(pool, c);
    }
}

void kfk__producer_batch_free(kfk__producer_batch *b, kfk__pool *pool)
{
    put_chain(pool, b->callbacks);
    kfk__release(b->packed.alloc, b->result_text);
    kfk__buf_fini(&b->packed);
    put_chain(pool, b->first);
}

void kfk__producer_batch_drop(kfk__producer_batch *b, kfk__pool *pool)
{
    if (atomic_fetch_sub_explicit(&b->holds, 1, memory_order_acq_rel) == 1)
        kfk__producer_batch_free(b, pool);
}

static void end_chunk(kfk__producer_batch *b)
{
    size_t used = (size_t)(b->at - b->last->data);

    b->raw += used - b->last->used;
    b->last->used = used;
}

void kfk__producer_batch_extend(kfk__producer_batch *b, kfk__chunk *chunk)
{
    end_chunk(b);
    b->last->next = chunk;
    b->last = chunk;
    set_end(b);
}

void kfk__producer_batch_extend_callbacks(kfk__producer_batch *b, kfk__chunk *chunk)
{
    if (b->last_callbacks)
        b->last_callbacks->next = chunk;
    else
        b->callbacks = chunk;
    b->last_callbacks = chunk;
    b->callback_at = (kfk__callback *)(void *)chunk->data;
    b->callback_end = b->callback_at + KFK__CALLBACKS_MORE;
    b->n_slots += KFK__CALLBACKS_MORE;
}

/* Those that have been written: of the records [0, n). */
static int32_t n_callbacks(const kfk__producer_batch *b)
{
    return b->n_slots - (int32_t)(b->callback_end - b->callback_at);
}

bool kfk__producer_batch_callback_room(kfk__producer_batch *b)
{
    for (int32_t n = n_callbacks(b); n < b->count && n < b->n_slots; n++)
        *b->callback_at++ = (kfk__callback){NULL, NULL, {0}};
    b->callback_limit = b->n_slots;
    return b->callback_at < b->callback_end;
}

static void write_header(const kfk__producer_batch *b, uint8_t *to, size_t size)
{
    kfk__batch_header h = {.length = (int32_t)(size - KFK__BATCH_LOG_OVERHEAD),
                           .leader_epoch = -1,
                           .magic = 2,
                           .attributes = (int16_t)b->codec,
                           .last_offset_delta = b->count - 1,
                           .base_timestamp = b->base_timestamp,
                           .max_timestamp = b->max_timestamp,
                           .producer_id = -1,
                           .producer_epoch = -1,
                           .base_sequence = -1,
                           .count = b->count};

    kfk__batch_header_write(to, &h);
}

void kfk__producer_batch_close(kfk__producer_batch *b)
{
    end_chunk(b);
    b->end = b->at;
    b->state = b->codec == KFK__CODEC_NONE ? KFK__BATCH_READY : KFK__BATCH_CLOSED;
    if (b->state == KFK__BATCH_READY)
        write_header(b, b->first->data, b->first->used);
}

kfk_err kfk__producer_batch_compress(kfk__producer_batch *b, kfk__compressor *c, kfk__pool *pool,
                                     double *ratio)
{
    struct iovec in[MAX_CHUNKS];
    size_t skip = KFK__BATCH_HEADER;
    kfk_err err;
    int n = 0;

    for (kfk__chunk *k = b->first; k && n < MAX_CHUNKS; k = k->next) {
        in[n++] = (struct iovec){k->data + skip, k->used - skip};
        skip = 0;
    }
    kfk__buf_clear(&b->packed);
    kfk__buf_add(&b->packed, KFK__BATCH_HEADER);
    err = kfk__compress(c, b->codec, b->level, in, n, &b->packed);
    if (!err && !kfk__buf_ok(&b->packed))
        err = KFK_ERR_NOMEM;
    if (err) {
        kfk__buf_fini(&b->packed);
        return err;
    }
    *ratio = (double)(b->packed.len - KFK__BATCH_HEADER) / (double)b->raw;
    write_header(b, b->packed.data, b->packed.len);
    /* The first chunk stays, for its callbacks. */
    put_chain(pool, b->first->next);
    b->first->next = NULL;
    b->last = b->first;
    return KFK_OK;
}

kfk_bytes kfk__producer_batch_bytes(const kfk__producer_batch *b)
{
    return b->packed.data ? (kfk_bytes){b->packed.data, b->packed.len}
                          : (kfk_bytes){b->first->data, b->first->used};
}

void kfk__producer_batch_seal(kfk__producer_batch *b, int64_t producer_id, int16_t epoch,
                              int32_t base_sequence)
{
    uint8_t *header = b->packed.data ? b->packed.data : b->first->data;
    kfk_bytes all = kfk__producer_batch_bytes(b);
    struct iovec body = {header + KFK__BATCH_HEADER, all.len - KFK__BATCH_HEADER};

    b->base_sequence = base_sequence;
    kfk__batch_set_producer(header, producer_id, epoch, base_sequence);
    kfk__batch_seal(header, &body, 1);
}

size_t kfk__producer_batch_size(const kfk__producer_batch *b)
{
    if (b->state >= KFK__BATCH_READY)
        return kfk__producer_batch_bytes(b).len;
    return KFK__BATCH_HEADER + kfk__producer_batch_raw(b);
}

size_t kfk__producer_batch_raw(const kfk__producer_batch *b)
{
    return b->raw + (size_t)(b->at - b->last->data) - b->last->used;
}

void kfk__callback_walk_init(kfk__callback_walk *w, const kfk__producer_batch *b)
{
    *w = (kfk__callback_walk){
        .at = first_callbacks(b), .next = b->callbacks, .left = n_callbacks(b)};
}

kfk__callback *kfk__callback_walk_next(kfk__callback_walk *w, int32_t *n)
{
    kfk__callback *at = w->at;

    *n = KFK__CALLBACKS_FIRST;
    w->at = NULL;
    if (!at && w->left > 0) {
        at = (kfk__callback *)(void *)w->next->data;
        w->next = w->next->next;
        *n = KFK__CALLBACKS_MORE;
    }
    if (*n > w->left)
        *n = w->left;
    w->left -= *n;
    return *n > 0 ? at : NULL;
}

void kfk__callback_moved(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)d, (void)arg;
}
