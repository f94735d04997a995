#include "membership/classic.h"

#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/heartbeat.h"
#include "proto/leave_group.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_over(const kfk__member *m)
{
    return m->failed || m->left || m->client.closed;
}

/* Whether the coordinator counts on this member. */
static bool is_member(const kfk__member *m)
{
    return m->generation >= 0;
}

/* ---- why to join again, and when ---- */

static void ask_to_rejoin(kfk__classic *c, const char *reason)
{
    if (!c->rejoin)
        kfk__error_set(c->reason, sizeof c->reason, reason, strlen(reason));
    c->rejoin = true;
}

/* Through the retry gate. */
static void rejoin_later(kfk__member *m, kfk_err why, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    c->state = KFK__CLASSIC_OUT;
    c->rejoin = true;
    c->deadline = 0;
    c->not_before = kfk__client_retry_at(&m->client, &c->retry, why, now);
    if (why != KFK_ERR_MEMBER_ID_REQUIRED)
        kfk__counter_add(&m->metrics.failed, 1);
}

static void drop_call(kfk__member *m, kfk__call **call)
{
    if (*call && !m->client.closed)
        kfk__client_drop(&m->client, *call);
    *call = NULL;
}

/* The others have gone on without this member: what it had is another's. */
static void lose(kfk__member *m, bool keep_id, const char *reason)
{
    kfk__classic *c = kfk__classic_of(m);

    drop_call(m, &c->round);
    drop_call(m, &c->heartbeat);
    /* A static member comes back into the same generation, in which nobody has what it gave up. */
    c->owed |= m->o.instance && c->again &&
               (c->state == KFK__CLASSIC_REVOKING || c->state == KFK__CLASSIC_ASSIGNING);
    kfk__member_is_nobody(m, keep_id);
    c->state = KFK__CLASSIC_OUT;
    c->deadline = 0;
    ask_to_rejoin(c, reason);
    (void)kfk__member_lose_all(m);
}

static void fail(kfk__member *m, const kfk_error *e)
{
    kfk__classic *c = kfk__classic_of(m);
    kfk_error own = *e;

    drop_call(m, &c->round);
    drop_call(m, &c->heartbeat);
    drop_call(m, &c->search);
    c->state = KFK__CLASSIC_OUT;
    if (own.code == KFK_ERR_UNSUPPORTED_VERSION && m->o.instance)
        (void)kfk__fail(&own, own.code,
                        "group.instance.id needs brokers that know static members, as Kafka does since 2.3");
    kfk__member_fail(m, &own);
}

static void tell(kfk__member *m, const kfk_error *e)
{
    kfk_error own = *e;

    kfk__member_name(m, &own);
    kfk__member_log(m, KFK_LOG_WARN, "%s", own.msg);
    m->host.failed(m->host.owner, &own);
}

/* ---- a rebalance, step by step ---- */

static void join(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (!kfk__classic_send_join(m)) {
        rejoin_later(m, KFK_ERR_NOMEM, now);
        return;
    }
    c->rejoin = false;
    c->state = KFK__CLASSIC_JOINING;
}

/* When the coordinator gives up waiting for us, less what it takes to hear of the rebalance and to tell of its end. */
static int64_t deadline_of(const kfk__member *m, int64_t since)
{
    int64_t all = m->o.max_poll_ms, margin = later(all / 10, m->o.heartbeat_ms);

    return kfk__deadline(since, all - (margin < all / 2 ? margin : all / 2));
}

/* What has to be given up before the others can have it. false: no memory. */
static bool pick_first(const kfk__member *m, kfk__parts *out)
{
    const kfk__wanted *w = kfk__classic_topics(m);

    for (size_t i = 0; i < m->owned.n; i++) {
        kfk_bytes topic = kfk__bytes_str(m->owned.v[i].topic);

        if (kfk__classic_of(m)->protocol == KFK__COOPERATIVE && kfk__wanted_names(w, topic))
            continue;
        if (!kfk__parts_add(out, topic, m->owned.v[i].partition))
            return false;
    }
    return true;
}

