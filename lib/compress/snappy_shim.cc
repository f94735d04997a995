#include "compress/snappy_shim.h"

#include <snappy.h>

size_t kfk__snappy_bound(size_t n)
{
    return snappy::MaxCompressedLength(n);
}

int kfk__snappy_pack(const char *in, size_t n, char *out, size_t *out_len)
{
    try {
        snappy::RawCompress(in, n, out, out_len);
        return KFK__SNAPPY_OK;
    } catch (...) {
        return KFK__SNAPPY_NOMEM;
    }
}

int kfk__snappy_length(const char *in, size_t n, size_t *len)
{
    return snappy::GetUncompressedLength(in, n, len) ? KFK__SNAPPY_OK : KFK__SNAPPY_CORRUPT;
}

int kfk__snappy_unpack(const char *in, size_t n, char *out)
{
    try {
        return snappy::RawUncompress(in, n, out) ? KFK__SNAPPY_OK : KFK__SNAPPY_CORRUPT;
    } catch (...) {
        return KFK__SNAPPY_NOMEM;
    }
}
