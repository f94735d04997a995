#include "membership/roster.h"

#include <string.h>

#include "base/bytes.h"
#include "base/map.h"
#include "membership/order.h"

/* A name that was given as a topic's, or that somebody subscribes to. */
typedef struct name {
    kfk_bytes name;
    const kfk__assign_topic *given; /* NULL: it does not exist */
    int32_t number;                 /* as a topic; -1: none */
    int32_t last_reader;            /* the member that was seen with it last; -1: none */
} name;

/* What there is only while a roster is made. */
typedef struct making {
    kfk__roster *r;
    kfk__map by_name;
    name *names; /* those given, then the others */
    int32_t n_names, n_wanted;
    name **wants; /* what each member subscribes to, one after another, none twice */
    size_t *wants_of;
} making;

static void *room(const kfk__roster *r, size_t n, size_t size)
{
    return n < SIZE_MAX / size ? kfk__arena_alloc(r->arena, (n + 1) * size) : NULL;
}

int32_t *kfk__roster_numbers(const kfk__roster *r, size_t n, int32_t value)
{
    int32_t *v = room(r, n, sizeof *v);

    for (size_t i = 0; v && i < n; i++)
        v[i] = value;
    return v;
}

/* ---- members ---- */

static int by_id(const void *context, int32_t a, int32_t b)
{
    const kfk__assign_group *in = context;

    return kfk__order_names(in->members[a].id, in->members[b].id);
}

static int by_instance(const void *context, int32_t a, int32_t b)
{
    const kfk__assign_group *in = context;
    const kfk__assign_member *x = &in->members[a], *y = &in->members[b];
    int order;

    if (!x->instance.data != !y->instance.data)
        return x->instance.data ? -1 : 1;
    order = kfk__order_names(x->instance, y->instance);
    return order ? order : kfk__order_names(x->id, y->id);
}

static bool unique_ids(const kfk__roster *r, const int32_t *by)
{
    for (int32_t m = 1; m < r->n_members; m++)
        if (by_id(r->in, by[m - 1], by[m]) == 0)
            return false;
    return true;
}

static kfk_err number_members(kfk__roster *r, kfk__roster_order order)
{
    size_t n = (size_t)r->n_members;
    int32_t *by = kfk__roster_numbers(r, n, 0), *space = kfk__roster_numbers(r, n, 0);

    r->members = room(r, n, sizeof *r->members);
    if (!by || !space || !r->members)
        return KFK_ERR_NOMEM;
    for (int32_t m = 0; m < r->n_members; m++)
        by[m] = m;
    kfk__order_sort(by, space, n, by_id, r->in);
    if (!unique_ids(r, by))
        return KFK_ERR_INVALID_ARG;
    if (order == KFK__BY_INSTANCE)
        kfk__order_sort(by, space, n, by_instance, r->in);
    for (int32_t m = 0; m < r->n_members; m++)
        r->members[m] = &r->in->members[by[m]];
    return KFK_OK;
}

/* ---- names ---- */

/* NULL: no memory. */
static name *add_name(making *k, kfk_bytes text)
{
    name *it = &k->names[k->n_names];

    *it = (name){.name = text, .number = -1, .last_reader = KFK__NOBODY};
    if (!kfk__map_put(&k->by_name, text.data, text.len, it))
        return NULL;
    k->n_names++;
    return it;
}

static kfk_err take_given(making *k)
{
    const kfk__assign_group *in = k->r->in;

    for (int32_t i = 0; i < in->n_topics; i++) {
        kfk_bytes text = in->topics[i].name;
        name *it;

        if (kfk__map_get(&k->by_name, text.data, text.len))
            return KFK_ERR_INVALID_ARG;
        it = add_name(k, text);
        if (!it)
            return KFK_ERR_NOMEM;
        it->given = &in->topics[i];
    }
    return KFK_OK;
}

static kfk_err take_wanted_of(making *k, int32_t m, size_t *at)
{
    const kfk__assign_member *member = k->r->members[m];

    k->wants_of[m] = *at;
    for (int32_t i = 0; i < member->n_topics; i++) {
        kfk_bytes text = member->topics[i];
        name *it = kfk__map_get(&k->by_name, text.data, text.len);

        if (!it)
            it = add_name(k, text);
        if (!it)
            return KFK_ERR_NOMEM;
        if (it->last_reader == m)
            continue;
        k->n_wanted += it->last_reader == KFK__NOBODY;
        it->last_reader = m;
        k->wants[(*at)++] = it;
    }
    return KFK_OK;
}

static kfk_err take_wanted(making *k)
{
    kfk__roster *r = k->r;
    size_t at = 0;
    kfk_err err = KFK_OK;

    for (int32_t m = 0; err == KFK_OK && m < r->n_members; m++)
        err = take_wanted_of(k, m, &at);
    k->wants_of[r->n_members] = at;
    r->alike = true;
    for (int32_t m = 0; err == KFK_OK && m < r->n_members; m++)
        r->alike = r->alike && k->wants_of[m + 1] - k->wants_of[m] == (size_t)k->n_wanted;
    return err;
}

