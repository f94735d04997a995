#include "producer/accumulator.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "record/batch.h"

/* One who waits for the partitions of a topic. Lives in its frame. */
typedef struct waiting {
    kfk__list link;
    kfk__waiter waiter;
} waiting;

/* What a request, and the memory, can hold of one record. */
static size_t largest_record(const kfk__accumulator_options *o)
{
    const size_t overhead = kfk__record_chunk(KFK__BATCH_HEADER);
    size_t memory = o->buffer_memory > overhead ? o->buffer_memory - overhead : 0;
    size_t request = o->max_request_size > KFK__BATCH_HEADER
                         ? o->max_request_size - KFK__BATCH_HEADER
                         : 0;

    return memory < request ? memory : request;
}

static void memory_wanted(void *owner)
{
    kfk__accumulator_stir(owner);
}

kfk_err kfk__accumulator_init(kfk__accumulator *a, const kfk__env *env, kfk__loop *loop,
                              const kfk__accumulator_options *o)
{
    a->env = env;
    a->loop = loop;
    a->options = *o;
    a->max_record = largest_record(o);
    /* So that what has room in a batch that is open needs no second look at its size. */
    if (o->batch_size > a->max_record)
        a->options.batch_size = a->max_record;
    kfk__pool_init(&a->pool, env, o->buffer_memory, kfk__record_chunk(a->options.batch_size),
                   kfk__callback_chunk(), memory_wanted, a);
    kfk__topics_init(&a->topics, &env->alloc);
    atomic_init(&a->closed, false);
    atomic_init(&a->room_wanted, false);
    kfk__mutex_init(&a->lock);
    kfk__list_init(&a->fresh);
    kfk__list_init(&a->fresh_topics);
    kfk__list_init(&a->incomplete);
    kfk__list_init(&a->untold);
    kfk__list_init(&a->flushers);
    a->next_id = 1;
    return KFK_OK;
}

void kfk__accumulator_fini(kfk__accumulator *a)
{
    kfk__compressor_free(a->compressors);
    kfk__topics_fini(&a->topics);
    kfk__pool_fini(&a->pool);
    kfk__mutex_fini(&a->lock);
}

static void wake(const kfk__accumulator *a, kfk__waiter *w)
{
    a->env->ops->wake(a->env->ctx, w);
}

/* ---- telling the Sender ---- */

/* The Sender should look at |when| at the latest. Locked. true: it sleeps past that, and must be woken. */
static bool rouse(kfk__accumulator *a, int64_t when)
{
    if (!a->parked || when >= a->parked_until)
        return false;
    a->parked = false;
    return true;
}

void kfk__accumulator_tell(kfk__accumulator *a, kfk__partition *p, int64_t when)
{
    bool must;

    kfk__lock(&a->lock);
    if (kfk__list_empty(&p->fresh))
        kfk__list_push(&a->fresh, &p->fresh);
    must = rouse(a, when);
    kfk__unlock(&a->lock);
    if (must)
        kfk__loop_wake(a->loop);
}

void kfk__accumulator_stir(kfk__accumulator *a)
{
    bool must;

    kfk__lock(&a->lock);
    a->stirred = true;
    must = rouse(a, 0);
    kfk__unlock(&a->lock);
    if (must)
        kfk__loop_wake(a->loop);
}

void kfk__accumulator_awake(kfk__accumulator *a, kfk__accumulator_news *news)
{
    kfk__lock(&a->lock);
    a->parked = false;
    a->stirred = false;
    news->flush_id = a->flush_id;
    news->purge_id = a->purge_id;
    kfk__unlock(&a->lock);
    news->short_of_memory = kfk__pool_short(&a->pool) ||
                            atomic_load_explicit(&a->room_wanted, memory_order_relaxed);
}

static kfk__list *pop_locked(kfk__accumulator *a, kfk__list *list)
{
    kfk__list *at;

    kfk__lock(&a->lock);
    at = kfk__list_pop(list);
    kfk__unlock(&a->lock);
    return at;
}

kfk__topic *kfk__accumulator_next_topic(kfk__accumulator *a)
{
    kfk__list *at = pop_locked(a, &a->fresh_topics);

    return at ? KFK__ENTRY(at, kfk__topic, fresh) : NULL;
}

