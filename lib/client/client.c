#include "client/client.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "client/bootstrap.h"

/* So long a connection that is being made is waited for before another broker is tried as well. */
#define PATIENCE (1000 * KFK__MS)

/* ---- nodes ---- */

static kfk__node *add_node(kfk__client *c, int32_t id, const char *name, size_t len, uint16_t port,
                           bool advertised)
{
    kfk__node *n = kfk__node_new(&c->host, id, name, len, port, advertised);

    if (!n)
        return NULL;
    if (!kfk__map_put(&c->by_id, &n->id, sizeof n->id, n)) {
        kfk__node_free(n, 0);
        return NULL;
    }
    kfk__list_push(&c->nodes, &n->link);
    return n;
}

static void doom(kfk__client *c, kfk__node *n)
{
    kfk__map_remove(&c->by_id, &n->id, sizeof n->id);
    n->doomed = true;
}

static void add_bootstrap(void *owner, int index, const char *host, size_t len, uint16_t port)
{
    (void)add_node(owner, -1 - index, host, len, port, false);
}

/* Whether there is anybody to ask. */
static bool has_nodes(const kfk__client *c)
{
    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next)
        if (!KFK__ENTRY(at, kfk__node, link)->doomed)
            return true;
    return false;
}

/* Begins again from bootstrap.servers. KFK_ERR_NOMEM: not one of them. */
static kfk_err bootstrap(kfk__client *c)
{
    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next) {
        kfk__node *n = KFK__ENTRY(at, kfk__node, link);

        if (!n->doomed)
            doom(c, n);
    }
    c->bootstrapped = false;
    (void)kfk__bootstrap_each(c->options->bootstrap, add_bootstrap, c);
    return has_nodes(c) ? KFK_OK : KFK_ERR_NOMEM;
}

static void node_up(void *owner, kfk__node *n, int64_t now)
{
    kfk__client *c = owner;

    (void)now;
    kfk__standing_up(&c->standing, n->id < 0 ? -1 : n->id);
}

static void node_throttled(void *owner, kfk__node *n, int64_t ms)
{
    const kfk__client *c = owner;

    if (c->throttled)
        c->throttled(c->owner, n->id, ms);
}

static void node_down(void *owner, kfk__node *n, const kfk_error *error, int64_t now)
{
    kfk__client *c = owner;

    (void)n;
    (void)now;
    kfk__client_error(c, error->code);
    kfk__standing_down(&c->standing, error);
    /* A broker that is gone may have lost its partitions to others. */
    kfk__metadata_stale(&c->metadata, NULL);
}

kfk__node *kfk__client_node(const kfk__client *c, int32_t id)
{
    return kfk__map_get(&c->by_id, &id, sizeof id);
}

kfk__node *kfk__client_line(kfk__client *c, int32_t id, kfk_bytes host, uint16_t port)
{
    kfk__node *n = kfk__node_new(&c->host, id, host.data, host.len, port, true);

    if (n)
        kfk__list_push(&c->lines, &n->link);
    return n;
}

void kfk__client_hang_up(kfk__client *c, kfk__node *line)
{
    line->doomed = true;
    c->host.stirred = true;
}

/* Whether |a| is the better one to ask. Ready ones with least to do; else the one that was tried longest ago. */
static bool better(const kfk__node *a, const kfk__node *b, int64_t now)
{
    bool ra = a->state == KFK__NODE_READY && now >= a->exchange.throttled_until;
    bool rb = b->state == KFK__NODE_READY && now >= b->exchange.throttled_until;

    if (ra != rb)
        return ra;
    return ra ? a->exchange.n < b->exchange.n : a->attempted_at < b->attempted_at;
}

