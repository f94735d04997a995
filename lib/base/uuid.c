#include "base/uuid.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void kfk__uuid_format(const kfk__uuid *u, char out[23])
{
    uint32_t acc = 0;
    int bits = 0;
    char *p = out;

    for (size_t i = 0; i < sizeof u->b; i++) {
        acc = acc << 8 | u->b[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *p++ = digits[acc >> (bits - 6) & 63];
    }
    *p++ = digits[acc << (6 - bits) & 63];
    *p = '\0';
}

bool kfk__uuid_parse(const char *text, kfk__uuid *out)
{
    uint32_t acc = 0;
    int bits = 0;
    size_t n = 0;

    if (strlen(text) != 22)
        return false;
    for (; *text; text++) {
        const char *digit = strchr(digits, *text);

        if (!digit)
            return false;
        acc = acc << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out->b[n++] = (uint8_t)(acc >> bits);
        }
    }
    return (acc & 15) == 0; /* what does not fit 16 bytes */
}
