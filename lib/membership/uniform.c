#include "membership/uniform.h"

#include <string.h>

#include "membership/order.h"

/* Members in the order in which it is their turn. */
typedef struct row {
    int32_t *v;
    int32_t n;
} row;

typedef struct uniform {
    const kfk__roster *r;
    const kfk__claims *claims;
    const kfk__racks *racks; /* NULL: they do not matter */
    int32_t *holder;
    int32_t *count;  /* what each member has */
    int32_t least;   /* each gets this many ... */
    int32_t extra;   /* ... and so many members one more */
    int32_t n_extra; /* of them have it */
    row needy;       /* have less than least */
    row level;       /* have least, and may get one more */
    int32_t *left;   /* partitions that nobody has */
    int32_t n_left;
    int32_t *space;
} uniform;

static void row_add(row *w, int32_t member)
{
    w->v[w->n++] = member;
}

static int32_t row_take(row *w, int32_t at)
{
    int32_t member = w->v[at];

    w->n--;
    memmove(&w->v[at], &w->v[at + 1], (size_t)(w->n - at) * sizeof *w->v);
    return member;
}

static int32_t most(const uniform *u)
{
    return u->least + (u->extra > 0);
}

static void give(uniform *u, int32_t p, int32_t member)
{
    u->holder[p] = member;
    u->count[member]++;
}

/* ---- keep ---- */

static int by_number(const void *context, int32_t a, int32_t b)
{
    const kfk__roster *r = context;
    int32_t x = kfk__roster_number(r, a), y = kfk__roster_number(r, b);

    return x != y ? (x < y ? -1 : 1) : (a > b) - (a < b);
}

/* How many of the |n| partitions that |member| owned and may keep it does keep. */
static int32_t keeps(uniform *u, int32_t member, int32_t n)
{
    if (n < u->least) {
        row_add(&u->needy, member);
        return n;
    }
    if (n >= most(u) && u->n_extra < u->extra) {
        u->n_extra++;
        if (u->n_extra == u->extra)
            u->level.n = 0;
        return most(u);
    }
    if (u->n_extra < u->extra)
        row_add(&u->level, member);
    return u->least;
}

/* Of what it owned, the lowest numbers, whatever the topic. */
static void keep(uniform *u, int32_t member, int32_t *owned, int32_t n)
{
    int32_t kept = keeps(u, member, n);

    if (kept < n)
        kfk__order_sort(owned, u->space, (size_t)n, by_number, u->r);
    for (int32_t i = 0; i < kept; i++)
        give(u, owned[i], member);
}

/* What each member owned and is near: those of member m are owned[ends[m]] .. owned[ends[m+1]-1].
 */
static void gather(const uniform *u, int32_t *owned, int32_t *ends)
{
    const int32_t *owner = u->claims->owner;
    int32_t sum = 0;

    for (int32_t pass = 0; pass < 2; pass++) {
        for (int32_t p = 0; p < u->r->n_partitions; p++) {
            if (owner[p] == KFK__NOBODY || (u->racks && kfk__racks_differ(u->racks, owner[p], p)))
                continue;
            if (pass == 0)
                ends[owner[p] + 1]++;
            else
                owned[ends[owner[p] + 1]++] = p;
        }
        for (int32_t m = 0; pass == 0 && m < u->r->n_members; m++) {
            int32_t here = ends[m + 1];

            ends[m + 1] = sum;
            sum += here;
        }
    }
}

static bool keep_all(uniform *u)
{
    int32_t *owned = kfk__roster_numbers(u->r, (size_t)u->r->n_partitions, 0);
    int32_t *ends = kfk__roster_numbers(u->r, (size_t)u->r->n_members + 1, 0);

    if (!owned || !ends)
        return false;
    gather(u, owned, ends);
    for (int32_t m = 0; m < u->r->n_members; m++)
        keep(u, m, owned + ends[m], ends[m + 1] - ends[m]);
    return true;
}

/* ---- near ---- */

/* How many members are near the partition. */
static int32_t n_near(const uniform *u, int32_t p, const int32_t *in_rack)
{
    int32_t n = 0;

    for (size_t i = u->racks->of_partition[p]; i < u->racks->of_partition[p + 1]; i++)
        n += in_rack[u->racks->ids[i]];
    return n;
}

static int by_value(const void *context, int32_t a, int32_t b)
{
    const int32_t *v = context;

    return (v[a] > v[b]) - (v[a] < v[b]);
}