kfk__node *kfk__client_any(kfk__client *c, int64_t now, int64_t *again)
{
    kfk__node *best = NULL;
    bool coming = false;

    *again = KFK__NEVER;
    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next) {
        kfk__node *n = KFK__ENTRY(at, kfk__node, link);
        int64_t ready_at = kfk__node_ready_at(n), patience = n->attempted_at + PATIENCE;

        if (n->doomed)
            continue;
        if (n->state != KFK__NODE_IDLE && n->state != KFK__NODE_READY) {
            /* How it ends is an event; only how long to wait for that alone is a matter of time. */
            if (patience > now) {
                coming = true;
                *again = patience < *again ? patience : *again;
            }
        } else if (ready_at > now) {
            *again = ready_at < *again ? ready_at : *again;
        } else if (!best || better(n, best, now)) {
            best = n;
        }
    }
    if (!best || (best->state == KFK__NODE_IDLE && coming))
        return NULL;
    if (kfk__node_ready(best, now))
        return best;
    /* It is being connected to now, or that has failed at once. */
    *again = now + PATIENCE < *again ? now + PATIENCE : *again;
    return NULL;
}

/* Whether every broker that is known has failed and waits for its next attempt. */
static bool all_down(const kfk__client *c)
{
    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next) {
        const kfk__node *n = KFK__ENTRY(at, kfk__node, link);

        if (!n->doomed && (n->state != KFK__NODE_IDLE || n->failures == 0))
            return false;
    }
    return true;
}

/* ---- what is counted ---- */

int64_t kfk__client_retry_at(kfk__client *c, kfk__retry *r, kfk_err why, int64_t now)
{
    kfk__codes_add(&c->metrics.retries, why);
    return kfk__retry_at(r, &c->options->retry, why, c->env, now);
}

void kfk__client_error(kfk__client *c, kfk_err code)
{
    kfk__codes_add(&c->metrics.errors, code);
}

/* ---- metadata ---- */

kfk__topic_info *kfk__client_topic(kfk__client *c, const char *name, size_t len, int64_t now)
{
    size_t known = c->metadata.by_name.n;
    kfk__topic_info *t = kfk__metadata_topic(&c->metadata, name, len, now);

    /* The backoff is between two answers about the same: who asks for the first time has had none. */
    if (c->metadata.by_name.n > known && c->metadata_at > now)
        c->metadata_at = now;
    return t;
}

void kfk__client_refresh(kfk__client *c, kfk__topic_info *t)
{
    kfk__metadata_stale(&c->metadata, t);
}

static bool same_address(const kfk__node *n, const kfk__metadata_response_broker *b)
{
    return n->port == b->port && strlen(n->name) == b->host.len &&
           memcmp(n->name, b->host.data, b->host.len) == 0;
}

/* The node for a broker: the one it has already, the bootstrap connection if it leads to the very same address, or a
 * new one. false: no memory. */
static bool keep_broker(kfk__client *c, const kfk__metadata_response_broker *b)
{
    kfk__node *n = kfk__client_node(c, b->node_id);

    if (b->node_id < 0 || b->port < 0 || b->port > UINT16_MAX || b->host.len == 0)
        return true;
    if (n && same_address(n, b)) {
        n->doomed = false;
        return true;
    }
    if (n)
        doom(c, n);
    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next) {
        n = KFK__ENTRY(at, kfk__node, link);
        if (n->id >= 0 || !same_address(n, b))
            continue;
        if (kfk__client_node(c, n->id) == n)
            kfk__map_remove(&c->by_id, &n->id, sizeof n->id);
        n->doomed = !kfk__node_identify(n, b->node_id) ||
                    !kfk__map_put(&c->by_id, &n->id, sizeof n->id, n);
        return !n->doomed;
    }
    return add_node(c, b->node_id, b->host.data, b->host.len, (uint16_t)b->port, true) != NULL;
}

bool kfk__client_hint(kfk__client *c, kfk__topic_info *t, int32_t partition, const kfk__hint *h)
{
    const kfk__metadata_response_broker at = {
        .node_id = h->leader, .host = h->host, .port = h->port};

    if (!kfk__metadata_hint(t, partition, h->leader, h->epoch))
        return false;
    (void)keep_broker(c, &at); /* no memory: who looks for it asks for metadata */
    return true;
}

