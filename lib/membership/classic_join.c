/* The messages of a rebalance: JoinGroup, the leader's Metadata, SyncGroup; and Metadata of all topics, for a pattern. */
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "membership/classic.h"
#include "membership/subscription.h"
#include "proto/sync_group.h"

/* Longer than the others may take: the broker answers when they have all come. */
enum { GRACE_MS = 5000 };

static int64_t patience(const kfk__member *m)
{
    int64_t rebalance = (int64_t)m->o.max_poll_ms + GRACE_MS;

    return rebalance > m->client_options->request_timeout_ms ? rebalance
                                                             : m->client_options->request_timeout_ms;
}

static bool begin(kfk__member *m, const kfk__call_ops *ops)
{
    kfk__classic *c = kfk__classic_of(m);

    c->round = kfk__member_call_apart(m, ops, KFK__NEVER);
    if (c->round)
        c->round->timeout_ms = patience(m);
    return c->round != NULL;
}

/* ---- JoinGroup ---- */

/* This member as an assignor sees it. KFK_ERR_NOMEM. */
static kfk_err describe(const kfk__member *m, kfk__arena *a, kfk__assign_member *out)
{
    const kfk__wanted *w = kfk__classic_topics(m);
    kfk_bytes *topics = kfk__arena_alloc(a, (w->n + 1) * sizeof *topics);

    *out = (kfk__assign_member){.id = kfk__bytes_str(m->id),
                                .instance = kfk__bytes_str(m->o.instance),
                                .rack = kfk__bytes_str(m->o.rack),
                                .topics = topics,
                                .n_topics = (int32_t)w->n,
                                .generation = m->generation};
    out->owned = kfk__parts_by_topic(&m->owned, a, &out->n_owned);
    if (!topics || !out->owned)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < w->n; i++)
        topics[i] = kfk__bytes_str(w->topics[i]);
    return KFK_OK;
}

/* What the assignor wants the leader to know, beside what all tell. */
static kfk_err add_user_data(const kfk__member *m, const kfk__assignor *by, kfk__arena *a,
                             kfk__assign_member *self)
{
    const kfk__classic *c = kfk__classic_of(m);
    kfk__assign_mine mine = {.any = c->had_any, .generation = c->last_generation};

    self->user_data = kfk__bytes(NULL, 0);
    if (!by->user_data)
        return KFK_OK;
    mine.topics = kfk__parts_by_topic(&c->assigned, a, &mine.n);
    return mine.topics ? by->user_data(by, &mine, a, &self->user_data) : KFK_ERR_NOMEM;
}

static kfk_err build_protocols(const kfk__member *m, kfk__arena *a, kfk__join_group_request *rq)
{
    kfk__assign_member self;
    kfk_err err = describe(m, a, &self);

    rq->protocols.v = kfk__arena_alloc(a, (m->o.n_assignors + 1) * sizeof *rq->protocols.v);
    if (!rq->protocols.v)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; !err && i < m->o.n_assignors; i++) {
        kfk__join_group_request_protocol *p = &rq->protocols.v[i];

        p->name = m->o.assignors[i]->name;
        err = add_user_data(m, m->o.assignors[i], a, &self);
        if (!err)
            err = kfk__subscription_write(&self, a, &p->metadata);
        rq->protocols.n++;
    }
    return err;
}

static kfk_err build_join(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__member *m = call->owner;
    const kfk__classic *c = kfk__classic_of(m);
    kfk__join_group_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__join_group_api.request, rq);
    rq->group_id = kfk__bytes_str(m->o.group);
    rq->session_timeout_ms = m->o.session_ms;
    rq->rebalance_timeout_ms = m->o.max_poll_ms;
    rq->member_id = kfk__bytes_str(m->id);
    rq->group_instance_id = kfk__bytes_str(m->o.instance);
    rq->protocol_type = kfk__bytes_str("consumer");
    rq->reason = kfk__bytes_str(c->reason);
    *body = rq;
    return build_protocols(m, a, rq);
}

static bool is_ours(const kfk__member *m, kfk_bytes name)
{
    for (size_t i = 0; i < m->o.n_assignors; i++)
        if (kfk__bytes_equal(m->o.assignors[i]->name, name))
            return true;
    return false;
}

