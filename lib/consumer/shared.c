#include "consumer/shared.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

/* Buffers come in sizes of four steps to a power of two, so that one that was freed serves the next of about its size, and
 * less than a fifth of it is not used. */
enum { SMALLEST = 4096, STEPS = 4 };

kfk__shared *kfk__shared_new(const kfk__env *env, size_t max_bytes)
{
    kfk__shared *s = kfk__zalloc(&env->alloc, sizeof *s);

    if (!s)
        return NULL;
    s->env = *env;
    atomic_init(&s->owners, 1);
    atomic_init(&s->woken, false);
    atomic_init(&s->max_bytes, max_bytes);
    atomic_init(&s->inflated, 0);
    kfk__mutex_init(&s->lock);
    kfk__list_init(&s->partitions);
    kfk__index_init(&s->index);
    kfk__lane_init(&s->lane);
    kfk__list_init(&s->lanes);
    kfk__list_init(&s->news);
    kfk__list_init(&s->asks);
    kfk__list_init(&s->watchers);
    kfk__list_init(&s->garbage);
    return s;
}

kfk__shared *kfk__shared_hold(kfk__shared *s)
{
    atomic_fetch_add_explicit(&s->owners, 1, memory_order_relaxed);
    return s;
}

static void release_all(const kfk_allocator *a, kfk__fbuf *b)
{
    for (kfk__fbuf *next; b; b = next) {
        next = b->next;
        kfk__release(a, b);
    }
}

