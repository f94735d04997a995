#include "membership/beat.h"

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "proto/consumer_group_heartbeat.h"

typedef kfk__consumer_group_heartbeat_request request;
typedef kfk__consumer_group_heartbeat_request_topic_partitions owned_topic;
typedef kfk__consumer_group_heartbeat_response response;
typedef kfk__consumer_group_heartbeat_response_topic_partitions given_topic;

enum { FIRST_WITH_REGEX = 1 };
/* However the coordinator has it, and for as long as it does not say. */
enum { SHORTEST_MS = 50, DEFAULT_MS = 5000 };

/* ---- what is to be said ---- */

void kfk__beat_forget(kfk__modern *st)
{
    st->said = st->saying = (kfk__modern_said){0};
}

void kfk__beat_owned_changed(kfk__modern *st)
{
    st->said.owned = st->saying.owned = false;
    st->hurry = true;
}

void kfk__beat_wanted_changed(kfk__modern *st)
{
    st->said.wanted = st->saying.wanted = false;
    st->hurry = true;
}

/* ---- the request ---- */

/* One that says nothing but who it is. NULL: no memory. */
static request *begin(const kfk__member *m, int32_t epoch, kfk__arena *a)
{
    request *rq = kfk__arena_alloc(a, sizeof *rq);

    if (!rq)
        return NULL;
    kfk__msg_init(kfk__consumer_group_heartbeat_api.request, rq);
    rq->group_id = kfk__bytes_str(m->o.group);
    rq->member_id = kfk__bytes_str(kfk__modern_id(m));
    rq->member_epoch = epoch;
    rq->instance_id = kfk__bytes_str(m->o.instance);
    return rq;
}

static void say_fixed(const kfk__member *m, request *rq)
{
    rq->rebalance_timeout_ms = m->o.max_poll_ms;
    rq->rack_id = kfk__bytes_str(m->o.rack);
    rq->server_assignor = kfk__bytes_str(m->o.remote_assignor);
}

/* Of names and an expression the one that is not wanted is said to be none: a static member comes
 * back as what it was. */
static kfk_err say_wanted(const kfk__member *m, int16_t version, request *rq, kfk__arena *a)
{
    const kfk__wanted *w = &m->wanted;
    kfk__modern *st = m->state;

    rq->subscribed_topic_names.v = kfk__arena_alloc(a, (w->n + 1) * sizeof(kfk_bytes));
    if (!rq->subscribed_topic_names.v)
        return KFK_ERR_NOMEM;
    rq->subscribed_topic_names.n = (int32_t)w->n;
    for (size_t i = 0; i < w->n; i++)
        rq->subscribed_topic_names.v[i] = kfk__bytes_str(w->topics[i]);
    if (version < FIRST_WITH_REGEX) {
        st->no_regex = w->pattern != NULL;
        return st->no_regex ? KFK_ERR_UNSUPPORTED_VERSION : KFK_OK;
    }
    if (w->pattern)
        rq->subscribed_topic_regex = kfk__bytes_str(w->pattern);
    else if (st->had_regex || m->o.instance)
        rq->subscribed_topic_regex = kfk__bytes_str("");
    st->had_regex |= w->pattern != NULL;
    return KFK_OK;
}

static size_t count_topics(const kfk__tips *t)
{
    size_t n = 0;

    for (size_t at = 0; at < t->n; at = kfk__tips_run(t, at))
        n++;
    return n;
}

static kfk_err say_owned(const kfk__tips *t, request *rq, kfk__arena *a)
{
    owned_topic *out = kfk__arena_alloc(a, (count_topics(t) + 1) * sizeof *out);

    rq->topic_partitions.v = out;
    rq->topic_partitions.n = 0;
    for (size_t at = 0, end; out && at < t->n; at = end) {
        end = kfk__tips_run(t, at);
        *out = (owned_topic){.topic_id = t->v[at].topic};
        out->partitions.v = kfk__arena_alloc(a, (end - at) * sizeof(int32_t));
        if (!out->partitions.v)
            return KFK_ERR_NOMEM;
        for (size_t i = at; i < end; i++)
            out->partitions.v[out->partitions.n++] = t->v[i].partition;
        out++;
        rq->topic_partitions.n++;
    }
    return out ? KFK_OK : KFK_ERR_NOMEM;
}

