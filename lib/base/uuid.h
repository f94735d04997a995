/* uuid: Kafka's 16 bytes, and their text (URL-safe base64 without padding, 22 characters). */
#ifndef KFK_BASE_UUID_H
#define KFK_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct kfk__uuid {
    uint8_t b[16];
} kfk__uuid;

static inline bool kfk__uuid_equal(const kfk__uuid *a, const kfk__uuid *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline bool kfk__uuid_is_zero(const kfk__uuid *u)
{
    static const kfk__uuid zero;

    return kfk__uuid_equal(u, &zero);
}

/* out: 22 characters and a NUL. */
void kfk__uuid_format(const kfk__uuid *u, char out[23]);
/* false: |text| is not such a text. */
bool kfk__uuid_parse(const char *text, kfk__uuid *out);

#endif