/* Who is not in the cluster any more cannot be what stands in the way. */
static void forget_standing(kfk__client *c)
{
    kfk_error e;

    if (kfk__standing_connection(&c->standing, &e) && e.broker_id >= 0 &&
        !kfk__client_node(c, e.broker_id))
        kfk__standing_up(&c->standing, e.broker_id);
}

static void keep_brokers(kfk__client *c, const kfk__metadata_response *rs)
{
    bool all = true;

    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next)
        KFK__ENTRY(at, kfk__node, link)->doomed = true;
    for (int32_t i = 0; i < rs->brokers.n; i++)
        all &= keep_broker(c, &rs->brokers.v[i]);
    for (kfk__list *at = c->nodes.next; at != &c->nodes; at = at->next) {
        kfk__node *n = KFK__ENTRY(at, kfk__node, link);

        if (n->doomed && kfk__client_node(c, n->id) == n)
            kfk__map_remove(&c->by_id, &n->id, sizeof n->id);
    }
    c->bootstrapped = true;
    /* Nobody connects to a broker that is not there, so that nobody would ask for metadata because of it. */
    if (!all || !has_nodes(c))
        kfk__metadata_stale(&c->metadata, NULL);
    forget_standing(c);
}

static void metadata_again(kfk__client *c, kfk_err why, int64_t now)
{
    kfk__metadata_stale(&c->metadata, NULL);
    c->metadata_at = kfk__client_retry_at(c, &c->metadata_retry, why, now);
}

static void metadata_reply(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    kfk__client *c = owner;
    const kfk__metadata_response *rs = reply->body;
    kfk_err err;

    (void)arg;
    c->metadata_in_flight = false;
    if (reply->err) {
        metadata_again(c, reply->err, now);
        return;
    }
    if (rs->error_code == KFK_ERR_REBOOTSTRAP_REQUIRED && c->options->rebootstrap_ms >= 0) {
        kfk__client_error(c, rs->error_code);
        metadata_again(c, rs->error_code, now);
        (void)bootstrap(c);
        return;
    }
    if (rs->brokers.n <= 0) {
        metadata_again(c, KFK_ERR_BROKER_NOT_AVAILABLE, now);
        return;
    }
    keep_brokers(c, rs);
    c->metadata_since = KFK__NEVER;
    kfk__counter_add(&c->metrics.refreshes, 1);
    err = kfk__metadata_update(&c->metadata, rs, reply->version, now);
    if (err)
        kfk__client_error(c, err);
    if (err && (kfk_err_flags(err) & KFK_RETRIABLE)) {
        c->metadata_at = kfk__client_retry_at(c, &c->metadata_retry, err, now);
    } else {
        c->metadata_retry = (kfk__retry){0};
        /* However often somebody asks, there is a backoff between two answers. */
        c->metadata_at = now + kfk__backoff_ns(&c->options->retry, 0, c->env);
    }
    c->updated(c->owner, now);
}

/* Without metadata there is nothing to be had from it: another one is asked, and whoever waits hears why. */
static void speaks_no_metadata(kfk__node *n, int64_t now)
{
    kfk_error e;

    (void)kfk__node_error(n, &e, KFK_ERR_UNSUPPORTED_VERSION, KFK_PHASE_REQUEST,
                          "it does not speak a version of Metadata that this library does");
    kfk__node_fail(n, &e, now);
}

static kfk_err send_metadata(kfk__client *c, kfk__node *n, int64_t now)
{
    kfk__metadata_request rq;
    kfk__request_spec spec = {.api = &kfk__metadata_api,
                              .version = kfk__node_version(n, &kfk__metadata_api, INT16_MAX),
                              .body = &rq,
                              .fn = metadata_reply,
                              .owner = c};
    kfk__arena arena;
    kfk_err err;

    if (spec.version < 0) {
        speaks_no_metadata(n, now);
        return KFK_ERR_UNSUPPORTED_VERSION;
    }
    kfk__arena_init(&arena, &c->env->alloc);
    err = kfk__metadata_ask(&c->metadata, c->options->auto_create_topics, &arena, &rq);
    if (!err)
        err = kfk__node_send(n, &spec, now);
    kfk__arena_fini(&arena);
    return err;
}

