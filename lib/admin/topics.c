/* The calls that change topics. Each is a row of kfk__change: what to ask, and how to read what is
 * said of each topic. build and answer run on the admin's thread. */
#include <kfk/admin.h>

#include <string.h>

#include "admin/changes.h"
#include "base/bytes.h"
#include "proto/create_partitions.h"
#include "proto/create_topics.h"
#include "proto/delete_topics.h"

/* The caller's element, of his size: it may be smaller than ours, or larger. */
static const void *element(const kfk__changes *ch, size_t i, void *copy, size_t size)
{
    uint32_t theirs;

    memcpy(&theirs, ch->args, sizeof theirs);
    memset(copy, 0, size);
    memcpy(copy, (const char *)ch->args + i * theirs, theirs < size ? theirs : size);
    return copy;
}

static bool bad_size(const kfk__changes *ch, size_t least)
{
    uint32_t theirs;

    memcpy(&theirs, ch->args, sizeof theirs);
    return theirs < least;
}

static bool bad_ids(const kfk_ids *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i].n && !ids[i].v)
            return true;
    return false;
}

/* ---- create ---- */

static kfk_new_topic new_topic(const kfk__changes *ch, size_t i)
{
    kfk_new_topic t;

    return *(const kfk_new_topic *)element(ch, i, &t, sizeof t);
}

static const char *created_name(const kfk__changes *ch, size_t i)
{
    return new_topic(ch, i).name;
}

static const char *created_fault(const kfk__changes *ch, size_t i)
{
    kfk_new_topic t;

    if (bad_size(ch, sizeof t))
        return "its struct_size is not sizeof(kfk_new_topic)";
    t = new_topic(ch, i);
    if (t.replication_factor > INT16_MAX)
        return "the replication factor is above 32767";
    if ((t.n_replicas && !t.replicas) || (t.n_configs && !t.configs) ||
        bad_ids(t.replicas, t.n_replicas))
        return "a count is set, its array is NULL";
    for (size_t k = 0; k < t.n_configs; k++)
        if (!t.configs[k].name)
            return "a setting has no name";
    return NULL;
}

static kfk_err build_assignments(const kfk_new_topic *t, kfk__arena *a,
                                 kfk__create_topics_request_topic *out)
{
    out->assignments.v = kfk__arena_alloc(a, (t->n_replicas + 1) * sizeof *out->assignments.v);
    if (!out->assignments.v)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < t->n_replicas; i++) {
        kfk__create_topics_request_assignment *as = &out->assignments.v[i];

        as->partition_index = (int32_t)i;
        as->broker_ids.v = (int32_t *)(uintptr_t)t->replicas[i].v; /* encoding only reads */
        as->broker_ids.n = (int32_t)t->replicas[i].n;
    }
    out->assignments.n = (int32_t)t->n_replicas;
    return KFK_OK;
}

static kfk_err build_configs(const kfk_new_topic *t, kfk__arena *a,
                             kfk__create_topics_request_topic *out)
{
    out->configs.v = kfk__arena_alloc(a, (t->n_configs + 1) * sizeof *out->configs.v);
    if (!out->configs.v)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < t->n_configs; i++)
        out->configs.v[i] =
            (kfk__create_topics_request_config){.name = kfk__bytes_str(t->configs[i].name),
                                                .value = kfk__bytes_str(t->configs[i].value)};
    out->configs.n = (int32_t)t->n_configs;
    return KFK_OK;
}

/* Brokers before 2.4 have no defaults for these two (KIP-464). */
enum { DEFAULTS_FROM = 4 };

static kfk_err build_topic(const kfk_new_topic *t, int16_t version, kfk__arena *a,
                           kfk__create_topics_request_topic *out)
{
    bool by_hand = t->n_replicas > 0;
    kfk_err err;

    if (!by_hand && (!t->partitions || !t->replication_factor) && version < DEFAULTS_FROM)
        return KFK_ERR_UNSUPPORTED_VERSION;
    *out = (kfk__create_topics_request_topic){.name = kfk__bytes_str(t->name)};
    out->num_partitions = t->partitions ? t->partitions : -1;
    out->replication_factor = (int16_t)(t->replication_factor ? t->replication_factor : -1);
    err = build_assignments(t, a, out);
    return err ? err : build_configs(t, a, out);
}

static kfk_err build_create(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__changes *ch = c->owner;
    kfk__create_topics_request *rq = kfk__arena_alloc(a, sizeof *rq);
    size_t i = 0;

    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__create_topics_api.request, rq);
    rq->timeout_ms = ch->op.broker_ms;
    rq->topics.v = kfk__arena_alloc(a, ch->n * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    for (; kfk__changes_next(ch, &i); i++) {
        kfk_new_topic t = new_topic(ch, i);
        kfk_err err = build_topic(&t, version, a, &rq->topics.v[rq->topics.n++]);

        if (err)
            return err;
    }
    *body = rq;
    return KFK_OK;
}

static kfk_err answer_create(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const kfk__create_topics_response *rs = body;

    (void)version;
    kfk__changes_begin(c->owner);
    for (int32_t i = 0; i < rs->topics.n; i++)
        kfk__changes_settle(c->owner, rs->topics.v[i].name, rs->topics.v[i].error_code,
                            rs->topics.v[i].error_message);
    return kfk__changes_end(c->owner, e);
}

static const kfk__change create = {
    "kfk_admin_create_topics",
    {&kfk__create_topics_api, build_create, answer_create, kfk__admin_done},
    created_name,
    created_fault,
};

