/* Partitions whose replicas are being moved. */
#include <kfk/admin.h>

#include "admin/op.h"
#include "admin/result.h"
#include "base/error.h"
#include "proto/list_partition_reassignments.h"

typedef struct listing {
    kfk__admin_op op; /* first: a call's owner is both */
    kfk_reassignments *out;
} listing;

static kfk_err build(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const listing *l = c->owner;
    kfk__list_partition_reassignments_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__list_partition_reassignments_api.request, rq);
    rq->timeout_ms = l->op.broker_ms;
    *body = rq;
    return KFK_OK;
}

static size_t count(const kfk__list_partition_reassignments_response *rs)
{
    size_t n = 0;

    for (int32_t i = 0; i < rs->topics.n; i++)
        n += rs->topics.v[i].partitions.n > 0 ? (size_t)rs->topics.v[i].partitions.n : 0;
    return n;
}

static void take(kfk__result *r, kfk_reassignment *to, const char *topic,
                 const kfk__list_partition_reassignments_response_partition *p)
{
    *to = (kfk_reassignment){
        .topic = topic,
        .partition = p->partition_index,
        .replicas = kfk__result_ids(r, p->replicas.v, p->replicas.n),
        .adding = kfk__result_ids(r, p->adding_replicas.v, p->adding_replicas.n),
        .removing = kfk__result_ids(r, p->removing_replicas.v, p->removing_replicas.n)};
}

static kfk_err answer(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const listing *l = c->owner;
    const kfk__list_partition_reassignments_response *rs = body;
    kfk__result *r = kfk__result_of(l->out);
    kfk_reassignment *const *v;
    size_t n = 0;

    (void)version;
    if (rs->error_code && rs->error_message.len)
        return kfk__fail(e, rs->error_code, "%.*s", (int)rs->error_message.len,
                         (const char *)rs->error_message.data);
    if (rs->error_code)
        return rs->error_code;
    v = kfk__result_array(r, count(rs), sizeof(kfk_reassignment));
    for (int32_t i = 0; v && i < rs->topics.n; i++) {
        const char *topic = kfk__result_string(r, rs->topics.v[i].name);

        for (int32_t j = 0; j < rs->topics.v[i].partitions.n; j++)
            take(r, v[n++], topic, &rs->topics.v[i].partitions.v[j]);
    }
    l->out->n = n;
    l->out->reassignments = (const kfk_reassignment *const *)v;
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops ops = {&kfk__list_partition_reassignments_api, build, answer,
                                  kfk__admin_done};

kfk_err kfk_admin_list_partition_reassignments(kfk_admin *a, int timeout_ms,
                                               kfk_reassignments **out, kfk_error *e)
{
    listing l = {0};
    kfk_err err = kfk__admin_begin(a, &l.op, timeout_ms, e);

    if (err)
        return err;
    if (!out)
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "kfk_admin_list_partition_reassignments: out is NULL");
    l.op.target = KFK__TO_CONTROLLER;
    l.out = kfk__result_new(kfk__admin_allocator(a), sizeof *l.out);
    if (!l.out)
        return kfk__fail_nomem(e);
    if (kfk__admin_run(&l.op, &ops)) {
        kfk__result_free(l.out);
        return kfk__fail_copy(e, &l.op.error);
    }
    *out = l.out;
    return KFK_OK;
}

void kfk_reassignments_free(kfk_reassignments *r)
{
    kfk__result_free(r);
}
