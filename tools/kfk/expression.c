#include "expression.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What names of topics are made of; "-" is last, as it has to be in brackets. */
static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/* A class of characters. Only those of the alphabet matter. */
typedef struct set {
    bool has[128];
} set;

typedef struct translation {
    const char *at; /* what is left of Java's */
    char *out;
    size_t len;
    int depth;       /* parentheses that are open */
    bool repeatable; /* what was written last can be repeated */
} translation;

static void emit(translation *t, const char *text)
{
    size_t len = strlen(text);

    memcpy(t->out + t->len, text, len);
    t->len += len;
}

static void emit_char(translation *t, char c)
{
    t->out[t->len++] = c;
}

static void emit_set(translation *t, const set *s)
{
    size_t n = 0;

    emit_char(t, '[');
    for (const char *c = alphabet; *c; c++) {
        if (s->has[(unsigned char)*c])
            emit_char(t, *c);
        n += s->has[(unsigned char)*c];
    }
    if (n == 0)
        emit_char(t, '\1'); /* no topic has this */
    emit_char(t, ']');
    t->repeatable = true;
}

/* ---- classes ---- */

static set invert(set s)
{
    for (int c = 0; c < 128; c++)
        s.has[c] = !s.has[c];
    return s;
}

static set unite(set a, const set *b, bool both)
{
    for (int c = 0; c < 128; c++)
        a.has[c] = both ? a.has[c] && b->has[c] : a.has[c] || b->has[c];
    return a;
}

static set of(int (*is)(int))
{
    set s;

    for (int c = 0; c < 128; c++)
        s.has[c] = is(c) != 0;
    return s;
}

static int is_word(int c)
{
    return isalnum(c) || c == '_';
}

/* {Name}, behind \p. */
static bool take_property(translation *t, set *out)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } known[] = {{"Lower", islower},   {"Upper", isupper}, {"Alpha", isalpha}, {"Digit", isdigit},
                 {"Alnum", isalnum},   {"Punct", ispunct}, {"Graph", isgraph}, {"Print", isprint},
                 {"XDigit", isxdigit}, {"Space", isspace}, {"L", isalpha},     {"N", isdigit},
                 {"Lu", isupper},      {"Ll", islower},    {"Nd", isdigit}};
    size_t len = strcspn(t->at, "}");

    if (t->at[0] != '{' || !t->at[len])
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != len - 1 || strncmp(known[i].name, t->at + 1, len - 1) != 0)
            continue;
        *out = of(known[i].is);
        t->at += len + 1;
        return true;
    }
    return false;
}

/* |digits| of a number of base 16. */
static bool take_hex(translation *t, int digits, set *out)
{
    char text[5] = "";
    unsigned long c;

    for (int i = 0; i < digits; i++) {
        if (!isxdigit((unsigned char)t->at[i]))
            return false;
        text[i] = t->at[i];
    }
    c = strtoul(text, NULL, 16);
    t->at += digits;
    *out = (set){0};
    if (c < 128)
        out->has[c] = true;
    return true;
}

/* What a backslash and a character behind it stand for, if that is one character of some. */
static bool take_escape(translation *t, set *out)
{
    char c = *t->at++;

    switch (c) {
    case 'd':
    case 'D':
        *out = of(isdigit);
        break;
    case 'w':
    case 'W':
        *out = of(is_word);
        break;
    case 's':
    case 'S':
        *out = of(isspace);
        break;
    case 'p':
    case 'P':
        if (!take_property(t, out))
            return false;
        break;
    case 'x':
        return take_hex(t, 2, out);
    case 'u':
        return take_hex(t, 4, out);
    case 't':
    case 'n':
    case 'r':
    case 'f':
    case 'a':
    case 'e':
        *out = (set){0}; /* in no topic */
        return true;
    default:
        if (!c || isalnum((unsigned char)c))
            return false;
        *out = (set){0};
        out->has[c & 127] = (c & 128) == 0;
        return true;
    }
    if (isupper((unsigned char)c))
        *out = invert(*out);
    return true;
}

static int only_member(const set *s)
{
    int found = -1;

    for (int c = 0; c < 128; c++)
        if (s->has[c])
            found = found == -1 ? c : -2;
    return found;
}

static bool take_class(translation *t, set *out);

/* One member of a class, or a range of them. */
static bool take_member(translation *t, set *out)
{
    set last;
    int from, to;

    *out = (set){0};
    if (*t->at == '[') {
        t->at++;
        return take_class(t, out);
    }
    if (*t->at == '\\') {
        t->at++;
        if (!take_escape(t, out))
            return false;
    } else {
        out->has[*t->at & 127] = (*t->at & 128) == 0;
        t->at++;
    }
    from = only_member(out);
    if (*t->at != '-' || strchr("[]", t->at[1]) || from < 0)
        return true;
    t->at++;
    if (!take_member(t, &last))
        return false;
    to = only_member(&last);
    for (int c = from; c <= to; c++)
        out->has[c] = true;
    return to >= from;
}

