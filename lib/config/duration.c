#include "config/duration.h"

#include <stddef.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Digits at *p; false: there are none, or too many. */
static bool read_number(const char **p, int64_t *n)
{
    *n = 0;
    if (!is_digit(**p))
        return false;
    for (; is_digit(**p); (*p)++)
        if (__builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, **p - '0', n))
            return false;
    return true;
}

/* The fraction of a second at *p, if there is one. false: a dot and no digit. */
static bool read_fraction(const char **p, int64_t *ms)
{
    int64_t unit = 100;

    *ms = 0;
    if (**p != '.' && **p != ',')
        return true;
    if (!is_digit(*++*p))
        return false;
    for (; is_digit(**p); (*p)++, unit /= 10)
        *ms += (**p - '0') * unit;
    return true;
}

/* The part at *p, whose letter is one of units[*unit...]; *unit becomes the one after it. */
static bool read_part(const char **p, size_t *unit, int64_t *ms)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'D', 86400000}, {'H', 3600000}, {'M', 60000}, {'S', 1000}};
    enum { N = sizeof units / sizeof *units };
    const char *number = *p;
    int64_t n, fraction;

    if (!read_number(p, &n))
        return false;
    number = *p;
    if (!read_fraction(p, &fraction))
        return false;
    while (*unit < N && units[*unit].letter != upper(**p))
        ++*unit;
    if (*unit == N || (number != *p && *unit != N - 1))
        return false;
    ++*p;
    return !__builtin_mul_overflow(n, units[(*unit)++].ms, &n) &&
           !__builtin_add_overflow(n, fraction, &n) && !__builtin_add_overflow(*ms, n, ms);
}

bool kfk__duration_ms(const char *text, int64_t *ms)
{
    const char *p = text;
    bool timed = false;
    size_t unit = 0;

    *ms = 0;
    if (upper(*p++) != 'P' || !*p)
        return false;
    while (*p) {
        if (!timed && upper(*p) == 'T') {
            timed = true;
            unit = unit > 0 ? unit : 1; /* days are before the T, all else behind it */
            p++;
        }
        if ((!timed && unit > 0) || !read_part(&p, &unit, ms) || (!timed && unit > 1))
            return false;
    }
    return true;
}
