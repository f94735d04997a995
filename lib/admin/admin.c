/* The public face of the admin handle: properties, the life of its thread, calls' way to it.
 *
 *   new ──> OPEN ──close(t)──> CLOSING ── no call waits, or t is over ──> ENDED ──free──> gone
 *
 * The client belongs to the thread; what is posted and who waits for the end, to the lock. */
#include <kfk/admin.h>

#include "admin/admin_env.h"
#include "admin/op.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "config/config.h"
#include "net/env_posix.h"
#include "net/loop.h"

/* How much longer than its timeout a close waits for the thread to say that it has ended. */
#define CLOSE_GRACE (500 * KFK__MS)

struct kfk_admin {
    kfk__env env;
    unsigned forks; /* kfk__fork_count when it was made */
    int64_t api_timeout_ms;
    kfk_config *config;
    kfk__client_options client_options;
    kfk__client client;
    kfk__loop loop;

    kfk__mutex lock;   /* guards all below, and the ops' |done| */
    kfk__list posted;  /* ops that the thread has not seen yet */
    int32_t n_waiting; /* ops posted and not done */
    bool closing;
    int64_t close_deadline; /* when the thread ends what is left */
    bool over;              /* the client is gone, or going */
    bool cut;               /* some ops were ended by the close */
    bool ended;
    kfk__list closers;
};

/* One who waits in close. */
typedef struct closer {
    kfk__list link;
    kfk__waiter waiter;
} closer;

static bool is_forked(const kfk_admin *a)
{
    return a->forks != kfk__fork_count();
}

static kfk_err forked(kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_FORKED,
                     "the admin handle belongs to the process before fork(); make a new one");
}

/* ---- the thread ---- */

static void finish(kfk__admin_op *op, const kfk_error *error)
{
    kfk_admin *a = op->admin;

    op->error = *error;
    kfk__lock(&a->lock);
    op->done = true;
    a->n_waiting--;
    /* Under the lock: once it is let go, the op may be gone. */
    a->env.ops->wake(a->env.ctx, &op->waiter);
    kfk__unlock(&a->lock);
}

void kfk__admin_done(kfk__call *c, const kfk_error *e, int64_t now)
{
    (void)now;
    finish(c->owner, e);
}

static void start(kfk_admin *a, kfk__admin_op *op, int64_t now)
{
    kfk__call *call = kfk__client_call(&a->client, op->ops, op, op->target, op->deadline);
    kfk_error e;

    if (call) {
        call->route = op->route;
        call->repeatable = op->repeatable;
        call->last = op->again;
        if (op->again.code)
            call->not_before = kfk__client_retry_at(&a->client, &op->retry, op->again.code, now);
        return;
    }
    (void)kfk__fail_nomem(&e);
    finish(op, &e);
}

/* Nothing waits any more, or nothing may. */
static void end(kfk_admin *a, int64_t now)
{
    kfk__lock(&a->lock);
    a->over = true;
    a->cut = a->n_waiting > 0;
    kfk__unlock(&a->lock);
    kfk__client_fini(&a->client, now);
    kfk__lock(&a->lock);
    a->ended = true;
    for (kfk__list *at = a->closers.next; at != &a->closers; at = at->next)
        a->env.ops->wake(a->env.ctx, &KFK__ENTRY(at, closer, link)->waiter);
    kfk__unlock(&a->lock);
}

static void updated(void *owner, int64_t now)
{
    (void)owner;
    (void)now;
}

static int64_t step(void *self, kfk__event *ev, int n, int64_t now)
{
    kfk_admin *a = self;
    int64_t until, deadline = KFK__NEVER;
    kfk__list posted, *at;
    bool over;

    kfk__list_init(&posted);
    kfk__lock(&a->lock);
    kfk__list_splice(&posted, &a->posted);
    kfk__unlock(&a->lock);
    while ((at = kfk__list_pop(&posted)) != NULL)
        start(a, KFK__ENTRY(at, kfk__admin_op, link), now);
    kfk__client_events(&a->client, ev, n, now);
    until = kfk__client_tick(&a->client, now);
    kfk__lock(&a->lock);
    if (a->closing)
        deadline = a->close_deadline;
    over = a->closing && kfk__list_empty(&a->posted) && (a->n_waiting == 0 || now >= deadline);
    kfk__unlock(&a->lock);
    if (over) {
        end(a, now);
        return KFK__LOOP_END;
    }
    return until < deadline ? until : deadline;
}

