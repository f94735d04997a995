/* Fetch: waits until there are min_bytes, something is wrong, or max_wait_ms is over; then answers
 * what there is: all, or with a session what is new. */
#include "devbroker/handlers.h"

#include "devbroker/plan.h"
#include "devbroker/reply.h"
#include "proto/fetch.h"

enum { FIRST_FROM_FOLLOWERS = 11, FIRST_WITH_HINTS = 16, READ_COMMITTED = 1 };

typedef kfk__fetch_request request;
typedef kfk__fetch_response response;
typedef kfk__fetch_response_topic topic_out;
typedef kfk__fetch_response_partition partition_out;
typedef kfk__fetch_response_aborted_transaction aborted_out;

typedef struct work {
    kfk__dev_service *service;
    kfk__dev_call *call;
    const request *req;
    kfk__dev_plan *plan;
    kfk__dev_nodes hinted;
    size_t left;   /* of max_bytes */
    bool any_data; /* the first batch of an answer may be longer than what is left */
} work;

/* ---- one partition ---- */

static bool read_committed(const work *w)
{
    return w->req->isolation_level == READ_COMMITTED;
}

/* Whatever the topic is called today: it must be the same that was asked for. */
static int16_t find(const work *w, const kfk__dev_wish *wish, kfk__dev_partition **p)
{
    kfk__dev_topic *t;
    int16_t code;

    if (w->plan->by_id && !wish->topic.data)
        return KFK_ERR_UNKNOWN_TOPIC_ID;
    code = kfk__dev_find_partition(&w->service->cluster, false, wish->topic, NULL, wish->partition,
                                   &t, p);
    if (!code && w->plan->by_id && !kfk__uuid_equal(&t->id, &wish->id)) {
        *p = NULL;
        return KFK_ERR_INCONSISTENT_TOPIC_ID;
    }
    return code;
}

/* Where a client is to read, once nothing is wrong with that. */
typedef struct place {
    kfk__dev_partition *p; /* NULL: there is none */
    kfk__dev_view sees;    /* this node */
    int32_t preferred;     /* replica that is nearer to the client; -1: this one */
    bool diverges;         /* it has read what is no longer so: where that ended */
    int32_t epoch;
    int64_t end;
} place;

/* Where what this client may read ends. */
static int64_t limit_of(const work *w, const place *at)
{
    return read_committed(w) ? kfk__dev_transactions_stable(&at->p->log.transactions, at->sees.high)
                             : at->sees.high;
}

/* What the client read last is looked for first: where that is gone, so may be the offset. */
static int16_t check_offset(const kfk__dev_wish *wish, place *at)
{
    const kfk__dev_view *v = &at->sees;

    if (wish->last_fetched_epoch >= 0) {
        kfk__dev_log_epoch_end(&at->p->log, wish->last_fetched_epoch, v->newest, &at->epoch,
                               &at->end);
        if (at->end < 0 || wish->offset < v->start)
            return KFK_ERR_OFFSET_OUT_OF_RANGE;
        at->end = at->end < v->end ? at->end : v->end;
        at->diverges = at->epoch < wish->last_fetched_epoch || at->end < wish->offset;
    }
    if (!at->diverges && (wish->offset < v->start || wish->offset > v->end))
        return KFK_ERR_OFFSET_OUT_OF_RANGE;
    return KFK_OK;
}

/* The replica that a client in a rack is sent to, by the leader alone: one there, in sync, that has
 * the offset; of several the one that has most, and then the one with the highest id. -1: the
 * leader itself, which it is always where it is in the rack too. */
static int32_t prefer(const work *w, const kfk__dev_partition *p, int64_t offset)
{
    kfk__dev_cluster *c = &w->service->cluster;
    kfk_bytes rack = w->req->rack_id;
    kfk__dev_view best = {0};
    int32_t found = -1;

    if (rack.len == 0 || p->leader != w->call->node ||
        kfk__bytes_equal(kfk__dev_rack(kfk__dev_cluster_node(c, p->leader)), rack))
        return -1;
    for (int32_t i = 0; i < p->isr.n; i++) {
        int32_t node = p->isr.v[i];
        kfk__dev_view v = kfk__dev_partition_view(p, node);

        if (!kfk__bytes_equal(kfk__dev_rack(kfk__dev_cluster_node(c, node)), rack) ||
            !kfk__dev_cluster_node(c, node)->up || v.start > offset || v.end < offset)
            continue;
        if (found >= 0 && (v.end < best.end || (v.end == best.end && node < found)))
            continue;
        found = node;
        best = v;
    }
    return found;
}

