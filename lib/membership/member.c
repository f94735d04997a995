#include "membership/member.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

/* ---- the whole ---- */

static void metadata_updated(void *owner, int64_t now)
{
    kfk__member *m = owner;

    (void)now;
    m->news = true;
}

static void init_sets(kfk__member *m)
{
    const kfk_allocator *a = &m->env->alloc;

    kfk__wanted_init(&m->wanted, a);
    kfk__parts_init(&m->owned, a);
    kfk__parts_init(&m->after, a);
    kfk__parts_init(&m->turn.parts, a);
}

kfk_err kfk__member_init(kfk__member *m, const kfk__env *env, const kfk__member_options *o,
                         const kfk__client_options *co, const kfk__member_host *host,
                         kfk__poller *poller)
{
    *m = (kfk__member){.env = env, .client_options = co, .o = *o, .host = *host, .generation = -1};
    m->ops = o->modern ? &kfk__modern_ops : &kfk__classic_ops;
    init_sets(m);
    m->id = kfk__strdup(&env->alloc, "");
    if (!m->id)
        return KFK_ERR_NOMEM;
    if (kfk__client_init(&m->client, env, co, poller, metadata_updated, m)) {
        kfk__release(&env->alloc, m->id);
        return KFK_ERR_NOMEM;
    }
    kfk__coordinator_init(&m->coordinator, &m->client, KFK__COORDINATES_GROUP, o->group);
    if (!m->ops->init(m))
        return KFK_OK;
    kfk__client_fini(&m->client, 0);
    kfk__release(&env->alloc, m->id);
    return KFK_ERR_NOMEM;
}

void kfk__member_fini(kfk__member *m, int64_t now)
{
    m->left = true; /* what the ends of calls would set off is set off no more */
    kfk__coordinator_fini(&m->coordinator);
    kfk__client_fini(&m->client, now);
    m->ops->fini(m);
    kfk__wanted_fini(&m->wanted);
    kfk__parts_fini(&m->owned);
    kfk__parts_fini(&m->after);
    kfk__parts_fini(&m->turn.parts);
    kfk__release(&m->env->alloc, m->id);
}

/* ---- turns ---- */

static void set_owned(kfk__member *m)
{
    kfk__gauge_set(&m->metrics.owned, (int64_t)m->owned.n);
}

/* What follows from it for |owned|. */
static void end_turn(kfk__member *m, bool done)
{
    if (m->turn.kind == KFK__TURN_REVOKE)
        kfk__parts_remove(&m->owned, &m->turn.parts);
    if (m->turn.kind == KFK__TURN_ASSIGN && done)
        kfk__parts_move(&m->owned, &m->after);
    kfk__parts_clear(&m->after);
    kfk__parts_clear(&m->turn.parts);
    m->turn.kind = KFK__TURN_NONE;
    set_owned(m);
}

bool kfk__member_turn(kfk__member *m, kfk__turn_kind kind, kfk__parts *parts, int64_t deadline)
{
    kfk__turn *t = &m->turn;

    if (kind == KFK__TURN_ASSIGN) {
        kfk__parts_clear(&m->after);
        if (!kfk__parts_join(&m->after, &m->owned) || !kfk__parts_join(&m->after, parts)) {
            kfk__parts_fini(parts);
            return false;
        }
    } else if (parts->n == 0) {
        kfk__parts_fini(parts);
        return false;
    }
    kfk__parts_move(&t->parts, parts);
    t->kind = kind;
    t->deadline = deadline;
    t->number = ++m->turns;
    t->told = false;
    t->retry = (kfk__retry){0};
    t->not_before = 0;
    return true; /* watch_turn tells it, in this step */
}

static void tell_turn(kfk__member *m, int64_t now)
{
    kfk__turn *t = &m->turn;

    t->told = m->host.turn(m->host.owner, t->kind, t->number, &t->parts, t->deadline);
    if (!t->told)
        t->not_before = kfk__client_retry_at(&m->client, &t->retry, KFK_ERR_NOMEM, now);
}

void kfk__member_give_up(kfk__member *m)
{
    if (m->turn.kind == KFK__TURN_NONE || m->turn.kind == KFK__TURN_LOST)
        return;
    kfk__counter_add(&m->metrics.lost, (int64_t)m->turn.parts.n);
    if (m->turn.told)
        m->host.give_up(m->host.owner, m->turn.number);
    end_turn(m, false);
}

bool kfk__member_lose_all(kfk__member *m)
{
    kfk__parts lost;

    if (m->turn.kind == KFK__TURN_LOST)
        return true;
    kfk__member_give_up(m);
    kfk__parts_init(&lost, &m->env->alloc);
    kfk__parts_move(&lost, &m->owned);
    set_owned(m);
    kfk__counter_add(&m->metrics.lost, (int64_t)lost.n);
    return kfk__member_turn(m, KFK__TURN_LOST, &lost, KFK__NEVER);
}

