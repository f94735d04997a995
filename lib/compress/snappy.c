/* snappy: in the framing of snappy-java, which Kafka calls snappy. All integers big-endian.
 *
 *   82 'S' 'N' 'A' 'P' 'P' 'Y' 00 · version i32 = 1 · least version that can read it i32 = 1
 *   · for each 32 KiB: length i32, a raw snappy block
 *
 * One raw block without any of this is read too, which some clients wrote. */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "compress/codec.h"
#include "compress/snappy_shim.h"

enum { HEADER = 16, BLOCK = 32 * 1024 };

static const uint8_t header[HEADER] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                       0,    0,   0,   1,   0,   0,   0,   1};

/* There libsnappy is not to be trusted: a build that was not told of the byte order, as Debian 12's,
 * writes blocks that inflate to something else. So each is inflated again there. */
enum { BIG_ENDIAN_HOST = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ };

/* A copy of 64 bytes, the longest, takes three: what claims to hold more than that is lying. */
enum { LARGEST_RATIO = 22 };

typedef struct snappy {
    const kfk_allocator *alloc;
    uint8_t *stage; /* for kfk__each_block, and to inflate to; NULL: nothing was compressed yet */
} snappy;

static void *snappy_open(const kfk_allocator *a)
{
    snappy *s = kfk__zalloc(a, sizeof *s);

    if (s)
        s->alloc = a;
    return s;
}

static void snappy_close(void *state)
{
    snappy *s = state;

    kfk__release(s->alloc, s->stage);
    kfk__release(s->alloc, s);
}

/* ---- in ---- */

/* A block that is one literal: its length, a tag, the bytes as they are. */
static size_t store(const void *block, size_t n, uint8_t *at)
{
    const uint8_t head[] = {(uint8_t)(n | 0x80),
                            (uint8_t)(n >> 7 | 0x80),
                            (uint8_t)(n >> 14),
                            61 << 2,
                            (uint8_t)(n - 1),
                            (uint8_t)((n - 1) >> 8)};

    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, block, n);
    return sizeof head + n;
}

static int pack(snappy *s, const void *block, size_t n, uint8_t *at, size_t *len)
{
    int rc = kfk__snappy_pack(block, n, (char *)at, len);

    if (!BIG_ENDIAN_HOST || rc != KFK__SNAPPY_OK)
        return rc;
    rc = kfk__snappy_unpack((const char *)at, *len, (char *)s->stage + BLOCK);
    if (rc != KFK__SNAPPY_NOMEM && memcmp(s->stage + BLOCK, block, n) != 0)
        *len = store(block, n, at);
    return rc == KFK__SNAPPY_NOMEM ? rc : KFK__SNAPPY_OK;
}

static kfk_err put_block(void *state, const void *block, size_t n, kfk__buf *out)
{
    uint8_t *at = kfk__buf_reserve(out, 4 + kfk__snappy_bound(n));
    size_t len;

    if (!at || pack(state, block, n, at + 4, &len) != KFK__SNAPPY_OK)
        return KFK_ERR_NOMEM;
    kfk__put_be32(at, (uint32_t)len);
    out->len += 4 + len;
    return KFK_OK;
}

static kfk_err snappy_compress(void *state, int level, const struct iovec *in, int n, kfk__buf *out)
{
    snappy *s = state;

    (void)level;
    if (!s->stage)
        s->stage = kfk__alloc(s->alloc, BIG_ENDIAN_HOST ? 2 * BLOCK : BLOCK);
    kfk__buf_put(out, header, sizeof header);
    if (!s->stage || !kfk__buf_ok(out))
        return KFK_ERR_NOMEM;
    return kfk__each_block(in, n, s->stage, BLOCK, put_block, s, out);
}

/* ---- out ---- */

static kfk_err take_block(const uint8_t *in, size_t n, kfk__buf *out, const char **why)
{
    uint8_t *at;
    size_t len;
    int rc;

    if (kfk__snappy_length((const char *)in, n, &len) != KFK__SNAPPY_OK || len / LARGEST_RATIO > n)
        return kfk__codec_fail(why, "corrupt snappy block");
    if (len > out->limit - out->len)
        return kfk__codec_fail_limit(why);
    at = kfk__buf_reserve(out, len);
    if (!at)
        return KFK_ERR_NOMEM;
    rc = kfk__snappy_unpack((const char *)in, n, (char *)at);
    if (rc == KFK__SNAPPY_NOMEM)
        return KFK_ERR_NOMEM;
    if (rc != KFK__SNAPPY_OK)
        return kfk__codec_fail(why, "corrupt snappy block");
    out->len += len;
    return KFK_OK;
}

static bool has_header(const uint8_t *in, size_t n)
{
    return n >= HEADER && memcmp(in, header, 8) == 0;
}

/* One block or, as snappy-java allows also between blocks, one header. *used: its bytes. */
static kfk_err take_part(const uint8_t *in, size_t n, size_t *used, kfk__buf *out, const char **why)
{
    size_t len;

    if (has_header(in, n)) {
        *used = HEADER;
        if ((int32_t)kfk__get_be32(in + 8) < 1)
            return kfk__codec_fail(why, "a snappy stream of an unknown version");
        return KFK_OK;
    }
    len = n >= 4 ? kfk__get_be32(in) : 0;
    if (len == 0 || len > n - 4)
        return kfk__codec_fail(why, "truncated snappy stream");
    *used = 4 + len;
    return take_block(in + 4, len, out, why);
}

static kfk_err snappy_decompress(void *state, const uint8_t *in, size_t n, kfk__buf *out,
                                 const char **why)
{
    kfk_err err = KFK_OK;
    size_t used = 0;

    (void)state;
    if (!has_header(in, n))
        return take_block(in, n, out, why);
    for (; n > 0 && err == KFK_OK; in += used, n -= used)
        err = take_part(in, n, &used, out, why);
    return err;
}

const kfk__codec_ops kfk__snappy = {"snappy", snappy_open, snappy_close, snappy_compress,
                                    snappy_decompress};
