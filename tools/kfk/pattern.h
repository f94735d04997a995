/* pattern: regular expressions that cut a text apart. Kafka's tools take Java's, these are POSIX's
 * extended ones, which are the same as far as separators go. */
#ifndef TOOLS_KFK_PATTERN_H
#define TOOLS_KFK_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/* "\n", "\t" and "\r" are what they are in Java. false: it is none, or no memory. */
bool pattern_compile(regex_t *re, const char *text);
/* The first match in |text| at |at| or behind, [*start, *end), that does not end at |at|: an empty
 * one is found behind the next byte. false: there is none. */
bool pattern_find(const regex_t *re, const char *text, size_t size, size_t at, size_t *start,
                  size_t *end);

#endif
