/* snappy_shim: libsnappy, which is C++ and may throw, made into two C functions that do not. */
#ifndef KFK_COMPRESS_SNAPPY_SHIM_H
#define KFK_COMPRESS_SNAPPY_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KFK__SNAPPY_OK = 0, KFK__SNAPPY_NOMEM = 1, KFK__SNAPPY_CORRUPT = 2 };

/* The most that |n| bytes are compressed to. */
size_t kfk__snappy_bound(size_t n);
/* Writes at most the bound, *out_len bytes. OK or NOMEM. */
int kfk__snappy_pack(const char *in, size_t n, char *out, size_t *out_len);
/* The length that |n| bytes claim to be of. OK or CORRUPT. */
int kfk__snappy_length(const char *in, size_t n, size_t *len);
/* Writes exactly that length. */
int kfk__snappy_unpack(const char *in, size_t n, char *out);

#ifdef __cplusplus
}
#endif

#endif