static void log_rebootstrap(kfk__client *c, int64_t now)
{
    static const char line[] = "no broker answers; starting again from bootstrap.servers";
    const kfk__client_options *o = c->options;
    char more[KFK__LOG_MORE];

    if (kfk__log_on(&o->log, KFK_LOG_INFO) &&
        kfk__log_allows(&c->host.limit, kfk__log_who("", 0), line, now, more))
        kfk__log_line(&o->log, KFK_LOG_INFO, o->subsystem, "%s%s", line, more);
}

/* Nobody answers: the addresses that metadata gave may be those of brokers that are no more (KIP-899, KIP-1102). Returns
 * when they are given up, if that is only a matter of time. */
static int64_t maybe_rebootstrap(kfk__client *c, int64_t now)
{
    int64_t after = c->options->rebootstrap_ms, due;

    if (after < 0 || !c->bootstrapped)
        return KFK__NEVER;
    due = kfk__deadline(c->metadata_since, after);
    if (!all_down(c) && now < due)
        return due;
    log_rebootstrap(c, now);
    c->metadata_since = now;
    (void)bootstrap(c);
    return now;
}

static int64_t metadata_due(const kfk__client *c)
{
    int64_t age_ms = c->options->metadata_max_age_ms, due = KFK__NEVER;

    if (c->metadata_in_flight)
        return KFK__NEVER;
    if (kfk__metadata_is_stale(&c->metadata))
        return c->metadata_at;
    if (c->metadata.updated_at >= 0)
        due = kfk__deadline(c->metadata.updated_at, age_ms);
    return due > c->metadata_at ? due : c->metadata_at;
}

static void forget_idle(kfk__client *c, int64_t now)
{
    const int64_t idle_ms = c->options->metadata_max_idle_ms;

    if (idle_ms < 0 || idle_ms > now / KFK__MS)
        return;
    if (c->expiring)
        c->expiring(c->owner, now);
    kfk__metadata_expire(&c->metadata, now - idle_ms * KFK__MS);
}

static int64_t tick_metadata(kfk__client *c, int64_t now)
{
    int64_t due = metadata_due(c), again, given_up;
    kfk__node *n;
    kfk_err err;

    if (due > now)
        return due;
    /* No memory when it was begun with them, or an answer whose brokers have no address. */
    if (!has_nodes(c) && bootstrap(c)) {
        metadata_again(c, KFK_ERR_NOMEM, now);
        return metadata_due(c);
    }
    if (c->metadata.updated_at >= 0) {
        forget_idle(c, now);
        due = metadata_due(c); /* a topic that is not there may have been asked about for nobody's sake */
        if (due > now)
            return due;
        if (!kfk__metadata_is_stale(&c->metadata))
            kfk__metadata_stale(&c->metadata, NULL);
    }
    if (c->metadata_since == KFK__NEVER)
        c->metadata_since = now;
    n = kfk__client_any(c, now, &again);
    if (!n) {
        given_up = maybe_rebootstrap(c, now);
        return given_up < again ? given_up : again;
    }
    err = send_metadata(c, n, now);
    c->metadata_in_flight = err == KFK_OK;
    if (err)
        metadata_again(c, err, now);
    return metadata_due(c);
}

/* ---- calls ---- */

