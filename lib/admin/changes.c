#include "admin/changes.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

bool kfk__changes_next(const kfk__changes *ch, size_t *i)
{
    while (*i < ch->n && ch->settled[*i])
        ++*i;
    return *i < ch->n;
}

void kfk__changes_begin(kfk__changes *ch)
{
    ch->again = KFK_OK;
    ch->next = 0;
}

/* The pending element of this topic; n: there is none. Brokers answer mostly in the order of the
 * request, so that the search begins where the last one ended. */
static size_t find(kfk__changes *ch, kfk_bytes topic)
{
    for (size_t k = 0; k < ch->n; k++) {
        size_t i = (ch->next + k) % ch->n;

        if (ch->settled[i] || !kfk__bytes_equal(topic, kfk__bytes_str(ch->kind->topic(ch, i))))
            continue;
        ch->next = i + 1;
        return i;
    }
    return ch->n;
}

static void settle(kfk__changes *ch, size_t i, const kfk_error *error)
{
    const char *topic = ch->kind->topic(ch, i);
    kfk_error own = *error;

    ch->settled[i] = true;
    ch->n_pending--;
    if (own.code)
        kfk__error_set(own.topic, sizeof own.topic, topic, strlen(topic));
    if (own.code && i < ch->first_at) {
        ch->first = own;
        ch->first_at = i;
    }
    if (ch->each)
        ch->each[i] = own;
}

void kfk__changes_settle(kfk__changes *ch, kfk_bytes topic, int16_t code, kfk_bytes msg)
{
    size_t i = find(ch, topic);
    kfk_error e;

    if (i == ch->n)
        return;
    if (code == KFK_ERR_NOT_CONTROLLER || code == KFK_ERR_THROTTLING_QUOTA_EXCEEDED) {
        ch->again = code;
        return;
    }
    kfk__error_clear(&e);
    if (code && msg.len)
        (void)kfk__fail(&e, code, "%.*s", (int)msg.len, (const char *)msg.data);
    else if (code)
        (void)kfk__fail(&e, code, "%s", kfk_err_str(code));
    /* The controller has begun, and will not wait for the end. */
    if (code == KFK_ERR_REQUEST_TIMED_OUT)
        e.flags |= KFK_MAYBE_DONE;
    settle(ch, i, &e);
}

kfk_err kfk__changes_end(kfk__changes *ch, kfk_error *e)
{
    if (ch->n_pending == 0)
        return KFK_OK;
    if (ch->again)
        return kfk__fail(e, ch->again, "%s: %s", ch->kind->ops.api->name, kfk_err_str(ch->again));
    return kfk__fail(e, KFK_ERR_PROTOCOL, "%s: the answer leaves topics out",
                     ch->kind->ops.api->name);
}

static kfk_err check(const kfk__changes *ch, kfk_error *e)
{
    if (ch->n && !ch->args)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "%s: topics is NULL", ch->kind->call);
    for (size_t i = 0; i < ch->n; i++) {
        const char *fault = ch->kind->fault ? ch->kind->fault(ch, i) : NULL;
        const char *topic = fault ? NULL : ch->kind->topic(ch, i);

        if (!fault && topic && topic[0])
            continue;
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "%s: topic number %zu: %s", ch->kind->call, i,
                         fault ? fault : "it has no name");
    }
    return KFK_OK;
}

/* What the call as a whole ended with is true of all that had no answer of their own. */
static void settle_rest(kfk__changes *ch)
{
    for (size_t i = 0; kfk__changes_next(ch, &i);)
        settle(ch, i, &ch->op.error);
}

kfk_err kfk__changes_run(kfk_admin *a, const kfk__change *kind, const void *args, size_t n,
                         int timeout_ms, kfk_error *each, kfk_error *e)
{
    kfk__changes ch = {
        .kind = kind, .args = args, .n = n, .n_pending = n, .each = each, .first_at = n};
    kfk_err err = kfk__admin_begin(a, &ch.op, timeout_ms, e);

    if (!err)
        err = check(&ch, e);
    if (err || n == 0)
        return err;
    ch.settled = kfk__zalloc(kfk__admin_allocator(a), n * sizeof *ch.settled);
    if (!ch.settled)
        return kfk__fail_nomem(e);
    ch.op.target = KFK__TO_CONTROLLER;
    ch.op.repeatable = false;
    (void)kfk__admin_run(&ch.op, &kind->ops);
    settle_rest(&ch);
    kfk__release(kfk__admin_allocator(a), ch.settled);
    return ch.first_at < n ? kfk__fail_copy(e, &ch.first) : KFK_OK;
}
