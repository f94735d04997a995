/* message: what the encoder and the decoder need to know of a member, and of its default. */
#ifndef KFK_PROTO_MESSAGE_H
#define KFK_PROTO_MESSAGE_H

#include <string.h>

#include "proto/proto.h"

/* An array member, whatever its elements. It is read and written as bytes: the member's own type is
 * another one. */
typedef struct kfk__any_array {
    void *v;
    int32_t n;
} kfk__any_array;

static inline kfk__any_array kfk__array_get(const void *m)
{
    kfk__any_array a;

    memcpy(&a, m, sizeof a);
    return a;
}

static inline void kfk__array_set(void *m, void *v, int32_t n)
{
    kfk__any_array a = {v, n};

    memcpy(m, &a, sizeof a);
}

/* A member that is a pointer to a struct. */
static inline void *kfk__pointer_get(const void *m)
{
    void *p;

    memcpy(&p, m, sizeof p);
    return p;
}

/* Whether the member of |f| in the struct at |obj|, which is of schema |s|, has its default. */
bool kfk__field_is_default(const kfk__schema *s, const kfk__field *f, const void *obj);
/* sizeof a value of each type in C, structs left out. A number has as many bytes on the wire. */
extern const uint8_t kfk__type_size[KFK__T_STRUCT];

static inline size_t kfk__field_size(const kfk__field *f)
{
    return f->sub ? f->sub->size : kfk__type_size[f->type];
}

static inline bool kfk__field_in(const kfk__field *f, int16_t version)
{
    return version >= f->min && version <= f->max;
}

static inline bool kfk__field_nullable(const kfk__field *f, int16_t version)
{
    return version >= f->null_min && version <= f->null_max;
}

static inline bool kfk__field_never_null(const kfk__field *f)
{
    return f->null_min > f->null_max;
}

#endif
