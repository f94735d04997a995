#include "devbroker/log.h"

#include <string.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "record/message.h"

enum { CHUNK_MIN = 16 * 1024, CHUNK_MAX = 1024 * 1024 };

/* ---- chunks ---- */

void kfk__dev_chunk_hold(kfk__dev_chunk *c)
{
    c->refs++;
}

void kfk__dev_chunk_drop(kfk__dev_chunk *c)
{
    if (c && --c->refs == 0)
        kfk__release(c->alloc, c);
}

static kfk__dev_chunk *chunk_new(const kfk_allocator *a, size_t cap)
{
    kfk__dev_chunk *c = kfk__alloc(a, sizeof *c + cap);

    if (c)
        *c = (kfk__dev_chunk){.alloc = a, .refs = 1, .cap = (uint32_t)cap};
    return c;
}

/* The tail, with room for |size| more bytes. Chunks double, so that a quiet partition stays small.
 */
static kfk__dev_chunk *tail_for(kfk__dev_log *l, size_t size)
{
    size_t cap = l->tail ? (size_t)l->tail->cap * 2 : CHUNK_MIN;
    kfk__dev_chunk *c;

    if (l->tail && l->tail->cap - l->tail->len >= size)
        return l->tail;
    if (cap > CHUNK_MAX)
        cap = CHUNK_MAX;
    c = chunk_new(l->alloc, cap > size ? cap : size);
    if (!c)
        return NULL;
    kfk__dev_chunk_drop(l->tail);
    return l->tail = c;
}

/* ---- the log ---- */

void kfk__dev_log_init(kfk__dev_log *l, const kfk_allocator *a)
{
    *l = (kfk__dev_log){.alloc = a};
    kfk__dev_transactions_init(&l->transactions, a);
}

void kfk__dev_log_fini(kfk__dev_log *l)
{
    for (size_t i = 0; i < l->n; i++)
        kfk__dev_chunk_drop(l->batches[i].chunk);
    kfk__dev_chunk_drop(l->tail);
    kfk__release(l->alloc, l->batches);
    kfk__release(l->alloc, l->epochs);
    kfk__dev_transactions_fini(&l->transactions);
    kfk__dev_log_init(l, l->alloc);
}

/* Room for one more batch and one more epoch. */
static bool grow(kfk__dev_log *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        kfk__dev_batch *v = kfk__array(l->alloc, l->batches, cap, sizeof *v);

        if (!v)
            return false;
        l->batches = v;
        l->cap = cap;
    }
    if (l->n_epochs == l->cap_epochs) {
        size_t cap = l->cap_epochs ? l->cap_epochs * 2 : 4;
        kfk__dev_epoch *v = kfk__array(l->alloc, l->epochs, cap, sizeof *v);

        if (!v)
            return false;
        l->epochs = v;
        l->cap_epochs = cap;
    }
    return true;
}

/* Copies a batch to the end as it is and returns its copy; NULL: no memory. */
static uint8_t *put(kfk__dev_log *l, const uint8_t *b, size_t size, const kfk__batch_header *h)
{
    kfk__dev_chunk *c;
    uint8_t *to;

    if (!grow(l) || !(c = tail_for(l, size)) ||
        !kfk__dev_transactions_take(&l->transactions, h, b, size))
        return NULL;
    to = c->bytes + c->len;
    memcpy(to, b, size);
    l->batches[l->n++] = (kfk__dev_batch){.base = h->base_offset,
                                          .last = h->base_offset + h->last_offset_delta,
                                          .max_timestamp = h->max_timestamp,
                                          .chunk = c,
                                          .at = c->len,
                                          .size = (uint32_t)size,
                                          .leader_epoch = h->leader_epoch};
    kfk__dev_chunk_hold(c);
    c->len += (uint32_t)size;
    if (h->leader_epoch >= 0 &&
        (l->n_epochs == 0 || l->epochs[l->n_epochs - 1].epoch < h->leader_epoch))
        l->epochs[l->n_epochs++] = (kfk__dev_epoch){h->base_offset, h->leader_epoch};
    l->bytes += size;
    l->end = h->base_offset + h->last_offset_delta + 1;
    l->high = l->end;
    return to;
}

kfk_err kfk__dev_log_append(kfk__dev_log *l, const uint8_t *b, size_t size, int32_t leader_epoch,
                            int64_t append_ms, int64_t *base)
{
    kfk__batch_header h;
    const char *why;
    size_t whole;
    kfk_err err = kfk__batch_header_read(b, size, &h, &whole, &why);
    uint8_t *to;

    if (err || whole != size)
        return KFK_ERR_INVALID_ARG;
    *base = h.base_offset = l->end;
    h.leader_epoch = leader_epoch;
    if (append_ms >= 0) {
        h.attributes |= KFK__BATCH_LOG_APPEND;
        h.max_timestamp = append_ms;
    }
    to = put(l, b, size, &h);
    if (!to)
        return KFK_ERR_NOMEM;
    kfk__batch_header_write(to, &h);
    if (append_ms >= 0) {
        struct iovec body = {to + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER};

        kfk__batch_seal(to, &body, 1);
    }
    return KFK_OK;
}

kfk_err kfk__dev_log_load(kfk__dev_log *l, const uint8_t *b, size_t size,
                          const kfk__batch_header *h)
{
    kfk__batch_header own;
    const char *why;
    size_t whole;

    if (kfk__message_header_read(b, size, &own, &whole, &why) || whole != size)
        return KFK_ERR_INVALID_ARG;
    if (!h)
        h = &own;
    if (h->base_offset < l->end)
        return KFK_ERR_INVALID_ARG;
    if (l->n == 0 && l->end == 0)
        l->start = h->base_offset;
    return put(l, b, size, h) ? KFK_OK : KFK_ERR_NOMEM;
}

