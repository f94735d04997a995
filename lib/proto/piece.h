/* piece: what a decoder is being fed, and numbers read from it, which a cut between two pieces may
 * have gone through. For the decoder's own files; it lives on the stack of whoever feeds. */
#ifndef KFK_PROTO_PIECE_H
#define KFK_PROTO_PIECE_H

#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "proto/message.h"
#include "proto/proto.h"

/* How a step of the decoder went. */
typedef enum kfk__step {
    KFK__STEP_ON,     /* the value is complete, go on behind it */
    KFK__STEP_INSIDE, /* the value has begun: go on inside it */
    KFK__STEP_MORE,   /* the bytes have run out */
    KFK__STEP_DONE,   /* the message is complete */
    KFK__STEP_FAIL    /* in->error */
} kfk__step;

typedef struct kfk__piece {
    const uint8_t *p, *end, *start;
    size_t before; /* bytes of the message in front of |start| */
    kfk_err error;
} kfk__piece;

static inline size_t kfk__piece_position(const kfk__piece *in)
{
    return in->before + (size_t)(in->p - in->start);
}

/* Bytes of the message that are still to be read. */
static inline size_t kfk__piece_left(const kfk__decoder *d, const kfk__piece *in)
{
    return d->len - kfk__piece_position(in);
}

static inline kfk__decode_frame *kfk__decoder_top(kfk__decoder *d)
{
    return &d->stack[d->depth - 1];
}

/* Where a frame's |field| points when it is at none. */
static inline const kfk__field *kfk__no_field(const kfk__decode_frame *f)
{
    return f->schema->fields + f->schema->n_fields;
}

static inline kfk__step kfk__decoder_fail(kfk__decoder *d, kfk__piece *in, kfk_err err)
{
    const kfk__decode_frame *f = kfk__decoder_top(d);

    d->why = f->field < kfk__no_field(f) ? f->field->name : f->schema->name;
    in->error = err;
    return KFK__STEP_FAIL;
}

static inline kfk__step kfk__malformed(kfk__decoder *d, kfk__piece *in)
{
    return kfk__decoder_fail(d, in, KFK_ERR_PROTOCOL);
}

/* |n| bytes in a row, or NULL: they are not all there yet, and what there is has been kept. */
static inline const uint8_t *kfk__take(kfk__decoder *d, kfk__piece *in, size_t n)
{
    const uint8_t *p = in->p;

    if (d->kept == 0 && (size_t)(in->end - p) >= n) {
        in->p += n;
        return p;
    }
    while (d->kept < n && in->p < in->end)
        d->part[d->kept++] = *in->p++;
    if (d->kept < n)
        return NULL;
    d->kept = 0;
    return d->part;
}

/* A number, boolean or uuid, to be put at |m|. false: not all there yet. */
static inline bool kfk__take_number(kfk__decoder *d, kfk__piece *in, uint8_t type, void *m)
{
    const uint8_t *p = kfk__take(d, in, kfk__type_size[type]);
    uint64_t bits;

    if (!p)
        return false;
    switch ((kfk__field_type)type) {
    case KFK__T_BOOL:
        *(bool *)m = *p != 0;
        break;
    case KFK__T_INT8:
        *(uint8_t *)m = *p;
        break;
    case KFK__T_INT16:
    case KFK__T_UINT16:
        *(uint16_t *)m = kfk__get_be16(p);
        break;
    case KFK__T_INT32:
    case KFK__T_UINT32:
        *(uint32_t *)m = kfk__get_be32(p);
        break;
    case KFK__T_INT64:
    case KFK__T_FLOAT64:
        bits = kfk__get_be64(p);
        memcpy(m, &bits, sizeof bits);
        break;
    default:
        memcpy(m, p, sizeof(kfk__uuid));
        break;
    }
    return true;
}

/* The varints that do not lie there in one byte. */
kfk__step kfk__take_long_uvarint(kfk__decoder *d, kfk__piece *in, uint64_t *v);

/* At most 5 bytes and 32 bits. */
static inline kfk__step kfk__take_uvarint(kfk__decoder *d, kfk__piece *in, uint64_t *v)
{
    if (d->kept == 0 && in->p < in->end && *in->p < 0x80) {
        *v = *in->p++;
        return KFK__STEP_ON;
    }
    return kfk__take_long_uvarint(d, in, v);
}

/* A length of 0 to INT32_MAX, which remains; or -1: null, which the field allows. It has |size|
 * bytes where it is not a varint. */
kfk__step kfk__take_length(kfk__decoder *d, kfk__piece *in, const kfk__field *f, size_t size,
                           int64_t *n);

/* ---- strings, bytes, records (blob.c) ---- */

/* Begins one of |f|, to be put at |m|. */
kfk__step kfk__blob_begin(kfk__decoder *d, kfk__piece *in, const kfk__field *f, kfk_bytes *m);
/* Goes on with the one that has begun. */
kfk__step kfk__blob_go_on(kfk__decoder *d, kfk__piece *in);
/* |n| bytes were put where the next ones belong. */
void kfk__blob_filled(kfk__decoder *d, size_t n);

#endif
