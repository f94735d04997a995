#include "deserializer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

typedef const char *print_fn(const deserializer *d, FILE *out, kfk_bytes b);

typedef struct deserializer_class {
    const char *name;
    print_fn *print; /* NULL: the bytes, as they are */
    size_t size;     /* that it needs; 0: any */
    const char *wrong_size;
} deserializer_class;

static uint64_t big_endian(kfk_bytes b)
{
    const uint8_t *p = b.data;
    uint64_t n = 0;

    for (size_t i = 0; i < b.len; i++)
        n = n << 8 | p[i];
    return n;
}

static const char *print_string(const deserializer *d, FILE *out, kfk_bytes b)
{
    text_decode(out, b, d->encoding);
    return NULL;
}

static const char *print_short(const deserializer *d, FILE *out, kfk_bytes b)
{
    (void)d;
    (void)fprintf(out, "%" PRId16, (int16_t)big_endian(b));
    return NULL;
}

static const char *print_integer(const deserializer *d, FILE *out, kfk_bytes b)
{
    (void)d;
    (void)fprintf(out, "%" PRId32, (int32_t)big_endian(b));
    return NULL;
}

static const char *print_long(const deserializer *d, FILE *out, kfk_bytes b)
{
    (void)d;
    (void)fprintf(out, "%" PRId64, (int64_t)big_endian(b));
    return NULL;
}

static const char *print_float(const deserializer *d, FILE *out, kfk_bytes b)
{
    uint32_t bits = (uint32_t)big_endian(b);
    float x;

    (void)d;
    memcpy(&x, &bits, sizeof x);
    text_double(out, (double)x, true);
    return NULL;
}

static const char *print_double(const deserializer *d, FILE *out, kfk_bytes b)
{
    uint64_t bits = big_endian(b);
    double x;

    (void)d;
    memcpy(&x, &bits, sizeof x);
    text_double(out, x, false);
    return NULL;
}

static const char *print_boolean(const deserializer *d, FILE *out, kfk_bytes b)
{
    uint64_t byte = big_endian(b);

    (void)d;
    if (byte > 1)
        return "Unexpected byte received by BooleanDeserializer";
    (void)fputs(byte ? "true" : "false", out);
    return NULL;
}

static const char *print_bytes(const deserializer *d, FILE *out, kfk_bytes b)
{
    const uint8_t *p = b.data;

    (void)d;
    for (size_t i = 0; i < b.len; i++)
        if (p[i] >= ' ' && p[i] <= '~' && p[i] != '\\')
            (void)fputc(p[i], out);
        else
            (void)fprintf(out, "\\x%02X", p[i]);
    return NULL;
}

static const char *print_buffer(const deserializer *d, FILE *out, kfk_bytes b)
{
    (void)d;
    (void)fprintf(out, "java.nio.HeapByteBuffer[pos=0 lim=%zu cap=%zu]", b.len, b.len);
    return NULL;
}

static const char *print_void(const deserializer *d, FILE *out, kfk_bytes b)
{
    (void)d;
    (void)out;
    (void)b;
    return "Data should be null for a VoidDeserializer.";
}

/* The hex digits up to |end|, or more of them than a long has: only the last ones count. */
static bool take_hex(const char **text, char end, uint64_t *out)
{
    char *after;
    size_t len = strspn(*text, "0123456789abcdefABCDEF");
    const char *digits = *text + strspn(*text, "0");

    if (len == 0 || (*text)[len] != end || *text + len - digits > 16)
        return false;
    *out = strtoull(*text, &after, 16);
    *text = after + (end != '\0');
    return *out <= INT64_MAX;
}

/* Five numbers, each of which may be shorter than it is printed, and is cut if it is longer. */
static const char *print_uuid_text(FILE *out, const char *text)
{
    uint64_t part[5];

    if (strlen(text) > 36)
        return "Error parsing data into UUID";
    for (int i = 0; i < 5; i++)
        if (!take_hex(&text, i < 4 ? '-' : '\0', &part[i]))
            return "Error parsing data into UUID";
    (void)fprintf(out, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
                  part[0] & 0xffffffff, part[1] & 0xffff, part[2] & 0xffff, part[3] & 0xffff,
                  part[4] & 0xffffffffffff);
    return NULL;
}

static const char *print_uuid(const deserializer *d, FILE *out, kfk_bytes b)
{
    const char *why = "out of memory";
    char *text = NULL;
    size_t size;
    FILE *decoded = open_memstream(&text, &size);

    if (!decoded)
        return why;
    text_decode(decoded, b, d->encoding);
    if (fclose(decoded) == 0)
        why = strlen(text) == size ? print_uuid_text(out, text) : "Error parsing data into UUID";
    free(text);
    return why;
}

static const deserializer_class classes[] = {
    {"String", print_string, 0, NULL},
    {"ByteArray", NULL, 0, NULL},
    {"Integer", print_integer, 4, "Size of data received by IntegerDeserializer is not 4"},
    {"Long", print_long, 8, "Size of data received by LongDeserializer is not 8"},
    {"Short", print_short, 2, "Size of data received by ShortDeserializer is not 2"},
    {"Float", print_float, 4, "Size of data received by Deserializer is not 4"},
    {"Double", print_double, 8, "Size of data received by Deserializer is not 8"},
    {"Boolean", print_boolean, 1, "Size of data received by BooleanDeserializer is not 1"},
    {"UUID", print_uuid, 0, NULL},
    {"Bytes", print_bytes, 0, NULL},
    {"ByteBuffer", print_buffer, 0, NULL},
    {"Void", print_void, 0, NULL},
};

bool deserializer_find(deserializer *d, const char *class)
{
    static const char package[] = "org.apache.kafka.common.serialization.", end[] = "Deserializer";

    *d = (deserializer){0};
    if (strncmp(class, package, sizeof package - 1) != 0)
        return false;
    class += sizeof package - 1;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t len = strlen(classes[i].name);

        if (strncmp(class, classes[i].name, len) == 0 && strcmp(class + len, end) == 0)
            d->of = &classes[i];
    }
    return d->of != NULL;
}

bool deserializer_set_encoding(deserializer *d, const char *name)
{
    if (d->of->print != print_string && d->of->print != print_uuid)
        return true;
    d->encoding = name;
    return text_knows(name);
}

const char *deserializer_print(const deserializer *d, FILE *out, kfk_bytes b)
{
    const deserializer_class *of = d->of;

    if (of && of->size && of->size != b.len)
        return of->wrong_size;
    if (of && of->print)
        return of->print(d, out, b);
    if (b.len)
        (void)fwrite(b.data, 1, b.len, out);
    return NULL;
}
