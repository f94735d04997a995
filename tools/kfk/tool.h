/* tool: what the commands of kfk share. */
#ifndef TOOLS_KFK_TOOL_H
#define TOOLS_KFK_TOOL_H

#include <kfk/kfk.h>

#include "args.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* A command: |words| are what follows its name. Returns the exit status. */
typedef int tool_command(int n, char *const *words);

tool_command topics_command, produce_command, consume_command, offsets_command;
tool_command groups_command;
tool_command perf_command, broker_command;
tool_command perf_produce_command, perf_consume_command;

/* How often -v was given. */
extern int tool_verbose;

/* A line to stderr; returns 1, the exit status of what failed. */
int tool_fail(const char *fmt, ...) KFK_PRINTF(1, 2);
/* The same for an error of the library: what, where, and its name. */
int tool_fail_error(const char *what, const kfk_error *e);
/* A line to stderr and the usage; returns 1. */
int tool_usage(const args_option *options, int n_options, const char *fmt, ...) KFK_PRINTF(3, 4);
/* The usage to stdout, where those of Kafka's tools print it that parse strictly (args.h). They
 * exit with 1 where they were asked for help, and with 0 where they were told nothing at all.
 * Returns that. */
int tool_help(const args_option *options, int n_options, const char *text, bool asked);

/* Options that this version has not got yet, by their numbers, up to one below 0. true: one was
 * given, and stderr says so. */
bool tool_not_yet(const args *a, const int *options, const char *when);
/* How many of these options, up to one below 0, were given. */
int tool_given(const args *a, const int *options);

/* An empty configuration that logs to stderr: errors and warnings, with -v what else is of
 * interest, with -vv all. Never NULL: without memory the process ends. */
kfk_config *tool_config(void);
/* Loads the file that an option names, if it was given. false: stderr says why not. */
bool tool_load(kfk_config *c, const args *a, int option);
/* Sets name=value for each value of an option. */
bool tool_set_pairs(kfk_config *c, const args *a, int option);
bool tool_set(kfk_config *c, const char *name, const char *value);
/* Until it is called with 0 the functions here pass over properties that |role| does not read:
 * where the options of a command are those of one role, and it needs a handle of another, too. */
void tool_only(uint32_t role);

/* Properties that options stand for, up to one with option -1. An option that was given goes before
 * a file and the pairs of another, these before |otherwise| (NULL: the library's own default). */
typedef struct tool_property {
    int option;
    const char *name;
    const char *otherwise;
} tool_property;

/* Before any other source of properties, and after. */
bool tool_set_defaults(kfk_config *c, const tool_property *p);
bool tool_set_given(kfk_config *c, args *a, const tool_property *p);

/* A consumer is to be a member of |group|, or (NULL) of none, which then is not set. */
bool tool_set_group(kfk_config *c, const char *group);

/* name=value: the value, or NULL if |pair| is another name's; "" without a =. */
const char *tool_pair_value(const char *pair, const char *name);

/* Milliseconds since 1970, and since some moment. */
int64_t tool_wall_ms(void);
int64_t tool_now_ms(void);

/* Set by SIGINT and SIGTERM once tool_catch_signals has been called, which also calls |wake| (NULL:
 * none) then: the number of the signal, or 0. */
int tool_stopped(void);
void tool_catch_signals(void (*wake)(void));

#endif