void kfk__shared_drop(kfk__shared *s)
{
    kfk_allocator a = s->env.alloc;

    if (atomic_fetch_sub_explicit(&s->owners, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < KFK__FBUF_CLASSES; i++)
        release_all(&a, s->kept[i]);
    kfk__index_fini(&s->index, &a);
    kfk__speaker_drop(s->who);
    kfk__mutex_fini(&s->lock);
    kfk__release(&a, s);
}

void kfk__shared_wake(kfk__shared *s)
{
    if (s->loop)
        kfk__loop_wake(s->loop);
}

/* ---- who it is ---- */

kfk_err kfk__shared_be(kfk__shared *s, bool member, const kfk__group_meta *who)
{
    kfk__speaker *fresh = who ? kfk__speaker_new(&s->env.alloc, who) : NULL, *old;

    if (who && !fresh)
        return KFK_ERR_NOMEM;
    kfk__lock(&s->lock);
    old = s->who;
    s->who = fresh;
    s->member = member;
    kfk__unlock(&s->lock);
    kfk__speaker_drop(old);
    return KFK_OK;
}

void kfk__shared_on_refused(kfk__shared *s, kfk__refused_fn *fn, void *owner)
{
    kfk__lock(&s->lock);
    s->refused = fn;
    s->refused_owner = owner;
    kfk__unlock(&s->lock);
}

/* ---- buffers ---- */

static size_t size_of_class(size_t class)
{
    size_t base = (size_t)SMALLEST << (class / STEPS);

    return base + base / STEPS * (class % STEPS);
}

/* KFK__FBUF_CLASSES: larger than any. */
static size_t class_of(size_t cap)
{
    size_t class = 0;

    while (class < KFK__FBUF_CLASSES && size_of_class(class) < cap)
        class++;
    return class;
}

/* Takes out one that is kept. Locked. */
static kfk__fbuf *take_kept(kfk__shared *s, size_t class)
{
    kfk__fbuf *b = s->kept[class];

    s->kept[class] = b->next;
    s->kept_bytes -= b->cap;
    return b;
}

/* A kept buffer of the class, or of the few above it; NULL: there is none. Locked. */
static kfk__fbuf *reuse(kfk__shared *s, size_t class)
{
    for (size_t i = class; i < class + STEPS && i < KFK__FBUF_CLASSES; i++)
        if (s->kept[i])
            return take_kept(s, i);
    return NULL;
}

/* Takes out what may not be kept any more, now that so much is used: the small ones first. Locked. */
static kfk__fbuf *evict(kfk__shared *s)
{
    size_t max = atomic_load_explicit(&s->max_bytes, memory_order_relaxed);
    kfk__fbuf *evicted = NULL, *b;

    for (size_t i = 0; i < KFK__FBUF_CLASSES && s->kept_bytes > 0; i++)
        while (s->kept[i] && s->used + s->kept_bytes > max) {
            b = take_kept(s, i);
            b->next = evicted;
            evicted = b;
        }
    return evicted;
}

kfk__fbuf *kfk__fbuf_new(kfk__shared *s, size_t cap)
{
    size_t class = class_of(cap), size = class < KFK__FBUF_CLASSES ? size_of_class(class) : cap;
    kfk__fbuf *b, *evicted;

    kfk__lock(&s->lock);
    b = reuse(s, class);
    s->used += b ? b->cap : size;
    evicted = evict(s);
    kfk__unlock(&s->lock);
    release_all(&s->env.alloc, evicted);
    if (!b) {
        b = kfk__alloc(&s->env.alloc, sizeof *b + size);
        if (b)
            b->cap = size;
    }
    if (!b) {
        kfk__lock(&s->lock);
        s->used -= size;
        kfk__unlock(&s->lock);
        return NULL;
    }
    b->shared = s;
    b->next = NULL;
    atomic_init(&b->owners, 1);
    (void)kfk__shared_hold(s);
    return b;
}

/* What nobody holds and nobody is asked for. Locked. */
static size_t credit_of(const kfk__shared *s)
{
    size_t total = atomic_load_explicit(&s->max_bytes, memory_order_relaxed);

    return total > s->used + s->reserved ? total - s->used - s->reserved : 0;
}

/* There may be enough of it again. Locked. */
static void wake_starved(kfk__shared *s)
{
    if (s->starved == 0 || credit_of(s) < s->starved)
        return;
    s->starved = 0;
    kfk__shared_wake(s);
}

void kfk__fbuf_drop(kfk__fbuf *b)
{
    kfk__shared *s;
    size_t class;
    bool keep;

    if (!b || atomic_fetch_sub_explicit(&b->owners, 1, memory_order_acq_rel) != 1)
        return;
    s = b->shared;
    class = class_of(b->cap);
    kfk__lock(&s->lock);
    s->used -= b->cap;
    keep = !s->closed && class < KFK__FBUF_CLASSES &&
           s->used + s->kept_bytes + b->cap <=
               atomic_load_explicit(&s->max_bytes, memory_order_relaxed);
    if (keep) {
        b->next = s->kept[class];
        s->kept[class] = b;
        s->kept_bytes += b->cap;
    }
    wake_starved(s);
    kfk__unlock(&s->lock);
    if (!keep)
        kfk__release(&s->env.alloc, b);
    kfk__shared_drop(s);
}

static void *alloc_piece(void *s, size_t n)
{
    kfk__fbuf *b = kfk__fbuf_new(s, n);

    return b ? b->data : NULL;
}

static void release_piece(void *s, void *p)
{
    (void)s;
    if (p)
        kfk__fbuf_drop(kfk__fbuf_of(p));
}

static void *resize_piece(void *s, void *p, size_t n)
{
    size_t old = p ? kfk__fbuf_of(p)->cap : 0;
    void *larger;

    if (p && old >= n)
        return p;
    larger = alloc_piece(s, n);
    if (larger && p) {
        memcpy(larger, p, old);
        release_piece(s, p);
    }
    return larger;
}

kfk_allocator kfk__fbuf_allocator(kfk__shared *s)
{
    return (kfk_allocator){alloc_piece, resize_piece, release_piece, s};
}

size_t kfk__shared_reserve(kfk__shared *s, size_t max, size_t shares, size_t least)
{
    size_t total = atomic_load_explicit(&s->max_bytes, memory_order_relaxed);
    size_t share = total / (shares ? shares : 1), credit;

    max = max < share ? max : share;
    least = least < max ? least : max;
    kfk__lock(&s->lock);
    credit = credit_of(s);
    if (credit < least) {
        credit = 0;
        s->starved = least;
        kfk__shared_wake_lanes(s); /* it may be that nothing can come any more */
    }
    if (credit > max)
        credit = max;
    s->reserved += credit;
    kfk__unlock(&s->lock);
    return credit;
}

void kfk__shared_unreserve(kfk__shared *s, size_t n)
{
    kfk__lock(&s->lock);
    s->reserved -= n;
    wake_starved(s);
    kfk__unlock(&s->lock);
}

size_t kfk__shared_limit(kfk__shared *s, size_t max)
{
    size_t fair = atomic_load_explicit(&s->max_bytes, memory_order_relaxed) / 2, part;

    kfk__lock(&s->lock);
    fair /= s->index.n ? s->index.n : 1;
    part = credit_of(s) / 8;
    kfk__unlock(&s->lock);
    part = part > fair ? part : fair;
    part = part > SMALLEST ? part : SMALLEST;
    return part < max ? part : max;
}

/* ---- partitions ---- */

kfk__assigned *kfk__assigned_new(kfk__shared *s, const char *topic, int32_t partition)
{
    kfk__assigned *p = kfk__zalloc(&s->env.alloc, sizeof *p);

    if (!p)
        return NULL;
    p->topic = kfk__strdup(&s->env.alloc, topic);
    if (!p->topic) {
        kfk__release(&s->env.alloc, p);
        return NULL;
    }
    p->shared = s;
    p->lane = &s->lane;
    p->topic_len = strlen(topic);
    p->partition = partition;
    p->resume_at = p->end = p->position = -1;
    p->asked = p->aside.failed = -1;
    p->epoch = p->course.replica = -1;
    p->course.version = (unsigned)-1;
    atomic_init(&p->owners, 1);
    atomic_init(&p->version, 0);
    kfk__list_init(&p->link);
    kfk__list_init(&p->ready);
    kfk__list_init(&p->news);
    kfk__list_init(&p->fetched);
    kfk__list_init(&p->aside.link);
    kfk__list_init(&p->course.known);
    kfk__list_init(&p->course.waiting);
    (void)kfk__shared_hold(s);
    return p;
}

void kfk__assigned_drop(kfk__assigned *p)
{
    kfk__shared *s;

    if (!p || atomic_fetch_sub_explicit(&p->owners, 1, memory_order_acq_rel) != 1)
        return;
    s = p->shared;
    kfk__marks_free(p->marks);
    kfk__release(&s->env.alloc, p->topic);
    kfk__release(&s->env.alloc, p);
    kfk__shared_drop(s);
}

void kfk__fetched_free(kfk__shared *s, kfk__fetched *f)
{
    kfk__fbuf_drop(f->inflated);
    kfk__fbuf_drop(f->buf);
    kfk__aborted_fini(&f->aborted, &s->env.alloc);
    kfk__release(&s->env.alloc, f);
}

void kfk__shared_sweep(kfk__shared *s)
{
    kfk__list garbage;
    kfk__list *at;

    kfk__list_init(&garbage);
    kfk__lock(&s->lock);
    kfk__list_splice(&garbage, &s->garbage);
    kfk__unlock(&s->lock);
    while ((at = kfk__list_pop(&garbage)) != NULL)
        kfk__fetched_free(s, KFK__ENTRY(at, kfk__fetched, link));
}

void kfk__assigned_tell(kfk__assigned *p)
{
    kfk__shared *s = p->shared;

    if (s->closed || !kfk__list_empty(&p->news))
        return;
    kfk__list_push(&s->news, &kfk__assigned_hold(p)->news);
    kfk__shared_wake(s);
}

/* What was fetched is of no use any more. */
static void forget_fetched(kfk__assigned *p)
{
    kfk__list *at;

    p->fetch_version++;
    p->err = KFK_OK;
    p->buffered = 0;
    p->full = 0;
    p->resume_at = -1;
    kfk__list_remove(&p->ready);
    while ((at = kfk__list_pop(&p->fetched)) != NULL)
        kfk__list_push(&p->shared->garbage, at);
    kfk__assigned_tell(p);
}

void kfk__assigned_move(kfk__assigned *p, int64_t offset, int32_t epoch)
{
    forget_fetched(p);
    p->position = offset;
    p->epoch = epoch;
}

void kfk__assigned_look_up(kfk__assigned *p, kfk__place from)
{
    forget_fetched(p);
    p->position = p->epoch = -1;
    p->from = from;
}

void kfk__assigned_start(kfk__assigned *p)
{
    if (p->start.kind == KFK__PLACE_NONE)
        kfk__assigned_fail(p, KFK_ERR_NO_OFFSET, -1,
                           "no offset was given, and auto.offset.start or auto.offset.reset is none");
    else
        kfk__assigned_look_up(p, p->start);
}

void kfk__assigned_end_runs(kfk__assigned *p)
{
    atomic_fetch_add_explicit(&p->version, 1, memory_order_release);
}

int64_t kfk__assigned_done(kfk__assigned *p, int32_t *epoch)
{
    int64_t done = p->marks ? kfk__marks_done(p->marks, epoch) : -1;

    if (done < 0) { /* nothing was handed out, or nobody marks it */
        *epoch = p->epoch;
        done = p->position;
    }
    return done;
}

void kfk__assigned_revoke(kfk__assigned *p)
{
    kfk__assigned_end_runs(p);
    if (p->marks)
        kfk__marks_restart(p->marks);
}

void kfk__assigned_leave(kfk__assigned *p)
{
    kfk__assigned_revoke(p);
    forget_fetched(p);
    p->gone = true;
    if (p->marks)
        kfk__marks_end(p->marks);
}

void kfk__assigned_fail(kfk__assigned *p, kfk_err err, int64_t offset, const char *why)
{
    forget_fetched(p);
    p->err = err;
    p->err_offset = offset;
    p->skip_to = -1;
    (void)snprintf(p->why, sizeof p->why, "%s", why);
    kfk__assigned_ready(p);
    kfk__shared_known(p->shared);
}

void kfk__shared_ring(kfk__shared *s)
{
    if (s->bell)
        s->env.ops->poller_wake(s->bell);
}

void kfk__shared_wake_watchers(kfk__shared *s)
{
    for (kfk__list *at = s->watchers.next; at != &s->watchers; at = at->next)
        s->env.ops->wake(s->env.ctx, KFK__ENTRY(at, kfk__watcher, link)->waiter);
}

void kfk__shared_known(kfk__shared *s)
{
    kfk__shared_wake_watchers(s);
    for (kfk__list *at = s->lanes.next; at != &s->lanes; at = at->next)
        kfk__shared_turn(s, KFK__ENTRY(at, kfk__lane, link));
    kfk__shared_ring(s);
}

void kfk__shared_turn_all(kfk__shared *s)
{
    kfk__shared_turn(s, &s->lane);
    for (kfk__list *at = s->lanes.next; at != &s->lanes; at = at->next)
        kfk__shared_turn(s, KFK__ENTRY(at, kfk__lane, link));
}

static void wake_lane(kfk__shared *s, const kfk__lane *lane)
{
    if (lane->waiter)
        s->env.ops->wake(s->env.ctx, lane->waiter);
}

void kfk__assigned_ready(kfk__assigned *p)
{
    kfk__shared *s = p->shared;

    /* Nobody polls any more, and the partition may be about to go; or what it has is for when it is resumed. */
    if (s->closed || p->gone || p->paused || p->leaving || !kfk__list_empty(&p->aside.link) ||
        kfk__marks_full(p->marks))
        return;
    if (kfk__list_empty(&p->ready))
        kfk__list_push(&p->lane->ready, &p->ready);
    wake_lane(s, p->lane);
    kfk__shared_ring(s);
}

void kfk__assigned_resume(kfk__assigned *p)
{
    if (p->err || !kfk__list_empty(&p->fetched))
        kfk__assigned_ready(p);
}

/* ---- lanes ---- */

void kfk__lane_init(kfk__lane *lane)
{
    lane->waiter = NULL;
    lane->reading = NULL;
    lane->n = 0;
    atomic_init(&lane->turn, false);
    kfk__list_init(&lane->link);
    kfk__list_init(&lane->ready);
}

void kfk__shared_turn(kfk__shared *s, kfk__lane *lane)
{
    atomic_store_explicit(&lane->turn, true, memory_order_release);
    wake_lane(s, lane);
    kfk__shared_ring(s);
}

void kfk__shared_wake_lanes(kfk__shared *s)
{
    wake_lane(s, &s->lane);
    for (kfk__list *at = s->lanes.next; at != &s->lanes; at = at->next)
        wake_lane(s, KFK__ENTRY(at, kfk__lane, link));
}

bool kfk__shared_any_ready(const kfk__shared *s)
{
    bool any = !kfk__list_empty(&s->lane.ready);

    for (const kfk__list *at = s->lanes.next; !any && at != &s->lanes; at = at->next)
        any = !kfk__list_empty(&KFK__ENTRY(at, kfk__lane, link)->ready);
    return any;
}

bool kfk__shared_is_read(const kfk__shared *s, const kfk__assigned *p)
{
    bool is = s->lane.reading == p;

    for (const kfk__list *at = s->lanes.next; !is && at != &s->lanes; at = at->next)
        is = KFK__ENTRY(at, kfk__lane, link)->reading == p;
    return is;
}

/* The one in use that has the fewest partitions. */
static kfk__lane *least_loaded(kfk__shared *s)
{
    kfk__lane *least = NULL;

    for (kfk__list *at = s->lanes.next; at != &s->lanes; at = at->next) {
        kfk__lane *lane = KFK__ENTRY(at, kfk__lane, link);

        if (!least || lane->n < least->n)
            least = lane;
    }
    return least ? least : &s->lane;
}

/* To another lane: what is ready there is so here. */
static void change_lane(kfk__assigned *p, kfk__lane *to)
{
    p->lane = to;
    if (kfk__list_empty(&p->ready))
        return;
    kfk__list_remove(&p->ready);
    kfk__list_push(&to->ready, &p->ready);
    wake_lane(p->shared, to);
}

/* One that is assigned from now on. What was so before, under another list of partitions, stays in its lane. */
static void place(kfk__shared *s, kfk__assigned *p)
{
    if (p->lane == &s->lane)
        change_lane(p, least_loaded(s));
    p->lane->n++;
}

void kfk__shared_add_lane(kfk__shared *s, kfk__lane *lane)
{
    kfk__list_push(&s->lanes, &lane->link);
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (p->lane->reading == p || (p->lane != &s->lane && p->lane->n <= lane->n + 1))
            continue;
        p->lane->n--;
        change_lane(p, lane);
        lane->n++;
    }
}

