#include "consumer/aborted.h"

#include <string.h>

#include "base/mem.h"

/* ---- by first offset: a heap, the last one on top, taken apart ---- */

static void swap(kfk__aborted_transaction *a, kfk__aborted_transaction *b)
{
    kfk__aborted_transaction t = *a;

    *a = *b;
    *b = t;
}

static void sift_down(kfk__aborted_transaction *v, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && v[child + 1].first_offset > v[child].first_offset)
            child++;
        if (v[i].first_offset >= v[child].first_offset)
            return;
        swap(&v[i], &v[child]);
    }
}

/* In place: the C library's qsort may allocate for itself. */
static void sort(kfk__aborted_transaction *v, size_t n)
{
    for (size_t i = n / 2; i > 0; i--)
        sift_down(v, i - 1, n);
    for (; n > 1; n--) {
        swap(&v[0], &v[n - 1]);
        sift_down(v, 0, n - 1);
    }
}

/* ---- the list ---- */

kfk_err kfk__aborted_init(kfk__aborted *a, const kfk_allocator *alloc,
                          const kfk__fetch_response_aborted_transaction *v, int32_t n)
{
    *a = (kfk__aborted){0};
    if (n <= 0)
        return KFK_OK;
    a->v = kfk__array(alloc, NULL, (size_t)n, sizeof *a->v);
    if (!a->v)
        return KFK_ERR_NOMEM;
    for (; a->n < (size_t)n; a->n++)
        a->v[a->n] = (kfk__aborted_transaction){v[a->n].producer_id, v[a->n].first_offset};
    sort(a->v, a->n);
    return KFK_OK;
}

void kfk__aborted_fini(kfk__aborted *a, const kfk_allocator *alloc)
{
    kfk__release(alloc, a->v);
    *a = (kfk__aborted){0};
}

/* The first that is the batch's producer's and has begun by the batch's last offset; a->n: none. */
static size_t find(const kfk__aborted *a, const kfk__batch_header *h)
{
    const int64_t last = h->base_offset + h->last_offset_delta;
    size_t i = 0;

    while (i < a->n && a->v[i].first_offset <= last && a->v[i].producer_id != h->producer_id)
        i++;
    return i < a->n && a->v[i].first_offset <= last ? i : a->n;
}

bool kfk__aborted_has(const kfk__aborted *a, const kfk__batch_header *h)
{
    return (h->attributes & KFK__BATCH_TRANSACTIONAL) && find(a, h) < a->n;
}

void kfk__aborted_end(kfk__aborted *a, const kfk__batch_header *h)
{
    size_t i;

    while ((i = find(a, h)) < a->n) {
        a->n--;
        memmove(&a->v[i], &a->v[i + 1], (a->n - i) * sizeof *a->v);
    }
}
