/* Fetch: waits until there are min_bytes, something is wrong, or max_wait_ms is over; then answers
 * what there is. There are no fetch sessions: a full request is answered with session id 0, and any
 * other one with error 70, after which clients send full ones. */
#include "devbroker/handlers.h"

#include "devbroker/reply.h"
#include "proto/fetch.h"

enum { FIRST_WITH_IDS = 13, FIRST_FROM_FOLLOWERS = 11, READ_COMMITTED = 1 };

typedef kfk__fetch_request request;
typedef kfk__fetch_response response;
typedef kfk__fetch_request_topic topic_in;
typedef kfk__fetch_request_partition partition_in;
typedef kfk__fetch_response_topic topic_out;
typedef kfk__fetch_response_partition partition_out;
typedef kfk__fetch_response_aborted_transaction aborted_out;

typedef struct work {
    kfk__dev_service *service;
    kfk__dev_call *call;
    const request *req;
    kfk__dev_nodes hinted;
    size_t left;   /* of max_bytes */
    bool any_data; /* the first batch of an answer may be longer than what is left */
} work;

/* ---- one partition ---- */

static bool read_committed(const work *w)
{
    return w->req->isolation_level == READ_COMMITTED;
}

/* Where what this client may read ends. */
static int64_t limit_of(const work *w, const kfk__dev_log *l)
{
    return read_committed(w) ? kfk__dev_log_stable(l) : l->high;
}

/* From version 11 on a client tells its rack, and any replica serves it (KIP-392). */
static int16_t check_replica(const work *w, const kfk__dev_partition *p)
{
    if (w->call->version >= FIRST_FROM_FOLLOWERS && p->leader >= 0 &&
        kfk__dev_nodes_have(&p->replicas, w->call->node))
        return KFK_OK;
    return kfk__dev_check_leader(p, w->call->node);
}

/* *p stays NULL where there is no such partition. */
static int16_t check(const work *w, const topic_in *topic, const partition_in *in,
                     kfk__dev_partition **p)
{
    kfk__dev_topic *t;
    int16_t code;

    *p = NULL;
    if (w->call->refuse)
        return w->call->refuse;
    code = kfk__dev_find_partition(&w->service->cluster, w->call->version >= FIRST_WITH_IDS,
                                   topic->topic, &topic->topic_id, in->partition, &t, p);
    if (!code)
        code = kfk__dev_check_epoch(*p, in->current_leader_epoch);
    if (!code)
        code = check_replica(w, *p);
    if (!code && (in->fetch_offset < (*p)->log.start || in->fetch_offset > (*p)->log.end))
        code = KFK_ERR_OFFSET_OUT_OF_RANGE;
    return code;
}

/* Whether the client has read what is no longer so: then where its epoch ended. */
static bool diverges(const kfk__dev_partition *p, const partition_in *in, int32_t *epoch,
                     int64_t *end)
{
    if (in->last_fetched_epoch < 0)
        return false;
    kfk__dev_log_epoch_end(&p->log, in->last_fetched_epoch, p->leader_epoch, epoch, end);
    return *epoch < in->last_fetched_epoch || *end < in->fetch_offset;
}

/* ---- whether to answer ---- */

/* Bytes that one partition could give; *must: it must be told something else. */
static size_t look(const work *w, const topic_in *topic, const partition_in *in, bool *must)
{
    kfk__dev_partition *p;
    int32_t epoch;
    int64_t end;
    size_t max = in->partition_max_bytes > 0 ? (size_t)in->partition_max_bytes : 0;

    if (check(w, topic, in, &p) || diverges(p, in, &epoch, &end)) {
        *must = true;
        return 0;
    }
    return kfk__dev_log_available(&p->log, in->fetch_offset, limit_of(w, &p->log), max);
}

static bool ready(const work *w)
{
    const request *req = w->req;
    bool must = req->max_wait_ms <= 0 || req->topics.n <= 0;
    size_t n = 0;

    for (int32_t i = 0; i < req->topics.n; i++)
        for (int32_t k = 0; k < req->topics.v[i].partitions.n; k++)
            n += look(w, &req->topics.v[i], &req->topics.v[i].partitions.v[k], &must);
    return must || (int64_t)n >= req->min_bytes;
}

/* ---- the answer ---- */

static bool read_data(work *w, const kfk__dev_partition *p, const partition_in *in,
                      partition_out *out)
{
    size_t max = in->partition_max_bytes > 0 ? (size_t)in->partition_max_bytes : 0;
    kfk__dev_slice s = kfk__dev_log_read(&p->log, in->fetch_offset, limit_of(w, &p->log),
                                         max < w->left ? max : w->left, !w->any_data);

    if (s.len == 0)
        return true;
    out->records = kfk__bytes(s.bytes, s.len);
    w->any_data = true;
    w->left -= s.len < w->left ? s.len : w->left;
    return kfk__dev_call_pin(w->call, &s);
}

