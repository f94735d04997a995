#include "date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The number that a letter stands for; -1: none. */
static long number_of(char letter, const struct tm *tm, int64_t wall_ms)
{
    switch (letter) {
    case 'y':
        return tm->tm_year + 1900L;
    case 'M':
        return tm->tm_mon + 1L;
    case 'd':
        return tm->tm_mday;
    case 'H':
        return tm->tm_hour;
    case 'm':
        return tm->tm_min;
    case 's':
        return tm->tm_sec;
    case 'S':
        return (long)(wall_ms % 1000);
    default:
        return -1;
    }
}

bool date_format(char *out, size_t size, const char *pattern, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    bool quoted = false;
    size_t len = 0;
    struct tm tm;

    (void)localtime_r(&seconds, &tm);
    while (*pattern && len + 24 < size) {
        size_t width = strspn(pattern, (char[]){*pattern, '\0'});
        long number;

        if (*pattern == '\'' || quoted || !isalpha((unsigned char)*pattern)) {
            quoted ^= *pattern == '\'';
            if (*pattern != '\'')
                out[len++] = *pattern;
            pattern++;
            continue;
        }
        number = number_of(*pattern, &tm, wall_ms);
        if (number < 0 || width > 9)
            return false;
        if (*pattern == 'y' && width == 2)
            number %= 100;
        len += (size_t)snprintf(out + len, size - len, "%0*ld", (int)width, number);
        pattern += width;
    }
    out[len] = '\0';
    return true;
}

/* ---- a point in time ---- */

/* A run of digits, blanks before it passed over. */
static bool take_number(const char **at, int64_t least, int64_t most, int64_t *out)
{
    int64_t value = 0;
    const char *p = *at + strspn(*at, " \t"), *first = p;

    for (; isdigit((unsigned char)*p) && value < 100000000; p++)
        value = value * 10 + (*p - '0');
    if (p == first || isdigit((unsigned char)*p) || value < least || value > most)
        return false;
    *out = value;
    *at = p;
    return true;
}

static bool take_letter(const char **at, char letter)
{
    if (**at != letter)
        return false;
    ++*at;
    return true;
}

static bool two_digits(const char *p, int64_t most, int64_t *out)
{
    if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]))
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return *out <= most;
}

/* Z, +01:00 or +01. */
static bool take_zone(const char **at, int64_t *minutes)
{
    const char *p = *at + strspn(*at, " \t");
    int64_t hours, more = 0;

    *minutes = 0;
    if (*p == 'Z')
        return true;
    if ((*p != '+' && *p != '-') || !two_digits(p + 1, 23, &hours))
        return false;
    if (p[3] == ':' && !two_digits(p + 4, 59, &more))
        more = 0;
    *minutes = (hours * 60 + more) * (*p == '-' ? -1 : 1);
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_of(int64_t month, bool leap)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && leap);
}

/* Since 1970. */
static int64_t days_until(int64_t year, int64_t month, int64_t day)
{
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;

    for (int64_t m = 1; m < month; m++)
        days += days_of(m, is_leap(year));
    return days + day - 1;
}

bool date_parse(const char *text, int64_t *wall_ms)
{
    int64_t year, month, day, hour, minute, second, ms, zone = 0;
    const char *t = strchr(text, 'T');
    bool zoned = t && strpbrk(t, "+-Z") != NULL;

    if (!take_number(&text, 1, 99999999, &year) || !take_letter(&text, '-') ||
        !take_number(&text, 1, 12, &month) || !take_letter(&text, '-') ||
        !take_number(&text, 1, days_of(month, is_leap(year)), &day) || !take_letter(&text, 'T') ||
        !take_number(&text, 0, 23, &hour) || !take_letter(&text, ':') ||
        !take_number(&text, 0, 59, &minute) || !take_letter(&text, ':') ||
        !take_number(&text, 0, 59, &second) || !take_letter(&text, '.') ||
        !take_number(&text, 0, 999, &ms))
        return false;
    if (zoned ? !take_zone(&text, &zone) : text[strspn(text, " \t")] != '\0')
        return false;
    *wall_ms = ((days_until(year, month, day) * 24 + hour) * 60 + minute - zone) * 60000 +
               second * 1000 + ms;
    return true;
}

/* ---- a length of time ---- */

/* [+-]digits, and where |ms| is not NULL a fraction of a second. */
static bool take_part(const char **at, int64_t *whole, int64_t *ms)
{
    const char *p = *at;
    bool below = *p == '-';
    int64_t value = 0, scale = 100;

    p += *p == '-' || *p == '+';
    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++) {
        if (value > INT64_MAX / 20)
            return false;
        value = value * 10 + (*p - '0');
    }
    *whole = below ? -value : value;
    *ms = 0;
    if (*p == '.' || *p == ',')
        for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
            *ms += (*p - '0') * scale * (below ? -1 : 1);
    *at = p;
    return true;
}

/* Years of it: beyond, sums might overflow. */
#define LONGEST_MS (INT64_MAX / 16)

/* One part after the other, in the order of |units|; each may be left out, not all. */
static bool take_parts(const char **at, const char *units, const int64_t *unit_ms, int64_t *sum)
{
    bool any = false;

    for (int i = 0; units[i];) {
        const char *from = *at;
        int64_t whole, ms;

        if (!take_part(at, &whole, &ms))
            return any;
        while (units[i] && toupper((unsigned char)**at) != units[i])
            i++;
        if (!units[i] || (units[i] != 'S' && strpbrk(from, ".,") && strpbrk(from, ".,") < *at) ||
            whole > LONGEST_MS / unit_ms[i] || whole < -(LONGEST_MS / unit_ms[i]))
            return false;
        *sum += whole * unit_ms[i++] + ms;
        ++*at;
        any = true;
    }
    return any;
}

bool date_parse_duration(const char *text, int64_t *ms)
{
    static const int64_t of_days[] = {86400000}, of_times[] = {3600000, 60000, 1000};
    bool below = *text == '-', any = false;
    int64_t sum = 0;

    text += *text == '-' || *text == '+';
    if (toupper((unsigned char)*text) != 'P')
        return false;
    text++;
    if (toupper((unsigned char)*text) != 'T')
        any = take_parts(&text, "D", of_days, &sum);
    if (toupper((unsigned char)*text) == 'T') {
        text++;
        any = take_parts(&text, "HMS", of_times, &sum);
    }
    *ms = below ? -sum : sum;
    return any && !*text;
}
