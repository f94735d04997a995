/* kfk perf: "perf produce" and "perf consume". */
#include "perf.h"

#include <stdio.h>
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

int perf_print_metrics(kfk_metrics_text *t, kfk_err err)
{
    const char *text = t && !err ? kfk_metrics_text_get(t) : NULL;

    if (text)
        (void)printf("\n%s", text);
    kfk_metrics_text_free(t);
    return text ? 0 : tool_fail("out of memory");
}
