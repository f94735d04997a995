#include "membership/names.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/metadata.h"

/* Brokers of before do not look at the ids (KAFKA-10774). */
enum { FIRST_BY_ID = 12 };

void kfk__names_init(kfk__names *n, kfk__client *client)
{
    *n = (kfk__names){.client = client};
}

static void drop_call(kfk__names *n)
{
    if (n->call)
        kfk__client_drop(n->client, n->call);
    n->call = NULL;
}

void kfk__names_fini(kfk__names *n)
{
    const kfk_allocator *a = &n->client->env->alloc;

    drop_call(n);
    for (size_t i = 0; i < n->n; i++)
        kfk__release(a, n->v[i].name);
    kfk__release(a, n->v);
    kfk__names_init(n, n->client);
}

/* ---- what is known ---- */

/* Where the id is, or belongs. */
static size_t place_of(const kfk__names *n, const kfk__uuid *id)
{
    size_t from = 0, to = n->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (memcmp(n->v[mid].id.b, id->b, sizeof id->b) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static kfk__named *known(const kfk__names *n, const kfk__uuid *id)
{
    size_t at = place_of(n, id);

    return at < n->n && kfk__uuid_equal(&n->v[at].id, id) ? &n->v[at] : NULL;
}

/* One more, without a name. NULL: no memory. */
static kfk__named *add(kfk__names *n, const kfk__uuid *id)
{
    size_t at = place_of(n, id);

    if (n->n == n->cap) {
        size_t cap = n->cap ? n->cap * 2 : 8;
        kfk__named *v = kfk__array(&n->client->env->alloc, n->v, cap, sizeof *v);

        if (!v)
            return NULL;
        n->v = v;
        n->cap = cap;
    }
    memmove(&n->v[at + 1], &n->v[at], (n->n - at) * sizeof *n->v);
    n->v[at] = (kfk__named){.id = *id};
    n->n++;
    return &n->v[at];
}

/* false: no memory. */
static bool set_name(kfk__names *n, kfk__named *of, const void *name, size_t len)
{
    of->name = kfk__strndup(&n->client->env->alloc, name, len);
    return of->name != NULL;
}

kfk_err kfk__names_find(kfk__names *n, const kfk__uuid *id, const char **out)
{
    kfk__named *of = known(n, id);
    const kfk__topic_info *t = NULL;

    if (!of && (of = add(n, id)) == NULL)
        return KFK_ERR_NOMEM;
    if (!of->name)
        t = kfk__metadata_by_id(&n->client->metadata, id);
    if (t && !set_name(n, of, t->name, t->name_len))
        return KFK_ERR_NOMEM;
    *out = of->name;
    return KFK_OK;
}

void kfk__names_keep(kfk__names *n, const kfk__tips *a, const kfk__tips *b)
{
    size_t kept = 0;

    for (size_t i = 0; i < n->n; i++) {
        kfk__named *of = &n->v[i];

        if (kfk__tips_has_topic(a, &of->id) || kfk__tips_has_topic(b, &of->id))
            n->v[kept++] = *of;
        else
            kfk__release(&n->client->env->alloc, of->name);
    }
    n->n = kept;
}

static size_t count_unknown(const kfk__names *n)
{
    size_t count = 0;

    for (size_t i = 0; i < n->n; i++)
        count += !n->v[i].name;
    return count;
}

/* ---- asking ---- */

static kfk_err build(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__names *n = call->owner;
    kfk__metadata_request *rq = kfk__arena_alloc(a, sizeof *rq);

    if (version < FIRST_BY_ID)
        return KFK_ERR_UNSUPPORTED_VERSION;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = false;
    rq->topics.n = 0;
    rq->topics.v = kfk__arena_alloc(a, (count_unknown(n) + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < n->n; i++)
        if (!n->v[i].name)
            rq->topics.v[rq->topics.n++] = (kfk__metadata_request_topic){.topic_id = n->v[i].id};
    *body = rq;
    return KFK_OK;
}

/* A topic without leaders has its name all the same. */
static bool names_topic(const kfk__metadata_response_topic *t)
{
    return (!t->error_code || t->error_code == KFK_ERR_LEADER_NOT_AVAILABLE) && t->name.len > 0 &&
           !memchr(t->name.data, '\0', t->name.len);
}

static kfk_err answer(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__names *n = call->owner;
    const kfk__metadata_response *rs = body;

    (void)version;
    for (int32_t i = 0; i < rs->topics.n; i++) {
        const kfk__metadata_response_topic *t = &rs->topics.v[i];
        kfk__named *of = known(n, &t->topic_id);

        if (!of || of->name || !names_topic(t))
            continue;
        if (!set_name(n, of, t->name.data, t->name.len))
            return kfk__fail_nomem(e);
        n->news = true;
    }
    return KFK_OK;
}

/* What is not known still may be a topic of which the broker asked has not heard yet. */
static void done(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__names *n = call->owner;

    n->call = NULL;
    if (e->code == KFK_ERR_CLOSED)
        return;
    if (count_unknown(n) == 0)
        n->retry = (kfk__retry){0};
    else
        n->not_before = kfk__client_retry_at(
            n->client, &n->retry, e->code ? e->code : KFK_ERR_UNKNOWN_TOPIC_ID, now);
}

static const kfk__call_ops ops = {&kfk__metadata_api, build, answer, done};

int64_t kfk__names_tick(kfk__names *n, int64_t now)
{
    if (n->call || count_unknown(n) == 0)
        return KFK__NEVER;
    if (n->not_before > now)
        return n->not_before;
    n->call = kfk__client_call(n->client, &ops, n, KFK__TO_ANY, KFK__NEVER);
    if (n->call)
        return KFK__NEVER;
    n->not_before = kfk__client_retry_at(n->client, &n->retry, KFK_ERR_NOMEM, now);
    return n->not_before;
}