/* ---- calls ---- */

const kfk_allocator *kfk__admin_allocator(const kfk_admin *a)
{
    return &a->env.alloc;
}

kfk__client *kfk__admin_client(kfk_admin *a)
{
    return &a->client;
}

kfk_err kfk__admin_begin(kfk_admin *a, kfk__admin_op *op, int timeout_ms, kfk_error *e)
{
    int64_t ms, most;

    if (!a)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "the admin handle is NULL");
    if (is_forked(a))
        return forked(e);
    ms = timeout_ms < 0 ? a->api_timeout_ms : timeout_ms;
    most = a->client_options.request_timeout_ms;
    *op = (kfk__admin_op){.target = KFK__TO_ANY,
                          .repeatable = true,
                          .deadline = kfk__deadline(kfk__now(&a->env), ms),
                          .broker_ms = (int32_t)(ms < most ? ms : most),
                          .admin = a};
    kfk__error_clear(&op->again);
    return KFK_OK;
}

/* false: the handle is closing. */
static bool post(kfk_admin *a, kfk__admin_op *op)
{
    bool open;

    op->done = false;
    kfk__lock(&a->lock);
    open = !a->closing;
    if (open) {
        kfk__list_push(&a->posted, &op->link);
        a->n_waiting++;
    }
    kfk__unlock(&a->lock);
    if (open)
        kfk__loop_wake(&a->loop);
    return open;
}

/* The thread ends every op by its deadline, so that there is none here. */
static void await(kfk_admin *a, kfk__admin_op *op)
{
    bool done = false;

    while (!done) {
        (void)a->env.ops->wait(a->env.ctx, &op->waiter, KFK__NEVER);
        kfk__lock(&a->lock);
        done = op->done;
        kfk__unlock(&a->lock);
    }
}

kfk_err kfk__admin_run(kfk__admin_op *op, const kfk__call_ops *ops)
{
    kfk_admin *a = op->admin;

    op->ops = ops;
    if (a->env.ops->waiter_init(a->env.ctx, &op->waiter))
        return kfk__fail_nomem(&op->error);
    if (post(a, op))
        await(a, op);
    else
        (void)kfk__fail(&op->error, KFK_ERR_CLOSED, "the admin handle is closed");
    a->env.ops->waiter_fini(a->env.ctx, &op->waiter);
    return op->error.code;
}

/* ---- new ---- */

/* The parts, once the configuration is there. On an error nothing is left but |a| and its config.
 */
static kfk_err make_parts(kfk_admin *a, kfk_error *e)
{
    int err = kfk__loop_init(&a->loop, &a->env, step, a);

    if (err)
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no poller");
    if (kfk__client_init(&a->client, &a->env, &a->client_options, a->loop.poller, updated, a)) {
        kfk__loop_fini(&a->loop);
        return kfk__fail_nomem(e);
    }
    a->loop.told = a->config->hooks.thread;
    a->loop.told_arg = a->config->log.arg;
    err = kfk__loop_start(&a->loop, "kfk-admin");
    if (!err)
        return KFK_OK;
    kfk__client_fini(&a->client, 0);
    kfk__loop_fini(&a->loop);
    return kfk__fail_sys(e, KFK_ERR_SYSTEM, err, "no thread");
}

kfk_err kfk__admin_new_in(kfk_admin **out, const kfk__env *env, const kfk_config *c, kfk_error *e)
{
    kfk_admin *a = kfk__zalloc(&env->alloc, sizeof *a);
    kfk_err err;

    if (!a)
        return kfk__fail_nomem(e);
    a->env = *env;
    kfk__mutex_init(&a->lock);
    kfk__list_init(&a->posted);
    kfk__list_init(&a->closers);
    a->config = kfk__config_copy(c, &a->env.alloc);
    err = a->config ? kfk__config_check(a->config, KFK_ROLE_ADMIN, e) : kfk__fail_nomem(e);
    if (!err) {
        a->forks = kfk__fork_count(); /* the log function may have forked */
        kfk__client_options_read(&a->client_options, a->config, "admin");
        a->api_timeout_ms = kfk__config_int(a->config, KFK__P_DEFAULT_API_TIMEOUT_MS);
        err = make_parts(a, e);
    }
    if (err) {
        kfk__client_metrics_fini(&a->client.metrics);
        kfk__mutex_fini(&a->lock);
        kfk_config_free(a->config);
        kfk__release(&env->alloc, a);
        return err;
    }
    *out = a;
    return KFK_OK;
}