static void prepare(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);
    kfk__parts parts;

    kfk__parts_init(&parts, &m->env->alloc);
    if (!pick_first(m, &parts)) {
        kfk__parts_fini(&parts);
        c->not_before = kfk__client_retry_at(&m->client, &c->retry, KFK_ERR_NOMEM, now);
        return;
    }
    c->state = KFK__CLASSIC_PREPARING;
    if (c->deadline == 0)
        c->deadline = deadline_of(m, now);
    if (!kfk__member_turn(m, KFK__TURN_REVOKE, &parts, c->deadline))
        join(m, now);
}

static void finish_round(kfk__member *m)
{
    kfk__classic *c = kfk__classic_of(m);

    c->state = KFK__CLASSIC_STABLE;
    c->retry = (kfk__retry){0};
    if (!c->rejoin)
        c->deadline = 0;
    kfk__counter_add(&m->metrics.rebalances, 1);
    if (c->again || c->owed)
        ask_to_rejoin(c, "partitions that were given up are to go to other members");
    c->owed = false;
    /* What nobody has given out just now may have changed since somebody did. */
    m->news |= c->leads && !c->gives_out;
}

/* What is newly ours; none is told, too: the rebalance is over. */
static void assign(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);
    kfk__parts added;
    bool ok;

    c->state = KFK__CLASSIC_ASSIGNING;
    kfk__parts_init(&added, &m->env->alloc);
    ok = kfk__parts_pick(&added, &c->assigned, &m->owned, false);
    if (ok)
        ok = kfk__member_turn(m, KFK__TURN_ASSIGN, &added, KFK__NEVER);
    else
        kfk__parts_fini(&added);
    if (!ok)
        c->not_before = kfk__client_retry_at(&m->client, &c->retry, KFK_ERR_NOMEM, now);
}

/* What this round gives to others is given up now; who gets it is told in the next. */
static void complete(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);
    kfk__parts gone;

    c->state = KFK__CLASSIC_REVOKING;
    kfk__parts_init(&gone, &m->env->alloc);
    if (!kfk__parts_pick(&gone, &m->owned, &c->assigned, false)) {
        kfk__parts_fini(&gone);
        c->not_before = kfk__client_retry_at(&m->client, &c->retry, KFK_ERR_NOMEM, now);
        return;
    }
    c->again = gone.n > 0;
    if (!kfk__member_turn(m, KFK__TURN_REVOKE, &gone, deadline_of(m, now)))
        assign(m, now);
}

static void turned(kfk__member *m, kfk__turn_kind kind, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (is_over(m) || !m->subscribed || kind == KFK__TURN_LOST)
        return;
    if (c->state == KFK__CLASSIC_PREPARING)
        join(m, now);
    else if (c->state == KFK__CLASSIC_REVOKING)
        assign(m, now);
    else if (c->state == KFK__CLASSIC_ASSIGNING)
        finish_round(m);
}

/* ---- the ends of requests ---- */

/* What any of them may be answered with. */
static void take_refusal(kfk__member *m, const kfk_error *e, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    switch (e->code) {
    case KFK_ERR_UNKNOWN_MEMBER_ID:
        lose(m, false, "the coordinator does not know the member");
        rejoin_later(m, e->code, now);
        break;
    case KFK_ERR_ILLEGAL_GENERATION:
        lose(m, true, "the group has moved on to another generation");
        rejoin_later(m, e->code, now);
        break;
    case KFK_ERR_REBALANCE_IN_PROGRESS:
    case KFK_ERR_MEMBER_ID_REQUIRED:
    case KFK_ERR_NOMEM:
    case KFK_ERR_TIMED_OUT:
        rejoin_later(m, e->code, now);
        break;
    case KFK_ERR_PROTOCOL:
    case KFK_ERR_INVALID_ARG: /* an assignor of the user's that gave what cannot be */
        tell(m, e);
        rejoin_later(m, e->code, now);
        break;
    default:
        if (e->flags & KFK_RETRIABLE)
            rejoin_later(m, e->code, now);
        else if (e->code != KFK_ERR_CLOSED)
            fail(m, e);
    }
    if (!c->reason[0])
        kfk__error_set(c->reason, sizeof c->reason, kfk_err_name(e->code),
                       strlen(kfk_err_name(e->code)));
}

