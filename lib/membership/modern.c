#include "membership/modern_state.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "membership/beat.h"
#include "membership/reconcile.h"
#include "proto/consumer_group_heartbeat.h"

/* Between an answer and a heartbeat that somebody's refusal asks for. */
#define APART (50 * KFK__MS)
/* So long it has to be a member, and a heartbeat at least, for joining again to begin anew. */
#define STAY (1000 * KFK__MS)

/* ---- states ---- */

static void drop_beat(kfk__member *m)
{
    kfk__modern *st = m->state;

    if (st->beat)
        kfk__client_drop(&m->client, st->beat);
    st->beat = NULL;
    kfk__beat_forget(st);
}

/* What is left of a leave does not matter any more: what follows it comes after it. */
static void drop_leave(kfk__member *m)
{
    kfk__modern *st = m->state;

    if (st->leave)
        kfk__client_drop(&m->client, st->leave);
    st->leave = NULL;
}

static void join(kfk__member *m)
{
    kfk__modern *st = m->state;

    drop_beat(m);
    drop_leave(m);
    kfk__reconcile_forget(st);
    st->state = KFK__MODERN_JOINING;
    st->hurry = true;
}

/* It is no member any more, and what it had is lost. */
static void lose(kfk__member *m, kfk__modern_state next)
{
    kfk__modern *st = m->state;

    drop_beat(m);
    kfk__reconcile_forget(st);
    st->state = next;
    kfk__member_is_nobody(m, true);
    (void)kfk__member_lose_all(m);
}

/* The group went on without it. It joins again under the same name: at once the first time. */
static void fence(kfk__member *m, kfk_err why, int64_t now)
{
    kfk__modern *st = m->state;

    kfk__counter_add(&m->metrics.failed, 1);
    kfk__member_log(m, KFK_LOG_WARN,
                    "group %.200s: member %.100s is fenced (%s): what it had is lost, it joins again",
                    m->o.group, kfk__modern_id(m), st->refusal.msg);
    lose(m, KFK__MODERN_FENCED);
    st->asked = why == KFK_ERR_FENCED_MEMBER_EPOCH; /* known, if not as what it is */
    st->unreleased = true;
    st->not_before = kfk__client_retry_at(&m->client, &st->fences, why, now);
}

/* ---- leaving ---- */

static kfk_err build_leave(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    (void)version;
    return kfk__beat_build_leave(call->owner, a, body);
}

static kfk_err answer_leave(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk_err err = kfk__beat_code(body, e);

    (void)version;
    kfk__member_heed(call->owner, call, err);
    return err;
}

/* It is out, whoever knows. */
static void end_leaving(kfk__member *m)
{
    kfk__modern *st = m->state;

    st->asked = false;
    if (st->state != KFK__MODERN_LEAVING)
        return;
    st->state = KFK__MODERN_OUT;
    m->left = !m->subscribed;
}

static void done_leave(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;

    (void)now;
    kfk__modern_of(m)->leave = NULL;
    if (e->code)
        kfk__member_log(m, KFK_LOG_INFO, "group %.200s: the coordinator could not be told that member "
                        "%.100s leaves: %s", m->o.group, kfk__modern_id(m), e->msg);
    end_leaving(m);
}

static const kfk__call_ops leave_ops = {&kfk__consumer_group_heartbeat_api, build_leave,
                                        answer_leave, done_leave};

static void plan_leave(kfk__member *m, int64_t now)
{
    kfk__modern_of(m)->leave_by = kfk__deadline(now, m->client_options->request_timeout_ms);
}

/* Who has never been heard of need not be told of. */
static int64_t tick_leave(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;

    if (st->leave || (st->state != KFK__MODERN_LEAVING && st->state != KFK__MODERN_STALE))
        return KFK__NEVER;
    if (!st->asked || now >= st->leave_by) {
        end_leaving(m);
        return KFK__NEVER;
    }
    if (st->memory_at > now)
        return kfk__sooner(st->memory_at, st->leave_by);
    st->leave = kfk__member_call(m, &leave_ops, st->leave_by);
    if (st->leave)
        return KFK__NEVER;
    st->memory_at = kfk__client_retry_at(&m->client, &st->memory, KFK_ERR_NOMEM, now);
    return kfk__sooner(st->memory_at, st->leave_by);
}