/* What there was in the arena stays until the next time. */
static void swap_arenas(kfk__classic *c)
{
    kfk__arena last = c->arena;

    c->arena = c->before;
    c->before = last;
    kfk__arena_reset(&c->arena);
}

/* What of an answer is needed until the end of the round. */
static kfk_err keep_join(kfk__member *m, const kfk__join_group_response *rs, kfk_error *e)
{
    kfk__classic *c = kfk__classic_of(m);
    kfk__lead led = c->leads ? c->lead : (kfk__lead){0};
    kfk_err err = KFK_OK;
    char *name;

    if (!is_ours(m, rs->protocol_name) || rs->member_id.len == 0 || rs->generation_id < 0)
        return kfk__fail(e, KFK_ERR_PROTOCOL,
                         "JoinGroup: the answer names an assignor that this member does not have, "
                         "or no member");
    swap_arenas(c);
    c->leads = false;
    name = kfk__arena_alloc(&c->arena, rs->protocol_name.len + 1);
    if (!name)
        return KFK_ERR_NOMEM;
    memcpy(name, rs->protocol_name.data, rs->protocol_name.len);
    c->chosen = kfk__bytes(name, rs->protocol_name.len);
    c->leads = kfk__bytes_equal(rs->leader, rs->member_id);
    c->gives_out = c->leads && !rs->skip_assignment;
    if (c->leads)
        err = kfk__lead_begin(&c->lead, rs, &c->arena);
    if (c->leads && !err && !c->gives_out)
        kfk__lead_recall(&c->lead, &led);
    if (!err && !kfk__member_is(m, rs->member_id, rs->generation_id))
        err = KFK_ERR_NOMEM;
    c->leads = c->leads && !err;
    return err;
}

static kfk_err answer_join(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__member *m = call->owner;
    const kfk__join_group_response *rs = body;
    kfk_err err = rs->error_code;

    (void)version;
    kfk__member_heed(m, call, err);
    if (err == KFK_ERR_MEMBER_ID_REQUIRED && !kfk__member_is(m, rs->member_id, -1))
        return KFK_ERR_NOMEM;
    return err ? err : keep_join(m, rs, e);
}

static void done_join(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;

    kfk__classic_of(m)->round = NULL;
    kfk__classic_joined(m, e, now);
}

bool kfk__classic_send_join(kfk__member *m)
{
    static const kfk__call_ops ops = {&kfk__join_group_api, build_join, answer_join, done_join};

    return begin(m, &ops);
}

/* ---- the leader's Metadata ---- */

static kfk_err build_survey(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    kfk__metadata_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    *body = rq;
    return kfk__lead_ask(&kfk__classic_of(call->owner)->lead, a, rq);
}

static kfk_err answer_survey(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    const kfk__member *m = call->owner;
    kfk__classic *c = kfk__classic_of(m);
    const kfk__assignor *by = kfk__assignor_find(c->chosen, m->o.assignors, m->o.n_assignors);
    kfk__arena scratch;
    kfk_err err;

    (void)version;
    if (!c->gives_out) {
        kfk__lead_look(&c->lead, body);
        return KFK_OK;
    }
    if (!by)
        return kfk__fail(e, KFK_ERR_INTERNAL, "no assignor");
    kfk__arena_init(&scratch, &m->env->alloc);
    err = kfk__lead_assign(&c->lead, by, c->protocol, body, &scratch, e);
    kfk__arena_fini(&scratch);
    return err;
}

static void done_survey(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;

    kfk__classic_of(m)->round = NULL;
    kfk__classic_surveyed(m, e, now);
}

bool kfk__classic_send_survey(kfk__member *m)
{
    static const kfk__call_ops ops = {&kfk__metadata_api, build_survey, answer_survey, done_survey};
    kfk__classic *c = kfk__classic_of(m);

    c->round = kfk__client_call(&m->client, &ops, m, KFK__TO_ANY, KFK__NEVER);
    return c->round != NULL;
}

/* ---- SyncGroup ---- */

