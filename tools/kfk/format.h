/* format: a record as kafka-console-consumer's formatters print it. The default one:
 *
 *   CreateTime:ts \t Partition:n \t Offset:n \t Delivery:n \t Epoch:n \t headers \t key \t value \n
 */
#ifndef TOOLS_KFK_FORMAT_H
#define TOOLS_KFK_FORMAT_H

#include <stdio.h>

#include "deserializer.h"
#include "tool.h"

typedef enum format_kind {
    FORMAT_DEFAULT,
    FORMAT_LOGGING, /* the same, and a line of log */
    FORMAT_NOTHING
} format_kind;

typedef struct format {
    format_kind kind;
    bool timestamp, partition, offset, delivery, epoch, headers, key, value;
    const char *key_separator, *line_separator, *headers_separator, *null_literal;
    /* Of headers, key, value: the class that was named, its encoding, and what came of them. */
    struct format_part {
        const char *class, *encoding, *plain_encoding;
        deserializer deserializer;
    } parts[3];
} format;

void format_init(format *f);
/* By the name of its class. false: there is no such one here, and stderr says so. */
bool format_choose(format *f, const char *class);
/* One property "name=value", which must live as long as |f|; the last of a name counts, and names
 * it does not know are passed over. */
void format_set(format *f, const char *pair);
/* Behind them all. false: a deserializer cannot be used here, and stderr says so. */
bool format_check(format *f);
/* NULL, or why not all of it was printed. */
const char *format_print(const format *f, FILE *out, kfk_records *rs, const kfk_record_view *r);

#endif
