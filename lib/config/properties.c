#include "config/properties.h"

#include <stdbool.h>

void kfk__properties_init(kfk__properties_reader *r, const uint8_t *text, size_t n, uint8_t *line,
                          char *out)
{
    *r = (kfk__properties_reader){
        .p = text, .end = text + n, .line = line, .out = out, .next_line = 1};
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_eol(uint8_t c)
{
    return c == '\n' || c == '\r';
}

static void skip_space(kfk__properties_reader *r)
{
    while (r->p < r->end && is_space(*r->p))
        r->p++;
}

/* Past "\n", "\r" or "\r\n". */
static void skip_eol(kfk__properties_reader *r)
{
    if (r->end - r->p >= 2 && r->p[0] == '\r' && r->p[1] == '\n')
        r->p++;
    r->p++;
    r->next_line++;
}

static void skip_comment(kfk__properties_reader *r)
{
    while (r->p < r->end && !is_eol(*r->p))
        r->p++;
}

/* Copies the rest of a natural line. true: it ended in an odd number of backslashes, the last of
 * which is left out. */
static bool copy_natural(kfk__properties_reader *r, size_t *n)
{
    bool escape = false;

    for (; r->p < r->end && !is_eol(*r->p); r->p++) {
        escape = *r->p == '\\' && !escape;
        r->line[(*n)++] = *r->p;
    }
    *n -= escape;
    return escape;
}

/* The next line with something on it, its continuations joined, into r->line; its length, or 0 at
 * the end. */
static size_t next_logical(kfk__properties_reader *r, int *number)
{
    size_t n = 0;

    while (r->p < r->end) {
        bool more = false;

        skip_space(r);
        if (r->p == r->end)
            break;
        if (n == 0) {
            *number = r->next_line;
            if (*r->p == '#' || *r->p == '!')
                skip_comment(r);
        }
        if (r->p < r->end && !is_eol(*r->p))
            more = copy_natural(r, &n);
        if (r->p < r->end)
            skip_eol(r);
        if (n > 0 && !more)
            break;
    }
    return n;
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX; -1: they are not. */
static int32_t read_unit(const uint8_t *p, const uint8_t *end)
{
    int32_t unit = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex(p[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* What stands at |p| behind "\u": one character, which may be two units. NULL: malformed. */
static const uint8_t *read_unicode(const uint8_t *p, const uint8_t *end, char **out)
{
    int32_t unit = read_unit(p, end), low;

    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return NULL;
    p += 4;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
            return NULL;
        low = read_unit(p + 2, end);
        if (low < 0xdc00 || low > 0xdfff)
            return NULL;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *out = put_utf8(*out, (uint32_t)unit);
    return p;
}

/* Decodes one character at |p| < |end|. NULL: malformed. */
static const uint8_t *decode(const uint8_t *p, const uint8_t *end, char **out)
{
    static const char names[] = "tnrf", values[] = "\t\n\r\f";
    uint8_t c = *p++;

    if (c == '\\' && p < end) {
        c = *p++;
        if (c == 'u')
            return read_unicode(p, end, out);
        for (int i = 0; names[i]; i++)
            if (c == (uint8_t)names[i]) {
                c = (uint8_t)values[i];
                break;
            }
    }
    if (c == 0)
        return NULL;
    *out = put_utf8(*out, c);
    return p;
}

/* Where the key ends: at the first "=", ":" or blank that no backslash stands before. */
static const uint8_t *end_of_key(const uint8_t *p, const uint8_t *end)
{
    bool escape = false;

    for (; p < end; p++) {
        if (!escape && (*p == '=' || *p == ':' || is_space(*p)))
            break;
        escape = *p == '\\' && !escape;
    }
    return p;
}

/* Past the blanks and the one "=" or ":" between key and value. */
static const uint8_t *skip_separator(const uint8_t *p, const uint8_t *end)
{
    bool seen = false;

    for (; p < end; p++) {
        if (!seen && (*p == '=' || *p == ':'))
            seen = true;
        else if (!is_space(*p))
            break;
    }
    return p;
}

static bool decode_all(const uint8_t *p, const uint8_t *end, char **out)
{
    while (p && p < end)
        p = decode(p, end, out);
    *(*out)++ = '\0';
    return p != NULL;
}

int kfk__properties_next(kfk__properties_reader *r, kfk__pair *pair)
{
    size_t n = next_logical(r, &pair->line);
    const uint8_t *end = r->line + n, *key_end = end_of_key(r->line, end);
    char *out = r->out;
    bool good;

    if (n == 0)
        return 0;
    pair->key = out;
    good = decode_all(r->line, key_end, &out);
    pair->value = out;
    good = decode_all(skip_separator(key_end, end), end, &out) && good;
    pair->wrong =
        good ? NULL : "a NUL, or \\u that no four hexadecimal digits of a character follow";
    return 1;
}
