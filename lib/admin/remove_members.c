/* Members that are taken out of a group by others than themselves. */
#include <kfk/admin_groups.h>

#include <kfk/kafka_errors.h>

#include "admin/coordinated.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/leave_group.h"

/* Before it a request is about one member, which says so itself. */
enum { MANY_FROM = 3 };

typedef struct removing {
    kfk__coordinated_call g; /* first: a call's owner is both */
    const kfk_group_leaver *members;
    size_t n;
    kfk_error *results; /* of each; code KFK_ERR_PROTOCOL until it is told */
} removing;

static kfk_err build(kfk__call *c, int16_t version, kfk__arena *a, const void **body)
{
    removing *r = c->owner;
    kfk__leave_group_request *rq = kfk__arena_alloc(a, sizeof *rq);
    size_t i = 0;

    if (!rq)
        return KFK_ERR_NOMEM;
    if (version < MANY_FROM)
        return KFK_ERR_UNSUPPORTED_VERSION;
    (void)kfk__coordinated_next(&r->g, &i);
    kfk__msg_init(kfk__leave_group_api.request, rq);
    rq->group_id = kfk__bytes_str(r->g.groups[0].id);
    rq->members.v = kfk__arena_alloc(a, r->n * sizeof *rq->members.v);
    if (!rq->members.v)
        return KFK_ERR_NOMEM;
    for (; rq->members.n < (int32_t)r->n; rq->members.n++) {
        const kfk_group_leaver *m = &r->members[rq->members.n];
        kfk__leave_group_request_member *to = &rq->members.v[rq->members.n];

        *to = kfk__leave_group_request_member_default;
        to->member_id = kfk__bytes_str(m->member ? m->member : "");
        to->group_instance_id = kfk__bytes_str(m->instance);
        to->reason = kfk__bytes_str("removed by an administrator");
    }
    *body = rq;
    return KFK_OK;
}

/* One that has an instance is told of by that. */
static bool is_it(const kfk_group_leaver *m, const kfk__leave_group_response_member *from)
{
    if (m->instance)
        return kfk__bytes_equal(from->group_instance_id, kfk__bytes_str(m->instance));
    return kfk__bytes_equal(from->member_id, kfk__bytes_str(m->member));
}

static void take_member(removing *r, size_t i, kfk_err code)
{
    kfk__error_clear(&r->results[i]);
    if (code)
        (void)kfk__fail(&r->results[i], code, "group %.100s: %s: member %.100s: %s",
                        r->g.groups[0].id, kfk__leave_group_api.name,
                        r->members[i].instance ? r->members[i].instance : r->members[i].member,
                        kfk_err_str(code));
}

static kfk_err answer(kfk__call *c, const void *body, int16_t version, kfk_error *e)
{
    removing *r = c->owner;
    const kfk__leave_group_response *rs = body;

    (void)version;
    (void)e;
    for (int32_t k = 0; !rs->error_code && k < rs->members.n; k++)
        for (size_t i = 0; i < r->n; i++)
            if (r->results[i].code == KFK_ERR_PROTOCOL && is_it(&r->members[i], &rs->members.v[k]))
                take_member(r, i, rs->members.v[k].error_code);
    kfk__coordinated_code(&r->g, &r->g.groups[0], rs->error_code, kfk__bytes(NULL, 0));
    return KFK_OK;
}

static const kfk__call_ops ops = {&kfk__leave_group_api, build, answer, kfk__admin_done};

static kfk_err run(removing *r, kfk_error *each, kfk_error *e)
{
    const kfk_allocator *a = kfk__admin_allocator(r->g.op.admin);
    kfk_err err = KFK_OK;

    r->results = kfk__array(a, NULL, r->n, sizeof *r->results);
    if (!r->results)
        return kfk__fail_nomem(e);
    for (size_t i = 0; i < r->n; i++)
        take_member(r, i, KFK_ERR_PROTOCOL);
    r->g.repeatable = false;
    kfk__coordinated_run(&r->g, &ops);
    for (size_t i = 0; i < r->n; i++) {
        if (r->g.groups[0].error.code)
            r->results[i] = r->g.groups[0].error;
        if (each)
            each[i] = r->results[i];
        if (!err && r->results[i].code)
            err = kfk__fail_copy(e, &r->results[i]);
    }
    kfk__release(a, r->results);
    return err;
}

static kfk_err check(const char *group, const kfk_group_leaver *members, size_t n, kfk_error *e)
{
    if (!group || (n && !members) || n > INT32_MAX)
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "kfk_admin_remove_members: group or members is NULL");
    for (size_t i = 0; i < n; i++)
        if (!members[i].member && !members[i].instance)
            return kfk__fail(e, KFK_ERR_INVALID_ARG,
                             "kfk_admin_remove_members: member number %zu has neither an id nor an "
                             "instance",
                             i);
    return KFK_OK;
}

kfk_err kfk_admin_remove_members(kfk_admin *a, const char *group, const kfk_group_leaver *members,
                                 size_t n, int timeout_ms, kfk_error *each, kfk_error *e)
{
    removing r = {.members = members, .n = n};
    kfk_err err =
        kfk__coordinated_begin(&r.g, a, "kfk_admin_remove_members", &group, 1, timeout_ms, e);

    if (!err)
        err = check(group, members, n, e);
    if (!err && n)
        err = run(&r, each, e);
    kfk__coordinated_fini(&r.g);
    return err;
}
