/* The public calls that say what is read, and from where: none of them waits for a broker, but for
 * kfk_consumer_position. */
#include <kfk/consumer.h>

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/handle.h"

kfk_err kfk__consumer_check(const kfk_tp *tps, size_t n, kfk_error *e)
{
    if (n > 0 && !tps)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "no partitions");
    for (size_t i = 0; i < n; i++)
        if (!tps[i].topic || !tps[i].topic[0] || tps[i].partition < 0)
            return kfk__fail(e, KFK_ERR_INVALID_ARG, "partition %zu has no topic or is negative",
                             i);
    return KFK_OK;
}

/* Where somebody wants to begin. */
kfk_err kfk__consumer_check_places(const kfk_tp *tps, size_t n, bool needed, kfk_error *e)
{
    kfk_err err = kfk__consumer_check(tps, n, e);

    for (size_t i = 0; !err && i < n; i++) {
        bool time = tps[i].flags & KFK_TIMESTAMP, offset = tps[i].flags & KFK_OFFSET || needed;
        int64_t least = time ? 0 : KFK_OFFSET_EARLIEST;

        if ((time || offset) && tps[i].offset < least)
            err = kfk__fail(e, KFK_ERR_INVALID_ARG, "%.200s-%d: %lld is not %s", tps[i].topic,
                            tps[i].partition, (long long)tps[i].offset,
                            time ? "a time" : "an offset");
    }
    return err;
}

void kfk__consumer_unassign_all(kfk__shared *s, kfk__list *out)
{
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next)
        kfk__assigned_leave(KFK__ENTRY(at, kfk__assigned, link));
    kfk__shared_remove_all(s, out);
}

void kfk__consumer_drop_all(kfk__list *partitions)
{
    kfk__list *at;

    while ((at = kfk__list_pop(partitions)) != NULL)
        kfk__assigned_drop(KFK__ENTRY(at, kfk__assigned, link));
}

/* ---- assign ---- */

static kfk__assigned *make_partition(kfk_consumer *c, const kfk_tp *tp)
{
    kfk__assigned *p = kfk__assigned_new(c->shared, tp->topic, tp->partition);

    if (!p)
        return NULL;
    if (c->marks) {
        p->marks = kfk__marks_new(&c->env.alloc, c->max_undone);
        if (!p->marks) {
            kfk__assigned_drop(p);
            return NULL;
        }
    }
    kfk__consumer_places(c, tp->topic, &p->start, &p->reset);
    p->opaque = tp->opaque;
    return p;
}

kfk_err kfk__consumer_make(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk__list *out)
{
    for (size_t i = 0; i < n; i++) {
        kfk__assigned *p = make_partition(c, &tps[i]);

        if (!p) {
            kfk__consumer_drop_all(out);
            return KFK_ERR_NOMEM;
        }
        kfk__list_push(out, &p->link);
    }
    return KFK_OK;
}

/* To where |tp| says, which says something, or where it must. Locked. */
static void go_to(kfk__assigned *p, const kfk_tp *tp)
{
    kfk__assigned_revoke(p);
    if (tp->flags & KFK_TIMESTAMP || tp->offset < 0)
        kfk__assigned_look_up(p, (kfk__place){KFK__PLACE_TIME, tp->offset});
    else
        kfk__assigned_move(p, tp->offset, tp->flags & KFK_EPOCH ? tp->leader_epoch : -1);
}

void kfk__consumer_begin(kfk_consumer *c, kfk__assigned *p, const kfk_tp *tp)
{
    if (tp->flags & (KFK_OFFSET | KFK_TIMESTAMP))
        go_to(p, tp);
    else if (c->fetcher.options.group)
        kfk__assigned_look_up(p, (kfk__place){KFK__PLACE_COMMITTED, 0});
    else
        kfk__assigned_start(p);
}

