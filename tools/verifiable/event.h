/* event: what the verifiable programs print, one JSON object a line, each line flushed.
 *
 *   {"timestamp":1700000000000,"name":"tool_data","sent":3,...}
 *
 * From event_begin to event_end the line is the thread's that began it. */
#ifndef TOOLS_VERIFIABLE_EVENT_H
#define TOOLS_VERIFIABLE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void event_begin(const char *name);
void event_string(const char *name, const char *value); /* NULL: null */
void event_integer(const char *name, int64_t value);
void event_real(const char *name, double value);
/* An array of objects: event_object begins each. */
void event_array(const char *name);
void event_object(void);
void event_array_end(void);
void event_boolean(const char *name, bool value);
/* As text in UTF-8, as Java takes it; NULL: null. */
void event_bytes(const char *name, const void *value, size_t n);
void event_end(void);

#endif
