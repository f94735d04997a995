#include "membership/wanted.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Topics come one by one. */
enum { GROWTH = 64 };

void kfk__wanted_init(kfk__wanted *w, const kfk_allocator *a)
{
    *w = (kfk__wanted){.alloc = a};
}

void kfk__wanted_fini(kfk__wanted *w)
{
    for (size_t i = 0; i < w->n; i++)
        kfk__release(w->alloc, w->topics[i]);
    kfk__release(w->alloc, w->topics);
    if (w->pattern)
        regfree(&w->regex);
    kfk__release(w->alloc, w->pattern);
    kfk__wanted_init(w, w->alloc);
}

static kfk_err set_pattern(kfk__wanted *w, const char *pattern, kfk_error *e)
{
    char why[128];
    int rc = regcomp(&w->regex, pattern, REG_EXTENDED);

    if (rc == REG_ESPACE)
        return kfk__fail_nomem(e);
    if (rc) {
        (void)regerror(rc, &w->regex, why, sizeof why);
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "the expression %.200s: %s", pattern, why);
    }
    w->pattern = kfk__strdup(w->alloc, pattern);
    if (w->pattern)
        return KFK_OK;
    regfree(&w->regex);
    return kfk__fail_nomem(e);
}

kfk_err kfk__wanted_add(kfk__wanted *w, const char *topic)
{
    size_t at = w->n;
    char *copy, **v;

    while (at > 0 && strcmp(w->topics[at - 1], topic) > 0)
        at--;
    if (at > 0 && strcmp(w->topics[at - 1], topic) == 0)
        return KFK_OK;
    v = w->n % GROWTH == 0 ? kfk__array(w->alloc, w->topics, w->n + GROWTH, sizeof *v) : w->topics;
    if (!v)
        return KFK_ERR_NOMEM;
    w->topics = v;
    copy = kfk__strdup(w->alloc, topic);
    if (!copy)
        return KFK_ERR_NOMEM;
    memmove(&w->topics[at + 1], &w->topics[at], (w->n - at) * sizeof *w->topics);
    w->topics[at] = copy;
    w->n++;
    return KFK_OK;
}

static kfk_err set_topics(kfk__wanted *w, const char *const *topics, size_t n, kfk_error *e)
{
    kfk_err err = KFK_OK;

    for (size_t i = 0; !err && i < n; i++)
        err = kfk__wanted_add(w, topics[i]);
    return err ? kfk__fail_nomem(e) : KFK_OK;
}

static kfk_err check(const char *const *topics, size_t n, kfk_error *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!topics[i] || !topics[i][0])
            return kfk__fail(e, KFK_ERR_INVALID_ARG, "a topic to subscribe to has no name");
        if (topics[i][0] == '^' && n > 1)
            return kfk__fail(e, KFK_ERR_INVALID_ARG,
                             "the expression %.200s stands beside other topics: it has to be the only one",
                             topics[i]);
    }
    return KFK_OK;
}

kfk_err kfk__wanted_set(kfk__wanted *w, const char *const *topics, size_t n, kfk_error *e)
{
    kfk_err err = n && topics ? check(topics, n, e)
                              : kfk__fail(e, KFK_ERR_INVALID_ARG, "no topic to subscribe to");

    if (!err)
        err = topics[0][0] == '^' ? set_pattern(w, topics[0], e) : set_topics(w, topics, n, e);
    if (err)
        kfk__wanted_fini(w);
    return err;
}

void kfk__wanted_move(kfk__wanted *to, kfk__wanted *from)
{
    kfk__wanted_fini(to);
    *to = *from;
    kfk__wanted_init(from, from->alloc);
}

bool kfk__wanted_equal(const kfk__wanted *a, const kfk__wanted *b)
{
    if (!a->pattern != !b->pattern || a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->topics[i], b->topics[i]) != 0)
            return false;
    return !a->pattern || strcmp(a->pattern, b->pattern) == 0;
}

bool kfk__wanted_matches(const kfk__wanted *w, const char *name)
{
    regmatch_t m;

    /* The longest of the leftmost: if there is one of the whole name it is this. */
    return w->pattern && regexec(&w->regex, name, 1, &m, 0) == 0 && m.rm_so == 0 &&
           (size_t)m.rm_eo == strlen(name);
}

bool kfk__wanted_names(const kfk__wanted *w, kfk_bytes name)
{
    size_t from = 0, to = w->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        size_t len = strlen(w->topics[mid]), least = len < name.len ? len : name.len;
        int order = least ? memcmp(w->topics[mid], name.data, least) : 0;

        if (order == 0 && len == name.len)
            return true;
        if (order < 0 || (order == 0 && len < name.len))
            from = mid + 1;
        else
            to = mid;
    }
    return false;
}
