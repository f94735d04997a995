#include "groupio/fetch.h"

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"

enum { FIRST_OF_MANY_GROUPS = 8, FIRST_STABLE = 7 };

/* ---- the request ---- */

/* NULL: no memory. */
static int32_t *partitions_of(const kfk__slot_topic *t, kfk__arena *a)
{
    int32_t *v = kfk__arena_alloc(a, (size_t)t->n * sizeof *v);

    for (int32_t k = 0; v && k < t->n; k++)
        v[k] = t->slots[k].partition;
    return v;
}

static bool build_old(const kfk__slots *s, kfk__arena *a, kfk__offset_fetch_request *rq)
{
    int32_t n = s ? s->n_topics : -1;

    rq->topics.n = n;
    if (n < 0)
        return true;
    rq->topics.v = kfk__arena_alloc(a, ((size_t)n + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return false;
    for (int32_t i = 0; i < n; i++) {
        const kfk__slot_topic *t = &s->topics[i];
        kfk__offset_fetch_request_topic *out = &rq->topics.v[i];

        *out = kfk__offset_fetch_request_topic_default;
        out->name = t->name;
        out->partition_indexes.n = t->n;
        out->partition_indexes.v = partitions_of(t, a);
        if (!out->partition_indexes.v)
            return false;
    }
    return true;
}

static bool build_new(const kfk__slots *s, kfk__arena *a, kfk__offset_fetch_request_group *out)
{
    int32_t n = s ? s->n_topics : -1;

    out->topics.n = n;
    if (n < 0)
        return true;
    out->topics.v = kfk__arena_alloc(a, ((size_t)n + 1) * sizeof *out->topics.v);
    if (!out->topics.v)
        return false;
    for (int32_t i = 0; i < n; i++) {
        const kfk__slot_topic *t = &s->topics[i];
        kfk__offset_fetch_request_group_topic *to = &out->topics.v[i];

        *to = kfk__offset_fetch_request_group_topic_default;
        to->name = t->name;
        to->topic_id = t->id;
        to->partition_indexes.n = t->n;
        to->partition_indexes.v = partitions_of(t, a);
        if (!to->partition_indexes.v)
            return false;
    }
    return true;
}

static bool build_group(const kfk__slots *s, const kfk__group_meta *who, kfk__arena *a,
                        kfk__offset_fetch_request *rq)
{
    rq->groups.v = kfk__arena_alloc(a, sizeof *rq->groups.v);
    if (!rq->groups.v)
        return false;
    rq->groups.n = 1;
    rq->groups.v[0] = kfk__offset_fetch_request_group_default;
    rq->groups.v[0].group_id = kfk__bytes_str(who->group);
    if (who->member && who->member[0]) {
        rq->groups.v[0].member_id = kfk__bytes_str(who->member);
        rq->groups.v[0].member_epoch = who->generation;
    }
    return build_new(s, a, &rq->groups.v[0]);
}

kfk_err kfk__fetch_offsets_build(const kfk__slots *s, const kfk__group_meta *who, bool stable,
                                 int16_t version, kfk__arena *a, const void **body)
{
    kfk__offset_fetch_request *rq = kfk__arena_alloc(a, sizeof *rq);
    bool ok;

    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__offset_fetch_api.request, rq);
    rq->require_stable = stable && version >= FIRST_STABLE;
    if (version < FIRST_OF_MANY_GROUPS) {
        rq->group_id = kfk__bytes_str(who->group);
        ok = build_old(s, a, rq);
    } else {
        ok = build_group(s, who, a, rq);
    }
    *body = rq;
    return ok ? KFK_OK : KFK_ERR_NOMEM;
}

/* ---- the answer ---- */

/* What it says of one partition, whichever the version. */
typedef struct found {
    kfk_bytes topic;
    const kfk__uuid *id; /* NULL: the topic is named */
    int32_t partition;
    int32_t leader_epoch;
    int64_t offset;
    kfk_bytes metadata;
    kfk_err err;
} found;

typedef kfk_err found_fn(void *ctx, const found *f, kfk_error *e);

static kfk_err each_old(const kfk__offset_fetch_response *rs, found_fn *fn, void *ctx, kfk_error *e)
{
    kfk_err err = KFK_OK;

    for (int32_t i = 0; i < rs->topics.n; i++) {
        const kfk__offset_fetch_response_topic *t = &rs->topics.v[i];

        for (int32_t k = 0; !err && k < t->partitions.n; k++) {
            const kfk__offset_fetch_response_partition *p = &t->partitions.v[k];
            found f = {t->name,
                       NULL,
                       p->partition_index,
                       p->committed_leader_epoch,
                       p->committed_offset,
                       p->metadata,
                       p->error_code};

            err = fn(ctx, &f, e);
        }
    }
    return err;
}

static kfk_err each_new(const kfk__offset_fetch_response_group *g, int16_t version, found_fn *fn,
                        void *ctx, kfk_error *e)
{
    kfk_err err = KFK_OK;

    for (int32_t i = 0; i < g->topics.n; i++) {
        const kfk__offset_fetch_response_group_topic *t = &g->topics.v[i];
        const kfk__uuid *id = version > KFK__FETCH_BY_NAME ? &t->topic_id : NULL;

        for (int32_t k = 0; !err && k < t->partitions.n; k++) {
            const kfk__offset_fetch_response_group_partition *p = &t->partitions.v[k];
            found f = {t->name,
                       id,
                       p->partition_index,
                       p->committed_leader_epoch,
                       p->committed_offset,
                       p->metadata,
                       p->error_code};

            err = fn(ctx, &f, e);
        }
    }
    return err;
}

/* An answer, and the part of it that is our group's. */
typedef struct reading {
    const kfk__offset_fetch_response *rs;
    const kfk__offset_fetch_response_group *group; /* NULL: of before version 8 */
    int16_t version;
    kfk__slots *slots; /* NULL: all that the group has */
    kfk__offsets *o;
    size_t n; /* partitions */
} reading;

static kfk_err each(reading *r, found_fn *fn, kfk_error *e)
{
    return r->group ? each_new(r->group, r->version, fn, r, e) : each_old(r->rs, fn, r, e);
}

static kfk_err open_group(reading *r, kfk_error *e)
{
    kfk_err err = r->rs->error_code;

    for (int32_t i = 0; r->version >= FIRST_OF_MANY_GROUPS && i < r->rs->groups.n; i++)
        if (kfk__bytes_equal(r->rs->groups.v[i].group_id, kfk__bytes_str(r->o->who.group)))
            r->group = &r->rs->groups.v[i];
    if (r->version >= FIRST_OF_MANY_GROUPS && !r->group)
        return kfk__fail(e, KFK_ERR_PROTOCOL, "OffsetFetch: the answer leaves the group out");
    if (r->group)
        err = r->group->error_code;
    return err ? kfk__fail(e, err, "OffsetFetch: %s", kfk_err_str(err)) : KFK_OK;
}

/* Counts; and finds what is worth another try. A partition that is unknown is not: brokers say so
 * of none that has an offset, and Kafka's own consumer gives up on it. */
static kfk_err look(void *ctx, const found *f, kfk_error *e)
{
    reading *r = ctx;

    r->n++;
    if (!(kfk_err_flags(f->err) & KFK_RETRIABLE) || f->err == KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION)
        return KFK_OK;
    (void)kfk__fail(e, f->err, "OffsetFetch: %s", kfk_err_str(f->err));
    kfk__error_set(e->topic, sizeof e->topic, f->topic.data, f->topic.len);
    e->partition = f->partition;
    return f->err;
}

static kfk_err settle(kfk__offset_entry *entry, const found *f)
{
    bool there = !f->err && f->offset >= 0;
    kfk_tp *tp = entry->tp;
    kfk_error e;

    tp->offset = there ? f->offset : -1;
    tp->leader_epoch = there && f->leader_epoch >= 0 ? f->leader_epoch : -1;
    tp->flags = (there ? KFK_OFFSET : 0) | (tp->leader_epoch >= 0 ? KFK_EPOCH : 0);
    tp->metadata = kfk__offsets_string(entry->of, f->metadata.data, there ? f->metadata.len : 0);
    if (!tp->metadata)
        return KFK_ERR_NOMEM;
    kfk__error_clear(&e);
    if (f->err)
        (void)kfk__fail(&e, f->err, "OffsetFetch: %s", kfk_err_str(f->err));
    kfk__offsets_settle(entry, &e);
    return KFK_OK;
}

static kfk_err take_asked(void *ctx, const found *f, kfk_error *e)
{
    reading *r = ctx;
    kfk__slot *slot = kfk__slots_find(r->slots, f->topic, f->id, f->partition);
    kfk__list *at;

    (void)e;
    while (slot && (at = kfk__list_first(&slot->entries)) != NULL)
        if (settle(KFK__ENTRY(at, kfk__offset_entry, link), f))
            return KFK_ERR_NOMEM;
    return KFK_OK;
}

/* |r->n| is the number of this one. */
static kfk_err take_any(void *ctx, const found *f, kfk_error *e)
{
    reading *r = ctx;
    kfk__offsets *o = r->o;
    kfk__offset_entry *entry = &o->entries[r->n];
    kfk_tp *tp = &o->tps[r->n++];

    (void)e;
    *tp = (kfk_tp){.partition = f->partition};
    *entry = (kfk__offset_entry){.of = o, .tp = tp};
    kfk__list_init(&entry->link);
    tp->topic = kfk__offsets_string(o, f->topic.data, f->topic.len);
    if (!tp->topic)
        return KFK_ERR_NOMEM;
    o->n++;
    o->pending++;
    o->sendable++;
    return settle(entry, f);
}

static kfk_err make_room(reading *r)
{
    kfk__offsets *o = r->o;

    o->tps = kfk__arena_alloc(&o->arena, (r->n + 1) * sizeof *o->tps);
    o->entries = kfk__arena_alloc(&o->arena, (r->n + 1) * sizeof *o->entries);
    r->n = 0;
    return o->tps && o->entries ? KFK_OK : KFK_ERR_NOMEM;
}

kfk_err kfk__fetch_offsets_read(const kfk__offset_fetch_response *rs, int16_t version,
                                kfk__slots *s, kfk__offsets *o, kfk_error *e)
{
    reading r = {.rs = rs, .version = version, .slots = s, .o = o};
    kfk_err err = open_group(&r, e);
    kfk_error left_out;

    if (!err)
        err = each(&r, look, e);
    if (!err && !s)
        err = make_room(&r);
    if (!err)
        err = each(&r, s ? take_asked : take_any, e);
    if (err == KFK_ERR_NOMEM)
        return kfk__fail_nomem(e);
    if (err || o->pending == 0)
        return err;
    (void)kfk__fail(&left_out, KFK_ERR_PROTOCOL, "OffsetFetch: the answer leaves partitions out");
    kfk__offsets_settle_rest(o, &left_out);
    return KFK_OK;
}