/* What few members are near comes first, while these still may take something. */
static bool scarce_first(uniform *u)
{
    int32_t *in_rack = kfk__roster_numbers(u->r, (size_t)u->racks->n, 0);
    int32_t *near = kfk__roster_numbers(u->r, (size_t)u->r->n_partitions, 0);

    if (!in_rack || !near)
        return false;
    for (int32_t m = 0; m < u->r->n_members; m++)
        if (u->racks->of_member[m] != KFK__NO_RACK)
            in_rack[u->racks->of_member[m]]++;
    for (int32_t i = 0; i < u->n_left; i++)
        near[u->left[i]] = n_near(u, u->left[i], in_rack);
    kfk__order_sort(u->left, u->space, (size_t)u->n_left, by_value, near);
    return true;
}

/* The first in the row, from |from| and round, that is in a rack of the partition's; or -1. */
static int32_t find_near(const uniform *u, const row *w, int32_t from, int32_t p)
{
    if (kfk__racks_count(u->racks, p) == 0)
        return -1;
    for (int32_t i = 0; i < w->n; i++) {
        int32_t at = from + i < w->n ? from + i : from + i - w->n;
        int32_t rack = u->racks->of_member[w->v[at]];

        if (rack != KFK__NO_RACK && kfk__racks_has(u->racks, p, rack))
            return at;
    }
    return -1;
}

/* To the one at |at| in the row of those who want; returns where to look from next. */
static int32_t give_needy(uniform *u, int32_t p, int32_t at)
{
    int32_t member = u->needy.v[at];

    give(u, p, member);
    if (u->count[member] < u->least) {
        at++;
    } else {
        (void)row_take(&u->needy, at);
        if (u->count[member] < most(u) && u->n_extra < u->extra)
            row_add(&u->level, member);
    }
    return at < u->needy.n ? at : 0;
}

static void give_level(uniform *u, int32_t p, int32_t at)
{
    give(u, p, row_take(&u->level, at));
    u->n_extra++;
    if (u->n_extra == u->extra)
        u->level.n = 0;
}

static bool give_near(uniform *u)
{
    int32_t next = 0, kept = 0;

    if (!scarce_first(u))
        return false;
    for (int32_t i = 0; i < u->n_left; i++) {
        int32_t p = u->left[i], at = find_near(u, &u->needy, next, p);

        if (at >= 0) {
            next = give_needy(u, p, at);
            continue;
        }
        at = find_near(u, &u->level, 0, p);
        if (at >= 0)
            give_level(u, p, at);
        else
            u->left[kept++] = p;
    }
    u->n_left = kept;
    return true;
}

/* ---- rest ---- */

/* In turn to those who want, and when none does any more, to those who may get one more. Each place
 * is counted, so that there is one for each partition. */
static void give_rest(uniform *u)
{
    int32_t next = 0;

    for (int32_t i = 0; i < u->n_left; i++) {
        if (u->needy.n == 0 && u->level.n == 0)
            return;
        if (u->needy.n == 0) {
            give(u, u->left[i], row_take(&u->level, 0));
            continue;
        }
        if (next >= u->needy.n)
            next = 0;
        give(u, u->left[i], u->needy.v[next]);
        if (u->count[u->needy.v[next]] >= u->least)
            row_add(&u->level, row_take(&u->needy, next));
        else
            next++;
    }
}

static bool set_out(uniform *u)
{
    size_t members = (size_t)u->r->n_members, partitions = (size_t)u->r->n_partitions;

    u->least = u->r->n_partitions / u->r->n_members;
    u->extra = u->r->n_partitions % u->r->n_members;
    u->count = kfk__roster_numbers(u->r, members, 0);
    u->needy.v = kfk__roster_numbers(u->r, members, 0);
    u->level.v = kfk__roster_numbers(u->r, members, 0);
    u->left = kfk__roster_numbers(u->r, partitions, 0);
    u->space = kfk__roster_numbers(u->r, partitions, 0);
    return u->count && u->needy.v && u->level.v && u->left && u->space;
}

kfk_err kfk__uniform_decide(const kfk__roster *r, const kfk__claims *claims,
                            const kfk__racks *racks, int32_t *holder)
{
    uniform u = {.r = r, .claims = claims, .racks = racks, .holder = holder};

    if (r->n_partitions == 0)
        return KFK_OK;
    if (!set_out(&u) || !keep_all(&u))
        return KFK_ERR_NOMEM;
    for (int32_t p = 0; p < r->n_partitions; p++)
        if (holder[p] == KFK__NOBODY)
            u.left[u.n_left++] = p;
    if (racks && !give_near(&u))
        return KFK_ERR_NOMEM;
    give_rest(&u);
    return KFK_OK;
}
