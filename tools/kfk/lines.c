#include "lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pattern.h"
#include "tool.h"

void lines_init(lines *l)
{
    *l = (lines){.key_separator = "\t",
                 .headers_delimiter = "\t",
                 .headers_separator = ",",
                 .headers_key_separator = ":"};
}

void lines_fini(lines *l)
{
    free(l->line);
    l->line = NULL;
    if (l->has_pattern)
        regfree(&l->headers_pattern);
    l->has_pattern = false;
}

/* With blanks around it or not. */
static bool is_true(const char *text)
{
    const char *from = text + strspn(text, " \t\r\n");

    return strncasecmp(from, "true", 4) == 0 && !from[4 + strspn(from + 4, " \t\r\n")];
}

void lines_set(lines *l, const char *pair)
{
    const struct {
        const char *name;
        bool *flag;
        const char **text;
    } known[] = {
        {"parse.key", &l->parse_key, NULL},
        {"parse.headers", &l->parse_headers, NULL},
        {"ignore.error", &l->ignore_error, NULL},
        {"key.separator", NULL, &l->key_separator},
        {"headers.delimiter", NULL, &l->headers_delimiter},
        {"headers.separator", NULL, &l->headers_separator},
        {"headers.key.separator", NULL, &l->headers_key_separator},
        {"null.marker", NULL, &l->null_marker},
    };

    for (int i = 0; i < COUNT(known); i++) {
        const char *value = tool_pair_value(pair, known[i].name);

        if (value && known[i].flag)
            *known[i].flag = is_true(value);
        else if (value)
            *known[i].text = value;
    }
}

bool lines_check(lines *l)
{
    const struct {
        const char *a_name, *a, *b_name, *b;
    } pairs[] = {
        {"headers.delimiter", l->headers_delimiter, "headers.separator", l->headers_separator},
        {"headers.delimiter", l->headers_delimiter, "headers.key.separator",
         l->headers_key_separator},
        {"headers.separator", l->headers_separator, "headers.key.separator",
         l->headers_key_separator},
        {"null.marker", l->null_marker, "key.separator", l->key_separator},
        {"null.marker", l->null_marker, "headers.separator", l->headers_separator},
        {"null.marker", l->null_marker, "headers.delimiter", l->headers_delimiter},
        {"null.marker", l->null_marker, "headers.key.separator", l->headers_key_separator},
    };

    for (int i = 0; i < COUNT(pairs); i++) {
        if (!pairs[i].a || strcmp(pairs[i].a, pairs[i].b) != 0)
            continue;
        (void)snprintf(l->why, sizeof l->why, "%s and %s may not be equal", pairs[i].a_name,
                       pairs[i].b_name);
        return false;
    }
    l->has_pattern = pattern_compile(&l->headers_pattern, l->headers_separator);
    if (!l->has_pattern)
        (void)snprintf(l->why, sizeof l->why, "headers.separator %s is no regular expression",
                       l->headers_separator);
    return l->has_pattern;
}

static bool is_null(const lines *l, kfk_bytes b)
{
    return l->null_marker && b.len == strlen(l->null_marker) &&
           memcmp(b.data, l->null_marker, b.len) == 0;
}

static kfk_bytes or_null(const lines *l, kfk_bytes b)
{
    return is_null(l, b) ? (kfk_bytes){NULL, 0} : b;
}

/* Where |separator| is in |b|, or NULL. */
static const char *find(kfk_bytes b, const char *separator)
{
    return memmem(b.data, b.len, separator, strlen(separator));
}

/* Cuts what is before |separator| off |rest|. 0: there is none, and that is to be borne; -1: an
 * error. */
static int cut(lines *l, kfk_bytes *rest, const char *separator, const char *name, kfk_bytes *out)
{
    const char *at = find(*rest, separator);
    size_t taken;

    if (!at && l->ignore_error)
        return 0;
    if (!at) {
        (void)snprintf(l->why, sizeof l->why, "No %s found on line number %ld: '%.800s'", name,
                       l->number, l->line);
        return -1;
    }
    *out = (kfk_bytes){rest->data, (size_t)(at - (const char *)rest->data)};
    taken = out->len + strlen(separator);
    *rest = (kfk_bytes){(const char *)rest->data + taken, rest->len - taken};
    return 1;
}

