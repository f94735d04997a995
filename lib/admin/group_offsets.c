/* The offsets of groups: read, written, deleted. What a request says of partitions, and what its
 * answer does, are groupio's slots; who writes is no member of the group. */
#include <kfk/admin_groups.h>

#include <string.h>

#include <kfk/kafka_errors.h>

#include "admin/coordinated.h"
#include "admin/result.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "groupio/commit.h"
#include "groupio/fetch.h"
#include "groupio/offsets.h"
#include "groupio/slots.h"
#include "proto/offset_delete.h"

/* ---- read ---- */

typedef struct reading {
    kfk__coordinated_call g; /* first: a call's owner is both */
    bool stable;
    kfk_groups_offsets *out;
} reading;

/* One group a request: before version 8 there is no other way. */
static kfk_err build_read(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    reading *r = c->owner;
    size_t i = 0;
    kfk__group_meta who = kfk__group_meta_of(kfk__coordinated_next(&r->g, &i)->id);

    return kfk__fetch_offsets_build(NULL, &who, r->stable, version, a, body);
}

/* The one that was asked about. */
static kfk__asked_group *asked(const kfk__coordinated_call *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->groups[i].step == KFK__GROUP_ASKED)
            return &g->groups[i];
    return NULL;
}

/* Names of topics are shared by the partitions that follow each other. */
static kfk_err take_offsets(const reading *r, const kfk__asked_group *group, const kfk__offsets *o)
{
    kfk__result *res = kfk__result_of(r->out);
    kfk_group_offsets *to = (kfk_group_offsets *)(uintptr_t)r->out->groups[group - r->g.groups];
    kfk_tp *v = kfk__result_zalloc(res, (o->n + 1) * sizeof *v);

    for (size_t i = 0; v && i < o->n; i++) {
        const kfk_tp *from = &o->tps[i];
        bool same = i > 0 && strcmp(from->topic, v[i - 1].topic) == 0;

        v[i] = *from;
        v[i].topic = same ? v[i - 1].topic : kfk__result_string(res, kfk__bytes_str(from->topic));
        v[i].metadata = kfk__result_string(res, kfk__bytes_str(from->metadata));
        if (res->failed)
            return KFK_ERR_NOMEM;
    }
    to->n = o->n;
    to->tps = v;
    return v ? KFK_OK : KFK_ERR_NOMEM;
}

static kfk_err answer_read(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    reading *r = c->owner;
    kfk__asked_group *group = asked(&r->g);
    kfk__group_meta who = kfk__group_meta_of(group->id);
    kfk__offsets *o = kfk__offsets_new(kfk__admin_allocator(r->g.op.admin), &who, NULL, 0);
    kfk_error own;
    kfk_err err;

    if (!o)
        return kfk__fail_nomem(e);
    kfk__error_clear(&own);
    err = kfk__fetch_offsets_read(body, version, NULL, o, &own);
    if (!err)
        err = take_offsets(r, group, o);
    kfk__offsets_free(o);
    if (err == KFK_ERR_NOMEM)
        return kfk__fail_nomem(e);
    kfk__coordinated_settle(&r->g, group, &own);
    return KFK_OK;
}

static const kfk__call_ops read_ops = {&kfk__offset_fetch_api, build_read, answer_read,
                                       kfk__admin_done};

