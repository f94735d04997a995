/* ListOffsets and OffsetForLeaderEpoch: where a partition begins and ends, where a time or an epoch
 * lies in it. */
#include "devbroker/handlers.h"

#include "devbroker/records.h"
#include "devbroker/reply.h"
#include "proto/list_offsets.h"
#include "proto/offset_for_leader_epoch.h"
#include "record/message.h"

enum { READ_COMMITTED = 1 };

/* Times that stand for a place. */
enum {
    LATEST = -1,
    EARLIEST = -2,
    MAX_TIMESTAMP = -3,
    EARLIEST_LOCAL = -4,
    LATEST_TIERED = -5,
    EARLIEST_PENDING = -6
};

typedef kfk__list_offsets_request_topic list_in;
typedef kfk__list_offsets_request_partition list_partition_in;
typedef kfk__list_offsets_response_topic list_out;
typedef kfk__list_offsets_response_partition list_partition_out;

/* ---- ListOffsets ---- */

/* The first record at or after |ms| and the log's start, in a batch that may have it; |ms| is the
 * batch's max timestamp at most. */
static int16_t find_in_batch(kfk__dev_cluster *c, const kfk__dev_log *log, const kfk__dev_batch *b,
                             int64_t ms, list_partition_out *out)
{
    const uint8_t *bytes = kfk__dev_batch_bytes(b);
    kfk__batch_header h;
    kfk__dev_records it;
    const char *why;
    size_t size;

    if (kfk__message_header_read(bytes, b->size, &h, &size, &why) ||
        kfk__dev_records_open(&it, c->inflate, log->alloc, bytes, b->size, &h, &why))
        return KFK_ERR_CORRUPT_MESSAGE;
    while (kfk__batch_cursor_next(&it.cursor)) {
        if (it.cursor.timestamp < ms || it.cursor.offset < log->start)
            continue;
        out->offset = it.cursor.offset;
        out->timestamp = it.cursor.timestamp;
        out->leader_epoch = b->leader_epoch;
        break;
    }
    kfk__dev_records_close(&it);
    return KFK_OK;
}

static int16_t find_time(kfk__dev_cluster *c, const kfk__dev_log *log, int64_t ms,
                         list_partition_out *out)
{
    int16_t code = KFK_OK;

    for (const kfk__dev_batch *b = kfk__dev_log_find_time(log, ms);
         b && !code && out->offset < 0;) {
        code = find_in_batch(c, log, b, ms, out);
        do
            b++;
        while (b < log->batches + log->n && b->max_timestamp < ms);
        if (b == log->batches + log->n)
            break;
    }
    return code;
}

static int16_t find_max_timestamp(kfk__dev_cluster *c, const kfk__dev_log *log,
                                  list_partition_out *out)
{
    const kfk__dev_batch *max = NULL;

    for (size_t i = 0; i < log->n; i++)
        if (!max || log->batches[i].max_timestamp > max->max_timestamp)
            max = &log->batches[i];
    return max && max->max_timestamp >= 0 ? find_in_batch(c, log, max, max->max_timestamp, out)
                                          : KFK_OK;
}

/* From which version on a time below 0 is known; INT16_MAX: none. */
static int16_t first_version(int64_t time)
{
    static const int16_t first[] = {1, 1, 7, 8, 9, 11};

    return time >= EARLIEST_PENDING ? first[-time - 1] : INT16_MAX;
}

/* Of the log's first record; of a log without records, the leader's. */
static int32_t first_epoch(const kfk__dev_partition *p)
{
    const kfk__dev_log *log = &p->log;

    if (log->n == 0)
        return p->leader_epoch;
    return log->n_epochs && log->epochs[0].start <= log->start ? log->epochs[0].epoch : -1;
}

/* What is found by a time must lie before |limit|; LATEST is |limit|. */
static int16_t look_up(kfk__dev_cluster *c, const kfk__dev_partition *p, int64_t time,
                       int64_t limit, list_partition_out *out)
{
    int16_t code = KFK_OK;

    switch (time) {
    case LATEST:
        out->offset = limit;
        out->leader_epoch = p->leader_epoch;
        return KFK_OK;
    case EARLIEST:
    case EARLIEST_LOCAL:
        out->offset = p->log.start;
        out->leader_epoch = first_epoch(p);
        return KFK_OK;
    case MAX_TIMESTAMP:
        code = find_max_timestamp(c, &p->log, out);
        break;
    case LATEST_TIERED: /* nothing is tiered here, and nothing waits for it */
    case EARLIEST_PENDING:
        break;
    default:
        code = find_time(c, &p->log, time, out);
        break;
    }
    if (code || out->offset >= limit)
        out->offset = out->timestamp = out->leader_epoch = -1;
    return code;
}

