#include "groupio/groupio.h"

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "groupio/commit.h"
#include "groupio/fetch.h"

/* A fetch while it lasts. */
typedef struct kfk__fetching {
    kfk__groupio *g;
    kfk__offsets *o;
    kfk__call *call;
    kfk__coordinated use;
    kfk__slots slots;
    bool all, stable;
    bool by_name; /* the coordinator does not know an id that metadata has */
} fetching;

static kfk__offsets *entry_of(kfk__list *at)
{
    return KFK__ENTRY(at, kfk__offsets, link);
}

static bool may_pass(const kfk_error *e)
{
    return (e->flags & KFK_RETRIABLE) != 0;
}

/* ---- the ends of commits ---- */

/* Those that are settled leave; their owners may begin and cancel what they like. */
static void tell(kfk__groupio *g, int64_t now)
{
    kfk__list ended, *at;

    kfk__list_init(&ended);
    for (kfk__list *next, *i = g->commits.next; i != &g->commits; i = next) {
        next = i->next;
        if (entry_of(i)->pending > 0)
            continue;
        kfk__list_remove(i);
        kfk__list_push(&ended, i);
    }
    while ((at = kfk__list_pop(&ended)) != NULL)
        kfk__offsets_end(entry_of(at), now);
}

/* What is pending of |o| is over. What a request speaks of that is out may take its effect. */
static void give_up(const kfk__groupio *g, kfk__offsets *o, const kfk_error *e)
{
    bool out = g->call && g->call->in_flight;

    for (size_t i = 0; i < o->n; i++)
        o->entries[i].doubtful |= out && !kfk__list_empty(&o->entries[i].link);
    kfk__offsets_settle_rest(o, e);
}

static void time_out(kfk__groupio *g, kfk__offsets *o)
{
    kfk_error e, standing;

    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "OffsetCommit: no answer in time");
    if (o->why.code)
        kfk__fail_because(&e, &o->why);
    else if (g->call && g->call->last.code)
        kfk__fail_because(&e, &g->call->last);
    else if (kfk__client_last_error(g->client, &standing))
        kfk__fail_because(&e, &standing);
    give_up(g, o, &e);
}

static void give_up_all(kfk__groupio *g, const kfk_error *e)
{
    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next)
        give_up(g, entry_of(at), e);
}

/* ---- the commit request ---- */

static bool is_due(const kfk__offsets *o, int64_t now)
{
    return o->sendable > 0 && o->not_before <= now;
}

/* Marks those that the next request speaks for: who asked first, and all that ask as the same.
 * NULL: none is due. */
static const kfk__offsets *mark_ready(kfk__groupio *g)
{
    const kfk__offsets *first = NULL;

    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next) {
        kfk__offsets *o = entry_of(at);

        o->ready = is_due(o, g->now);
        if (o->ready && !first)
            first = o;
        o->ready = o->ready && kfk__group_meta_equal(&o->who, &first->who);
    }
    return first;
}

/* All that is pending, the oldest first. NULL: no memory. */
static kfk__offset_entry **pending(const kfk__groupio *g, kfk__arena *a, size_t *n)
{
    kfk__offset_entry **v;
    size_t most = 1;

    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next)
        most += entry_of(at)->pending;
    *n = 0;
    v = kfk__arena_alloc(a, most * sizeof(kfk__offset_entry *));
    for (kfk__list *at = g->commits.next; v && at != &g->commits; at = at->next) {
        kfk__offsets *o = entry_of(at);

        for (size_t i = 0; i < o->n; i++)
            if (!o->entries[i].settled)
                v[(*n)++] = &o->entries[i];
    }
    return v;
}

static kfk_err build_commit(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    kfk__groupio *g = call->owner;
    const kfk__offsets *first = mark_ready(g);
    kfk__offset_entry **v;
    kfk_err err;
    size_t n;

    if (!first)
        return KFK_ERR_WOULD_BLOCK; /* they were given up while the coordinator was looked for */
    v = pending(g, a, &n);
    err = v ? kfk__slots_fill(&g->slots, v, n) : KFK_ERR_NOMEM;
    if (err)
        return err;
    (void)kfk__slots_know_ids(&g->slots, &g->client->metadata);
    return kfk__commit_build(&g->slots, &first->who, version, a, body);
}

