/* kfk: the command line. "kfk COMMAND ..." takes the flags of Kafka's tool for the same, and prints
 * what it prints. */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static tool_command help_command, version_command;

static const struct {
    const char *name;
    tool_command *run;
    const char *help;
} commands[] = {
    {"topics", topics_command, "make, list, describe, change and delete topics (kafka-topics)"},
    {"produce", produce_command, "send lines of stdin (kafka-console-producer)"},
    {"consume", consume_command, "print records (kafka-console-consumer)"},
    {"offsets", offsets_command, "where the logs of partitions begin and end (kafka-get-offsets)"},
    {"groups", groups_command,
     "groups: who is in them, what they have read, and from where on (kafka-consumer-groups)"},
    {"perf", perf_command,
     "\"perf produce\", \"perf consume\": measure (kafka-producer-perf-test, -consumer-)"},
    {"broker", broker_command, "a broker in this process, for development: nothing is kept"},
    {"help", help_command, "this"},
    {"version", version_command, "the version"},
};

static void list_commands(FILE *out)
{
    (void)fprintf(out, "usage: kfk [-v | -vv] COMMAND [OPTION ...]\n\n");
    for (int i = 0; i < COUNT(commands); i++)
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(out, "\n-v logs to stderr, -vv all that there is."
                       " \"kfk COMMAND --help\" lists a command's options.\n");
}

static int help_command(int n, char *const *words)
{
    (void)n;
    (void)words;
    list_commands(stdout);
    return 0;
}

static int version_command(int n, char *const *words)
{
    (void)n;
    (void)words;
    (void)printf("%s\n", kfk_version());
    return 0;
}

int main(int argc, char **argv)
{
    int at = 1, status = 1;

    for (; at < argc && (strcmp(argv[at], "-v") == 0 || strcmp(argv[at], "-vv") == 0); at++)
        tool_verbose += (int)strlen(argv[at]) - 1;
    if (at < argc && strcmp(argv[at], "--version") == 0)
        return version_command(0, NULL);
    if (at < argc && strcmp(argv[at], "--help") == 0)
        return help_command(0, NULL);
    for (int i = 0; at < argc && i < COUNT(commands); i++) {
        if (strcmp(argv[at], commands[i].name) != 0)
            continue;
        status = commands[i].run(argc - at - 1, argv + at + 1);
        if (fflush(stdout) || ferror(stdout))
            return tool_fail("stdout cannot be written to");
        return status;
    }
    if (at < argc)
        (void)tool_fail("kfk has no command %s", argv[at]);
    list_commands(stderr);
    return status;
}
