/* Topics and their partitions. Newer brokers (3.8) tell them page by page, and with what each
 * partition may be led by; older ones by Metadata, which also is what tells topics by their ids. */
#include <kfk/admin.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "admin/op.h"
#include "admin/result.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/describe_topic_partitions.h"
#include "proto/metadata.h"

enum { PAGE = 2000, IDS_FROM = 12 };

/* The call while it lasts. */
typedef struct describing {
    kfk__admin_op op; /* first: a call's owner is both */
    const char *const *names;
    const kfk__uuid *ids; /* NULL: by name */
    size_t n;
    bool all; /* every topic, without partitions */
    int32_t page;
    const char *at; /* where the next page begins, in the result; NULL: at the start */
    int32_t at_partition;
    kfk_topics *out;
} describing;

/* ---- what an answer says, into the result ---- */

/* Room for |more| topics: the first of them, which are not counted yet. */
static kfk_topic *const *add_topics(describing *d, int32_t more)
{
    void *v = kfk__result_grow(kfk__result_of(d->out), d->out->topics, d->out->n, (size_t)more,
                               sizeof(kfk_topic));

    d->out->topics = v;
    return v ? (kfk_topic *const *)v + d->out->n : NULL;
}

static kfk_partition *const *add_partitions(describing *d, kfk_topic *t, int32_t more)
{
    void *v = kfk__result_grow(kfk__result_of(d->out), t->partitions, t->n_partitions, (size_t)more,
                               sizeof(kfk_partition));
    kfk_partition *const *first = v ? (kfk_partition *const *)v + t->n_partitions : NULL;

    if (!v)
        return NULL;
    t->partitions = v;
    t->n_partitions += (size_t)more;
    return first;
}

/* Puts partitions where their numbers belong, if they are 0 to n - 1, as they should be. */
static void sort_partitions(kfk__result *r, kfk_topic *t)
{
    const kfk_partition **v = kfk__result_zalloc(r, (t->n_partitions + 1) * sizeof *v);

    for (size_t i = 0; v && i < t->n_partitions; i++) {
        int32_t at = t->partitions[i]->partition;

        if (at < 0 || (size_t)at >= t->n_partitions || v[at])
            return;
        v[at] = t->partitions[i];
    }
    if (v)
        t->partitions = v;
}