/* Whether metadata has the id of each topic that a request may speak of. */
static bool all_ids_known(const kfk__groupio *g)
{
    const char *known = NULL;

    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next) {
        const kfk__offsets *o = entry_of(at);

        for (size_t i = 0; i < o->n; i++) {
            const char *topic = o->tps[i].topic;
            const kfk__topic_info *t;

            if (o->entries[i].settled || topic == known)
                continue;
            t = kfk__metadata_find(&g->client->metadata, topic, strlen(topic));
            if (!t || kfk__uuid_is_zero(&t->id))
                return false;
            known = topic;
        }
    }
    return true;
}

static int64_t latest_deadline(const kfk__groupio *g)
{
    int64_t latest = 0;

    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next)
        if (entry_of(at)->deadline > latest)
            latest = entry_of(at)->deadline;
    return latest;
}

static kfk_err route_commit(kfk__call *call, int64_t now, kfk__node **n, kfk_error *e)
{
    kfk__groupio *g = call->owner;
    kfk_err err;

    g->now = now;
    kfk__slots_clear(&g->slots); /* of an attempt that was not written */
    err = kfk__coordinator_route(&g->coordinator, &g->call_use, call, latest_deadline(g), n, e);
    if (!err && *n && (*n)->state == KFK__NODE_READY)
        call->max_version = all_ids_known(g) ? INT16_MAX : KFK__COMMIT_BY_NAME;
    return err;
}

/* ---- its answer ---- */

/* |slot| was not committed, or nobody knows, and may be another time: by its newest, and if that is
 * given up, by none. An older one could undo it. */
static void try_again(kfk__slot *slot, const kfk_error *e, bool doubtful)
{
    kfk__list *at;

    while ((at = kfk__list_pop(&slot->entries)) != NULL) {
        kfk__offset_entry *entry = KFK__ENTRY(at, kfk__offset_entry, link);

        entry->doubtful |= doubtful;
        if (doubtful && !entry->newest)
            kfk__offsets_overtake(entry);
        entry->of->why = *e;
        if (!entry->of->again)
            entry->of->again = e->code;
    }
}

static void settle(kfk__slot *slot, const kfk_error *e, bool doubtful)
{
    kfk__list *at;

    while ((at = kfk__list_first(&slot->entries)) != NULL) {
        kfk__offset_entry *entry = KFK__ENTRY(at, kfk__offset_entry, link);

        entry->doubtful |= doubtful;
        kfk__offsets_settle(entry, e);
    }
}

static void refresh(const kfk__groupio *g, const kfk__slot_topic *t)
{
    kfk__topic_info *info = kfk__metadata_find(&g->client->metadata, t->name.data, t->name.len);

    if (info)
        kfk__client_refresh(g->client, info);
}

static void take_code(kfk__groupio *g, const kfk__slot_topic *t, kfk__slot *slot)
{
    bool doubtful = !slot->answered || (slot->code && !kfk__commit_refused(slot->code));
    kfk_error e;

    kfk__error_clear(&e);
    if (!slot->answered)
        (void)kfk__fail(&e, KFK_ERR_PROTOCOL, "OffsetCommit: the answer leaves it out");
    else if (slot->code)
        (void)kfk__fail(&e, slot->code, "OffsetCommit: %s", kfk_err_str(slot->code));
    if (e.code)
        kfk__client_error(g->client, e.code);
    kfk__coordinator_heed(&g->coordinator, &g->call_use, e.code);
    if (e.code == KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION || e.code == KFK_ERR_UNKNOWN_TOPIC_ID)
        refresh(g, t);
    if (may_pass(&e))
        try_again(slot, &e, doubtful);
    else
        settle(slot, &e, doubtful);
}

