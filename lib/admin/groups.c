/* Which groups there are, and their end. */
#include <kfk/admin_groups.h>

#include <string.h>
#include <strings.h>

#include "admin/coordinated.h"
#include "admin/result.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/delete_groups.h"
#include "proto/list_groups.h"
#include "proto/metadata.h"

enum { STATES_FROM = 4, TYPES_FROM = 5 };

/* ---- list: each broker tells of those that it looks after ---- */

typedef struct listing {
    kfk__admin_op op; /* first: a call's owner is both */
    const kfk_group_filter *filter;
    kfk_ids brokers;
    kfk__map seen; /* a group may move from one broker to the next meanwhile */
    kfk_group_listings *out;
} listing;

static kfk_err build_brokers(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    kfk__metadata_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)c;
    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__metadata_api.request, rq);
    rq->allow_auto_topic_creation = false;
    *body = rq;
    return KFK_OK;
}

static kfk_err answer_brokers(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    listing *l = c->owner;
    const kfk__metadata_response *rs = body;
    kfk__result *r = kfk__result_of(l->out);
    size_t n = rs->brokers.n > 0 ? (size_t)rs->brokers.n : 0;
    int32_t *v = kfk__result_zalloc(r, (n + 1) * sizeof *v);

    (void)version;
    (void)e;
    if (rs->error_code)
        return rs->error_code;
    for (size_t i = 0; v && i < n; i++)
        v[i] = rs->brokers.v[i].node_id;
    l->brokers = (kfk_ids){v, n};
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops brokers_ops = {&kfk__metadata_api, build_brokers, answer_brokers,
                                          kfk__admin_done};

static bool names(const char *const *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(v[i], name) == 0)
            return true;
    return false;
}

/* NULL: no memory. */
static kfk_bytes *strings(kfk__arena *a, const char *const *v, size_t n)
{
    kfk_bytes *out = kfk__arena_alloc(a, (n + 1) * sizeof *out);

    for (size_t i = 0; out && i < n; i++)
        out[i] = kfk__bytes_str(v[i]);
    return out;
}

/* Brokers that know no types have classic groups only. */
static kfk_err build_list(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    const kfk_group_filter *f = ((const listing *)c->owner)->filter;
    kfk__list_groups_request *rq = kfk__arena_alloc(a, sizeof *rq);

    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__list_groups_api.request, rq);
    if (f->n_states && version < STATES_FROM)
        return KFK_ERR_UNSUPPORTED_VERSION;
    if (f->n_types && version < TYPES_FROM && !names(f->types, f->n_types, "classic"))
        return KFK_ERR_UNSUPPORTED_VERSION;
    rq->states_filter.v = strings(a, f->states, f->n_states);
    rq->states_filter.n = (int32_t)f->n_states;
    rq->types_filter.v = strings(a, f->types, f->n_types);
    rq->types_filter.n = version < TYPES_FROM ? 0 : (int32_t)f->n_types;
    *body = rq;
    return rq->states_filter.v && rq->types_filter.v ? KFK_OK : KFK_ERR_NOMEM;
}

static const char *string(kfk__result *r, kfk_bytes s)
{
    return kfk__result_string(r, s.data ? s : kfk__bytes("", 0));
}

/* false: it is not to be listed, or is so already. */
static bool take_group(listing *l, kfk_group_listing *to, const kfk__list_groups_response_group *g)
{
    const kfk_group_filter *f = l->filter;
    kfk__result *r = kfk__result_of(l->out);

    if (kfk__map_get(&l->seen, g->group_id.data, g->group_id.len))
        return false;
    *to = (kfk_group_listing){.group = string(r, g->group_id),
                              .protocol_type = string(r, g->protocol_type),
                              .state = string(r, g->group_state),
                              .type = string(r, g->group_type)};
    if (r->failed)
        return false;
    if (f->n_protocols && !names(f->protocols, f->n_protocols, to->protocol_type))
        return false;
    r->failed = !kfk__map_put(&l->seen, to->group, strlen(to->group), to);
    return true;
}

static kfk_err answer_list(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    listing *l = c->owner;
    const kfk__list_groups_response *rs = body;
    kfk__result *r = kfk__result_of(l->out);
    size_t n = rs->groups.n > 0 ? (size_t)rs->groups.n : 0;
    kfk_group_listing *const *to;

    (void)version;
    (void)e;
    if (rs->error_code)
        return rs->error_code;
    to = kfk__result_grow(r, l->out->groups, l->out->n, n, sizeof(kfk_group_listing));
    if (!to)
        return KFK_ERR_NOMEM;
    l->out->groups = (const kfk_group_listing *const *)to;
    for (size_t i = 0; i < n; i++)
        l->out->n += take_group(l, to[l->out->n], &rs->groups.v[i]);
    return r->failed ? KFK_ERR_NOMEM : KFK_OK;
}

