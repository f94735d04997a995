#include "membership/custom.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "membership/assignors.h"
#include "membership/claims.h"

/* What the function is given of one group. */
typedef struct asking {
    const kfk__custom *custom;
    kfk__roster r;
    int32_t *holder; /* of each partition: all of the topics' owners, one after another */
    int32_t *seen;   /* of each partition: the last member that said it owned it */
    const char **names;
    kfk_assign_member *members;
    kfk_assign_topic *topics;
    kfk_error *e;
} asking;

static void *room(const asking *k, size_t n, size_t size)
{
    return n < SIZE_MAX / size ? kfk__arena_alloc(k->r.arena, (n + 1) * size) : NULL;
}

/* ---- what the function sees ---- */

/* *out: a copy that ends with a NUL. false: no memory. */
static bool text_of(const asking *k, kfk_bytes from, const char **out)
{
    char *text = kfk__arena_alloc(k->r.arena, from.len + 1);
    if (!text)
        return false;
    if (from.len)
        memcpy(text, from.data, from.len);
    text[from.len] = '\0';
    *out = text;
    return true;
}

/* The same of what may be missing: NULL then. */
static bool maybe_text_of(const asking *k, kfk_bytes from, const char **out)
{
    *out = NULL;
    return from.len == 0 || text_of(k, from, out);
}

static bool show_topics(asking *k)
{
    const kfk__roster *r = &k->r;

    k->topics = room(k, (size_t)r->n_topics, sizeof *k->topics);
    k->names = room(k, (size_t)r->n_topics, sizeof *k->names);
    if (!k->topics || !k->names)
        return false;
    for (int32_t t = 0; t < r->n_topics; t++) {
        if (!text_of(k, r->topics[t]->name, &k->names[t]))
            return false;
        k->topics[t] = (kfk_assign_topic){.topic = k->names[t],
                                          .n_partitions = kfk__roster_n_partitions(r, t),
                                          .owner = &k->holder[r->first[t]]};
    }
    return true;
}

/* Those of its topics that there are, so that each is one of the topics that are told of. */
static bool show_subscribed(const asking *k, int32_t m, kfk_assign_member *to)
{
    const kfk__roster *r = &k->r;
    size_t from = r->topics_of[m], n = r->topics_of[m + 1] - from;
    const char **v = room(k, n, sizeof *v);

    for (size_t i = 0; v && i < n; i++)
        v[i] = k->names[r->topics_read[from + i]];
    to->topics = v;
    to->n_topics = n;
    return v != NULL;
}

/* The partition, if it exists and the member did not say so before; or -1. */
static int32_t owned_at(const asking *k, int32_t m, int32_t t, int32_t number)
{
    int32_t p;

    if (number < 0 || number >= kfk__roster_n_partitions(&k->r, t))
        return -1;
    p = k->r.first[t] + number;
    if (k->seen[p] == m)
        return -1;
    k->seen[p] = m;
    return p;
}

static void show_owned_topic(const asking *k, int32_t m, const kfk__topic_parts *parts, kfk_tp *v,
                             size_t *n)
{
    int32_t t = kfk__roster_topic(&k->r, parts->topic);

    for (int32_t i = 0; t >= 0 && i < parts->n; i++)
        if (owned_at(k, m, t, parts->v[i]) >= 0)
            v[(*n)++] = (kfk_tp){.topic = k->names[t], .partition = parts->v[i]};
}

/* There is room for as much as can be: no more than it says, and no more than there is. */
static bool show_owned(const asking *k, int32_t m, kfk_assign_member *to)
{
    const kfk__assign_member *from = k->r.members[m];
    size_t most = 0;
    kfk_tp *v;

    for (int32_t i = 0; i < from->n_owned; i++)
        most += (size_t)from->owned[i].n;
    if (most > (size_t)k->r.n_partitions)
        most = (size_t)k->r.n_partitions;
    v = room(k, most, sizeof *v);
    to->owned = v;
    for (int32_t i = 0; v && i < from->n_owned; i++)
        show_owned_topic(k, m, &from->owned[i], v, &to->n_owned);
    return v != NULL;
}

static bool show_member(const asking *k, int32_t m)
{
    const kfk__assign_member *from = k->r.members[m];
    kfk_assign_member *to = &k->members[m];

    *to = (kfk_assign_member){0};
    return text_of(k, from->id, &to->id) && maybe_text_of(k, from->instance, &to->instance) &&
           maybe_text_of(k, from->rack, &to->rack) && show_subscribed(k, m, to) &&
           show_owned(k, m, to);
}

static kfk_err show(asking *k)
{
    size_t n = (size_t)k->r.n_partitions;

    k->holder = kfk__roster_numbers(&k->r, n, KFK__NOBODY);
    k->seen = kfk__roster_numbers(&k->r, n, KFK__NOBODY);
    k->members = room(k, (size_t)k->r.n_members, sizeof *k->members);
    if (!k->holder || !k->seen || !k->members || !show_topics(k))
        return KFK_ERR_NOMEM;
    for (int32_t m = 0; m < k->r.n_members; m++)
        if (!show_member(k, m))
            return KFK_ERR_NOMEM;
    return KFK_OK;
}

/* ---- what it says ---- */

