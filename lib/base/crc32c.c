/* crc32c: three streams in flight hide the latency of the processor's instruction.
 *
 *    |<-- block -->|<-- block -->|<-- block -->|   each summed on its own, a word of each in turn
 *         a              b             c
 *    crc = a * x^(16 block)  +  b * x^(8 block)  +  c      (mod P; block in bytes)
 *
 * The two products are one carry-less multiplication each: x^n mod P is a constant, and the 64-bit
 * product is reduced by the crc instruction itself, as if it were eight more bytes. */
#include "base/crc32c.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* ---- by tables: eight bytes at a time, each through a table of its own ---- */

/* A crc is linear, so the entry of a byte is the sum of the entries of its bits: b0 to b7. */
#define ENTRY(n, b0, b1, b2, b3, b4, b5, b6, b7)                                 \
    (((n)&1 ? b0 : 0) ^ ((n)&2 ? b1 : 0) ^ ((n)&4 ? b2 : 0) ^ ((n)&8 ? b3 : 0) ^ \
     ((n)&16 ? b4 : 0) ^ ((n)&32 ? b5 : 0) ^ ((n)&64 ? b6 : 0) ^ ((n)&128 ? b7 : 0))
#define ENTRY4(n, ...)                                                               \
    ENTRY(n, __VA_ARGS__), ENTRY((n) + 1, __VA_ARGS__), ENTRY((n) + 2, __VA_ARGS__), \
        ENTRY((n) + 3, __VA_ARGS__)
#define ENTRY16(n, ...)                                                                 \
    ENTRY4(n, __VA_ARGS__), ENTRY4((n) + 4, __VA_ARGS__), ENTRY4((n) + 8, __VA_ARGS__), \
        ENTRY4((n) + 12, __VA_ARGS__)
#define ENTRY64(n, ...)                                                                      \
    ENTRY16(n, __VA_ARGS__), ENTRY16((n) + 16, __VA_ARGS__), ENTRY16((n) + 32, __VA_ARGS__), \
        ENTRY16((n) + 48, __VA_ARGS__)
#define TABLE(...)                                                                    \
    {                                                                                 \
        ENTRY64(0, __VA_ARGS__), ENTRY64(64, __VA_ARGS__), ENTRY64(128, __VA_ARGS__), \
            ENTRY64(192, __VA_ARGS__)                                                 \
    }

/* tables[k][b]: the crc of byte b with k zero bytes after it. */
static const uint32_t tables[8][256] = {TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
                                              0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
                                        TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
                                              0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
                                        TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
                                              0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
                                        TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
                                              0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
                                        TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
                                              0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
                                        TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
                                              0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
                                        TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
                                              0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
                                        TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
                                              0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664)};

static uint32_t byte_step(uint32_t c, uint8_t b)
{
    return c >> 8 ^ tables[0][(c ^ b) & 255];
}

uint32_t kfk__crc32c_portable(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t c = ~crc;

    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = c ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                            (uint32_t)p[3] << 24);

        c = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
            tables[4][low >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
            tables[0][p[7]];
    }
    while (n--)
        c = byte_step(c, *p++);
    return ~c;
}

/* ---- by the processor ---- */

#if defined(__x86_64__)

#include <immintrin.h>

#define HARDWARE __attribute__((target("sse4.2,pclmul")))

/* Every processor since 2010 has both. */
static bool have_hardware(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

HARDWARE static inline uint32_t step8(uint32_t c, uint8_t b)
{
    return _mm_crc32_u8(c, b);
}

/* A crc, in 64 bits as the instruction has it: a narrower type costs an instruction a step. */
HARDWARE static inline uint64_t step64(uint64_t c, uint64_t word)
{
    return _mm_crc32_u64(c, word);
}

HARDWARE static inline uint64_t multiply(uint64_t a, uint64_t b)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)a), _mm_cvtsi64_si128((int64_t)b), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

#elif defined(__aarch64__) && defined(__linux__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

