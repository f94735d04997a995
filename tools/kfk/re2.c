#include "re2.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPEATS = 1000 };

static const char bad_range[] = "invalid character class range";
static const char bad_escape[] = "invalid escape sequence";
static const char bad_capture[] = "invalid named capture";
static const char bad_perl[] = "invalid or unsupported Perl syntax";
static const char nested[] = "invalid nested repetition operator";
static const char bad_repeat[] = "invalid repeat count";
static const char no_bracket[] = "missing closing ]";
static const char no_paren[] = "missing closing )";
static const char unopened[] = "regexp/syntax: internal error"; /* that is what RE2/J says */
static const char nothing_to_repeat[] = "missing argument to repetition operator";
static const char trailing[] = "trailing backslash at end of expression";

/* How far it has been read. */
typedef struct reading {
    const char *at;
    int depth;       /* of parentheses */
    bool has_atom;   /* something that can be repeated comes before */
    bool repeated;   /* ... and is repeated already */
    const char *why; /* NULL: nothing is wrong so far */
} reading;

static bool fail(reading *r, const char *why)
{
    r->why = why;
    return false;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* ---- escapes ---- */

/* Behind \x: two digits, or any number of them in braces. */
static bool take_hex(reading *r, long *value)
{
    char digits[9] = "";
    size_t n;

    if (*r->at != '{') {
        if (!isxdigit((unsigned char)r->at[0]) || !isxdigit((unsigned char)r->at[1]))
            return fail(r, bad_escape);
        (void)strncat(digits, r->at, 2);
        r->at += 2;
        *value = strtol(digits, NULL, 16);
        return true;
    }
    n = strspn(++r->at, "0123456789abcdefABCDEF");
    if (n == 0 || n > 8 || r->at[n] != '}')
        return fail(r, bad_escape);
    (void)strncat(digits, r->at, n);
    *value = strtol(digits, NULL, 16);
    r->at += n + 1;
    return *value <= 0x10ffff || fail(r, bad_escape);
}

/* Behind a backslash: one character. */
static bool take_character(reading *r, long *value)
{
    static const char letters[] = "afnrtv", meanings[] = "\a\f\n\r\t\v";
    char c = *r->at;
    const char *letter = c ? strchr(letters, c) : NULL;

    if (!c)
        return fail(r, trailing);
    r->at++;
    *value = letter ? meanings[letter - letters] : (unsigned char)c;
    if (c == 'x')
        return take_hex(r, value);
    if (c >= '1' && c <= '7' && !is_octal(*r->at))
        return fail(r, bad_escape);
    if (is_octal(c))
        for (int i = 1; i < 3 && is_octal(*r->at); i++)
            r->at++;
    else if (isalnum((unsigned char)c) && !letter)
        return fail(r, bad_escape);
    return true;
}

/* \pL, \p{Greek}: its name is not looked at. */
static bool take_property(reading *r)
{
    r->at++;
    if (*r->at == '^')
        r->at++;
    if (*r->at == '{') {
        r->at += strcspn(r->at, "}");
        if (!*r->at)
            return fail(r, bad_range);
    }
    if (!*r->at)
        return fail(r, bad_range);
    r->at++;
    return true;
}

/* A class like \d; false, with no fault: it is none. */
static bool take_class(reading *r)
{
    if (*r->at == 'p' || *r->at == 'P')
        return take_property(r);
    if (!*r->at || !strchr("dDsSwW", *r->at))
        return false;
    r->at++;
    return true;
}

static bool take_escape(reading *r)
{
    const char *end;
    long value;

    r->at++;
    if (*r->at == 'Q') {
        end = strstr(r->at, "\\E");
        r->at = end ? end + 2 : r->at + strlen(r->at);
        return true;
    }
    if (*r->at && strchr("AbBz", *r->at)) {
        r->at++;
        return true;
    }
    return take_class(r) || (!r->why && take_character(r, &value));
}

/* ---- [...] ---- */

static bool take_class_character(reading *r, long *value)
{
    if (*r->at == '\\') {
        r->at++;
        return take_character(r, value);
    }
    if (!*r->at)
        return fail(r, no_bracket);
    *value = (unsigned char)*r->at++;
    return true;
}

/* [:alpha:] inside of another; false, with no fault: it is none. */
static bool take_posix(reading *r)
{
    static const char names[] =
        " alnum alpha ascii blank cntrl digit graph lower print punct space "
        "upper word xdigit ";
    const char *end = strncmp(r->at, "[:", 2) == 0 ? strstr(r->at + 2, ":]") : NULL;
    const char *name = r->at + 2;
    char wanted[16] = " ";

    if (!end)
        return false;
    name += *name == '^';
    if (end - name < 12)
        (void)strncat(wanted, name, (size_t)(end - name));
    (void)strcat(wanted, " ");
    r->at = end + 2;
    return strstr(names, wanted) != NULL || fail(r, bad_range);
}

static bool take_range(reading *r)
{
    long from, to;

    if (!take_class_character(r, &from))
        return false;
    if (r->at[0] != '-' || !r->at[1] || r->at[1] == ']')
        return true;
    r->at++;
    return take_class_character(r, &to) && (from <= to || fail(r, bad_range));
}

static bool take_bracket(reading *r)
{
    bool first = true;

    r->at++;
    if (*r->at == '^')
        r->at++;
    for (; first || *r->at != ']'; first = false) {
        if (!*r->at)
            return fail(r, no_bracket);
        if (take_posix(r))
            continue;
        if (!r->why && r->at[0] == '\\' && r->at[1] && strchr("dDsSwWpP", r->at[1])) {
            r->at++;
            if (take_class(r))
                continue;
        }
        if (r->why || !take_range(r))
            return false;
    }
    r->at++;
    return true;
}

/* ---- (...) ---- */

static bool take_name(reading *r)
{
    const char *end = strchr(r->at, '>');

    for (const char *p = r->at; end && p < end; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return fail(r, bad_capture);
    if (!end || end == r->at)
        return fail(r, bad_capture);
    r->at = end + 1;
    r->depth++;
    return true;
}

/* Behind "(?": a name, or flags that hold from here on, or in a group. */
static bool take_flags(reading *r)
{
    bool minus = false, any = false;

    if (strncmp(r->at, "P<", 2) == 0 || (*r->at == '<' && r->at[1] != '=' && r->at[1] != '!')) {
        r->at += *r->at == 'P' ? 2 : 1;
        return take_name(r);
    }
    for (; *r->at && strchr("imsU-", *r->at); r->at++) {
        if (*r->at == '-' && minus)
            return fail(r, bad_perl);
        any = *r->at != '-';
        minus |= *r->at == '-';
    }
    if ((*r->at != ':' && *r->at != ')') || (minus && !any))
        return fail(r, bad_perl);
    r->depth += *r->at++ == ':';
    return true;
}

static bool take_open(reading *r)
{
    r->at++;
    r->has_atom = false;
    if (*r->at != '?') {
        r->depth++;
        return true;
    }
    r->at++;
    return take_flags(r);
}

/* ---- repetition ---- */

/* {2}, {2,} or {2,3}: how long that is; 0: it is none, and stands for itself. */
static size_t repeat_length(const char *at, bool *sound)
{
    char *end;
    long least = strtol(at + 1, &end, 10), most = least;

    if (!isdigit((unsigned char)at[1]))
        return 0;
    if (*end == ',' && end[1] == '}') {
        end++;
        most = -1;
    } else if (*end == ',') {
        if (!isdigit((unsigned char)end[1]))
            return 0;
        most = strtol(end + 1, &end, 10);
    }
    if (*end != '}')
        return 0;
    *sound = least <= MOST_REPEATS && most <= MOST_REPEATS && (most < 0 || least <= most);
    return (size_t)(end + 1 - at);
}

static bool take_repeat(reading *r, size_t len)
{
    if (!r->has_atom)
        return fail(r, nothing_to_repeat);
    if (r->repeated)
        return fail(r, nested);
    r->at += len;
    if (*r->at == '?') /* as few as will do */
        r->at++;
    r->repeated = true;
    return true;
}

/* ---- the whole ---- */

static bool take_atom(reading *r)
{
    bool ok = true;

    switch (*r->at) {
    case '(':
        r->repeated = false;
        return take_open(r);
    case '|':
        r->has_atom = r->repeated = false;
        r->at++;
        return true;
    case ')':
        if (r->depth-- == 0)
            return fail(r, unopened);
        r->at++;
        break;
    case '[':
        ok = take_bracket(r);
        break;
    case '\\':
        ok = take_escape(r);
        break;
    default:
        r->at++;
    }
    r->has_atom = true;
    r->repeated = false;
    return ok;
}

const char *re2_fault(const char *text)
{
    reading r = {.at = text};
    bool ok = true;

    while (ok && *r.at) {
        bool sound = true;
        size_t len = strchr("*+?", *r.at) ? 1 : *r.at == '{' ? repeat_length(r.at, &sound) : 0;

        if (!sound)
            ok = fail(&r, bad_repeat);
        else
            ok = len ? take_repeat(&r, len) : take_atom(&r);
    }
    return !r.why && r.depth > 0 ? no_paren : r.why;
}
