#include "groupio/coordinator.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"

enum { FIRST_OF_MANY_KEYS = 4, MOST_KEYS = 200, NAME_MAX_LEN = 255 };

/* ---- the messages ---- */

size_t kfk__coordinator_most(int16_t version)
{
    return version < FIRST_OF_MANY_KEYS ? 1 : MOST_KEYS;
}

kfk_err kfk__coordinator_ask(kfk__find_coordinator_request *rq, int16_t version, int8_t key_type,
                             const char *const *keys, size_t n, kfk__arena *a)
{
    kfk__msg_init(kfk__find_coordinator_api.request, rq);
    rq->key_type = key_type;
    if (version < FIRST_OF_MANY_KEYS) {
        rq->key = kfk__bytes_str(keys[0]);
        return KFK_OK;
    }
    rq->coordinator_keys.v = kfk__arena_alloc(a, n * sizeof *rq->coordinator_keys.v);
    if (!rq->coordinator_keys.v)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        rq->coordinator_keys.v[i] = kfk__bytes_str(keys[i]);
    rq->coordinator_keys.n = (int32_t)n;
    return KFK_OK;
}

/* An old answer as one of the rows of a new one; false: there is none for this key. */
static bool row_of(const kfk__find_coordinator_response *rs, int16_t version, const char *key,
                   kfk__find_coordinator_response_coordinator *out)
{
    if (version < FIRST_OF_MANY_KEYS) {
        *out = (kfk__find_coordinator_response_coordinator){.node_id = rs->node_id,
                                                            .host = rs->host,
                                                            .port = rs->port,
                                                            .error_code = rs->error_code,
                                                            .error_message = rs->error_message};
        return true;
    }
    for (int32_t i = 0; i < rs->coordinators.n; i++) {
        if (!kfk__bytes_equal(rs->coordinators.v[i].key, kfk__bytes_str(key)))
            continue;
        *out = rs->coordinators.v[i];
        return true;
    }
    return false;
}

kfk_err kfk__coordinator_read(const kfk__find_coordinator_response *rs, int16_t version,
                              const char *key, kfk__coordinator_place *out, kfk_error *e)
{
    kfk__find_coordinator_response_coordinator row;
    kfk_err err;

    if (!row_of(rs, version, key, &row))
        return kfk__fail(e, KFK_ERR_PROTOCOL, "FindCoordinator: the answer leaves out %.200s", key);
    err = row.error_code;
    if (!err && (row.node_id < 0 || row.host.len == 0 || row.host.len > NAME_MAX_LEN ||
                 row.port < 0 || row.port > UINT16_MAX))
        err = KFK_ERR_COORDINATOR_NOT_AVAILABLE;
    if (err && row.error_message.len)
        return kfk__fail(e, err, "FindCoordinator: %.*s", (int)row.error_message.len,
                         (const char *)row.error_message.data);
    if (err)
        return kfk__fail(e, err, "FindCoordinator: %s", kfk_err_str(err));
    *out = (kfk__coordinator_place){row.node_id, row.host, (uint16_t)row.port};
    return KFK_OK;
}

/* ---- the lookup ---- */

static kfk_err build(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__coordinator *c = call->owner;
    kfk__find_coordinator_request *rq = kfk__arena_alloc(a, sizeof *rq);

    *body = rq;
    return rq ? kfk__coordinator_ask(rq, version, c->key_type, &c->key, 1, a) : KFK_ERR_NOMEM;
}

static bool leads_there(const kfk__node *line, const kfk__coordinator_place *at)
{
    return line && line->id == at->id && line->port == at->port &&
           kfk__bytes_equal(at->host, kfk__bytes_str(line->name));
}

static kfk_err answer(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__coordinator *c = call->owner;
    kfk__coordinator_place at;
    kfk_err err = kfk__coordinator_read(body, version, c->key, &at, e);
    kfk__node *line = c->line;

    if (err)
        return err;
    if (!leads_there(line, &at)) {
        line = kfk__client_line(c->client, at.id, at.host, at.port);
        if (!line)
            return kfk__fail_nomem(e);
        if (c->line)
            kfk__client_hang_up(c->client, c->line);
    }
    c->line = line;
    c->downs = line->downs;
    c->known = true;
    c->found++;
    return KFK_OK;
}

static void done(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__coordinator *c = call->owner;

    (void)now;
    c->lookup = NULL;
    /* Those for whom it was begun have no more time; others begin another. */
    if (e->code == KFK_OK || e->code == KFK_ERR_TIMED_OUT)
        return;
    c->failed = c->asked;
    c->error = *e;
}

static const kfk__call_ops lookup_ops = {&kfk__find_coordinator_api, build, answer, done};

/* ---- the coordinator ---- */

void kfk__coordinator_init(kfk__coordinator *c, kfk__client *client, int8_t key_type,
                           const char *key)
{
    *c = (kfk__coordinator){.client = client, .key = key, .key_type = key_type};
    kfk__error_clear(&c->error);
}

void kfk__coordinator_fini(kfk__coordinator *c)
{
    if (!c->client->closed && c->lookup)
        kfk__client_drop(c->client, c->lookup);
    if (!c->client->closed && c->line)
        kfk__client_hang_up(c->client, c->line);
    c->lookup = NULL;
    c->line = NULL;
    c->known = false;
}

kfk_err kfk__coordinator_route(kfk__coordinator *c, kfk__coordinated *user, kfk__call *call,
                               int64_t deadline, kfk__node **n, kfk_error *e)
{
    if (c->known && c->line->downs != c->downs)
        c->known = false; /* another broker may have taken over */
    *n = c->known ? c->line : NULL;
    if (c->known) {
        user->asked = 0;
        user->found = c->found;
        return KFK_OK;
    }
    if (user->asked && user->asked <= c->failed) {
        user->asked = 0;
        return kfk__fail_copy(e, &c->error);
    }
    if (!c->lookup) {
        c->lookup = kfk__client_call(c->client, &lookup_ops, c, KFK__TO_ANY, deadline);
        if (!c->lookup)
            return kfk__fail_nomem(e);
        c->asked++;
    }
    if (!user->asked)
        user->asked = c->asked;
    if (c->lookup->deadline < deadline)
        c->lookup->deadline = deadline;
    if (c->lookup->last.code)
        call->last = c->lookup->last;
    return KFK_OK;
}

void kfk__coordinator_heed(kfk__coordinator *c, const kfk__coordinated *user, kfk_err code)
{
    if ((code == KFK_ERR_NOT_COORDINATOR || code == KFK_ERR_COORDINATOR_NOT_AVAILABLE) &&
        user->found == c->found)
        c->known = false;
}