/* Those that are assigned already, and are given no offset, go on as they are. Locked. */
static void take_over(kfk_consumer *c, const kfk_tp *tps, kfk__list *fresh, kfk__list *unused)
{
    kfk__shared *s = c->shared;
    size_t i = 0;

    for (kfk__list *at = fresh->next, *next; at != fresh; at = next, i++) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        kfk__assigned *old = kfk__shared_find(s, p->topic, p->partition);

        next = at->next;
        if (!old || (tps[i].flags & (KFK_OFFSET | KFK_TIMESTAMP))) {
            if (old) /* the Fetcher is to hear of that first: a broker has one seat for both */
                kfk__assigned_leave(old);
            kfk__consumer_begin(c, p, &tps[i]);
            continue;
        }
        kfk__shared_remove(s, old);
        kfk__list_insert(at, &old->link);
        old->opaque = p->opaque;
        kfk__list_remove(at);
        kfk__list_push(unused, at);
    }
}

/* They are assigned from now on. Locked. */
static void add_all(kfk__shared *s, kfk__list *fresh)
{
    kfk__list *at;

    while ((at = kfk__list_pop(fresh)) != NULL)
        kfk__shared_add(s, KFK__ENTRY(at, kfk__assigned, link));
    kfk__shared_wake(s);
}

/* Gives back what is not used any more. */
static kfk_err finish(kfk_consumer *c, kfk__list *a, kfk__list *b, bool closed, kfk_error *e)
{
    kfk__consumer_drop_all(a);
    kfk__consumer_drop_all(b);
    kfk__shared_sweep(c->shared);
    return closed ? kfk__consumer_usable(c, e) : KFK_OK;
}

/* Each partition is assigned once. */
static kfk_err check_once(kfk_consumer *c, kfk__list *fresh, kfk_error *e)
{
    const kfk_allocator *a = &c->env.alloc;
    kfk_err err = KFK_OK;
    kfk__index seen;

    kfk__index_init(&seen);
    for (kfk__list *at = fresh->next; !err && at != fresh; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        if (kfk__index_find(&seen, p->topic, p->partition))
            err = kfk__fail(e, KFK_ERR_INVALID_ARG, "%.200s-%d is named twice", p->topic,
                            p->partition);
        else
            kfk__index_add(&seen, p, a);
    }
    kfk__index_fini(&seen, a);
    if (err)
        kfk__consumer_drop_all(fresh);
    return err;
}

static kfk_err start(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk__list *fresh, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    kfk__list_init(fresh);
    if (!err && atomic_load_explicit(&c->group.is_member, memory_order_acquire))
        err = kfk__fail(e, KFK_ERR_STATE,
                        "the group assigns partitions (kfk_consumer_subscribe): unsubscribe first");
    if (!err)
        err = kfk__consumer_check_places(tps, n, false, e);
    if (!err && kfk__consumer_make(c, tps, n, fresh))
        err = kfk__fail_nomem(e);
    if (!err)
        err = check_once(c, fresh, e);
    return err;
}

kfk_err kfk_consumer_assign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk__shared *s = c->shared;
    kfk__list fresh, unused;
    kfk_err err = start(c, tps, n, &fresh, e);
    bool closed;

    if (err)
        return err;
    kfk__list_init(&unused);
    kfk__lock(&s->lock);
    closed = s->closed; /* since usable looked */
    if (!closed) {
        take_over(c, tps, &fresh, &unused);
        kfk__consumer_unassign_all(s, &unused);
        add_all(s, &fresh);
    }
    kfk__unlock(&s->lock);
    return finish(c, &fresh, &unused, closed, e);
}

/* The first of |tps| that is assigned, or with |missing| that is not; n: there is none. Locked. */
static size_t first_that(kfk__shared *s, const kfk_tp *tps, size_t n, bool missing)
{
    size_t i = 0;

    while (i < n && !kfk__shared_find(s, tps[i].topic, tps[i].partition) != missing)
        i++;
    return i;
}

static kfk_err wrong_state(const kfk_tp *tp, const char *how, kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_STATE, "%.200s-%d is %s", tp->topic, tp->partition, how);
}

