/* The encoder. It goes as deep as the schema does, which tools/schemac bounds; no thread owns it.
 */
#include "proto/proto.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "proto/message.h"

typedef struct encoder {
    kfk__buf *out;
    kfk__splices *splices;
    int16_t version;
    bool flexible;
} encoder;

static kfk_err put_struct(encoder *e, const kfk__schema *s, const void *obj);

/* A buffer that has no memory left stays failed, which kfk__encode asks once at its end. */
static void put8(encoder *e, uint8_t v)
{
    uint8_t *p = kfk__buf_add(e->out, 1);

    if (p)
        *p = v;
}

static void put16(encoder *e, uint16_t v)
{
    uint8_t *p = kfk__buf_add(e->out, 2);

    if (p)
        kfk__put_be16(p, v);
}

static void put32(encoder *e, uint32_t v)
{
    uint8_t *p = kfk__buf_add(e->out, 4);

    if (p)
        kfk__put_be32(p, v);
}

static void put64(encoder *e, uint64_t v)
{
    uint8_t *p = kfk__buf_add(e->out, 8);

    if (p)
        kfk__put_be64(p, v);
}

static void put_uvarint(encoder *e, uint64_t v)
{
    uint8_t *p = kfk__buf_add(e->out, v < 0x80 ? 1 : kfk__uvarint_size(v));

    if (p)
        (void)kfk__uvarint_put(p, v);
}

/* A length; -1 is null. */
static void put_length(encoder *e, bool is_string, int64_t n)
{
    if (e->flexible)
        put_uvarint(e, (uint64_t)(n + 1));
    else if (is_string)
        put16(e, (uint16_t)n);
    else
        put32(e, (uint32_t)n);
}

static kfk_err put_bytes(encoder *e, const kfk__field *f, const kfk_bytes *b)
{
    bool is_string = f->type == KFK__T_STRING;
    size_t len = b->data ? b->len : 0;
    kfk__splices *sp = f->type == KFK__T_RECORDS ? e->splices : NULL;

    if (!b->data && !kfk__field_never_null(f)) {
        put_length(e, is_string, -1);
        return kfk__field_nullable(f, e->version) ? KFK_OK : KFK_ERR_UNSUPPORTED_VERSION;
    }
    if (len > (is_string ? (size_t)INT16_MAX : (size_t)INT32_MAX))
        return KFK_ERR_INVALID_ARG;
    put_length(e, is_string, (int64_t)len);
    if (sp && sp->n < sp->max && len >= sp->min_len) {
        sp->v[sp->n++] = (kfk__splice){.at = e->out->len, .bytes = *b};
        sp->total += len;
        return KFK_OK;
    }
    kfk__buf_put(e->out, b->data, len);
    return KFK_OK;
}

/* A number, boolean or uuid. */
static void put_number(encoder *e, uint8_t type, const void *m)
{
    uint64_t bits;

    switch ((kfk__field_type)type) {
    case KFK__T_BOOL:
        put8(e, *(const bool *)m);
        break;
    case KFK__T_INT8:
        put8(e, *(const uint8_t *)m);
        break;
    case KFK__T_INT16:
    case KFK__T_UINT16:
        put16(e, *(const uint16_t *)m);
        break;
    case KFK__T_INT32:
    case KFK__T_UINT32:
        put32(e, *(const uint32_t *)m);
        break;
    case KFK__T_INT64:
    case KFK__T_FLOAT64:
        memcpy(&bits, m, sizeof bits);
        put64(e, bits);
        break;
    default:
        kfk__buf_put(e->out, m, sizeof(kfk__uuid));
        break;
    }
}

static kfk_err put_value(encoder *e, const kfk__field *f, const void *m)
{
    if (f->type == KFK__T_STRUCT)
        return put_struct(e, f->sub, m);
    if (f->type >= KFK__T_STRING)
        return put_bytes(e, f, m);
    put_number(e, f->type, m);
    return KFK_OK;
}

