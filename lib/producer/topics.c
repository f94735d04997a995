#include "producer/topics.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "record/batch.h"

/* Raw bytes in a batch are at most so many times batch.size, however well they compress. */
enum { RAW_FACTOR = 16 };

/* Names lie where a quarter of a page begins. glibc's strcmp takes many bytes at a time if no string can reach the end of
 * its page, which it tells from both addresses or'ed: the fewer bits this one has, the fewer others make it think so. */
enum { NAME_ALIGN = 1024 };

/* Has no partitions and a name that no topic has, so that no record goes to it. Nobody changes it. */
static char no_name[] = "";
static kfk__partitions no_partitions;
static kfk__topic no_topic = {.name = no_name, .partitions = &no_partitions};

void kfk__topics_init(kfk__topics *ts, const kfk_allocator *a)
{
    ts->alloc = a;
    atomic_init(&ts->last, &no_topic);
    for (size_t i = 0; i < KFK__TOPIC_BUCKETS; i++)
        atomic_init(&ts->buckets[i], NULL);
    kfk__mutex_init(&ts->lock);
}

static void init_partition(kfk__partition *p, kfk__topic *t, int32_t index)
{
    p->topic = t;
    p->index = index;
    p->producer_id = p->epoch = -1;
    p->acked_sequence = -1;
    p->leader_was = (kfk__partition_info){-1, -1};
    kfk__mutex_init(&p->lock);
    kfk__mutex_init(&p->queue_lock);
    kfk__list_init(&p->deque);
    kfk__list_init(&p->fresh);
    kfk__list_init(&p->drain_link);
    kfk__list_init(&p->in_flight);
}

static void fini_partition(kfk__partition *p)
{
    kfk__mutex_fini(&p->lock);
    kfk__mutex_fini(&p->queue_lock);
}

static void free_partition(const kfk_allocator *a, kfk__partition *p)
{
    fini_partition(p);
    kfk__release_lines(a, p);
}

static void free_partitions(const kfk_allocator *a, kfk__partitions *ps)
{
    kfk__partitions *older;

    for (int32_t i = 0; ps && i < ps->n; i++)
        free_partition(a, ps->v[i]);
    for (; ps; ps = older) {
        older = ps->older;
        kfk__release_lines(a, ps);
    }
}

static void free_topic(const kfk_allocator *a, kfk__topic *t)
{
    free_partitions(a, atomic_load_explicit(&t->partitions, memory_order_relaxed));
    fini_partition(&t->kept);
    kfk__mutex_fini(&t->lock);
    kfk__release_lines(a, t->name);
}

void kfk__topics_fini(kfk__topics *ts)
{
    for (size_t i = 0; i < KFK__TOPIC_BUCKETS; i++) {
        kfk__topic *t = atomic_load_explicit(&ts->buckets[i], memory_order_relaxed), *next;

        for (; t; t = next) {
            next = t->next;
            free_topic(ts->alloc, t);
        }
    }
    kfk__mutex_fini(&ts->lock);
}

static kfk__topic *find(kfk__topics *ts, const char *name, size_t len, uint32_t hash)
{
    kfk__topic *t = atomic_load_explicit(&ts->buckets[hash % KFK__TOPIC_BUCKETS],
                                         memory_order_acquire);

    for (; t; t = t->next)
        if (t->hash == hash && t->name_len == len && memcmp(t->name, name, len) == 0)
            break;
    return t;
}

kfk__topic *kfk__topics_find(kfk__topics *ts, const char *name, size_t len)
{
    return find(ts, name, len, kfk__map_hash(name, len));
}

static kfk__topic *new_topic(const kfk_allocator *a, const char *name, size_t len, uint32_t hash)
{
    size_t before = (len + KFK__LINE) & ~(size_t)(KFK__LINE - 1);
    char *all = kfk__zalloc_lines(a, before + sizeof(kfk__topic), NAME_ALIGN);
    kfk__topic *t;

    if (!all)
        return NULL;
    t = (kfk__topic *)(void *)(all + before);
    t->name = memcpy(all, name, len);
    t->name_len = len;
    t->hash = hash;
    t->ratio = 1.0;
    atomic_init(&t->partitions, NULL);
    atomic_init(&t->sticky, -1);
    kfk__mutex_init(&t->lock);
    kfk__list_init(&t->waiters);
    kfk__list_init(&t->link);
    kfk__list_init(&t->fresh);
    init_partition(&t->kept, t, -1);
    t->kept.quiet = true; /* the Sender looks at it when it knows the topic, not before */
    return t;
}

