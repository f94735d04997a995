#include "sim/wire.h"

#include <check.h>

#include "base/crc32c.h"
#include "base/lock.h"
#include "proto/produce.h"

static kfk__mutex lock; /* guards all below */
static wire_batch batches[WIRE_BATCHES];
static int n, requests;

void wire_begin(void)
{
    kfk__mutex_init(&lock);
    n = requests = 0;
}

static void keep(const kfk__dev_call *call, int32_t partition, kfk_bytes records)
{
    wire_batch *b = n < WIRE_BATCHES ? &batches[n] : NULL;
    const char *why;

    n++;
    if (!b)
        return;
    *b = (wire_batch){.at = call->now, .node = call->node, .partition = partition,
                      .request = requests};
    ck_assert_int_eq(kfk__batch_header_read(records.data, records.len, &b->h, &b->size, &why), 0);
    ck_assert_uint_eq(b->size, records.len);
    b->sound = kfk__batch_crc_ok(records.data, records.len);
    b->print = kfk__crc32c(0, records.data, records.len);
}

void wire_heard(void *arg, const kfk__dev_call *call)
{
    const kfk__produce_request *rq = call->request;

    (void)arg;
    if (call->key != kfk__produce_api.key)
        return;
    kfk__lock(&lock);
    for (int32_t i = 0; i < rq->topic_data.n; i++) {
        const kfk__produce_request_topic *t = &rq->topic_data.v[i];

        for (int32_t k = 0; k < t->partition_data.n; k++)
            keep(call, t->partition_data.v[k].index, t->partition_data.v[k].records);
    }
    requests++;
    kfk__unlock(&lock);
}

int wire_batches(void)
{
    int all;

    kfk__lock(&lock);
    all = n;
    kfk__unlock(&lock);
    return all;
}

wire_batch wire_at(int i)
{
    wire_batch b;

    kfk__lock(&lock);
    ck_assert_int_lt(i, n < WIRE_BATCHES ? n : WIRE_BATCHES);
    b = batches[i];
    kfk__unlock(&lock);
    return b;
}
