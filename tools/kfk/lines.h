/* lines: records out of lines of text, as kafka-console-producer's reader takes them.
 *
 *   h1:v1,h2:v2 \t key \t value        the first two with parse.headers, parse.key */
#ifndef TOOLS_KFK_LINES_H
#define TOOLS_KFK_LINES_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

#include <kfk/types.h>

typedef struct lines {
    bool parse_key, parse_headers, ignore_error;
    const char *key_separator, *headers_delimiter, *headers_separator, *headers_key_separator;
    const char *null_marker; /* NULL: none */
    regex_t headers_pattern; /* of headers_separator, once lines_check is true */
    bool has_pattern;
    long number; /* of the line read last, from 1 */
    char *line;
    size_t room;
    bool after_cr; /* a newline now is the end of the line before */
    char why[1024];
} lines;

/* One line's record; the bytes lie in the line. */
typedef struct lines_record {
    kfk_bytes key, value;
    kfk_header *headers; /* free() */
    size_t n_headers;
} lines_record;

void lines_init(lines *l);
void lines_fini(lines *l);
/* One reader property "name=value", which must live as long as |l|; names it does not know are
 * passed over, as Kafka's reader does. */
void lines_set(lines *l, const char *pair);
/* Whether the separators can be told apart, and that of headers is a regular expression; else
 * |why|. To be called before lines_next. */
bool lines_check(lines *l);
/* 1: a record; 0: the end; -1: a line that cannot be parsed, or no memory: |why|. */
int lines_next(lines *l, FILE *in, lines_record *out);

#endif