/* A class, behind its bracket; with && it is what both sides have. */
static bool take_class(translation *t, set *out)
{
    bool negative = *t->at == '^', first = true;
    set sum = {0}, both = invert(sum), one;

    t->at += negative;
    for (; *t->at && (*t->at != ']' || first); first = false) {
        if (strncmp(t->at, "&&", 2) == 0) {
            both = unite(both, &sum, true);
            sum = (set){0};
            t->at += 2;
            continue;
        }
        if (!take_member(t, &one))
            return false;
        sum = unite(sum, &one, false);
    }
    both = unite(both, &sum, true);
    *out = negative ? invert(both) : both;
    return *t->at && *t->at++ == ']';
}

/* ---- the rest ---- */

static void take_literal(translation *t)
{
    set s = {0};

    s.has[*t->at & 127] = (*t->at & 128) == 0;
    t->at++;
    emit_set(t, &s);
}

/* What stands behind a backslash, outside of brackets. */
static bool take_backslash(translation *t)
{
    set s;

    switch (*t->at) {
    case 'Q':
        for (t->at++; *t->at && strncmp(t->at, "\\E", 2) != 0;)
            take_literal(t);
        t->at += *t->at ? 2 : 0;
        return true;
    case 'A':
    case 'z':
    case 'Z':
        emit_char(t, *t->at++ == 'A' ? '^' : '$');
        t->repeatable = false;
        return true;
    case 'b':
    case 'B':
        emit_char(t, '\\');
        emit_char(t, *t->at++);
        t->repeatable = false;
        return true;
    default:
        if (!take_escape(t, &s))
            return false;
        emit_set(t, &s);
        return true;
    }
}

static bool take_group(translation *t)
{
    if (strncmp(t->at, "?:", 2) == 0) {
        t->at += 2;
    } else if (strncmp(t->at, "?<", 2) == 0 && isalpha((unsigned char)t->at[2])) {
        t->at += 2 + strcspn(t->at + 2, ">");
        if (*t->at++ != '>')
            return false;
    } else if (*t->at == '?') {
        return false;
    }
    emit_char(t, '(');
    t->depth++;
    t->repeatable = false;
    return true;
}

/* {n}, {n,}, {n,m} */
static bool take_bounds(translation *t)
{
    const char *from = t->at;
    size_t digits = strspn(++t->at, "0123456789");

    t->at += digits;
    if (*t->at == ',')
        t->at += 1 + strspn(t->at + 1, "0123456789");
    if (digits == 0 || *t->at++ != '}')
        return false;
    while (from < t->at)
        emit_char(t, *from++);
    return true;
}

static bool take_repetition(translation *t)
{
    if (!t->repeatable)
        return false;
    t->repeatable = false;
    if (*t->at != '{')
        emit_char(t, *t->at++);
    else if (!take_bounds(t))
        return false;
    t->at += *t->at == '?'; /* lazy: whole names match all the same */
    return *t->at != '+';
}

static bool take(translation *t)
{
    switch (*t->at) {
    case '\\':
        t->at++;
        return take_backslash(t);
    case '[': {
        set s;

        t->at++;
        if (!take_class(t, &s))
            return false;
        emit_set(t, &s);
        return true;
    }
    case '(':
        t->at++;
        return take_group(t);
    case ')':
        if (t->depth-- == 0)
            return false;
        emit_char(t, *t->at++);
        t->repeatable = true;
        return true;
    case '*':
    case '+':
    case '?':
    case '{':
        return take_repetition(t);
    case '^':
    case '$':
    case '|':
        emit_char(t, *t->at++);
        t->repeatable = false;
        return true;
    case '.':
        emit_char(t, *t->at++);
        t->repeatable = true;
        return true;
    default:
        take_literal(t);
        return true;
    }
}

/* Each character becomes at most a bracket of the whole alphabet. */
static char *translate(const char *text, bool *any_case)
{
    translation t = {.at = text, .out = malloc(strlen(text) * (sizeof alphabet + 2) + 8)};
    bool ok = t.out != NULL;

    *any_case = ok && strncmp(text, "(?i)", 4) == 0;
    t.at += *any_case ? 4 : 0;
    if (ok)
        emit(&t, "^(");
    while (ok && *t.at)
        ok = take(&t);
    if (!ok || t.depth != 0) {
        free(t.out);
        return NULL;
    }
    emit(&t, ")$");
    emit_char(&t, '\0');
    return t.out;
}

bool expression_init(expression *x, const char *text)
{
    bool any_case;
    char *posix = translate(text, &any_case);
    int rc = posix ? regcomp(&x->re, posix, REG_EXTENDED | REG_NOSUB | (any_case ? REG_ICASE : 0))
                   : REG_BADPAT;

    free(posix);
    return rc == 0;
}

char *expression_of_list(const char *text)
{
    char *list = malloc(strlen(text) + 1), *to = list;

    if (!list)
        return NULL;
    for (; *text; text++)
        if (*text != ' ' && (to > list || !strchr("\"'", *text)))
            *to++ = *text == ',' ? '|' : *text;
    while (to > list && strchr("\"'", to[-1]))
        to--;
    *to = '\0';
    return list;
}

void expression_fini(expression *x)
{
    regfree(&x->re);
}

bool expression_matches(const expression *x, const char *topic)
{
    return regexec(&x->re, topic, 0, NULL, 0) == 0;
}
