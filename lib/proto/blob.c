/* Strings, bytes and records as they come: pointed at where they lie, copied into the arena, or put
 * where a sink says. */
#include "proto/piece.h"

/* What one gets before its bytes are there. */
enum { FIRST_BLOB = 64 * 1024 };

/* All |n| bytes of it are in hand. */
static kfk__step take_blob(kfk__decoder *d, kfk__piece *in, kfk_bytes *m, size_t n)
{
    const uint8_t *p = in->p;

    if (!d->borrow) {
        uint8_t *copy = kfk__arena_alloc(d->arena, n);

        if (!copy)
            return kfk__decoder_fail(d, in, KFK_ERR_NOMEM);
        p = memcpy(copy, p, n);
    }
    *m = kfk__bytes(p, n);
    in->p += n;
    return KFK__STEP_ON;
}

kfk__step kfk__blob_begin(kfk__decoder *d, kfk__piece *in, const kfk__field *f, kfk_bytes *m)
{
    bool is_string = f->type == KFK__T_STRING;
    int64_t n = 0;
    kfk__step s = kfk__take_length(d, in, f, is_string ? 2 : 4, &n);

    if (s != KFK__STEP_ON)
        return s;
    if (is_string && n > INT16_MAX)
        return kfk__malformed(d, in);
    *m = kfk__bytes(n < 0 ? NULL : "", 0);
    d->to_sink = d->sink && n >= 0 && f->type == KFK__T_RECORDS;
    if (n <= 0 && !d->to_sink)
        return KFK__STEP_ON;
    if (!d->to_sink && (size_t)n <= (size_t)(in->end - in->p))
        return take_blob(d, in, m, (size_t)n);
    d->in_blob = true;
    d->blob_value = m;
    d->blob_len = (size_t)n;
    d->blob_have = d->blob_room = 0;
    d->blob = NULL;
    return KFK__STEP_INSIDE;
}

/* Asks the sink where the next bytes go, or for the value once all are there. */
static kfk__step ask_sink(kfk__decoder *d, kfk__piece *in)
{
    kfk_err err = d->sink(d->sink_ctx, kfk__decoder_top(d)->obj, d->blob_len, d->blob_have,
                          &d->blob_to, &d->blob_room, d->blob_value);

    if (!err && d->blob_have < d->blob_len && d->blob_room == 0)
        err = KFK_ERR_INTERNAL;
    return err ? kfk__decoder_fail(d, in, err) : KFK__STEP_ON;
}

/* Room for more of the blob: twice what has come. */
static kfk__step blob_room(kfk__decoder *d, kfk__piece *in)
{
    size_t room = d->blob_have ? d->blob_have * 2 : FIRST_BLOB;
    uint8_t *p;

    if (d->to_sink)
        return ask_sink(d, in);
    if (room > d->blob_len)
        room = d->blob_len;
    p = kfk__arena_grow(d->arena, d->blob, d->blob_have, room);
    if (!p)
        return kfk__decoder_fail(d, in, KFK_ERR_NOMEM);
    d->blob = p;
    d->blob_to = p + d->blob_have;
    d->blob_room = room - d->blob_have;
    return KFK__STEP_ON;
}

void kfk__blob_filled(kfk__decoder *d, size_t n)
{
    d->blob_to += n;
    d->blob_room -= n;
    d->blob_have += n;
}

/* How much of it can be put in place now. */
static size_t blob_space(const kfk__decoder *d)
{
    size_t rest = d->blob_len - d->blob_have;

    return d->blob_room < rest ? d->blob_room : rest;
}

kfk__step kfk__blob_go_on(kfk__decoder *d, kfk__piece *in)
{
    while (d->blob_have < d->blob_len) {
        size_t n = (size_t)(in->end - in->p);

        /* The sink is asked before the bytes are there, for a receive straight to the target. */
        if (d->blob_room == 0 && (n > 0 || d->to_sink)) {
            kfk__step s = blob_room(d, in);

            if (s != KFK__STEP_ON)
                return s;
        }
        if (n == 0)
            return KFK__STEP_MORE;
        if (n > blob_space(d))
            n = blob_space(d);
        memcpy(d->blob_to, in->p, n);
        in->p += n;
        kfk__blob_filled(d, n);
    }
    d->in_blob = false;
    if (d->to_sink)
        return ask_sink(d, in);
    *d->blob_value = kfk__bytes(d->blob, d->blob_len);
    return KFK__STEP_ON;
}

size_t kfk__decoder_target(kfk__decoder *d, uint8_t **to)
{
    if (!d->in_blob || !d->to_sink)
        return 0;
    *to = d->blob_to;
    return blob_space(d);
}
