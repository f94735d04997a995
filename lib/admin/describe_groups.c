/* What groups are, and who is in them. A coordinator is first asked for groups whose members it
 * assigns (KIP-848); for those that are of the other kind, or where it knows of none, in the
 * classic way. What a classic member has comes from the leader of its group: another client. */
#include <kfk/admin_groups.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "admin/coordinated.h"
#include "admin/result.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/consumer_group_describe.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/data.h"
#include "proto/describe_groups.h"

enum { TYPES_OF_MEMBERS_FROM = 1 };

typedef struct describing {
    kfk__coordinated_call g; /* first: a call's owner is both */
    kfk_group_descriptions *out;
} describing;

static const char *string(kfk__result *r, kfk_bytes s)
{
    return kfk__result_string(r, s.data ? s : kfk__bytes("", 0));
}

static kfk_group_description *description_of(const describing *d, const kfk__asked_group *group)
{
    return (kfk_group_description *)(uintptr_t)d->out->groups[group - d->g.groups];
}

/* Room for |n| members, each of them zeroed; NULL: no memory. */
static kfk_group_member *const *add_members(kfk__result *r, kfk_group_description *to, int32_t n)
{
    size_t count = n > 0 ? (size_t)n : 0;
    kfk_group_member *const *v = kfk__result_array(r, count, sizeof(kfk_group_member));

    if (!v)
        return NULL;
    to->n_members = count;
    to->members = (const kfk_group_member *const *)v;
    return v;
}

/* ---- partitions ---- */

/* Of one topic, behind the |*n| there are; there is room. */
static void add_tps(kfk__result *r, kfk_tp *v, size_t *n, kfk_bytes topic,
                    const int32_t *partitions, int32_t n_partitions)
{
    const char *name = n_partitions > 0 ? string(r, topic) : NULL;

    for (int32_t i = 0; name && i < n_partitions; i++)
        v[(*n)++] = (kfk_tp){.topic = name, .partition = partitions[i]};
}

static size_t count(int32_t n)
{
    return n > 0 ? (size_t)n : 0;
}

static void take_assigned(kfk__result *r, kfk_group_member *m,
                          const kfk__consumer_group_describe_response_assignment *as)
{
    size_t room = 1;
    kfk_tp *v;

    for (int32_t i = 0; i < as->topic_partitions.n; i++)
        room += count(as->topic_partitions.v[i].partitions.n);
    m->assigned = v = kfk__result_zalloc(r, room * sizeof *v);
    for (int32_t i = 0; v && i < as->topic_partitions.n; i++)
        add_tps(r, v, &m->n_assigned, as->topic_partitions.v[i].topic_name,
                as->topic_partitions.v[i].partitions.v, as->topic_partitions.v[i].partitions.n);
}

static void take_target(kfk__result *r, kfk_group_member *m,
                        const kfk__consumer_group_describe_response_target *target)
{
    size_t room = 1;
    kfk_tp *v;

    for (int32_t i = 0; i < target->topic_partitions.n; i++)
        room += count(target->topic_partitions.v[i].partitions.n);
    m->target = v = kfk__result_zalloc(r, room * sizeof *v);
    for (int32_t i = 0; v && i < target->topic_partitions.n; i++)
        add_tps(r, v, &m->n_target, target->topic_partitions.v[i].topic_name,
                target->topic_partitions.v[i].partitions.v,
                target->topic_partitions.v[i].partitions.n);
}

static void take_decoded(kfk__result *r, kfk_group_member *m,
                         const kfk__consumer_protocol_assignment *as)
{
    size_t room = 1;
    kfk_tp *v;

    for (int32_t i = 0; i < as->assigned_partitions.n; i++)
        room += count(as->assigned_partitions.v[i].partitions.n);
    m->assigned = v = kfk__result_zalloc(r, room * sizeof *v);
    for (int32_t i = 0; v && i < as->assigned_partitions.n; i++)
        add_tps(r, v, &m->n_assigned, as->assigned_partitions.v[i].topic,
                as->assigned_partitions.v[i].partitions.v,
                as->assigned_partitions.v[i].partitions.n);
}

/* ---- groups whose coordinator assigns ---- */

static kfk_err build_modern(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    kfk__consumer_group_describe_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__consumer_group_describe_api.request, rq);
    *body = rq;
    return kfk__coordinated_names(c->owner, a, &rq->group_ids.v, &rq->group_ids.n) ? KFK_OK
                                                                                   : KFK_ERR_NOMEM;
}

