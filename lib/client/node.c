#include "client/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Each request, and its end. */
static void trace(void *owner, const kfk__request *r, const kfk__reply *reply, int64_t now)
{
    const kfk__node *n = owner;
    const kfk__client_options *o = n->host->options;
    const char *api = r->spec.api->name;

    if (!reply)
        kfk__log_line(&o->log, KFK_LOG_DEBUG, o->subsystem, "%.200s:%u: %s v%d, request %d of %zu bytes",
                      n->name, n->port, api, r->spec.version, r->correlation_id, r->size);
    else if (reply->err)
        kfk__log_line(&o->log, KFK_LOG_DEBUG, o->subsystem, "%.200s:%u: %s v%d, request %d: %s",
                      n->name, n->port, api, r->spec.version, r->correlation_id,
                      kfk_err_name(reply->err));
    else
        kfk__log_line(&o->log, KFK_LOG_DEBUG, o->subsystem,
                      "%.200s:%u: %s v%d, request %d: %s after %.3f ms", n->name, n->port, api,
                      reply->version, r->correlation_id, reply->body ? "answered" : "written",
                      (double)(now - r->sent_at) / 1e6);
}

kfk__node *kfk__node_new(kfk__node_host *host, int32_t id, const char *name, size_t name_len,
                         uint16_t port, bool advertised)
{
    kfk__broker_metrics *metrics = kfk__client_metrics_broker(host->metrics, id);
    kfk__node *n = metrics ? kfk__zalloc(&host->env->alloc, sizeof *n) : NULL;

    if (!n)
        return NULL;
    n->host = host;
    n->id = id;
    n->port = port;
    n->advertised = advertised;
    kfk__error_set(n->name, sizeof n->name, name, name_len);
    kfk__list_init(&n->link);
    kfk__exchange_init(&n->exchange, &host->env->alloc, metrics);
    if (kfk__log_on(&host->options->log, KFK_LOG_DEBUG)) {
        n->exchange.traced = trace;
        n->exchange.traced_by = n;
    }
    return n;
}

static kfk__broker_metrics *metrics_of(const kfk__node *n)
{
    return n->exchange.metrics;
}

bool kfk__node_identify(kfk__node *n, int32_t id)
{
    kfk__broker_metrics *metrics = kfk__client_metrics_broker(n->host->metrics, id);

    if (!metrics)
        return false;
    kfk__broker_metrics_move(metrics_of(n), metrics, n->state == KFK__NODE_READY, n->exchange.n);
    n->exchange.metrics = metrics;
    n->id = id;
    n->advertised = true;
    return true;
}

static const kfk_allocator *alloc_of(const kfk__node *n)
{
    return &n->host->env->alloc;
}

/* ---- errors ---- */

kfk_err kfk__node_error(const kfk__node *n, kfk_error *e, kfk_err code, int phase, const char *fmt,
                        ...)
{
    va_list ap;
    size_t len;

    (void)kfk__fail(e, code, "broker ");
    e->phase = phase;
    e->broker_id = n->id < 0 ? -1 : n->id;
    e->flags |= KFK_RETRIABLE;
    (void)snprintf(e->broker, sizeof e->broker, strchr(n->name, ':') ? "[%.60s]:%u (from %s)"
                                                                    : "%.60s:%u (from %s)",
                   n->name, n->port, n->advertised ? "advertised.listeners" : "bootstrap.servers");
    if (n->id >= 0)
        (void)snprintf(e->msg, sizeof e->msg, "broker %d at %s: ", n->id, e->broker);
    else
        (void)snprintf(e->msg, sizeof e->msg, "broker at %s: ", e->broker);
    len = strlen(e->msg);
    va_start(ap, fmt);
    (void)vsnprintf(e->msg + len, sizeof e->msg - len, fmt, ap);
    va_end(ap);
    return code;
}

static int phase_of(kfk__node_state state)
{
    switch (state) {
    case KFK__NODE_RESOLVING:
        return KFK_PHASE_RESOLVE;
    case KFK__NODE_CONNECTING:
        return KFK_PHASE_CONNECT;
    case KFK__NODE_NEGOTIATING:
        return KFK_PHASE_API_VERSIONS;
    case KFK__NODE_IDLE:
    case KFK__NODE_READY:
        break;
    }
    return KFK_PHASE_REQUEST;
}

