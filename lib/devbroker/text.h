/* text: the broker's messages to its clients, formatted into a request's arena. */
#ifndef KFK_DEVBROKER_TEXT_H
#define KFK_DEVBROKER_TEXT_H

#include <stdarg.h>

#include <kfk/types.h>
#include <kfk/version.h>

#include "base/arena.h"

/* null where there is no memory, which every message may be. */
kfk_bytes kfk__dev_text(kfk__arena *a, const char *fmt, ...) KFK_PRINTF(2, 3);
kfk_bytes kfk__dev_vtext(kfk__arena *a, const char *fmt, va_list ap);

#endif