/* All that lead to the end of a round that is not gone on with. */
static bool ends_here(kfk__member *m, const kfk_error *e, int64_t now)
{
    if (is_over(m) || !m->subscribed)
        return true;
    if (e->code == KFK_OK)
        return false;
    take_refusal(m, e, now);
    return true;
}

/* Whoever leads watches the topics of all: the group is to know of new partitions. */
static void watch_topics(kfk__member *m, int64_t now)
{
    const kfk__lead *l = &kfk__classic_of(m)->lead;

    for (int32_t i = 0; i < l->n_topics; i++)
        (void)kfk__client_topic(&m->client, l->topics[i].data, l->topics[i].len, now);
}

static void tell_unreadable(kfk__member *m)
{
    kfk_error e;

    (void)kfk__fail(&e, KFK_ERR_PROTOCOL,
                    "the subscription of %d of its members cannot be read: they are given nothing",
                    kfk__classic_of(m)->lead.n_unreadable);
    tell(m, &e);
}

void kfk__classic_joined(kfk__member *m, const kfk_error *e, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);
    bool sent;

    if (ends_here(m, e, now))
        return;
    c->state = KFK__CLASSIC_SYNCING;
    c->reason[0] = '\0';
    c->deadline = 0;
    c->heartbeat_at = kfk__deadline(now, m->o.heartbeat_ms);
    if (c->leads) {
        watch_topics(m, now);
        if (c->lead.n_unreadable > 0)
            tell_unreadable(m);
    }
    sent = c->leads ? kfk__classic_send_survey(m) : kfk__classic_send_sync(m);
    if (!sent)
        rejoin_later(m, KFK_ERR_NOMEM, now);
}

void kfk__classic_surveyed(kfk__member *m, const kfk_error *e, int64_t now)
{
    if (e->code == KFK_OK && kfk__classic_of(m)->gives_out)
        m->news = false; /* what was news before is older than what has been given out */
    if (!ends_here(m, e, now) && !kfk__classic_send_sync(m))
        rejoin_later(m, KFK_ERR_NOMEM, now);
}

/* A leader may give only what was asked for. */
static bool is_asked_for(const kfk__member *m)
{
    const kfk__classic *c = kfk__classic_of(m);

    for (size_t i = 0; i < c->assigned.n; i++)
        if (!kfk__wanted_names(kfk__classic_topics(m), kfk__bytes_str(c->assigned.v[i].topic)))
            return false;
    return true;
}

void kfk__classic_synced(kfk__member *m, const kfk_error *e, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);
    kfk_error odd;

    if (ends_here(m, e, now))
        return;
    if (!is_asked_for(m)) {
        (void)kfk__fail(&odd, KFK_ERR_PROTOCOL,
                        "the leader gave a partition of a topic that is not subscribed to");
        tell(m, &odd);
        rejoin_later(m, odd.code, now);
        return;
    }
    c->had_any = true;
    c->last_generation = m->generation;
    complete(m, now);
}

/* ---- heartbeats ---- */

static kfk_err build_heartbeat(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__member *m = call->owner;
    kfk__heartbeat_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__heartbeat_api.request, rq);
    rq->group_id = kfk__bytes_str(m->o.group);
    rq->generation_id = m->generation;
    rq->member_id = kfk__bytes_str(m->id);
    rq->group_instance_id = kfk__bytes_str(m->o.instance);
    *body = rq;
    return KFK_OK;
}

