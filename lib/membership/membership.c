#include "membership/membership.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static void destroy(kfk__membership *s)
{
    kfk_allocator a = s->env.alloc;

    kfk__client_metrics_fini(&s->member.client.metrics);
    kfk__loop_fini(&s->loop);
    kfk__wanted_fini(&s->wanted);
    kfk__mutex_fini(&s->lock);
    kfk__release(&a, s);
}

static void drop(kfk__membership *s)
{
    if (atomic_fetch_sub_explicit(&s->owners, 1, memory_order_acq_rel) == 1)
        destroy(s);
}

/* ---- the thread ---- */

/* What has come, taken out of the mailbox. */
typedef struct mail {
    bool has_wanted, has_rejoin, has_refused, leaves;
    kfk__wanted wanted;
    char reason[160];
    kfk_err refused;
    int32_t refused_generation;
    uint64_t done;
} mail;

static void take_mail(kfk__membership *s, mail *m)
{
    kfk__wanted_init(&m->wanted, &s->env.alloc);
    kfk__lock(&s->lock);
    m->has_wanted = s->has_wanted;
    m->has_rejoin = s->has_rejoin;
    m->has_refused = s->has_refused;
    m->leaves = s->leaves;
    m->refused = s->refused;
    m->refused_generation = s->refused_generation;
    m->done = s->done;
    memcpy(m->reason, s->reason, sizeof m->reason);
    kfk__wanted_move(&m->wanted, &s->wanted);
    s->has_wanted = s->has_rejoin = s->has_refused = s->leaves = false;
    kfk__unlock(&s->lock);
}

/* In the order in which they matter: a turn that is done comes before what follows it. */
static void read_mail(kfk__membership *s, int64_t now)
{
    mail m;

    take_mail(s, &m);
    kfk__member_done(&s->member, m.done, now);
    if (m.has_refused)
        kfk__member_refused(&s->member, m.refused, m.refused_generation, now);
    if (m.leaves)
        kfk__member_leave(&s->member, now);
    if (m.has_wanted)
        kfk__member_subscribe(&s->member, &m.wanted, now);
    if (m.has_rejoin)
        kfk__member_rejoin(&s->member, m.reason, now);
    kfk__wanted_fini(&m.wanted);
}

static void tell_left(kfk__membership *s)
{
    kfk__lock(&s->lock);
    if (!s->leaves && !s->has_wanted)
        atomic_store_explicit(&s->left, true, memory_order_release);
    if (s->waiter)
        s->env.ops->wake(s->env.ctx, s->waiter);
    kfk__unlock(&s->lock);
    if (s->member.host.left)
        s->member.host.left(s->member.host.owner);
}

static int64_t step(void *self, kfk__event *ev, int n, int64_t now)
{
    kfk__membership *s = self;
    int64_t until;

    if (atomic_load_explicit(&s->ending, memory_order_acquire)) {
        kfk__member_fini(&s->member, now);
        tell_left(s);
        drop(s);
        return KFK__LOOP_END;
    }
    read_mail(s, now);
    until = kfk__member_step(&s->member, ev, n, now);
    if (s->member.left && !atomic_load_explicit(&s->left, memory_order_relaxed))
        tell_left(s);
    return until;
}

/* ---- new, free ---- */

kfk_err kfk__membership_new(kfk__membership **out, const kfk__env *env, const kfk__member_options *o,
                            const kfk__client_options *co, const kfk__member_host *host,
                            kfk_thread_fn *told, void *told_arg, kfk_error *e)
{
    kfk__membership *s = kfk__zalloc(&env->alloc, sizeof *s);
    int err;

    if (!s)
        return kfk__fail_nomem(e);
    s->env = *env;
    s->client_options = *co;
    s->client_options.subsystem = "group";
    atomic_init(&s->owners, 2);
    kfk__mutex_init(&s->lock);
    kfk__wanted_init(&s->wanted, &s->env.alloc);
    err = kfk__loop_init(&s->loop, &s->env, step, s);
    if (err) {
        kfk__release(&env->alloc, s);
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no poller");
    }
    if (kfk__member_init(&s->member, &s->env, o, &s->client_options, host, s->loop.poller)) {
        destroy(s);
        return kfk__fail_nomem(e);
    }
    s->loop.told = told;
    s->loop.told_arg = told_arg;
    err = kfk__loop_start(&s->loop, "kfk-coordinator");
    if (err) {
        kfk__member_fini(&s->member, 0);
        destroy(s);
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no thread");
    }
    *out = s;
    return KFK_OK;
}

void kfk__membership_free(kfk__membership *s)
{
    if (!s)
        return;
    atomic_store_explicit(&s->ending, true, memory_order_release);
    kfk__loop_wake(&s->loop);
    (void)kfk__loop_join(&s->loop, KFK__NEVER);
    drop(s);
}

/* ---- the mailbox ---- */

void kfk__membership_subscribe(kfk__membership *s, kfk__wanted *wanted)
{
    kfk__lock(&s->lock);
    kfk__wanted_move(&s->wanted, wanted);
    s->has_wanted = true; /* after a leave that nobody has read yet */
    atomic_store_explicit(&s->left, false, memory_order_relaxed);
    kfk__unlock(&s->lock);
    kfk__loop_wake(&s->loop);
}

void kfk__membership_done(kfk__membership *s, uint64_t number)
{
    kfk__lock(&s->lock);
    if (number > s->done)
        s->done = number;
    kfk__unlock(&s->lock);
    kfk__loop_wake(&s->loop);
}

void kfk__membership_rejoin(kfk__membership *s, const char *reason)
{
    kfk__lock(&s->lock);
    s->has_rejoin = true;
    kfk__error_set(s->reason, sizeof s->reason, reason ? reason : "", reason ? strlen(reason) : 0);
    kfk__unlock(&s->lock);
    kfk__loop_wake(&s->loop);
}

void kfk__membership_refused(kfk__membership *s, kfk_err code, int32_t generation)
{
    kfk__lock(&s->lock);
    s->has_refused = true;
    s->refused = code;
    s->refused_generation = generation;
    kfk__unlock(&s->lock);
    kfk__loop_wake(&s->loop);
}

void kfk__membership_stir(kfk__membership *s)
{
    kfk__loop_wake(&s->loop);
}

void kfk__membership_leave(kfk__membership *s)
{
    kfk__lock(&s->lock);
    s->leaves = true;
    s->has_wanted = false;
    atomic_store_explicit(&s->left, false, memory_order_relaxed);
    kfk__unlock(&s->lock);
    kfk__loop_wake(&s->loop);
}

static void set_waiter(kfk__membership *s, kfk__waiter *w)
{
    kfk__lock(&s->lock);
    s->waiter = w;
    kfk__unlock(&s->lock);
}

bool kfk__membership_await_left(kfk__membership *s, int64_t until)
{
    const kfk__env *env = &s->env;
    bool in_time = true;
    kfk__waiter w;

    if (env->ops->waiter_init(env->ctx, &w))
        return false;
    set_waiter(s, &w);
    while (in_time && !atomic_load_explicit(&s->left, memory_order_acquire))
        in_time = env->ops->wait(env->ctx, &w, until);
    set_waiter(s, NULL);
    env->ops->waiter_fini(env->ctx, &w);
    return atomic_load_explicit(&s->left, memory_order_acquire);
}