static kfk_err put_array(encoder *e, const kfk__field *f, const void *m)
{
    kfk__any_array a = kfk__array_get(m);
    const uint8_t *v = a.v;
    size_t size = kfk__field_size(f);
    kfk_err err = KFK_OK;

    if (a.n < 0 && !kfk__field_nullable(f, e->version))
        return KFK_ERR_UNSUPPORTED_VERSION;
    put_length(e, false, a.n < 0 ? -1 : a.n);
    for (int32_t i = 0; i < a.n && !err; i++, v += size)
        err = put_value(e, f, v);
    return err;
}

static kfk_err put_pointer(encoder *e, const kfk__field *f, const void *m)
{
    const void *obj = kfk__pointer_get(m);

    if (kfk__field_nullable(f, e->version))
        put8(e, obj ? 1 : UINT8_MAX);
    else if (!obj)
        return KFK_ERR_UNSUPPORTED_VERSION;
    return obj ? put_struct(e, f->sub, obj) : KFK_OK;
}

static kfk_err put_field(encoder *e, const kfk__field *f, const void *obj)
{
    const void *m = (const uint8_t *)obj + f->offset;

    if (f->flags & KFK__F_ARRAY)
        return put_array(e, f, m);
    return f->flags & KFK__F_POINTER ? put_pointer(e, f, m) : put_value(e, f, m);
}

/* A field that is set may not get lost because the version does not have it. */
static kfk_err leave_out(const kfk__schema *s, const kfk__field *f, const void *obj)
{
    if (f->flags & KFK__F_IGNORABLE || kfk__field_is_default(s, f, obj))
        return KFK_OK;
    return KFK_ERR_UNSUPPORTED_VERSION;
}

/* The value follows its size. Nearly all are shorter than 128 bytes, so one byte is left for the
 * size, and a longer value moves up. There are no splices in it: records are never tagged. */
static kfk_err put_tagged(encoder *e, const kfk__field *f, const void *obj)
{
    kfk__buf *out = e->out;
    size_t at, len, more;
    kfk_err err;

    put_uvarint(e, (uint64_t)f->tag);
    put8(e, 0);
    at = out->len;
    err = put_field(e, f, obj);
    len = out->len - at;
    more = kfk__uvarint_size(len) - 1;
    if (more)
        (void)kfk__buf_add(out, more);
    if (err || !kfk__buf_ok(out))
        return err;
    if (more)
        memmove(out->data + at + more, out->data + at, len);
    (void)kfk__uvarint_put(out->data + at - 1, len);
    return KFK_OK;
}

static kfk_err put_tags(encoder *e, const kfk__schema *s, const void *obj)
{
    const kfk__field *f = s->fields + s->n_untagged, *end = s->fields + s->n_fields;
    uint32_t n = 0;
    kfk_err err = KFK_OK;

    for (const kfk__field *t = f; t < end; t++)
        n += kfk__field_in(t, e->version) && !kfk__field_is_default(s, t, obj);
    put_uvarint(e, n);
    for (; f < end && !err; f++)
        if (!kfk__field_in(f, e->version))
            err = leave_out(s, f, obj);
        else if (!kfk__field_is_default(s, f, obj))
            err = put_tagged(e, f, obj);
    return err;
}

static kfk_err put_struct(encoder *e, const kfk__schema *s, const void *obj)
{
    const kfk__field *f = s->fields, *end = f + s->n_untagged;
    kfk_err err = KFK_OK;

    for (; f < end && !err; f++)
        if (!kfk__field_in(f, e->version))
            err = leave_out(s, f, obj);
        else if (f->type < KFK__T_STRING && !(f->flags & KFK__F_ARRAY)) /* as most are */
            put_number(e, f->type, (const uint8_t *)obj + f->offset);
        else
            err = put_field(e, f, obj);
    if (err || e->flexible)
        return err ? err : put_tags(e, s, obj);
    for (end = s->fields + s->n_fields; f < end && !err; f++)
        err = leave_out(s, f, obj);
    return err;
}

kfk_err kfk__encode(const kfk__schema *s, int16_t version, bool flexible, const void *msg,
                    kfk__buf *out, kfk__splices *sp)
{
    encoder e = {.out = out, .splices = sp, .version = version, .flexible = flexible};
    kfk_err err = put_struct(&e, s, msg);

    return err || kfk__buf_ok(out) ? err : KFK_ERR_NOMEM;
}