static int16_t locate(const work *w, const kfk__dev_wish *wish, place *at)
{
    bool anyone = w->call->version >= FIRST_FROM_FOLLOWERS; /* KIP-392 */
    int16_t code;

    *at = (place){.preferred = -1};
    if (w->call->refuse)
        return w->call->refuse;
    code = find(w, wish, &at->p);
    if (!code)
        code = kfk__dev_check_replica(at->p, w->call->node, wish->leader_epoch, anyone);
    if (code)
        return code;
    at->sees = kfk__dev_partition_view(at->p, w->call->node);
    at->preferred = prefer(w, at->p, wish->offset);
    return at->preferred < 0 ? check_offset(wish, at) : KFK_OK;
}

/* ---- whether to answer ---- */

/* Bytes that one partition could give; *must: it must be told something else. */
static size_t look(const work *w, const kfk__dev_wish *wish, bool *must)
{
    size_t max = wish->max_bytes > 0 ? (size_t)wish->max_bytes : 0;
    place at;

    if (locate(w, wish, &at) || at.diverges || at.preferred >= 0) {
        *must = true;
        return 0;
    }
    return kfk__dev_log_available(&at.p->log, wish->offset, limit_of(w, &at), max);
}

static bool ready(const work *w)
{
    const request *req = w->req;
    int32_t min = req->min_bytes < req->max_bytes ? req->min_bytes : req->max_bytes;
    bool must = req->max_wait_ms <= 0 || w->plan->n == 0;
    size_t n = 0;

    for (int32_t i = 0; i < w->plan->n; i++)
        n += look(w, &w->plan->wishes[i], &must);
    return must || (int64_t)n >= min;
}

/* ---- the answer ---- */

static bool read_data(work *w, const place *at, const kfk__dev_wish *wish, partition_out *out)
{
    size_t max = wish->max_bytes > 0 ? (size_t)wish->max_bytes : 0;
    kfk__dev_slice s = kfk__dev_log_read(&at->p->log, wish->offset, limit_of(w, at),
                                         max < w->left ? max : w->left, !w->any_data);

    if (s.len == 0)
        return true;
    out->records = kfk__bytes(s.bytes, s.len);
    w->any_data = true;
    w->left -= s.len < w->left ? s.len : w->left;
    return kfk__dev_call_pin(w->call, &s);
}

/* The aborted transactions that reach into what a client with read_committed may read from here. */
static bool name_aborted(const work *w, const place *at, int64_t from, const kfk__schema *s,
                         partition_out *out)
{
    const kfk__dev_transactions *t = &at->p->log.transactions;
    const int64_t to = limit_of(w, at);
    size_t n = kfk__dev_transactions_aborted(t, from, to, NULL, 0);
    kfk__dev_transaction *found = kfk__dev_call_array(w->call, (int32_t)n + 1, sizeof *found);
    aborted_out *rows = kfk__dev_rows(w->call, s, out, "aborted_transactions", (int32_t)n);

    if (!found || !rows)
        return false;
    (void)kfk__dev_transactions_aborted(t, from, to, found, n);
    for (size_t i = 0; i < n; i++) {
        rows[i].producer_id = found[i].producer_id;
        rows[i].first_offset = found[i].first;
    }
    return true;
}

/* Who leads instead (KIP-951). */
static void hint(work *w, const kfk__dev_partition *p, partition_out *out)
{
    /* A fault may say so of a partition that nobody looked up. */
    if (!p || w->call->version < FIRST_WITH_HINTS)
        return;
    out->current_leader.leader_id = p->leader;
    out->current_leader.leader_epoch = p->leader_epoch;
    kfk__dev_nodes_add(&w->hinted, p->leader);
}

static bool fetch_partition(work *w, const kfk__dev_wish *wish, const kfk__schema *s,
                            partition_out *out)
{
    static const char nothing[1];
    place at;
    int16_t code = locate(w, wish, &at);

    out->partition_index = wish->partition;
    out->error_code = code;
    out->high_watermark = -1;
    out->records = kfk__bytes(nothing, 0);
    out->aborted_transactions.n = read_committed(w) ? 0 : -1;
    if (code) {
        if (code == KFK_ERR_NOT_LEADER_OR_FOLLOWER || code == KFK_ERR_FENCED_LEADER_EPOCH)
            hint(w, at.p, out);
        return true;
    }
    out->high_watermark = at.sees.high;
    out->last_stable_offset = kfk__dev_transactions_stable(&at.p->log.transactions, at.sees.high);
    out->log_start_offset = at.sees.start;
    out->preferred_read_replica = at.preferred;
    if (at.preferred >= 0)
        return true;
    if (!at.diverges)
        return read_data(w, &at, wish, out) &&
               (!read_committed(w) || name_aborted(w, &at, wish->offset, s, out));
    out->diverging_epoch.epoch = at.epoch;
    out->diverging_epoch.end_offset = at.end;
    return true;
}