/* For each slot that there is. */
static void take_answer(kfk__groupio *g)
{
    for (int32_t i = 0; i < g->slots.n_topics; i++) {
        const kfk__slot_topic *t = &g->slots.topics[i];

        for (int32_t k = 0; k < t->n; k++)
            take_code(g, t, &t->slots[k]);
    }
}

/* There was no answer. Where it did not even come to a request, that is so for all that there is.
 */
static void take_failure(kfk__groupio *g, const kfk_error *e)
{
    bool doubtful = (e->flags & KFK_MAYBE_DONE) != 0;
    kfk_error own = *e;

    own.flags &= ~(uint32_t)KFK_MAYBE_DONE; /* each commit has its own */
    for (int32_t i = 0; i < g->slots.n; i++) {
        if (may_pass(e))
            try_again(&g->slots.v[i], &own, doubtful);
        else
            settle(&g->slots.v[i], &own, doubtful);
    }
    if (e->code == KFK_ERR_CLOSED || (!may_pass(e) && g->slots.n == 0))
        give_up_all(g, &own);
}

/* One gate for all that the request spoke for, with the count of the one that has tried most often.
 */
static void pass_gate(kfk__groupio *g, int64_t now)
{
    const kfk__offsets *first = NULL;

    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next) {
        kfk__offsets *o = entry_of(at);

        if (!o->again || o->pending == 0)
            continue;
        if (!first) {
            first = o;
            o->not_before = kfk__client_retry_at(g->client, &o->retry, o->again, now);
        }
        o->not_before = first->not_before;
        o->retry = first->retry;
        o->again = KFK_OK;
    }
}

static kfk_err answer_commit(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    kfk__groupio *g = call->owner;

    (void)e;
    kfk__commit_read(body, version, &g->slots);
    return KFK_OK;
}

static void done_commit(kfk__call *call, const kfk_error *e, int64_t now)
{
    kfk__groupio *g = call->owner;

    g->call = NULL;
    if (e->code == KFK_OK)
        take_answer(g);
    else if (e->code != KFK_ERR_WOULD_BLOCK)
        take_failure(g, e);
    kfk__slots_clear(&g->slots);
    pass_gate(g, now);
    tell(g, now);
}

static const kfk__call_ops commit_ops = {&kfk__offset_commit_api, build_commit, answer_commit,
                                         done_commit};

/* ---- when to make one ---- */

static void begin_call(kfk__groupio *g, int64_t now)
{
    g->call = kfk__client_call(g->client, &commit_ops, g, KFK__TO_ROUTE, KFK__NEVER);
    if (!g->call) {
        g->not_before = kfk__client_retry_at(g->client, &g->retry, KFK_ERR_NOMEM, now);
        return;
    }
    g->call->route = route_commit;
    g->call->repeatable = false; /* what it says may be old by then */
    g->call_use = (kfk__coordinated){0};
    g->retry = (kfk__retry){0};
}

static void close_all(kfk__groupio *g)
{
    kfk_error e;

    g->closed = true;
    (void)kfk__fail(&e, KFK_ERR_CLOSED, "the handle was closed");
    give_up_all(g, &e);
}

static void end_idle_call(kfk__groupio *g)
{
    if (!g->call || g->call->in_flight || !kfk__list_empty(&g->commits))
        return;
    kfk__client_drop(g->client, g->call);
    g->call = NULL;
}

int64_t kfk__groupio_tick(kfk__groupio *g, int64_t now)
{
    int64_t until = KFK__NEVER, due = KFK__NEVER;

    if (g->client->closed)
        close_all(g);
    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next)
        if (entry_of(at)->deadline <= now)
            time_out(g, entry_of(at));
    tell(g, now);
    end_idle_call(g);
    for (kfk__list *at = g->commits.next; at != &g->commits; at = at->next) {
        until = kfk__sooner(until, entry_of(at)->deadline);
        if (entry_of(at)->sendable > 0)
            due = kfk__sooner(due, entry_of(at)->not_before);
    }
    if (g->call || due == KFK__NEVER)
        return until;
    due = due > g->not_before ? due : g->not_before;
    if (due <= now)
        begin_call(g, now);
    return g->call ? until : kfk__sooner(until, due > now ? due : g->not_before);
}

