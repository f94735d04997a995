#include "sim/rig.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define EVENTS 4
#define CONN_BYTES 512

void rig_start(rig *r, uint64_t seed)
{
    r->s = sim_new(seed);
    failalloc_init(&r->mem);
    r->env = sim_env(r->s);
    r->env.alloc = failalloc_allocator(&r->mem);
}

void rig_end(rig *r)
{
    sim_end end = sim_run(r->s, 60 * SIM_S);

    ck_assert_msg(end == SIM_DONE, "%s", sim_report(r->s));
    ck_assert_uint_eq(failalloc_blocks(&r->mem), 0);
    sim_free(r->s);
}

/* ---- the server ---- */

typedef struct echo_conn {
    struct echo_conn *next;
    kfk__sock *sock;
    size_t at, len; /* of what is still to be sent back */
    char bytes[CONN_BYTES];
} echo_conn;

static void end_conn(echo *e, echo_conn *c)
{
    echo_conn **link = &e->conns;

    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    e->env.ops->sock_close(c->sock);
    kfk__release(&e->env.alloc, c);
}

static void take_conn(echo *e)
{
    echo_conn *c = kfk__zalloc(&e->env.alloc, sizeof *c);
    kfk__sock *sock;

    if (e->env.ops->accept(e->listener, c, &sock, NULL) != 0) {
        kfk__release(&e->env.alloc, c);
        return;
    }
    if (!c) {
        e->env.ops->sock_close(sock);
        return;
    }
    c->sock = sock;
    c->next = e->conns;
    e->conns = c;
    e->accepted++;
}

/* How many bytes went over, or as send and recv say it. */
static ssize_t turn_conn(echo *e, echo_conn *c)
{
    struct iovec v = {c->bytes + c->at, c->len - c->at};
    ssize_t n;

    if (c->at < c->len) {
        n = e->env.ops->send(c->sock, &v, 1);
        c->at += n > 0 ? (size_t)n : 0;
        return n;
    }
    v = (struct iovec){c->bytes, sizeof c->bytes};
    n = e->env.ops->recv(c->sock, &v, 1);
    c->at = 0;
    c->len = n > 0 ? (size_t)n : 0;
    return n;
}

static void on_event(echo *e, const kfk__event *ev)
{
    echo_conn *c = ev->owner;
    ssize_t n;

    if (ev->owner == e) {
        take_conn(e);
        return;
    }
    n = turn_conn(e, c);
    if (n == 0 || (n < 0 && n != -EAGAIN))
        end_conn(e, c);
    else
        e->env.ops->want(c->sock, c->at < c->len ? KFK__EV_WRITE : KFK__EV_READ);
}

static void free_poller(echo *e)
{
    kfk__poller *p;

    kfk__lock(&e->lock);
    p = e->poller;
    e->poller = NULL;
    kfk__unlock(&e->lock);
    e->env.ops->poller_free(p);
}

static bool stopped(echo *e)
{
    bool stop;

    kfk__lock(&e->lock);
    stop = e->stop;
    kfk__unlock(&e->lock);
    return stop;
}

static void echo_main(void *arg)
{
    echo *e = arg;
    kfk__addr at = sim_addr(RIG_SERVER, RIG_PORT);
    kfk__event ev[EVENTS];

    e->rc = e->env.ops->listen(e->poller, &at, e, &e->listener, NULL);
    while (e->rc == 0 && !stopped(e)) {
        int n = e->env.ops->poll(e->poller, ev, EVENTS, KFK__NEVER);

        for (int i = 0; i < n; i++) {
            if (ev[i].what)
                on_event(e, &ev[i]);
        }
    }
    while (e->conns)
        end_conn(e, e->conns);
    if (e->rc == 0)
        e->env.ops->sock_close(e->listener);
    free_poller(e);
}

void echo_start(echo *e, rig *r)
{
    memset(e, 0, sizeof *e);
    e->env = r->env;
    kfk__mutex_init(&e->lock);
    ck_assert_int_eq(e->env.ops->poller_new(e->env.ctx, &e->env.alloc, &e->poller), 0);
    sim_spawn(r->s, RIG_SERVER, "echo", echo_main, e);
}

/* The wake is within the lock, since the poller goes when the thread does. */
void echo_stop(echo *e)
{
    kfk__lock(&e->lock);
    e->stop = true;
    if (e->poller)
        e->env.ops->poller_wake(e->poller);
    kfk__unlock(&e->lock);
}

/* ---- the client ---- */

static int client_wait(client *c, uint32_t what, int64_t until)
{
    c->env.ops->want(c->sock, what);
    return c->env.ops->poll(c->poller, &c->ev, 1, until) == 1 ? 0 : ETIMEDOUT;
}

int client_connect(client *c, const kfk__env *env, const kfk__addr *to, int64_t until)
{
    int rc;

    *c = (client){.env = *env};
    rc = env->ops->poller_new(env->ctx, &env->alloc, &c->poller);
    if (rc == 0)
        rc = env->ops->connect(c->poller, to, NULL, c, &c->sock);
    if (rc == 0)
        rc = client_wait(c, KFK__EV_WRITE, until);
    return rc ? rc : env->ops->sock_error(c->sock);
}

int client_send(client *c, const void *data, size_t n, int64_t until)
{
    struct iovec v = {(void *)(uintptr_t)data, n};

    while (v.iov_len > 0) {
        ssize_t k = c->env.ops->send(c->sock, &v, 1);
        int rc = k == -EAGAIN ? client_wait(c, KFK__EV_WRITE, until) : k < 0 ? (int)-k : 0;

        if (rc)
            return rc;
        if (k > 0)
            v = (struct iovec){(char *)v.iov_base + k, v.iov_len - (size_t)k};
    }
    return 0;
}

int client_recv(client *c, void *data, size_t n, int64_t until)
{
    struct iovec v = {data, n};

    while (v.iov_len > 0) {
        ssize_t k = c->env.ops->recv(c->sock, &v, 1);
        int rc = k == -EAGAIN ? client_wait(c, KFK__EV_READ, until) : k < 0 ? (int)-k : 0;

        if (k == 0)
            return EPIPE;
        if (rc)
            return rc;
        if (k > 0)
            v = (struct iovec){(char *)v.iov_base + k, v.iov_len - (size_t)k};
    }
    return 0;
}

void client_close(client *c)
{
    c->env.ops->sock_close(c->sock);
    c->env.ops->poller_free(c->poller);
}