kfk_err kfk_admin_create_topics(kfk_admin *a, const kfk_new_topic *topics, size_t n, int timeout_ms,
                                kfk_error *each, kfk_error *e)
{
    return kfk__changes_run(a, &create, topics, n, timeout_ms, each, e);
}

/* ---- delete ---- */

static const char *deleted_name(const kfk__changes *ch, size_t i)
{
    return ((const char *const *)ch->args)[i];
}

/* Topics by name, in the field that the version has for it. */
static kfk_err build_delete(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__changes *ch = c->owner;
    kfk__delete_topics_request *rq = kfk__arena_alloc(a, sizeof *rq);
    size_t i = 0;

    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__delete_topics_api.request, rq);
    rq->timeout_ms = ch->op.broker_ms;
    rq->topics.v = kfk__arena_alloc(a, ch->n * sizeof *rq->topics.v);
    rq->topic_names.v = kfk__arena_alloc(a, ch->n * sizeof *rq->topic_names.v);
    if (!rq->topics.v || !rq->topic_names.v)
        return KFK_ERR_NOMEM;
    for (; kfk__changes_next(ch, &i); i++) {
        kfk_bytes name = kfk__bytes_str(deleted_name(ch, i));

        if (version >= 6)
            rq->topics.v[rq->topics.n++] = (kfk__delete_topics_request_topic){.name = name};
        else
            rq->topic_names.v[rq->topic_names.n++] = name;
    }
    *body = rq;
    return KFK_OK;
}

static kfk_err answer_delete(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const kfk__delete_topics_response *rs = body;

    (void)version;
    kfk__changes_begin(c->owner);
    for (int32_t i = 0; i < rs->responses.n; i++)
        kfk__changes_settle(c->owner, rs->responses.v[i].name, rs->responses.v[i].error_code,
                            rs->responses.v[i].error_message);
    return kfk__changes_end(c->owner, e);
}

static const kfk__change delete = {
    "kfk_admin_delete_topics",
    {&kfk__delete_topics_api, build_delete, answer_delete, kfk__admin_done},
    deleted_name,
    NULL,
};

kfk_err kfk_admin_delete_topics(kfk_admin *a, const char *const *topics, size_t n, int timeout_ms,
                                kfk_error *each, kfk_error *e)
{
    return kfk__changes_run(a, &delete, topics, n, timeout_ms, each, e);
}

/* ---- partitions ---- */

static kfk_new_partitions new_partitions(const kfk__changes *ch, size_t i)
{
    kfk_new_partitions p;

    return *(const kfk_new_partitions *)element(ch, i, &p, sizeof p);
}

static const char *grown_name(const kfk__changes *ch, size_t i)
{
    return new_partitions(ch, i).topic;
}

static const char *grown_fault(const kfk__changes *ch, size_t i)
{
    kfk_new_partitions p;

    if (bad_size(ch, sizeof p))
        return "its struct_size is not sizeof(kfk_new_partitions)";
    p = new_partitions(ch, i);
    if ((p.n_replicas && !p.replicas) || bad_ids(p.replicas, p.n_replicas))
        return "a count is set, its array is NULL";
    return NULL;
}

static kfk_err build_growth(const kfk_new_partitions *p, kfk__arena *a,
                            kfk__create_partitions_request_topic *out)
{
    *out =
        (kfk__create_partitions_request_topic){.name = kfk__bytes_str(p->topic), .count = p->total};
    out->assignments.n = -1;
    if (!p->replicas)
        return KFK_OK;
    out->assignments.v = kfk__arena_alloc(a, (p->n_replicas + 1) * sizeof *out->assignments.v);
    if (!out->assignments.v)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < p->n_replicas; i++) {
        out->assignments.v[i].broker_ids.v = (int32_t *)(uintptr_t)p->replicas[i].v;
        out->assignments.v[i].broker_ids.n = (int32_t)p->replicas[i].n;
    }
    out->assignments.n = (int32_t)p->n_replicas;
    return KFK_OK;
}

static kfk_err build_partitions(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__changes *ch = c->owner;
    kfk__create_partitions_request *rq = kfk__arena_alloc(a, sizeof *rq);
    size_t i = 0;

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__create_partitions_api.request, rq);
    rq->timeout_ms = ch->op.broker_ms;
    rq->topics.v = kfk__arena_alloc(a, ch->n * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    for (; kfk__changes_next(ch, &i); i++) {
        kfk_new_partitions p = new_partitions(ch, i);
        kfk_err err = build_growth(&p, a, &rq->topics.v[rq->topics.n++]);

        if (err)
            return err;
    }
    *body = rq;
    return KFK_OK;
}

static kfk_err answer_partitions(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const kfk__create_partitions_response *rs = body;

    (void)version;
    kfk__changes_begin(c->owner);
    for (int32_t i = 0; i < rs->results.n; i++)
        kfk__changes_settle(c->owner, rs->results.v[i].name, rs->results.v[i].error_code,
                            rs->results.v[i].error_message);
    return kfk__changes_end(c->owner, e);
}

static const kfk__change grow = {
    "kfk_admin_create_partitions",
    {&kfk__create_partitions_api, build_partitions, answer_partitions, kfk__admin_done},
    grown_name,
    grown_fault,
};

kfk_err kfk_admin_create_partitions(kfk_admin *a, const kfk_new_partitions *topics, size_t n,
                                    int timeout_ms, kfk_error *each, kfk_error *e)
{
    return kfk__changes_run(a, &grow, topics, n, timeout_ms, each, e);
}