kfk_err kfk_admin_new(kfk_admin **out, const kfk_config *c, kfk_error *e)
{
    kfk__env env;
    kfk_err err;

    if (!out || !c)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_new: out or c is NULL");
    err = kfk__env_handle(&env, &c->alloc, e);
    if (err)
        return err;
    err = kfk__admin_new_in(out, &env, c, e);
    kfk__ledger_settle(&env.alloc);
    return err;
}

/* ---- close, free ---- */

/* The thread is to end, at |deadline| at the latest; an earlier deadline holds. */
static void start_close(kfk_admin *a, int64_t deadline)
{
    kfk__lock(&a->lock);
    if (!a->closing || deadline < a->close_deadline)
        a->close_deadline = deadline;
    a->closing = true;
    kfk__unlock(&a->lock);
    kfk__loop_wake(&a->loop);
}

static bool await_end(kfk_admin *a, int64_t until)
{
    bool ended, in_time = true;
    closer c;

    if (a->env.ops->waiter_init(a->env.ctx, &c.waiter))
        return false;
    kfk__lock(&a->lock);
    kfk__list_push(&a->closers, &c.link);
    ended = a->ended;
    kfk__unlock(&a->lock);
    while (!ended && in_time) {
        in_time = a->env.ops->wait(a->env.ctx, &c.waiter, until);
        kfk__lock(&a->lock);
        ended = a->ended;
        kfk__unlock(&a->lock);
    }
    kfk__lock(&a->lock);
    kfk__list_remove(&c.link);
    kfk__unlock(&a->lock);
    a->env.ops->waiter_fini(a->env.ctx, &c.waiter);
    return ended;
}

kfk_err kfk_admin_close(kfk_admin *a, int timeout_ms, kfk_error *e)
{
    int64_t deadline;

    if (!a)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_close: the handle is NULL");
    if (is_forked(a))
        return forked(e);
    deadline = kfk__deadline(kfk__now(&a->env), timeout_ms);
    start_close(a, deadline);
    if (!await_end(a, deadline < KFK__NEVER - CLOSE_GRACE ? deadline + CLOSE_GRACE : KFK__NEVER))
        return kfk__fail(e, KFK_ERR_TIMED_OUT, "the thread had not ended after %d ms", timeout_ms);
    if (a->cut)
        return kfk__fail(e, KFK_ERR_TIMED_OUT, "calls were still waiting after %d ms", timeout_ms);
    return KFK_OK;
}

void kfk_admin_free(kfk_admin *a)
{
    kfk_allocator alloc;

    if (!a)
        return;
    if (is_forked(a)) {
        kfk_config_free(a->config); /* nobody changes it; passwords are cleared */
        kfk__ledger_abandon(&a->env.alloc);
        return;
    }
    start_close(a, 0);
    (void)kfk__loop_join(&a->loop, KFK__NEVER);
    kfk__client_metrics_fini(&a->client.metrics);
    kfk__loop_fini(&a->loop);
    kfk__mutex_fini(&a->lock);
    kfk_config_free(a->config);
    alloc = a->env.alloc;
    kfk__release(&alloc, a);
}

kfk_err kfk_admin_last_error(kfk_admin *a, kfk_error *e)
{
    kfk_err err = KFK_OK;

    if (!a)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_last_error: the handle is NULL");
    if (is_forked(a))
        return forked(e);
    kfk__lock(&a->lock);
    if (!a->over)
        err = kfk__client_last_error(&a->client, e);
    kfk__unlock(&a->lock);
    return err;
}

kfk_err kfk_admin_metrics(kfk_admin *a, kfk_metric_fn *fn, void *arg)
{
    kfk__visitor v;

    if (!a || !fn)
        return KFK_ERR_INVALID_ARG;
    if (is_forked(a))
        return KFK_ERR_FORKED;
    kfk__client_metrics_begin(&a->client.metrics, &v, fn, arg);
    kfk__client_metrics_visit(&a->client.metrics, &v);
    return KFK_OK;
}