kfk__partition *kfk__accumulator_next_partition(kfk__accumulator *a)
{
    kfk__list *at = pop_locked(a, &a->fresh);

    return at ? KFK__ENTRY(at, kfk__partition, fresh) : NULL;
}

bool kfk__accumulator_park(kfk__accumulator *a, int64_t until)
{
    bool parked;

    kfk__lock(&a->lock);
    parked = kfk__list_empty(&a->fresh) && kfk__list_empty(&a->fresh_topics) && !a->stirred;
    a->parked = parked;
    a->parked_until = until;
    kfk__unlock(&a->lock);
    return parked;
}

/* ---- topics and partitions ---- */

/* Asks the Sender for the topic's partitions: they are not known, or the one that is wanted may be about to be added.
 * Two threads may do so at once, also for a topic that one of them has only just added. */
static void want_topic(kfk__accumulator *a, kfk__topic *t)
{
    bool must;

    kfk__lock(&a->lock);
    if (kfk__list_empty(&t->fresh))
        kfk__list_push(&a->fresh_topics, &t->fresh);
    must = rouse(a, 0);
    kfk__unlock(&a->lock);
    if (must)
        kfk__loop_wake(a->loop);
}

kfk__topic *kfk__accumulator_topic(kfk__accumulator *a, const char *name)
{
    kfk__topic *t = atomic_load_explicit(&a->topics.last, memory_order_acquire);
    kfk__topic_options o;
    bool fresh;

    if (strcmp(t->name, name) == 0)
        return t;
    t = kfk__topics_find(&a->topics, name, strlen(name));
    if (t) {
        if (kfk__topic_partitions(t))
            atomic_store_explicit(&a->topics.last, t, memory_order_release);
        return t;
    }
    a->options.topic(a->options.owner, name, &o);
    t = kfk__topics_add(&a->topics, name, strlen(name), &o, &fresh);
    if (t && fresh)
        want_topic(a, t);
    return t;
}

void kfk__accumulator_known(kfk__accumulator *a, kfk__topic *t, kfk_err err)
{
    kfk__lock(&t->lock);
    t->err = err;
    for (kfk__list *at = t->waiters.next; at != &t->waiters; at = at->next)
        wake(a, &KFK__ENTRY(at, waiting, link)->waiter);
    kfk__unlock(&t->lock);
}

static bool has_partition(kfk__topic *t, int32_t at_least)
{
    const kfk__partitions *ps = kfk__topic_partitions(t);

    return ps && ps->n > at_least;
}

kfk_err kfk__accumulator_ask(kfk__accumulator *a, kfk__topic *t, int32_t at_least)
{
    kfk_err err;

    want_topic(a, t);
    /* After the lock that was taken there: if this does not see that we close, kfk__accumulator_close sees the topic. */
    if (atomic_load_explicit(&a->closed, memory_order_acquire))
        return KFK_ERR_CLOSED;
    kfk__lock(&t->lock);
    err = t->err;
    kfk__unlock(&t->lock);
    if (!err && !has_partition(t, at_least))
        err = KFK_ERR_WOULD_BLOCK;
    return err;
}

kfk_err kfk__accumulator_await(kfk__accumulator *a, kfk__topic *t, int32_t at_least, int64_t until)
{
    waiting w;
    kfk_err err = KFK_OK;
    bool in_time = true;

    if (a->env->ops->waiter_init(a->env->ctx, &w.waiter))
        return KFK_ERR_NOMEM;
    kfk__lock(&t->lock);
    kfk__list_push(&t->waiters, &w.link);
    t->err = KFK_OK; /* whatever was said before, it is asked anew */
    kfk__unlock(&t->lock);
    want_topic(a, t);
    while (!err && in_time && !has_partition(t, at_least) &&
           !atomic_load_explicit(&a->closed, memory_order_acquire)) {
        in_time = a->env->ops->wait(a->env->ctx, &w.waiter, until);
        kfk__lock(&t->lock);
        err = t->err;
        kfk__unlock(&t->lock);
        if (in_time && !err && !has_partition(t, at_least))
            want_topic(a, t); /* the broker that answered may not know of it yet */
    }
    kfk__lock(&t->lock);
    kfk__list_remove(&w.link);
    kfk__unlock(&t->lock);
    a->env->ops->waiter_fini(a->env->ctx, &w.waiter);
    if (err || has_partition(t, at_least))
        return err;
    return in_time ? KFK_ERR_CLOSED : KFK_ERR_TIMED_OUT;
}

