#include "event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kfk/tool.h"

void event_begin(const char *name)
{
    flockfile(stdout);
    (void)printf("{\"timestamp\":%" PRId64, tool_wall_ms());
    event_string("name", name);
}

void event_end(void)
{
    (void)printf("}\n");
    (void)fflush(stdout);
    funlockfile(stdout);
}

static void print_char(unsigned char c)
{
    static const char plain[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *at = c ? strchr(plain, c) : NULL;

    if (at)
        (void)printf("\\%c", letters[at - plain]);
    else if (c < 0x20)
        (void)printf("\\u%04X", c);
    else
        (void)putchar(c);
}

void event_string(const char *name, const char *value)
{
    (void)printf(",\"%s\":%s", name, value ? "\"" : "null");
    if (!value)
        return;
    while (*value)
        print_char((unsigned char)*value++);
    (void)putchar('"');
}

void event_integer(const char *name, int64_t value)
{
    (void)printf(",\"%s\":%" PRId64, name, value);
}

/* With as few digits as tell it from any other number, and ".0" behind a whole one, as Java does.
 */
void event_real(const char *name, double value)
{
    char text[40];
    int digits = 1;

    do
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
    while (digits++ < 17 && strtod(text, NULL) != value);
    (void)printf(",\"%s\":%s%s", name, text, strpbrk(text, ".e") ? "" : ".0");
}