/* The first batch that ends at or after |offset|; l->n: none. */
static size_t index_of(const kfk__dev_log *l, int64_t offset)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (l->batches[mid].last < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const kfk__dev_batch *kfk__dev_log_find(const kfk__dev_log *l, int64_t offset)
{
    size_t i = index_of(l, offset);

    return i < l->n ? &l->batches[i] : NULL;
}

const kfk__dev_batch *kfk__dev_log_find_time(const kfk__dev_log *l, int64_t ms)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->batches[i].max_timestamp >= ms && l->batches[i].last >= l->start)
            return &l->batches[i];
    return NULL;
}

kfk__dev_slice kfk__dev_log_read(const kfk__dev_log *l, int64_t offset, int64_t limit, size_t max,
                                 bool at_least_one)
{
    const kfk__dev_batch *first = kfk__dev_log_find(l, offset), *b = first;
    size_t len = 0;

    if (!first || first->last >= limit || (first->size > max && !at_least_one))
        return (kfk__dev_slice){0};
    do
        len += b++->size;
    while (b < l->batches + l->n && b->chunk == first->chunk && b->last < limit && len < max);
    if (len > max)
        len = max > first->size ? max : first->size;
    return (kfk__dev_slice){first->chunk, kfk__dev_batch_bytes(first), len};
}

size_t kfk__dev_log_available(const kfk__dev_log *l, int64_t offset, int64_t limit, size_t max)
{
    size_t n = 0;

    for (size_t i = index_of(l, offset); i < l->n && l->batches[i].last < limit && n < max; i++)
        n += l->batches[i].size;
    return n < max ? n : max;
}

static void forget(kfk__dev_log *l, kfk__dev_batch *b)
{
    l->bytes -= b->size;
    kfk__dev_chunk_drop(b->chunk);
}

/* As if the batches that are left were all there ever were. */
static void retell_transactions(kfk__dev_log *l)
{
    kfk__dev_transactions_clear(&l->transactions);
    for (size_t i = 0; i < l->n; i++) {
        const uint8_t *b = kfk__dev_batch_bytes(&l->batches[i]);
        kfk__batch_header h;
        const char *why;
        size_t size;

        (void)kfk__message_header_read(b, l->batches[i].size, &h, &size, &why);
        (void)kfk__dev_transactions_take(&l->transactions, &h, b, size);
    }
}

void kfk__dev_log_truncate(kfk__dev_log *l, int64_t offset)
{
    size_t keep = index_of(l, offset);

    if (offset >= l->end)
        return;
    l->end = keep < l->n && l->batches[keep].base < offset ? l->batches[keep].base : offset;
    for (size_t i = keep; i < l->n; i++)
        forget(l, &l->batches[i]);
    l->n = keep;
    retell_transactions(l);
    while (l->n_epochs && l->epochs[l->n_epochs - 1].start >= l->end)
        l->n_epochs--;
    if (l->high > l->end)
        l->high = l->end;
    if (l->start > l->end)
        l->start = l->end;
    /* An answer may still be sending the bytes that were cut off. */
    kfk__dev_chunk_drop(l->tail);
    l->tail = NULL;
}

static void drop_first(kfk__dev_log *l, size_t n)
{
    for (size_t i = 0; i < n; i++)
        forget(l, &l->batches[i]);
    l->n -= n;
    if (l->n)
        memmove(l->batches, l->batches + n, l->n * sizeof *l->batches);
}

void kfk__dev_log_trim(kfk__dev_log *l, int64_t offset)
{
    if (offset > l->end)
        offset = l->end;
    if (offset <= l->start)
        return;
    l->start = offset;
    drop_first(l, index_of(l, offset));
    kfk__dev_transactions_trim(&l->transactions, offset);
    while (l->n_epochs > 1 && l->epochs[1].start <= offset) {
        l->n_epochs--;
        memmove(l->epochs, l->epochs + 1, l->n_epochs * sizeof *l->epochs);
    }
    if (l->n_epochs && l->epochs[0].start < offset)
        l->epochs[0].start = offset;
}

bool kfk__dev_log_shed(kfk__dev_log *l)
{
    size_t i = 1;

    if (l->n < 2)
        return false;
    while (i < l->n && l->batches[i].chunk == l->batches[0].chunk)
        i++;
    kfk__dev_log_trim(l, l->batches[i < l->n ? i : l->n / 2].base);
    return true;
}

void kfk__dev_log_epoch_end(const kfk__dev_log *l, int32_t epoch, int32_t newest, int32_t *found,
                            int64_t *end)
{
    size_t i = l->n_epochs;

    *found = -1;
    *end = -1;
    if (epoch < 0 || epoch > newest)
        return;
    if (epoch == newest) {
        *found = newest;
        *end = l->end;
        return;
    }
    while (i > 0 && l->epochs[i - 1].epoch > epoch)
        i--;
    *found = i > 0 ? l->epochs[i - 1].epoch : epoch;
    *end = i < l->n_epochs ? l->epochs[i].start : l->end;
}

int32_t kfk__dev_log_newest_epoch(const kfk__dev_log *l, int64_t end)
{
    size_t i = l->n_epochs;

    while (i > 0 && l->epochs[i - 1].start >= end)
        i--;
    return i > 0 ? l->epochs[i - 1].epoch : -1;
}

int32_t kfk__dev_log_epoch_at(const kfk__dev_log *l, int64_t offset)
{
    const kfk__dev_batch *b = kfk__dev_log_find(l, offset);

    return b && b->base <= offset ? b->leader_epoch : -1;
}