kfk_err kfk_consumer_incremental_assign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk__shared *s = c->shared;
    kfk__list fresh, none;
    kfk_err err = start(c, tps, n, &fresh, e);
    bool closed;
    size_t bad, i = 0;

    if (err)
        return err;
    kfk__list_init(&none);
    kfk__lock(&s->lock);
    closed = s->closed;
    bad = first_that(s, tps, n, false);
    if (!closed && bad == n) {
        for (kfk__list *at = fresh.next; at != &fresh; at = at->next)
            kfk__consumer_begin(c, KFK__ENTRY(at, kfk__assigned, link), &tps[i++]);
        add_all(s, &fresh);
    }
    kfk__unlock(&s->lock);
    err = finish(c, &fresh, &none, closed, e);
    return !err && bad < n ? wrong_state(&tps[bad], "assigned already", e) : err;
}

/* Does |what| to each of |tps|, if they are all assigned. */
static kfk_err for_each(kfk_consumer *c, const kfk_tp *tps, size_t n,
                        void (*what)(kfk__assigned *p, const kfk_tp *tp, kfk__list *out),
                        kfk_error *e)
{
    kfk__shared *s = c->shared;
    kfk__list out;
    size_t bad;
    kfk_err err;

    kfk__list_init(&out);
    kfk__lock(&s->lock);
    bad = first_that(s, tps, n, true);
    for (size_t i = 0; bad == n && i < n; i++) {
        kfk__assigned *p = kfk__shared_find(s, tps[i].topic, tps[i].partition);

        if (p) /* one may be named twice */
            what(p, &tps[i], &out);
    }
    kfk__unlock(&s->lock);
    err = finish(c, &out, &out, false, e);
    return !err && bad < n ? wrong_state(&tps[bad], "not assigned", e) : err;
}

static void unassign(kfk__assigned *p, const kfk_tp *tp, kfk__list *out)
{
    (void)tp;
    kfk__assigned_leave(p);
    kfk__shared_remove(p->shared, p);
    kfk__list_push(out, &p->link);
}

kfk_err kfk_consumer_incremental_unassign(kfk_consumer *c, const kfk_tp *tps, size_t n,
                                          kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    return err ? err : for_each(c, tps, n, unassign, e);
}

/* ---- seek, pause ---- */

static void seek(kfk__assigned *p, const kfk_tp *tp, kfk__list *out)
{
    (void)out;
    go_to(p, tp);
}

kfk_err kfk_consumer_seek(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check_places(tps, n, true, e);
    return err ? err : for_each(c, tps, n, seek, e);
}

static void pause(kfk__assigned *p, const kfk_tp *tp, kfk__list *out)
{
    (void)tp;
    (void)out;
    p->paused = true;
    kfk__list_remove(&p->ready);
    kfk__assigned_tell(p);
}

static void resume(kfk__assigned *p, const kfk_tp *tp, kfk__list *out)
{
    (void)tp;
    (void)out;
    p->paused = false;
    kfk__assigned_resume(p);
    kfk__assigned_tell(p);
}

kfk_err kfk_consumer_pause(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    return err ? err : for_each(c, tps, n, pause, e);
}

kfk_err kfk_consumer_resume(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    return err ? err : for_each(c, tps, n, resume, e);
}

/* ---- where reading is ---- */

/* Whose positions somebody wants to know. */
typedef struct wanted {
    kfk__shared *shared;
    kfk_tp *tps;
    size_t n;
} wanted;

/* Fills in what is known. true: all of it. Locked. */
static bool tell_positions(void *arg)
{
    const wanted *w = arg;
    kfk__shared *s = w->shared;
    kfk_tp *tps = w->tps;
    bool all = true;

    for (size_t i = 0; i < w->n; i++) {
        const kfk__assigned *p = kfk__shared_find(s, tps[i].topic, tps[i].partition);

        tps[i].offset = p && p->position >= 0 ? p->position : -1;
        tps[i].leader_epoch = p && p->position >= 0 ? p->epoch : -1;
        tps[i].err = !p ? KFK_ERR_STATE
                     : p->position >= 0 ? KFK_OK
                     : p->err ? p->err
                              : KFK_ERR_WOULD_BLOCK;
        all &= tps[i].err != KFK_ERR_WOULD_BLOCK;
    }
    return all || s->closed;
}

