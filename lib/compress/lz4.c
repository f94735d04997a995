/* lz4: LZ4 frames, as Java writes and demands them: independent blocks of 64 KiB, no checksums.
 *
 * Blocks are put together here and LZ4F told to flush each: by itself it would allocate, and clear,
 * a buffer of that size for every frame. */
#define LZ4F_STATIC_LINKING_ONLY
#include <lz4.h>
#include <lz4frame.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "compress/codec.h"

enum {
    JAVA_FAST_LEVEL = 9, /* Java's default level, by which it means the fast compressor */
    LEAST_HC_LEVEL = 3,  /* what LZ4F takes for a level below that is the fast compressor */
    BLOCK = 64 * 1024,
    OVERHEAD = 32 /* more than LZ4F_compressBound has for a block that cannot be compressed */
};

typedef struct lz4 {
    const kfk_allocator *alloc;
    LZ4F_cctx *compressor;
    LZ4F_dctx *decompressor;
    uint8_t *stage; /* for kfk__each_block */
} lz4;

#if LZ4_VERSION_NUMBER >= 10904

static void *lz4_alloc(void *opaque, size_t n)
{
    return kfk__alloc(opaque, n);
}

static void *lz4_calloc(void *opaque, size_t n)
{
    return kfk__zalloc(opaque, n);
}

static void lz4_release(void *opaque, void *p)
{
    kfk__release(opaque, p);
}

static void make_compressor(lz4 *l)
{
    LZ4F_CustomMem mem = {lz4_alloc, lz4_calloc, lz4_release, (void *)l->alloc};

    l->compressor = LZ4F_createCompressionContext_advanced(mem, LZ4F_VERSION);
}

static void make_decompressor(lz4 *l)
{
    LZ4F_CustomMem mem = {lz4_alloc, lz4_calloc, lz4_release, (void *)l->alloc};

    l->decompressor = LZ4F_createDecompressionContext_advanced(mem, LZ4F_VERSION);
}

#else /* allocates for itself */

static void make_compressor(lz4 *l)
{
    if (LZ4F_isError(LZ4F_createCompressionContext(&l->compressor, LZ4F_VERSION)))
        l->compressor = NULL;
}

static void make_decompressor(lz4 *l)
{
    if (LZ4F_isError(LZ4F_createDecompressionContext(&l->decompressor, LZ4F_VERSION)))
        l->decompressor = NULL;
}

#endif

static void *lz4_open(const kfk_allocator *a)
{
    lz4 *l = kfk__zalloc(a, sizeof *l);

    if (l)
        l->alloc = a;
    return l;
}

static void lz4_close(void *state)
{
    lz4 *l = state;

    (void)LZ4F_freeCompressionContext(l->compressor);
    (void)LZ4F_freeDecompressionContext(l->decompressor);
    kfk__release(l->alloc, l->stage);
    kfk__release(l->alloc, l);
}

static bool is_nomem(size_t rc)
{
    return LZ4F_getErrorCode(rc) == LZ4F_ERROR_allocation_failed;
}

/* ---- in ---- */

static LZ4F_preferences_t preferences(int level)
{
    LZ4F_preferences_t p = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent},
        .autoFlush = 1};

    if (level != JAVA_FAST_LEVEL)
        p.compressionLevel = level < LEAST_HC_LEVEL ? LEAST_HC_LEVEL : level;
    return p;
}

/* What an LZ4F call wrote into the room that was reserved for it. */
static kfk_err wrote(kfk__buf *out, size_t rc)
{
    if (LZ4F_isError(rc))
        return is_nomem(rc) ? KFK_ERR_NOMEM : KFK_ERR_INTERNAL;
    out->len += rc;
    return KFK_OK;
}

static kfk_err begin_frame(lz4 *l, int level, kfk__buf *out)
{
    const LZ4F_preferences_t p = preferences(level);
    uint8_t *at = kfk__buf_reserve(out, LZ4F_HEADER_SIZE_MAX);

    if (!l->compressor)
        make_compressor(l);
    if (!l->stage)
        l->stage = kfk__alloc(l->alloc, BLOCK);
    if (!at || !l->compressor || !l->stage)
        return KFK_ERR_NOMEM;
    return wrote(out, LZ4F_compressBegin(l->compressor, at, LZ4F_HEADER_SIZE_MAX, &p));
}

static kfk_err put_block(void *state, const void *block, size_t n, kfk__buf *out)
{
    lz4 *l = state;
    uint8_t *at = kfk__buf_reserve(out, n + OVERHEAD);

    if (!at)
        return KFK_ERR_NOMEM;
    return wrote(out, LZ4F_compressUpdate(l->compressor, at, n + OVERHEAD, block, n, NULL));
}

static kfk_err end_frame(lz4 *l, kfk__buf *out)
{
    uint8_t *at = kfk__buf_reserve(out, OVERHEAD);

    return at ? wrote(out, LZ4F_compressEnd(l->compressor, at, OVERHEAD, NULL)) : KFK_ERR_NOMEM;
}

