#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static bool fail(rules *r, const char *fmt, ...) KFK_PRINTF(2, 3);

static bool fail(rules *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(r->why, sizeof r->why, fmt, ap);
    va_end(ap);
    return false;
}

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p)
        exit(tool_fail("out of memory"));
    return p;
}

/* One more rule, for all partitions of the topics that |topics| matches. */
static bool add(rules *r, const char *topics)
{
    rule one = {.to = INT32_MAX};
    char *text = expression_of_list(topics);
    bool ok = text && expression_init(&one.topics, text);

    if (ok)
        r->v[r->n++] = one;
    else
        (void)fail(r, "%s is an invalid regex.", text ? text : topics);
    free(text);
    return ok;
}

/* A run of digits; with none |*number| stays. */
static bool take_number(rules *r, const char **text, int64_t *number)
{
    char digits[64];
    size_t len = strspn(*text, "0123456789");

    if (len == 0)
        return true;
    (void)snprintf(digits, sizeof digits, "%.*s", (int)len, *text);
    *text += len;
    return args_integer(digits, 0, INT32_MAX, number) ||
           fail(r, "For input string: \"%s\"", digits);
}

/* Behind the colon: all, one, or a range. */
static bool parse_partitions(rules *r, const char *text, const char *whole)
{
    rule *last = &r->v[r->n - 1];
    const char *at = text;

    if (strspn(text, "0123456789-") != strlen(text) || strchr(text, '-') != strrchr(text, '-'))
        return fail(r, "org.apache.kafka.tools.TerseException: Invalid rule specification: %s",
                    whole);
    if (!take_number(r, &at, &last->from))
        return false;
    if (*at == '-') {
        at++;
        return take_number(r, &at, &last->to);
    }
    if (*text)
        last->to = last->from + 1;
    return true;
}

static bool parse_rule(rules *r, char *text)
{
    char *colon = strchr(text, ':'), *whole = strdup(text);
    bool ok = whole != NULL;

    if (colon)
        *colon = '\0';
    ok = ok && add(r, *text ? text : ".*") && (!colon || parse_partitions(r, colon + 1, whole));
    free(whole);
    return ok;
}

/* How many pieces a list has; empty ones at its end do not count. */
static size_t count_pieces(const char *list)
{
    size_t n = 1, len = strlen(list);

    if (len == 0)
        return 1;
    while (len && list[len - 1] == ',')
        len--;
    for (size_t i = 0; i < len; i++)
        n += list[i] == ',';
    return len ? n : 0;
}

bool rules_parse_list(rules *r, const char *text)
{
    size_t n = count_pieces(text);
    char *copy = strdup(text), *next = copy;
    bool ok = copy != NULL;

    *r = (rules){.v = allocate(n + 1, sizeof *r->v)};
    for (size_t i = 0; ok && i < n; i++)
        ok = parse_rule(r, strsep(&next, ","));
    free(copy);
    return ok;
}

static bool parse_ids(rules *r, const char *list)
{
    size_t n = list && *list ? count_pieces(list) : 0;
    rule *last = &r->v[0];

    if (n == 0)
        return true;
    last->ids = allocate(n, sizeof *last->ids);
    for (const char *at = list; last->n_ids < n; last->n_ids++) {
        size_t len = strcspn(at, ",");
        char digits[64];
        int64_t id;

        (void)snprintf(digits, sizeof digits, "%.*s", (int)len, at);
        if (!args_integer(digits, INT32_MIN, INT32_MAX, &id))
            return fail(r,
                        "--partitions expects a comma separated list of numeric partition ids, but "
                        "received: %s",
                        list);
        last->ids[last->n_ids] = (int32_t)id;
        at += len + 1;
    }
    return true;
}

bool rules_parse(rules *r, const char *topic, const char *partitions)
{
    *r = (rules){.v = allocate(1, sizeof *r->v)};
    return add(r, topic ? topic : ".*") && parse_ids(r, partitions);
}

void rules_fini(rules *r)
{
    for (size_t i = 0; i < r->n; i++) {
        expression_fini(&r->v[i].topics);
        free(r->v[i].ids);
    }
    free(r->v);
}

bool rules_topic(const rules *r, const char *topic)
{
    for (size_t i = 0; i < r->n; i++)
        if (expression_matches(&r->v[i].topics, topic))
            return true;
    return false;
}

static bool has_partition(const rule *one, int32_t partition)
{
    if (!one->ids)
        return partition >= one->from && partition < one->to;
    for (size_t i = 0; i < one->n_ids; i++)
        if (one->ids[i] == partition)
            return true;
    return false;
}

bool rules_partition(const rules *r, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < r->n; i++)
        if (expression_matches(&r->v[i].topics, topic) && has_partition(&r->v[i], partition))
            return true;
    return false;
}
