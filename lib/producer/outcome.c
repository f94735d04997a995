#include "producer/outcome.h"

#include <stddef.h>

#include <kfk/kafka_errors.h>

/* Not on the list, on purpose: UNKNOWN_SERVER_ERROR (-1), REQUEST_TIMED_OUT (7), NOT_ENOUGH_REPLICAS_AFTER_APPEND (20),
 * KAFKA_STORAGE_ERROR (56): the leader may have appended before it failed. */
static const kfk_err refusing[] = {
    KFK_ERR_OFFSET_OUT_OF_RANGE,
    KFK_ERR_CORRUPT_MESSAGE,
    KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION,
    KFK_ERR_LEADER_NOT_AVAILABLE,
    KFK_ERR_NOT_LEADER_OR_FOLLOWER,
    KFK_ERR_MESSAGE_TOO_LARGE,
    KFK_ERR_INVALID_TOPIC_EXCEPTION,
    KFK_ERR_RECORD_LIST_TOO_LARGE,
    KFK_ERR_NOT_ENOUGH_REPLICAS,
    KFK_ERR_INVALID_REQUIRED_ACKS,
    KFK_ERR_TOPIC_AUTHORIZATION_FAILED,
    KFK_ERR_CLUSTER_AUTHORIZATION_FAILED,
    KFK_ERR_INVALID_TIMESTAMP,
    KFK_ERR_UNSUPPORTED_VERSION,
    KFK_ERR_INVALID_REQUEST,
    KFK_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
    KFK_ERR_POLICY_VIOLATION,
    KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
    KFK_ERR_INVALID_PRODUCER_EPOCH,
    KFK_ERR_UNKNOWN_PRODUCER_ID,
    KFK_ERR_FENCED_LEADER_EPOCH,
    KFK_ERR_UNKNOWN_LEADER_EPOCH,
    KFK_ERR_UNSUPPORTED_COMPRESSION_TYPE,
    KFK_ERR_INVALID_RECORD,
    KFK_ERR_PRODUCER_FENCED,
    KFK_ERR_THROTTLING_QUOTA_EXCEEDED,
    KFK_ERR_UNKNOWN_TOPIC_ID,
    KFK_ERR_INCONSISTENT_TOPIC_ID,
};

static bool listed(const kfk_err *list, size_t n, kfk_err code)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == code)
            return true;
    return false;
}

bool kfk__refuses(kfk_err code)
{
    return listed(refusing, sizeof refusing / sizeof *refusing, code);
}

bool kfk__produce_retriable(kfk_err code)
{
    return (kfk_err_flags(code) & KFK_RETRIABLE) != 0;
}

bool kfk__stale_metadata(kfk_err code)
{
    static const kfk_err stale[] = {
        KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION, KFK_ERR_LEADER_NOT_AVAILABLE,
        KFK_ERR_NOT_LEADER_OR_FOLLOWER,     KFK_ERR_REPLICA_NOT_AVAILABLE,
        KFK_ERR_NETWORK_EXCEPTION,          KFK_ERR_KAFKA_STORAGE_ERROR,
        KFK_ERR_LISTENER_NOT_FOUND,         KFK_ERR_FENCED_LEADER_EPOCH,
        KFK_ERR_ELECTION_NOT_NEEDED,        KFK_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE,
        KFK_ERR_UNKNOWN_TOPIC_ID,           KFK_ERR_INCONSISTENT_TOPIC_ID,
    };

    return listed(stale, sizeof stale / sizeof *stale, code);
}
