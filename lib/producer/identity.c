#include "producer/identity.h"

#include "base/error.h"
#include "proto/init_producer_id.h"

void kfk__identity_init(kfk__identity *i, bool wanted)
{
    *i = (kfk__identity){.wanted = wanted, .id = -1, .epoch = -1};
    kfk__error_clear(&i->refusal);
}

bool kfk__identity_ready(const kfk__identity *i)
{
    return !i->wanted || (i->id >= 0);
}

static kfk_err build(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    kfk__init_producer_id_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)c;
    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__init_producer_id_api.request, rq);
    rq->transactional_id = (kfk_bytes){NULL, 0};
    rq->transaction_timeout_ms = INT32_MAX;
    *body = rq;
    return KFK_OK;
}

static kfk_err answer(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const kfk__init_producer_id_response *rs = body;
    kfk__identity *i = c->owner;

    (void)version;
    (void)e;
    if (rs->error_code)
        return rs->error_code;
    if (rs->producer_id < 0 || rs->producer_epoch < 0)
        return kfk__fail(e, KFK_ERR_PROTOCOL, "InitProducerId: a negative producer id");
    i->id = rs->producer_id;
    i->epoch = rs->producer_epoch;
    return KFK_OK;
}

static void done(kfk__call *c, const kfk_error *e, int64_t now)
{
    kfk__identity *i = c->owner;

    (void)now;
    i->asked = false;
    i->refusal = *e;
}

void kfk__identity_ask(kfk__identity *i, kfk__client *c)
{
    static const kfk__call_ops ops = {&kfk__init_producer_id_api, build, answer, done};

    if (!i->wanted || i->id >= 0 || i->asked)
        return;
    i->asked = kfk__client_call(c, &ops, i, KFK__TO_ANY, KFK__NEVER) != NULL;
}

void kfk__identity_next_epoch(kfk__identity *i)
{
    if (i->epoch < INT16_MAX)
        i->epoch++;
    else
        i->id = i->epoch = -1;
}
