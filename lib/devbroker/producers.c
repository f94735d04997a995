#include "devbroker/producers.h"

#include <string.h>

#include "base/mem.h"

typedef struct sent {
    int32_t first, last; /* sequences */
    kfk__dev_appended where;
} sent;

typedef struct producer {
    kfk__list link;
    int64_t id; /* the map's key */
    int16_t epoch;
    int n;
    sent kept[KFK__DEV_BATCHES_KEPT]; /* the oldest first */
} producer;

void kfk__dev_producers_init(kfk__dev_producers *p, const kfk_allocator *a)
{
    kfk__map_init(&p->by_id, a);
    kfk__list_init(&p->all);
}

void kfk__dev_producers_fini(kfk__dev_producers *p)
{
    kfk__dev_producers_expire(p);
    kfk__map_fini(&p->by_id);
}

void kfk__dev_producers_expire(kfk__dev_producers *p)
{
    for (kfk__list *i; (i = kfk__list_pop(&p->all));) {
        producer *one = KFK__ENTRY(i, producer, link);

        kfk__map_remove(&p->by_id, &one->id, sizeof one->id);
        kfk__release(p->by_id.alloc, one);
    }
}

/* Sequences wrap from 2^31-1 to 0. */
static int32_t sequence_add(int32_t sequence, int32_t n)
{
    return (int32_t)(((uint32_t)sequence + (uint32_t)n) & 0x7fffffff);
}

static bool repeated(const producer *one, const kfk__batch_header *h, kfk__dev_appended *was)
{
    int32_t last = sequence_add(h->base_sequence, h->last_offset_delta);

    for (int i = 0; one->epoch == h->producer_epoch && i < one->n; i++) {
        if (one->kept[i].first != h->base_sequence || one->kept[i].last != last)
            continue;
        *was = one->kept[i].where;
        return true;
    }
    return false;
}

kfk_err kfk__dev_producers_check(const kfk__dev_producers *p, const kfk__batch_header *h,
                                 bool known_only, bool *dup, kfk__dev_appended *was)
{
    const producer *one = kfk__map_get(&p->by_id, &h->producer_id, sizeof h->producer_id);

    *dup = false;
    if (!one)
        return known_only && h->base_sequence != 0 ? KFK_ERR_UNKNOWN_PRODUCER_ID : KFK_OK;
    if (h->producer_epoch < one->epoch)
        return KFK_ERR_INVALID_PRODUCER_EPOCH;
    if (h->producer_epoch > one->epoch)
        return h->base_sequence == 0 ? KFK_OK : KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (repeated(one, h, was)) {
        *dup = true;
        return KFK_OK;
    }
    return h->base_sequence == sequence_add(one->kept[one->n - 1].last, 1)
               ? KFK_OK
               : KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

static producer *add_producer(kfk__dev_producers *p, int64_t id)
{
    producer *one = kfk__zalloc(p->by_id.alloc, sizeof *one);

    if (!one)
        return NULL;
    one->id = id;
    if (!kfk__map_put(&p->by_id, &one->id, sizeof one->id, one)) {
        kfk__release(p->by_id.alloc, one);
        return NULL;
    }
    kfk__list_push(&p->all, &one->link);
    return one;
}

kfk_err kfk__dev_producers_add(kfk__dev_producers *p, const kfk__batch_header *h,
                               kfk__dev_appended where)
{
    producer *one = kfk__map_get(&p->by_id, &h->producer_id, sizeof h->producer_id);

    if (!one && !(one = add_producer(p, h->producer_id)))
        return KFK_ERR_NOMEM;
    if (one->epoch != h->producer_epoch)
        one->n = 0;
    one->epoch = h->producer_epoch;
    if (one->n == KFK__DEV_BATCHES_KEPT)
        memmove(one->kept, one->kept + 1, (size_t)--one->n * sizeof *one->kept);
    one->kept[one->n++] =
        (sent){h->base_sequence, sequence_add(h->base_sequence, h->last_offset_delta), where};
    return KFK_OK;
}
