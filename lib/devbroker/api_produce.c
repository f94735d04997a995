/* Produce: validated, checked for repetition, appended; answered at once, since every replica in
 * sync has it then. */
#include "devbroker/handlers.h"

#include "devbroker/reply.h"
#include "devbroker/text.h"
#include "devbroker/validate.h"
#include "proto/produce.h"

enum { FIRST_WITH_IDS = 13 };

typedef kfk__produce_request request;
typedef kfk__produce_request_topic topic_in;
typedef kfk__produce_request_partition partition_in;
typedef kfk__produce_response_topic topic_out;
typedef kfk__produce_response_partition partition_out;
typedef kfk__produce_response_record_error record_out;

typedef struct work {
    kfk__dev_service *service;
    kfk__dev_call *call;
    const request *req;
    const kfk__schema *partition_schema;
    kfk__dev_nodes hinted;
    bool failed;
} work;

static int16_t check_request(const work *w)
{
    if (w->call->refuse)
        return w->call->refuse;
    if (w->req->acks < -1 || w->req->acks > 1)
        return KFK_ERR_INVALID_REQUIRED_ACKS;
    return w->req->transactional_id.data ? KFK_ERR_INVALID_TXN_STATE : KFK_OK;
}

static bool tell_refusal(const work *w, const kfk__dev_refusal *no, partition_out *out)
{
    record_out *rows =
        kfk__dev_rows(w->call, w->partition_schema, out, "record_errors", no->n_records);

    for (int32_t i = 0; rows && i < no->n_records; i++) {
        rows[i].batch_index = no->records[i].index;
        rows[i].batch_index_error_message = no->records[i].why;
    }
    out->error_message = no->why;
    return rows != NULL;
}

static int16_t validate(const work *w, const kfk__dev_topic *t, kfk_bytes records,
                        kfk__batch_header *h, partition_out *out)
{
    kfk__dev_rules rules = {.topic = t->name,
                            .partition = out->index,
                            .version = w->call->version,
                            .compacted = t->config.compacted,
                            .log_append = t->config.log_append,
                            .max_message_bytes = t->config.max_message_bytes,
                            .wall_ms = w->call->wall_ms,
                            .before_max_ms = t->config.before_max_ms,
                            .after_max_ms = t->config.after_max_ms};
    kfk__dev_refusal no;
    kfk_err err =
        kfk__dev_validate(&rules, w->service->cluster.inflate, records, &w->call->arena, h, &no);

    if (err == KFK_OK)
        return KFK_OK;
    return no.code && tell_refusal(w, &no, out) ? no.code : KFK_ERR_UNKNOWN_SERVER_ERROR;
}

/* Appends a batch that is valid, unless it is there already. */
static int16_t append(const work *w, kfk__dev_partition *p, kfk_bytes records,
                      const kfk__batch_header *h, kfk__dev_appended *where)
{
    kfk__dev_cluster *c = &w->service->cluster;
    const kfk__dev_profile *profile = kfk__dev_cluster_profile(c, w->call->node);
    bool dup = false;
    kfk_err err = KFK_OK;

    if (h->producer_id >= 0)
        err = kfk__dev_producers_check(&p->producers, h, profile->known_producers_only, &dup,
                                       where);
    if (err || dup)
        return (int16_t)err;
    if (!kfk__dev_cluster_make_room(c, records.len) ||
        kfk__dev_log_append(&p->log, records.data, records.len, p->leader_epoch, where->append_ms,
                            &where->base_offset))
        return KFK_ERR_KAFKA_STORAGE_ERROR;
    c->version++;
    if (h->producer_id >= 0 && kfk__dev_producers_add(&p->producers, h, *where))
        return KFK_ERR_UNKNOWN_SERVER_ERROR;
    return KFK_OK;
}

static int16_t produce_to(const work *w, const kfk__dev_topic *t, kfk__dev_partition *p,
                          kfk_bytes records, partition_out *out)
{
    kfk__dev_appended where = {-1, t->config.log_append ? w->call->wall_ms : -1};
    kfk__batch_header h;
    int16_t code;

    if (w->req->acks == -1 && p->isr.n < t->config.min_insync)
        return KFK_ERR_NOT_ENOUGH_REPLICAS;
    code = validate(w, t, records, &h, out);
    if (!code)
        code = append(w, p, records, &h, &where);
    if (code)
        return code;
    out->base_offset = where.base_offset;
    out->log_append_time_ms = where.append_ms;
    out->log_start_offset = p->log.start;
    return KFK_OK;
}

/* Who leads instead, from version 10 on (KIP-951). */
static void hint(work *w, const kfk__dev_partition *p, partition_out *out)
{
    if (w->call->version < 10)
        return;
    out->current_leader.leader_id = p->leader;
    out->current_leader.leader_epoch = p->leader_epoch;
    kfk__dev_nodes_add(&w->hinted, p->leader);
}

static void produce_partition(work *w, const topic_in *topic, const partition_in *in,
                              partition_out *out)
{
    kfk__dev_topic *t;
    kfk__dev_partition *p;
    int16_t code = check_request(w);

    out->index = in->index;
    out->base_offset = -1;
    if (!code)
        code = kfk__dev_find_partition(&w->service->cluster, w->call->version >= FIRST_WITH_IDS,
                                       topic->name, &topic->topic_id, in->index, &t, &p);
    if (!code) {
        code = kfk__dev_check_leader(p, w->call->node);
        if (code)
            hint(w, p, out);
        else
            code = produce_to(w, t, p, in->records, out);
    }
    out->error_code = code;
    w->failed |= code != KFK_OK;
}

static bool produce_topic(work *w, const topic_in *in, const kfk__schema *s, topic_out *out)
{
    partition_out *rows =
        kfk__dev_rows(w->call, s, out, "partition_responses", in->partition_data.n);

    out->name = in->name;
    out->topic_id = in->topic_id;
    for (int32_t i = 0; rows && i < in->partition_data.n; i++)
        produce_partition(w, in, &in->partition_data.v[i], &rows[i]);
    return rows != NULL;
}

kfk__dev_outcome kfk__dev_produce(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__schema *response = call->api->api->response,
                      *topic = kfk__dev_sub(response, "responses");
    work w = {s, call, call->request, kfk__dev_sub(topic, "partition_responses"), {{0}, 0}, false};
    topic_out *rows =
        kfk__dev_rows(call, response, call->response, "responses", w.req->topic_data.n);

    if (!rows)
        return KFK__DEV_CLOSE;
    for (int32_t i = 0; i < w.req->topic_data.n; i++)
        if (!produce_topic(&w, &w.req->topic_data.v[i], topic, &rows[i]))
            return KFK__DEV_CLOSE;
    /* Without an answer a broken connection is all that tells the producer. */
    if (w.req->acks == 0)
        return w.failed ? KFK__DEV_CLOSE : KFK__DEV_SILENT;
    return w.hinted.n == 0 || kfk__dev_endpoints(&s->cluster, call, &w.hinted) ? KFK__DEV_ANSWER
                                                                               : KFK__DEV_CLOSE;
}