/* ---- the end of a connection ---- */

static void close_transport(kfk__node *n)
{
    if (n->transport)
        n->transport->ops->close(n->transport);
    n->transport = NULL;
}

/* Closes whatever is open; requests end with |error|. */
static void disconnect(kfk__node *n, const kfk_error *error, int64_t now)
{
    if (n->job)
        n->host->env->ops->job_end(n->job);
    n->job = NULL;
    close_transport(n);
    if (n->state == KFK__NODE_READY)
        kfk__gauge_add(&metrics_of(n)->connections, -1);
    n->state = KFK__NODE_IDLE;
    n->host->stirred = true;
    kfk__exchange_fail(&n->exchange, error, now);
}

static void log_failure(kfk__node *n, const kfk_error *e, int64_t now)
{
    const kfk__client_options *o = n->host->options;
    char more[KFK__LOG_MORE];

    if (kfk__log_on(&o->log, KFK_LOG_WARN) &&
        kfk__log_allows(&n->host->limit, kfk__log_who(n->name, n->port), e->msg, now, more))
        kfk__log_line(&o->log, KFK_LOG_WARN, o->subsystem, "%s%s", e->msg, more);
}

static void log_recovery(kfk__node *n, int64_t now)
{
    const kfk__client_options *o = n->host->options;

    if (kfk__log_well(&n->host->limit, kfk__log_who(n->name, n->port), now))
        kfk__log_write(&o->log, KFK_LOG_INFO, o->subsystem, "broker at %.200s:%u: connected again",
                       n->name, n->port);
}

void kfk__node_fail(kfk__node *n, const kfk_error *error, int64_t now)
{
    kfk_error copy = *error;

    kfk__counter_add(n->state == KFK__NODE_READY ? &metrics_of(n)->lost : &metrics_of(n)->failed,
                     1);
    n->error = copy;
    n->retry_at = now + kfk__backoff_ns(&n->host->options->reconnect, n->failures, n->host->env);
    n->failures++;
    n->downs++;
    log_failure(n, &copy, now);
    disconnect(n, &copy, now);
    n->host->down(n->host->owner, n, &copy, now);
}

void kfk__node_free(kfk__node *n, int64_t now)
{
    kfk_error e;

    if (!n)
        return;
    (void)kfk__node_error(n, &e, KFK_ERR_CLOSED, phase_of(n->state), "the connection was closed");
    disconnect(n, &e, now);
    kfk__exchange_fini(&n->exchange);
    kfk__list_remove(&n->link);
    kfk__release(alloc_of(n), n);
}

/* ---- the way up ---- */

static void try_address(kfk__node *n, int64_t now);

static void address_failed(kfk__node *n, int err, int64_t now)
{
    kfk_error e;
    char why[128];

    close_transport(n);
    if (n->next_addr < n->n_addrs) {
        try_address(n, now);
        return;
    }
    (void)kfk__node_error(n, &e, KFK_ERR_CONNECT, KFK_PHASE_CONNECT, "cannot connect: %s%s",
                          strerror_r(err, why, sizeof why),
                          err == ECONNREFUSED ? "; no broker listens there" : "");
    e.sys_errno = err;
    kfk__node_fail(n, &e, now);
}

static void try_address(kfk__node *n, int64_t now)
{
    const kfk__client_options *o = n->host->options;
    kfk__sock_opts so = {.send_buffer = o->send_buffer, .receive_buffer = o->receive_buffer};
    kfk__backoff setup = {.base_ms = o->setup_timeout_ms, .max_ms = o->setup_timeout_max_ms};
    kfk__addr to = n->addrs[n->next_addr++];
    kfk__sock *sock;
    int err;

    to.port = n->port;
    n->state = KFK__NODE_CONNECTING;
    n->deadline = now + kfk__backoff_ns(&setup, n->failures, n->host->env);
    err = n->host->env->ops->connect(n->host->poller, &to, &so, n, &sock);
    if (!err) {
        n->transport = kfk__transport_tcp(n->host->env, sock);
        if (n->transport)
            return;
        n->host->env->ops->sock_close(sock);
        err = ENOMEM;
    }
    address_failed(n, err, now);
}

