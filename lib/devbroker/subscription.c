#include "devbroker/subscription.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/copy.h"

enum { REGEX_MAX = 4096 };

void kfk__dev_subscription_free(kfk__dev_subscription *s, const kfk_allocator *a)
{
    kfk__release(a, s->names);
    kfk__dev_copy_free(a, &s->regex);
    *s = (kfk__dev_subscription){0};
}

bool kfk__dev_subscription_names(kfk__dev_subscription *s, const kfk_allocator *a,
                                 const kfk_bytes *names, int32_t n)
{
    size_t size = (size_t)n * sizeof *names + 1;
    kfk_bytes *v;
    char *to;

    for (int32_t i = 0; i < n; i++)
        size += names[i].len;
    v = kfk__alloc(a, size);
    if (!v)
        return false;
    to = (char *)(v + n);
    for (int32_t i = 0; i < n; i++) {
        v[i] = kfk__bytes(to, names[i].len);
        if (names[i].len)
            memcpy(to, names[i].data, names[i].len);
        to += names[i].len;
    }
    kfk__release(a, s->names);
    s->names = v;
    s->n = n;
    return true;
}

bool kfk__dev_subscription_regex(kfk__dev_subscription *s, const kfk_allocator *a, kfk_bytes regex)
{
    kfk_bytes copy;

    if (!kfk__dev_copy(a, regex, &copy))
        return false;
    kfk__dev_copy_free(a, &s->regex);
    s->regex = copy;
    return true;
}

static bool named(const kfk_bytes *names, int32_t n, kfk_bytes name)
{
    for (int32_t i = 0; i < n; i++)
        if (kfk__bytes_equal(names[i], name))
            return true;
    return false;
}

bool kfk__dev_subscription_has(const kfk__dev_subscription *s, const kfk_bytes *names, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!named(s->names, s->n, names[i]))
            return false;
    for (int32_t i = 0; i < s->n; i++)
        if (!named(names, n, s->names[i]))
            return false;
    return true;
}

/* ---- expressions ---- */

/* Of whole names: "^(a|b)$". false: not an expression. */
static bool compile(kfk_bytes regex, regex_t *out)
{
    char text[REGEX_MAX + 8];

    if (regex.len > REGEX_MAX || memchr(regex.data, 0, regex.len))
        return false;
    (void)snprintf(text, sizeof text, "^(%.*s)$", (int)regex.len, (const char *)regex.data);
    return regcomp(out, text, REG_EXTENDED | REG_NOSUB) == 0;
}

bool kfk__dev_regex_ok(kfk_bytes regex)
{
    regex_t compiled;

    if (!compile(regex, &compiled))
        return false;
    regfree(&compiled);
    return true;
}

void kfk__dev_wanted_open(kfk__dev_wanted *w, const kfk__dev_subscription *s)
{
    w->s = s;
    w->compiled = s->regex.len > 0 && compile(s->regex, &w->regex);
}

bool kfk__dev_wanted_topic(const kfk__dev_wanted *w, const char *topic)
{
    return named(w->s->names, w->s->n, kfk__bytes_str(topic)) ||
           (w->compiled && regexec(&w->regex, topic, 0, NULL, 0) == 0);
}

void kfk__dev_wanted_close(kfk__dev_wanted *w)
{
    if (w->compiled)
        regfree(&w->regex);
    w->compiled = false;
}