/* ---- what a heartbeat ended with ---- */

static void fail(kfk__member *m, const kfk_error *why)
{
    const kfk__modern *st = m->state;
    kfk_error e = *why;

    if (why->code == KFK_ERR_UNSUPPORTED_VERSION && st->no_regex)
        (void)kfk__fail(&e, why->code,
                        "an expression needs version 1 of ConsumerGroupHeartbeat, which Kafka has since 4.0, "
                        "and the coordinator speaks 0: subscribe to topics by name, or set "
                        "group.protocol=classic");
    else if (why->code == KFK_ERR_UNSUPPORTED_VERSION)
        (void)kfk__fail(&e, why->code,
                        "group.protocol=consumer needs brokers that speak ConsumerGroupHeartbeat, as "
                        "Kafka does since 4.0: set group.protocol=classic until they do");
    if (e.msg != why->msg && strcmp(e.msg, why->msg) != 0)
        kfk__fail_because(&e, why);
    drop_beat(m);
    kfk__reconcile_forget(m->state);
    kfk__modern_of(m)->state = KFK__MODERN_OUT;
    kfk__counter_add(&m->metrics.failed, 1);
    kfk__member_fail(m, &e);
}

/* It may pass, but not by itself: the host is told, once for as long as it lasts. */
static void complain(kfk__member *m, const kfk_error *why)
{
    kfk__modern *st = m->state;
    kfk_error e = *why;

    if (st->complained)
        return;
    st->complained = true;
    kfk__member_name(m, &e);
    kfk__member_log(m, KFK_LOG_WARN, "%s", e.msg);
    m->host.failed(m->host.owner, &e);
}

/* Whether another attempt may have another end. A broken answer tells nothing of the group. */
static bool may_pass(const kfk_error *e)
{
    return (e->flags & KFK_RETRIABLE) || e->code == KFK_ERR_NOMEM || e->code == KFK_ERR_PROTOCOL;
}

/* Of what does not exist a member that joins is told that it cannot be made. */
static bool is_fenced(const kfk__modern *st, kfk_err code)
{
    return code == KFK_ERR_FENCED_MEMBER_EPOCH || code == KFK_ERR_UNKNOWN_MEMBER_ID ||
           (code == KFK_ERR_GROUP_ID_NOT_FOUND && st->state == KFK__MODERN_IN);
}

/* What the gate takes it for. A coordinator that is none leads to a lookup, which has a backoff of its
 * own; and what goes fast elsewhere has no business here. */
static kfk_err gate_of(kfk_err why)
{
    if (why == KFK_ERR_COORDINATOR_NOT_AVAILABLE)
        return KFK_ERR_NOT_COORDINATOR;
    return why == KFK_ERR_CONCURRENT_TRANSACTIONS ? KFK_ERR_REQUEST_TIMED_OUT : why;
}

/* A static member that joins must have left before, and this one, as far as the coordinator knows, has not. */
static bool release(kfk__member *m, kfk_err why, int64_t now)
{
    kfk__modern *st = m->state;

    if (why != KFK_ERR_UNRELEASED_INSTANCE_ID || !st->unreleased || !m->o.instance)
        return false;
    st->unreleased = false;
    plan_leave(m, now);
    lose(m, KFK__MODERN_STALE);
    return true;
}

