/* exception: what Kafka's Java client would throw for an error of ours. */
#ifndef TOOLS_KFK_EXCEPTION_H
#define TOOLS_KFK_EXCEPTION_H

#include <kfk/error.h>

enum { EXCEPTION_MAX = 160 };

/* Writes the class's name to |out|, which has room for EXCEPTION_MAX, and returns it. */
const char *exception_class(kfk_err err, char *out);

#endif
