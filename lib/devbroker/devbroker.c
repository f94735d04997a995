#include "devbroker/devbroker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "devbroker/broker.h"
#include "devbroker/conn.h"
#include "devbroker/coordinate.h"

enum { REQUEST_MAX = 100 * 1024 * 1024, RETRY_MS = 50, NAME_BYTES = 255 };

static int64_t step(void *self, kfk__event *events, int n, int64_t now);

/* ---- birth and death ---- */

static bool opts_ok(const kfk__devbroker_opts *o)
{
    return o->n_nodes >= 0 && o->n_nodes <= KFK__DEV_NODES_MAX && o->default_partitions >= 0 &&
           o->default_partitions <= KFK__DEV_PARTITIONS_MAX && o->default_replicas >= 0 &&
           o->default_replicas <= (o->n_nodes ? o->n_nodes : 1) && o->request_max >= 0 &&
           o->memory_max >= 0 && o->fetch_sessions >= -1 && o->groups.initial_delay_ms >= 0 &&
           kfk__dev_profile_by_name(o->profile);
}

/* false: too long. */
static bool copy_name(char *to, const char *from)
{
    if (from && strlen(from) > NAME_BYTES)
        return false;
    if (from)
        memcpy(to, from, strlen(from) + 1);
    return true;
}

static bool set_up_nodes(kfk__devbroker *b, const kfk__devbroker_opts *o)
{
    for (int32_t i = 0; i < b->service.cluster.n_nodes; i++) {
        kfk__dev_node *n = &b->service.cluster.nodes[i];

        b->listeners[i] = (kfk__dev_listener){.kind = KFK__DEV_LISTENER, .node = i + 1};
        b->listeners[i].at =
            o->listen ? o->listen[i] : (kfk__addr){.family = 4, .bytes = {127, 0, 0, 1}};
        if (!copy_name(n->host, o->host ? o->host[i] : NULL) ||
            !copy_name(n->rack, o->rack ? o->rack[i] : NULL))
            return false;
        if (o->fetch_sessions)
            kfk__dev_sessions_limit(&n->sessions, o->fetch_sessions);
    }
    return true;
}

static void apply_opts(kfk__devbroker *b, const kfk__devbroker_opts *o)
{
    kfk__dev_cluster *c = &b->service.cluster;

    c->profile = kfk__dev_profile_by_name(o->profile);
    c->auto_create = !o->no_auto_create;
    c->bytes_max = (size_t)o->memory_max;
    if (o->default_partitions)
        c->default_partitions = o->default_partitions;
    if (o->default_replicas)
        c->default_replicas = o->default_replicas;
    if (o->cluster_id)
        kfk__error_set(c->id, sizeof c->id, o->cluster_id, strlen(o->cluster_id));
    kfk__dev_groups_set(&c->groups, &o->groups);
    b->service.heard = o->heard;
    b->service.heard_arg = o->heard_arg;
    b->request_max = o->request_max ? o->request_max : REQUEST_MAX;
}

kfk_err kfk__devbroker_new(kfk__devbroker **out, const kfk__env *env, const kfk__devbroker_opts *o,
                           kfk_error *e)
{
    kfk__devbroker *b;
    int sys;

    if (!opts_ok(o))
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "the embedded broker cannot have these options");
    b = kfk__zalloc(&env->alloc, sizeof *b);
    if (!b)
        return kfk__fail_nomem(e);
    b->env = *env;
    kfk__mutex_init(&b->service.lock);
    kfk__list_init(&b->conns);
    kfk__dev_faults_init(&b->service.faults);
    if (kfk__dev_cluster_init(&b->service.cluster, env, o->n_nodes ? o->n_nodes : 1)) {
        kfk__devbroker_free(b);
        return kfk__fail_nomem(e);
    }
    apply_opts(b, o);
    if (!set_up_nodes(b, o)) {
        kfk__devbroker_free(b);
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "a host name or a rack is longer than %d bytes",
                         NAME_BYTES);
    }
    sys = kfk__loop_init(&b->loop, env, step, b);
    if (sys) {
        kfk__devbroker_free(b);
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, sys, "the embedded broker has no poller");
    }
    *out = b;
    return KFK_OK;
}

static void close_all(kfk__devbroker *b)
{
    for (kfk__list *i; (i = kfk__list_first(&b->conns));)
        kfk__dev_conn_free(KFK__ENTRY(i, kfk__dev_conn, link));
    for (int32_t i = 0; i < b->service.cluster.n_nodes; i++) {
        if (b->listeners[i].sock)
            b->env.ops->sock_close(b->listeners[i].sock);
        b->listeners[i].sock = NULL;
    }
}