kfk__call *kfk__client_call(kfk__client *c, const kfk__call_ops *ops, void *owner, int32_t target,
                            int64_t deadline)
{
    kfk__call *call = kfk__zalloc(&c->env->alloc, sizeof *call);

    if (!call)
        return NULL;
    call->ops = ops;
    call->owner = owner;
    call->target = target;
    call->max_version = INT16_MAX;
    call->repeatable = true;
    call->deadline = deadline;
    kfk__error_clear(&call->last);
    kfk__list_push(&c->calls, &call->link);
    c->host.stirred = true; /* begun by another's route, or end, the tick that is under way may not see it */
    return call;
}

static void release_call(kfk__client *c, kfk__call *call)
{
    kfk__list_remove(&call->link);
    kfk__release(&c->env->alloc, call);
}

void kfk__client_drop(kfk__client *c, kfk__call *call)
{
    call->ended = true; /* the tick frees it: whoever walks the calls now may hold it */
    c->host.stirred = true;
}

/* Tells the owner, and frees the call unless its request is still out. What it ended with may be what another one, that
 * the tick has passed already, waits for. */
static void end_call(kfk__client *c, kfk__call *call, kfk_error *e, int64_t now)
{
    if (e->code && call->maybe_done)
        e->flags |= KFK_MAYBE_DONE;
    call->ended = true;
    c->host.stirred = true;
    call->ops->done(call, e, now);
    if (!call->in_flight)
        release_call(c, call);
}

static void call_reply(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    kfk__client *c = owner;
    kfk__call *call = arg;
    kfk_error e;

    call->in_flight = false;
    if (call->ended) {
        release_call(c, call);
        return;
    }
    kfk__error_clear(&e);
    if (reply->err) {
        e = *reply->error;
        call->maybe_done |= reply->written && !call->repeatable;
    } else {
        e.code = call->ops->answer(call, reply->body, reply->version, &e);
        if (e.code)
            kfk__client_error(c, e.code);
        if (e.code && !e.msg[0])
            (void)kfk__fail(&e, e.code, "%s: %s", call->ops->api->name, kfk_err_str(e.code));
        e.flags = kfk_err_flags(e.code);
    }
    if (e.code == KFK_ERR_NOT_CONTROLLER)
        kfk__client_refresh(c, NULL);
    if (e.code == KFK_OK || !(e.flags & KFK_RETRIABLE) || call->maybe_done) {
        end_call(c, call, &e, now);
        return;
    }
    call->last = e;
    call->not_before = kfk__client_retry_at(c, &call->retry, e.code, now);
}

/* The node that a call should go to, if it is ready; else *out is NULL, and *again when to look again. Not KFK_OK: there
 * will be none, |e| tells why. */
static kfk_err call_node(kfk__client *c, kfk__call *call, int64_t now, kfk__node **out,
                         int64_t *again, kfk_error *e)
{
    int32_t id = call->target == KFK__TO_CONTROLLER ? c->metadata.controller : call->target;
    kfk__node *n = NULL;
    kfk_err err = KFK_OK;

    *again = KFK__NEVER;
    *out = NULL;
    if (call->target == KFK__TO_ANY) {
        *out = kfk__client_any(c, now, again);
        return KFK_OK;
    }
    if (call->target == KFK__TO_ROUTE)
        err = call->route(call, now, &n, e);
    else if ((n = kfk__client_node(c, id)) == NULL)
        kfk__client_refresh(c, NULL); /* there may be one by now */
    if (err || !n)
        return err;
    if (kfk__node_ready(n, now))
        *out = n;
    else if (kfk__node_ready_at(n) > now) /* a backoff, a throttle: all else is told by an event */
        *again = kfk__node_ready_at(n);
    return KFK_OK;
}

