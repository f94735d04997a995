#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/version.h>

static bool fail(args *a, const char *fmt, ...) KFK_PRINTF(2, 3);

static bool fail(args *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(a->why, sizeof a->why, fmt, ap);
    va_end(ap);
    return false;
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] && strcmp(word, "--") != 0;
}

static bool is_number_below_0(const char *word)
{
    size_t digits = strspn(word + 1, "0123456789");

    return word[0] == '-' && digits > 0 && (!word[digits + 1] || word[digits + 1] == '.');
}

/* Whether an option that needs a value can have this word. */
static bool can_be_value(const args *a, args_takes takes, const char *word)
{
    int64_t number;

    if (takes == ARGS_VALUE && !a->strict)
        return true;
    if (takes == ARGS_NUMBER)
        return args_integer(word, INT64_MIN, INT64_MAX, &number);
    return !looks_like_option(word) || (a->strict && is_number_below_0(word));
}

/* The option of a name, or if it is |cut| short the only one that begins so. */
static int find(const args *a, const char *name, size_t len, bool cut)
{
    int found = -1;

    for (int i = 0; i < a->n_options; i++) {
        if (strncmp(a->options[i].name, name, len) != 0)
            continue;
        if (!a->options[i].name[len])
            return i;
        if (cut)
            found = found == -1 ? i : -2;
    }
    return found;
}

/* The option that a word names, its name and how long that is. */
static int find_named(const args *a, const char *word, const char **name, size_t *len)
{
    bool two_dashes = strncmp(word, "--", 2) == 0;

    *name = word + (two_dashes ? 2 : 1);
    *len = strcspn(*name, "=");
    if (!a->strict)
        return find(a, *name, *len, false);
    if (strcmp(word, "-h") == 0)
        return find(a, "help", 4, false);
    return two_dashes ? find(a, *name, *len, true) : -1;
}

static bool add(args *a, int option, const char *value)
{
    struct args_given *given = realloc(a->given, ((size_t)a->n_given + 1) * sizeof *given);

    if (!given)
        return fail(a, "out of memory");
    a->given = given;
    given[a->n_given++] = (struct args_given){option, value};
    return true;
}

/* Takes the option in words[*i], and of those behind it what belongs to it. */
static bool take(args *a, int n, char *const *words, int *i)
{
    const char *name;
    size_t len;
    int option = find_named(a, words[*i], &name, &len);
    args_takes takes;

    if (option < 0)
        return fail(a, "%.*s is not a recognized option", (int)len, name);
    takes = a->options[option].takes;
    if (takes == ARGS_NOTHING)
        return add(a, option, NULL);
    if (name[len])
        return add(a, option, name + len + 1);
    if (*i + 1 < n && can_be_value(a, takes, words[*i + 1])) {
        bool ok = add(a, option, words[++*i]);

        while (ok && takes == ARGS_VALUES && *i + 1 < n && can_be_value(a, takes, words[*i + 1]))
            ok = add(a, option, words[++*i]);
        return ok;
    }
    if (takes == ARGS_OPTIONAL || takes == ARGS_NUMBER)
        return add(a, option, NULL);
    return fail(a, "Option %s requires an argument", a->options[option].name);
}

static bool parse(args *a, int n, char *const *words)
{
    for (int i = 0; i < n && strcmp(words[i], "--") != 0; i++) {
        if (!looks_like_option(words[i])) {
            if (a->strict)
                return fail(a, "unrecognized arguments: '%s'", words[i]);
            continue;
        }
        if (!take(a, n, words, &i))
            return false;
    }
    return true;
}

bool args_parse(args *a, const args_option *options, int n_options, int n, char *const *words)
{
    *a = (args){.options = options, .n_options = n_options};
    return parse(a, n, words);
}

bool args_parse_strict(args *a, const args_option *options, int n_options, int n,
                       char *const *words)
{
    *a = (args){.options = options, .n_options = n_options, .strict = true};
    return parse(a, n, words);
}

void args_fini(args *a)
{
    free(a->given);
    a->given = NULL;
    a->n_given = 0;
}

bool args_has(const args *a, int option)
{
    return args_count(a, option) > 0;
}

int args_count(const args *a, int option)
{
    int n = 0;

    for (int i = 0; i < a->n_given; i++)
        n += a->given[i].option == option;
    return n;
}

const char *args_at(const args *a, int option, int i)
{
    for (int k = 0; k < a->n_given; k++)
        if (a->given[k].option == option && i-- == 0)
            return a->given[k].value;
    return NULL;
}

bool args_one(args *a, int option, const char **value)
{
    int n = args_count(a, option);

    if (n > 1 && !a->strict)
        return fail(a, "Found multiple arguments for option %s, but you asked for only one",
                    a->options[option].name);
    *value = args_at(a, option, n - 1);
    return true;
}

bool args_integer(const char *text, int64_t least, int64_t most, int64_t *out)
{
    long long number;
    char *end;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno || end == text || *end || strchr(" \t\n\v\f\r", *text) || number < least ||
        number > most)
        return false;
    *out = number;
    return true;
}

bool args_number(args *a, int option, int64_t least, int64_t most, int64_t *value)
{
    const char *text;

    if (!args_has(a, option))
        return true;
    if (!args_one(a, option, &text))
        return false;
    if (!text)
        text = "";
    if (!args_integer(text, least, most, value))
        return fail(a, "Cannot parse argument '%.200s' of option %s", text,
                    a->options[option].name);
    return true;
}

static void print_usage(FILE *out, const args_option *o)
{
    char left[128];
    int len = snprintf(left, sizeof left, "--%s", o->name);

    switch (o->takes) {
    case ARGS_NOTHING:
        break;
    case ARGS_VALUE:
        (void)snprintf(left + len, sizeof left - (size_t)len, " <%s>", o->value);
        break;
    case ARGS_OPTIONAL:
    case ARGS_NUMBER:
        (void)snprintf(left + len, sizeof left - (size_t)len, " [%s]", o->value);
        break;
    case ARGS_VALUES:
        (void)snprintf(left + len, sizeof left - (size_t)len, " <%s> ...", o->value);
        break;
    }
    (void)fprintf(out, "  %-42s %s\n", left, o->help);
}

void args_usage(FILE *out, const args_option *options, int n_options)
{
    for (int i = 0; i < n_options; i++)
        print_usage(out, &options[i]);
}
