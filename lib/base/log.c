#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void kfk__log_line(const kfk__log *log, int level, const char *subsystem, const char *fmt, ...)
{
    char line[KFK__LOG_LINE_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof line)
        memcpy(line + sizeof line - 4, "...", 4);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    log->fn(level, subsystem, line, log->arg);
}
