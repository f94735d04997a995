#include "admin/coordinated.h"

#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "groupio/coordinator.h"

/* ---- codes ---- */

bool kfk__coordinated_not_now(kfk_err code)
{
    switch (code) {
    case KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case KFK_ERR_COORDINATOR_NOT_AVAILABLE:
    case KFK_ERR_NOT_COORDINATOR:
    case KFK_ERR_REBALANCE_IN_PROGRESS:
    case KFK_ERR_UNSTABLE_OFFSET_COMMIT:
        return true;
    default:
        return false;
    }
}

bool kfk__coordinated_doubtful(kfk_err code)
{
    switch (code) {
    case KFK_ERR_UNKNOWN_SERVER_ERROR:
    case KFK_ERR_REQUEST_TIMED_OUT:
    case KFK_ERR_COORDINATOR_NOT_AVAILABLE:
    case KFK_ERR_NOT_COORDINATOR:
    case KFK_ERR_KAFKA_STORAGE_ERROR:
        return true;
    default:
        return false;
    }
}

const char *kfk__coordinated_remedy(kfk_err code)
{
    switch (code) {
    case KFK_ERR_NON_EMPTY_GROUP:
        return " Stop its members, or wait until their sessions have ended.";
    case KFK_ERR_UNKNOWN_MEMBER_ID:
        return " The group has members, which commit for themselves: stop them first.";
    case KFK_ERR_GROUP_SUBSCRIBED_TO_TOPIC:
        return " Stop the members that read the topic, or let them unsubscribe.";
    case KFK_ERR_GROUP_ID_NOT_FOUND:
        return " Check the name against kfk_admin_list_groups.";
    case KFK_ERR_GROUP_AUTHORIZATION_FAILED:
        return " Grant the principal the operation on the group.";
    default:
        return "";
    }
}

/* ---- what becomes of a group ---- */

static void name_group(kfk_error *e, const char *group)
{
    char name[128];
    size_t n = (size_t)snprintf(name, sizeof name, "group %.100s: ", group);

    memmove(e->msg + n, e->msg, sizeof e->msg - n - 1);
    memcpy(e->msg, name, n);
    e->msg[sizeof e->msg - 1] = '\0';
}

static void end(kfk__coordinated_call *g, kfk__asked_group *group, const kfk_error *error)
{
    group->step = KFK__GROUP_SETTLED;
    group->error = *error;
    g->n_pending--;
    if (!error->code)
        return;
    if (group->doubtful)
        group->error.flags |= KFK_MAYBE_DONE;
    name_group(&group->error, group->id);
}

static void seek(kfk__coordinated_call *g, kfk__asked_group *group, const kfk_error *why)
{
    group->step = KFK__GROUP_SOUGHT;
    g->again = *why;
}

void kfk__coordinated_settle(kfk__coordinated_call *g, kfk__asked_group *group,
                             const kfk_error *error)
{
    group->doubtful |= !g->repeatable && kfk__coordinated_doubtful(error->code);
    if (kfk__coordinated_not_now(error->code))
        seek(g, group, error);
    else
        end(g, group, error);
}

void kfk__coordinated_code(kfk__coordinated_call *g, kfk__asked_group *group, int16_t code,
                           kfk_bytes msg)
{
    const char *remedy = kfk__coordinated_remedy(code), *api = g->ops->api->name;
    kfk_error e;

    kfk__error_clear(&e);
    if (code && msg.len)
        (void)kfk__fail(&e, code, "%s: %.*s%s", api, (int)msg.len, (const char *)msg.data, remedy);
    else if (code)
        (void)kfk__fail(&e, code, "%s: %s%s", api, kfk_err_str(code), remedy);
    kfk__coordinated_settle(g, group, &e);
}

void kfk__coordinated_ask_again(kfk__coordinated_call *g, kfk__asked_group *group)
{
    group->step = group->broker >= 0 ? KFK__GROUP_FOUND : KFK__GROUP_SOUGHT;
    kfk__error_clear(&group->error);
    g->n_pending++;
}

/* ---- for build and answer ---- */

kfk__asked_group *kfk__coordinated_next(kfk__coordinated_call *g, size_t *i)
{
    while (*i < g->n) {
        kfk__asked_group *group = &g->groups[(*i)++];

        if (group->broker != g->broker ||
            (group->step != KFK__GROUP_FOUND && group->step != KFK__GROUP_ASKED))
            continue;
        group->step = KFK__GROUP_ASKED;
        return group;
    }
    return NULL;
}

bool kfk__coordinated_names(kfk__coordinated_call *g, kfk__arena *a, kfk_bytes **v, int32_t *n)
{
    const kfk__asked_group *group;
    size_t i = 0;

    *v = kfk__arena_alloc(a, (g->n_pending + 1) * sizeof **v);
    *n = 0;
    while (*v && (group = kfk__coordinated_next(g, &i)) != NULL)
        (*v)[(*n)++] = kfk__bytes_str(group->id);
    return *v != NULL;
}