/* Everything is said again then: what of it has arrived is not known. */
static void refused(kfk__member *m, const kfk_error *why, int64_t now)
{
    kfk__modern *st = m->state;

    kfk__beat_forget(st);
    if (release(m, why->code, now))
        return;
    if (is_fenced(st, why->code)) {
        fence(m, why->code, now);
        return;
    }
    if (why->code == KFK_ERR_TOPIC_AUTHORIZATION_FAILED) {
        complain(m, why);
    } else if (!may_pass(why)) {
        fail(m, why);
        return;
    }
    st->not_before = st->due =
        kfk__client_retry_at(&m->client, &st->retry, gate_of(why->code), now);
}

/* What is wanted by name is known to metadata: for its id, and so that it may be made. */
static void know_wanted(kfk__member *m, int64_t now)
{
    for (size_t i = 0; i < m->wanted.n; i++)
        (void)kfk__client_topic(&m->client, m->wanted.topics[i], strlen(m->wanted.topics[i]), now);
}

static void answered(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;

    if (st->state == KFK__MODERN_JOINING) {
        st->state = KFK__MODERN_IN;
        st->joined_at = now;
    }
    if (now - st->joined_at >= (st->interval > STAY ? st->interval : STAY))
        st->fences = (kfk__retry){0};
    st->retry = (kfk__retry){0};
    st->complained = st->unreleased = false;
    st->not_before = 0;
    st->answered_at = now;
    st->due = now + st->interval;
    know_wanted(m, now);
    kfk__counter_add(&m->metrics.heartbeats, 1);
}

/* ---- heartbeats ---- */

static kfk_err build_beat(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    return kfk__beat_build(call->owner, version, a, body);
}

/* Each attempt is judged here, and not repeated by the client: what it says may be old by then. */
static kfk_err answer_beat(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__member *m = call->owner;
    kfk__modern *st = m->state;

    (void)version;
    (void)e;
    kfk__error_clear(&st->refusal);
    if (kfk__beat_read(m, body, &st->refusal))
        kfk__client_error(&m->client, st->refusal.code);
    kfk__member_heed(m, call, st->refusal.code);
    return KFK_OK;
}

static void done_beat(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;
    kfk__modern *st = m->state;

    st->beat = NULL;
    if (e->code == KFK_ERR_CLOSED)
        return;
    st->unreleased |= e->code != KFK_OK; /* it may have been heard */
    if (e->code)
        refused(m, e, now);
    else if (st->refusal.code)
        refused(m, &st->refusal, now);
    else
        answered(m, now);
}

static const kfk__call_ops beat_ops = {&kfk__consumer_group_heartbeat_api, build_beat, answer_beat,
                                       done_beat};

static int64_t tick_beat(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;
    int64_t at = st->hurry ? st->not_before : st->due;

    if (st->beat || (st->state != KFK__MODERN_JOINING && st->state != KFK__MODERN_IN))
        return KFK__NEVER;
    if (at > now)
        return at;
    st->beat = kfk__member_call(m, &beat_ops, KFK__NEVER);
    if (st->beat) {
        st->beat->repeatable = false;
        return KFK__NEVER;
    }
    st->not_before = st->due = kfk__client_retry_at(&m->client, &st->retry, KFK_ERR_NOMEM, now);
    return st->due;
}

/* ---- what comes from outside ---- */

/* Nobody asks any more for what is not wanted. */
static void forget_unwanted(kfk__member *m)
{
    kfk__metadata *md = &m->client.metadata;

    for (kfk__list *at = md->topics.next, *next; at != &md->topics; at = next) {
        kfk__topic_info *t = KFK__ENTRY(at, kfk__topic_info, link);

        next = at->next;
        if (!kfk__wanted_names(&m->wanted, kfk__bytes(t->name, t->name_len)))
            kfk__metadata_forget(md, t);
    }
}

static void modern_resubscribed(kfk__member *m, int64_t now)
{
    forget_unwanted(m);
    know_wanted(m, now);
    kfk__beat_wanted_changed(m->state);
}

static void modern_rejoin(kfk__member *m, const char *reason, int64_t now)
{
    (void)m;
    (void)reason;
    (void)now; /* the coordinator shares out, and when it sees fit */
}