static kfk_err run_read(reading *r)
{
    kfk__result *res = kfk__result_of(r->out);
    kfk_group_offsets *const *v = kfk__result_array(res, r->g.n, sizeof **v);

    if (!v)
        return KFK_ERR_NOMEM;
    r->out->n = r->g.n;
    r->out->groups = (const kfk_group_offsets *const *)v;
    kfk__coordinated_run(&r->g, &read_ops);
    for (size_t i = 0; i < r->g.n; i++) {
        const kfk__asked_group *group = &r->g.groups[i];

        v[i]->group = kfk__result_string(res, kfk__bytes_str(group->id));
        v[i]->err = group->error.code;
        v[i]->msg = kfk__result_string(res, kfk__bytes_str(group->error.msg));
    }
    return res->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static kfk_err read_all(reading *r, kfk_groups_offsets **out, kfk_error *e)
{
    kfk_err err = KFK_OK;

    if (!out)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_group_offsets: out is NULL");
    r->out = kfk__result_new(kfk__admin_allocator(r->g.op.admin), sizeof *r->out);
    if (!r->out || run_read(r))
        err = kfk__fail_nomem(e);
    else
        err = kfk__coordinated_whole(&r->g, e);
    if (err) {
        kfk__result_free(r->out);
        return err;
    }
    *out = r->out;
    return KFK_OK;
}

kfk_err kfk_admin_group_offsets(kfk_admin *a, const char *const *groups, size_t n, uint32_t flags,
                                int timeout_ms, kfk_groups_offsets **out, kfk_error *e)
{
    reading r = {.stable = (flags & KFK_STABLE) != 0};
    kfk_err err =
        kfk__coordinated_begin(&r.g, a, "kfk_admin_group_offsets", groups, n, timeout_ms, e);

    r.g.max_version = KFK__FETCH_BY_NAME;
    if (!err)
        err = read_all(&r, out, e);
    kfk__coordinated_fini(&r.g);
    return err;
}

void kfk_groups_offsets_free(kfk_groups_offsets *o)
{
    kfk__result_free(o);
}

/* ---- written and deleted: one group, and what becomes of each partition ---- */

typedef struct changing {
    kfk__coordinated_call g; /* first: a call's owner is both */
    kfk__offsets *o;
    kfk__slots slots;          /* what the request speaks of */
    kfk__offset_entry **space; /* as many as there are */
} changing;

/* Slots of all that is not settled. */
static kfk_err fill(changing *ch)
{
    size_t n = 0, i = 0;

    (void)kfk__coordinated_next(&ch->g, &i);
    kfk__slots_clear(&ch->slots);
    ch->o->ready = true;
    for (size_t k = 0; k < ch->o->n; k++)
        if (!ch->o->entries[k].settled)
            ch->space[n++] = &ch->o->entries[k];
    return kfk__slots_fill(&ch->slots, ch->space, n);
}

static void fail_partition(const changing *ch, kfk_error *e, kfk_err code)
{
    const char *api = ch->g.ops->api->name, *group = ch->g.groups[0].id;

    kfk__error_clear(e);
    if (code)
        (void)kfk__fail(e, code, "group %.100s: %s: %s%s", group, api, kfk_err_str(code),
                        kfk__coordinated_remedy(code));
}

/* |again| is told why it is to be asked about once more, if so. */
static void take_slot(changing *ch, kfk__slot *slot, kfk_error *again)
{
    bool doubtful = !slot->answered || kfk__coordinated_doubtful(slot->code), later;
    kfk__list *at;
    kfk_error e;

    fail_partition(ch, &e, slot->code);
    if (!slot->answered)
        (void)kfk__fail(&e, KFK_ERR_PROTOCOL, "group %.100s: %s: the answer leaves it out",
                        ch->g.groups[0].id, ch->g.ops->api->name);
    later = kfk__coordinated_not_now(e.code);
    if (later)
        *again = e;
    while ((at = kfk__list_first(&slot->entries)) != NULL) {
        kfk__offset_entry *entry = KFK__ENTRY(at, kfk__offset_entry, link);

        entry->doubtful |= doubtful;
        if (later)
            kfk__list_remove(at);
        else
            kfk__offsets_settle(entry, &e);
    }
}

static void take_slots(changing *ch)
{
    kfk_error again;

    kfk__error_clear(&again);
    for (int32_t i = 0; i < ch->slots.n; i++)
        take_slot(ch, &ch->slots.v[i], &again);
    kfk__coordinated_settle(&ch->g, &ch->g.groups[0], &again);
}

/* What has not been told of each is true of all. Results go where the caller has them. */
static kfk_err finish(changing *ch, kfk_tp *tps, kfk_error *e)
{
    const kfk_error *whole = &ch->g.groups[0].error;

    if (whole->code)
        kfk__offsets_settle_rest(ch->o, whole);
    for (size_t i = 0; i < ch->o->n; i++)
        tps[i].err = ch->o->tps[i].err;
    return ch->o->error.code ? kfk__fail_copy(e, &ch->o->error) : KFK_OK;
}

static kfk_err check_tps(const char *name, const char *group, const kfk_tp *tps, size_t n,
                         bool offsets, kfk_error *e)
{
    if (!group || (n && !tps))
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "%s: group or tps is NULL", name);
    for (size_t i = 0; i < n; i++)
        if (!tps[i].topic || tps[i].partition < 0 || (offsets && tps[i].offset < 0))
            return kfk__fail(e, KFK_ERR_INVALID_ARG,
                             "%s: partition number %zu has no topic, or is below 0%s", name, i,
                             offsets ? ", or its offset is" : "");
    return KFK_OK;
}

static kfk_err run_change(changing *ch, const kfk__call_ops *ops, kfk_tp *tps, size_t n,
                          kfk_error *e)
{
    const kfk_allocator *a = kfk__admin_allocator(ch->g.op.admin);
    kfk__group_meta who = kfk__group_meta_of(ch->g.groups[0].id);
    kfk_err err;

    kfk__slots_init(&ch->slots, a);
    ch->o = kfk__offsets_new(a, &who, tps, n);
    ch->space = kfk__array(a, NULL, n + 1, sizeof *ch->space);
    if (ch->o && ch->space) {
        ch->g.repeatable = false;
        kfk__coordinated_run(&ch->g, ops);
        err = finish(ch, tps, e);
    } else {
        err = kfk__fail_nomem(e);
    }
    kfk__slots_fini(&ch->slots);
    kfk__offsets_free(ch->o);
    kfk__release(a, ch->space);
    return err;
}

