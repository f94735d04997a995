#include "pairs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/properties.h"
#include "tool.h"

enum { MOST_BYTES = 1 << 20 };

/* What was read stays, and is found from here. */
static struct kept {
    struct kept *next;
    char pair[];
} * kept;

static const char *keep(const char *name, const char *value)
{
    struct kept *k = malloc(sizeof *k + strlen(name) + strlen(value) + 2);

    if (!k)
        exit(tool_fail("out of memory"));
    k->next = kept;
    kept = k;
    (void)sprintf(k->pair, "%s=%s", name, value);
    return k->pair;
}

static bool parse(const char *path, const uint8_t *text, size_t n, pairs_fn *fn, void *arg)
{
    uint8_t *line = malloc(n + 1);
    char *out = malloc(KFK__PROPERTIES_OUT(n));
    kfk__properties_reader r;
    kfk__pair pair;
    bool ok = line && out;

    if (!ok)
        exit(tool_fail("out of memory"));
    kfk__properties_init(&r, text, n, line, out);
    while (ok && kfk__properties_next(&r, &pair)) {
        if (pair.wrong)
            (void)tool_fail("%s, line %d: %s", path, pair.line, pair.wrong);
        ok = !pair.wrong && fn(arg, keep(pair.key, pair.value));
    }
    free(line);
    free(out);
    return ok;
}

bool pairs_each(const char *path, pairs_fn *fn, void *arg)
{
    uint8_t *text = malloc(MOST_BYTES);
    FILE *f = fopen(path, "r");
    size_t n = 0;
    bool ok = text && f;

    if (ok) {
        n = fread(text, 1, MOST_BYTES, f);
        ok = !ferror(f) && feof(f);
    }
    if (f)
        (void)fclose(f);
    if (!ok)
        (void)tool_fail("%s cannot be read", path);
    ok = ok && parse(path, text, n, fn, arg);
    free(text);
    return ok;
}