static void resolved(kfk__node *n, int64_t now)
{
    const kfk__env_ops *ops = n->host->env->ops;
    const char *why = "it has no address";
    kfk_error e;
    int err;

    n->next_addr = 0;
    err = ops->resolved(n->job, n->addrs, KFK__NODE_ADDRS, &n->n_addrs, &why);
    if (err || n->n_addrs == 0)
        (void)kfk__node_error(
            n, &e, KFK_ERR_RESOLVE, KFK_PHASE_RESOLVE, "the host name does not resolve: %s%s", why,
            n->advertised ? "; this is the name that the broker advertises: correct "
                            "advertised.listeners on the broker, or make the name known to this "
                            "host"
                          : "; check bootstrap.servers");
    ops->job_end(n->job);
    n->job = NULL;
    if (err || n->n_addrs == 0)
        kfk__node_fail(n, &e, now);
    else
        try_address(n, now);
}

static void connect_node(kfk__node *n, int64_t now)
{
    kfk_error e;
    int err;

    n->attempted_at = now;
    n->state = KFK__NODE_RESOLVING;
    n->deadline = now + n->host->options->setup_timeout_max_ms * KFK__MS;
    err = n->host->env->ops->resolve(n->host->poller, n->name, n, &n->job);
    if (!err)
        return;
    n->job = NULL;
    (void)kfk__node_error(n, &e, KFK_ERR_RESOLVE, KFK_PHASE_RESOLVE,
                          "the host name cannot be looked up (error %d)", err);
    e.sys_errno = err;
    kfk__node_fail(n, &e, now);
}

static void negotiate(kfk__node *n, int64_t now);

static void negotiated(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    kfk__node *n = owner;
    kfk_error e;
    kfk_err err = KFK_OK;
    const char *why = NULL;

    (void)arg;
    if (reply->err) /* the connection has ended, and said so */
        return;
    switch (kfk__versions_answer(&n->versions, reply->body, &err, &why)) {
    case KFK__VERSIONS_ASK_AGAIN:
        negotiate(n, now);
        return;
    case KFK__VERSIONS_FAILED:
        (void)kfk__node_error(n, &e, err, KFK_PHASE_API_VERSIONS,
                              "no common version of ApiVersions: %s", why);
        kfk__node_fail(n, &e, now);
        return;
    case KFK__VERSIONS_KNOWN:
        break;
    }
    n->state = KFK__NODE_READY;
    kfk__counter_add(&metrics_of(n)->made, 1);
    kfk__gauge_add(&metrics_of(n)->connections, 1);
    n->deadline = KFK__NEVER;
    n->failures = 0;
    kfk__error_clear(&n->error);
    log_recovery(n, now);
    n->host->up(n->host->owner, n, now);
}

static void negotiate(kfk__node *n, int64_t now)
{
    kfk__api_versions_request rq;
    kfk__request_spec spec = {.api = &kfk__api_versions_api,
                              .version = n->versions.ask,
                              .body = &rq,
                              .fn = negotiated,
                              .owner = n};
    kfk_error e;
    kfk_err err;

    n->state = KFK__NODE_NEGOTIATING;
    kfk__versions_request(&rq);
    err = kfk__node_send(n, &spec, now);
    if (err) {
        (void)kfk__node_error(n, &e, err, KFK_PHASE_API_VERSIONS, "%s", kfk_err_str(err));
        kfk__node_fail(n, &e, now);
        return;
    }
    kfk__node_flush(n, now);
}

/* The connect goes on, or the handshake after it. */
static void connecting(kfk__node *n, int64_t now)
{
    kfk_error e;
    ssize_t rc;

    e.sys_errno = 0;
    rc = n->transport->ops->start(n->transport, &e);
    if (rc == KFK__IO_FAILED) {
        address_failed(n, e.sys_errno, now);
        return;
    }
    if (rc < 0) {
        n->transport->ops->want(n->transport, kfk__io_event(rc));
        return;
    }
    kfk__versions_reset(&n->versions);
    negotiate(n, now);
}