/* A commit in an older epoch says nothing of the member: the host knows the one of now. */
static void modern_refused(kfk__member *m, kfk_err code, int32_t generation, int64_t now)
{
    kfk__modern *st = m->state;
    int64_t at = st->answered_at + APART;

    if (st->state != KFK__MODERN_IN || generation != m->generation ||
        (code != KFK_ERR_UNKNOWN_MEMBER_ID && code != KFK_ERR_FENCED_MEMBER_EPOCH))
        return;
    at = at > now ? at : now;
    at = at > st->not_before ? at : st->not_before;
    st->due = kfk__sooner(st->due, at);
}

static void modern_overdue(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;

    if (st->state != KFK__MODERN_JOINING && st->state != KFK__MODERN_IN &&
        st->state != KFK__MODERN_FENCED)
        return;
    plan_leave(m, now);
    lose(m, KFK__MODERN_STALE);
}

static void modern_leave(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;

    if (st->state == KFK__MODERN_LEAVING)
        return;
    drop_beat(m);
    kfk__reconcile_forget(st);
    kfk__parts_clear(&m->owned);
    kfk__gauge_set(&m->metrics.owned, 0);
    if (!st->leave)
        plan_leave(m, now);
    st->state = KFK__MODERN_LEAVING;
    kfk__member_is_nobody(m, true);
}

static void modern_turned(kfk__member *m, kfk__turn_kind kind, int64_t now)
{
    (void)m;
    (void)kind;
    (void)now; /* the tick that follows sees that there is none */
}

/* What has been given up by the host, or what it has been waited for, is over. */
static void go_back_in(kfk__member *m)
{
    kfk__modern *st = m->state;

    if (m->turn.kind != KFK__TURN_NONE || !m->subscribed)
        return;
    if (m->o.instance && st->state == KFK__MODERN_STALE && st->asked)
        return; /* a static member joins once it has left */
    if (st->state == KFK__MODERN_OUT || st->state == KFK__MODERN_FENCED ||
        (st->state == KFK__MODERN_STALE && !m->overdue))
        join(m);
}

static int64_t modern_tick(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;
    int64_t until;

    if (m->failed)
        return KFK__NEVER;
    until = tick_leave(m, now);
    go_back_in(m);
    until = kfk__sooner(until, kfk__reconcile_tick(m, now));
    until = kfk__sooner(until, tick_beat(m, now));
    return kfk__sooner(until, kfk__names_tick(&st->names, now));
}

/* ---- its beginning and its end ---- */

/* As Kafka's own client makes them: random, and none that begins with a hyphen. */
static void make_id(const kfk__env *env, char out[23])
{
    kfk__uuid id;

    env->ops->random(env->ctx, id.b, sizeof id.b);
    id.b[0] &= 0x7f;
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x40);
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
    kfk__uuid_format(&id, out);
}

static kfk_err modern_init(kfk__member *m)
{
    const kfk_allocator *a = &m->env->alloc;
    kfk__modern *st = kfk__zalloc(a, sizeof *st);

    if (!st)
        return KFK_ERR_NOMEM;
    m->state = st;
    make_id(m->env, st->id);
    kfk__error_clear(&st->refusal);
    kfk__names_init(&st->names, &m->client);
    kfk__tips_init(&st->target, a);
    kfk__tips_init(&st->goal, a);
    kfk__tips_init(&st->local, a);
    return KFK_OK;
}

static void modern_fini(kfk__member *m)
{
    kfk__modern *st = m->state;

    kfk__names_fini(&st->names);
    kfk__tips_fini(&st->target);
    kfk__tips_fini(&st->goal);
    kfk__tips_fini(&st->local);
    kfk__release(&m->env->alloc, st);
    m->state = NULL;
}

const kfk__member_ops kfk__modern_ops = {
    modern_init,   modern_tick,    modern_turned, modern_resubscribed, modern_rejoin,
    modern_refused, modern_overdue, modern_leave,  modern_fini,
};
