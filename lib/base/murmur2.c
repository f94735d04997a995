#include "base/murmur2.h"

int32_t kfk__murmur2(const void *data, size_t n)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *p = data;
    uint32_t h = 0x9747b28c ^ (uint32_t)n;

    for (; n >= 4; n -= 4, p += 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (n == 3)
        h ^= (uint32_t)p[2] << 16;
    if (n >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (n >= 1) {
        h ^= p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)h;
}
