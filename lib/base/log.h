/* log: one line at a time to the application's log function. Costs one comparison where the level
 * is off, and allocates nothing. Any thread; the struct is a value that its handle fills once. */
#ifndef KFK_BASE_LOG_H
#define KFK_BASE_LOG_H

#include <stdbool.h>

#include <kfk/config.h>

typedef struct kfk__log {
    kfk_log_fn *fn; /* NULL: nobody listens */
    void *arg;
    int level; /* lines above it are not made */
} kfk__log;

enum {
    KFK__LOG_LINE_MAX = 1024
}; /* bytes of a line, its NUL included; what is longer ends in "..." */

static inline bool kfk__log_on(const kfk__log *log, int level)
{
    return log->fn && level <= log->level;
}

/* Formats and hands over one line, level or not. Control characters, which may come from a broker,
 * become '?'. */
void kfk__log_line(const kfk__log *log, int level, const char *subsystem, const char *fmt, ...)
    KFK_PRINTF(4, 5);

/* The same where the level is on; elsewhere the arguments are not evaluated. */
#define kfk__log_write(log, level, subsystem, ...)                   \
    do {                                                             \
        if (kfk__log_on((log), (level)))                             \
            kfk__log_line((log), (level), (subsystem), __VA_ARGS__); \
    } while (0)

#endif