void kfk__member_done(kfk__member *m, uint64_t number, int64_t now)
{
    kfk__turn_kind kind = m->turn.kind;

    if (kind == KFK__TURN_NONE || number != m->turn.number)
        return;
    end_turn(m, true);
    m->ops->turned(m, kind, now);
}

/* A turn that takes too long holds up the others of the group: they go on without it. */
static void miss_deadline(kfk__member *m, int64_t now)
{
    kfk__turn_kind kind = m->turn.kind;
    kfk_error e;

    (void)kfk__fail(&e, KFK_ERR_POLL_INTERVAL,
                    "group %.200s: %zu partitions were not given up within max.poll.interval.ms=%d: "
                    "they are lost",
                    m->o.group, m->turn.parts.n, m->o.max_poll_ms);
    kfk__counter_add(&m->metrics.overdue, 1);
    kfk__member_log(m, KFK_LOG_WARN, "%s", e.msg);
    kfk__member_give_up(m);
    m->host.failed(m->host.owner, &e);
    m->ops->turned(m, kind, now);
}

static int64_t watch_turn(kfk__member *m, int64_t now)
{
    kfk__turn *t = &m->turn;

    if (t->kind != KFK__TURN_NONE && t->deadline <= now && t->kind != KFK__TURN_LOST) {
        miss_deadline(m, now);
        return now;
    }
    if (t->kind == KFK__TURN_NONE)
        return KFK__NEVER;
    if (!t->told && t->not_before <= now)
        tell_turn(m, now);
    return t->told ? t->deadline : kfk__sooner(t->not_before, t->deadline);
}

/* ---- who it is ---- */

static void tell_who(kfk__member *m)
{
    kfk__group_meta who = {.group = m->o.group,
                           .member = m->id,
                           .instance = m->o.instance,
                           .generation = m->generation};

    m->who_untold = !m->host.who(m->host.owner, &who);
}

/* There was no memory to tell it with. */
static int64_t tell_who_again(kfk__member *m, int64_t now)
{
    if (m->who_untold && m->who_at <= now) {
        tell_who(m);
        m->who_at = kfk__client_retry_at(&m->client, &m->who_retry, KFK_ERR_NOMEM, now);
    }
    if (m->who_untold)
        return m->who_at;
    m->who_retry = (kfk__retry){0};
    return KFK__NEVER;
}

/* ---- whether the application is alive ---- */

/* Half of its time is over, or not yet: when to look again. Who is there now may go at any time, and says nothing of it. */
static int64_t nudge(kfk__member *m, int64_t at, int64_t now)
{
    int64_t half = kfk__deadline(at == KFK__NEVER ? now : at, m->o.max_poll_ms / 2);

    if (half > now) {
        m->nudged = false;
        return half;
    }
    if (!m->nudged)
        m->host.nudge(m->host.owner);
    m->nudged = true;
    return KFK__NEVER;
}

static void be_overdue(kfk__member *m, int64_t now)
{
    kfk_error e;

    m->overdue = true;
    kfk__counter_add(&m->metrics.overdue, 1);
    (void)kfk__fail(&e, KFK_ERR_POLL_INTERVAL,
                    "group %.200s: the application has not come back for records for "
                    "max.poll.interval.ms=%d: the group is left until it does",
                    m->o.group, m->o.max_poll_ms);
    kfk__member_log(m, KFK_LOG_WARN, "%s", e.msg);
    m->host.failed(m->host.owner, &e);
    m->ops->overdue(m, now);
}

static int64_t watch_life(kfk__member *m, int64_t now)
{
    int64_t at = m->host.alive_at(m->host.owner), until;
    int64_t due = at == KFK__NEVER ? KFK__NEVER : kfk__deadline(at, m->o.max_poll_ms);

    if (!m->subscribed)
        return KFK__NEVER;
    until = nudge(m, at, now);
    if (due > now) {
        m->overdue = false;
        return kfk__sooner(until, due);
    }
    if (m->overdue)
        return KFK__NEVER; /* who shows itself wakes the loop */
    be_overdue(m, now);
    return now;
}

/* Last, since nobody may look any further: what is lost with it is told before. */
static void tell_failure(kfk__member *m)
{
    if (!m->failure_untold || (m->turn.kind != KFK__TURN_NONE && !m->turn.told))
        return;
    m->failure_untold = false;
    m->host.failed(m->host.owner, &m->failure);
}

/* ---- what is wanted ---- */

