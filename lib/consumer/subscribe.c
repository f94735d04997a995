/* The public calls of a member of a group, and what a poll does for it. */
#include <kfk/consumer.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/handover.h"
#include "consumer/lane.h"
#include "membership/wanted.h"

/* ---- what the Coordinator tells ---- */

static bool hear_turn(void *owner, kfk__turn_kind kind, uint64_t number, const kfk__parts *parts,
                      int64_t deadline)
{
    bool told = kfk__handover_turn(owner, kind, number, parts, deadline);

    kfk__lane_wake_all(owner);
    return told;
}

static void hear_give_up(void *owner, uint64_t number)
{
    kfk__handover_give_up(owner, number);
    kfk__lane_wake_all(owner);
}

static bool hear_who(void *owner, const kfk__group_meta *who)
{
    kfk_consumer *c = owner;

    return kfk__shared_be(c->shared, true, who) == KFK_OK;
}

/* The application is too late: who watches over it hears of that at once. */
static void hear_lateness(kfk_consumer *c, const kfk_error *e)
{
    const kfk_event event = {.type = KFK_EVENT_POLL_INTERVAL,
                             .broker_id = -1,
                             .partition = -1,
                             .err = e->code,
                             .value = c->group.options.max_poll_ms};

    atomic_store_explicit(&c->group.late, true, memory_order_release);
    if (c->group.on_event)
        c->group.on_event(&event, c->group.on_event_arg);
}

static void hear_failure(void *owner, const kfk_error *e)
{
    kfk_consumer *c = owner;
    bool fatal = e->flags & KFK_FATAL, kept = c->keeper.owner;

    if (e->code == KFK_ERR_POLL_INTERVAL)
        hear_lateness(c, e);
    kfk__lock(&c->shared->lock);
    if (fatal)
        c->group.failure = *e;
    else if (!kept && (e->code == KFK_ERR_TOPIC_AUTHORIZATION_FAILED ||
                       e->code == KFK_ERR_INVALID_TOPIC_EXCEPTION))
        c->group.told = *e;
    kfk__unlock(&c->shared->lock);
    if (kept && !fatal)
        c->keeper.told(c->keeper.owner, e);
    if (fatal)
        atomic_store_explicit(&c->group.has_failed, true, memory_order_release);
    kfk__lane_wake_all(c);
}

static int64_t alive_at(void *owner)
{
    const kfk_consumer *c = owner;

    if (c->keeper.owner)
        return c->keeper.alive_at(c->keeper.owner);
    return atomic_load_explicit(&c->group.alive_at, memory_order_acquire);
}

static void hear_left(void *owner)
{
    kfk_consumer *c = owner;

    kfk__lock(&c->shared->lock);
    kfk__shared_known(c->shared);
    kfk__unlock(&c->shared->lock);
}

/* A poll costs nothing, and is a sign of life. */
static void hear_nudge(void *owner)
{
    kfk__lane_wake_all(owner);
}

static void hear_refusal(void *owner, kfk_err code, int32_t generation)
{
    const kfk_consumer *c = owner;

    kfk__membership_refused(c->group.membership, code, generation);
}

/* ---- the polling thread, in and out ---- */

void kfk__consumer_show_life(kfk_consumer *c, int64_t at)
{
    atomic_store_explicit(&c->group.alive_at, at, memory_order_release);
    kfk__consumer_stir(c);
}

void kfk__consumer_stir(kfk_consumer *c)
{
    if (atomic_load_explicit(&c->group.late, memory_order_acquire)) {
        atomic_store_explicit(&c->group.late, false, memory_order_release);
        kfk__membership_stir(c->group.membership);
    }
}

void kfk__consumer_exit(kfk_consumer *c)
{
    if (c->group.membership)
        kfk__consumer_show_life(c, kfk__now(&c->env));
    atomic_flag_clear_explicit(&c->polling, memory_order_release);
    if (!atomic_load_explicit(&c->group.awaited, memory_order_acquire))
        return;
    kfk__lock(&c->shared->lock);
    kfk__shared_known(c->shared); /* who wants to leave takes over */
    kfk__unlock(&c->shared->lock);
}

/* ---- listeners ---- */

static void get_listener(kfk_consumer *c, kfk_listener *l, void **arg)
{
    kfk__lock(&c->shared->lock);
    *l = c->group.listener;
    *arg = c->group.arg;
    kfk__unlock(&c->shared->lock);
}

typedef enum call { CALL_ASSIGNED, CALL_REVOKED, CALL_LOST } call;

