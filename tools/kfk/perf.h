/* perf: what "perf produce" and "perf consume" share. */
#ifndef TOOLS_KFK_PERF_H
#define TOOLS_KFK_PERF_H

#include <kfk/kfk.h>

/* Prints a handle's metrics, which were added to |t| with |err|, and frees it; NULL: no memory.
 * Returns the exit status. */
int perf_print_metrics(kfk_metrics_text *t, kfk_err err);

#endif