kfk__asked_group *kfk__coordinated_find(const kfk__coordinated_call *g, kfk_bytes id)
{
    kfk__asked_group *group = id.data ? kfk__map_get(&g->by_id, id.data, id.len) : NULL;

    return group && group->step == KFK__GROUP_ASKED ? group : NULL;
}

static void end_asked(kfk__coordinated_call *g, const kfk_error *error)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->groups[i].step == KFK__GROUP_ASKED)
            end(g, &g->groups[i], error);
}

void kfk__coordinated_end(kfk__coordinated_call *g)
{
    kfk_error e;

    (void)kfk__fail(&e, KFK_ERR_PROTOCOL, "%s: the answer leaves it out", g->ops->api->name);
    end_asked(g, &e);
}

/* ---- finding coordinators ---- */

/* The next that is sought, from |*i| on. */
static kfk__asked_group *next_sought(const kfk__coordinated_call *g, size_t *i)
{
    while (*i < g->n)
        if (g->groups[(*i)++].step == KFK__GROUP_SOUGHT)
            return &g->groups[*i - 1];
    return NULL;
}

static kfk_err build_find(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    const kfk__coordinated_call *g = call->owner;
    size_t most = kfk__coordinator_most(version), n = 0, i = 0;
    kfk__find_coordinator_request *rq = kfk__arena_alloc(a, sizeof *rq);
    const char **keys = kfk__arena_alloc(a, most * sizeof *keys);
    const kfk__asked_group *group;

    if (!rq || !keys)
        return KFK_ERR_NOMEM;
    while (n < most && (group = next_sought(g, &i)) != NULL)
        keys[n++] = group->id;
    *body = rq;
    return kfk__coordinator_ask(rq, version, KFK__COORDINATES_GROUP, keys, n, a);
}

static kfk_err take_place(kfk__coordinated_call *g, kfk__asked_group *group,
                          const kfk__coordinator_place *at)
{
    char *host = kfk__arena_alloc(&g->arena, at->host.len + 1);

    if (!host)
        return KFK_ERR_NOMEM;
    memcpy(host, at->host.data, at->host.len);
    host[at->host.len] = '\0';
    group->host = host;
    group->port = at->port;
    group->broker = at->id;
    group->step = KFK__GROUP_FOUND;
    return KFK_OK;
}

/* Where the answer has not got on with any group it is no answer, and asked for again. */
static kfk_err answer_find(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__coordinated_call *g = call->owner;
    size_t most = kfk__coordinator_most(version), i = 0, got_on = 0;
    kfk__asked_group *group;
    kfk_error last;
    kfk_err err;

    kfk__error_clear(&last);
    while (most-- > 0 && (group = next_sought(g, &i)) != NULL) {
        kfk__coordinator_place at;

        err = kfk__coordinator_read(body, version, group->id, &at, &last);
        if (!err)
            err = take_place(g, group, &at);
        if (err == KFK_ERR_NOMEM)
            return kfk__fail_nomem(e);
        if (kfk__coordinated_not_now(err)) {
            g->again = last;
            continue;
        }
        got_on++;
        if (err)
            end(g, group, &last);
    }
    return got_on ? KFK_OK : kfk__fail_copy(e, &last);
}

static const kfk__call_ops find_ops = {&kfk__find_coordinator_api, build_find, answer_find,
                                       kfk__admin_done};

/* ---- the request to one of them ---- */

static kfk_err unreachable(const kfk__coordinated_call *g, kfk_error *e)
{
    kfk_err err = kfk__fail(e, KFK_ERR_COORDINATOR_NOT_AVAILABLE,
                            "%s: broker %d, the coordinator, cannot be reached", g->ops->api->name,
                            (int)g->broker);

    kfk__client_explain(kfk__admin_client(g->op.admin), e);
    return err;
}

/* One attempt: if its connection does not last, or there is none, the coordinator may be another
 * by now. */
static kfk_err route(kfk__call *call, int64_t now, kfk__node **n, kfk_error *e)
{
    kfk__coordinated_call *g = call->owner;
    kfk__client *client = kfk__admin_client(g->op.admin);

    if (call->last.code && call->last.code != KFK_ERR_NOMEM)
        return kfk__fail_copy(e, &call->last);
    call->max_version = g->max_version;
    *n = kfk__client_node(client, g->broker);
    if (g->since < 0)
        g->since = now;
    if (!*n && client->metadata.updated_at > g->since)
        return unreachable(g, e);
    if (!*n) {
        kfk__client_refresh(client, NULL);
        return KFK_OK;
    }
    if (g->reached && (*n)->downs != g->downs)
        return unreachable(g, e);
    g->reached = true;
    g->downs = (*n)->downs;
    return KFK_OK;
}

static bool is_step(const kfk__coordinated_call *g, const kfk__asked_group *group,
                    kfk__group_step step)
{
    return group->broker == g->broker && group->step == step;
}

