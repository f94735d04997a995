/* murmur2: the hash that Kafka's clients place keys with. */
#ifndef KFK_BASE_MURMUR2_H
#define KFK_BASE_MURMUR2_H

#include <stddef.h>
#include <stdint.h>

/* MurmurHash2, 32 bits, with Kafka's seed and its little-endian words. Equal to Utils.murmur2 of the Java client. */
int32_t kfk__murmur2(const void *data, size_t n);

#endif