static kfk_err answer_heartbeat(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    const kfk__heartbeat_response *rs = body;

    (void)version;
    (void)e;
    kfk__member_heed(call->owner, call, rs->error_code);
    return rs->error_code;
}

/* The group is being rebalanced: others wait for this member. */
static void hear_of_rebalance(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (c->state != KFK__CLASSIC_STABLE && c->state != KFK__CLASSIC_ASSIGNING &&
        c->state != KFK__CLASSIC_REVOKING)
        return; /* it is in it already */
    ask_to_rejoin(c, "the group is being rebalanced");
    if (c->deadline == 0)
        c->deadline = deadline_of(m, now);
    /* What the host is at has no longer than that, either. */
    if (m->turn.kind != KFK__TURN_NONE)
        m->turn.deadline = kfk__sooner(m->turn.deadline, c->deadline);
}

static void done_heartbeat(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;
    kfk__classic *c = kfk__classic_of(m);

    c->heartbeat = NULL;
    if (is_over(m) || !m->subscribed)
        return;
    if (e->code == KFK_OK) {
        kfk__counter_add(&m->metrics.heartbeats, 1);
        c->heartbeat_retry = (kfk__retry){0};
        return;
    }
    c->heartbeat_at =
        later(c->heartbeat_at, kfk__client_retry_at(&m->client, &c->heartbeat_retry, e->code, now));
    switch (e->code) {
    case KFK_ERR_REBALANCE_IN_PROGRESS:
        hear_of_rebalance(m, now);
        break;
    case KFK_ERR_UNKNOWN_MEMBER_ID:
    case KFK_ERR_ILLEGAL_GENERATION:
        take_refusal(m, e, now);
        break;
    case KFK_ERR_TIMED_OUT:
        kfk__member_doubt_coordinator(m);
        break;
    case KFK_ERR_NOMEM:
        break;
    default:
        if (!(e->flags & KFK_RETRIABLE) && e->code != KFK_ERR_CLOSED)
            fail(m, e);
    }
}

static void beat(kfk__member *m, int64_t now)
{
    static const kfk__call_ops ops = {&kfk__heartbeat_api, build_heartbeat, answer_heartbeat,
                                      done_heartbeat};
    kfk__classic *c = kfk__classic_of(m);

    c->heartbeat = kfk__member_call(m, &ops, kfk__deadline(now, m->o.session_ms));
    if (!c->heartbeat) {
        c->heartbeat_at =
            kfk__client_retry_at(&m->client, &c->heartbeat_retry, KFK_ERR_NOMEM, now);
        return;
    }
    /* A coordinator that hangs is to be found out before the session is over. */
    c->heartbeat->timeout_ms = kfk__sooner(m->client_options->request_timeout_ms, m->o.session_ms / 2);
    c->heartbeat_at = kfk__deadline(now, m->o.heartbeat_ms);
}

static int64_t tick_heartbeat(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (c->heartbeat || !is_member(m) || c->state == KFK__CLASSIC_JOINING)
        return KFK__NEVER;
    if (c->heartbeat_at <= now)
        beat(m, now);
    return c->heartbeat_at;
}

/* ---- leaving ---- */

static kfk_err build_leave(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__member *m = call->owner;
    const kfk__classic *c = kfk__classic_of(m);
    kfk__leave_group_request *rq = kfk__arena_alloc(a, sizeof *rq);

    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__leave_group_api.request, rq);
    rq->group_id = kfk__bytes_str(m->o.group);
    *body = rq;
    if (version < 3) {
        rq->member_id = kfk__bytes_str(c->leaver);
        return KFK_OK;
    }
    rq->members.v = kfk__arena_alloc(a, sizeof *rq->members.v);
    if (!rq->members.v)
        return KFK_ERR_NOMEM;
    rq->members.n = 1;
    rq->members.v[0] = kfk__leave_group_request_member_default;
    rq->members.v[0].member_id = kfk__bytes_str(c->leaver);
    rq->members.v[0].reason = kfk__bytes_str(
        c->leaves ? "the consumer is being closed, or unsubscribes" : "max.poll.interval.ms has passed");
    return KFK_OK;
}

