#include "reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static kfk_err assign(reader *r, const char *topic, int32_t first, int32_t n, int64_t offset,
                      uint32_t flags, kfk_error *e)
{
    kfk_tp *tps = calloc((size_t)n, sizeof *tps);
    kfk_err err;

    if (!tps)
        exit(tool_fail("out of memory"));
    for (int32_t i = 0; i < n; i++)
        tps[i] = (kfk_tp){.topic = topic, .partition = first + i, .offset = offset, .flags = flags};
    err = kfk_consumer_assign(r->consumer, tps, (size_t)n, e);
    free(tps);
    return err;
}

kfk_err reader_open(reader *r, const kfk_config *c, const char *topic, int64_t partition,
                    int64_t offset, kfk_error *e)
{
    int32_t n = 1;
    kfk_err err;

    *r = (reader){0};
    err = kfk_consumer_new(&r->consumer, c, e);
    if (!err && partition < 0)
        err = kfk_consumer_partitions(r->consumer, topic, -1, &n, e);
    if (!err && partition < 0)
        err = assign(r, topic, 0, n, 0, 0, e);
    else if (!err)
        err = assign(r, topic, (int32_t)partition, 1, offset, KFK_OFFSET, e);
    if (err)
        reader_close(r);
    return err;
}

static void drop_run(reader *r)
{
    kfk_records_free(r->run);
    r->run = NULL;
}

/* The next record of the run; NULL: there is none, and *err says whether that is an error. */
static const kfk_record_view *next_of_run(reader *r, kfk_err *err, kfk_error *e)
{
    const kfk_record_view *record = r->run ? kfk_records_next(r->run) : NULL;

    *err = KFK_OK;
    if (record || !r->run)
        return record;
    *err = kfk_records_status(r->run, e);
    if (*err == KFK_ERR_REVOKED)
        *err = KFK_OK;
    drop_run(r);
    return NULL;
}

kfk_err reader_next(reader *r, int64_t timeout_ms, const kfk_record_view **record, kfk_error *e)
{
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : tool_now_ms() + timeout_ms;

    for (;;) {
        kfk_err err;
        int64_t left;

        *record = next_of_run(r, &err, e);
        if (*record || err)
            return err;
        left = deadline - tool_now_ms();
        left = deadline == INT64_MAX ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
        (void)fflush(stdout); /* before a wait, so that what has come is seen */
        err = kfk_consumer_poll(r->consumer, (int)left, &r->run, e);
        if (err)
            return err;
        if (r->run || tool_now_ms() < deadline)
            continue;
        *e = (kfk_error){.code = KFK_ERR_TIMED_OUT};
        (void)snprintf(e->msg, sizeof e->msg, "nothing came within %lld ms", (long long)timeout_ms);
        return KFK_ERR_TIMED_OUT;
    }
}

bool reader_skip(reader *r, const kfk_error *e)
{
    kfk_tp tp = {
        .topic = e->topic, .partition = e->partition, .offset = e->offset + 1, .flags = KFK_OFFSET};

    if (!e->topic[0] || e->partition < 0 || e->offset < 0)
        return false;
    drop_run(r);
    return kfk_consumer_seek(r->consumer, &tp, 1, NULL) == KFK_OK;
}

void reader_close(reader *r)
{
    drop_run(r);
    kfk_consumer_free(r->consumer);
    r->consumer = NULL;
}
