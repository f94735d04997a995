/* What the tests of Fetch share: a topic of three partitions, and requests for them. */
#ifndef TESTS_UNIT_DEVBROKER_FETCHES_H
#define TESTS_UNIT_DEVBROKER_FETCHES_H

#include "asker.h"

#include "devbroker/reply.h"
#include "proto/fetch.h"

static kfk__dev_topic *topic;
static batch b;
static size_t batch_size;

static inline void setup(void)
{
    begin(2);
    topic = add_topic("t", 3, 1);
}

static inline void append(int32_t partition, int32_t n)
{
    kfk__dev_partition *p = topic->partitions[partition];
    int64_t base;

    make_batch(&b, &(batch_spec){.n = n, .timestamp = WALL_MS, .value_len = 2000});
    batch_size = b.size;
    ck_assert_int_eq(kfk__dev_log_append(&p->log, b.bytes, b.size, p->leader_epoch, -1, &base),
                     KFK_OK);
    service.cluster.version++;
}

typedef struct fetched {
    kfk__fetch_request req;
    kfk__fetch_request_topic topic;
    kfk__fetch_request_partition partitions[3];
} fetched;

/* Of partition 0, and of as many more as |n| says, from the start, waiting for nothing. */
static inline void fill(fetched *f, int32_t n)
{
    const kfk__schema *s =
        kfk__dev_sub(kfk__dev_sub(kfk__fetch_api.request, "topics"), "partitions");

    new_request(&kfk__fetch_api, &f->req);
    memset(&f->topic, 0, sizeof f->topic);
    f->req.max_bytes = INT32_MAX;
    f->req.min_bytes = 1;
    f->req.topics.v = &f->topic;
    f->req.topics.n = 1;
    f->topic.topic = kfk__bytes_str("t");
    f->topic.topic_id = topic->id;
    f->topic.partitions.v = f->partitions;
    f->topic.partitions.n = n;
    for (int32_t i = 0; i < n; i++) {
        kfk__msg_init(s, &f->partitions[i]);
        f->partitions[i].partition = i;
        f->partitions[i].partition_max_bytes = INT32_MAX;
    }
}

static inline const kfk__fetch_response *fetch(int16_t version, int32_t node, const fetched *f)
{
    return ask(node, &kfk__fetch_api, version, &f->req);
}

static inline const kfk__fetch_response_partition *first_of(const kfk__fetch_response *r)
{
    ck_assert_int_ge(r->responses.n, 1);
    return &r->responses.v[0].partitions.v[0];
}

#endif
