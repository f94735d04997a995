/* deserializer: the text that Kafka's own deserializers make of bytes, as Java prints what they
 * return. */
#ifndef TOOLS_KFK_DESERIALIZER_H
#define TOOLS_KFK_DESERIALIZER_H

#include <stdbool.h>
#include <stdio.h>

#include <kfk/types.h>

struct deserializer_class;

typedef struct deserializer {
    const struct deserializer_class *of; /* NULL: none, bytes are printed as they are */
    const char *encoding;                /* of text; NULL: UTF-8 */
} deserializer;

/* By the name of its class. false: it is none of these. */
bool deserializer_find(deserializer *d, const char *class);
/* false: this machine does not know the encoding. |name| lives as long as |d|. */
bool deserializer_set_encoding(deserializer *d, const char *name);
/* NULL, or what is wrong with the bytes, in Kafka's words. */
const char *deserializer_print(const deserializer *d, FILE *out, kfk_bytes b);

#endif
