/* The brokers of the cluster, by Metadata. */
#include <kfk/admin.h>

#include "admin/op.h"
#include "admin/result.h"
#include "base/bytes.h"
#include "base/error.h"
#include "proto/metadata.h"

typedef struct describing {
    kfk__admin_op op; /* first: a call's owner is both */
    kfk_cluster *out;
} describing;

/* No topic at all. */
static kfk_err build(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    kfk__metadata_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)c;
    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = false;
    *body = rq;
    return KFK_OK;
}

static kfk_err answer(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const describing *d = c->owner;
    const kfk__metadata_response *rs = body;
    kfk__result *r = kfk__result_of(d->out);
    size_t n = rs->brokers.n > 0 ? (size_t)rs->brokers.n : 0;
    kfk_broker *const *b;

    (void)version;
    (void)e;
    if (rs->error_code)
        return rs->error_code;
    b = kfk__result_array(r, n, sizeof(kfk_broker));
    for (size_t i = 0; b && i < n; i++)
        *b[i] = (kfk_broker){.id = rs->brokers.v[i].node_id,
                             .port = rs->brokers.v[i].port,
                             .host = kfk__result_string(r, rs->brokers.v[i].host),
                             .rack = kfk__result_string(r, rs->brokers.v[i].rack)};
    *d->out = (kfk_cluster){
        .id = kfk__result_string(r, rs->cluster_id.data ? rs->cluster_id : kfk__bytes("", 0)),
        .controller = rs->controller_id,
        .n_brokers = n,
        .brokers = (const kfk_broker *const *)b};
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops ops = {&kfk__metadata_api, build, answer, kfk__admin_done};

kfk_err kfk_admin_describe_cluster(kfk_admin *a, int timeout_ms, kfk_cluster **out, kfk_error *e)
{
    describing d = {0};
    kfk_err err = kfk__admin_begin(a, &d.op, timeout_ms, e);

    if (err)
        return err;
    if (!out)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_describe_cluster: out is NULL");
    d.out = kfk__result_new(kfk__admin_allocator(a), sizeof *d.out);
    if (!d.out)
        return kfk__fail_nomem(e);
    if (kfk__admin_run(&d.op, &ops)) {
        kfk__result_free(d.out);
        return kfk__fail_copy(e, &d.op.error);
    }
    *out = d.out;
    return KFK_OK;
}

void kfk_cluster_free(kfk_cluster *c)
{
    kfk__result_free(c);
}