/* The aborted transactions that reach into what a client with read_committed may read from here. */
static bool name_aborted(const work *w, const kfk__dev_log *l, int64_t from, const kfk__schema *s,
                         partition_out *out)
{
    const int64_t to = kfk__dev_log_stable(l);
    size_t n = kfk__dev_transactions_aborted(&l->transactions, from, to, NULL, 0);
    kfk__dev_transaction *found = kfk__dev_call_array(w->call, (int32_t)n + 1, sizeof *found);
    aborted_out *rows = kfk__dev_rows(w->call, s, out, "aborted_transactions", (int32_t)n);

    if (!found || !rows)
        return false;
    (void)kfk__dev_transactions_aborted(&l->transactions, from, to, found, n);
    for (size_t i = 0; i < n; i++) {
        rows[i].producer_id = found[i].producer_id;
        rows[i].first_offset = found[i].first;
    }
    return true;
}

static void hint(work *w, const kfk__dev_partition *p, partition_out *out)
{
    if (!p || w->call->version < 12) /* a fault may say so of a partition that nobody looked up */
        return;
    out->current_leader.leader_id = p->leader;
    out->current_leader.leader_epoch = p->leader_epoch;
    if (w->call->version >= 16)
        kfk__dev_nodes_add(&w->hinted, p->leader);
}

static bool fetch_partition(work *w, const topic_in *topic, const partition_in *in,
                            const kfk__schema *s, partition_out *out)
{
    static const char nothing[1];
    kfk__dev_partition *p;
    int16_t code = check(w, topic, in, &p);
    int32_t epoch;
    int64_t end;

    out->partition_index = in->partition;
    out->error_code = code;
    out->high_watermark = -1;
    out->records = kfk__bytes(nothing, 0);
    out->aborted_transactions.n = read_committed(w) ? 0 : -1;
    if (code) {
        if (code == KFK_ERR_NOT_LEADER_OR_FOLLOWER || code == KFK_ERR_FENCED_LEADER_EPOCH)
            hint(w, p, out);
        return true;
    }
    out->high_watermark = p->log.high;
    out->last_stable_offset = kfk__dev_log_stable(&p->log);
    out->log_start_offset = p->log.start;
    if (!diverges(p, in, &epoch, &end))
        return read_data(w, p, in, out) &&
               (!read_committed(w) || name_aborted(w, &p->log, in->fetch_offset, s, out));
    out->diverging_epoch.epoch = epoch;
    out->diverging_epoch.end_offset = end;
    return true;
}

static bool fetch_topic(work *w, const topic_in *in, const kfk__schema *s, topic_out *out)
{
    partition_out *rows = kfk__dev_rows(w->call, s, out, "partitions", in->partitions.n);

    out->topic = in->topic;
    out->topic_id = in->topic_id;
    for (int32_t i = 0; rows && i < in->partitions.n; i++)
        if (!fetch_partition(w, in, &in->partitions.v[i], kfk__dev_sub(s, "partitions"), &rows[i]))
            return false;
    return rows != NULL;
}

static kfk__dev_outcome answer(work *w)
{
    const kfk__schema *schema = w->call->api->api->response,
                      *topic = kfk__dev_sub(schema, "responses");
    const request *req = w->req;
    topic_out *rows = kfk__dev_rows(w->call, schema, w->call->response, "responses", req->topics.n);

    w->left = req->max_bytes > 0 ? (size_t)req->max_bytes : 0;
    if (!rows)
        return KFK__DEV_CLOSE;
    for (int32_t i = 0; i < req->topics.n; i++)
        if (!fetch_topic(w, &req->topics.v[i], topic, &rows[i]))
            return KFK__DEV_CLOSE;
    return w->hinted.n == 0 || kfk__dev_endpoints(&w->service->cluster, w->call, &w->hinted)
               ? KFK__DEV_ANSWER
               : KFK__DEV_CLOSE;
}

kfk__dev_outcome kfk__dev_fetch(kfk__dev_service *s, kfk__dev_call *call)
{
    work w = {.service = s, .call = call, .req = call->request};
    response *resp = call->response;

    if (w.req->session_epoch > 0) {
        resp->error_code = KFK_ERR_FETCH_SESSION_ID_NOT_FOUND;
        return KFK__DEV_ANSWER;
    }
    if (call->until == KFK__NEVER)
        call->until = kfk__deadline(call->now, w.req->max_wait_ms > 0 ? w.req->max_wait_ms : 0);
    if (call->now < call->until && !ready(&w))
        return KFK__DEV_WAIT;
    return answer(&w);
}