/* A coordinator that assigns tells of topics that may not be read itself. */
static bool is_refusal(const kfk__member *m, kfk_err err)
{
    return err == KFK_ERR_INVALID_TOPIC_EXCEPTION ||
           (err == KFK_ERR_TOPIC_AUTHORIZATION_FAILED && !m->o.modern);
}

/* A topic that brokers refuse will not come by itself: the host is told, once for as long as it lasts. */
static void look_at_topics(kfk__member *m)
{
    const char *name = NULL;
    kfk_err err = KFK_OK;
    kfk_error e;

    for (size_t i = 0; i < m->wanted.n && !err; i++) {
        const kfk__topic_info *t;

        name = m->wanted.topics[i];
        t = kfk__metadata_find(&m->client.metadata, name, strlen(name));
        if (t && is_refusal(m, t->err))
            err = t->err;
    }
    if (err && err != m->topic_refused) {
        (void)kfk__fail(&e, err, "topic %.200s: %s", name, kfk_err_str(err));
        kfk__error_set(e.topic, sizeof e.topic, name, strlen(name));
        kfk__member_name(m, &e);
        kfk__member_log(m, KFK_LOG_WARN, "%s", e.msg);
        m->host.failed(m->host.owner, &e);
    }
    m->topic_refused = err;
}

int64_t kfk__member_step(kfk__member *m, const kfk__event *ev, int n, int64_t now)
{
    int64_t until;

    kfk__client_events(&m->client, ev, n, now);
    if (m->news && m->subscribed && !m->failed)
        look_at_topics(m);
    until = tell_who_again(m, now);
    if (!m->failed && !m->left)
        until = kfk__sooner(until, watch_life(m, now));
    until = kfk__sooner(until, m->ops->tick(m, now));
    until = kfk__sooner(until, kfk__client_tick(&m->client, now));
    until = kfk__sooner(until, watch_turn(m, now)); /* what any of these began, or ended, is told now */
    tell_failure(m);
    return until;
}

/* ---- what comes from outside ---- */

void kfk__member_subscribe(kfk__member *m, kfk__wanted *wanted, int64_t now)
{
    bool same = m->subscribed && kfk__wanted_equal(&m->wanted, wanted);

    kfk__wanted_move(&m->wanted, wanted);
    m->subscribed = true;
    m->left = false;
    if (same)
        return;
    m->topic_refused = KFK_OK;
    m->news = true; /* what is known of these has not been looked at */
    m->ops->resubscribed(m, now);
}

void kfk__member_rejoin(kfk__member *m, const char *reason, int64_t now)
{
    if (m->subscribed && !m->failed)
        m->ops->rejoin(m, reason, now);
}

void kfk__member_refused(kfk__member *m, kfk_err code, int32_t generation, int64_t now)
{
    if (m->subscribed && !m->failed)
        m->ops->refused(m, code, generation, now);
}

void kfk__member_leave(kfk__member *m, int64_t now)
{
    kfk__member_give_up(m);
    end_turn(m, false); /* LOST: the host has forgotten it */
    m->subscribed = false;
    kfk__parts_clear(&m->owned);
    set_owned(m);
    if (m->failed)
        m->left = true;
    else
        m->ops->leave(m, now);
}

/* ---- names ---- */

bool kfk__member_is(kfk__member *m, kfk_bytes id, int32_t generation)
{
    if (!kfk__bytes_equal(kfk__bytes_str(m->id), id)) {
        char *copy = kfk__strndup(&m->env->alloc, id.data ? id.data : "", id.len);

        if (!copy)
            return false;
        kfk__release(&m->env->alloc, m->id);
        m->id = copy;
    }
    m->generation = generation;
    tell_who(m);
    return true;
}

void kfk__member_is_nobody(kfk__member *m, bool keep_id)
{
    if (!keep_id)
        m->id[0] = '\0';
    m->generation = -1;
    tell_who(m);
}

/* ---- errors ---- */