/* ---- fetches ---- */

static kfk_err build_fetch(kfk__call *call, int16_t version, kfk__arena *a, const void **body)
{
    fetching *f = call->owner;

    return kfk__fetch_offsets_build(f->all ? NULL : &f->slots, &f->o->who, f->stable, version, a,
                                    body);
}

static kfk_err route_fetch(kfk__call *call, int64_t now, kfk__node **n, kfk_error *e)
{
    fetching *f = call->owner;
    bool by_id = !f->all && !f->by_name && kfk__slots_know_ids(&f->slots, &f->g->client->metadata);

    (void)now;
    call->max_version = by_id ? INT16_MAX : KFK__FETCH_BY_NAME;
    return kfk__coordinator_route(&f->g->coordinator, &f->use, call, call->deadline, n, e);
}

static kfk_err answer_fetch(kfk__call *call, const void *body, int16_t version, kfk_error *e)
{
    fetching *f = call->owner;
    kfk_err err = kfk__fetch_offsets_read(body, version, f->all ? NULL : &f->slots, f->o, e);

    kfk__coordinator_heed(&f->g->coordinator, &f->use, err);
    if (err == KFK_ERR_UNKNOWN_TOPIC_ID) {
        f->by_name = true;
        kfk__client_refresh(f->g->client, NULL);
    }
    return err;
}

static void free_fetching(fetching *f)
{
    kfk__slots_fini(&f->slots);
    kfk__release(&f->g->client->env->alloc, f);
}

static void done_fetch(kfk__call *call, const kfk_error *e, int64_t now)
{
    fetching *f = call->owner;
    kfk__offsets *o = f->o;

    if (e->code)
        kfk__offsets_settle_rest(o, e);
    free_fetching(f);
    kfk__list_remove(&o->link);
    kfk__offsets_end(o, now);
}

static const kfk__call_ops fetch_ops = {&kfk__offset_fetch_api, build_fetch, answer_fetch,
                                        done_fetch};

/* The slots of a fetch: all that it asks for. */
static kfk_err fill(fetching *f)
{
    kfk__offsets *o = f->o;
    kfk__offset_entry **v = kfk__arena_alloc(&o->arena, (o->n + 1) * sizeof(kfk__offset_entry *));

    if (!v)
        return KFK_ERR_NOMEM;
    o->ready = true;
    for (size_t i = 0; i < o->n; i++)
        v[i] = &o->entries[i];
    return kfk__slots_fill(&f->slots, v, o->n);
}

/* false: no memory, and |o| is as it was. */
static bool begin_fetching(kfk__groupio *g, kfk__offsets *o, bool all, bool stable)
{
    const kfk_allocator *a = &g->client->env->alloc;
    fetching *f = kfk__zalloc(a, sizeof *f);

    if (!f)
        return false;
    *f = (fetching){.g = g, .o = o, .all = all, .stable = stable};
    kfk__slots_init(&f->slots, a);
    if (!fill(f))
        f->call = kfk__client_call(g->client, &fetch_ops, f, KFK__TO_ROUTE, o->deadline);
    if (!f->call) {
        free_fetching(f);
        return false;
    }
    f->call->route = route_fetch;
    o->fetching = f;
    return true;
}

/* ---- the calls ---- */

static bool is_sound(const kfk_tp *tp, bool commit)
{
    return tp->topic && tp->partition >= 0 && (!commit || tp->offset >= 0);
}