void kfk__shared_remove_lane(kfk__shared *s, kfk__lane *lane)
{
    kfk__list_remove(&lane->link);
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (p->lane != lane)
            continue;
        lane->n--;
        change_lane(p, least_loaded(s));
        p->lane->n++;
    }
}

/* ---- which there are ---- */

void kfk__index_init(kfk__index *x)
{
    *x = (kfk__index){.cap = KFK__INDEX_FEW};
}

void kfk__index_fini(kfk__index *x, const kfk_allocator *a)
{
    kfk__release(a, x->heads);
    kfk__index_init(x);
}

static size_t slot(const kfk__index *x, const char *topic, size_t len, int32_t partition)
{
    return (kfk__map_hash(topic, len) + (uint32_t)partition * 2654435761u) & (x->cap - 1);
}

static kfk__assigned **heads(kfk__index *x)
{
    return x->heads ? x->heads : x->few;
}

kfk__assigned *kfk__index_find(const kfk__index *x, const char *topic, int32_t partition)
{
    size_t len = strlen(topic);
    kfk__assigned *p = (x->heads ? x->heads : x->few)[slot(x, topic, len, partition)];

    while (p && (p->partition != partition || p->topic_len != len ||
                 memcmp(p->topic, topic, len) != 0))
        p = p->chain;
    return p;
}

