/* gzip: RFC 1952, one member written, any number read. */
#define ZLIB_CONST
#include <stdbool.h>
#include <zlib.h>

#include "base/mem.h"
#include "compress/codec.h"

enum {
    GZIP_WINDOW = 15 + 16, /* the largest window, and gzip's header instead of zlib's */
    MEM_LEVEL = 8,         /* zlib's default */
    NO_LEVEL = -100,
    LEAST_ROOM = 4096 /* for a call of deflate */
};

typedef struct gzip {
    const kfk_allocator *alloc;
    z_stream deflater;
    z_stream inflater;
    int level; /* of the deflater; NO_LEVEL: there is none yet */
    bool inflating;
} gzip;

static voidpf zlib_alloc(voidpf opaque, uInt n, uInt size)
{
    return kfk__array(opaque, NULL, n, size);
}

static void zlib_free(voidpf opaque, voidpf p)
{
    kfk__release(opaque, p);
}

static void set_allocator(z_stream *z, const kfk_allocator *a)
{
    z->zalloc = zlib_alloc;
    z->zfree = zlib_free;
    z->opaque = (voidpf)a;
}

static void *gzip_open(const kfk_allocator *a)
{
    gzip *g = kfk__zalloc(a, sizeof *g);

    if (!g)
        return NULL;
    g->alloc = a;
    g->level = NO_LEVEL;
    set_allocator(&g->deflater, a);
    set_allocator(&g->inflater, a);
    return g;
}

static void gzip_close(void *state)
{
    gzip *g = state;

    if (g->level != NO_LEVEL)
        (void)deflateEnd(&g->deflater);
    if (g->inflating)
        (void)inflateEnd(&g->inflater);
    kfk__release(g->alloc, g);
}

/* ---- in ---- */

static kfk_err start_deflate(gzip *g, int level)
{
    int rc;

    if (g->level == level)
        return deflateReset(&g->deflater) == Z_OK ? KFK_OK : KFK_ERR_INTERNAL;
    if (g->level != NO_LEVEL)
        (void)deflateEnd(&g->deflater);
    g->level = NO_LEVEL;
    rc = deflateInit2(&g->deflater, level, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL, Z_DEFAULT_STRATEGY);
    if (rc == Z_MEM_ERROR)
        return KFK_ERR_NOMEM;
    if (rc != Z_OK)
        return KFK_ERR_INTERNAL;
    g->level = level;
    return KFK_OK;
}

/* Until the input is used up, or the stream is at its end where |flush| is Z_FINISH. */
static kfk_err deflate_some(gzip *g, int flush, kfk__buf *out)
{
    z_stream *z = &g->deflater;

    for (;;) {
        uint8_t *at = kfk__buf_reserve(out, LEAST_ROOM);
        size_t room = out->cap - out->len;
        int rc;

        if (!at)
            return KFK_ERR_NOMEM;
        z->next_out = at;
        z->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
        rc = deflate(z, flush);
        out->len += (size_t)(z->next_out - at);
        if (rc == Z_STREAM_END)
            return KFK_OK;
        if (rc != Z_OK && rc != Z_BUF_ERROR)
            return KFK_ERR_INTERNAL;
        if (flush == Z_NO_FLUSH && z->avail_in == 0)
            return KFK_OK;
    }
}

static kfk_err gzip_compress(void *state, int level, const struct iovec *in, int n, kfk__buf *out)
{
    gzip *g = state;
    kfk_err err = start_deflate(g, level);

    for (int i = 0; i < n && err == KFK_OK; i++) {
        if (in[i].iov_len > UINT32_MAX)
            return KFK_ERR_INTERNAL;
        g->deflater.next_in = in[i].iov_base;
        g->deflater.avail_in = (uInt)in[i].iov_len;
        if (in[i].iov_len)
            err = deflate_some(g, Z_NO_FLUSH, out);
    }
    return err == KFK_OK ? deflate_some(g, Z_FINISH, out) : err;
}

/* ---- out ---- */

static kfk_err start_inflate(gzip *g)
{
    if (g->inflating)
        return inflateReset(&g->inflater) == Z_OK ? KFK_OK : KFK_ERR_INTERNAL;
    if (inflateInit2(&g->inflater, GZIP_WINDOW) != Z_OK)
        return KFK_ERR_NOMEM;
    g->inflating = true;
    return KFK_OK;
}

/* One call of inflate: *end, whether a member ended. */
static kfk_err inflate_some(z_stream *z, size_t hint, kfk__buf *out, bool *end, const char **why)
{
    kfk__room room;
    kfk_err err = kfk__room_get(&room, out, hint);
    int rc;

    if (err != KFK_OK)
        return err;
    z->next_out = room.at;
    z->avail_out = room.n < UINT32_MAX ? (uInt)room.n : UINT32_MAX;
    rc = inflate(z, Z_NO_FLUSH);
    err = kfk__room_took(&room, out, (size_t)(z->next_out - room.at), why);
    if (err != KFK_OK)
        return err;
    *end = rc == Z_STREAM_END;
    if (rc == Z_OK || rc == Z_STREAM_END)
        return KFK_OK;
    if (rc == Z_MEM_ERROR)
        return KFK_ERR_NOMEM;
    return kfk__codec_fail(why,
                           rc == Z_BUF_ERROR ? "truncated gzip stream" : "corrupt gzip stream");
}

static kfk_err gzip_decompress(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                               const char **why)
{
    gzip *g = state;
    z_stream *z = &g->inflater;
    kfk_err err = n <= UINT32_MAX ? start_inflate(g) : kfk__codec_fail(why, "too large for gzip");
    bool end = false;

    z->next_in = in;
    z->avail_in = (uInt)n;
    while (err == KFK_OK && !(end && z->avail_in == 0)) {
        if (end)
            err = start_inflate(g);
        if (err == KFK_OK)
            err = inflate_some(z, 4 * n + 1, out, &end, why);
    }
    return err;
}

const kfk__codec_ops kfk__gzip = {"gzip", gzip_open, gzip_close, gzip_compress, gzip_decompress};