kfk_err kfk_consumer_position(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);
    wanted w = {c->shared, tps, n};

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    if (err)
        return err;
    err = kfk__consumer_watch(c, timeout_ms, tell_positions, &w);
    if (err == KFK_ERR_NOMEM)
        return kfk__fail_nomem(e);
    return !err && !timeout_ms ? KFK_OK : kfk__consumer_usable(c, e);
}

kfk_err kfk_consumer_lag(kfk_consumer *c, kfk_tp *tps, size_t n, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);
    kfk__shared *s = c->shared;

    if (!err)
        err = kfk__consumer_check(tps, n, e);
    if (err)
        return err;
    kfk__lock(&s->lock);
    for (size_t i = 0; i < n; i++) {
        const kfk__assigned *p = kfk__shared_find(s, tps[i].topic, tps[i].partition);
        bool known = p && p->position >= 0 && p->end >= 0;

        tps[i].offset = !known ? -1 : p->end > p->position ? p->end - p->position : 0;
        tps[i].err = !p ? KFK_ERR_STATE : known ? KFK_OK : KFK_ERR_WOULD_BLOCK;
    }
    kfk__unlock(&s->lock);
    return KFK_OK;
}

/* ---- what is assigned ---- */

/* Partitions whose topics the application looks at, each held. */
struct kfk__listed {
    size_t n;
    kfk__assigned *v[];
};

static void drop_listed(kfk_consumer *c, struct kfk__listed *l)
{
    for (size_t i = 0; l && i < l->n; i++)
        kfk__assigned_drop(l->v[i]);
    kfk__release(&c->env.alloc, l);
}

void kfk__consumer_forget_listed(kfk_consumer *c)
{
    drop_listed(c, c->listed);
}

/* As many as there is room for in both. Locked. */
static void list_all(const kfk__shared *s, kfk_tp *out, struct kfk__listed *l, size_t max)
{
    const kfk__list *at = s->partitions.next;

    for (; l->n < max && at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        bool known = p->position >= 0;

        out[l->n] = (kfk_tp){.topic = p->topic,
                             .opaque = p->opaque,
                             .offset = known ? p->position : -1,
                             .partition = p->partition,
                             .leader_epoch = known ? p->epoch : -1,
                             .flags = known ? KFK_OFFSET | (p->epoch >= 0 ? KFK_EPOCH : 0) : 0};
        l->v[l->n++] = kfk__assigned_hold(p);
    }
}

/* All that there are, or |max| of them. NULL: no memory. *n: how many there are. */
static struct kfk__listed *list(kfk_consumer *c, kfk_tp *out, size_t max, size_t *n)
{
    const kfk_allocator *a = &c->env.alloc;
    kfk__shared *s = c->shared;
    struct kfk__listed *l = NULL, *larger;
    size_t room = 0, needed = 1; /* a place more than none, so that there is one */

    while (needed > room) {
        room = needed;
        larger = kfk__resize(a, l, sizeof *l + room * sizeof(kfk__assigned *));
        if (!larger) {
            kfk__release(a, l);
            return NULL;
        }
        l = larger;
        l->n = 0;
        kfk__lock(&s->lock);
        *n = s->index.n;
        needed = *n < max ? *n : max;
        if (needed <= room)
            list_all(s, out, l, needed);
        kfk__unlock(&s->lock);
    }
    return l;
}

kfk_err kfk_consumer_assignment(kfk_consumer *c, kfk_tp *out, size_t max, size_t *n, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);
    struct kfk__listed *fresh, *old;

    if (!err && (!n || (max > 0 && !out)))
        err = kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_consumer_assignment: n or out is NULL");
    if (err)
        return err;
    fresh = list(c, out, max, n);
    if (!fresh)
        return kfk__fail_nomem(e);
    kfk__lock(&c->shared->lock);
    old = c->listed;
    c->listed = fresh;
    kfk__unlock(&c->shared->lock);
    drop_listed(c, old);
    return KFK_OK;
}