static void link_in(kfk__index *x, kfk__assigned *p)
{
    kfk__assigned **head = &heads(x)[slot(x, p->topic, p->topic_len, p->partition)];

    p->chain = *head;
    *head = p;
}

/* Twice as many chains, if there is memory for them. */
static void grow(kfk__index *x, const kfk_allocator *a)
{
    kfk__index larger = {.cap = x->cap * 2, .n = x->n};

    larger.heads = kfk__zalloc(a, larger.cap * sizeof(kfk__assigned *));
    if (!larger.heads)
        return;
    for (size_t i = 0; i < x->cap; i++)
        for (kfk__assigned *p = heads(x)[i], *next; p; p = next) {
            next = p->chain;
            link_in(&larger, p);
        }
    kfk__release(a, x->heads);
    *x = larger;
}

void kfk__index_add(kfk__index *x, kfk__assigned *p, const kfk_allocator *a)
{
    if (x->n == x->cap)
        grow(x, a);
    link_in(x, p);
    x->n++;
}

void kfk__index_remove(kfk__index *x, kfk__assigned *p)
{
    kfk__assigned **at = &heads(x)[slot(x, p->topic, p->topic_len, p->partition)];

    while (*at != p)
        at = &(*at)->chain;
    *at = p->chain;
    x->n--;
}

void kfk__shared_add(kfk__shared *s, kfk__assigned *p)
{
    place(s, p);
    kfk__list_push(&s->partitions, &p->link);
    kfk__index_add(&s->index, p, &s->env.alloc);
}

void kfk__shared_remove(kfk__shared *s, kfk__assigned *p)
{
    kfk__list_remove(&p->link);
    p->lane->n--;
    kfk__index_remove(&s->index, p);
}

void kfk__shared_remove_all(kfk__shared *s, kfk__list *out)
{
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next)
        KFK__ENTRY(at, kfk__assigned, link)->lane->n--;
    kfk__list_splice(out, &s->partitions);
    kfk__index_fini(&s->index, &s->env.alloc);
}

kfk__assigned *kfk__shared_find(kfk__shared *s, const char *topic, int32_t partition)
{
    return kfk__index_find(&s->index, topic, partition);
}
