/* compress: the one way in and out of gzip, snappy (xerial), lz4 and zstd.
 *
 * Codec contexts are kept from call to call, so one kfk__compressor belongs to one thread at a
 * time. What is decompressed goes into |out|, whose |limit| is the cap: whatever a header claims,
 * |out| never grows past it. */
#ifndef KFK_COMPRESS_COMPRESS_H
#define KFK_COMPRESS_COMPRESS_H

#include <sys/uio.h>

#include <kfk/types.h>

#include "base/buf.h"

/* As in a batch's attributes. */
typedef enum kfk__codec {
    KFK__CODEC_NONE = 0,
    KFK__CODEC_GZIP = 1,
    KFK__CODEC_SNAPPY = 2,
    KFK__CODEC_LZ4 = 3,
    KFK__CODEC_ZSTD = 4
} kfk__codec;

typedef struct kfk__compressor kfk__compressor;

/* NULL: no memory. Contexts are made when first used. */
kfk__compressor *kfk__compressor_new(const kfk_allocator *a);
void kfk__compressor_free(kfk__compressor *c);

/* Appends the compressed form of the |n| pieces to |out|. |level| is Kafka's
 * compression.CODEC.level, within the bounds of that property; snappy has none. On an error |out|
 * is as long as before. KFK_ERR_NOMEM, also where out->limit is in the way; KFK_ERR_INTERNAL: the
 * codec refuses. */
kfk_err kfk__compress(kfk__compressor *c, kfk__codec codec, int level, const struct iovec *in,
                      int n, kfk__buf *out);

/* Appends what |n| bytes inflate to. On an error |out| is as long as before.
 * KFK_ERR_DECOMPRESS: corrupt, truncated, followed by something else, an unknown codec, or past
 * out->limit, with a reason (static) in *why; KFK_ERR_NOMEM. */
kfk_err kfk__decompress(kfk__compressor *c, kfk__codec codec, const void *in, size_t n,
                        kfk__buf *out, const char **why);

/* The same for a message of version 0 (record/message.h), where the checksum of an lz4 frame's
 * header is not looked at: Kafka before 0.10 had it cover the wrong bytes (KIP-57, KAFKA-3160). */
kfk_err kfk__decompress_old(kfk__compressor *c, kfk__codec codec, const void *in, size_t n,
                            kfk__buf *out, const char **why);

/* "gzip", or NULL for an unknown codec; and back (-1: none). */
const char *kfk__codec_name(kfk__codec codec);
int kfk__codec_by_name(const char *name);

#endif
