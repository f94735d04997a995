#include "compress/compress.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "compress/codec.h"

static const kfk__codec_ops *const codecs[] = {
    [KFK__CODEC_GZIP] = &kfk__gzip,
    [KFK__CODEC_SNAPPY] = &kfk__snappy,
    [KFK__CODEC_LZ4] = &kfk__lz4,
    [KFK__CODEC_ZSTD] = &kfk__zstd,
};

enum { CODECS = sizeof codecs / sizeof *codecs };

struct kfk__compressor {
    const kfk_allocator *alloc;
    void *states[CODECS]; /* NULL: not used yet */
};

kfk__compressor *kfk__compressor_new(const kfk_allocator *a)
{
    kfk__compressor *c = kfk__zalloc(a, sizeof *c);

    if (c)
        c->alloc = a;
    return c;
}

void kfk__compressor_free(kfk__compressor *c)
{
    if (!c)
        return;
    for (int i = 0; i < CODECS; i++)
        if (c->states[i])
            codecs[i]->close(c->states[i]);
    kfk__release(c->alloc, c);
}

static bool known(kfk__codec codec)
{
    return codec > KFK__CODEC_NONE && (int)codec < CODECS;
}

static void *state_of(kfk__compressor *c, kfk__codec codec)
{
    if (!c->states[codec])
        c->states[codec] = codecs[codec]->open(c->alloc);
    return c->states[codec];
}

static kfk_err copy(const struct iovec *in, int n, kfk__buf *out)
{
    for (int i = 0; i < n; i++)
        kfk__buf_put(out, in[i].iov_base, in[i].iov_len);
    return kfk__buf_ok(out) ? KFK_OK : KFK_ERR_NOMEM;
}

kfk_err kfk__compress(kfk__compressor *c, kfk__codec codec, int level, const struct iovec *in,
                      int n, kfk__buf *out)
{
    const size_t len = out->len;
    void *state;
    kfk_err err = KFK_ERR_INTERNAL;

    if (codec == KFK__CODEC_NONE) {
        err = copy(in, n, out);
    } else if (known(codec)) {
        state = state_of(c, codec);
        err = state ? codecs[codec]->compress(state, level, in, n, out) : KFK_ERR_NOMEM;
    }
    if (err != KFK_OK)
        out->len = len;
    return err;
}

static kfk_err copy_within_limit(const void *in, size_t n, kfk__buf *out, const char **why)
{
    if (n > out->limit - out->len)
        return kfk__codec_fail_limit(why);
    kfk__buf_put(out, in, n);
    return kfk__buf_ok(out) ? KFK_OK : KFK_ERR_NOMEM;
}

typedef kfk_err decompress_fn(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                              const char **why);

/* By |fn|, which is one of |codec|'s. */
static kfk_err decompress(kfk__compressor *c, kfk__codec codec, decompress_fn *fn, const void *in,
                          size_t n, kfk__buf *out, const char **why)
{
    const size_t len = out->len;
    void *state = state_of(c, codec);
    kfk_err err = state ? fn(state, in, n, out, why) : KFK_ERR_NOMEM;

    if (err != KFK_OK)
        out->len = len;
    return err;
}

kfk_err kfk__decompress(kfk__compressor *c, kfk__codec codec, const void *in, size_t n,
                        kfk__buf *out, const char **why)
{
    const size_t len = out->len;
    kfk_err err;

    if (known(codec))
        return decompress(c, codec, codecs[codec]->decompress, in, n, out, why);
    if (codec != KFK__CODEC_NONE)
        return kfk__codec_fail(why, "unknown codec");
    err = copy_within_limit(in, n, out, why);
    if (err != KFK_OK)
        out->len = len;
    return err;
}

kfk_err kfk__decompress_old(kfk__compressor *c, kfk__codec codec, const void *in, size_t n,
                            kfk__buf *out, const char **why)
{
    return codec == KFK__CODEC_LZ4
               ? decompress(c, codec, kfk__lz4_decompress_old, in, n, out, why)
               : kfk__decompress(c, codec, in, n, out, why);
}

const char *kfk__codec_name(kfk__codec codec)
{
    if (codec == KFK__CODEC_NONE)
        return "none";
    return known(codec) ? codecs[codec]->name : NULL;
}

int kfk__codec_by_name(const char *name)
{
    for (int i = 0; i < CODECS; i++)
        if (strcmp(name, kfk__codec_name((kfk__codec)i)) == 0)
            return i;
    return -1;
}

/* ---- what the codecs share ---- */

kfk_err kfk__codec_fail(const char **why, const char *text)
{
    *why = text;
    return KFK_ERR_DECOMPRESS;
}

kfk_err kfk__codec_fail_limit(const char **why)
{
    return kfk__codec_fail(why, "inflates past max.decompressed.batch.bytes");
}

kfk_err kfk__each_block(const struct iovec *in, int n, uint8_t *stage, size_t size,
                        kfk__block_fn *fn, void *state, kfk__buf *out)
{
    size_t held = 0;
    kfk_err err = KFK_OK;

    for (int i = 0; i < n; i++) {
        const uint8_t *p = in[i].iov_base;
        size_t left = in[i].iov_len, part;

        for (; left > 0 && err == KFK_OK; p += part, left -= part) {
            part = left < size - held ? left : size - held;
            if (part == size) {
                err = fn(state, p, size, out);
                continue;
            }
            memcpy(stage + held, p, part);
            held += part;
            if (held == size) {
                err = fn(state, stage, size, out);
                held = 0;
            }
        }
    }
    return err == KFK_OK && held > 0 ? fn(state, stage, held, out) : err;
}

kfk_err kfk__room_get(kfk__room *r, kfk__buf *out, size_t hint)
{
    const size_t left = out->limit - out->len;

    if (left == 0) {
        r->at = &r->beyond;
        r->n = 1;
        return KFK_OK;
    }
    if (out->cap == out->len && !kfk__buf_reserve(out, hint < left ? hint : left))
        return KFK_ERR_NOMEM;
    r->at = out->data + out->len;
    r->n = out->cap - out->len < left ? out->cap - out->len : left;
    return KFK_OK;
}

kfk_err kfk__room_took(kfk__room *r, kfk__buf *out, size_t n, const char **why)
{
    if (r->at != &r->beyond)
        out->len += n;
    else if (n > 0)
        return kfk__codec_fail_limit(why);
    return KFK_OK;
}
