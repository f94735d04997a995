#include "pattern.h"

#include <stdlib.h>
#include <string.h>

/* Each letter, and what it stands for behind a backslash. */
static const char escapes[] = "n\nt\tr\r";

bool pattern_compile(regex_t *re, const char *text)
{
    char *copy = strdup(text), *to = copy;
    int rc;

    if (!copy)
        return false;
    while (*text) {
        const char *at = text[0] == '\\' && text[1] ? strchr(escapes, text[1]) : NULL;

        *to++ = at ? at[1] : *text;
        text += at ? 2 : 1;
    }
    *to = '\0';
    rc = regcomp(re, copy, REG_EXTENDED);
    free(copy);
    return rc == 0;
}

bool pattern_find(const regex_t *re, const char *text, size_t size, size_t at, size_t *start,
                  size_t *end)
{
    for (size_t from = at; from <= size; from++) {
        regmatch_t m = {.rm_so = (regoff_t)from, .rm_eo = (regoff_t)size};

        if (regexec(re, text, 1, &m, REG_STARTEND | (from ? REG_NOTBOL : 0)))
            return false;
        *start = (size_t)m.rm_so;
        *end = (size_t)m.rm_eo;
        if (*end > at)
            return true;
    }
    return false;
}