static const struct {
    kfk_err code;
    const char *text;
} remedies[] = {
    {KFK_ERR_FENCED_INSTANCE_ID, "another member has joined with the same group.instance.id: give each its own"},
    {KFK_ERR_UNRELEASED_INSTANCE_ID,
     "another member still has this group.instance.id: give each its own, or close that one first"},
    {KFK_ERR_INCONSISTENT_GROUP_PROTOCOL,
     "its members share no assignor with this one, or it is no group of consumers: see "
     "partition.assignment.strategy and group.protocol, or use another group.id"},
    {KFK_ERR_GROUP_AUTHORIZATION_FAILED, "the principal needs READ on the group"},
    {KFK_ERR_TOPIC_AUTHORIZATION_FAILED, "the principal needs READ and DESCRIBE on the topics"},
    {KFK_ERR_INVALID_GROUP_ID, "it is no name that a group may have"},
    {KFK_ERR_INVALID_SESSION_TIMEOUT,
     "session.timeout.ms is not between group.min.session.timeout.ms and group.max.session.timeout.ms "
     "of the broker"},
    {KFK_ERR_GROUP_MAX_SIZE_REACHED, "it has as many members as group.max.size of the broker allows"},
    {KFK_ERR_UNSUPPORTED_ASSIGNOR, "the broker does not have group.remote.assignor"},
    {KFK_ERR_INVALID_REGULAR_EXPRESSION, "the broker cannot read the expression that is subscribed to"},
    {KFK_ERR_GROUP_ID_NOT_FOUND, "it is a group of another protocol: see group.protocol"},
};

void kfk__member_name(const kfk__member *m, kfk_error *e)
{
    const char *remedy = NULL;
    char what[300];

    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        if (remedies[i].code == e->code)
            remedy = remedies[i].text;
    kfk__error_set(what, sizeof what, e->msg, strlen(e->msg));
    if (remedy)
        (void)snprintf(e->msg, sizeof e->msg, "group %.100s: %s (%s)", m->o.group, remedy, what);
    else
        (void)snprintf(e->msg, sizeof e->msg, "group %.200s: %s", m->o.group, what);
}

void kfk__member_fail(kfk__member *m, kfk_error *e)
{
    if (m->failed)
        return;
    m->failed = true;
    kfk__member_name(m, e);
    e->flags |= KFK_FATAL;
    e->flags &= ~(uint32_t)KFK_RETRIABLE;
    kfk__member_log(m, KFK_LOG_ERROR, "%s", e->msg);
    kfk__member_is_nobody(m, false);
    (void)kfk__member_lose_all(m);
    m->failure = *e;
    m->failure_untold = true;
}

void kfk__member_log(kfk__member *m, int level, const char *fmt, ...)
{
    const kfk__log *log = &m->client_options->log;
    char line[KFK__LOG_LINE_MAX];
    va_list ap;

    if (!kfk__log_on(log, level))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    kfk__log_line(log, level, m->client_options->subsystem, "%s", line);
}

/* ---- calls ---- */

static kfk_err route(kfk__call *call, int64_t now, kfk__node **n, kfk_error *e)
{
    kfk__member *m = call->owner;

    (void)now;
    return kfk__coordinator_route(&m->coordinator, &m->way.use, call, call->deadline, n, e);
}

/* The line apart goes where the coordinator is. */
static kfk_err follow_coordinator(kfk__member *m, const kfk__node *to)
{
    kfk__member_way *w = &m->join_way;

    if (w->apart && w->found == w->use.found)
        return KFK_OK;
    if (w->apart)
        kfk__client_hang_up(&m->client, w->apart);
    w->apart = kfk__client_line(&m->client, to->id, kfk__bytes_str(to->name), to->port);
    w->found = w->use.found;
    return w->apart ? KFK_OK : KFK_ERR_NOMEM;
}

static kfk_err route_apart(kfk__call *call, int64_t now, kfk__node **n, kfk_error *e)
{
    kfk__member *m = call->owner;
    kfk__node *coordinator;
    kfk_err err = kfk__coordinator_route(&m->coordinator, &m->join_way.use, call, call->deadline,
                                         &coordinator, e);

    (void)now;
    *n = NULL;
    if (err || !coordinator)
        return err;
    if (follow_coordinator(m, coordinator))
        return kfk__fail_nomem(e);
    *n = m->join_way.apart;
    return KFK_OK;
}

static kfk__call *begin_call(kfk__member *m, const kfk__call_ops *ops, kfk__route_fn *by,
                             int64_t deadline)
{
    kfk__call *call = kfk__client_call(&m->client, ops, m, KFK__TO_ROUTE, deadline);

    if (call)
        call->route = by;
    return call;
}

kfk__call *kfk__member_call(kfk__member *m, const kfk__call_ops *ops, int64_t deadline)
{
    return begin_call(m, ops, route, deadline);
}

kfk__call *kfk__member_call_apart(kfk__member *m, const kfk__call_ops *ops, int64_t deadline)
{
    return begin_call(m, ops, route_apart, deadline);
}

void kfk__member_heed(kfk__member *m, const kfk__call *call, kfk_err code)
{
    kfk__coordinator_heed(&m->coordinator,
                          call->route == route ? &m->way.use : &m->join_way.use, code);
}

void kfk__member_doubt_coordinator(kfk__member *m)
{
    kfk__coordinator_heed(&m->coordinator, &m->way.use, KFK_ERR_NOT_COORDINATOR);
}
