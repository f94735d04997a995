#include "client/input.h"

#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "proto/api_versions.h"
#include "proto/header.h"

/* A frame this long is not an ApiVersions response: the peer speaks something else. */
enum { FIRST_LIMIT = 1 << 20 };

void kfk__input_init(kfk__input *in, const kfk_allocator *a)
{
    *in = (kfk__input){.at = KFK__IN_LENGTH};
    kfk__arena_init(&in->arena, a);
    kfk__buf_init(&in->whole, a);
    kfk__input_reset(in);
}

void kfk__input_fini(kfk__input *in)
{
    kfk__arena_fini(&in->arena);
    kfk__buf_fini(&in->whole);
}

void kfk__input_reset(kfk__input *in)
{
    in->at = KFK__IN_LENGTH;
    in->have = 0;
    in->left = 0;
    in->limit = FIRST_LIMIT;
    in->body = NULL;
    kfk__arena_reset(&in->arena);
    kfk__buf_fini(&in->whole);
}

static kfk_err malformed(char why[160], const kfk__request *r, const char *what)
{
    (void)snprintf(why, 160, "%s response v%d: %s", r->spec.api->name, r->spec.version, what);
    return KFK_ERR_PROTOCOL;
}

static kfk_err begin_body(kfk__input *in, const kfk__request *r, char why[160])
{
    const kfk__request_spec *s = &r->spec;

    if (in->header.correlation_id != r->correlation_id) {
        (void)snprintf(why, 160, "an answer to request %d, while %d (%s) was to be answered next",
                       in->header.correlation_id, r->correlation_id, s->api->name);
        return KFK_ERR_PROTOCOL;
    }
    if (s->api == &kfk__api_versions_api) {
        in->at = KFK__IN_WHOLE;
        return KFK_OK;
    }
    in->at = KFK__IN_BODY;
    in->body = kfk__arena_alloc(&in->arena, s->api->response->size);
    if (!in->body)
        return KFK_ERR_NOMEM;
    in->body_version = s->version;
    kfk__decoder_init(&in->decoder, s->api->response, s->version,
                      kfk__flexible(s->api, s->version), in->left, &in->arena, in->body, s->sink,
                      s->sink_ctx);
    return KFK_OK;
}

/* A broker that does not know the version answers with version 0 and UNSUPPORTED_VERSION. */
static kfk_err finish_whole(kfk__input *in, const kfk__request *r, char why[160])
{
    const kfk__api *api = r->spec.api;
    const char *field = NULL;
    size_t used;
    kfk_err err;

    if (in->whole.len < 2)
        return malformed(why, r, "shorter than an error code");
    in->body_version =
        kfk__get_be16(in->whole.data) == KFK_ERR_UNSUPPORTED_VERSION ? 0 : r->spec.version;
    in->body = kfk__arena_alloc(&in->arena, api->response->size);
    if (!in->body)
        return KFK_ERR_NOMEM;
    err = kfk__decode(api->response, in->body_version, kfk__flexible(api, in->body_version),
                      in->whole.data, in->whole.len, &in->arena, in->body, &used, &field);
    if (err == KFK_ERR_PROTOCOL)
        return malformed(why, r, field ? field : "cut short");
    if (!err && used != in->whole.len)
        return malformed(why, r, "bytes left over");
    return err;
}

static kfk_err begin_frame(kfk__input *in, const kfk__request *r, char why[160])
{
    int32_t length = (int32_t)kfk__get_be32(in->length);

    if (length < 4 || (size_t)length > in->limit) {
        (void)snprintf(why, 160, "%s response: a length of %d bytes", r->spec.api->name, length);
        return KFK_ERR_PROTOCOL;
    }
    in->left = (size_t)length;
    in->at = KFK__IN_HEADER;
    return KFK_OK;
}

/* The header as it nearly always is: it lies there whole and has no tagged fields. How many bytes it has; 0: it is for the
 * decoder. */
static size_t plain_header(kfk__input *in, bool tagged, const uint8_t *p, size_t n)
{
    size_t size = tagged ? 5 : 4;

    if (n < size || in->left < size || (tagged && p[4] != 0))
        return 0;
    in->header.correlation_id = (int32_t)kfk__get_be32(p);
    return size;
}