/* ---- compressing ---- */

/* One that nobody uses, or a new one. NULL: no memory. */
static kfk__compressor *borrow_compressor(kfk__accumulator *a)
{
    kfk__compressor *c;

    kfk__lock(&a->lock);
    c = a->compressors;
    a->compressors = NULL;
    kfk__unlock(&a->lock);
    return c ? c : kfk__compressor_new(&a->env->alloc);
}

static void return_compressor(kfk__accumulator *a, kfk__compressor *c)
{
    kfk__lock(&a->lock);
    if (!a->compressors) {
        a->compressors = c;
        c = NULL;
    }
    kfk__unlock(&a->lock);
    kfk__compressor_free(c);
}

kfk_err kfk__accumulator_compress(kfk__accumulator *a, kfk__producer_batch *b)
{
    kfk__compressor *c = borrow_compressor(a);
    double ratio;
    kfk_err err;

    if (!c)
        return KFK_ERR_NOMEM;
    err = kfk__producer_batch_compress(b, c, &a->pool, &ratio);
    if (!err)
        kfk__topic_observe_ratio(b->partition->topic, ratio);
    return_compressor(a, c);
    return err;
}

kfk_err kfk__accumulator_inflate(kfk__accumulator *a, const kfk__producer_batch *b,
                                 kfk_bytes packed, kfk__buf *out)
{
    kfk__compressor *c = borrow_compressor(a);
    const char *why;
    kfk_err err;

    if (!c)
        return KFK_ERR_NOMEM;
    err = kfk__decompress(c, b->codec, packed.data, packed.len, out, &why);
    return_compressor(a, c);
    return err && err != KFK_ERR_NOMEM ? KFK_ERR_INTERNAL : err;
}

/* ---- batches, results, flush, close ---- */

void kfk__accumulator_begun(kfk__accumulator *a, kfk__producer_batch *b)
{
    kfk__lock(&a->lock);
    b->order.id = a->next_id++;
    kfk__list_push(&a->incomplete, &b->incomplete);
    kfk__unlock(&a->lock);
}

kfk__producer_batch *kfk__accumulator_behind(kfk__accumulator *a, kfk__batch_order order)
{
    kfk__producer_batch *b = NULL;

    kfk__lock(&a->lock);
    for (kfk__list *at = kfk__list_first(&a->incomplete); at && !b;
         at = kfk__list_next(&a->incomplete, at)) {
        kfk__producer_batch *one = KFK__ENTRY(at, kfk__producer_batch, incomplete);

        b = kfk__batch_before(order, one->order) ? one : NULL;
    }
    kfk__unlock(&a->lock);
    return b;
}

kfk__producer_batch *kfk__accumulator_oldest(kfk__accumulator *a)
{
    return kfk__accumulator_behind(a, (kfk__batch_order){0, 0});
}

void kfk__accumulator_parted(kfk__accumulator *a, kfk__producer_batch *b, kfk__producer_batch *part)
{
    kfk__lock(&a->lock);
    kfk__list_insert(&b->incomplete, &part->incomplete);
    kfk__unlock(&a->lock);
}

void kfk__accumulator_unparted(kfk__accumulator *a, kfk__producer_batch *part)
{
    kfk__lock(&a->lock);
    kfk__list_remove(&part->incomplete);
    kfk__unlock(&a->lock);
}

uint64_t kfk__accumulator_next_id(kfk__accumulator *a)
{
    uint64_t id;

    kfk__lock(&a->lock);
    id = a->next_id;
    kfk__unlock(&a->lock);
    return id;
}

static bool none_up_to(const kfk__list *batches, uint64_t id)
{
    const kfk__list *at = kfk__list_first(batches);

    return !at || KFK__ENTRY(at, kfk__producer_batch, incomplete)->order.id > id;
}

