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
