/* pairs: the properties of what a tool is made of (--reader-config, --formatter-config), from a
 * file in Java's format. Those of the client itself are the library's to load. */
#ifndef TOOLS_KFK_PAIRS_H
#define TOOLS_KFK_PAIRS_H

#include <stdbool.h>

/* |pair|, "name=value", stays for as long as the process. false: no more is read. */
typedef bool pairs_fn(void *arg, const char *pair);

/* Calls |fn| with each property of the file. false: stderr says why not, or |fn| was false. */
bool pairs_each(const char *path, pairs_fn *fn, void *arg);

#endif
