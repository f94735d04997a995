#include "groupio/commit.h"

#include <kfk/kafka_errors.h>

#include "base/bytes.h"

static void build_partition(const kfk__slot *slot, kfk__offset_commit_request_partition *out)
{
    const kfk_tp *tp = kfk__slot_newest(slot)->tp;

    *out = kfk__offset_commit_request_partition_default;
    out->partition_index = slot->partition;
    out->committed_offset = tp->offset;
    out->committed_leader_epoch = tp->flags & KFK_EPOCH ? tp->leader_epoch : -1;
    out->committed_metadata = kfk__bytes_str(tp->metadata ? tp->metadata : "");
}

static bool build_topic(const kfk__slot_topic *t, kfk__arena *a,
                        kfk__offset_commit_request_topic *out)
{
    *out = kfk__offset_commit_request_topic_default;
    out->name = t->name;
    out->topic_id = t->id;
    out->partitions.v = kfk__arena_alloc(a, (size_t)t->n * sizeof *out->partitions.v);
    if (!out->partitions.v)
        return false;
    out->partitions.n = t->n;
    for (int32_t i = 0; i < t->n; i++)
        build_partition(&t->slots[i], &out->partitions.v[i]);
    return true;
}

kfk_err kfk__commit_build(const kfk__slots *s, const kfk__group_meta *who, int16_t version,
                          kfk__arena *a, const void **body)
{
    kfk__offset_commit_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version; /* the encoder takes of name and id what there is */
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__offset_commit_api.request, rq);
    rq->group_id = kfk__bytes_str(who->group);
    rq->generation_id_or_member_epoch = who->generation;
    rq->member_id = kfk__bytes_str(who->member);
    rq->group_instance_id = kfk__bytes_str(who->instance);
    rq->topics.v = kfk__arena_alloc(a, ((size_t)s->n_topics + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    rq->topics.n = s->n_topics;
    for (int32_t i = 0; i < s->n_topics; i++)
        if (!build_topic(&s->topics[i], a, &rq->topics.v[i]))
            return KFK_ERR_NOMEM;
    *body = rq;
    return KFK_OK;
}

void kfk__commit_read(const kfk__offset_commit_response *rs, int16_t version, kfk__slots *s)
{
    for (int32_t i = 0; i < rs->topics.n; i++) {
        const kfk__offset_commit_response_topic *t = &rs->topics.v[i];
        const kfk__uuid *id = version > KFK__COMMIT_BY_NAME ? &t->topic_id : NULL;

        for (int32_t k = 0; k < t->partitions.n; k++) {
            kfk__slot *slot = kfk__slots_find(s, t->name, id, t->partitions.v[k].partition_index);

            if (!slot)
                continue;
            slot->answered = true;
            slot->code = t->partitions.v[k].error_code;
        }
    }
}

/* Of all others the broker may have written the offset before it gave up: a write that was not
 * replicated in time is REQUEST_TIMED_OUT or COORDINATOR_NOT_AVAILABLE, one during which the
 * partition of the offsets topic moved is NOT_COORDINATOR. */
bool kfk__commit_refused(kfk_err code)
{
    switch (code) {
    case KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION:
    case KFK_ERR_OFFSET_METADATA_TOO_LARGE:
    case KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case KFK_ERR_INVALID_TOPIC_EXCEPTION:
    case KFK_ERR_ILLEGAL_GENERATION:
    case KFK_ERR_INVALID_GROUP_ID:
    case KFK_ERR_UNKNOWN_MEMBER_ID:
    case KFK_ERR_REBALANCE_IN_PROGRESS:
    case KFK_ERR_INVALID_COMMIT_OFFSET_SIZE:
    case KFK_ERR_TOPIC_AUTHORIZATION_FAILED:
    case KFK_ERR_GROUP_AUTHORIZATION_FAILED:
    case KFK_ERR_UNSUPPORTED_VERSION:
    case KFK_ERR_INVALID_REQUEST:
    case KFK_ERR_FENCED_INSTANCE_ID:
    case KFK_ERR_UNKNOWN_TOPIC_ID:
    case KFK_ERR_FENCED_MEMBER_EPOCH:
    case KFK_ERR_STALE_MEMBER_EPOCH:
        return true;
    default:
        return false;
    }
}