static void list_partition(kfk__dev_service *s, const kfk__dev_call *call, kfk_bytes topic,
                           const list_partition_in *in, list_partition_out *out)
{
    const kfk__list_offsets_request *req = call->request;
    kfk__dev_topic *t;
    kfk__dev_partition *p;
    int16_t code = call->refuse;

    out->partition_index = in->partition_index;
    if (!code && in->timestamp < 0 && call->version < first_version(in->timestamp))
        code = KFK_ERR_UNSUPPORTED_VERSION;
    if (!code)
        code =
            kfk__dev_find_partition(&s->cluster, false, topic, NULL, in->partition_index, &t, &p);
    if (!code)
        code = kfk__dev_check_replica(p, call->node, in->current_leader_epoch, false);
    if (!code)
        code = look_up(&s->cluster, p, in->timestamp,
                       req->isolation_level == READ_COMMITTED ? kfk__dev_log_stable(&p->log)
                                                              : p->log.high,
                       out);
    out->error_code = code;
    if (call->version < 4)
        out->leader_epoch = -1;
}

kfk__dev_outcome kfk__dev_list_offsets(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__list_offsets_request *req = call->request;
    const kfk__schema *response = call->api->api->response,
                      *topic = kfk__dev_sub(response, "topics");
    list_out *rows = kfk__dev_rows(call, response, call->response, "topics", req->topics.n);

    for (int32_t i = 0; rows && i < req->topics.n; i++) {
        const list_in *in = &req->topics.v[i];
        list_partition_out *parts =
            kfk__dev_rows(call, topic, &rows[i], "partitions", in->partitions.n);

        if (!parts)
            return KFK__DEV_CLOSE;
        rows[i].name = in->name;
        for (int32_t k = 0; k < in->partitions.n; k++)
            list_partition(s, call, in->name, &in->partitions.v[k], &parts[k]);
    }
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}

/* ---- OffsetForLeaderEpoch ---- */

typedef kfk__offset_for_leader_epoch_request_topic epoch_in;
typedef kfk__offset_for_leader_epoch_request_partition epoch_partition_in;
typedef kfk__offset_for_leader_epoch_response_topic epoch_out;
typedef kfk__offset_for_leader_epoch_response_partition epoch_partition_out;

static void end_partition(kfk__dev_service *s, const kfk__dev_call *call, kfk_bytes topic,
                          const epoch_partition_in *in, epoch_partition_out *out)
{
    kfk__dev_topic *t;
    kfk__dev_partition *p;
    int16_t code = call->refuse;

    out->partition = in->partition;
    if (!code)
        code = kfk__dev_find_partition(&s->cluster, false, topic, NULL, in->partition, &t, &p);
    if (!code)
        code = kfk__dev_check_replica(p, call->node, in->current_leader_epoch, false);
    if (!code)
        kfk__dev_log_epoch_end(&p->log, in->leader_epoch, p->leader_epoch, &out->leader_epoch,
                               &out->end_offset);
    out->error_code = code;
}

kfk__dev_outcome kfk__dev_offset_for_leader_epoch(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__offset_for_leader_epoch_request *req = call->request;
    const kfk__schema *response = call->api->api->response,
                      *topic = kfk__dev_sub(response, "topics");
    epoch_out *rows = kfk__dev_rows(call, response, call->response, "topics", req->topics.n);

    for (int32_t i = 0; rows && i < req->topics.n; i++) {
        const epoch_in *in = &req->topics.v[i];
        epoch_partition_out *parts =
            kfk__dev_rows(call, topic, &rows[i], "partitions", in->partitions.n);

        if (!parts)
            return KFK__DEV_CLOSE;
        rows[i].topic = in->topic;
        for (int32_t k = 0; k < in->partitions.n; k++)
            end_partition(s, call, in->topic, &in->partitions.v[k], &parts[k]);
    }
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}
