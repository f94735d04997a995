#include "producer/pool.h"

#include <kfk/kafka_errors.h>

#include "base/mem.h"

/* One who waits. Lives in the frame of kfk__pool_get. */
typedef struct waiting {
    kfk__list link;
    size_t cap;
    bool impatient; /* takes what it needs, be there plenty or not */
    bool granted;   /* cap bytes have been taken off |available| for it */
    kfk__waiter waiter;
} waiting;

void kfk__pool_init(kfk__pool *p, const kfk__env *env, size_t total, size_t size, size_t more,
                    void (*wanted)(void *owner), void *owner)
{
    *p = (kfk__pool){.env = env, .total = total, .sizes = {size, more}, .available = total};
    p->wanted = wanted;
    p->owner = owner;
    kfk__mutex_init(&p->lock);
    kfk__list_init(&p->waiters);
}

static void release_chain(const kfk_allocator *a, kfk__chunk *c)
{
    kfk__chunk *next;

    for (; c; c = next) {
        next = c->next;
        kfk__release(a, c);
    }
}

void kfk__pool_fini(kfk__pool *p)
{
    for (int i = 0; i < KFK__POOL_SIZES; i++)
        release_chain(&p->env->alloc, p->kept[i].first);
    kfk__mutex_fini(&p->lock);
}

/* What was taken out under the lock, for |cap| bytes that have been granted. */
typedef struct taken {
    kfk__chunk *chunk;   /* NULL: memory is to be had from the allocator */
    kfk__chunk *surplus; /* kept chunks that must go, so that kept and handed out stay within total */
} taken;

/* Which of the kept sizes; KFK__POOL_SIZES: none. */
static int size_of(const kfk__pool *p, size_t cap)
{
    int i = 0;

    while (i < KFK__POOL_SIZES && p->sizes[i] != cap)
        i++;
    return i;
}

static kfk__chunk *pop_kept(kfk__pool *p, int size)
{
    kfk__chunk *c = p->kept[size].first;

    p->kept[size].first = c->next;
    p->kept_bytes -= c->cap;
    return c;
}

static void push_kept(kfk__pool *p, int size, kfk__chunk *c)
{
    kfk__kept_chunks *k = &p->kept[size];

    c->next = NULL;
    c->rests_since = kfk__now(p->env);
    if (k->first)
        k->last->next = c;
    else
        k->first = c;
    k->last = c;
    p->kept_bytes += c->cap;
}

/* Whether a new chunk is better than this one, which has rested longest. Its bytes have been granted. */
static bool wants_new(const kfk__pool *p, const kfk__chunk *c)
{
    size_t used = p->total - p->available + p->kept_bytes;

    return p->kept_bytes <= p->available && used <= p->total / KFK__POOL_PART &&
           kfk__now(p->env) - c->rests_since < KFK__POOL_REST_NS;
}

/* The one whose turn it is, for bytes that have been granted; NULL: a new one is to be made. */
static kfk__chunk *next_kept(kfk__pool *p, size_t cap)
{
    int size = size_of(p, cap);

    if (size == KFK__POOL_SIZES || !p->kept[size].first || wants_new(p, p->kept[size].first))
        return NULL;
    return pop_kept(p, size);
}

static taken take_kept(kfk__pool *p, size_t cap)
{
    taken t = {next_kept(p, cap), NULL};

    while (p->kept_bytes > p->available) {
        kfk__chunk *c = pop_kept(p, p->kept[0].first ? 0 : 1);

        c->next = t.surplus;
        t.surplus = c;
    }
    return t;
}

static void serve(kfk__pool *p)
{
    kfk__list *at;

    p->serves |= p->available >= p->total / KFK__POOL_PLENTY;
    while ((at = kfk__list_first(&p->waiters)) != NULL) {
        waiting *w = KFK__ENTRY(at, waiting, link);

        if (p->available < w->cap)
            p->serves = false;
        if (p->available < w->cap || !(p->serves || w->impatient))
            return;
        p->available -= w->cap;
        w->granted = true;
        kfk__list_remove(at);
        p->env->ops->wake(p->env->ctx, &w->waiter);
    }
}

/* |cap| bytes are there again. Locked. */
static void returned(kfk__pool *p, size_t cap)
{
    size_t repaid = p->owed < cap ? p->owed : cap;

    p->owed -= repaid;
    p->available += cap - repaid;
    serve(p);
}

static void give_back(kfk__pool *p, size_t cap)
{
    kfk__lock(&p->lock);
    returned(p, cap);
    kfk__unlock(&p->lock);
}

/* As if it had just been made. */
static kfk__chunk *renew(kfk__chunk *c)
{
    c->next = NULL;
    c->used = 0;
    return c;
}

/* |cap| bytes have been granted: makes a chunk of them. */
static kfk__chunk *make(kfk__pool *p, taken t, size_t cap)
{
    kfk__chunk *c = t.chunk;

    release_chain(&p->env->alloc, t.surplus);
    if (!c)
        c = kfk__alloc(&p->env->alloc, sizeof *c + cap);
    if (!c) {
        give_back(p, cap);
        return NULL;
    }
    c->cap = cap;
    return renew(c);
}