/* "key:value". */
static int parse_header(lines *l, kfk_bytes pair, kfk_header *out)
{
    const char *at = find(pair, l->headers_key_separator);
    size_t taken;

    if (!at && l->ignore_error) {
        *out = (kfk_header){.key = pair};
        return 0;
    }
    if (!at) {
        (void)snprintf(l->why, sizeof l->why,
                       "No header key separator found in pair '%.*s' on line number %ld",
                       (int)pair.len, (const char *)pair.data, l->number);
        return -1;
    }
    out->key = (kfk_bytes){pair.data, (size_t)(at - (const char *)pair.data)};
    taken = out->key.len + strlen(l->headers_key_separator);
    out->value = or_null(l, (kfk_bytes){(const char *)pair.data + taken, pair.len - taken});
    if (!is_null(l, out->key))
        return 0;
    (void)snprintf(l->why, sizeof l->why,
                   "Header keys should not be equal to the null marker '%s' as they can't be null",
                   l->null_marker);
    return -1;
}

static int add_header(lines *l, kfk_bytes pair, lines_record *out)
{
    kfk_header *grown = realloc(out->headers, (out->n_headers + 1) * sizeof *grown);

    if (!grown) {
        (void)snprintf(l->why, sizeof l->why, "out of memory");
        return -1;
    }
    out->headers = grown;
    if (parse_header(l, pair, &grown[out->n_headers]))
        return -1;
    out->n_headers++;
    return 0;
}

/* How much is left of a text without the separators at its end, of which there may be none: Java's
 * split gives no empty pieces there. 0: nothing but separators. */
static size_t without_tail(const lines *l, const char *text, size_t size)
{
    size_t at = 0, start, end, last = 0;

    while (pattern_find(&l->headers_pattern, text, size, at, &start, &end)) {
        last = start > at ? start : last;
        at = end;
    }
    return at < size || size == 0 ? size : last;
}

static int parse_headers(lines *l, kfk_bytes headers, lines_record *out)
{
    const char *text = headers.data;
    size_t size = without_tail(l, text, headers.len), at = 0, start, end;

    if (size == 0 && headers.len > 0)
        return 0;
    while (pattern_find(&l->headers_pattern, text, size, at, &start, &end)) {
        if (add_header(l, (kfk_bytes){text + at, start - at}, out))
            return -1;
        at = end;
    }
    return add_header(l, (kfk_bytes){text + at, size - at}, out);
}

static int parse(lines *l, kfk_bytes rest, lines_record *out)
{
    kfk_bytes headers, key;
    int got =
        l->parse_headers ? cut(l, &rest, l->headers_delimiter, "headers delimiter", &headers) : 0;

    if (got < 0 || (got > 0 && !is_null(l, headers) && parse_headers(l, headers, out)))
        return -1;
    got = l->parse_key ? cut(l, &rest, l->key_separator, "key separator", &key) : 0;
    if (got < 0)
        return -1;
    if (got > 0)
        out->key = or_null(l, key);
    out->value = or_null(l, rest);
    return 1;
}

static bool append(lines *l, size_t len, int c)
{
    if (len == l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        char *grown = realloc(l->line, room);

        if (!grown)
            return false;
        l->line = grown;
        l->room = room;
    }
    l->line[len] = (char)c;
    return true;
}

/* A line ends with a newline, with a carriage return, or with both; but who types it need not wait
 * for what may follow the second. -1: there is none; -2: no memory. */
static ssize_t read_line(lines *l, FILE *in)
{
    size_t len = 0;
    int c = getc(in);

    if (c == '\n' && l->after_cr)
        c = getc(in);
    l->after_cr = false;
    if (c == EOF)
        return -1;
    for (; c != EOF && c != '\n' && c != '\r'; c = getc(in))
        if (!append(l, len++, c))
            return -2;
    l->after_cr = c == '\r';
    return append(l, len, '\0') ? (ssize_t)len : -2;
}

int lines_next(lines *l, FILE *in, lines_record *out)
{
    ssize_t len = read_line(l, in);

    *out = (lines_record){0};
    if (len == -1)
        return 0;
    l->number++;
    if (len >= 0)
        return parse(l, (kfk_bytes){l->line, (size_t)len}, out);
    (void)snprintf(l->why, sizeof l->why, "out of memory");
    return -1;
}