kfk__topic *kfk__topics_add(kfk__topics *ts, const char *name, size_t len,
                            const kfk__topic_options *o, bool *fresh)
{
    uint32_t hash = kfk__map_hash(name, len);
    _Atomic(kfk__topic *) *bucket = &ts->buckets[hash % KFK__TOPIC_BUCKETS];
    kfk__topic *t = find(ts, name, len, hash);

    *fresh = false;
    if (t)
        return t;
    kfk__lock(&ts->lock);
    t = find(ts, name, len, hash);
    if (!t && (t = new_topic(ts->alloc, name, len, hash)) != NULL) {
        t->codec = o->codec;
        t->level = o->level;
        kfk__partitioning_init(&t->partitioning, o->partitioner, o->ignore_keys, o->partition,
                               o->partition_arg);
        t->next = atomic_load_explicit(bucket, memory_order_relaxed);
        atomic_store_explicit(bucket, t, memory_order_release);
        *fresh = true;
    }
    kfk__unlock(&ts->lock);
    return t;
}

static kfk__partition *new_partition(const kfk_allocator *a, kfk__topic *t, int32_t index)
{
    kfk__partition *p = kfk__zalloc_lines(a, sizeof *p, KFK__LINE);

    if (p)
        init_partition(p, t, index);
    return p;
}

kfk__partitions *kfk__topic_grow(kfk__topics *ts, kfk__topic *t, int32_t n)
{
    kfk__partitions *old = kfk__topic_partitions(t), *ps;
    int32_t had = old ? old->n : 0;

    ps = kfk__zalloc_lines(ts->alloc, sizeof *ps + (size_t)n * sizeof *ps->v, KFK__LINE);
    if (!ps)
        return NULL;
    ps->n = n;
    ps->older = old;
    for (int32_t i = 0; i < n; i++) {
        ps->v[i] = i < had ? old->v[i] : new_partition(ts->alloc, t, i);
        if (ps->v[i])
            continue;
        while (--i >= had)
            free_partition(ts->alloc, ps->v[i]);
        kfk__release_lines(ts->alloc, ps);
        return NULL;
    }
    return ps;
}

void kfk__topic_publish(kfk__topic *t, kfk__partitions *ps)
{
    atomic_store_explicit(&t->partitions, ps, memory_order_release);
}

kfk_err kfk__topic_refusal(kfk__topic *t)
{
    kfk_err err;

    kfk__lock(&t->lock);
    err = t->refusal;
    kfk__unlock(&t->lock);
    return err;
}

bool kfk__topic_set_refusal(kfk__topic *t, kfk_err refusal)
{
    kfk_err was;

    kfk__lock(&t->lock);
    was = t->refusal;
    t->refusal = refusal;
    kfk__unlock(&t->lock);
    return was != refusal;
}

void kfk__partition_close_open(kfk__partition *p)
{
    if (!p->open)
        return;
    kfk__lock(&p->queue_lock);
    kfk__producer_batch_close(p->open);
    kfk__unlock(&p->queue_lock);
    p->open = NULL;
}

void kfk__partition_close(kfk__partition *p, const kfk__producer_batch *b)
{
    kfk__lock(&p->lock);
    if (p->open == b)
        kfk__partition_close_open(p);
    kfk__unlock(&p->lock);
}

/* ---- turns ---- */

static bool has_leader(const kfk__partitions *ps, int32_t i)
{
    return !atomic_load_explicit(&ps->v[i]->leaderless, memory_order_relaxed);
}

/* Who has no leader passes its turn on, so that those that have one get as many each. */
static int32_t turn(kfk__topic *t, const kfk__partitions *ps)
{
    int32_t at = 0;

    for (int32_t i = 0; i <= ps->n; i++) {
        at = kfk__partitioning_turn(&t->partitioning, ps->n);
        if (has_leader(ps, at))
            return at;
    }
    /* All have passed, and this turn is the one after the last that was taken so; or others took those between. */
    for (int32_t i = 1; i < ps->n; i++)
        if (has_leader(ps, (at + i) % ps->n))
            return (at + i) % ps->n;
    return at;
}

int32_t kfk__topic_choose(kfk__topic *t, const kfk__partitions *ps, const kfk_record *r)
{
    int32_t i = kfk__partitioning_choose(&t->partitioning, r, t->name, ps->n);

    return i == KFK__CHOICE_TURN ? turn(t, ps) : i;
}

