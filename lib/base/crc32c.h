/* crc32c: the Castagnoli checksum of record batches. By the processor's own instruction where it has one (SSE4.2,
 * ARMv8), three streams at once; by tables elsewhere. */
#ifndef KFK_BASE_CRC32C_H
#define KFK_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of |n| more bytes after those that gave |crc|; begin with 0. */
uint32_t kfk__crc32c(uint32_t crc, const void *data, size_t n);
/* The same, by tables; for tests. */
uint32_t kfk__crc32c_portable(uint32_t crc, const void *data, size_t n);

#endif
