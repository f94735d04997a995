#include "base/log_limit.h"

#include <stdio.h>

#define SECOND INT64_C(1000000000)
#define FIRST_WAIT (30 * SECOND)
#define LONGEST_WAIT (960 * SECOND)

/* FNV-1a, over all but digits: a port, a size or a count does not make it another line. */
static uint32_t hash(const char *s, uint32_t h)
{
    for (; *s; s++)
        if (*s < '0' || *s > '9')
            h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

uint32_t kfk__log_who(const char *name, unsigned number)
{
    uint32_t h = 2166136261u ^ number;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

static bool is_due(const kfk__log_kind *k, int64_t now)
{
    return k->well || now - k->told_at >= k->wait;
}

/* Room for another kind: new, or that of one that is due and was told longest ago. NULL: there is none. */
static kfk__log_kind *find_room(kfk__log_limit *l, int64_t now)
{
    kfk__log_kind *oldest = NULL;

    if (l->n < KFK__LOG_KINDS)
        return &l->kinds[l->n++];
    for (kfk__log_kind *k = l->kinds; k < l->kinds + l->n; k++)
        if (is_due(k, now) && (!oldest || k->told_at < oldest->told_at))
            oldest = k;
    return oldest;
}

static kfk__log_kind *find(kfk__log_limit *l, uint32_t who, uint32_t what)
{
    for (kfk__log_kind *k = l->kinds; k < l->kinds + l->n; k++)
        if (k->who == who && k->what == what)
            return k;
    return NULL;
}

static void count_left_out(kfk__log_kind *k, int64_t now, char more[KFK__LOG_MORE])
{
    more[0] = '\0';
    if (k->left_out)
        (void)snprintf(more, KFK__LOG_MORE, " (%u more like this in %lld s)", k->left_out,
                       (long long)((now - k->told_at) / SECOND));
    k->left_out = 0;
}

bool kfk__log_allows(kfk__log_limit *l, uint32_t who, const char *line, int64_t now,
                     char more[KFK__LOG_MORE])
{
    uint32_t what = hash(line, 2166136261u);
    kfk__log_kind *k = find(l, who, what);

    if (!k) {
        k = find_room(l, now);
        if (!k)
            return false;
        *k = (kfk__log_kind){.who = who, .what = what, .well = true, .well_at = -1};
    } else if (!is_due(k, now)) {
        k->left_out++;
        return false;
    }
    count_left_out(k, now, more);
    k->wait = k->well ? FIRST_WAIT : k->wait * 2 < LONGEST_WAIT ? k->wait * 2 : LONGEST_WAIT;
    k->well = false;
    k->told_at = now;
    return true;
}

bool kfk__log_well(kfk__log_limit *l, uint32_t who, int64_t now)
{
    bool told = false;

    for (kfk__log_kind *k = l->kinds; k < l->kinds + l->n; k++) {
        if (k->who != who || k->well || (k->well_at >= 0 && now - k->well_at < FIRST_WAIT))
            continue;
        k->well = true;
        k->well_at = now;
        told = true;
    }
    return told;
}
