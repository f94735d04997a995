/* The files of kfk groups --export and --from-file: [group,]topic,partition,offset a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

enum { MOST_FIELDS = 4 };

/* ---- writing ---- */

/* Long texts go into quotes without being looked at, as Kafka's tool has it. */
void groups_plan_print_field(const char *text)
{
    bool plain = strlen(text) <= 24;

    for (const char *at = text; plain && *at; at++)
        plain = (unsigned char)*at > ',';
    if (!plain)
        (void)putchar('"');
    for (const char *at = text; *at; at++)
        (void)printf(*at == '"' ? "\"\"" : "%c", *at);
    if (!plain)
        (void)putchar('"');
}

/* ---- reading ---- */

/* The next field of a line, taken out of its quotes in place. NULL: the quotes do not end. */
static char *next_field(char **line)
{
    char *from = *line, *out = *line, *first = *line;

    if (*from != '"') {
        from += strcspn(from, ",");
        *line = *from ? from + 1 : NULL;
        *from = '\0';
        return first;
    }
    for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
        from += *from == '"';
        *out++ = *from;
    }
    if (*from != '"' || (from[1] && from[1] != ','))
        return NULL;
    *line = from[1] ? from + 2 : NULL;
    *out = '\0';
    return first;
}

/* How many there are; 0: they cannot be told apart. */
static int split(char *line, char **fields)
{
    int n = 0;

    while (line && n < MOST_FIELDS) {
        fields[n] = next_field(&line);
        if (!fields[n++])
            return 0;
    }
    return line ? 0 : n;
}

static bool take_line(groups_plan *plan, char *line, bool with_group)
{
    struct groups_plan_row *row = &plan->rows[plan->n];
    char *fields[MOST_FIELDS];
    int at = with_group ? 1 : 0;
    int64_t partition;

    if (split(line, fields) != at + 3 ||
        !args_integer(fields[at + 1], INT32_MIN, INT32_MAX, &partition) ||
        !args_integer(fields[at + 2], INT64_MIN, INT64_MAX, &row->offset))
        return false;
    row->partition = (int32_t)partition;
    row->group = with_group ? groups_copy(fields[0]) : NULL;
    row->topic = groups_copy(fields[at]);
    plan->n++;
    return true;
}

/* The whole file; NULL: it cannot be read. */
static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t len = 0, room = 4096, got;
    char *text = f ? groups_alloc(room, 1) : NULL;

    while (f && (got = fread(text + len, 1, room - len, f)) > 0) {
        char *more;

        len += got;
        if (len < room)
            continue;
        room *= 2;
        more = realloc(text, room + 1);
        if (!more)
            exit(tool_fail("out of memory"));
        text = more;
    }
    if (f) {
        text[len] = '\0';
        (void)fclose(f);
    }
    return text;
}

static bool has_group(const char *text)
{
    char *first = groups_copy(text), *fields[MOST_FIELDS];
    int n;

    first[strcspn(first, "\n")] = '\0';
    n = split(first, fields);
    free(first);
    return n == MOST_FIELDS;
}

static size_t count_lines(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

int groups_plan_read(groups_plan *plan, const char *path, bool one_group)
{
    char *text = read_file(path), *next = text, *line;
    bool with_group;
    int status = 0;

    if (!text)
        return groups_fail("java.io.IOException: Unable to read file %s", path);
    for (size_t len = strlen(text); len > 0 && text[len - 1] == '\n';)
        text[--len] = '\0';
    with_group = !one_group || has_group(text);
    plan->rows = groups_alloc(count_lines(text), sizeof *plan->rows);
    while (!status && (line = strsep(&next, "\n")) != NULL) {
        char *copy = groups_copy(line);

        if (!take_line(plan, line, with_group))
            status =
                groups_fail("java.io.IOException: a line of %s is not %stopic,partition,offset: "
                            "'%s'",
                            path, with_group ? "group," : "", copy);
        free(copy);
    }
    free(text);
    return status;
}

void groups_plan_fini(groups_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        free(plan->rows[i].group);
        free(plan->rows[i].topic);
    }
    free(plan->rows);
}