static kfk_err take_length(kfk__input *in, const kfk__request *r, const uint8_t *bytes, size_t n,
                           size_t *used, char why[160])
{
    size_t missing = sizeof in->length - in->have, took = n < missing ? n : missing;

    if (in->have == 0) {
        kfk__arena_reset(&in->arena);
        kfk__buf_clear(&in->whole);
        in->body = NULL;
    }
    memcpy(in->length + in->have, bytes, took);
    in->have += took;
    *used += took;
    if (!r) {
        (void)snprintf(why, 160, "bytes that answer no request");
        return KFK_ERR_PROTOCOL;
    }
    if (in->have < sizeof in->length)
        return KFK_OK;
    in->have = 0;
    return begin_frame(in, r, why);
}

/* A decoder took |took| bytes of the frame, and is done or not. */
static kfk_err after_decode(kfk__input *in, const kfk__request *r, size_t took, bool complete,
                            bool *done, char why[160])
{
    in->left -= took;
    if (in->left == 0 && (!complete || in->at == KFK__IN_HEADER))
        return malformed(why, r, "cut short");
    if (!complete)
        return KFK_OK;
    if (in->at == KFK__IN_HEADER)
        return begin_body(in, r, why);
    if (in->left > 0)
        return malformed(why, r, "bytes left over");
    in->at = KFK__IN_LENGTH;
    *done = true;
    return KFK_OK;
}

/* Behind the length. */
static kfk_err begin_header(kfk__input *in, const kfk__request *r, const uint8_t *bytes, size_t n,
                            size_t *used, bool *done, char why[160])
{
    bool tagged = kfk__response_header_tagged(r->spec.api, r->spec.version);
    size_t size = plain_header(in, tagged, bytes + *used, n - *used);

    if (size) {
        *used += size;
        return after_decode(in, r, size, true, done, why);
    }
    kfk__decoder_init(&in->decoder, &kfk__response_header_schema, 0, tagged, in->left, &in->arena,
                      &in->header, NULL, NULL);
    return KFK_OK;
}

static kfk_err take_whole(kfk__input *in, const kfk__request *r, const uint8_t *bytes, size_t n,
                          size_t *used, bool *done, char why[160])
{
    kfk__buf_put(&in->whole, bytes, n);
    if (!kfk__buf_ok(&in->whole))
        return KFK_ERR_NOMEM;
    *used += n;
    in->left -= n;
    if (in->left > 0)
        return KFK_OK;
    in->at = KFK__IN_LENGTH;
    in->limit = INT32_MAX;
    *done = true;
    return finish_whole(in, r, why);
}

kfk_err kfk__input_feed(kfk__input *in, const kfk__request *r, const uint8_t *bytes, size_t n,
                        size_t *used, bool *done, char why[160])
{
    kfk_err err = KFK_OK;

    *used = 0;
    *done = false;
    while (!err && !*done && *used < n) {
        size_t room = n - *used < in->left ? n - *used : in->left, took;
        bool complete = false;

        if (in->at == KFK__IN_LENGTH) {
            err = take_length(in, r, bytes + *used, n - *used, used, why);
            if (!err && in->at == KFK__IN_HEADER)
                err = begin_header(in, r, bytes, n, used, done, why);
            continue;
        }
        if (in->at == KFK__IN_WHOLE) {
            err = take_whole(in, r, bytes + *used, room, used, done, why);
            continue;
        }
        err = kfk__decoder_feed(&in->decoder, bytes + *used, room, &took, &complete);
        if (err == KFK_ERR_PROTOCOL)
            return malformed(why, r, kfk__decoder_why(&in->decoder));
        if (err)
            return err;
        *used += took;
        err = after_decode(in, r, took, complete, done, why);
    }
    return err;
}

size_t kfk__input_target(kfk__input *in, uint8_t **to)
{
    return in->at == KFK__IN_BODY ? kfk__decoder_target(&in->decoder, to) : 0;
}

kfk_err kfk__input_filled(kfk__input *in, const kfk__request *r, size_t n, bool *done,
                          char why[160])
{
    bool complete = false;
    kfk_err err = kfk__decoder_filled(&in->decoder, n, &complete);

    *done = false;
    if (err == KFK_ERR_PROTOCOL)
        return malformed(why, r, kfk__decoder_why(&in->decoder));
    return err ? err : after_decode(in, r, n, complete, done, why);
}