static kfk_err answer_leave(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    const kfk__leave_group_response *rs = body;

    (void)version;
    (void)e;
    kfk__member_heed(call->owner, call, rs->error_code);
    return rs->error_code;
}

static void done_leave(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;
    kfk__classic *c = kfk__classic_of(m);

    (void)e; /* who is not known any more is as good as gone */
    (void)now;
    c->farewell = NULL;
    if (c->leaves)
        m->left = true;
}

/* Nobody is told where there is nothing to tell, or where a static member is to come back. */
static void say_farewell(kfk__member *m, int64_t now)
{
    static const kfk__call_ops ops = {&kfk__leave_group_api, build_leave, answer_leave, done_leave};
    kfk__classic *c = kfk__classic_of(m);

    drop_call(m, &c->farewell);
    kfk__release(&m->env->alloc, c->leaver);
    c->leaver = NULL;
    if (m->o.instance || !m->id[0])
        return;
    c->leaver = kfk__strdup(&m->env->alloc, m->id);
    if (c->leaver)
        c->farewell = kfk__member_call(
            m, &ops, kfk__deadline(now, m->client_options->request_timeout_ms));
}

static void leave(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    drop_call(m, &c->round);
    drop_call(m, &c->heartbeat);
    drop_call(m, &c->search);
    c->leaves = true;
    say_farewell(m, now);
    kfk__member_is_nobody(m, false);
    c->state = KFK__CLASSIC_OUT;
    c->rejoin = false;
    c->deadline = 0;
    if (!c->farewell)
        m->left = true;
}

static void overdue(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (!m->id[0] && c->state == KFK__CLASSIC_OUT)
        return;
    c->leaves = false;
    say_farewell(m, now);
    lose(m, false, "the application is back after max.poll.interval.ms");
}

/* ---- topics ---- */

/* What is subscribed to is asked for by name, so that it is made if it is not there, and watched. */
static void ask_for_topics(kfk__member *m, int64_t now)
{
    const kfk__wanted *w = kfk__classic_topics(m);

    for (size_t i = 0; i < w->n; i++)
        (void)kfk__client_topic(&m->client, w->topics[i], strlen(w->topics[i]), now);
}

static void resubscribed(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    drop_call(m, &c->search);
    kfk__wanted_fini(&c->matched);
    c->searched = false;
    c->search_at = now;
    c->leaves = false;
    ask_for_topics(m, now);
    ask_to_rejoin(c, "the subscription has changed");
}

void kfk__classic_searched(kfk__member *m, const kfk_error *e, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (is_over(m) || !m->subscribed)
        return;
    if (e->code) {
        c->search_at = kfk__client_retry_at(&m->client, &c->retry, e->code, now);
        if (e->code != KFK_ERR_NOMEM && !(e->flags & KFK_RETRIABLE))
            tell(m, e);
        return;
    }
    c->search_at = kfk__deadline(now, m->client_options->metadata_max_age_ms);
    if (c->searched)
        return;
    c->searched = true;
    ask_for_topics(m, now);
    ask_to_rejoin(c, "other topics match the subscription");
}

static int64_t tick_search(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);

    if (!m->wanted.pattern || c->search)
        return KFK__NEVER;
    if (c->search_at <= now && !kfk__classic_send_search(m))
        c->search_at = kfk__client_retry_at(&m->client, &c->retry, KFK_ERR_NOMEM, now);
    return c->search ? KFK__NEVER : c->search_at;
}

