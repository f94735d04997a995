#include "proto/header.h"

#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"

enum { KEY_API_VERSIONS = 18 };

static const kfk__field response_fields[] = {
    {"correlation_id", NULL, 0, KFK__T_INT32, 0, 0, KFK__LATEST, KFK__NO_VERSION, -1, -1},
};
static const int32_t response_default = 0;
static const uint16_t response_min_bytes[] = {sizeof(int32_t)};

const kfk__schema kfk__response_header_schema = {
    "response header", response_fields, &response_default, response_min_bytes, 1, 1,
    sizeof(int32_t)};

static void put_be16(kfk__buf *out, int16_t v)
{
    uint8_t tmp[2];

    kfk__put_be16(tmp, (uint16_t)v);
    kfk__buf_put(out, tmp, sizeof tmp);
}

static void put_be32(kfk__buf *out, int32_t v)
{
    uint8_t tmp[4];

    kfk__put_be32(tmp, (uint32_t)v);
    kfk__buf_put(out, tmp, sizeof tmp);
}

static const uint8_t no_tags[1] = {0};

void kfk__request_header_write(kfk__buf *out, const kfk__api *api, int16_t version,
                               int32_t correlation_id, const char *client_id)
{
    size_t len = client_id ? strlen(client_id) : 0;

    if (len > INT16_MAX)
        len = INT16_MAX;
    put_be16(out, api->key);
    put_be16(out, version);
    put_be32(out, correlation_id);
    put_be16(out, client_id ? (int16_t)len : -1);
    kfk__buf_put(out, client_id, len);
    if (kfk__flexible(api, version))
        kfk__buf_put(out, no_tags, 1);
}

/* Past the tagged fields, whatever they are; NULL: they do not end in time. */
static const uint8_t *skip_tags(const uint8_t *p, const uint8_t *end)
{
    uint64_t n, tag, size;

    p = kfk__uvarint_get(p, end, KFK__VARINT_MAX, &n);
    for (; p && n > 0; n--) {
        p = kfk__uvarint_get(p, end, KFK__VARINT_MAX, &tag);
        if (p)
            p = kfk__uvarint_get(p, end, KFK__VARINT_MAX, &size);
        if (p)
            p = size <= (uint64_t)(end - p) ? p + size : NULL;
    }
    return p;
}

kfk_err kfk__request_header_read(const uint8_t *p, size_t n, kfk__request_header *h, size_t *used)
{
    const uint8_t *at, *end = p + n;
    const kfk__api *api;
    int16_t len;

    if (n < 10)
        return KFK_ERR_PROTOCOL;
    at = p + 10;
    h->key = (int16_t)kfk__get_be16(p);
    h->version = (int16_t)kfk__get_be16(p + 2);
    h->correlation_id = (int32_t)kfk__get_be32(p + 4);
    len = (int16_t)kfk__get_be16(p + 8);
    if (len < -1 || len > end - at)
        return KFK_ERR_PROTOCOL;
    h->client_id = len < 0 ? (kfk_bytes){NULL, 0} : kfk__bytes(at, (size_t)len);
    at += len > 0 ? len : 0;
    api = kfk__api_by_key(h->key);
    if (api && kfk__flexible(api, h->version))
        at = skip_tags(at, end);
    if (!at)
        return KFK_ERR_PROTOCOL;
    *used = (size_t)(at - p);
    return KFK_OK;
}

bool kfk__response_header_tagged(const kfk__api *api, int16_t version)
{
    return kfk__flexible(api, version) && api->key != KEY_API_VERSIONS;
}

void kfk__response_header_write(kfk__buf *out, const kfk__api *api, int16_t version,
                                int32_t correlation_id)
{
    put_be32(out, correlation_id);
    if (kfk__response_header_tagged(api, version))
        kfk__buf_put(out, no_tags, 1);
}
