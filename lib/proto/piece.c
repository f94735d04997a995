#include "proto/piece.h"

kfk__step kfk__take_long_uvarint(kfk__decoder *d, kfk__piece *in, uint64_t *v)
{
    const uint8_t *p;

    do {
        if (d->kept == KFK__VARINT_MAX)
            return kfk__malformed(d, in);
        if (in->p == in->end)
            return KFK__STEP_MORE;
        d->part[d->kept++] = *in->p++;
    } while (d->part[d->kept - 1] >= 0x80);
    p = kfk__uvarint_get(d->part, d->part + d->kept, KFK__VARINT_MAX, v);
    d->kept = 0;
    return !p || *v > UINT32_MAX ? kfk__malformed(d, in) : KFK__STEP_ON;
}

kfk__step kfk__take_length(kfk__decoder *d, kfk__piece *in, const kfk__field *f, size_t size,
                           int64_t *n)
{
    const uint8_t *p;
    uint64_t v = 0;
    kfk__step s;

    if (d->flexible) {
        s = kfk__take_uvarint(d, in, &v);
        if (s != KFK__STEP_ON)
            return s;
        *n = (int64_t)v - 1;
    } else {
        p = kfk__take(d, in, size);
        if (!p)
            return KFK__STEP_MORE;
        *n = size == 2 ? (int16_t)kfk__get_be16(p) : (int32_t)kfk__get_be32(p);
    }
    if (*n < 0)
        return *n == -1 && kfk__field_nullable(f, d->version) ? KFK__STEP_ON
                                                              : kfk__malformed(d, in);
    return *n > INT32_MAX || (uint64_t)*n > kfk__piece_left(d, in) ? kfk__malformed(d, in)
                                                                   : KFK__STEP_ON;
}
