/* What a broker would send: responses as bytes, with length and header. */
#ifndef TESTS_UNIT_CLIENT_ANSWERS_H
#define TESTS_UNIT_CLIENT_ANSWERS_H

#include "unit/suite.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/api_versions.h"
#include "proto/fetch.h"
#include "proto/header.h"
#include "proto/metadata.h"

enum { RECORDS = 5000 };

/* Appends |body| as the answer to the request |id|. */
static inline void put_answer(kfk__buf *out, const kfk__api *api, int16_t version, int32_t id,
                              const void *body)
{
    size_t at = out->len;

    (void)kfk__buf_add(out, 4);
    kfk__response_header_write(out, api, version, id);
    MUST(kfk__encode(api->response, version, kfk__flexible(api, version), body, out, NULL) ==
         KFK_OK);
    MUST(kfk__buf_ok(out));
    kfk__put_be32(out->data + at, (uint32_t)(out->len - at - 4));
}

/* Says that Fetch has the versions 4 to 12; and |code|. */
static inline void put_versions(kfk__buf *out, int16_t version, int32_t id, int16_t code)
{
    kfk__api_versions_response_api_key key = {.api_key = 1, .min_version = 4, .max_version = 12};
    kfk__api_versions_response rs;

    kfk__msg_init(kfk__api_versions_api.response, &rs);
    rs.error_code = code;
    rs.api_keys.v = &key;
    rs.api_keys.n = 1;
    put_answer(out, &kfk__api_versions_api, version, id, &rs);
}

/* A cluster of one broker, |node| at "host:9092". */
static inline void put_metadata(kfk__buf *out, int16_t version, int32_t id, int32_t node)
{
    kfk__metadata_response_broker broker = {
        .node_id = node, .host = {"host", 4}, .port = 9092, .rack = {"r", 1}};
    kfk__metadata_response rs;

    kfk__msg_init(kfk__metadata_api.response, &rs);
    rs.controller_id = node;
    rs.brokers.v = &broker;
    rs.brokers.n = 1;
    put_answer(out, &kfk__metadata_api, version, id, &rs);
}

/* The i-th byte of records. */
static inline uint8_t record_byte(size_t i)
{
    return (uint8_t)(i * 31 + i / 256);
}

/* One topic, "t", and one partition with |n| bytes of records. */
static inline void put_fetch(kfk__buf *out, int16_t version, int32_t id, size_t n)
{
    static uint8_t records[RECORDS];
    kfk__fetch_response_partition part = kfk__fetch_response_partition_default;
    kfk__fetch_response_topic topic = kfk__fetch_response_topic_default;
    kfk__fetch_response rs;

    MUST(n <= RECORDS);
    for (size_t i = 0; i < n; i++)
        records[i] = record_byte(i);
    kfk__msg_init(kfk__fetch_api.response, &rs);
    part.partition_index = 7;
    part.records = kfk__bytes(records, n);
    topic.topic = kfk__bytes_str("t");
    topic.partitions.v = &part;
    topic.partitions.n = 1;
    rs.responses.v = &topic;
    rs.responses.n = 1;
    put_answer(out, &kfk__fetch_api, version, id, &rs);
}

/* Where records go: into pieces of |step| bytes of one buffer. */
typedef struct sink {
    uint8_t bytes[RECORDS];
    size_t step;
    int asked;
    int32_t partition; /* of what came last */
    kfk_err err;       /* not KFK_OK: it takes none */
} sink;

static inline kfk_err take_records(void *ctx, const void *parent, size_t len, size_t have,
                                   uint8_t **to, size_t *room, kfk_bytes *value)
{
    const kfk__fetch_response_partition *part = parent;
    sink *s = ctx;

    s->asked++;
    s->partition = part->partition_index;
    if (s->err || len > RECORDS)
        return s->err ? s->err : KFK_ERR_NOMEM;
    if (have == len) {
        *value = kfk__bytes(s->bytes, len);
        return KFK_OK;
    }
    *to = s->bytes + have;
    *room = s->step < len - have ? s->step : len - have;
    return KFK_OK;
}

static inline void check_records(kfk_bytes records, size_t n)
{
    const uint8_t *p = records.data;

    MUST(records.len == n);
    for (size_t i = 0; i < n; i++)
        MUST(p[i] == record_byte(i));
}

#endif
