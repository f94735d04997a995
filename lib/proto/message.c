#include "proto/message.h"

const uint8_t kfk__type_size[KFK__T_STRUCT] = {
    [KFK__T_BOOL] = sizeof(bool),       [KFK__T_INT8] = sizeof(int8_t),
    [KFK__T_INT16] = sizeof(int16_t),   [KFK__T_UINT16] = sizeof(uint16_t),
    [KFK__T_INT32] = sizeof(int32_t),   [KFK__T_UINT32] = sizeof(uint32_t),
    [KFK__T_INT64] = sizeof(int64_t),   [KFK__T_FLOAT64] = sizeof(double),
    [KFK__T_UUID] = sizeof(kfk__uuid),  [KFK__T_STRING] = sizeof(kfk_bytes),
    [KFK__T_BYTES] = sizeof(kfk_bytes), [KFK__T_RECORDS] = sizeof(kfk_bytes),
};

_Static_assert(sizeof(bool) == 1 && sizeof(double) == 8, "numbers are as long here as on the wire");

void kfk__msg_init(const kfk__schema *s, void *msg)
{
    memcpy(msg, s->defaults, s->size);
}

static bool struct_is_default(const kfk__schema *s, const void *obj)
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (!kfk__field_is_default(s, &s->fields[i], obj))
            return false;
    return true;
}

/* Null where there is no null is a member that was never set. */
static bool bytes_are_default(const kfk__field *f, const kfk_bytes *b, const kfk_bytes *def)
{
    if (!b->data)
        return !def->data || kfk__field_never_null(f);
    return def->data && b->len == 0;
}

bool kfk__field_is_default(const kfk__schema *s, const kfk__field *f, const void *obj)
{
    const void *m = (const uint8_t *)obj + f->offset;
    const void *def = (const uint8_t *)s->defaults + f->offset;

    if (f->flags & KFK__F_ARRAY)
        return kfk__array_get(m).n == kfk__array_get(def).n;
    if (f->flags & KFK__F_POINTER)
        return !kfk__pointer_get(m);
    if (f->type == KFK__T_STRUCT)
        return struct_is_default(f->sub, m);
    if (f->type == KFK__T_STRING || f->type == KFK__T_BYTES || f->type == KFK__T_RECORDS)
        return bytes_are_default(f, m, def);
    return memcmp(m, def, kfk__field_size(f)) == 0;
}