kfk__chunk *kfk__pool_try(kfk__pool *p, size_t cap)
{
    taken t = {NULL, NULL};
    bool granted;

    kfk__lock(&p->lock);
    granted = p->available >= cap && kfk__list_empty(&p->waiters);
    if (granted) {
        p->available -= cap;
        t = take_kept(p, cap);
    }
    kfk__unlock(&p->lock);
    return granted ? make(p, t, cap) : NULL;
}

kfk__chunk *kfk__pool_reuse(kfk__pool *p, size_t cap)
{
    kfk__chunk *c = NULL;

    kfk__lock(&p->lock);
    if (p->available >= cap && kfk__list_empty(&p->waiters)) {
        p->available -= cap;
        c = next_kept(p, cap);
        if (!c)
            p->available += cap;
    }
    kfk__unlock(&p->lock);
    return c ? renew(c) : NULL;
}

kfk__chunk *kfk__pool_overdraw(kfk__pool *p, size_t cap)
{
    size_t there;
    taken t;

    kfk__lock(&p->lock);
    there = p->available < cap ? p->available : cap;
    p->available -= there;
    p->owed += cap - there;
    t = take_kept(p, cap);
    kfk__unlock(&p->lock);
    return make(p, t, cap);
}

/* Waits in line. KFK_OK: granted. */
static kfk_err wait_for(kfk__pool *p, waiting *w, int64_t until)
{
    kfk_err err = KFK_OK;
    const kfk__env_ops *ops = p->env->ops;
    const int64_t patience = kfk__now(p->env) + KFK__POOL_PATIENCE_NS;
    bool in_time, end;

    p->wanted(p->owner); /* now that it can be seen waiting */
    do {
        int64_t limit = w->impatient ? until : kfk__sooner(patience, until);

        in_time = ops->wait(p->env->ctx, &w->waiter, limit);
        kfk__lock(&p->lock);
        if (!in_time) {
            in_time = limit < until;
            w->impatient = true;
            serve(p);
        }
        end = w->granted || p->closed;
        kfk__unlock(&p->lock);
    } while (in_time && !end);
    kfk__lock(&p->lock);
    if (!w->granted) {
        kfk__list_remove(&w->link);
        err = p->closed ? KFK_ERR_CLOSED : KFK_ERR_BUFFER_FULL;
    }
    /* The next in line may be content with what this one was too large for. */
    serve(p);
    kfk__unlock(&p->lock);
    return err;
}

kfk_err kfk__pool_get(kfk__pool *p, size_t cap, int64_t until, kfk__chunk **out)
{
    waiting w = {.cap = cap};
    kfk_err err = KFK_OK;
    bool granted, closed;
    taken t;

    if (cap > p->total)
        return KFK_ERR_MESSAGE_TOO_LARGE;
    if (p->env->ops->waiter_init(p->env->ctx, &w.waiter))
        return KFK_ERR_NOMEM;
    kfk__lock(&p->lock);
    closed = p->closed;
    if (!closed)
        kfk__list_push(&p->waiters, &w.link);
    serve(p);
    granted = w.granted;
    kfk__unlock(&p->lock);
    if (closed)
        err = KFK_ERR_CLOSED;
    else if (!granted)
        err = wait_for(p, &w, until);
    p->env->ops->waiter_fini(p->env->ctx, &w.waiter);
    if (err)
        return err;
    kfk__lock(&p->lock);
    t = take_kept(p, cap);
    kfk__unlock(&p->lock);
    *out = make(p, t, cap);
    return *out ? KFK_OK : KFK_ERR_NOMEM;
}

void kfk__pool_put(kfk__pool *p, kfk__chunk *c)
{
    size_t cap = c->cap;
    int size = size_of(p, cap);

    kfk__lock(&p->lock);
    if (size < KFK__POOL_SIZES && p->owed == 0) {
        push_kept(p, size, c);
        c = NULL;
    }
    returned(p, cap);
    kfk__unlock(&p->lock);
    kfk__release(&p->env->alloc, c);
}

bool kfk__pool_has_room(kfk__pool *p)
{
    bool room;

    kfk__lock(&p->lock);
    room = p->available >= p->sizes[0] && kfk__list_empty(&p->waiters);
    kfk__unlock(&p->lock);
    return room;
}

bool kfk__pool_short(kfk__pool *p)
{
    bool waits;

    kfk__lock(&p->lock);
    waits = !kfk__list_empty(&p->waiters);
    kfk__unlock(&p->lock);
    return waits;
}

void kfk__pool_close(kfk__pool *p)
{
    kfk__lock(&p->lock);
    p->closed = true;
    for (kfk__list *at = p->waiters.next; at != &p->waiters; at = at->next)
        p->env->ops->wake(p->env->ctx, &KFK__ENTRY(at, waiting, link)->waiter);
    kfk__unlock(&p->lock);
}
