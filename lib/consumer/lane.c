#include "consumer/lane.h"

#include "base/error.h"

/* ---- in use, and not ---- */

void kfk__lane_add(kfk_consumer *c, kfk__lane *lane)
{
    kfk__shared *s = c->shared;

    kfk__lane_init(lane);
    kfk__lock(&s->lock);
    kfk__shared_add_lane(s, lane);
    kfk__unlock(&s->lock);
}

void kfk__lane_remove(kfk_consumer *c, kfk__lane *lane)
{
    kfk__shared *s = c->shared;

    kfk__lane_rest(c, lane);
    kfk__lock(&s->lock);
    kfk__shared_remove_lane(s, lane);
    kfk__unlock(&s->lock);
}

/* ---- taking ---- */

/* What stands in the way of a partition's next record. It stays ready, so that poll tells again after the others had their
 * turn; unless the policy is to go on behind it. Locked. */
static kfk_err tell_error(kfk__assigned *p, kfk_error *e)
{
    kfk__shared *s = p->shared;
    kfk_err err = kfk__fail(e, p->err, "%.200s-%d at offset %lld: %s", p->topic, p->partition,
                            (long long)p->position, p->why);

    if (e) {
        kfk__error_set(e->topic, sizeof e->topic, p->topic, p->topic_len);
        e->partition = p->partition;
        e->offset = p->err_offset;
    }
    if (s->skips_bad && p->skip_to > p->position)
        kfk__assigned_move(p, p->skip_to, -1);
    else
        kfk__list_push(&p->lane->ready, &p->ready);
    return err;
}

/* What is being read out of one partition. */
typedef struct reading {
    kfk__lane *lane;
    kfk__assigned *p; /* which the lane holds */
    kfk__fetched *f;  /* NULL: nothing is ready */
    kfk_records *run; /* what was cut of it; NULL: nothing */
    unsigned version, fetch_version;
    int64_t position;
    size_t was; /* bytes in |f| */
} reading;

/* The first ready partition's oldest data, taken out. Not KFK_OK: what is to be told. */
static kfk_err take_ready(kfk__shared *s, kfk__lane *lane, reading *r, kfk_error *e)
{
    kfk_err err = KFK_OK;
    kfk__list *at;

    *r = (reading){.lane = lane};
    kfk__lock(&s->lock);
    at = kfk__list_pop(&lane->ready);
    if (at) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, ready);

        at = p->err ? NULL : kfk__list_pop(&p->fetched);
        if (p->err)
            err = tell_error(p, e);
        if (at) {
            r->p = lane->reading = kfk__assigned_hold(p);
            r->f = KFK__ENTRY(at, kfk__fetched, link);
            r->version = atomic_load_explicit(&p->version, memory_order_relaxed);
            r->fetch_version = p->fetch_version;
            r->position = p->position;
        }
    }
    kfk__unlock(&s->lock);
    if (r->f)
        r->was = r->f->end - r->f->at;
    return err;
}

/* Who waits for the end of what was read of a partition that goes, or is gone, hears of it. Locked; the partition is to be dropped. */
static void let_go(kfk__shared *s, kfk__lane *lane)
{
    bool goes = lane->reading->gone || lane->reading->leaving;

    lane->reading = NULL;
    if (goes)
        kfk__shared_known(s);
}

void kfk__lane_rest(kfk_consumer *c, kfk__lane *lane)
{
    kfk__shared *s = c->shared;
    kfk__assigned *p = lane->reading;

    if (!p) /* which none but its own thread changes */
        return;
    kfk__lock(&s->lock);
    let_go(s, lane);
    kfk__unlock(&s->lock);
    kfk__assigned_drop(p);
}

/* A seek, a failure or a close since it was taken out: nothing of it is to be handed out. Locked. */
static bool is_stale(const reading *r)
{
    return r->p->shared->closed || r->p->fetch_version != r->fetch_version;
}

/* Moves the position; what is left goes back, and is nobody's any more here. Locked. */
static void go_on(reading *r, kfk_err err)
{
    kfk__assigned *p = r->p;
    size_t left = r->f->end - r->f->at;

    if (p->position != r->position)
        p->epoch = r->f->epoch;
    p->position = r->position;
    if (p->marks && r->run)
        kfk__records_open(r->run, p->epoch);
    else if (p->marks)
        kfk__marks_skip(p->marks, p->position, p->epoch);
    p->buffered -= r->was - left;
    if (p->full && p->buffered <= p->full) {
        p->full = 0;
        kfk__assigned_tell(p);
    }
    if (left > 0 && (!err || err == KFK_ERR_NOMEM)) {
        kfk__list_push_front(&p->fetched, &r->f->link);
        r->f = NULL;
    }
    if (!kfk__list_empty(&p->fetched))
        kfk__assigned_ready(p);
}

/* The end of a cut, which ended with |err|. |kept|: the lane's thread has something of the partition still. false: what was
 * cut is stale. */
