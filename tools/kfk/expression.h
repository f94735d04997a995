/* expression: regular expressions that choose topics.
 *
 * Kafka's tools take Java's, which are written anew as POSIX's extended ones. That is exact for
 * whole names made of the characters that topics have: classes and what is written with a backslash
 * become brackets of these, and a lazy repetition is as good as any. What has no such form is
 * refused: looking around, back references, possessive repetitions, flags but a leading (?i). */
#ifndef TOOLS_KFK_EXPRESSION_H
#define TOOLS_KFK_EXPRESSION_H

#include <regex.h>
#include <stdbool.h>

typedef struct expression {
    regex_t re;
} expression;

/* false: |text| is none, or no memory. */
bool expression_init(expression *x, const char *text);
/* What options that take a list too mean by it, for expression_init: a comma is an "or", blanks and
 * outer quotes go. free(); NULL: no memory. */
char *expression_of_list(const char *text);
void expression_fini(expression *x);
/* Whether it is the whole of the topic's name. */
bool expression_matches(const expression *x, const char *topic);

#endif