kfk_err kfk__beat_build(kfk__member *m, int16_t version, kfk__arena *a, const void **body)
{
    kfk__modern *st = m->state;
    bool joins = st->state == KFK__MODERN_JOINING;
    request *rq = begin(m, joins ? KFK__EPOCH_JOINS : m->generation, a);
    kfk_err err = rq ? KFK_OK : KFK_ERR_NOMEM;

    if (!err && !st->said.fixed)
        say_fixed(m, rq);
    if (!err && !st->said.wanted)
        err = say_wanted(m, version, rq, a);
    /* While the host is at it, what it has is not known; not to say it means that nothing has been given up. */
    if (!err && !st->said.owned && st->step == KFK__MODERN_RESTS)
        err = say_owned(&st->local, rq, a);
    if (err)
        return err;
    st->saying = (kfk__modern_said){true, true, rq->topic_partitions.n >= 0};
    st->asked = true;
    st->hurry = false;
    *body = rq;
    return KFK_OK;
}

kfk_err kfk__beat_build_leave(const kfk__member *m, kfk__arena *a, const void **body)
{
    int32_t epoch = m->o.instance ? KFK__EPOCH_LEAVES_FOR_A_WHILE : KFK__EPOCH_LEAVES;

    *body = begin(m, epoch, a);
    return *body ? KFK_OK : KFK_ERR_NOMEM;
}

/* ---- the answer ---- */

kfk_err kfk__beat_code(const void *body, kfk_error *e)
{
    const response *rs = body;

    if (!rs->error_code)
        return KFK_OK;
    if (rs->error_message.len)
        return kfk__fail(e, rs->error_code, "ConsumerGroupHeartbeat: %.*s",
                         (int)rs->error_message.len, (const char *)rs->error_message.data);
    return kfk__fail(e, rs->error_code, "ConsumerGroupHeartbeat: %s", kfk_err_str(rs->error_code));
}

static bool take_topic(kfk__tips *to, const given_topic *t)
{
    for (int32_t i = 0; i < t->partitions.n; i++) {
        kfk__tip tip = {t->topic_id, t->partitions.v[i]};

        if (tip.partition >= 0 && !kfk__uuid_is_zero(&tip.topic) && !kfk__tips_add(to, &tip))
            return false;
    }
    return true;
}

static kfk_err take_assignment(const response *rs, kfk__tips *to)
{
    for (int32_t i = 0; i < rs->assignment->topic_partitions.n; i++)
        if (!take_topic(to, &rs->assignment->topic_partitions.v[i]))
            return KFK_ERR_NOMEM;
    kfk__tips_sort(to);
    return KFK_OK;
}

/* The same target again is no news. */
static void set_target(kfk__modern *st, kfk__tips *given)
{
    if (!st->has_target || !kfk__tips_equal(&st->target, given)) {
        kfk__tips_move(&st->target, given);
        st->look = st->new_target = true;
    }
    st->has_target = true;
}

/* A coordinator of before KIP-1082 may have a name of its own for the member. */
static bool set_who(kfk__member *m, const response *rs)
{
    kfk_bytes id = rs->member_id.len ? rs->member_id : kfk__bytes_str(kfk__modern_id(m));

    if (rs->member_epoch == m->generation && kfk__bytes_equal(id, kfk__bytes_str(m->id)))
        return true;
    return kfk__member_is(m, id, rs->member_epoch);
}

static void set_interval(kfk__modern *st, int32_t ms)
{
    ms = ms <= 0 ? DEFAULT_MS : ms < SHORTEST_MS ? SHORTEST_MS : ms;
    st->interval = ms * KFK__MS;
}

static void know_what_was_said(kfk__modern *st)
{
    st->said.fixed |= st->saying.fixed;
    st->said.wanted |= st->saying.wanted;
    st->said.owned |= st->saying.owned;
    st->saying = (kfk__modern_said){0};
}

kfk_err kfk__beat_read(kfk__member *m, const void *body, kfk_error *e)
{
    kfk__modern *st = m->state;
    const response *rs = body;
    kfk__tips given;
    kfk_err err = kfk__beat_code(rs, e);

    if (err)
        return err;
    if (rs->member_epoch <= 0)
        return kfk__fail(e, KFK_ERR_PROTOCOL, "ConsumerGroupHeartbeat: the answer's epoch is %d",
                         (int)rs->member_epoch);
    kfk__tips_init(&given, &m->env->alloc);
    if (rs->assignment)
        err = take_assignment(rs, &given);
    if (!err && !set_who(m, rs))
        err = KFK_ERR_NOMEM;
    if (!err && rs->assignment)
        set_target(st, &given);
    kfk__tips_fini(&given);
    if (err)
        return kfk__fail_nomem(e);
    set_interval(st, rs->heartbeat_interval_ms);
    know_what_was_said(st);
    return KFK_OK;
}