static void take_topics(kfk__result *r, kfk_group_member *m, const kfk_bytes *names, int32_t n)
{
    const char **v = kfk__result_zalloc(r, (count(n) + 1) * sizeof *v);

    for (int32_t i = 0; v && i < n; i++)
        v[m->n_topics++] = string(r, names[i]);
    m->topics = v;
}

static void take_modern_member(kfk__result *r, kfk_group_member *m, int16_t version,
                               const kfk__consumer_group_describe_response_member *from)
{
    *m = (kfk_group_member){.id = string(r, from->member_id),
                            .instance = kfk__result_string(r, from->instance_id),
                            .client = string(r, from->client_id),
                            .host = string(r, from->client_host),
                            .rack = kfk__result_string(r, from->rack_id),
                            .epoch = from->member_epoch,
                            .upgraded = -1,
                            .regex = kfk__result_string(r, from->subscribed_topic_regex)};
    if (version >= TYPES_OF_MEMBERS_FROM && from->member_type >= 0)
        m->upgraded = from->member_type == 1;
    take_assigned(r, m, &from->assignment);
    take_target(r, m, &from->target_assignment);
    take_topics(r, m, from->subscribed_topic_names.v, from->subscribed_topic_names.n);
}

static void take_modern(const describing *d, kfk_group_description *to, int16_t version,
                        const kfk__consumer_group_describe_response_group *from)
{
    kfk__result *r = kfk__result_of(d->out);
    kfk_group_member *const *m = add_members(r, to, from->members.n);

    to->type = "consumer";
    to->protocol_type = "consumer";
    to->state = string(r, from->group_state);
    to->assignor = string(r, from->assignor_name);
    to->epoch = from->group_epoch;
    to->assignment_epoch = from->assignment_epoch;
    for (int32_t i = 0; m && i < from->members.n; i++)
        take_modern_member(r, m[i], version, &from->members.v[i]);
}

static kfk_err answer_modern(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    describing *d = c->owner;
    const kfk__consumer_group_describe_response *rs = body;

    (void)e;
    for (int32_t i = 0; i < rs->groups.n; i++) {
        const kfk__consumer_group_describe_response_group *from = &rs->groups.v[i];
        kfk__asked_group *group = kfk__coordinated_find(&d->g, from->group_id);

        if (group && !from->error_code)
            take_modern(d, description_of(d, group), version, from);
        if (group)
            kfk__coordinated_code(&d->g, group, from->error_code, from->error_message);
    }
    kfk__coordinated_end(&d->g);
    return kfk__result_of(d->out)->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops modern_ops = {&kfk__consumer_group_describe_api, build_modern,
                                         answer_modern, kfk__admin_done};

/* ---- classic groups ---- */

static kfk_err build_classic(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    kfk__describe_groups_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__describe_groups_api.request, rq);
    *body = rq;
    return kfk__coordinated_names(c->owner, a, &rq->groups.v, &rq->groups.n) ? KFK_OK
                                                                             : KFK_ERR_NOMEM;
}

/* The leader's bytes, which may be anything. Before it has assigned there are none. */
static void take_blob(const describing *d, kfk_group_member *m, kfk_bytes blob)
{
    kfk__result *r = kfk__result_of(d->out);
    kfk__consumer_protocol_assignment as;
    kfk__arena arena;
    int16_t version;

    m->assigned = kfk__result_zalloc(r, sizeof *m->assigned);
    if (blob.len == 0)
        return;
    kfk__arena_init(&arena, kfk__admin_allocator(d->g.op.admin));
    m->err = kfk__data_decode(&kfk__consumer_protocol_assignment_data, blob, &arena, &as, &version,
                              NULL);
    if (!m->err)
        take_decoded(r, m, &as);
    r->failed |= m->err == KFK_ERR_NOMEM;
    kfk__arena_fini(&arena);
}

static void take_classic_member(const describing *d, kfk_group_member *m, bool consumers,
                                const kfk__describe_groups_response_member *from)
{
    kfk__result *r = kfk__result_of(d->out);

    *m = (kfk_group_member){.id = string(r, from->member_id),
                            .instance = kfk__result_string(r, from->group_instance_id),
                            .client = string(r, from->client_id),
                            .host = string(r, from->client_host),
                            .epoch = -1,
                            .upgraded = -1};
    take_blob(d, m, consumers ? from->member_assignment : kfk__bytes(NULL, 0));
}