static kfk_err build_assignments(const kfk__lead *l, kfk__arena *a, kfk__sync_group_request *rq)
{
    kfk_err err = KFK_OK;

    rq->assignments.v =
        kfk__arena_alloc(a, ((size_t)l->n_members + 1) * sizeof *rq->assignments.v);
    if (!rq->assignments.v)
        return KFK_ERR_NOMEM;
    rq->assignments.n = l->n_members;
    for (int32_t i = 0; !err && i < l->n_members; i++) {
        rq->assignments.v[i].member_id = l->members[i].id;
        err = kfk__assignment_write(&l->shares[i], a, &rq->assignments.v[i].assignment);
    }
    return err;
}

static kfk_err build_sync(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__member *m = call->owner;
    const kfk__classic *c = kfk__classic_of(m);
    kfk__sync_group_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__sync_group_api.request, rq);
    rq->group_id = kfk__bytes_str(m->o.group);
    rq->generation_id = m->generation;
    rq->member_id = kfk__bytes_str(m->id);
    rq->group_instance_id = kfk__bytes_str(m->o.instance);
    rq->protocol_type = kfk__bytes_str("consumer");
    rq->protocol_name = c->chosen;
    *body = rq;
    return c->gives_out ? build_assignments(&c->lead, a, rq) : KFK_OK;
}

static kfk_err answer_sync(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__member *m = call->owner;
    kfk__classic *c = kfk__classic_of(m);
    const kfk__sync_group_response *rs = body;
    const char *why = NULL;
    kfk_err err = rs->error_code;

    (void)version;
    kfk__member_heed(m, call, err);
    if (!err)
        err = kfk__assignment_read(rs->assignment, &c->assigned, &why);
    if (err == KFK_ERR_PROTOCOL && why)
        return kfk__fail(e, err, "the leader gave an assignment that cannot be read (%s)", why);
    return err;
}

static void done_sync(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;

    kfk__classic_of(m)->round = NULL;
    kfk__classic_synced(m, e, now);
}

bool kfk__classic_send_sync(kfk__member *m)
{
    static const kfk__call_ops ops = {&kfk__sync_group_api, build_sync, answer_sync, done_sync};

    return begin(m, &ops);
}

/* ---- the topics of a pattern ---- */

static kfk_err build_search(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    kfk__metadata_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)call;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = version < 4; /* which cannot say so; nothing is named anyway */
    rq->topics.v = NULL;
    rq->topics.n = version == 0 ? 0 : -1; /* all */
    *body = rq;
    return KFK_OK;
}

/* Whether the pattern means it. |name| has room for any. */
static bool matches(const kfk__member *m, const kfk__metadata_response_topic *t, char *name)
{
    if (t->name.len == 0 || t->name.len > 249 || (t->is_internal && m->o.exclude_internal) ||
        (t->error_code && !(kfk_err_flags(t->error_code) & KFK_RETRIABLE)))
        return false;
    memcpy(name, t->name.data, t->name.len);
    name[t->name.len] = '\0';
    return strlen(name) == t->name.len && kfk__wanted_matches(&m->wanted, name);
}

static kfk_err answer_search(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    const kfk__member *m = call->owner;
    kfk__classic *c = kfk__classic_of(m);
    const kfk__metadata_response *rs = body;
    kfk__wanted found;
    kfk_err err = KFK_OK;
    char name[256];

    (void)version;
    (void)e;
    kfk__wanted_init(&found, &m->env->alloc);
    for (int32_t i = 0; !err && i < rs->topics.n; i++)
        if (matches(m, &rs->topics.v[i], name))
            err = kfk__wanted_add(&found, name);
    if (!err && !kfk__wanted_equal(&found, &c->matched)) {
        kfk__wanted_move(&c->matched, &found);
        c->searched = false; /* that is news */
    }
    kfk__wanted_fini(&found);
    return err;
}

static void done_search(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__member *m = call->owner;

    kfk__classic_of(m)->search = NULL;
    kfk__classic_searched(m, e, now);
}

bool kfk__classic_send_search(kfk__member *m)
{
    static const kfk__call_ops ops = {&kfk__metadata_api, build_search, answer_search, done_search};
    kfk__classic *c = kfk__classic_of(m);

    c->search = kfk__client_call(&m->client, &ops, m, KFK__TO_ANY, KFK__NEVER);
    return c->search != NULL;
}