static kfk_err take_names(making *k)
{
    const kfk__assign_group *in = k->r->in;
    int64_t most = in->n_topics;
    kfk_err err;

    for (int32_t m = 0; m < in->n_members; m++)
        most += in->members[m].n_topics;
    if (most >= INT32_MAX)
        return KFK_ERR_INVALID_ARG;
    k->names = room(k->r, (size_t)most, sizeof *k->names);
    k->wants = room(k->r, (size_t)most, sizeof *k->wants);
    k->wants_of = room(k->r, (size_t)in->n_members, sizeof *k->wants_of);
    if (!k->names || !k->wants || !k->wants_of)
        return KFK_ERR_NOMEM;
    err = take_given(k);
    return err == KFK_OK ? take_wanted(k) : err;
}

/* ---- topics and partitions ---- */

static int by_name(const void *context, int32_t a, int32_t b)
{
    const name *names = context;

    return kfk__order_names(names[a].name, names[b].name);
}

static bool is_topic(const name *it)
{
    return it->given && it->given->n_partitions > 0 && it->last_reader != KFK__NOBODY;
}

static kfk_err number_topics(making *k)
{
    kfk__roster *r = k->r;
    size_t n = (size_t)k->n_names;
    int32_t *by = kfk__roster_numbers(r, n, 0), *space = kfk__roster_numbers(r, n, 0);
    int64_t total = 0;

    r->topics = room(r, n, sizeof *r->topics);
    r->first = kfk__roster_numbers(r, n, 0);
    if (!by || !space || !r->topics || !r->first)
        return KFK_ERR_NOMEM;
    for (int32_t i = 0; i < k->n_names; i++)
        if (is_topic(&k->names[i]))
            by[r->n_topics++] = i;
    kfk__order_sort(by, space, (size_t)r->n_topics, by_name, k->names);
    r->first[0] = 0;
    for (int32_t t = 0; t < r->n_topics; t++) {
        name *it = &k->names[by[t]];

        it->number = t;
        r->topics[t] = it->given;
        total += it->given->n_partitions;
        if (total > KFK__ASSIGN_MOST)
            return KFK_ERR_INVALID_ARG;
        r->first[t + 1] = (int32_t)total;
    }
    r->n_partitions = (int32_t)total;
    return KFK_OK;
}

static bool number_partitions(kfk__roster *r)
{
    r->topic_of = kfk__roster_numbers(r, (size_t)r->n_partitions, 0);
    for (int32_t t = 0; r->topic_of && t < r->n_topics; t++)
        for (int32_t p = r->first[t]; p < r->first[t + 1]; p++)
            r->topic_of[p] = t;
    return r->topic_of != NULL;
}

/* ---- who reads what: members in order make each topic's readers ascending, and topics in order
 * each member's topics ---- */

/* v[i] becomes the sum of all before it; v has one more than |n|. */
static void sum_up(size_t *v, int32_t n)
{
    size_t sum = 0;

    for (int32_t i = 0; i <= n; i++) {
        size_t here = v[i];

        v[i] = sum;
        sum += here;
    }
}

/* As each place is filled the beginnings have moved on by one; back again. */
static void step_back(size_t *v, int32_t n)
{
    for (int32_t i = n; i > 0; i--)
        v[i] = v[i - 1];
    v[0] = 0;
}

static void fill_readers(making *k)
{
    kfk__roster *r = k->r;

    for (size_t i = 0; i < k->wants_of[r->n_members]; i++)
        if (k->wants[i]->number >= 0)
            r->readers_of[k->wants[i]->number]++;
    sum_up(r->readers_of, r->n_topics);
    for (int32_t m = 0; m < r->n_members; m++)
        for (size_t i = k->wants_of[m]; i < k->wants_of[m + 1]; i++)
            if (k->wants[i]->number >= 0)
                r->readers[r->readers_of[k->wants[i]->number]++] = m;
    step_back(r->readers_of, r->n_topics);
}

static void fill_topics_read(kfk__roster *r)
{
    size_t total = r->readers_of[r->n_topics];

    for (size_t i = 0; i < total; i++)
        r->topics_of[r->readers[i]]++;
    sum_up(r->topics_of, r->n_members);
    for (int32_t t = 0; t < r->n_topics; t++)
        for (size_t i = r->readers_of[t]; i < r->readers_of[t + 1]; i++)
            r->topics_read[r->topics_of[r->readers[i]]++] = t;
    step_back(r->topics_of, r->n_members);
}

static size_t *zeroes(const kfk__roster *r, int32_t n)
{
    size_t *v = room(r, (size_t)n, sizeof *v);

    if (v)
        memset(v, 0, ((size_t)n + 1) * sizeof *v);
    return v;
}

