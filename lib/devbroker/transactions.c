#include "devbroker/transactions.h"

#include <string.h>

#include "base/mem.h"
#include "record/cursor.h"

void kfk__dev_transactions_init(kfk__dev_transactions *t, const kfk_allocator *a)
{
    *t = (kfk__dev_transactions){.alloc = a};
}

void kfk__dev_transactions_fini(kfk__dev_transactions *t)
{
    kfk__release(t->alloc, t->open);
    kfk__release(t->alloc, t->aborted);
    kfk__dev_transactions_init(t, t->alloc);
}

/* Room for one more. */
static bool grow(const kfk_allocator *a, kfk__dev_transaction **v, size_t n, size_t *cap)
{
    size_t more = *cap ? *cap * 2 : 4;
    kfk__dev_transaction *moved;

    if (n < *cap)
        return true;
    moved = kfk__array(a, *v, more, sizeof *moved);
    if (!moved)
        return false;
    *v = moved;
    *cap = more;
    return true;
}

static kfk__dev_transaction *open_of(const kfk__dev_transactions *t, int64_t producer_id)
{
    for (size_t i = 0; i < t->n_open; i++)
        if (t->open[i].producer_id == producer_id)
            return &t->open[i];
    return NULL;
}

static bool end_transaction(kfk__dev_transactions *t, int64_t producer_id, int type, int64_t offset)
{
    kfk__dev_transaction *open = open_of(t, producer_id);

    if (!open || (type != KFK__CONTROL_ABORT && type != KFK__CONTROL_COMMIT))
        return true;
    if (type == KFK__CONTROL_ABORT) {
        if (!grow(t->alloc, &t->aborted, t->n_aborted, &t->cap_aborted))
            return false;
        open->last = offset;
        t->aborted[t->n_aborted++] = *open;
    }
    *open = t->open[--t->n_open];
    return true;
}

bool kfk__dev_transactions_take(kfk__dev_transactions *t, const kfk__batch_header *h,
                                const uint8_t *b, size_t size)
{
    const char *why;

    if (!(h->attributes & KFK__BATCH_TRANSACTIONAL))
        return true;
    if (h->attributes & KFK__BATCH_CONTROL)
        return end_transaction(
            t, h->producer_id,
            kfk__batch_marker(h, b + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER, &why),
            h->base_offset);
    if (open_of(t, h->producer_id))
        return true;
    if (!grow(t->alloc, &t->open, t->n_open, &t->cap_open))
        return false;
    t->open[t->n_open++] = (kfk__dev_transaction){h->producer_id, h->base_offset, -1};
    return true;
}

void kfk__dev_transactions_clear(kfk__dev_transactions *t)
{
    t->n_open = t->n_aborted = 0;
}

void kfk__dev_transactions_trim(kfk__dev_transactions *t, int64_t offset)
{
    size_t n = 0;

    while (n < t->n_aborted && t->aborted[n].last < offset)
        n++;
    t->n_aborted -= n;
    if (n > 0)
        memmove(t->aborted, t->aborted + n, t->n_aborted * sizeof *t->aborted);
}

int64_t kfk__dev_transactions_stable(const kfk__dev_transactions *t, int64_t end)
{
    for (size_t i = 0; i < t->n_open; i++)
        if (t->open[i].first < end)
            end = t->open[i].first;
    return end;
}

size_t kfk__dev_transactions_aborted(const kfk__dev_transactions *t, int64_t from, int64_t to,
                                     kfk__dev_transaction *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_aborted; i++) {
        if (t->aborted[i].last < from || t->aborted[i].first >= to)
            continue;
        if (n < max)
            out[n] = t->aborted[i];
        n++;
    }
    return n;
}
