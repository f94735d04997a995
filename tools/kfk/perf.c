/* kfk perf: "perf produce" and "perf consume". */
#include <string.h>

#include "tool.h"

int perf_command(int n, char *const *words)
{
    if (n > 0 && strcmp(words[0], "produce") == 0)
        return perf_produce_command(n - 1, words + 1);
    if (n > 0 && strcmp(words[0], "consume") == 0)
        return perf_consume_command(n - 1, words + 1);
    return tool_fail("usage: kfk perf produce|consume [OPTION ...]");
}