static bool is_told(work *w, int32_t at, const partition_out *out)
{
    kfk__dev_news news = {.code = out->error_code,
                          .high = out->high_watermark,
                          .start = out->log_start_offset,
                          .data = out->records.len > 0,
                          .moving = out->diverging_epoch.epoch >= 0 ||
                                    out->diverging_epoch.end_offset >= 0 ||
                                    out->preferred_read_replica >= 0};

    return kfk__dev_plan_tell(w->service, w->call, w->plan, at, &news);
}

static bool same_topic(const kfk__dev_plan *plan, const kfk__dev_wish *wish, const topic_out *row)
{
    return plan->by_id ? kfk__uuid_equal(&wish->id, &row->topic_id)
                       : kfk__bytes_equal(wish->topic, row->topic);
}

/* Puts a partition, the last of those that are told, into its topic's row: the last one, or the
 * next. */
static void tell_in(const kfk__dev_plan *plan, const kfk__dev_wish *wish, partition_out *out,
                    response *resp)
{
    topic_out *row = resp->responses.n ? &resp->responses.v[resp->responses.n - 1] : NULL;

    if (!row || !same_topic(plan, wish, row)) {
        row = &resp->responses.v[resp->responses.n++];
        row->topic = plan->by_id ? row->topic : wish->topic;
        row->topic_id = wish->id;
        row->partitions.v = out;
        row->partitions.n = 0;
    }
    row->partitions.n++;
}

static bool fetch_all(work *w)
{
    const kfk__schema *schema = w->call->api->api->response,
                      *partition = kfk__dev_sub(kfk__dev_sub(schema, "responses"), "partitions");
    const kfk__dev_plan *plan = w->plan;
    partition_out *out = kfk__dev_call_structs(w->call, partition, plan->n);

    if (!out || !kfk__dev_rows(w->call, schema, w->call->response, "responses", plan->n))
        return false;
    ((response *)w->call->response)->responses.n = 0;
    for (int32_t i = 0; i < plan->n; i++) {
        if (!fetch_partition(w, &plan->wishes[i], partition, out))
            return false;
        if (is_told(w, i, out))
            tell_in(plan, &plan->wishes[i], out++, w->call->response);
        else
            kfk__msg_init(partition, out);
    }
    return true;
}

static kfk__dev_outcome answer(work *w)
{
    response *resp = w->call->response;

    w->left = w->req->max_bytes > 0 ? (size_t)w->req->max_bytes : 0;
    if (!fetch_all(w))
        return KFK__DEV_CLOSE;
    resp->session_id = kfk__dev_plan_end(w->service, w->call, w->plan);
    return w->hinted.n == 0 || kfk__dev_endpoints(&w->service->cluster, w->call, &w->hinted)
               ? KFK__DEV_ANSWER
               : KFK__DEV_CLOSE;
}

/* What is wrong with the session stands in the place of all else. */
static kfk__dev_outcome refuse(response *resp, int32_t session, int16_t code)
{
    resp->error_code = code;
    resp->session_id = session;
    return KFK__DEV_ANSWER;
}

kfk__dev_outcome kfk__dev_fetch(kfk__dev_service *s, kfk__dev_call *call)
{
    work w = {.service = s, .call = call, .req = call->request};

    if (!call->kept) {
        call->kept = kfk__dev_plan_new(s, call);
        call->until = kfk__deadline(call->now, w.req->max_wait_ms > 0 ? w.req->max_wait_ms : 0);
    }
    w.plan = call->kept;
    if (!w.plan)
        return KFK__DEV_CLOSE;
    if (w.plan->code)
        return refuse(call->response, 0, w.plan->code);
    if (call->now < call->until && !ready(&w))
        return KFK__DEV_WAIT;
    if (kfk__dev_plan_overtaken(s, call, w.plan))
        return refuse(call->response, w.plan->session, KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    return answer(&w);
}
