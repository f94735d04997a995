/* append: the way that every record takes into the accumulator.
 *
 *   kfk__append_quick ── the topic of the record before, an open batch, room ──> encode, under the partition's lock
 *          │ otherwise, once a batch:
 *          └──> kfk__append: a chunk from the pool, a new batch, a compressed old one, another partition, metadata
 *
 * Any thread. Nothing is allocated for a record of its own, and one lock is taken, the partition's. What nearly every
 * record passes is inline here, since it is most of what a record costs. */
#ifndef KFK_PRODUCER_APPEND_H
#define KFK_PRODUCER_APPEND_H

#include <string.h>

#include "base/line.h"
#include "producer/accumulator.h"
#include "record/write.h"

/* Appends one record, which has been checked, and waits at most max.block.ms for what it needs. |sync_until|: 0, or for
 * a send_sync when that gives up: nothing waits past it, and the record's batch does not linger. Errors as
 * kfk_producer_send. */
kfk_err kfk__append(kfk__accumulator *a, const kfk_record *r, kfk_delivery_fn *fn, void *arg,
                    int64_t sync_until, kfk_error *e);

static inline int64_t kfk__append_timestamp(const kfk__accumulator *a, const kfk_record *r)
{
    return r->flags & KFK_TIMESTAMP ? r->timestamp_ms : a->env->ops->wall_ms(a->env->ctx);
}

/* The partition of a record that names none, where it is known without further ado; below 0, or not below |n|: it is
 * not. */
static inline int32_t kfk__append_choice(const kfk__topic *t, const kfk_record *r, int32_t n)
{
    if (!t->partitioning.plain)
        return -1;
    if (!r->key.data || !t->partitioning.hash)
        return atomic_load_explicit(&t->sticky, memory_order_relaxed);
    return (int32_t)(t->partitioning.hash(r->key.data, r->key.len) % (uint32_t)n);
}

/* Locked. */
static inline bool kfk__batch_has_callback_room(const kfk__producer_batch *b)
{
    return b->count < b->callback_limit;
}

/* The callback of the record that goes in next, if it is to be told of. false: there is no room for it. Locked. */
static inline bool kfk__batch_put_callback(kfk__producer_batch *b, int64_t timestamp, bool told,
                                           kfk_delivery_fn *fn, void *arg)
{
    kfk__callback *cb = b->callback_at;

    if (!__builtin_expect(told, 1)) {
        b->callback_limit = 0;
        return true;
    }
    if (!kfk__batch_has_callback_room(b))
        return false;
    cb->fn = fn;
    cb->arg = arg;
    cb->timestamp_ms = timestamp;
    b->callback_at = cb + 1;
    kfk__line_wanted(cb + 3);
    return true;
}

/* The record goes in: there is room for it, and for its callback. Locked. */
static inline void kfk__batch_put(kfk__producer_batch *b, const kfk_record *r, int64_t timestamp,
                                  bool told, kfk_delivery_fn *fn, void *arg)
{
    int32_t n = b->count;

    (void)kfk__batch_put_callback(b, timestamp, told, fn, arg);
    if (n == 0)
        b->base_timestamp = b->max_timestamp = timestamp;
    else if (timestamp > b->max_timestamp)
        b->max_timestamp = timestamp;
    b->count = n + 1;
    b->at = kfk__record_write(b->at, timestamp - b->base_timestamp, n, r->key, r->value, r->headers,
                              r->n_headers);
}

/* The same for a record of which kfk__append_quick knows enough, and whose callback is there, into a batch that has some
 * already: an open one is never without. */
static inline __attribute__((always_inline)) void
kfk__batch_put_quick(kfk__producer_batch *b, kfk_bytes key, kfk_bytes value, int64_t timestamp)
{
    int32_t n = b->count;

    if (timestamp > b->max_timestamp)
        b->max_timestamp = timestamp;
    b->count = n + 1;
    /* Those of the records after this: a batch's memory has rested, and is in no cache. */
    kfk__line_wanted(b->at + 3 * KFK__LINE);
    kfk__line_wanted(b->at + 4 * KFK__LINE);
    kfk__record_write_quick(b->at, timestamp - b->base_timestamp, n, key, value, &b->at);
}