static const kfk__call_ops list_ops = {&kfk__list_groups_api, build_list, answer_list,
                                       kfk__admin_done};

static bool has_null(const char *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!v || !v[i])
            return true;
    return false;
}

static kfk_err check_filter(const kfk_group_filter *f, kfk_group_listings **out, kfk_error *e)
{
    const char *what = NULL;

    if (!out)
        what = "out is NULL";
    else if (f->struct_size < sizeof *f)
        what = "the struct_size is not sizeof(kfk_group_filter)";
    else if (has_null(f->states, f->n_states) || has_null(f->types, f->n_types) ||
             has_null(f->protocols, f->n_protocols))
        what = "a count is set, its array is NULL, or one of its strings is";
    return what ? kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_admin_list_groups: %s", what) : KFK_OK;
}

static kfk_err ask_all(listing *l)
{
    kfk_err err = kfk__admin_run(&l->op, &brokers_ops);

    for (size_t i = 0; !err && i < l->brokers.n; i++) {
        l->op.target = l->brokers.v[i];
        err = kfk__admin_run(&l->op, &list_ops);
    }
    return err;
}

kfk_err kfk_admin_list_groups(kfk_admin *a, const kfk_group_filter *filter, int timeout_ms,
                              kfk_group_listings **out, kfk_error *e)
{
    static const kfk_group_filter all = {.struct_size = sizeof all};
    listing l = {.filter = filter ? filter : &all};
    kfk_err err = kfk__admin_begin(a, &l.op, timeout_ms, e);

    if (!err)
        err = check_filter(l.filter, out, e);
    if (err)
        return err;
    l.out = kfk__result_new(kfk__admin_allocator(a), sizeof *l.out);
    if (!l.out)
        return kfk__fail_nomem(e);
    kfk__map_init(&l.seen, kfk__admin_allocator(a));
    err = ask_all(&l);
    kfk__map_fini(&l.seen);
    if (err) {
        kfk__result_free(l.out);
        return kfk__fail_copy(e, &l.op.error);
    }
    *out = l.out;
    return KFK_OK;
}

void kfk_group_listings_free(kfk_group_listings *l)
{
    kfk__result_free(l);
}

/* ---- delete ---- */

static kfk_err build_delete(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    kfk__delete_groups_request *rq = kfk__arena_alloc(a, sizeof *rq);

    (void)version;
    if (!rq)
        return KFK_ERR_NOMEM;
    kfk__msg_init(kfk__delete_groups_api.request, rq);
    *body = rq;
    return kfk__coordinated_names(c->owner, a, &rq->groups_names.v, &rq->groups_names.n)
               ? KFK_OK
               : KFK_ERR_NOMEM;
}

static kfk_err answer_delete(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    const kfk__delete_groups_response *rs = body;

    (void)version;
    (void)e;
    for (int32_t i = 0; i < rs->results.n; i++) {
        kfk__asked_group *group = kfk__coordinated_find(c->owner, rs->results.v[i].group_id);

        if (group)
            kfk__coordinated_code(c->owner, group, rs->results.v[i].error_code,
                                  kfk__bytes(NULL, 0));
    }
    kfk__coordinated_end(c->owner);
    return KFK_OK;
}

static const kfk__call_ops delete_ops = {&kfk__delete_groups_api, build_delete, answer_delete,
                                         kfk__admin_done};

kfk_err kfk_admin_delete_groups(kfk_admin *a, const char *const *groups, size_t n, int timeout_ms,
                                kfk_error *each, kfk_error *e)
{
    kfk__coordinated_call g;
    kfk_err err =
        kfk__coordinated_begin(&g, a, "kfk_admin_delete_groups", groups, n, timeout_ms, e);

    if (!err) {
        g.repeatable = false;
        kfk__coordinated_run(&g, &delete_ops);
        for (size_t i = 0; i < n; i++) {
            if (each)
                each[i] = g.groups[i].error;
            if (!err)
                err = kfk__fail_copy(g.groups[i].error.code ? e : NULL, &g.groups[i].error);
        }
    }
    kfk__coordinated_fini(&g);
    return err;
}
