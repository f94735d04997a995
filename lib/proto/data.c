#include "proto/data.h"

#include "base/bytes.h"

enum { VERSION_BYTES = 2 };

kfk_err kfk__data_encode(const kfk__data *d, int16_t version, const void *msg, kfk__buf *out)
{
    uint8_t *at = kfk__buf_add(out, VERSION_BYTES);

    if (!at)
        return KFK_ERR_NOMEM;
    kfk__put_be16(at, (uint16_t)version);
    return kfk__encode(d->schema, version, version >= d->flexible_min, msg, out, NULL);
}

/* The version and no more: which of ours reads it; -1: none. */
static int read_version(const kfk__data *d, kfk_bytes bytes, int16_t *version)
{
    if (!bytes.data || bytes.len < VERSION_BYTES)
        return -1;
    *version = (int16_t)kfk__get_be16(bytes.data);
    if (*version < d->min)
        return -1;
    return *version > d->max ? d->max : *version;
}

kfk_err kfk__data_decode(const kfk__data *d, kfk_bytes bytes, kfk__arena *arena, void *msg,
                         int16_t *version, const char **why)
{
    int as = read_version(d, bytes, version);
    size_t used;

    if (as < 0) {
        if (why)
            *why = "version";
        return KFK_ERR_PROTOCOL;
    }
    kfk__msg_init(d->schema, msg);
    return kfk__decode(d->schema, (int16_t)as, as >= d->flexible_min,
                       (const uint8_t *)bytes.data + VERSION_BYTES, bytes.len - VERSION_BYTES,
                       arena, msg, &used, why);
}