/* What members of other protocols (Connect's) have are no partitions. */
static void take_classic(const describing *d, kfk_group_description *to,
                         const kfk__describe_groups_response_group *from)
{
    kfk__result *r = kfk__result_of(d->out);
    kfk_group_member *const *m = add_members(r, to, from->members.n);
    bool consumers = from->protocol_type.len == 0 ||
                     kfk__bytes_equal(from->protocol_type, kfk__bytes_str("consumer"));

    to->type = "classic";
    to->protocol_type = string(r, from->protocol_type);
    to->state = string(r, from->group_state);
    to->assignor = string(r, from->protocol_data);
    for (int32_t i = 0; m && i < from->members.n; i++)
        take_classic_member(d, m[i], consumers, &from->members.v[i]);
}

static kfk_err answer_classic(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    describing *d = c->owner;
    const kfk__describe_groups_response *rs = body;

    (void)version;
    (void)e;
    for (int32_t i = 0; i < rs->groups.n; i++) {
        const kfk__describe_groups_response_group *from = &rs->groups.v[i];
        kfk__asked_group *group = kfk__coordinated_find(&d->g, from->group_id);

        if (group && !from->error_code)
            take_classic(d, description_of(d, group), from);
        if (group)
            kfk__coordinated_code(&d->g, group, from->error_code, from->error_message);
    }
    kfk__coordinated_end(&d->g);
    return kfk__result_of(d->out)->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops classic_ops = {&kfk__describe_groups_api, build_classic, answer_classic,
                                          kfk__admin_done};

/* ---- the call ---- */

/* Those that are, or may be, of the other kind. */
static void ask_rest_again(describing *d)
{
    for (size_t i = 0; i < d->g.n; i++) {
        kfk__asked_group *group = &d->g.groups[i];

        if (group->error.code == KFK_ERR_GROUP_ID_NOT_FOUND ||
            group->error.code == KFK_ERR_UNSUPPORTED_VERSION)
            kfk__coordinated_ask_again(&d->g, group);
    }
}

static void take_end(const describing *d, const kfk__asked_group *group)
{
    kfk__result *r = kfk__result_of(d->out);
    kfk_group_description *to = description_of(d, group);

    to->group = string(r, kfk__bytes_str(group->id));
    to->err = group->error.code;
    to->msg = string(r, kfk__bytes_str(group->error.msg));
    to->coordinator = group->broker;
    to->host = string(r, kfk__bytes_str(group->host));
    to->port = group->port;
}

static kfk_err run(describing *d)
{
    static const kfk_group_description unknown = {.type = "",
                                                  .state = "",
                                                  .protocol_type = "",
                                                  .assignor = "",
                                                  .epoch = -1,
                                                  .assignment_epoch = -1};
    kfk__result *r = kfk__result_of(d->out);
    kfk_group_description *const *v = kfk__result_array(r, d->g.n, sizeof **v);

    for (size_t i = 0; v && i < d->g.n; i++)
        *v[i] = unknown;
    if (!v)
        return KFK_ERR_NOMEM;
    d->out->n = d->g.n;
    d->out->groups = (const kfk_group_description *const *)v;
    kfk__coordinated_run(&d->g, &modern_ops);
    ask_rest_again(d);
    kfk__coordinated_run(&d->g, &classic_ops);
    for (size_t i = 0; i < d->g.n; i++)
        take_end(d, &d->g.groups[i]);
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static kfk_err describe(describing *d, kfk_group_descriptions **out, kfk_error *e)
{
    kfk_err err;

    if (!out)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_describe_groups: out is NULL");
    d->out = kfk__result_new(kfk__admin_allocator(d->g.op.admin), sizeof *d->out);
    if (!d->out || run(d))
        err = kfk__fail_nomem(e);
    else
        err = kfk__coordinated_whole(&d->g, e);
    if (err) {
        kfk__result_free(d->out);
        return err;
    }
    *out = d->out;
    return KFK_OK;
}

kfk_err kfk_admin_describe_groups(kfk_admin *a, const char *const *groups, size_t n, int timeout_ms,
                                  kfk_group_descriptions **out, kfk_error *e)
{
    describing d = {.out = NULL};
    kfk_err err =
        kfk__coordinated_begin(&d.g, a, "kfk_admin_describe_groups", groups, n, timeout_ms, e);

    if (!err)
        err = describe(&d, out, e);
    kfk__coordinated_fini(&d.g);
    return err;
}

void kfk_group_descriptions_free(kfk_group_descriptions *d)
{
    kfk__result_free(d);
}