static bool put_back(reading *r, kfk_err err, const char *why, bool kept)
{
    kfk__shared *s = r->p->shared;
    kfk__assigned *p = r->p;
    const int64_t bad_until = r->f->bad_until;
    bool fresh;

    kfk__lock(&s->lock);
    fresh = !is_stale(r);
    if (fresh)
        go_on(r, err);
    if (fresh && err && err != KFK_ERR_NOMEM) {
        kfk__assigned_fail(p, err, p->position, why);
        if (p->end < 0 || bad_until <= p->end) /* the log knows nothing of what would be behind that */
            p->skip_to = bad_until;
    }
    if (!kept)
        let_go(s, r->lane);
    kfk__unlock(&s->lock);
    if (r->f)
        kfk__fetched_free(s, r->f);
    kfk__shared_sweep(s);
    if (!kept)
        kfk__assigned_drop(p);
    return fresh;
}

/* Cuts a run out of what was taken. */
static kfk_err cut_run(reading *r, const kfk__cut_options *cut, const char **why)
{
    kfk_err err = r->p->marks ? kfk__marks_reserve(r->p->marks) : KFK_OK;

    return err ? err
               : kfk__records_cut(&r->run, r->p, r->version, r->f, &r->position, cut, why);
}

kfk_err kfk__consumer_take(kfk_consumer *c, kfk__lane *lane, const kfk__cut_options *cut,
                           kfk_records **rs, kfk_error *e)
{
    *rs = NULL;
    for (;;) {
        const char *why = "";
        reading r;
        kfk_err err;
        bool kept;

        kfk__lane_rest(c, lane);
        err = take_ready(c->shared, lane, &r, e);
        if (!r.f)
            return err;
        err = cut_run(&r, cut, &why);
        /* Who polls does with it what he likes, for as long as he likes. */
        kept = r.run && lane != &c->shared->lane;
        if (put_back(&r, err, why, kept))
            *rs = r.run;
        else
            kfk_records_free(r.run);
        if (*rs)
            return KFK_OK;
        if (err == KFK_ERR_NOMEM)
            return kfk__fail_nomem(e);
    }
}

/* ---- waiting ---- */

static bool anything(kfk__shared *s, const kfk__lane *lane)
{
    bool yes;

    kfk__lock(&s->lock);
    yes = !kfk__list_empty(&lane->ready) || s->closed;
    kfk__unlock(&s->lock);
    return yes || atomic_load_explicit(&lane->turn, memory_order_acquire) ||
           atomic_load_explicit(&s->woken, memory_order_acquire);
}

bool kfk__consumer_is_stuck(kfk_consumer *c)
{
    kfk__shared *s = c->shared;
    bool yes;

    kfk__lock(&s->lock);
    yes = s->starved > 0 && s->reserved == 0 && !kfk__shared_any_ready(s);
    kfk__unlock(&s->lock);
    return yes;
}

/* Who waits from now on; NULL: nobody. */
static void set_waiter(kfk__shared *s, kfk__lane *lane, kfk__waiter *w)
{
    kfk__lock(&s->lock);
    lane->waiter = w;
    kfk__unlock(&s->lock);
}

/* What a wait is for, beside a turn and the close. */
typedef enum wish { WISH_TURN, WISH_READY, WISH_READY_OR_STUCK } wish;

static bool is_met(kfk_consumer *c, const kfk__lane *lane, wish what)
{
    kfk__shared *s = c->shared;
    bool closed;

    if (what != WISH_TURN)
        return anything(s, lane) || (what == WISH_READY_OR_STUCK && kfk__consumer_is_stuck(c));
    kfk__lock(&s->lock);
    closed = s->closed;
    kfk__unlock(&s->lock);
    return closed || atomic_load_explicit(&lane->turn, memory_order_acquire);
}

static kfk_err await(kfk_consumer *c, kfk__lane *lane, int64_t until, wish what)
{
    kfk__shared *s = c->shared;
    kfk__waiter w;
    bool in_time = true;

    if (c->env.ops->waiter_init(c->env.ctx, &w))
        return KFK_ERR_NOMEM;
    set_waiter(s, lane, &w);
    while (in_time && !is_met(c, lane, what))
        in_time = c->env.ops->wait(c->env.ctx, &w, until);
    set_waiter(s, lane, NULL);
    c->env.ops->waiter_fini(c->env.ctx, &w);
    return in_time ? KFK_OK : KFK_ERR_TIMED_OUT;
}

kfk_err kfk__lane_await(kfk_consumer *c, kfk__lane *lane, int64_t until, bool or_stuck)
{
    return await(c, lane, until, or_stuck ? WISH_READY_OR_STUCK : WISH_READY);
}

kfk_err kfk__lane_await_turn(kfk_consumer *c, kfk__lane *lane, int64_t until)
{
    return await(c, lane, until, WISH_TURN);
}

void kfk__lane_wake(kfk_consumer *c, kfk__lane *lane)
{
    kfk__lock(&c->shared->lock);
    kfk__shared_turn(c->shared, lane);
    kfk__unlock(&c->shared->lock);
}

void kfk__lane_wake_all(kfk_consumer *c)
{
    kfk__shared *s = c->shared;

    kfk__lock(&s->lock);
    kfk__shared_turn_all(s);
    kfk__unlock(&s->lock);
}

void kfk__lane_quieten(kfk_consumer *c, kfk__lane *lane)
{
    kfk__shared *s = c->shared;
    kfk__poller *bell;
    kfk__event ev;

    kfk__lock(&s->lock);
    bell = s->bell;
    kfk__unlock(&s->lock);
    if (!bell)
        return;
    (void)c->env.ops->poll(bell, &ev, 1, 0);
    if (anything(s, lane))
        c->env.ops->poller_wake(bell);
}