/* ---- sending ---- */

bool kfk__node_ready(kfk__node *n, int64_t now)
{
    if (n->state == KFK__NODE_IDLE && now >= n->retry_at && !n->doomed)
        connect_node(n, now);
    return n->state == KFK__NODE_READY && now >= n->exchange.throttled_until &&
           n->exchange.n < n->host->options->max_in_flight;
}

int64_t kfk__node_ready_at(const kfk__node *n)
{
    if (n->state == KFK__NODE_IDLE)
        return n->retry_at;
    if (n->state == KFK__NODE_READY && n->exchange.n < n->host->options->max_in_flight)
        return n->exchange.throttled_until;
    return KFK__NEVER;
}

int16_t kfk__node_version(const kfk__node *n, const kfk__api *api, int16_t max)
{
    return kfk__versions_pick(&n->versions, api, max);
}

kfk_err kfk__node_send(kfk__node *n, const kfk__request_spec *spec, int64_t now)
{
    const kfk__client_options *o = n->host->options;

    return kfk__exchange_add(&n->exchange, spec, o->client_id,
                             spec->timeout_ms ? spec->timeout_ms : o->request_timeout_ms, now);
}

/* The connection broke, |why| not being NULL, or the peer closed it. */
static void lost(kfk__node *n, const kfk_error *why, int64_t now)
{
    const char *text = why ? why->msg : "the peer closed it";
    kfk_error e;

    if (n->state == KFK__NODE_READY)
        (void)kfk__node_error(n, &e, KFK_ERR_DISCONNECTED, KFK_PHASE_REQUEST,
                              "the connection was lost: %.200s", text);
    else
        (void)kfk__node_error(n, &e, KFK_ERR_DISCONNECTED, phase_of(n->state),
                              "the connection was lost before the broker said which versions it "
                              "speaks: %.200s; is it a Kafka broker, and is its listener plaintext "
                              "as security.protocol says?",
                              text);
    e.sys_errno = why ? why->sys_errno : 0;
    kfk__node_fail(n, &e, now);
}

void kfk__node_flush(kfk__node *n, int64_t now)
{
    int32_t had = n->exchange.n;
    kfk_error e;

    if (n->state < KFK__NODE_NEGOTIATING)
        return;
    if (kfk__exchange_flush(&n->exchange, n->transport, now, &e))
        lost(n, &e, now);
    else if (n->exchange.n != had) /* those without an answer have ended */
        n->host->stirred = true;
}

/* ---- receiving ---- */

/* What the first bytes of a peer that does not speak Kafka look like. */
static const char *not_kafka(const uint8_t *p)
{
    if ((p[0] == 0x15 || p[0] == 0x16) && p[1] == 0x03)
        return "it speaks TLS, while security.protocol is PLAINTEXT; set security.protocol=SSL, or "
               "use the port of a plaintext listener";
    if (memcmp(p, "HTTP", 4) == 0)
        return "it speaks HTTP; is this the address of a Kafka listener?";
    if (memcmp(p, "SSH-", 4) == 0)
        return "it speaks SSH; is this the address of a Kafka listener?";
    return NULL;
}

static void bad_input(kfk__node *n, const kfk_error *why, int64_t now)
{
    const char *other = NULL;
    kfk_error e;

    if (n->state == KFK__NODE_NEGOTIATING && why->code == KFK_ERR_PROTOCOL) {
        other = not_kafka(n->exchange.input.length);
        (void)kfk__node_error(n, &e, KFK_ERR_NOT_KAFKA, KFK_PHASE_API_VERSIONS,
                              "not a Kafka broker: %s", other ? other : why->msg);
    } else {
        (void)kfk__node_error(n, &e, why->code, phase_of(n->state), "the connection was closed: %s",
                              why->msg);
    }
    kfk__node_fail(n, &e, now);
}