static kfk_err finish(const describing *d)
{
    kfk__result *r = kfk__result_of(d->out);

    for (size_t i = 0; i < d->out->n; i++)
        sort_partitions(r, (kfk_topic *)(uintptr_t)d->out->topics[i]);
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

/* ---- by Metadata ---- */

static kfk_err build_metadata(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const describing *d = c->owner;
    kfk__metadata_request *rq = kfk__arena_alloc(a, sizeof *rq);

    if (!rq)
        return KFK_ERR_NOMEM;
    if (d->ids && version < IDS_FROM)
        return KFK_ERR_UNSUPPORTED_VERSION;
    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = false;
    rq->topics.n = -1;
    *body = rq;
    if (d->all)
        return KFK_OK;
    rq->topics.v = kfk__arena_alloc(a, (d->n + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    rq->topics.n = (int32_t)d->n;
    for (size_t i = 0; i < d->n; i++) {
        rq->topics.v[i] = (kfk__metadata_request_topic){0};
        if (d->ids)
            rq->topics.v[i].topic_id = d->ids[i];
        else
            rq->topics.v[i].name = kfk__bytes_str(d->names[i]);
    }
    return KFK_OK;
}

static void take_metadata_partition(kfk__result *r, kfk_partition *p,
                                    const kfk__metadata_response_partition *rp)
{
    *p = (kfk_partition){
        .err = rp->error_code,
        .partition = rp->partition_index,
        .leader = rp->leader_id,
        .leader_epoch = rp->leader_epoch,
        .replicas = kfk__result_ids(r, rp->replica_nodes.v, rp->replica_nodes.n),
        .isr = kfk__result_ids(r, rp->isr_nodes.v, rp->isr_nodes.n),
        .offline = kfk__result_ids(r, rp->offline_replicas.v, rp->offline_replicas.n),
    };
}

static void take_metadata_topic(describing *d, kfk_topic *t, const kfk__metadata_response_topic *rt)
{
    kfk__result *r = kfk__result_of(d->out);
    kfk_partition *const *p;

    t->name = kfk__result_string(r, rt->name.data ? rt->name : kfk__bytes("", 0));
    t->id = kfk__result_uuid(r, &rt->topic_id);
    t->err = rt->error_code;
    t->internal = rt->is_internal;
    if (d->all || rt->partitions.n <= 0)
        return;
    p = add_partitions(d, t, rt->partitions.n);
    for (int32_t i = 0; p && i < rt->partitions.n; i++)
        take_metadata_partition(r, p[i], &rt->partitions.v[i]);
}

static kfk_err answer_metadata(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    describing *d = c->owner;
    const kfk__metadata_response *rs = body;
    kfk_topic *const *t;

    (void)version;
    (void)e;
    if (rs->error_code)
        return rs->error_code;
    t = add_topics(d, rs->topics.n > 0 ? rs->topics.n : 0);
    for (int32_t i = 0; t && i < rs->topics.n; i++, d->out->n++)
        take_metadata_topic(d, t[i], &rs->topics.v[i]);
    return finish(d);
}

static const kfk__call_ops by_metadata = {&kfk__metadata_api, build_metadata, answer_metadata,
                                          kfk__admin_done};

/* ---- page by page ---- */

static kfk_err build_page(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const describing *d = c->owner;
    kfk__describe_topic_partitions_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__describe_topic_partitions_api.request, rq);
    rq->response_partition_limit = d->page;
    rq->topics.v = kfk__arena_alloc(a, d->n * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    rq->topics.n = (int32_t)d->n;
    for (size_t i = 0; i < d->n; i++)
        rq->topics.v[i].name = kfk__bytes_str(d->names[i]);
    *body = rq;
    if (!d->at)
        return KFK_OK;
    rq->cursor = kfk__arena_alloc(a, sizeof *rq->cursor);
    if (!rq->cursor)
        return KFK_ERR_NOMEM;
    rq->cursor->topic_name = kfk__bytes_str(d->at);
    rq->cursor->partition_index = d->at_partition;
    return KFK_OK;
}

static void take_page_partition(kfk__result *r, kfk_partition *p,
                                const kfk__describe_topic_partitions_response_partition *rp)
{
    *p = (kfk_partition){
        .err = rp->error_code,
        .partition = rp->partition_index,
        .leader = rp->leader_id,
        .leader_epoch = rp->leader_epoch,
        .replicas = kfk__result_ids(r, rp->replica_nodes.v, rp->replica_nodes.n),
        .isr = kfk__result_ids(r, rp->isr_nodes.v, rp->isr_nodes.n),
        .offline = kfk__result_ids(r, rp->offline_replicas.v, rp->offline_replicas.n),
        .elr = kfk__result_ids(r, rp->eligible_leader_replicas.v, rp->eligible_leader_replicas.n),
        .last_known_elr = kfk__result_ids(r, rp->last_known_elr.v, rp->last_known_elr.n),
    };
}

/* The topic that the page before this one broke off in, or NULL. */
static kfk_topic *continued(const describing *d, kfk_bytes name)
{
    const kfk_topic *last = d->out->n ? d->out->topics[d->out->n - 1] : NULL;

    if (!last || !kfk__bytes_equal(name, kfk__bytes_str(last->name)))
        return NULL;
    return (kfk_topic *)(uintptr_t)last;
}

static void take_page_topic(describing *d, kfk_topic *fresh,
                            const kfk__describe_topic_partitions_response_topic *rt)
{
    kfk__result *r = kfk__result_of(d->out);
    kfk_topic *t = continued(d, rt->name);
    kfk_partition *const *p;

    if (!t) {
        t = fresh;
        t->name = kfk__result_string(r, rt->name.data ? rt->name : kfk__bytes("", 0));
        t->id = kfk__result_uuid(r, &rt->topic_id);
        t->err = rt->error_code;
        t->internal = rt->is_internal;
        d->out->n++;
    }
    if (rt->partitions.n <= 0)
        return;
    p = add_partitions(d, t, rt->partitions.n);
    for (int32_t i = 0; p && i < rt->partitions.n; i++)
        take_page_partition(r, p[i], &rt->partitions.v[i]);
}

/* Where the next page begins. KFK_ERR_PROTOCOL: where this one did. */
static kfk_err take_cursor(describing *d,
                           const kfk__describe_topic_partitions_response_cursor *cursor)
{
    kfk__result *r = kfk__result_of(d->out);

    if (!cursor) {
        d->at = NULL;
        return KFK_OK;
    }
    if (d->at && d->at_partition == cursor->partition_index &&
        kfk__bytes_equal(cursor->topic_name, kfk__bytes_str(d->at)))
        return KFK_ERR_PROTOCOL;
    d->at = kfk__result_string(r, cursor->topic_name);
    d->at_partition = cursor->partition_index;
    return d->at ? KFK_OK : KFK_ERR_NOMEM;
}

static kfk_err answer_page(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    describing *d = c->owner;
    const kfk__describe_topic_partitions_response *rs = body;
    kfk_topic *const *t = add_topics(d, rs->topics.n > 0 ? rs->topics.n : 0);
    size_t first = d->out->n;
    kfk_err err;

    (void)version;
    /* A topic that goes on takes no new place: the next one does. */
    for (int32_t i = 0; t && i < rs->topics.n; i++)
        take_page_topic(d, t[d->out->n - first], &rs->topics.v[i]);
    err = take_cursor(d, rs->next_cursor);
    if (err == KFK_ERR_PROTOCOL)
        return kfk__fail(e, err, "DescribeTopicPartitions: a page ends where it began");
    if (!err && !d->at)
        err = finish(d);
    return kfk__result_of(d->out)->failed ? KFK_ERR_NOMEM : err;
}

static const kfk__call_ops by_pages = {&kfk__describe_topic_partitions_api, build_page, answer_page,
                                       kfk__admin_done};

/* ---- the calls ---- */

static kfk_err run(describing *d, kfk_topics **out, kfk_error *e)
{
    kfk_err err = KFK_ERR_UNSUPPORTED_VERSION;

    d->out = kfk__result_new(kfk__admin_allocator(d->op.admin), sizeof *d->out);
    if (!d->out)
        return kfk__fail_nomem(e);
    if (!d->ids && !d->all && d->n == 0) {
        *out = d->out;
        return KFK_OK;
    }
    if (!d->ids && !d->all)
        do
            err = kfk__admin_run(&d->op, &by_pages);
        while (!err && d->at);
    if (err == KFK_ERR_UNSUPPORTED_VERSION)
        err = kfk__admin_run(&d->op, &by_metadata);
    if (err) {
        kfk__result_free(d->out);
        return kfk__fail_copy(e, &d->op.error);
    }
    *out = d->out;
    return KFK_OK;
}

kfk_err kfk_admin_list_topics(kfk_admin *a, int timeout_ms, kfk_topics **out, kfk_error *e)
{
    describing d = {.all = true};
    kfk_err err = kfk__admin_begin(a, &d.op, timeout_ms, e);

    if (!err && !out)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_list_topics: out is NULL");
    return err ? err : run(&d, out, e);
}

static kfk_err check(const char *const *topics, size_t n, const kfk_describe *how, kfk_topics **out,
                     kfk_error *e)
{
    const char *what = NULL;

    if (!out || (n && !topics))
        what = "topics or out is NULL";
    else if (how && (how->struct_size < sizeof *how || how->page < 0))
        what = "the struct_size is not sizeof(kfk_describe), or the page is negative";
    for (size_t i = 0; !what && i < n; i++)
        if (!topics[i])
            what = "a topic is NULL";
    return what ? kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_describe_topics: %s", what) : KFK_OK;
}

static kfk_err describe_by_id(describing *d, kfk_topics **out, kfk_error *e)
{
    const kfk_allocator *a = kfk__admin_allocator(d->op.admin);
    kfk__uuid *ids = kfk__array(a, NULL, d->n + 1, sizeof *ids);
    kfk_err err = ids ? KFK_OK : kfk__fail_nomem(e);

    for (size_t i = 0; !err && i < d->n; i++)
        if (!kfk__uuid_parse(d->names[i], &ids[i]))
            err = kfk__fail(e, KFK_ERR_INVALID_ARG,
                            "kfk_admin_describe_topics: %.40s is not a topic id", d->names[i]);
    d->ids = ids;
    if (!err)
        err = run(d, out, e);
    kfk__release(a, ids);
    return err;
}

kfk_err kfk_admin_describe_topics(kfk_admin *a, const char *const *topics, size_t n,
                                  const kfk_describe *how, int timeout_ms, kfk_topics **out,
                                  kfk_error *e)
{
    describing d = {.names = topics, .n = n, .page = PAGE};
    kfk_err err = kfk__admin_begin(a, &d.op, timeout_ms, e);

    if (!err)
        err = check(topics, n, how, out, e);
    if (err)
        return err;
    if (how && how->page)
        d.page = how->page;
    if (how && (how->flags & KFK_BY_ID))
        return describe_by_id(&d, out, e);
    return run(&d, out, e);
}

void kfk_topics_free(kfk_topics *t)
{
    kfk__result_free(t);
}