static void look_at_metadata(kfk__member *m)
{
    kfk__classic *c = kfk__classic_of(m);
    const char *changed;
    char reason[160];

    if (c->leads && (c->state != KFK__CLASSIC_STABLE || c->rejoin))
        return; /* that is news until then */
    m->news = false;
    if (!c->leads)
        return;
    changed = kfk__lead_changed(&c->lead, &m->client.metadata);
    if (!changed)
        return;
    (void)snprintf(reason, sizeof reason, "topic %.100s has other partitions", changed);
    ask_to_rejoin(c, reason);
}

/* ---- the whole ---- */

/* Whether a rebalance may begin. */
static bool may_join(const kfk__member *m)
{
    const kfk__classic *c = kfk__classic_of(m);

    return c->rejoin && !m->overdue && m->turn.kind == KFK__TURN_NONE && !c->round &&
           (c->state == KFK__CLASSIC_OUT || c->state == KFK__CLASSIC_STABLE) &&
           (!m->wanted.pattern || c->searched);
}

static int64_t tick(kfk__member *m, int64_t now)
{
    kfk__classic *c = kfk__classic_of(m);
    int64_t until;

    if (is_over(m) || !m->subscribed)
        return KFK__NEVER;
    if (m->news)
        look_at_metadata(m);
    until = kfk__sooner(tick_heartbeat(m, now), tick_search(m, now));
    if (m->turn.kind != KFK__TURN_NONE)
        return until;
    if (c->not_before > now)
        return kfk__sooner(until, c->not_before);
    if (may_join(m))
        prepare(m, now);
    else if (c->state == KFK__CLASSIC_REVOKING)
        complete(m, now); /* for want of memory not done yet */
    else if (c->state == KFK__CLASSIC_ASSIGNING)
        assign(m, now);
    return c->not_before > now ? kfk__sooner(until, c->not_before) : until;
}

static void rejoin(kfk__member *m, const char *reason, int64_t now)
{
    (void)now;
    ask_to_rejoin(kfk__classic_of(m), reason);
}

static void refused(kfk__member *m, kfk_err code, int32_t generation, int64_t now)
{
    kfk_error e;

    if (generation != m->generation || !is_member(m))
        return;
    /* The next generation has begun, and the answer that tells of it is on its way; or another one is. */
    if (kfk__classic_of(m)->state == KFK__CLASSIC_JOINING && code != KFK_ERR_FENCED_INSTANCE_ID)
        return;
    (void)kfk__fail(&e, code, "OffsetCommit: %s", kfk_err_str(code));
    if (code == KFK_ERR_REBALANCE_IN_PROGRESS)
        hear_of_rebalance(m, now);
    else if (code == KFK_ERR_UNKNOWN_MEMBER_ID || code == KFK_ERR_ILLEGAL_GENERATION)
        take_refusal(m, &e, now);
    else if (code == KFK_ERR_FENCED_INSTANCE_ID)
        fail(m, &e);
}

static kfk_err init(kfk__member *m)
{
    const kfk_allocator *a = &m->env->alloc;
    kfk__classic *c = kfk__zalloc(a, sizeof *c);

    if (!c)
        return KFK_ERR_NOMEM;
    m->state = c;
    c->protocol = kfk__assignor_protocol(m->o.assignors, m->o.n_assignors);
    kfk__wanted_init(&c->matched, a);
    kfk__arena_init(&c->before, a);
    kfk__arena_init(&c->arena, a);
    kfk__parts_init(&c->assigned, a);
    return KFK_OK;
}

static void fini(kfk__member *m)
{
    kfk__classic *c = kfk__classic_of(m);

    kfk__wanted_fini(&c->matched);
    kfk__arena_fini(&c->before);
    kfk__arena_fini(&c->arena);
    kfk__parts_fini(&c->assigned);
    kfk__release(&m->env->alloc, c->leaver);
    kfk__release(&m->env->alloc, c);
}

const kfk__member_ops kfk__classic_ops = {
    .init = init,
    .tick = tick,
    .turned = turned,
    .resubscribed = resubscribed,
    .rejoin = rejoin,
    .refused = refused,
    .overdue = overdue,
    .leave = leave,
    .fini = fini,
};