static kfk_err call(const asking *k)
{
    const kfk__custom *u = k->custom;
    kfk_err err =
        u->fn(k->members, (size_t)k->r.n_members, k->topics, (size_t)k->r.n_topics, u->arg);

    if (err == KFK_OK || err == KFK_ERR_NOMEM)
        return err;
    return kfk__fail(k->e, KFK_ERR_INVALID_ARG, "the assignor %s failed with %s (%d)", u->name,
                     kfk_err_name(err), (int)err);
}

static kfk_err check_owners(const asking *k)
{
    for (int32_t t = 0; t < k->r.n_topics; t++)
        for (int32_t p = k->r.first[t]; p < k->r.first[t + 1]; p++)
            if (k->holder[p] < KFK__NOBODY || k->holder[p] >= k->r.n_members)
                return kfk__fail(k->e, KFK_ERR_INVALID_ARG,
                                 "the assignor %s gives partition %d of %s to member %d, of %d",
                                 k->custom->name, (int)kfk__roster_number(&k->r, p), k->names[t],
                                 (int)k->holder[p], (int)k->r.n_members);
    return KFK_OK;
}

/* What somebody else has is given on when he has given it up, which leads to another round. */
static kfk_err withhold(const asking *k)
{
    kfk__claims claims;
    kfk_err err;

    if (!(k->custom->flags & KFK_ASSIGNOR_COOPERATIVE))
        return KFK_OK;
    err = kfk__claims_init(&claims, &k->r, KFK__FROM_SUBSCRIPTION);
    for (int32_t p = 0; err == KFK_OK && p < k->r.n_partitions; p++)
        if (kfk__claims_bars(&claims, p, k->holder[p]))
            k->holder[p] = KFK__NOBODY;
    return err;
}

static kfk_err ask(asking *k, const kfk__assign_group *in, kfk__arena *scratch)
{
    kfk_err err = kfk__roster_init(&k->r, in, KFK__BY_INSTANCE, scratch);

    if (err == KFK_OK)
        err = show(k);
    if (err == KFK_OK)
        err = call(k);
    if (err == KFK_OK)
        err = check_owners(k);
    return err == KFK_OK ? withhold(k) : err;
}

kfk_err kfk__custom_assign(const kfk__assignor *self, const kfk__assign_group *in,
                           kfk__arena *arena, const kfk__assign_share **out, kfk_error *e)
{
    asking k = {.custom = self->arg, .e = e};
    kfk__arena scratch;
    kfk_err err;

    kfk__arena_init(&scratch, arena->alloc);
    err = ask(&k, in, &scratch);
    if (err == KFK_OK)
        err = kfk__roster_answer(&k.r, k.holder, arena, out);
    kfk__arena_fini(&scratch);
    return err;
}

/* ---- the assignors of a member ---- */

static char *copy_name(kfk__arena *a, const char *name)
{
    size_t n = strlen(name) + 1;
    char *copy = kfk__arena_alloc(a, n);

    return copy ? memcpy(copy, name, n) : NULL;
}

/* NULL: no memory. */
static const kfk__assignor *make(kfk__arena *a, const kfk__custom *from)
{
    const bool cooperative = from->flags & KFK_ASSIGNOR_COOPERATIVE;
    kfk__assignor *to = kfk__arena_alloc(a, sizeof *to);
    kfk__custom *custom = kfk__arena_alloc(a, sizeof *custom);
    const char *name = copy_name(a, from->name);

    if (!to || !custom || !name)
        return NULL;
    *custom = *from;
    custom->name = name;
    *to = (kfk__assignor){.name = kfk__bytes_str(name),
                          .protocols = KFK__EAGER | (cooperative ? KFK__COOPERATIVE : 0),
                          .assign = kfk__custom_assign,
                          .arg = custom};
    return to;
}

static kfk_err add(kfk__assignor_list *l, kfk_bytes name, const kfk__custom *own, size_t n_own,
                   kfk_error *e)
{
    const kfk__assignor *found = kfk__assignor_find(name, NULL, 0);

    for (size_t i = 0; !found && i < n_own; i++)
        if (kfk__bytes_equal(kfk__bytes_str(own[i].name), name)) {
            found = make(&l->arena, &own[i]);
            if (!found)
                return kfk__fail_nomem(e);
        }
    if (!found)
        return kfk__fail(e, KFK_ERR_CONFIG, "there is no assignor \"%.*s\"",
                         name.len < 255 ? (int)name.len : 255, (const char *)name.data);
    l->v[l->n++] = found;
    return KFK_OK;
}

kfk_err kfk__assignors_of(kfk__assignor_list *l, const kfk_bytes *names, size_t n_names,
                          const kfk__custom *own, size_t n_own, const kfk_allocator *a,
                          kfk_error *e)
{
    kfk_err err = KFK_OK;

    *l = (kfk__assignor_list){0};
    kfk__arena_init(&l->arena, a);
    if (n_names < SIZE_MAX / sizeof *l->v)
        l->v = kfk__arena_alloc(&l->arena, (n_names + 1) * sizeof *l->v);
    if (!l->v)
        return kfk__fail_nomem(e);
    for (size_t i = 0; !err && i < n_names; i++)
        err = add(l, names[i], own, n_own, e);
    return err;
}

void kfk__assignor_list_fini(kfk__assignor_list *l)
{
    kfk__arena_fini(&l->arena);
    *l = (kfk__assignor_list){.arena = l->arena};
}
