#include "text.h"

#include <errno.h>
#include <iconv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char replacement[] = "\xef\xbf\xbd";

/* ---- encodings ---- */

/* How many bytes from |p| on are a character of UTF-8. 0: none are, and |*bad| is how many of them
 * one U+FFFD stands for: those that could still have become one, at least one. */
static size_t utf8_char(const uint8_t *p, size_t n, size_t *bad)
{
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;
    /* The second byte has other bounds behind some: no overlong forms, nothing > 10FFFF. */
    uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = p[0] == 0xf4 ? 0x8f : 0xbf;

    *bad = 1;
    for (size_t i = 1; i < len; i++) {
        *bad = i;
        if (i == n || p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    if (p[0] == 0xed && p[1] >= 0xa0) { /* half of a pair: all three are one */
        *bad = 3;
        return 0;
    }
    return len;
}

static void decode_utf8(FILE *out, const uint8_t *p, size_t n)
{
    while (n) {
        size_t bad, len = utf8_char(p, n, &bad);

        if (len)
            (void)fwrite(p, 1, len, out);
        else
            (void)fputs(replacement, out);
        p += len ? len : bad;
        n -= len ? len : bad;
    }
}

/* Java takes UTF-16 without a mark for big-endian, iconv for what the machine is. */
static const char *iconv_name(const char *encoding, const uint8_t *p, size_t n)
{
    bool marked = n >= 2 && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0xff && p[1] == 0xfe));

    return strcasecmp(encoding, "UTF-16") == 0 && !marked ? "UTF-16BE" : encoding;
}

static void decode(FILE *out, iconv_t cd, char *p, size_t n)
{
    while (n) {
        char some[512], *to = some;
        size_t room = sizeof some, rc = iconv(cd, &p, &n, &to, &room);
        int why = rc == (size_t)-1 ? errno : 0;

        (void)fwrite(some, 1, sizeof some - room, out);
        if (why != EILSEQ && why != EINVAL)
            continue;
        (void)fputs(replacement, out);
        p += why == EINVAL ? n : 1;
        n -= why == EINVAL ? n : 1;
    }
}

void text_decode(FILE *out, kfk_bytes b, const char *encoding)
{
    iconv_t cd;

    if (!encoding || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0) {
        decode_utf8(out, b.data, b.len);
        return;
    }
    cd = iconv_open("UTF-8", iconv_name(encoding, b.data, b.len));
    if (cd == (iconv_t)-1)
        return;
    decode(out, cd, (char *)(uintptr_t)b.data, b.len);
    (void)iconv_close(cd);
}

bool text_knows(const char *encoding)
{
    iconv_t cd = iconv_open("UTF-8", encoding);

    if (cd == (iconv_t)-1)
        return false;
    (void)iconv_close(cd);
    return true;
}

/* ---- numbers ---- */

/* Digits d.ddd and an exponent, "%.*e": two, or as few more as read as the same. */
static void shortest(double x, bool single, char *out, size_t size)
{
    for (int digits = 1; digits < 17; digits++) {
        (void)snprintf(out, size, "%.*e", digits, x);
        if (single ? strtof(out, NULL) == (float)x : strtod(out, NULL) == x)
            return;
    }
}

/* |point| digits stand before the point. */
static void print_digits(FILE *out, const char *digits, int point)
{
    int n = (int)strlen(digits);

    if (point <= 0)
        (void)fprintf(out, "0.%.*s%s", -point, "000", digits);
    else if (point >= n)
        (void)fprintf(out, "%s%.*s.0", digits, point - n, "0000000");
    else
        (void)fprintf(out, "%.*s.%s", point, digits, digits + point);
}

void text_double(FILE *out, double x, bool single)
{
    char e[40], digits[24];
    int exponent, n = 0;

    if (isnan(x) || isinf(x) || x == 0) {
        (void)fputs(isnan(x)   ? "NaN"
                    : isinf(x) ? (x < 0 ? "-Infinity" : "Infinity")
                               : (signbit(x) ? "-0.0" : "0.0"),
                    out);
        return;
    }
    if (x < 0)
        (void)fputc('-', out);
    shortest(fabs(x), single, e, sizeof e);
    exponent = atoi(strchr(e, 'e') + 1);
    for (const char *c = e; *c != 'e'; c++)
        if (*c != '.')
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    print_digits(out, digits, exponent >= -3 && exponent < 7 ? exponent + 1 : 1);
    if (exponent < -3 || exponent >= 7)
        (void)fprintf(out, "E%d", exponent);
}
