#include "event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kfk/text.h"
#include "../kfk/tool.h"

/* Of the line that is under way. */
static bool first;   /* nothing of the object has been printed */
static bool inside;  /* an object of an array has begun */

static void print_name(const char *name)
{
    (void)printf("%s\"%s\":", first ? "" : ",", name);
    first = false;
}

void event_begin(const char *name)
{
    flockfile(stdout);
    (void)putchar('{');
    first = true;
    event_integer("timestamp", tool_wall_ms());
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

static void print_text(const char *name, const char *value, size_t n)
{
    print_name(name);
    if (!value) {
        (void)printf("null");
        return;
    }
    (void)putchar('"');
    for (size_t i = 0; i < n; i++)
        print_char((unsigned char)value[i]);
    (void)putchar('"');
}

void event_string(const char *name, const char *value)
{
    print_text(name, value, value ? strlen(value) : 0);
}

void event_bytes(const char *name, const void *value, size_t n)
{
    kfk_bytes b = {value, n};
    char *text = NULL;
    size_t len = 0;
    FILE *decoded = value ? open_memstream(&text, &len) : NULL;

    if (value && !decoded)
        exit(tool_fail("out of memory"));
    if (decoded) {
        text_decode(decoded, b, NULL);
        (void)fclose(decoded);
    }
    print_text(name, text, len);
    free(text);
}

void event_integer(const char *name, int64_t value)
{
    print_name(name);
    (void)printf("%" PRId64, value);
}

void event_boolean(const char *name, bool value)
{
    print_name(name);
    (void)printf(value ? "true" : "false");
}

void event_array(const char *name)
{
    print_name(name);
    (void)putchar('[');
    inside = false;
}

void event_object(void)
{
    (void)printf(inside ? "},{" : "{");
    inside = first = true;
}

void event_array_end(void)
{
    (void)printf(inside ? "}]" : "]");
    first = false;
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
    print_name(name);
    (void)printf("%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}