void kfk__devbroker_free(kfk__devbroker *b)
{
    kfk_allocator a;

    if (!b)
        return;
    kfk__devbroker_stop(b);
    close_all(b);
    kfk__loop_fini(&b->loop);
    a = b->env.alloc;
    kfk__dev_faults_clear(&b->service.faults, &a);
    kfk__dev_cluster_fini(&b->service.cluster);
    kfk__mutex_fini(&b->service.lock);
    kfk__release(&a, b);
}

/* ---- listeners ---- */

static void format_host(const kfk__addr *a, char *to, size_t size)
{
    const uint8_t *p = a->bytes;

    if (a->family == 4)
        (void)snprintf(to, size, "%d.%d.%d.%d", p[0], p[1], p[2], p[3]);
    else
        (void)snprintf(to, size, "%x:%x:%x:%x:%x:%x:%x:%x", p[0] << 8 | p[1], p[2] << 8 | p[3],
                       p[4] << 8 | p[5], p[6] << 8 | p[7], p[8] << 8 | p[9], p[10] << 8 | p[11],
                       p[12] << 8 | p[13], p[14] << 8 | p[15]);
}

/* The first time, the port that was bound becomes the node's for good. */
static int open_listener(kfk__devbroker *b, kfk__dev_listener *l)
{
    kfk__dev_node *node = &b->service.cluster.nodes[l->node - 1];
    kfk__addr bound;
    int sys = b->env.ops->listen(b->loop.poller, &l->at, l, &l->sock, &bound);

    if (sys) {
        l->sock = NULL;
        return sys;
    }
    if (node->port)
        return 0;
    l->at.port = bound.port;
    kfk__lock(&b->service.lock);
    node->port = bound.port;
    if (!node->host[0])
        format_host(&bound, node->host, sizeof node->host);
    kfk__unlock(&b->service.lock);
    return 0;
}

static void write_bootstrap(kfk__devbroker *b)
{
    size_t at = 0;

    for (int32_t i = 0; i < b->service.cluster.n_nodes; i++) {
        const kfk__dev_node *n = &b->service.cluster.nodes[i];
        bool v6 = strchr(n->host, ':') != NULL;

        at += (size_t)snprintf(b->bootstrap + at, sizeof b->bootstrap - at, "%s%s%s%s:%d",
                               i ? "," : "", v6 ? "[" : "", n->host, v6 ? "]" : "", n->port);
    }
}

kfk_err kfk__devbroker_listen(kfk__devbroker *b, kfk_error *e)
{
    for (int32_t i = 0; i < b->service.cluster.n_nodes; i++) {
        int sys = b->listeners[i].sock ? 0 : open_listener(b, &b->listeners[i]);

        if (sys)
            return kfk__fail_sys(e, KFK_ERR_SYSTEM, sys,
                                 "node %d of the embedded broker cannot listen on port %d",
                                 (int)(i + 1), (int)b->listeners[i].at.port);
    }
    write_bootstrap(b);
    return KFK_OK;
}

const char *kfk__devbroker_bootstrap(const kfk__devbroker *b)
{
    return b->bootstrap;
}

kfk__poller *kfk__devbroker_poller(kfk__devbroker *b)
{
    return b->loop.poller;
}

/* ---- the loop ---- */

static void close_node(kfk__devbroker *b, kfk__dev_listener *l)
{
    b->env.ops->sock_close(l->sock);
    l->sock = NULL;
    l->rest_until = 0;
    for (kfk__list *i = kfk__list_first(&b->conns), *next; i; i = next) {
        kfk__dev_conn *c = KFK__ENTRY(i, kfk__dev_conn, link);

        next = kfk__list_next(&b->conns, i);
        if (c->node == l->node)
            kfk__dev_conn_free(c);
    }
}

/* What has just failed and may go on failing is left alone for a while. */
static void rest(kfk__dev_listener *l, int64_t now)
{
    l->rest_until = now + RETRY_MS * KFK__MS;
}

/* What is due in groups is done, and what has become of the nodes is noted. */
static void look(kfk__devbroker *b, int64_t now)
{
    kfk__dev_cluster *c = &b->service.cluster;

    kfk__lock(&b->service.lock);
    kfk__dev_coordinate(c, now);
    for (int32_t i = 0; i < c->n_nodes; i++) {
        b->listeners[i].stops_seen = c->nodes[i].stops;
        b->listeners[i].up = c->nodes[i].up;
    }
    kfk__unlock(&b->service.lock);
}

static void follow_node(kfk__devbroker *b, kfk__dev_listener *l, int64_t now)
{
    if (l->stops_seen != l->stops && l->sock)
        close_node(b, l);
    l->stops = l->stops_seen;
    if (now < l->rest_until)
        return;
    if (l->sock && l->rest_until)
        b->env.ops->want(l->sock, KFK__EV_READ);
    l->rest_until = 0;
    if (l->up && !l->sock && open_listener(b, l))
        rest(l, now);
}