/* Not by <arm_acle.h>, which some versions of clang fill only where the whole file is built for
 * such a processor. */
#if defined(__clang__)
#define HARDWARE __attribute__((target("crc,aes")))
#define STEP8 __builtin_arm_crc32cb
#define STEP64 __builtin_arm_crc32cd
#else
#define HARDWARE __attribute__((target("+crc+crypto")))
#define STEP8 __builtin_aarch64_crc32cb
#define STEP64 __builtin_aarch64_crc32cx
#endif

static bool have_hardware(void)
{
    const unsigned long both = HWCAP_CRC32 | HWCAP_PMULL;

    return (getauxval(AT_HWCAP) & both) == both;
}

HARDWARE static inline uint32_t step8(uint32_t c, uint8_t b)
{
    return STEP8(c, b);
}

HARDWARE static inline uint64_t step64(uint64_t c, uint64_t word)
{
    return STEP64((uint32_t)c, word);
}

HARDWARE static inline uint64_t multiply(uint64_t a, uint64_t b)
{
    return (uint64_t)vmull_p64(a, b);
}

#endif

#ifdef HARDWARE

/* Two sizes: the long one costs nearly nothing to put together, the short one leaves little for one
 * stream. */
enum { LONG = 1024, SHORT = 128, UNROLL = 16 };

/* x^(16 block - 33) and x^(8 block - 33) mod P, reflected. 33: the product stands one bit too low,
 * and its reduction multiplies by x^32. */
static const uint64_t long_twice = 0xa51b6135, long_once = 0x170076fa;
static const uint64_t short_twice = 0xb9e02b86, short_once = 0x0d3b6092;

HARDWARE static inline uint64_t word_at(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* The crc of three blocks of |block| bytes, a multiple of 8 * UNROLL. */
HARDWARE static inline uint64_t three_blocks(uint64_t a, const uint8_t *p, size_t block,
                                             uint64_t twice, uint64_t once)
{
    const uint8_t *end = p + block;
    uint64_t b = 0, c = 0;

    do {
#pragma GCC unroll 16
        for (int i = 0; i < UNROLL; i++) {
            a = step64(a, word_at(p + 8 * i));
            b = step64(b, word_at(p + block + 8 * i));
            c = step64(c, word_at(p + 2 * block + 8 * i));
        }
        p += 8 * UNROLL;
    } while (p < end);
    return step64(0, multiply(a, twice) ^ multiply(b, once)) ^ c;
}

HARDWARE static uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t c = (uint32_t)~crc;

    for (; n >= 3 * LONG; n -= 3 * LONG, p += 3 * LONG)
        c = three_blocks(c, p, LONG, long_twice, long_once);
    for (; n >= 3 * SHORT; n -= 3 * SHORT, p += 3 * SHORT)
        c = three_blocks(c, p, SHORT, short_twice, short_once);
    for (; n >= 8; n -= 8, p += 8)
        c = step64(c, word_at(p));
    while (n--)
        c = step8((uint32_t)c, *p++);
    return (uint32_t)~c;
}

typedef uint32_t crc_fn(uint32_t crc, const void *data, size_t n);

static uint32_t choose(uint32_t crc, const void *data, size_t n);

/* The first call replaces it; threads that do so at once all write the same. */
static _Atomic(crc_fn *) chosen = choose;

static uint32_t choose(uint32_t crc, const void *data, size_t n)
{
    crc_fn *fn = have_hardware() ? crc32c_hardware : kfk__crc32c_portable;

    atomic_store_explicit(&chosen, fn, memory_order_relaxed);
    return fn(crc, data, n);
}

uint32_t kfk__crc32c(uint32_t crc, const void *data, size_t n)
{
    return atomic_load_explicit(&chosen, memory_order_relaxed)(crc, data, n);
}

#else

uint32_t kfk__crc32c(uint32_t crc, const void *data, size_t n)
{
    return kfk__crc32c_portable(crc, data, n);
}

#endif
