#include "devbroker/text.h"

#include <stdio.h>

kfk_bytes kfk__dev_vtext(kfk__arena *a, const char *fmt, va_list ap)
{
    va_list again;
    int n;
    char *to;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    to = n < 0 ? NULL : kfk__arena_alloc(a, (size_t)n + 1);
    if (!to)
        return (kfk_bytes){0};
    (void)vsnprintf(to, (size_t)n + 1, fmt, ap);
    return (kfk_bytes){to, (size_t)n};
}

kfk_bytes kfk__dev_text(kfk__arena *a, const char *fmt, ...)
{
    va_list ap;
    kfk_bytes text;

    va_start(ap, fmt);
    text = kfk__dev_vtext(a, fmt, ap);
    va_end(ap);
    return text;
}
