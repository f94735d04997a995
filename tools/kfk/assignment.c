/* The text of --replica-assignment. What is wrong with it is said in the words of Kafka's tool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topics.h"

/* The piece of |*text| up to |end| (a set of characters), copied without blanks around it. */
static void piece(const char **text, const char *end, char *out, size_t size)
{
    size_t len = strcspn(*text, end), skip = strspn(*text, " \t");
    const char *from = *text + (skip < len ? skip : len);
    size_t n = len - (size_t)(from - *text);

    while (n && strchr(" \t", from[n - 1]))
        n--;
    (void)snprintf(out, size, "%.*s", (int)n, from);
    *text += len;
}

static int parse_id(const char *word, int32_t *id)
{
    char *end;
    long value = strtol(word, &end, 10);

    if (end == word || *end || value < INT32_MIN || value > INT32_MAX)
        return topics_fail("For input string: \"%s\"", word);
    *id = (int32_t)value;
    return 0;
}

static int check_duplicates(const int32_t *v, size_t n)
{
    char list[512] = "";
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        size_t same = 0, before = 0;

        for (size_t k = 0; k < n; k++) {
            same += v[k] == v[i];
            before += v[k] == v[i] && k < i;
        }
        if (same > 1 && before == 0 && len < sizeof list - 16)
            len +=
                (size_t)snprintf(list + len, sizeof list - len, "%s%d", len ? "," : "", (int)v[i]);
    }
    return len ? topics_fail("Partition replica lists may not contain duplicate entries: %s", list)
               : 0;
}

/* One partition's replicas, up to a comma. */
static int parse_partition(const char **text, kfk_ids *out)
{
    int32_t *v = calloc(strcspn(*text, ",") + 1, sizeof *v);
    size_t n = 0;

    if (!v)
        return tool_fail("out of memory");
    out->v = v;
    for (bool more = true; more;) {
        char word[64];

        piece(text, ":,", word, sizeof word);
        if (parse_id(word, &v[n++]))
            return 1;
        more = **text == ':';
        *text += more;
    }
    out->n = n;
    return check_duplicates(v, n);
}

static int fail_factor(size_t partition, const kfk_ids *ids)
{
    char list[512] = "";
    size_t len = 0;

    for (size_t i = 0; i < ids->n && len < sizeof list - 16; i++)
        len +=
            (size_t)snprintf(list + len, sizeof list - len, "%s%d", i ? ", " : "", (int)ids->v[i]);
    return topics_fail("Partition %zu has different replication factor: [%s]", partition, list);
}

int topics_assignment_parse(topics_assignment *as, const char *text)
{
    *as = (topics_assignment){.partitions = calloc(strlen(text) + 1, sizeof *as->partitions)};
    if (!as->partitions)
        return tool_fail("out of memory");
    while (*text) {
        kfk_ids *ids = &as->partitions[as->n++];

        if (parse_partition(&text, ids))
            return 1;
        if (ids->n != as->partitions[0].n)
            return fail_factor(as->n - 1, ids);
        text += *text == ',';
    }
    return 0;
}

void topics_assignment_fini(topics_assignment *as)
{
    for (size_t i = 0; i < as->n; i++)
        free((void *)(uintptr_t)as->partitions[i].v);
    free(as->partitions);
}
