#include "group_ids.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { BUCKETS = 16 }; /* of a new HashSet */

void group_ids_add(group_ids *g, const char *id)
{
    for (size_t i = 0; id && i < g->n; i++)
        if (strcmp(g->v[i], id) == 0)
            return;
    if (!id || g->n == GROUP_IDS_MAX)
        return;
    g->v[g->n] = strdup(id);
    if (!g->v[g->n++])
        exit(tool_fail("out of memory"));
}

/* The bucket of a string; that it is ASCII is taken for granted. */
static uint32_t bucket_of(const char *id)
{
    uint32_t hash = 0;

    for (; *id; id++)
        hash = hash * 31 + (unsigned char)*id;
    return (hash ^ (hash >> 16)) % BUCKETS;
}

void group_ids_text(const group_ids *g, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
        for (size_t i = 0; i < g->n; i++) {
            if (bucket_of(g->v[i]) != bucket || len >= size)
                continue;
            len += (size_t)snprintf(out + len, size - len, "%s'%s'", len ? ", " : "", g->v[i]);
        }
}

void group_ids_fini(group_ids *g)
{
    for (size_t i = 0; i < g->n; i++)
        free(g->v[i]);
    g->n = 0;
}
