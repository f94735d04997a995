/* properties: the syntax of Java's .properties files, all of it.
 *
 *   # comment          ! comment          key=value   key:value   key value
 *   key = a \          a line that ends in an odd number of backslashes goes on in the next one
 *         b            \t \n \r \f \uXXXX, and \x for any other x
 *
 * Bytes are ISO 8859-1, as in Java; keys and values come out as UTF-8. Reads no file and allocates
 * nothing. */
#ifndef KFK_CONFIG_PROPERTIES_H
#define KFK_CONFIG_PROPERTIES_H

#include <stddef.h>
#include <stdint.h>

typedef struct kfk__properties_reader {
    const uint8_t *p, *end;
    uint8_t *line; /* a logical line: as large as the text */
    char *out;     /* a key and its value: KFK__PROPERTIES_OUT(text) bytes */
    int next_line; /* the number of the natural line at |p| */
} kfk__properties_reader;

/* The room that |out| needs for a text of |n| bytes: every byte may become two. */
#define KFK__PROPERTIES_OUT(n) (2 * (n) + 2)

typedef struct kfk__pair {
    const char *key, *value; /* valid until the next call */
    int line;                /* where it begins, from 1 */
    const char *wrong;       /* what is malformed; then key and value are not valid */
} kfk__pair;

void kfk__properties_init(kfk__properties_reader *r, const uint8_t *text, size_t n, uint8_t *line,
                          char *out);
/* The next pair. 0: there is none. */
int kfk__properties_next(kfk__properties_reader *r, kfk__pair *pair);

#endif
