#include "payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
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

static bool add(payload *p, size_t from, size_t to)
{
    kfk_bytes *grown = realloc(p->pieces, (p->n_pieces + 1) * sizeof *grown);

    if (!grown)
        return false;
    p->pieces = grown;
    grown[p->n_pieces++] = (kfk_bytes){p->text + from, to - from};
    return true;
}

/* As java.util.Scanner: a delimiter before a piece is passed over, so that there is no empty piece
 * at the beginning, and none at the end; between two delimiters there is one. */
static bool split(payload *p, const regex_t *re)
{
    size_t at = 0, start, end;
    bool more = pattern_find(re, p->text, p->size, 0, &start, &end);

    for (;;) {
        if (more && start == at) {
            at = end;
            more = pattern_find(re, p->text, p->size, at, &start, &end);
        }
        if (at == p->size)
            return true;
        if (!more)
            start = p->size;
        if (!add(p, at, start))
            return false;
        at = start;
    }
}

static void print_path(const char *path)
{
    char folder[4096] = "";

    if (path[0] != '/' && !getcwd(folder, sizeof folder))
        folder[0] = '\0';
    (void)printf("Reading payloads from: %s%s%s\n", folder, *folder ? "/" : "", path);
}

bool payload_load(payload *p, const char *path, const char *delimiter)
{
    regex_t re;
    bool ok;

    *p = (payload){.random = 1};
    print_path(path);
    if (!read_file(p, path) || p->size == 0) {
        (void)tool_fail("File does not exist or empty file provided.");
        return false;
    }
    if (!pattern_compile(&re, delimiter)) {
        (void)tool_fail("--payload-delimiter %s is no regular expression", delimiter);
        return false;
    }
    ok = split(p, &re);
    regfree(&re);
    if (!ok) {
        (void)tool_fail("out of memory");
        return false;
    }
    (void)printf("Number of records read: %zu\n", p->n_pieces);
    return true;
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
