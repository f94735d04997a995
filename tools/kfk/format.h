/* format: a record as kafka-console-consumer's default formatter prints it.
 *
 *   CreateTime:ts \t Partition:n \t Offset:n \t Delivery:n \t Epoch:n \t headers \t key \t value \n
 */
#ifndef TOOLS_KFK_FORMAT_H
#define TOOLS_KFK_FORMAT_H

#include <stdio.h>

#include "tool.h"

typedef struct format {
    bool timestamp, partition, offset, delivery, epoch, headers, key, value;
    const char *key_separator, *line_separator, *headers_separator, *null_literal;
} format;

void format_init(format *f);
/* One property "name=value", which must live as long as |f|. false: it needs the JVM, and stderr
 * says so. */
bool format_set(format *f, const char *pair);
void format_print(const format *f, FILE *out, kfk_records *rs, const kfk_record_view *r);

#endif