static kfk_err note_readers(making *k)
{
    kfk__roster *r = k->r;
    size_t most = k->wants_of[r->n_members];

    r->readers_of = zeroes(r, r->n_topics);
    r->topics_of = zeroes(r, r->n_members);
    r->readers = kfk__roster_numbers(r, most, 0);
    r->topics_read = kfk__roster_numbers(r, most, 0);
    if (!r->readers_of || !r->topics_of || !r->readers || !r->topics_read)
        return KFK_ERR_NOMEM;
    fill_readers(k);
    fill_topics_read(r);
    return KFK_OK;
}

kfk_err kfk__roster_init(kfk__roster *r, const kfk__assign_group *in, kfk__roster_order order,
                         kfk__arena *arena)
{
    making k = {.r = r};
    kfk_err err;

    *r = (kfk__roster){.in = in, .arena = arena, .n_members = in->n_members};
    kfk__map_init(&k.by_name, arena->alloc);
    err = number_members(r, order);
    if (err == KFK_OK)
        err = take_names(&k);
    if (err == KFK_OK)
        err = number_topics(&k);
    if (err == KFK_OK)
        err = number_partitions(r) ? note_readers(&k) : KFK_ERR_NOMEM;
    kfk__map_fini(&k.by_name);
    return err;
}

/* ---- looking up ---- */

int32_t kfk__roster_topic(const kfk__roster *r, kfk_bytes text)
{
    int32_t from = 0, to = r->n_topics;

    while (from < to) {
        int32_t mid = from + (to - from) / 2;
        int order = kfk__order_names(r->topics[mid]->name, text);

        if (order == 0)
            return mid;
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return -1;
}

bool kfk__roster_reads(const kfk__roster *r, int32_t member, int32_t topic)
{
    size_t from = r->topics_of[member], to = r->topics_of[member + 1];

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (r->topics_read[mid] == topic)
            return true;
        if (r->topics_read[mid] < topic)
            from = mid + 1;
        else
            to = mid;
    }
    return false;
}

/* ---- the answer ---- */

/* Where each member's part of it lies. */
typedef struct share {
    kfk__topic_parts *topics;
    int32_t *partitions;
    int32_t n_topics, n_partitions, last_topic;
} share;

static void count_shares(const kfk__roster *r, const int32_t *holder, share *shares)
{
    for (int32_t p = 0; p < r->n_partitions; p++) {
        share *s = holder[p] == KFK__NOBODY ? NULL : &shares[holder[p]];

        if (!s)
            continue;
        s->n_topics += s->last_topic != r->topic_of[p];
        s->last_topic = r->topic_of[p];
        s->n_partitions++;
    }
}

static bool place_shares(const kfk__roster *r, share *shares, kfk__arena *arena)
{
    size_t topics = 0, partitions = 0;
    kfk__topic_parts *t;
    int32_t *p;

    for (int32_t m = 0; m < r->n_members; m++) {
        topics += (size_t)shares[m].n_topics;
        partitions += (size_t)shares[m].n_partitions;
    }
    t = kfk__arena_alloc(arena, (topics + 1) * sizeof *t);
    p = kfk__arena_alloc(arena, (partitions + 1) * sizeof *p);
    for (int32_t m = 0; t && p && m < r->n_members; m++) {
        share *s = &shares[m];

        s->topics = t;
        s->partitions = p;
        t += s->n_topics;
        p += s->n_partitions;
        s->n_topics = s->n_partitions = 0;
        s->last_topic = -1;
    }
    return t && p;
}

static void fill_shares(const kfk__roster *r, const int32_t *holder, share *shares)
{
    for (int32_t p = 0; p < r->n_partitions; p++) {
        share *s = holder[p] == KFK__NOBODY ? NULL : &shares[holder[p]];

        if (!s)
            continue;
        if (s->last_topic != r->topic_of[p])
            s->topics[s->n_topics++] = (kfk__topic_parts){.topic = r->topics[r->topic_of[p]]->name,
                                                          .v = &s->partitions[s->n_partitions]};
        s->last_topic = r->topic_of[p];
        s->partitions[s->n_partitions++] = kfk__roster_number(r, p);
        s->topics[s->n_topics - 1].n++;
    }
}

kfk_err kfk__roster_answer(const kfk__roster *r, const int32_t *holder, kfk__arena *arena,
                           const kfk__assign_share **out)
{
    share *shares = room(r, (size_t)r->n_members, sizeof *shares);
    kfk__assign_share *answer = kfk__arena_alloc(arena, ((size_t)r->n_members + 1) * sizeof *answer);

    if (!shares || !answer)
        return KFK_ERR_NOMEM;
    for (int32_t m = 0; m < r->n_members; m++)
        shares[m] = (share){.last_topic = -1};
    count_shares(r, holder, shares);
    if (!place_shares(r, shares, arena))
        return KFK_ERR_NOMEM;
    fill_shares(r, holder, shares);
    for (int32_t m = 0; m < r->n_members; m++)
        answer[r->members[m] - r->in->members] =
            (kfk__assign_share){.topics = shares[m].topics, .n = shares[m].n_topics};
    *out = answer;
    return KFK_OK;
}
