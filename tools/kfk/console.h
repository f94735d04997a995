/* console: prints the records of a consumer, for kfk consume. */
#ifndef TOOLS_KFK_CONSOLE_H
#define TOOLS_KFK_CONSOLE_H

#include "format.h"
#include "reader.h"

typedef struct console {
    reader reader;
    format format;
    int64_t most;       /* -1: no limit */
    int64_t timeout_ms; /* -1: none */
    bool skip;          /* what cannot be read or printed */
    bool events;        /* for system tests */
    int64_t n;          /* records so far */
} console;

/* Reads and prints until the end, which may be a signal, and says how many there were. Returns the
 * exit status, which as that of Kafka's tool is 0 after a failure to read, and 1 after one to
 * print. */
int console_run(console *c, const kfk_config *config);

#endif