/* false: no more now. Anything but EAGAIN may last (no descriptors left): the listener rests a
 * while. */
static bool accept_one(kfk__devbroker *b, kfk__dev_listener *l, int64_t now)
{
    kfk__dev_conn *c = kfk__dev_conn_new(&b->service, &b->env, l->node, b->request_max);
    kfk__addr from = {.family = 0};
    int sys = c ? b->env.ops->accept(l->sock, c, &c->sock, &from) : ENOMEM;

    if (sys == 0) {
        kfk__dev_conn_from(c, &from);
        kfk__list_push(&b->conns, &c->link);
        return true;
    }
    if (c) {
        c->sock = NULL;
        kfk__dev_conn_free(c);
    }
    if (sys != EAGAIN) {
        b->env.ops->want(l->sock, 0);
        rest(l, now);
    }
    return false;
}

static void on_event(kfk__devbroker *b, const kfk__event *ev, int64_t now, int64_t wall_ms)
{
    kfk__dev_conn *c;

    if (ev->what == 0)
        return;
    if (*(const kfk__dev_owner *)ev->owner == KFK__DEV_LISTENER) {
        kfk__dev_listener *l = ev->owner;

        while (l->sock && accept_one(b, l, now)) {
        }
        return;
    }
    c = ev->owner;
    if (((ev->what & KFK__EV_READ) && !kfk__dev_conn_read(c)) ||
        !kfk__dev_conn_run(c, now, wall_ms))
        kfk__dev_conn_free(c);
}

/* Runs each connection whose time has come or whose request waits for what has changed. Whether any
 * was. */
static bool run_due(kfk__devbroker *b, int64_t now, int64_t wall_ms)
{
    bool any = false;

    for (kfk__list *i = kfk__list_first(&b->conns), *next; i; i = next) {
        kfk__dev_conn *c = KFK__ENTRY(i, kfk__dev_conn, link);
        bool run;

        next = kfk__list_next(&b->conns, i);
        kfk__lock(&b->service.lock);
        run = kfk__dev_conn_stirred(c);
        kfk__unlock(&b->service.lock);
        if (!run && kfk__dev_conn_due(c) > now)
            continue;
        any = true;
        if (!kfk__dev_conn_run(c, now, wall_ms))
            kfk__dev_conn_free(c);
    }
    return any;
}

static int64_t next_due(kfk__devbroker *b)
{
    int64_t due;

    kfk__lock(&b->service.lock);
    due = kfk__dev_timers_due(&b->service.cluster.groups.timers);
    kfk__unlock(&b->service.lock);
    for (int32_t i = 0; i < b->service.cluster.n_nodes; i++)
        if (b->listeners[i].rest_until)
            due = kfk__sooner(due, b->listeners[i].rest_until);
    for (kfk__list *i = kfk__list_first(&b->conns); i; i = kfk__list_next(&b->conns, i))
        due = kfk__sooner(due, kfk__dev_conn_due(KFK__ENTRY(i, kfk__dev_conn, link)));
    return due;
}

int64_t kfk__devbroker_step(kfk__devbroker *b, const kfk__event *events, int n, int64_t now)
{
    int64_t wall_ms = b->env.ops->wall_ms(b->env.ctx);

    look(b, now);
    for (int32_t i = 0; i < b->service.cluster.n_nodes; i++)
        follow_node(b, &b->listeners[i], now);
    for (int i = 0; i < n; i++)
        on_event(b, &events[i], now, wall_ms);
    while (run_due(b, now, wall_ms)) {
    }
    return next_due(b);
}

static int64_t step(void *self, kfk__event *events, int n, int64_t now)
{
    kfk__devbroker *b = self;
    bool stopping;

    kfk__lock(&b->service.lock);
    stopping = b->stopping;
    kfk__unlock(&b->service.lock);
    if (!stopping)
        return kfk__devbroker_step(b, events, n, now);
    close_all(b);
    return KFK__LOOP_END;
}

kfk_err kfk__devbroker_start(kfk__devbroker *b, kfk_error *e)
{
    kfk_err err = kfk__devbroker_listen(b, e);
    int sys;

    if (err)
        return err;
    b->stopping = false;
    sys = kfk__loop_start(&b->loop, "kfk-broker");
    b->started = sys == 0;
    return sys ? kfk__fail_sys(e, KFK_ERR_SYSTEM, sys, "the embedded broker has no thread")
               : KFK_OK;
}

void kfk__devbroker_stop(kfk__devbroker *b)
{
    if (!b->started)
        return;
    kfk__lock(&b->service.lock);
    b->stopping = true;
    kfk__unlock(&b->service.lock);
    kfk__loop_wake(&b->loop);
    (void)kfk__loop_join(&b->loop, KFK__NEVER);
    b->started = false;
}