/* What is given, copied; with what to do at its end. */
static kfk_err begin(const kfk__groupio *g, const kfk__group_meta *who, const kfk_tp *tps, size_t n,
                     bool commit, int64_t deadline, kfk__offsets **out)
{
    if (g->closed || g->client->closed)
        return KFK_ERR_CLOSED;
    if (!who->group || !who->member || strcmp(who->group, g->group) != 0 || (n && !tps))
        return KFK_ERR_INVALID_ARG;
    for (size_t i = 0; i < n; i++)
        if (!is_sound(&tps[i], commit))
            return KFK_ERR_INVALID_ARG;
    *out = kfk__offsets_new(&g->client->env->alloc, who, tps, n);
    if (!*out)
        return KFK_ERR_NOMEM;
    (*out)->deadline = deadline;
    return KFK_OK;
}

static void set_end(kfk__offsets *o, kfk__offsets_fn *fn, void *owner, void *arg,
                    kfk__offsets **out)
{
    o->done = fn;
    o->owner = owner;
    o->arg = arg;
    if (out)
        *out = o;
}

kfk_err kfk__groupio_commit(kfk__groupio *g, const kfk__group_meta *who, const kfk_tp *tps,
                            size_t n, int64_t deadline, kfk__offsets_fn *fn, void *owner, void *arg,
                            kfk__offsets **out)
{
    kfk__offsets *o;
    kfk_err err = begin(g, who, tps, n, true, deadline, &o);

    if (err)
        return err;
    set_end(o, fn, owner, arg, out);
    kfk__list_push(&g->commits, &o->link);
    return KFK_OK;
}

kfk_err kfk__groupio_fetch(kfk__groupio *g, const kfk__group_meta *who, const kfk_tp *tps, size_t n,
                           bool stable, int64_t deadline, kfk__offsets_fn *fn, void *owner,
                           void *arg, kfk__offsets **out)
{
    kfk__offsets *o;
    kfk_err err = begin(g, who, tps, tps ? n : 0, false, deadline, &o);

    if (err)
        return err;
    if (!begin_fetching(g, o, !tps, stable)) {
        kfk__offsets_free(o);
        return KFK_ERR_NOMEM;
    }
    set_end(o, fn, owner, arg, out);
    kfk__list_push(&g->fetches, &o->link);
    return KFK_OK;
}

static void end_fetching(kfk__groupio *g, kfk__offsets *o)
{
    fetching *f = o->fetching;

    if (!g->client->closed)
        kfk__client_drop(g->client, f->call);
    free_fetching(f);
    kfk__list_remove(&o->link);
}

void kfk__groupio_cancel(kfk__groupio *g, kfk__offsets *o)
{
    if (o->fetching)
        end_fetching(g, o);
    kfk__offsets_free(o);
    end_idle_call(g);
}

/* ---- the whole ---- */

kfk_err kfk__groupio_init(kfk__groupio *g, kfk__client *client, const char *group)
{
    *g = (kfk__groupio){.client = client};
    g->group = kfk__strdup(&client->env->alloc, group);
    if (!g->group)
        return KFK_ERR_NOMEM;
    kfk__list_init(&g->commits);
    kfk__list_init(&g->fetches);
    kfk__slots_init(&g->slots, &client->env->alloc);
    kfk__coordinator_init(&g->coordinator, client, KFK__COORDINATES_GROUP, g->group);
    return KFK_OK;
}

void kfk__groupio_fini(kfk__groupio *g, int64_t now)
{
    kfk__list *at;
    kfk_error e;

    close_all(g);
    if (g->call) /* which it is not once the client is closed */
        kfk__client_drop(g->client, g->call);
    g->call = NULL;
    tell(g, now);
    (void)kfk__fail(&e, KFK_ERR_CLOSED, "the handle was closed");
    while ((at = kfk__list_first(&g->fetches)) != NULL) {
        kfk__offsets *o = entry_of(at);

        end_fetching(g, o);
        kfk__offsets_settle_rest(o, &e);
        kfk__offsets_end(o, now);
    }
    kfk__slots_fini(&g->slots);
    kfk__coordinator_fini(&g->coordinator);
    kfk__release(&g->client->env->alloc, g->group);
    g->group = NULL;
}
