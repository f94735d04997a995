/* payload: the values that kfk perf produce sends: random capitals, records of a file, or numbers.
 */
#ifndef TOOLS_KFK_PAYLOAD_H
#define TOOLS_KFK_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

typedef struct payload {
    uint64_t random;
    char *text; /* of the file; or what next fills */
    size_t size;
    kfk_bytes *pieces; /* of the file */
    size_t n_pieces;
} payload;

/* Of |size| random capitals (size 0: ascending numbers). */
bool payload_init(payload *p, size_t size);
/* Pieces of a file, between what |delimiter|, a regular expression, matches, perhaps none. false:
 * stderr says why not. */
bool payload_load(payload *p, const char *path, const char *delimiter);
void payload_fini(payload *p);
/* The i-th value, valid until the next call. */
kfk_bytes payload_next(payload *p, int64_t i);

#endif
