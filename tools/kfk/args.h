/* args: command lines as Kafka's own tools take them.
 *
 * --name value, --name=value, -name; the name in full; an option may come again and then has
 * several values; "--" ends the options; other words are passed over. What an option needs is taken
 * whatever it looks like: --partitions -1. */
#ifndef TOOLS_KFK_ARGS_H
#define TOOLS_KFK_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum args_takes {
    ARGS_NOTHING,
    ARGS_VALUE,    /* the next word, or what is behind the = */
    ARGS_OPTIONAL, /* the same, but not a word that looks like an option */
    ARGS_NUMBER,   /* the same, but only a number, below 0 too */
    ARGS_VALUES    /* one word or more, up to the next option */
} args_takes;

typedef struct args_option {
    const char *name;
    args_takes takes;
    const char *value; /* what the value is, for the usage; NULL: none */
    const char *help;
} args_option;

typedef struct args {
    const args_option *options; /* an option's number is its place here */
    int n_options;
    struct args_given {
        int option;
        const char *value; /* NULL: without one */
    } * given;
    int n_given;
    bool strict;
    char why[512]; /* what was wrong, said as Kafka's tools do */
} args;

/* |words| outlive |a|. false: |why| is set. args_fini in both cases. */
bool args_parse(args *a, const args_option *options, int n_options, int n, char *const *words);
/* The same as those of Kafka's tools do that have another parser, argparse4j: --name may be cut
 * short, -h is --help, and no other option has one dash; of an option that comes again the last
 * value counts; what an option needs must not look like one, but for a number below 0; other words
 * are an error. */
bool args_parse_strict(args *a, const args_option *options, int n_options, int n,
                       char *const *words);
void args_fini(args *a);

bool args_has(const args *a, int option);
/* How many values an option has, and the i-th. */
int args_count(const args *a, int option);
const char *args_at(const args *a, int option, int i);

/* The one value of an option that was given. false: it has more, and |why| is set. (Strict: the
 * last.) */
bool args_one(args *a, int option, const char **value);
/* The same as a number; where the option was not given, |*value| stays as it is. false: it is none,
 * or is out of bounds, and |why| is set. */
bool args_number(args *a, int option, int64_t least, int64_t most, int64_t *value);

/* Whether all of |text| is an integer within bounds, as Java reads one. */
bool args_integer(const char *text, int64_t least, int64_t most, int64_t *out);

/* One line an option. */
void args_usage(FILE *out, const args_option *options, int n_options);

#endif
