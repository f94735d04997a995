/* simenv: the env of a simulation: its time, its chance, its threads and its waiters, and the table
 * that holds them. Contracts: base/env.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/core.h"
#include "sim/hb.h"
#include "sim/link.h"
#include "sim/simpoll.h"

#define WALL_START_MS INT64_C(1700000000000)

/* ---- time and chance ---- */

static int64_t now_ns(void *ctx)
{
    return sim_now(ctx);
}

static int64_t wall_ms(void *ctx)
{
    const sim *s = ctx;

    return WALL_START_MS + s->wall_offset_ms + s->now / SIM_MS;
}

static const void *self(void *ctx)
{
    const sim *s = ctx;

    return s->current;
}

static void random_bytes(void *ctx, void *out, size_t n)
{
    unsigned char *p = out;

    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(sim_random(ctx) >> 56);
}

/* ---- threads ---- */

struct kfk__thread {
    kfk_allocator alloc;
    void (*body)(void *arg);
    void *arg;
    sim_task *task;
    sim_task *joiner;
    bool ended, orphaned;
};

static void thread_free(kfk__thread *t)
{
    kfk_allocator a = t->alloc;

    kfk__release(&a, t);
}

static void thread_main(void *arg)
{
    kfk__thread *t = arg;

    t->body(t->arg);
    sim_hb_release(t);
    sim_hb_quiet_begin();
    t->ended = true;
    if (t->joiner)
        sim_unpark(t->joiner);
    if (t->orphaned)
        thread_free(t);
    sim_hb_quiet_end();
}

static bool spawn_fails(sim *s)
{
    return s->spawn_fails_in > 0 && --s->spawn_fails_in == 0;
}

static int spawn(void *ctx, const kfk_allocator *a, const char *name, void (*body)(void *arg),
                 void *arg, kfk__thread **out)
{
    sim *s = ctx;
    kfk__thread *t;

    sim_check_unlocked(s, "spawn");
    if (spawn_fails(s))
        return EAGAIN;
    sim_hb_quiet_begin();
    t = kfk__zalloc(a, sizeof *t);
    if (t) {
        t->alloc = *a;
        t->body = body;
        t->arg = arg;
        t->task = sim_task_new(s, name, s->current ? s->current->host : 1, thread_main, t);
        *out = t;
    }
    sim_hb_quiet_end();
    if (t && s->current)
        sim_yield(s);
    return t ? 0 : ENOMEM;
}

static void park_for_end(sim *s, kfk__thread *t, int64_t until)
{
    sim_task *me = sim_self(s, "join");

    if (t->task == me)
        sim_die(s, "joins itself");
    t->joiner = me;
    me->joining = t->task;
    (void)sim_park(s, "join", until);
    me->joining = NULL;
    t->joiner = NULL;
}

static bool join(void *ctx, kfk__thread *t, int64_t until)
{
    sim *s = ctx;
    bool ended;

    sim_check_unlocked(s, "join");
    if (s->current)
        sim_yield(s);
    if (!t->ended && until > s->now)
        park_for_end(s, t, until);
    ended = t->ended;
    if (!ended) {
        t->orphaned = true;
        return false;
    }
    sim_hb_acquire(t);
    sim_hb_quiet_begin();
    thread_free(t);
    sim_hb_quiet_end();
    return true;
}

/* ---- waiters ---- */

#define WAITER_MAGIC UINT32_C(0x77616974)

typedef struct waiter {
    uint32_t magic;
    bool woken;
    sim_task *sleeper;
} waiter;

_Static_assert(sizeof(waiter) <= sizeof(((kfk__waiter *)0)->space), "fits");

static waiter *waiter_of(const sim *s, kfk__waiter *w, const char *what)
{
    waiter *mine = (waiter *)(void *)w->space.bytes;

    if (mine->magic != WAITER_MAGIC)
        sim_die(s, "%s of what is no waiter, or none any more", what);
    return mine;
}

static int waiter_init(void *ctx, kfk__waiter *w)
{
    waiter *mine = (waiter *)(void *)w->space.bytes;

    (void)ctx;
    *mine = (waiter){.magic = WAITER_MAGIC};
    return 0;
}

static void waiter_fini(void *ctx, kfk__waiter *w)
{
    waiter *mine = waiter_of(ctx, w, "waiter_fini");

    if (mine->sleeper)
        sim_die(ctx, "waiter_fini, but %s sleeps on it", mine->sleeper->name);
    mine->magic = 0;
}

static bool wait_on(void *ctx, kfk__waiter *w, int64_t until)
{
    sim *s = ctx;
    waiter *mine = waiter_of(s, w, "wait");
    bool woken;

    sim_check_unlocked(s, "wait");
    if (mine->sleeper)
        sim_die(s, "wait, but %s sleeps there", mine->sleeper->name);
    sim_yield(s);
    if (!mine->woken && until > s->now) {
        mine->sleeper = s->current;
        (void)sim_park(s, "wait", until);
        mine->sleeper = NULL;
    }
    woken = mine->woken;
    mine->woken = false;
    if (woken)
        sim_hb_acquire(w);
    return woken;
}

/* Once others go on, |w| may be gone. */
static void wake(void *ctx, kfk__waiter *w)
{
    waiter *mine = waiter_of(ctx, w, "wake");

    sim_hb_release(w);
    mine->woken = true;
    if (mine->sleeper)
        sim_unpark(mine->sleeper);
    sim_point(ctx);
}

/* ---- the table ---- */

static const kfk__env_ops ops = {
    .now_ns = now_ns,
    .wall_ms = wall_ms,
    .self = self,
    .random = random_bytes,
    .spawn = spawn,
    .join = join,
    .waiter_init = waiter_init,
    .waiter_fini = waiter_fini,
    .wait = wait_on,
    .wake = wake,
    .poller_new = sim_poller_new,
    .poller_free = sim_poller_free,
    .poll = sim_poll,
    .poller_wake = sim_poller_wake,
    .poller_fd = sim_poller_fd,
    .connect = sim_connect,
    .listen = sim_listen,
    .accept = sim_accept,
    .sock_error = sim_sock_error,
    .send = sim_send,
    .recv = sim_recv,
    .want = sim_want,
    .sock_close = sim_sock_close,
    .resolve = sim_resolve,
    .resolved = sim_resolved,
    .job_end = sim_job_end,
};

sim *sim_new(uint64_t seed)
{
    sim *s = sim_alloc(sizeof *s);

    sim_init(s, seed);
    s->net = simnet_new(s);
    return s;
}

void sim_free(sim *s)
{
    if (!s)
        return;
    simnet_free(s->net);
    sim_fini(s);
    free(s);
}

kfk__env sim_env(sim *s)
{
    kfk__env env = {.ops = &ops, .ctx = s, .alloc = kfk__malloc_allocator};

    return env;
}
