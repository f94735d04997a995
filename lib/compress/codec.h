/* codec: what each codec's file gives to the gateway, and the room that decoders write into. Of no
 * concern outside of this folder. */
#ifndef KFK_COMPRESS_CODEC_H
#define KFK_COMPRESS_CODEC_H

#include <sys/uio.h>

#include <kfk/types.h>

#include "base/buf.h"

/* The contracts are those of kfk__compress and kfk__decompress; the gateway restores out->len. */
typedef struct kfk__codec_ops {
    const char *name;
    void *(*open)(const kfk_allocator *a); /* NULL: no memory */
    void (*close)(void *state);
    kfk_err (*compress)(void *state, int level, const struct iovec *in, int n, kfk__buf *out);
    kfk_err (*decompress)(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                          const char **why);
} kfk__codec_ops;

extern const kfk__codec_ops kfk__gzip;
extern const kfk__codec_ops kfk__snappy;
extern const kfk__codec_ops kfk__lz4;
extern const kfk__codec_ops kfk__zstd;

/* kfk__lz4's decompress, for a first frame with any checksum of its header. */
kfk_err kfk__lz4_decompress_old(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                                const char **why);

/* Cuts the |n| pieces into blocks of |size| bytes, the last one smaller, for |fn|. What is spread
 * over several pieces is put together in |stage|, of |size| bytes; the rest stays where it lies. */
typedef kfk_err kfk__block_fn(void *state, const void *block, size_t len, kfk__buf *out);
kfk_err kfk__each_block(const struct iovec *in, int n, uint8_t *stage, size_t size,
                        kfk__block_fn *fn, void *state, kfk__buf *out);

/* Where a streaming decoder writes next. At the limit that is a byte beside the buffer, so that a
 * stream which ends just there is told from one that goes on. */
typedef struct kfk__room {
    uint8_t *at;
    size_t n;
    uint8_t beyond;
} kfk__room;

/* Sets *r, at least one byte; |hint| bytes are added when the buffer is full. KFK_ERR_NOMEM. */
kfk_err kfk__room_get(kfk__room *r, kfk__buf *out, size_t hint);
/* |n| bytes were written there. KFK_ERR_DECOMPRESS: that was past the limit. */
kfk_err kfk__room_took(kfk__room *r, kfk__buf *out, size_t n, const char **why);

/* Sets *why and returns KFK_ERR_DECOMPRESS. */
kfk_err kfk__codec_fail(const char **why, const char *text);
kfk_err kfk__codec_fail_limit(const char **why);

#endif
