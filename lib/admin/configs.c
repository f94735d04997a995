/* The properties of topics. */
#include <kfk/admin.h>

#include "admin/op.h"
#include "admin/result.h"
#include "base/bytes.h"
#include "base/error.h"
#include "proto/describe_configs.h"

enum { RESOURCE_TOPIC = 2 };

typedef struct describing {
    kfk__admin_op op; /* first: a call's owner is both */
    const char *const *topics;
    size_t n;
    kfk_topic_configs *out;
} describing;

static kfk_err build(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const describing *d = c->owner;
    kfk__describe_configs_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__describe_configs_api.request, rq);
    rq->resources.v = kfk__arena_alloc(a, d->n * sizeof *rq->resources.v);
    if (!rq->resources.v)
        return KFK_ERR_NOMEM;
    rq->resources.n = (int32_t)d->n;
    for (size_t i = 0; i < d->n; i++) {
        kfk__describe_configs_request_resource *res = &rq->resources.v[i];

        *res = (kfk__describe_configs_request_resource){
            .resource_type = RESOURCE_TOPIC, .resource_name = kfk__bytes_str(d->topics[i])};
        res->configuration_keys.n = -1;
    }
    *body = rq;
    return KFK_OK;
}

static void take_entries(kfk__result *r, kfk_topic_config *t,
                         const kfk__describe_configs_response_result *rt)
{
    size_t n = rt->configs.n > 0 ? (size_t)rt->configs.n : 0;
    kfk_config_entry *const *entries = kfk__result_array(r, n, sizeof(kfk_config_entry));

    for (size_t i = 0; entries && i < n; i++) {
        const kfk__describe_configs_response_config *c = &rt->configs.v[i];

        *entries[i] = (kfk_config_entry){.name = kfk__result_string(r, c->name),
                                         .value = kfk__result_string(r, c->value),
                                         .source = c->config_source,
                                         .read_only = c->read_only,
                                         .sensitive = c->is_sensitive};
    }
    t->n_entries = n;
    t->entries = (const kfk_config_entry *const *)entries;
}

static kfk_err answer(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const describing *d = c->owner;
    const kfk__describe_configs_response *rs = body;
    kfk__result *r = kfk__result_of(d->out);
    size_t n = rs->results.n > 0 ? (size_t)rs->results.n : 0;
    kfk_topic_config *const *t = kfk__result_array(r, n, sizeof(kfk_topic_config));

    (void)version;
    (void)e;
    for (size_t i = 0; t && i < n; i++) {
        const kfk__describe_configs_response_result *rt = &rs->results.v[i];
        kfk_bytes msg = rt->error_message;

        if (!msg.len)
            msg = kfk__bytes_str(rt->error_code ? kfk_err_str(rt->error_code) : "");
        t[i]->topic = kfk__result_string(r, rt->resource_name);
        t[i]->err = rt->error_code;
        t[i]->msg = kfk__result_string(r, msg);
        take_entries(r, t[i], rt);
    }
    d->out->n = n;
    d->out->configs = (const kfk_topic_config *const *)t;
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops ops = {&kfk__describe_configs_api, build, answer, kfk__admin_done};

static kfk_err check(const char *const *topics, size_t n, kfk_topic_configs **out, kfk_error *e)
{
    bool bad = !out || (n && !topics);

    for (size_t i = 0; !bad && i < n; i++)
        bad = !topics[i];
    return bad ? kfk__fail(e, KFK_ERR_INVALID_ARG,
                           "kfk_admin_describe_configs: out, topics or one of them is NULL")
               : KFK_OK;
}

kfk_err kfk_admin_describe_configs(kfk_admin *a, const char *const *topics, size_t n,
                                   int timeout_ms, kfk_topic_configs **out, kfk_error *e)
{
    describing d = {.topics = topics, .n = n};
    kfk_err err = kfk__admin_begin(a, &d.op, timeout_ms, e);

    if (!err)
        err = check(topics, n, out, e);
    if (err)
        return err;
    d.out = kfk__result_new(kfk__admin_allocator(a), sizeof *d.out);
    if (!d.out)
        return kfk__fail_nomem(e);
    if (n && kfk__admin_run(&d.op, &ops)) {
        kfk__result_free(d.out);
        return kfk__fail_copy(e, &d.op.error);
    }
    *out = d.out;
    return KFK_OK;
}

void kfk_topic_configs_free(kfk_topic_configs *c)
{
    kfk__result_free(c);
}