/* Whether every batch up to |id| has been told. Locked. */
static bool complete_up_to(const kfk__accumulator *a, uint64_t id)
{
    return none_up_to(&a->incomplete, id) && none_up_to(&a->untold, id);
}

void kfk__accumulator_untold(kfk__accumulator *a, kfk__producer_batch *b)
{
    kfk__list *at;

    kfk__lock(&a->lock);
    kfk__list_remove(&b->incomplete);
    for (at = a->untold.prev; at != &a->untold; at = at->prev)
        if (kfk__batch_before(KFK__ENTRY(at, kfk__producer_batch, incomplete)->order, b->order))
            break;
    kfk__list_insert(at->next, &b->incomplete);
    kfk__unlock(&a->lock);
}

void kfk__accumulator_finished(kfk__accumulator *a, kfk__producer_batch *b)
{
    kfk__lock(&a->lock);
    kfk__list_remove(&b->incomplete);
    for (kfk__list *at = a->flushers.next; at != &a->flushers; at = at->next) {
        kfk__flush *f = KFK__ENTRY(at, kfk__flush, link);

        if (complete_up_to(a, f->id))
            wake(a, &f->waiter);
    }
    kfk__unlock(&a->lock);
}

bool kfk__accumulator_room(kfk__accumulator *a)
{
    if (!atomic_load_explicit(&a->room_wanted, memory_order_relaxed) || !kfk__pool_has_room(&a->pool))
        return false;
    return atomic_exchange_explicit(&a->room_wanted, false, memory_order_relaxed);
}

kfk_err kfk__accumulator_flush_begin(kfk__accumulator *a, kfk__flush *f)
{
    bool done;

    if (a->env->ops->waiter_init(a->env->ctx, &f->waiter))
        return KFK_ERR_NOMEM;
    kfk__lock(&a->lock);
    f->id = a->next_id - 1;
    if (a->flush_id < f->id)
        a->flush_id = f->id;
    done = complete_up_to(a, f->id);
    kfk__list_push(&a->flushers, &f->link);
    kfk__unlock(&a->lock);
    if (!done)
        kfk__accumulator_stir(a);
    return KFK_OK;
}

bool kfk__accumulator_flush_done(kfk__accumulator *a, const kfk__flush *f, bool told)
{
    bool done;

    kfk__lock(&a->lock);
    done = none_up_to(&a->incomplete, f->id) && (told || none_up_to(&a->untold, f->id));
    kfk__unlock(&a->lock);
    return done;
}

void kfk__accumulator_flush_end(kfk__accumulator *a, kfk__flush *f)
{
    kfk__lock(&a->lock);
    kfk__list_remove(&f->link);
    kfk__unlock(&a->lock);
    a->env->ops->waiter_fini(a->env->ctx, &f->waiter);
}

void kfk__accumulator_purge(kfk__accumulator *a)
{
    kfk__lock(&a->lock);
    a->purge_id = a->next_id;
    kfk__unlock(&a->lock);
    kfk__accumulator_stir(a);
}

/* Whoever waits for the topic goes on, and nothing is kept for it any more. */
static void close_topic(kfk__accumulator *a, kfk__topic *t)
{
    kfk__lock(&t->kept.lock);
    t->kept.dead = true;
    kfk__unlock(&t->kept.lock);
    kfk__lock(&t->lock);
    for (kfk__list *at = t->waiters.next; at != &t->waiters; at = at->next)
        wake(a, &KFK__ENTRY(at, waiting, link)->waiter);
    kfk__unlock(&t->lock);
}

void kfk__accumulator_close(kfk__accumulator *a)
{
    /* Inside the lock that who waits for a topic has taken before: either it sees this, or its topic is found below. */
    kfk__lock(&a->lock);
    atomic_store_explicit(&a->closed, true, memory_order_release);
    kfk__unlock(&a->lock);
    kfk__pool_close(&a->pool);
    for (size_t i = 0; i < KFK__TOPIC_BUCKETS; i++)
        for (kfk__topic *t = atomic_load_explicit(&a->topics.buckets[i], memory_order_acquire); t;
             t = t->next)
            close_topic(a, t);
    kfk__accumulator_stir(a);
}
