#include "payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { NUMBER_MAX = 24 };

bool payload_init(payload *p, size_t size)
{
    *p = (payload){.random = UINT64_C(0x9e3779b97f4a7c15), .size = size};
    p->text = malloc(size > NUMBER_MAX ? size : NUMBER_MAX);
    return p->text != NULL;
}

void payload_fini(payload *p)
{
    free(p->text);
    free(p->pieces);
}

static bool read_file(payload *p, const char *path)
{
    FILE *f = fopen(path, "r");
    size_t room = 0, n;

    if (!f)
        return false;
    do {
        char *grown = realloc(p->text, room + 65536 + 1);

        if (!grown) {
            (void)fclose(f);
            return false;
        }
        p->text = grown;
        n = fread(p->text + room, 1, 65536, f);
        room += n;
    } while (n == 65536);
    (void)fclose(f);
    p->text[room] = '\0';
    p->size = room;
    return true;
}

static bool split(payload *p, const char *delimiter)
{
    size_t len = strlen(delimiter);

    for (const char *at = p->text, *end = p->text + p->size; at < end;) {
        const char *stop = len ? memmem(at, (size_t)(end - at), delimiter, len) : NULL;
        kfk_bytes *grown = realloc(p->pieces, (p->n_pieces + 1) * sizeof *grown);

        if (!grown)
            return false;
        p->pieces = grown;
        stop = stop ? stop : end;
        grown[p->n_pieces++] = (kfk_bytes){at, (size_t)(stop - at)};
        at = stop + len;
    }
    return p->n_pieces > 0;
}

bool payload_load(payload *p, const char *path, const char *delimiter)
{
    *p = (payload){.random = 1};
    (void)printf("Reading payloads from: %s\n", path);
    if (read_file(p, path) && split(p, strcmp(delimiter, "\\n") == 0 ? "\n" : delimiter)) {
        (void)printf("Number of records read: %zu\n", p->n_pieces);
        return true;
    }
    (void)tool_fail("File does not exist or empty file provided.");
    return false;
}

static uint64_t next_random(payload *p)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random;
}

kfk_bytes payload_next(payload *p, int64_t i)
{
    if (p->n_pieces)
        return p->pieces[next_random(p) % p->n_pieces];
    if (p->size == 0)
        return (kfk_bytes){p->text, (size_t)snprintf(p->text, NUMBER_MAX, "%" PRId64, i)};
    for (size_t k = 0; k < p->size;) {
        uint64_t bits = next_random(p);

        for (int b = 0; b < 8 && k < p->size; b++, bits >>= 8)
            p->text[k++] = (char)('A' + ((bits & 255) * 26 >> 8));
    }
    return (kfk_bytes){p->text, p->size};
}