static kfk_err change(kfk_admin *a, const char *name, const kfk__call_ops *ops, int16_t max_version,
                      const char *group, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e)
{
    bool offsets = ops->api == &kfk__offset_commit_api;
    changing ch = {.o = NULL};
    kfk_err err = kfk__coordinated_begin(&ch.g, a, name, &group, 1, timeout_ms, e);

    ch.g.max_version = max_version;
    if (!err)
        err = check_tps(name, group, tps, n, offsets, e);
    if (!err && n)
        err = run_change(&ch, ops, tps, n, e);
    kfk__coordinated_fini(&ch.g);
    return err;
}

/* ---- written ---- */

static kfk_err build_alter(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    changing *ch = c->owner;
    kfk_err err = fill(ch);

    return err ? err : kfk__commit_build(&ch->slots, &ch->o->who, version, a, body);
}

static kfk_err answer_alter(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    changing *ch = c->owner;

    (void)e;
    kfk__commit_read(body, version, &ch->slots);
    take_slots(ch);
    return KFK_OK;
}

static const kfk__call_ops alter_ops = {&kfk__offset_commit_api, build_alter, answer_alter,
                                        kfk__admin_done};

kfk_err kfk_admin_alter_group_offsets(kfk_admin *a, const char *group, kfk_tp *tps, size_t n,
                                      int timeout_ms, kfk_error *e)
{
    return change(a, "kfk_admin_alter_group_offsets", &alter_ops, KFK__COMMIT_BY_NAME, group, tps,
                  n, timeout_ms, e);
}

/* ---- deleted ---- */

static bool build_topic(const kfk__slot_topic *t, kfk__arena *a,
                        kfk__offset_delete_request_topic *out)
{
    *out = kfk__offset_delete_request_topic_default;
    out->name = t->name;
    out->partitions.v = kfk__arena_alloc(a, (size_t)t->n * sizeof *out->partitions.v);
    if (!out->partitions.v)
        return false;
    out->partitions.n = t->n;
    for (int32_t i = 0; i < t->n; i++)
        out->partitions.v[i].partition_index = t->slots[i].partition;
    return true;
}

static kfk_err build_delete(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    changing *ch = c->owner;
    kfk__offset_delete_request *rq = kfk__arena_alloc(a, sizeof *rq);
    kfk_err err = rq ? fill(ch) : KFK_ERR_NOMEM;

    (void)version;
    if (err)
        return err;
    kfk__msg_init(kfk__offset_delete_api.request, rq);
    rq->group_id = kfk__bytes_str(ch->o->who.group);
    rq->topics.v = kfk__arena_alloc(a, ((size_t)ch->slots.n_topics + 1) * sizeof *rq->topics.v);
    if (!rq->topics.v)
        return KFK_ERR_NOMEM;
    rq->topics.n = ch->slots.n_topics;
    for (int32_t i = 0; i < rq->topics.n; i++)
        if (!build_topic(&ch->slots.topics[i], a, &rq->topics.v[i]))
            return KFK_ERR_NOMEM;
    *body = rq;
    return KFK_OK;
}

static kfk_err answer_delete(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    changing *ch = c->owner;
    const kfk__offset_delete_response *rs = body;

    (void)version;
    (void)e;
    if (rs->error_code) {
        kfk__coordinated_code(&ch->g, &ch->g.groups[0], rs->error_code, kfk__bytes(NULL, 0));
        return KFK_OK;
    }
    for (int32_t i = 0; i < rs->topics.n; i++) {
        const kfk__offset_delete_response_topic *t = &rs->topics.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++) {
            kfk__slot *slot =
                kfk__slots_find(&ch->slots, t->name, NULL, t->partitions.v[k].partition_index);

            if (!slot)
                continue;
            slot->answered = true;
            slot->code = t->partitions.v[k].error_code;
        }
    }
    take_slots(ch);
    return KFK_OK;
}

static const kfk__call_ops delete_ops = {&kfk__offset_delete_api, build_delete, answer_delete,
                                         kfk__admin_done};

kfk_err kfk_admin_delete_group_offsets(kfk_admin *a, const char *group, kfk_tp *tps, size_t n,
                                       int timeout_ms, kfk_error *e)
{
    return change(a, "kfk_admin_delete_group_offsets", &delete_ops, INT16_MAX, group, tps, n,
                  timeout_ms, e);
}