/* false: it could not be sent, and has ended. Else it is in flight, or to be tried again at call->not_before. */
static bool send_call(kfk__client *c, kfk__call *call, kfk__node *n, int64_t now)
{
    const kfk__api *api = call->ops->api;
    kfk__request_spec spec = {.api = api,
                              .version = kfk__node_version(n, api, call->max_version),
                              .fn = call_reply,
                              .owner = c,
                              .arg = call,
                              .timeout_ms = call->timeout_ms};
    kfk__arena arena;
    kfk_error e;
    kfk_err err;

    if (spec.version < 0) {
        (void)kfk__node_error(n, &e, KFK_ERR_UNSUPPORTED_VERSION, KFK_PHASE_REQUEST,
                              "it does not speak a version of %s that this library does", api->name);
        e.flags = 0;
        end_call(c, call, &e, now);
        return false;
    }
    kfk__arena_init(&arena, &c->env->alloc);
    err = call->ops->build(call, spec.version, &arena, &spec.body);
    if (!err)
        err = kfk__node_send(n, &spec, now);
    kfk__arena_fini(&arena);
    if (!err) {
        call->in_flight = true;
        return true;
    }
    if (err == KFK_ERR_NOMEM) { /* that may pass */
        (void)kfk__fail(&call->last, err, "%s: %s", api->name, kfk_err_str(err));
        call->not_before = kfk__client_retry_at(c, &call->retry, err, now);
        return true;
    }
    (void)kfk__fail(&e, err, "%s v%d: %s", api->name, spec.version, kfk_err_str(err));
    end_call(c, call, &e, now);
    return false;
}

static void call_timed_out(kfk__client *c, kfk__call *call, int64_t now)
{
    kfk_error e, standing;

    if (call->last.code == KFK_OK && kfk__client_last_error(c, &standing) != KFK_OK)
        call->last = standing;
    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "%s: no answer in time", call->ops->api->name);
    kfk__fail_because(&e, &call->last);
    call->maybe_done |= call->in_flight && !call->repeatable;
    end_call(c, call, &e, now);
}

static int64_t next_look(const kfk__call *call)
{
    return !call->in_flight && call->not_before < call->deadline ? call->not_before : call->deadline;
}

static int64_t tick_call(kfk__client *c, kfk__call *call, int64_t now)
{
    int64_t again;
    kfk__node *n;
    kfk_error e;

    if (call->ended) {
        if (!call->in_flight)
            release_call(c, call);
        return KFK__NEVER;
    }
    if (now >= call->deadline) {
        call_timed_out(c, call, now);
        return KFK__NEVER;
    }
    if (call->in_flight || now < call->not_before)
        return next_look(call);
    if (call->target == KFK__TO_CONTROLLER && c->metadata.updated_at < 0)
        return call->deadline; /* metadata is on its way */
    if (call_node(c, call, now, &n, &again, &e)) {
        end_call(c, call, &e, now);
        return KFK__NEVER;
    }
    if (n)
        return send_call(c, call, n, now) ? next_look(call) : KFK__NEVER;
    return again < call->deadline ? again : call->deadline;
}

static int64_t tick_calls(kfk__client *c, int64_t now)
{
    int64_t until = KFK__NEVER;

    for (kfk__list *at = c->calls.next, *next; at != &c->calls; at = next) {
        kfk__call *call = KFK__ENTRY(at, kfk__call, link);
        int64_t t;

        next = at->next;
        t = tick_call(c, call, now);
        until = t < until ? t : until;
    }
    return until;
}

/* ---- the whole ---- */

kfk_err kfk__client_init(kfk__client *c, const kfk__env *env, const kfk__client_options *options,
                         kfk__poller *poller, void (*updated)(void *owner, int64_t now),
                         void *owner)
{
    kfk_err err = KFK_ERR_NOMEM;

    *c = (kfk__client){.env = env,
                       .options = options,
                       .updated = updated,
                       .owner = owner,
                       .metadata_since = KFK__NEVER};
    c->host = (kfk__node_host){.env = env,
                               .poller = poller,
                               .options = options,
                               .metrics = &c->metrics,
                               .up = node_up,
                               .down = node_down,
                               .throttled = node_throttled,
                               .owner = c};
    kfk__list_init(&c->nodes);
    kfk__list_init(&c->lines);
    kfk__list_init(&c->calls);
    kfk__map_init(&c->by_id, &env->alloc);
    kfk__metadata_init(&c->metadata, &env->alloc);
    kfk__standing_init(&c->standing, options, &c->host.limit);
    kfk__client_metrics_init(&c->metrics, &env->alloc, options->subsystem, options->client_id);
    c->host.scratch = kfk__alloc(&env->alloc, KFK__EXCHANGE_SCRATCH);
    if (c->host.scratch)
        err = bootstrap(c);
    if (err)
        kfk__client_fini(c, 0);
    return err;
}