static void receive(kfk__node *n, int64_t now)
{
    int64_t throttled = n->exchange.throttled_until;
    kfk_error e;
    kfk_err err =
        kfk__exchange_receive(&n->exchange, n->transport, n->host->scratch, now, &e);

    if (n->exchange.throttled_until > throttled)
        n->host->throttled(n->host->owner, n, (n->exchange.throttled_until - now) / KFK__MS);
    if (err == KFK_ERR_DISCONNECTED)
        lost(n, e.code ? &e : NULL, now);
    else if (err)
        bad_input(n, &e, now);
}

void kfk__node_event(kfk__node *n, uint32_t what, int64_t now)
{
    if (what & KFK__EV_JOB) {
        if (n->job)
            resolved(n, now);
        return;
    }
    switch (n->state) {
    case KFK__NODE_CONNECTING:
        connecting(n, now);
        return;
    case KFK__NODE_NEGOTIATING:
    case KFK__NODE_READY:
        if (what & KFK__EV_READ)
            receive(n, now);
        if (what & KFK__EV_WRITE)
            kfk__node_flush(n, now);
        return;
    case KFK__NODE_IDLE:
    case KFK__NODE_RESOLVING:
        return;
    }
}

/* ---- time ---- */

static void setup_timed_out(kfk__node *n, int64_t now)
{
    kfk_error e;

    if (n->state == KFK__NODE_CONNECTING && n->next_addr < n->n_addrs) {
        address_failed(n, ETIMEDOUT, now);
        return;
    }
    (void)kfk__node_error(
        n, &e, n->state == KFK__NODE_RESOLVING ? KFK_ERR_RESOLVE : KFK_ERR_CONNECT,
        phase_of(n->state), "%s within the connection set-up timeout",
        n->state == KFK__NODE_RESOLVING    ? "the host name was not resolved"
        : n->state == KFK__NODE_CONNECTING ? "no answer to the connection attempt"
                                           : "it accepted the connection but did not say which "
                                             "versions it speaks");
    e.sys_errno = ETIMEDOUT;
    kfk__node_fail(n, &e, now);
}

/* A broker that does not answer in time is cut off (KIP-601): what it may still say belongs to nobody. */
static void request_timed_out(kfk__node *n, const kfk__request *r, int64_t now)
{
    kfk_error e;

    (void)kfk__node_error(n, &e, KFK_ERR_DISCONNECTED, phase_of(n->state),
                          "no answer to %s within %lld ms (request.timeout.ms)", r->spec.api->name,
                          (long long)((r->deadline - r->sent_at) / KFK__MS));
    e.sys_errno = ETIMEDOUT;
    kfk__node_fail(n, &e, now);
}

static void idle_close(kfk__node *n, int64_t now)
{
    kfk_error e;

    (void)kfk__node_error(n, &e, KFK_ERR_CLOSED, KFK_PHASE_NONE, "closed after being idle");
    disconnect(n, &e, now);
}

static int64_t ready_tick(kfk__node *n, int64_t now)
{
    const kfk__request *late;
    int64_t until = kfk__exchange_deadline(&n->exchange, &late);

    if (late && until <= now) {
        request_timed_out(n, late, now);
        return KFK__NEVER;
    }
    if (n->exchange.n == 0 && n->host->options->idle_ms >= 0) {
        until = kfk__deadline(n->exchange.used_at, n->host->options->idle_ms);
        if (until <= now) {
            idle_close(n, now);
            return KFK__NEVER;
        }
    }
    return until;
}

int64_t kfk__node_tick(kfk__node *n, int64_t now)
{
    switch (n->state) {
    case KFK__NODE_IDLE:
        return KFK__NEVER;
    case KFK__NODE_READY:
        return ready_tick(n, now);
    case KFK__NODE_RESOLVING:
    case KFK__NODE_CONNECTING:
    case KFK__NODE_NEGOTIATING:
        break;
    }
    if (now < n->deadline)
        return n->deadline;
    setup_timed_out(n, now);
    return n->state == KFK__NODE_IDLE ? KFK__NEVER : n->deadline;
}