static kfk_err lz4_compress(void *state, int level, const struct iovec *in, int n, kfk__buf *out)
{
    lz4 *l = state;
    kfk_err err = begin_frame(l, level, out);

    if (err == KFK_OK)
        err = kfk__each_block(in, n, l->stage, BLOCK, put_block, l, out);
    return err == KFK_OK ? end_frame(l, out) : err;
}

/* ---- out ---- */

/* One call of the decoder. *hint: 0 at the end of a frame. */
static kfk_err decode_some(lz4 *l, const uint8_t **in, const uint8_t *end, kfk__buf *out,
                           size_t *hint, const char **why)
{
    size_t used = (size_t)(end - *in);
    kfk__room room;
    kfk_err err = kfk__room_get(&room, out, BLOCK);

    if (err != KFK_OK)
        return err;
    *hint = LZ4F_decompress(l->decompressor, room.at, &room.n, *in, &used, NULL);
    if (LZ4F_isError(*hint))
        return is_nomem(*hint) ? KFK_ERR_NOMEM : kfk__codec_fail(why, "corrupt lz4 frame");
    err = kfk__room_took(&room, out, room.n, why);
    if (err == KFK_OK && used == 0 && room.n == 0)
        return kfk__codec_fail(why, "truncated lz4 frame");
    *in += used;
    return err;
}

static kfk_err start_decoder(lz4 *l)
{
    if (!l->decompressor)
        make_decompressor(l);
    if (!l->decompressor)
        return KFK_ERR_NOMEM;
    LZ4F_resetDecompressionContext(l->decompressor);
    return KFK_OK;
}

/* All frames up to |end|. |hint| is not 0 within one. */
static kfk_err decode_rest(lz4 *l, const uint8_t *in, const uint8_t *end, size_t hint,
                           kfk__buf *out, const char **why)
{
    kfk_err err = KFK_OK;

    while (err == KFK_OK && (in < end || hint != 0))
        err = decode_some(l, &in, end, out, &hint, why);
    return err;
}

static kfk_err lz4_decompress(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                              const char **why)
{
    lz4 *l = state;
    kfk_err err = start_decoder(l);

    return err == KFK_OK ? decode_rest(l, in, in + n, 1, out, why) : err;
}

/* ---- frames with a wrong checksum of their header ---- */

/* The header: magic, FLG, BD, content size if bit 3 of FLG, dictionary if bit 0, checksum. */
enum { DESCRIPTOR = 4, LEAST_HEADER = 7, LONGEST_HEADER = 19 };

static uint32_t rotate(uint32_t v, int by)
{
    return v << by | v >> (32 - by);
}

static uint32_t little_endian(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* xxh32 with seed 0 of less than 16 bytes, as a descriptor is. liblz4 has it, but keeps it. */
static uint32_t xxh32_short(const uint8_t *p, size_t n)
{
    const uint32_t prime1 = 2654435761u, prime2 = 2246822519u, prime3 = 3266489917u,
                   prime4 = 668265263u, prime5 = 374761393u;
    uint32_t h = prime5 + (uint32_t)n;

    for (; n >= 4; p += 4, n -= 4)
        h = rotate(h + little_endian(p) * prime3, 17) * prime4;
    for (; n > 0; p++, n--)
        h = rotate(h + *p * prime5, 11) * prime1;
    h = (h ^ h >> 15) * prime2;
    h = (h ^ h >> 13) * prime3;
    return h ^ h >> 16;
}

/* Copies the header of the frame at |in|, with the checksum it should have; returns its length, or
 * 0 where there is no whole one. */
static size_t mend_header(const uint8_t *in, size_t n, uint8_t header[LONGEST_HEADER])
{
    size_t len = LEAST_HEADER;

    if (n < LEAST_HEADER)
        return 0;
    len += in[DESCRIPTOR] & 8 ? 8 : 0;
    len += in[DESCRIPTOR] & 1 ? 4 : 0;
    if (n < len)
        return 0;
    memcpy(header, in, len);
    header[len - 1] = (uint8_t)(xxh32_short(in + DESCRIPTOR, len - 1 - DESCRIPTOR) >> 8);
    return len;
}

kfk_err kfk__lz4_decompress_old(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                                const char **why)
{
    uint8_t header[LONGEST_HEADER];
    const uint8_t *at = header;
    size_t len = mend_header(in, n, header), hint = 1;
    lz4 *l = state;
    kfk_err err = start_decoder(l);

    while (err == KFK_OK && at < header + len)
        err = decode_some(l, &at, header + len, out, &hint, why);
    return err == KFK_OK ? decode_rest(l, in + len, in + n, hint, out, why) : err;
}

const kfk__codec_ops kfk__lz4 = {"lz4", lz4_open, lz4_close, lz4_compress, lz4_decompress};