void kfk__client_disconnect(kfk__client *c, int64_t now)
{
    kfk__list *at;
    kfk_error e;

    c->closed = true;
    /* First nobody can be found any more: what the ends of requests set off may look for a node that is gone. */
    for (at = c->nodes.next; at != &c->nodes; at = at->next)
        if (!KFK__ENTRY(at, kfk__node, link)->doomed)
            doom(c, KFK__ENTRY(at, kfk__node, link));
    while ((at = kfk__list_first(&c->nodes)) != NULL)
        kfk__node_free(KFK__ENTRY(at, kfk__node, link), now);
    while ((at = kfk__list_first(&c->lines)) != NULL)
        kfk__node_free(KFK__ENTRY(at, kfk__node, link), now);
    while ((at = kfk__list_first(&c->calls)) != NULL) {
        kfk__call *call = KFK__ENTRY(at, kfk__call, link);

        (void)kfk__fail(&e, KFK_ERR_CLOSED, "the handle was closed");
        if (call->ended) /* dropped since the last tick */
            release_call(c, call);
        else
            end_call(c, call, &e, now);
    }
}

void kfk__client_fini(kfk__client *c, int64_t now)
{
    kfk__client_disconnect(c, now);
    kfk__map_fini(&c->by_id);
    kfk__metadata_fini(&c->metadata);
    kfk__release(&c->env->alloc, c->host.scratch);
    kfk__standing_fini(&c->standing);
}

void kfk__client_events(kfk__client *c, const kfk__event *ev, int n, int64_t now)
{
    (void)c;
    for (int i = 0; i < n; i++)
        if (ev[i].owner)
            kfk__node_event(ev[i].owner, ev[i].what, now);
}

static int64_t tick_nodes(const kfk__list *nodes, int64_t now)
{
    int64_t until = KFK__NEVER;

    for (kfk__list *at = nodes->next, *next; at != nodes; at = next) {
        kfk__node *n = KFK__ENTRY(at, kfk__node, link);
        int64_t t;

        next = at->next;
        if (n->doomed && n->exchange.n == 0) {
            kfk__node_free(n, now);
            continue;
        }
        kfk__node_flush(n, now);
        t = kfk__node_tick(n, now);
        until = t < until ? t : until;
    }
    return until;
}

int64_t kfk__client_tick(kfk__client *c, int64_t now)
{
    int64_t until, t;

    if (c->closed)
        return KFK__NEVER;
    c->host.stirred = false;
    until = tick_calls(c, now);
    t = tick_metadata(c, now);
    until = t < until ? t : until;
    t = tick_nodes(&c->nodes, now);
    until = t < until ? t : until;
    t = tick_nodes(&c->lines, now);
    /* A request that ended just now, of no event, may be what the calls, metadata or the handle wait for. */
    if (c->host.stirred)
        return now;
    return t < until ? t : until;
}

kfk_err kfk__client_last_error(kfk__client *c, kfk_error *e)
{
    return kfk__standing_get(&c->standing, e);
}

void kfk__client_explain(kfk__client *c, kfk_error *e)
{
    kfk_error standing;

    if (kfk__client_last_error(c, &standing))
        kfk__fail_because(e, &standing);
}

void kfk__client_explain_connection(kfk__client *c, kfk_error *e)
{
    kfk_error down;

    if (kfk__standing_connection(&c->standing, &down))
        kfk__fail_because(e, &down);
}