/* ---- the sticky choice ---- */

/* So many partitions are looked at; of a topic that has more, as many by chance. */
enum { CANDIDATES = 64 };

typedef struct candidates {
    int n;
    int32_t longest; /* the longest queue among them */
    int32_t index[CANDIDATES];
    int32_t queued[CANDIDATES];
} candidates;

/* splitmix64: one number from outside makes as many as are needed. */
static uint32_t draw(uint64_t *chance, uint32_t below)
{
    uint64_t z = *chance += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((z >> 32) * below) >> 32);
}

/* |but| has just had its share. */
static void look_around(const kfk__partitions *ps, int32_t but, bool adaptive, uint64_t *chance,
                        candidates *c)
{
    int32_t looks = ps->n < CANDIDATES ? ps->n : CANDIDATES;

    c->n = 0;
    c->longest = 0;
    for (int32_t i = 0; i < looks; i++) {
        int32_t at = ps->n <= CANDIDATES ? i : (int32_t)draw(chance, (uint32_t)ps->n);
        kfk__partition *p = ps->v[at];
        int32_t queued = adaptive ? atomic_load_explicit(&p->queued, memory_order_relaxed) : 0;

        if (at == but || atomic_load_explicit(&p->away, memory_order_relaxed))
            continue;
        c->index[c->n] = at;
        c->queued[c->n++] = queued;
        if (queued > c->longest)
            c->longest = queued;
    }
}

/* Each weighs as much as its queue is shorter than the longest, and one more. */
static int32_t weighed(const candidates *c, uint64_t *chance)
{
    uint32_t sum = 0, at;

    for (int i = 0; i < c->n; i++)
        sum += (uint32_t)(c->longest + 1 - c->queued[i]);
    at = draw(chance, sum);
    for (int i = 0; i < c->n - 1; i++) {
        uint32_t weight = (uint32_t)(c->longest + 1 - c->queued[i]);

        if (at < weight)
            return c->index[i];
        at -= weight;
    }
    return c->index[c->n - 1];
}

static int32_t another(const kfk__partitions *ps, int32_t but, bool adaptive, uint64_t chance)
{
    candidates c;

    look_around(ps, but, adaptive, &chance, &c);
    if (c.n > 0)
        return weighed(&c, &chance);
    /* The only one, or all are away. */
    return but >= 0 && !atomic_load_explicit(&ps->v[but]->away, memory_order_relaxed)
               ? but
               : (int32_t)draw(&chance, (uint32_t)ps->n);
}

int32_t kfk__topic_sticky(kfk__topic *t, const kfk__partitions *ps, int32_t full, bool adaptive,
                          uint64_t chance)
{
    int32_t now = atomic_load_explicit(&t->sticky, memory_order_acquire);

    if (now != full)
        return now;
    kfk__lock(&t->lock);
    now = atomic_load_explicit(&t->sticky, memory_order_relaxed);
    if (now == full) {
        now = another(ps, full, adaptive, chance);
        atomic_store_explicit(&t->sticky, now, memory_order_release);
    }
    kfk__unlock(&t->lock);
    return now;
}

/* ---- the compression ratio ---- */

void kfk__topic_observe_ratio(kfk__topic *t, double ratio)
{
    kfk__lock(&t->lock);
    if (ratio > t->ratio)
        t->ratio = ratio > t->ratio + 0.05 ? ratio : t->ratio + 0.05;
    else
        t->ratio = ratio > t->ratio - 0.005 ? ratio : t->ratio - 0.005;
    kfk__unlock(&t->lock);
}

void kfk__topic_too_large(kfk__topic *t, double ratio)
{
    kfk__lock(&t->lock);
    t->ratio = ratio > 1.0 ? ratio : 1.0;
    kfk__unlock(&t->lock);
}

size_t kfk__topic_raw_limit(kfk__topic *t, size_t batch_size)
{
    size_t most = batch_size * RAW_FACTOR;
    double raw, ratio;

    kfk__lock(&t->lock);
    ratio = t->ratio;
    kfk__unlock(&t->lock);
    if (batch_size <= KFK__BATCH_HEADER)
        return 0;
    /* 5 % more than the estimate, for what the next batch may do worse. */
    raw = (double)(batch_size - KFK__BATCH_HEADER) / (ratio * 1.05);
    return raw < (double)most ? (size_t)raw : most;
}