/* Nothing is locked, and whoever calls back in is known. */
static kfk_err call_listener(kfk_consumer *c, call which, kfk_tp *tps, size_t n)
{
    kfk_err err = KFK_OK;
    kfk_listener l;
    void *arg;

    get_listener(c, &l, &arg);
    c->group.serving = c->env.ops->self(c->env.ctx);
    if (which == CALL_LOST && !l.lost)
        which = CALL_REVOKED;
    if (which == CALL_ASSIGNED && l.assigned)
        err = l.assigned(c, tps, n, arg);
    else if (which == CALL_REVOKED && l.revoked)
        err = l.revoked(c, tps, n, arg);
    else if (which == CALL_LOST)
        err = l.lost(c, tps, n, arg);
    c->group.serving = NULL;
    return err;
}

static kfk_err say_what_listener_said(kfk_err err, const char *which, kfk_error *e)
{
    return err ? kfk__fail(e, err, "the listener's %s() returned %s (%d)", which, kfk_err_name(err),
                           (int)err)
               : KFK_OK;
}

/* ---- serving ---- */

int kfk__consumer_ms_until(kfk_consumer *c, int64_t until)
{
    int64_t now = kfk__now(&c->env), left = until - now;

    if (until == KFK__NEVER)
        return -1;
    left = left < 0 ? 0 : (left + KFK__MS - 1) / KFK__MS;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

static kfk_err serve_assign(kfk_consumer *c, kfk__handover *h, kfk_error *e)
{
    kfk_err err = say_what_listener_said(call_listener(c, CALL_ASSIGNED, h->tps, h->n), "assigned", e);

    if (!err)
        err = kfk__consumer_check_places(h->tps, h->n, false, e);
    if (!kfk__handover_assign(c, h) && h->n > 0)
        (void)call_listener(c, CALL_LOST, h->tps, h->n);
    return err;
}

/* So long it is waited before a commit that was refused for a while is made again. */
enum { AGAIN_MS = 100 };

/* One who keeps what it has while it joins again is between two generations for a moment. If it has been left behind, it
 * hears so itself, and is refused for good. */
static bool may_pass(kfk_err err)
{
    return err == KFK_ERR_REBALANCE_IN_PROGRESS || err == KFK_ERR_ILLEGAL_GENERATION ||
           err == KFK_ERR_STALE_MEMBER_EPOCH;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static kfk_err commit_known(kfk_consumer *c, kfk__handover *h, int64_t last)
{
    kfk_err err;

    for (;;) {
        err = kfk__consumer_commit(c, h->known, h->n_known, kfk__consumer_ms_until(c, last),
                                   KFK__COMMIT_FOLLOWS, NULL);
        if (!may_pass(err) || kfk__now(&c->env) >= last - AGAIN_MS * KFK__MS ||
            kfk__consumer_watch(c, AGAIN_MS, never, NULL) == KFK_ERR_NOMEM)
            return err;
    }
}

/* Commits what was handed out of those that go. false: it is not done yet, and there is time. */
static bool commit_last(kfk_consumer *c, kfk__handover *h, int64_t until)
{
    int64_t last = h->deadline < until ? h->deadline : until;
    kfk_err err;

    if (h->committed || c->commit_every == 0 || h->n_known == 0)
        return true;
    err = commit_known(c, h, last);
    h->committed = (err != KFK_ERR_TIMED_OUT && !may_pass(err)) ||
                   kfk__now(&c->env) >= h->deadline - AGAIN_MS * KFK__MS;
    return h->committed;
}

/* KFK_ERR_WOULD_BLOCK: the rest is for the next time. */
static kfk_err serve_revoke(kfk_consumer *c, kfk__handover *h, int64_t until, kfk_error *e)
{
    bool lost;
    kfk_err err;

    kfk__handover_stop(c, h);
    if (!kfk__handover_is_given_up(c, h) && !commit_last(c, h, until))
        return KFK_ERR_WOULD_BLOCK;
    lost = kfk__handover_is_given_up(c, h);
    if (lost)
        kfk__handover_look(c, h);
    err = call_listener(c, lost ? CALL_LOST : CALL_REVOKED, h->tps, h->n);
    kfk__handover_leave(c, h);
    return say_what_listener_said(err, lost ? "lost" : "revoked", e);
}

static kfk_err serve_one(kfk_consumer *c, kfk__handover *h, int64_t until, kfk_error *e)
{
    kfk_err err;

    switch (h->kind) {
    case KFK__TURN_ASSIGN:
        return serve_assign(c, h, e);
    case KFK__TURN_REVOKE:
        return serve_revoke(c, h, until, e);
    default:
        err = call_listener(c, CALL_LOST, h->tps, h->n);
        return say_what_listener_said(err, "lost", e);
    }
}

/* What is to be told once. */
static kfk_err take_told(kfk_consumer *c, kfk_error *e)
{
    kfk_err err;

    kfk__lock(&c->shared->lock);
    err = c->group.told.code ? kfk__fail_copy(e, &c->group.told) : KFK_OK;
    c->group.told.code = KFK_OK;
    kfk__unlock(&c->shared->lock);
    return err;
}

kfk_err kfk__consumer_failure(kfk_consumer *c, kfk_error *e)
{
    kfk_err err;

    if (!atomic_load_explicit(&c->group.has_failed, memory_order_acquire))
        return KFK_OK;
    kfk__lock(&c->shared->lock);
    err = kfk__fail_copy(e, &c->group.failure);
    kfk__unlock(&c->shared->lock);
    return err;
}

kfk_err kfk__consumer_serve(kfk_consumer *c, int64_t until, kfk_error *e)
{
    kfk__handover *h;
    kfk_err err, first = KFK_OK;

    while ((h = kfk__handover_first(c)) != NULL) {
        err = serve_one(c, h, until, first ? NULL : e);
        if (err == KFK_ERR_WOULD_BLOCK)
            break;
        first = first ? first : err;
        kfk__handover_done(c, h);
    }
    if (!first)
        first = take_told(c, e);
    return first ? first : kfk__consumer_failure(c, e);
}

/* ---- subscribe ---- */

void kfk__consumer_end_membership(kfk_consumer *c)
{
    kfk__membership_free(c->group.membership);
    kfk__handover_forget(c, true);
}

static kfk_err start(kfk_consumer *c, kfk_error *e)
{
    const kfk__member_options *o = &c->group.options;
    kfk__member_host host = {.turn = hear_turn,
                             .give_up = hear_give_up,
                             .who = hear_who,
                             .left = hear_left,
                             .failed = hear_failure,
                             .alive_at = alive_at,
                             .nudge = hear_nudge,
                             .owner = c};
    kfk__group_meta nobody = kfk__group_meta_of(o->group);
    kfk_err err;

    if (c->group.membership)
        return KFK_OK;
    if (kfk__shared_be(c->shared, true, &nobody))
        return kfk__fail_nomem(e);
    err = kfk__membership_new(&c->group.membership, &c->env, o, &c->client_options, &host,
                              c->loop.told, c->loop.told_arg, e);
    if (err)
        (void)kfk__shared_be(c->shared, false, NULL);
    else
        kfk__shared_on_refused(c->shared, hear_refusal, c);
    return err;
}

static bool has_partitions(kfk_consumer *c)
{
    bool yes;

    kfk__lock(&c->shared->lock);
    yes = c->shared->index.n > 0;
    kfk__unlock(&c->shared->lock);
    return yes && !atomic_load_explicit(&c->group.is_member, memory_order_acquire);
}

static void set_listener(kfk_consumer *c, const kfk_listener *l, void *arg)
{
    size_t size = l && l->struct_size < sizeof *l ? l->struct_size : sizeof *l;

    kfk__lock(&c->shared->lock);
    c->group.listener = (kfk_listener){0};
    if (l)
        memcpy(&c->group.listener, l, size);
    c->group.arg = arg;
    c->group.joined = true;
    kfk__unlock(&c->shared->lock);
}

static kfk_err subscribe(kfk_consumer *c, kfk__wanted *wanted, const kfk_listener *l, void *arg,
                         kfk_error *e)
{
    kfk_err err = start(c, e);

    if (err)
        return err;
    set_listener(c, l, arg);
    atomic_store_explicit(&c->group.is_member, true, memory_order_release);
    kfk__membership_subscribe(c->group.membership, wanted);
    return KFK_OK;
}

static kfk_err check_subscription(kfk_consumer *c, const kfk_listener *l, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err && c->group.serving == c->env.ops->self(c->env.ctx))
        err = kfk__fail(e, KFK_ERR_IN_CALLBACK, "a listener may not change what is subscribed to");
    if (!err && l && l->struct_size < offsetof(kfk_listener, assigned))
        err = kfk__fail(e, KFK_ERR_INVALID_ARG, "struct_size of the listener is not set");
    if (!err && !c->fetcher.options.group)
        err = kfk__fail(e, KFK_ERR_CONFIG, "group.id is not set: which group is to be joined?");
    if (!err && has_partitions(c))
        err = kfk__fail(e, KFK_ERR_STATE,
                        "partitions are assigned by kfk_consumer_assign: take them away first");
    return err;
}

kfk_err kfk_consumer_subscribe(kfk_consumer *c, const char *const *topics, size_t n,
                               const kfk_listener *l, void *arg, kfk_error *e)
{
    kfk__wanted wanted;
    kfk_err err;

    if (n == 0)
        return kfk_consumer_unsubscribe(c, c->api_timeout_ms, e);
    err = check_subscription(c, l, e);
    kfk__wanted_init(&wanted, &c->env.alloc);
    if (!err)
        err = kfk__wanted_set(&wanted, topics, n, e);
    if (!err && !kfk__consumer_enter(c))
        err = kfk__fail(e, KFK_ERR_BUSY, "another thread is in kfk_consumer_poll");
    if (!err) {
        atomic_store_explicit(&c->group.alive_at, KFK__NEVER, memory_order_release);
        err = subscribe(c, &wanted, l, arg, e);
        kfk__consumer_exit(c);
    }
    kfk__wanted_fini(&wanted);
    return err;
}

/* ---- leaving ---- */

void kfk__consumer_close_ears(kfk_consumer *c)
{
    kfk__lock(&c->shared->lock);
    c->group.joined = false;
    kfk__unlock(&c->shared->lock);
    kfk__handover_forget(c, false);
}

/* What is lost already the application hears of. */
static kfk_err serve_lost(kfk_consumer *c, int64_t until, kfk_error *e)
{
    kfk_err err, first = KFK_OK;
    kfk__handover *h;

    while ((h = kfk__handover_first(c)) != NULL) {
        err = serve_one(c, h, until, first ? NULL : e);
        first = first ? first : err;
        kfk__handover_done(c, h);
    }
    return first;
}

kfk_err kfk__consumer_leave(kfk_consumer *c, int64_t until, kfk_error *e)
{
    kfk__handover *all;
    kfk_err err, last;

    if (!atomic_load_explicit(&c->group.is_member, memory_order_acquire))
        return KFK_OK;
    kfk__consumer_show_life(c, KFK__NEVER);
    kfk__consumer_close_ears(c);
    err = serve_lost(c, until, e);
    all = kfk__handover_of_all(c);
    if (!all)
        return kfk__fail_nomem(e);
    all->deadline = until;
    last = all->n > 0 ? serve_revoke(c, all, until, err ? NULL : e) : KFK_OK;
    err = err ? err : last;
    kfk__handover_done(c, all);
    atomic_store_explicit(&c->group.is_member, false, memory_order_release);
    kfk__membership_leave(c->group.membership);
    if (kfk__membership_await_left(c->group.membership, until))
        return err;
    return err ? err
               : kfk__fail(e, KFK_ERR_TIMED_OUT,
                           "the coordinator of group %.200s has not confirmed that it was left",
                           c->fetcher.options.group);
}

static kfk_err unassign_all(kfk_consumer *c)
{
    kfk__list out;

    kfk__list_init(&out);
    kfk__lock(&c->shared->lock);
    kfk__consumer_unassign_all(c->shared, &out);
    kfk__unlock(&c->shared->lock);
    kfk__consumer_drop_all(&out);
    kfk__shared_sweep(c->shared);
    return KFK_OK;
}

kfk_err kfk_consumer_unsubscribe(kfk_consumer *c, int timeout_ms, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err && c->group.serving == c->env.ops->self(c->env.ctx))
        err = kfk__fail(e, KFK_ERR_IN_CALLBACK, "a listener may not change what is subscribed to");
    if (!err && !kfk__consumer_enter(c))
        err = kfk__fail(e, KFK_ERR_BUSY, "another thread is in kfk_consumer_poll");
    if (err)
        return err;
    err = atomic_load_explicit(&c->group.is_member, memory_order_acquire)
              ? kfk__consumer_leave(c, kfk__deadline(kfk__now(&c->env), timeout_ms), e)
              : unassign_all(c);
    kfk__consumer_tell_commits(c);
    kfk__consumer_exit(c);
    return err;
}

kfk_err kfk_consumer_rejoin(kfk_consumer *c, const char *reason, kfk_error *e)
{
    kfk_err err = kfk__consumer_usable(c, e);

    if (!err && !atomic_load_explicit(&c->group.is_member, memory_order_acquire))
        err = kfk__fail(e, KFK_ERR_STATE, "nothing is subscribed to");
    if (!err)
        kfk__membership_rejoin(c->group.membership, reason ? reason : "the application asks for it");
    return err;
}
