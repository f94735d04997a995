#include "reader.h"

#include <stdio.h>

enum {
    LOOK_MS = 500, /* a look may last so long; no signal ends it */
    LEAVE_MS = 30000
};

static reader *current; /* the one that a signal ends */

static void wake(void)
{
    if (current)
        kfk_consumer_wakeup(current->consumer);
}

kfk_err reader_open(reader *r, const kfk_config *c, kfk_error *e)
{
    kfk_err err = kfk_consumer_new(&r->consumer, c, e);

    if (!err)
        err = scope_open(&r->scope, r->consumer, c, e);
    if (err) {
        reader_close(r);
        return err;
    }
    current = r;
    tool_catch_signals(wake);
    return KFK_OK;
}

static void drop_run(reader *r)
{
    kfk_records_free(r->run);
    r->run = NULL;
}

static int64_t left_of(int64_t until_ms, int64_t most)
{
    int64_t left = until_ms - tool_now_ms();

    return left < 0 ? 0 : left < most ? left : most;
}

kfk_err reader_poll(reader *r, int64_t timeout_ms, kfk_error *e)
{
    int64_t now = tool_now_ms();
    int64_t deadline =
        timeout_ms < 0 || timeout_ms > INT64_MAX - now ? INT64_MAX : now + timeout_ms;

    drop_run(r);
    for (;;) {
        int64_t until;
        kfk_err err;

        if (tool_stopped()) {
            *e = (kfk_error){.code = KFK_ERR_WOKEN};
            return KFK_ERR_WOKEN;
        }
        err = scope_look(&r->scope, (int)left_of(deadline, LOOK_MS), e);
        if (err)
            return err;
        until = deadline < r->scope.look_at_ms ? deadline : r->scope.look_at_ms;
        err = kfk_consumer_poll(r->consumer, (int)left_of(until, INT32_MAX), &r->run, e);
        if (err || r->run)
            return err;
        if (tool_now_ms() < deadline)
            continue;
        *e = (kfk_error){.code = KFK_ERR_TIMED_OUT};
        (void)snprintf(e->msg, sizeof e->msg, "nothing came within %lld ms", (long long)timeout_ms);
        return KFK_ERR_TIMED_OUT;
    }
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
    for (;;) {
        kfk_err err;

        *record = next_of_run(r, &err, e);
        if (*record || err)
            return err;
        (void)fflush(stdout); /* before a wait, so that what has come is seen */
        err = reader_poll(r, timeout_ms, e);
        if (err)
            return err;
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

/* The position is behind the run, and is what gets committed. */
static void leave(reader *r)
{
    const kfk_record_view *record = r->run ? kfk_records_next(r->run) : NULL;
    kfk_error e;

    if (record) {
        kfk_tp tp = {
            .topic = record->topic, .partition = record->partition, .offset = record->offset};

        (void)kfk_consumer_seek(r->consumer, &tp, 1, NULL); /* fails if it was revoked */
    }
    if (kfk_consumer_close(r->consumer, LEAVE_MS, &e))
        (void)tool_fail_error("WARN the group was left without its knowledge", &e);
}

void reader_close(reader *r)
{
    current = NULL;
    if (r->consumer && r->scope.member)
        leave(r);
    drop_run(r);
    scope_close(&r->scope);
    kfk_consumer_free(r->consumer);
    r->consumer = NULL;
}