static size_t count_asked(const kfk__coordinated_call *g)
{
    size_t n = 0;

    for (size_t i = 0; i < g->n; i++)
        n += is_step(g, &g->groups[i], KFK__GROUP_ASKED);
    return n;
}

/* An attempt without an answer. What may pass has the coordinator looked for again, for all groups
 * that it is of; all else is the end of those that the request was about, or of all, if it did not
 * even come to one. */
static void take_failure(kfk__coordinated_call *g)
{
    const kfk_error *e = &g->op.error;
    bool passing =
        (e->flags & KFK_RETRIABLE) && !(e->flags & KFK_MAYBE_DONE) && e->code != KFK_ERR_TIMED_OUT;
    bool all = count_asked(g) == 0;

    for (size_t i = 0; i < g->n; i++) {
        kfk__asked_group *group = &g->groups[i];
        bool found = is_step(g, group, KFK__GROUP_FOUND);
        bool asked = is_step(g, group, KFK__GROUP_ASKED);

        if (passing && (found || asked))
            seek(g, group, e);
        else if (asked || (found && all))
            end(g, group, e);
    }
}

static void ask(kfk__coordinated_call *g, int32_t broker)
{
    g->broker = broker;
    g->since = -1;
    g->reached = false;
    g->op.target = KFK__TO_ROUTE;
    g->op.route = route;
    g->op.repeatable = g->repeatable;
    kfk__error_clear(&g->op.again);
    if (kfk__admin_run(&g->op, g->ops))
        take_failure(g);
}

static void look(kfk__coordinated_call *g)
{
    g->op.target = KFK__TO_ANY;
    g->op.repeatable = true;
    g->op.again = g->again;
    kfk__error_clear(&g->again);
    if (kfk__admin_run(&g->op, &find_ops) == KFK_OK)
        return;
    for (size_t i = 0; i < g->n; i++)
        if (g->groups[i].step == KFK__GROUP_SOUGHT)
            end(g, &g->groups[i], &g->op.error);
}

/* ---- the whole ---- */

/* One that can be asked now, or NULL. */
static const kfk__asked_group *first_found(const kfk__coordinated_call *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->groups[i].step == KFK__GROUP_FOUND)
            return &g->groups[i];
    return NULL;
}

void kfk__coordinated_run(kfk__coordinated_call *g, const kfk__call_ops *ops)
{
    g->ops = ops;
    while (g->n_pending > 0) {
        const kfk__asked_group *found = first_found(g);

        if (found)
            ask(g, found->broker);
        else
            look(g);
    }
}

static kfk_err fill(kfk__coordinated_call *g, const char *name, const char *const *groups, size_t n,
                    kfk_error *e)
{
    g->groups = kfk__array(kfk__admin_allocator(g->op.admin), NULL, n + 1, sizeof *g->groups);
    if (!g->groups)
        return kfk__fail_nomem(e);
    for (; g->n < n; g->n++) {
        kfk__asked_group *group = &g->groups[g->n];
        const char *id = groups[g->n];

        if (!id || kfk__map_get(&g->by_id, id, strlen(id)))
            return kfk__fail(e, KFK_ERR_INVALID_ARG, "%s: group number %zu %s", name, g->n,
                             id ? "is named twice" : "is NULL");
        *group = (kfk__asked_group){.id = id, .broker = -1};
        kfk__error_clear(&group->error);
        if (!kfk__map_put(&g->by_id, id, strlen(id), group))
            return kfk__fail_nomem(e);
    }
    g->n_pending = n;
    return KFK_OK;
}

kfk_err kfk__coordinated_begin(kfk__coordinated_call *g, kfk_admin *a, const char *name,
                               const char *const *groups, size_t n, int timeout_ms, kfk_error *e)
{
    kfk_err err;

    *g = (kfk__coordinated_call){.max_version = INT16_MAX, .repeatable = true};
    err = kfk__admin_begin(a, &g->op, timeout_ms, e);
    if (err) {
        g->op.admin = NULL;
        return err;
    }
    kfk__error_clear(&g->again);
    kfk__map_init(&g->by_id, kfk__admin_allocator(a));
    kfk__arena_init(&g->arena, kfk__admin_allocator(a));
    if (n && !groups)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "%s: groups is NULL", name);
    return fill(g, name, groups, n, e);
}

kfk_err kfk__coordinated_whole(const kfk__coordinated_call *g, kfk_error *e)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->groups[i].error.code > KFK_ERR_NOMEM) /* the first of the library's own */
            return KFK_OK;
    return g->n ? kfk__fail_copy(e, &g->groups[0].error) : KFK_OK;
}

void kfk__coordinated_fini(kfk__coordinated_call *g)
{
    if (!g->op.admin) /* it could not be begun */
        return;
    kfk__map_fini(&g->by_id);
    kfk__arena_fini(&g->arena);
    kfk__release(kfk__admin_allocator(g->op.admin), g->groups);
}