/* kfk__record_bound of a record whose key and value are not too long; SIZE_MAX still where the headers are not right. */
static inline size_t kfk__append_bound(const kfk_record *r)
{
    size_t n = r->key.len + r->value.len + KFK__RECORD_OVERHEAD;

    if (r->n_headers) {
        size_t h = kfk__record_headers_size(r->headers, r->n_headers);

        return h > SIZE_MAX - n ? SIZE_MAX : n + h;
    }
    return n;
}

/* Locked. */
static inline bool kfk__batch_has_room(const kfk__producer_batch *b, size_t bound)
{
    return (size_t)(b->end - b->at) >= bound;
}

/* The longest key and value that go the quick way: their lengths take one byte and at most two. */
enum { KFK__QUICK_KEY = 63, KFK__QUICK_VALUE = KFK__RECORD_LONG - KFK__QUICK_KEY - 1 };

/* Whether a key or a value is too long, or null where it has to be something, or there are headers. */
static inline bool kfk__append_is_special(const kfk_record *r, bool keyed)
{
    bool special = keyed ? r->key.len > KFK__QUICK_KEY || r->n_headers
                         : (r->key.len | r->n_headers) != 0;

    return special || r->value.len > KFK__QUICK_VALUE || !r->value.data;
}

/* Puts a record into the open batch of its partition. false: there is none, or no room in it. */
static inline __attribute__((always_inline)) bool
kfk__append_to_open(const kfk__accumulator *a, kfk__partition *p, const kfk_record *r, bool keyed,
                    int64_t timestamp, kfk_delivery_fn *fn, void *arg)
{
    const kfk_bytes key = {keyed ? r->key.data : NULL, keyed ? r->key.len : 0};
    const size_t bound = key.len + r->value.len + KFK__RECORD_OVERHEAD;
    kfk__producer_batch *b;
    bool done;

    kfk__lock(&p->lock);
    b = p->open;
    done = b && kfk__batch_has_room(b, bound) &&
           kfk__batch_put_callback(b, timestamp, fn || a->options.tells_all, fn, arg);
    if (done) {
        if (!(r->flags & KFK_PARTITION) && (!keyed || !p->topic->partitioning.hash))
            p->sticky_bytes += bound;
        kfk__batch_put_quick(b, key, r->value, timestamp);
    }
    kfk__unlock(&p->lock);
    return done;
}

/* kfk__append_quick, compiled for records with a key and for those without. */
static inline __attribute__((always_inline)) bool
kfk__append_plain(kfk__accumulator *a, const kfk_record *r, bool keyed, kfk_delivery_fn *fn,
                  void *arg)
{
    kfk__topic *t = atomic_load_explicit(&a->topics.last, memory_order_acquire);
    const kfk__partitions *ps;
    kfk__partition *p;
    int64_t timestamp;
    uint32_t i;

    if (kfk__append_is_special(r, keyed) || strcmp(t->name, r->topic) != 0)
        return false;
    ps = kfk__topic_partitions(t);
    i = (uint32_t)(r->flags & KFK_PARTITION ? r->partition : kfk__append_choice(t, r, ps->n));
    if (i >= (uint32_t)ps->n)
        return false;
    p = ps->v[i];
    if (!(r->flags & KFK_TIMESTAMP))
        timestamp = a->env->ops->wall_ms(a->env->ctx);
    else if ((timestamp = r->timestamp_ms) < 0)
        return false;
    return kfk__append_to_open(a, p, r, keyed, timestamp, fn, arg);
}

/* Appends a record if there is nothing special about it, and its batch is open and has room for it. false: it is for
 * kfk__append, or for nobody: what is looked at here is all that is needed to be sure of. */
static inline __attribute__((always_inline)) bool kfk__append_quick(kfk__accumulator *a,
                                                                    const kfk_record *r,
                                                                    kfk_delivery_fn *fn, void *arg)
{
    return r->key.data ? kfk__append_plain(a, r, true, fn, arg)
                       : kfk__append_plain(a, r, false, fn, arg);
}

#endif
