#include "exception.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

#define ERRORS "org.apache.kafka.common.errors."

/* Those whose names do not follow from the code's. */
static const struct {
    kfk_err err;
    const char *name;
} classes[] = {
    {KFK_ERR_UNKNOWN_SERVER_ERROR, ERRORS "UnknownServerException"},
    {KFK_ERR_CORRUPT_MESSAGE, ERRORS "CorruptRecordException"},
    {KFK_ERR_REQUEST_TIMED_OUT, ERRORS "TimeoutException"},
    {KFK_ERR_MESSAGE_TOO_LARGE, ERRORS "RecordTooLargeException"},
    {KFK_ERR_RECORD_LIST_TOO_LARGE, ERRORS "RecordBatchTooLargeException"},
    {KFK_ERR_TOPIC_AUTHORIZATION_FAILED, ERRORS "TopicAuthorizationException"},
    {KFK_ERR_CLUSTER_AUTHORIZATION_FAILED, ERRORS "ClusterAuthorizationException"},
    {KFK_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, ERRORS "OutOfOrderSequenceException"},
    {KFK_ERR_DUPLICATE_SEQUENCE_NUMBER, ERRORS "DuplicateSequenceException"},
    {KFK_ERR_GROUP_AUTHORIZATION_FAILED, ERRORS "GroupAuthorizationException"},
    {KFK_ERR_NON_EMPTY_GROUP, ERRORS "GroupNotEmptyException"},
    {KFK_ERR_KAFKA_STORAGE_ERROR, ERRORS "KafkaStorageException"},
    {KFK_ERR_INVALID_RECORD, "org.apache.kafka.common.InvalidRecordException"},
    {KFK_ERR_TIMED_OUT, ERRORS "TimeoutException"},
    {KFK_ERR_DELIVERY_TIMEOUT, ERRORS "TimeoutException"},
    {KFK_ERR_BUFFER_FULL, "org.apache.kafka.clients.producer.BufferExhaustedException"},
    {KFK_ERR_DISCONNECTED, ERRORS "NetworkException"},
    {KFK_ERR_NOT_KAFKA, ERRORS "NetworkException"},
    {KFK_ERR_INVALID_ARG, "java.lang.IllegalArgumentException"},
    {KFK_ERR_NOMEM, "java.lang.OutOfMemoryError"},
};

/* NOT_LEADER_OR_FOLLOWER: NotLeaderOrFollowerException. */
static void derive(const char *name, char *out)
{
    size_t len = strlen(name), word = strlen("_EXCEPTION");
    char *at = out + sprintf(out, ERRORS);

    if (len > word && strcmp(name + len - word, "_EXCEPTION") == 0)
        len -= word;
    for (size_t i = 0; i < len && i < 64; i++)
        if (name[i] != '_')
            *at++ = (char)(i == 0 || name[i - 1] == '_' ? name[i] : tolower(name[i]));
    (void)strcpy(at, "Exception");
}

const char *exception_class(kfk_err err, char *out)
{
    for (int i = 0; i < COUNT(classes); i++)
        if (classes[i].err == err)
            return strcpy(out, classes[i].name);
    if (err <= KFK_ERR_NOMEM || strcmp(kfk_err_name(err), "UNKNOWN") == 0)
        return strcpy(out, "org.apache.kafka.common.KafkaException");
    derive(kfk_err_name(err), out);
    return out;
}
