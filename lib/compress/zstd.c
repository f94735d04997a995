/* zstd: one frame written, any number read. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"
#include "compress/codec.h"

enum { LEAST_ROOM = 4096 }; /* for a call of the compressor */

typedef struct zstd {
    const kfk_allocator *alloc;
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
} zstd;

static void *zstd_alloc(void *opaque, size_t n)
{
    return kfk__alloc(opaque, n);
}

static void zstd_release(void *opaque, void *p)
{
    kfk__release(opaque, p);
}

static ZSTD_customMem memory(const zstd *z)
{
    return (ZSTD_customMem){zstd_alloc, zstd_release, (void *)z->alloc};
}

static void *zstd_open(const kfk_allocator *a)
{
    zstd *z = kfk__zalloc(a, sizeof *z);

    if (z)
        z->alloc = a;
    return z;
}

static void zstd_close(void *state)
{
    zstd *z = state;

    (void)ZSTD_freeCCtx(z->compressor);
    (void)ZSTD_freeDCtx(z->decompressor);
    kfk__release(z->alloc, z);
}

/* ---- in ---- */

static kfk_err compress_error(size_t rc)
{
    return ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation ? KFK_ERR_NOMEM : KFK_ERR_INTERNAL;
}

/* The size is told beforehand: small batches then get small tables. */
static kfk_err start_frame(zstd *z, int level, size_t total)
{
    size_t rc;

    if (!z->compressor)
        z->compressor = ZSTD_createCCtx_advanced(memory(z));
    if (!z->compressor)
        return KFK_ERR_NOMEM;
    rc = ZSTD_CCtx_reset(z->compressor, ZSTD_reset_session_only);
    if (!ZSTD_isError(rc))
        rc = ZSTD_CCtx_setParameter(z->compressor, ZSTD_c_compressionLevel, level);
    if (!ZSTD_isError(rc))
        rc = ZSTD_CCtx_setPledgedSrcSize(z->compressor, total);
    return ZSTD_isError(rc) ? compress_error(rc) : KFK_OK;
}

/* Until the input is used up, or the frame is complete where |how| is ZSTD_e_end. */
static kfk_err add_piece(zstd *z, const struct iovec *in, ZSTD_EndDirective how, kfk__buf *out)
{
    ZSTD_inBuffer from = {in->iov_base, in->iov_len, 0};
    size_t left;

    do {
        ZSTD_outBuffer to;

        if (!kfk__buf_reserve(out, LEAST_ROOM))
            return KFK_ERR_NOMEM;
        to = (ZSTD_outBuffer){out->data + out->len, out->cap - out->len, 0};
        left = ZSTD_compressStream2(z->compressor, &to, &from, how);
        if (ZSTD_isError(left))
            return compress_error(left);
        out->len += to.pos;
    } while (from.pos < from.size || (how == ZSTD_e_end && left > 0));
    return KFK_OK;
}

static kfk_err zstd_compress(void *state, int level, const struct iovec *in, int n, kfk__buf *out)
{
    const struct iovec nothing = {NULL, 0};
    zstd *z = state;
    size_t total = 0;
    kfk_err err;

    for (int i = 0; i < n; i++)
        total += in[i].iov_len;
    err = start_frame(z, level, total);
    for (int i = 0; i < n - 1 && err == KFK_OK; i++)
        err = add_piece(z, &in[i], ZSTD_e_continue, out);
    if (err == KFK_OK)
        err = add_piece(z, n > 0 ? &in[n - 1] : &nothing, ZSTD_e_end, out);
    return err;
}

/* ---- out ---- */

/* Sets *room to what is decoded into at once, which spares zstd a window of its own and the copying
 * out of it. That is what the frames say or, where they do not, what their blocks can hold; but
 * never more than so many bytes can be: a block takes four or more and holds 128 KiB at most. */
static kfk_err measure(const uint8_t *in, size_t n, size_t *room, const char **why)
{
    const unsigned long long bound = ZSTD_decompressBound(in, n);
    const size_t most = (n / 4 + 1) * (size_t)ZSTD_BLOCKSIZE_MAX;

    if (bound == ZSTD_CONTENTSIZE_ERROR || n == 0)
        return kfk__codec_fail(why, "corrupt or truncated zstd frame");
    *room = bound < most ? (size_t)bound : most;
    return KFK_OK;
}

static kfk_err decode(zstd *z, const uint8_t *in, size_t n, size_t room, kfk__buf *out,
                      const char **why)
{
    const size_t left = out->limit - out->len;
    uint8_t *at = kfk__buf_reserve(out, room < left ? room : left);
    size_t rc;

    if (!at)
        return KFK_ERR_NOMEM;
    rc = ZSTD_decompressDCtx(z->decompressor, at, room < left ? room : left, in, n);
    if (!ZSTD_isError(rc)) {
        out->len += rc;
        return KFK_OK;
    }
    if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
        return KFK_ERR_NOMEM;
    if (ZSTD_getErrorCode(rc) == ZSTD_error_dstSize_tooSmall && room > left)
        return kfk__codec_fail_limit(why);
    return kfk__codec_fail(why, "corrupt zstd frame");
}

static kfk_err zstd_decompress(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                               const char **why)
{
    zstd *z = state;
    size_t room = 0;
    kfk_err err = measure(in, n, &room, why);

    if (err != KFK_OK)
        return err;
    if (!z->decompressor)
        z->decompressor = ZSTD_createDCtx_advanced(memory(z));
    return z->decompressor ? decode(z, in, n, room, out, why) : KFK_ERR_NOMEM;
}

const kfk__codec_ops kfk__zstd = {"zstd", zstd_open, zstd_close, zstd_compress, zstd_decompress};
