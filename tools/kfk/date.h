/* date: a time of day by a pattern of Java's SimpleDateFormat, as far as numbers go: yyyy MM dd HH
 * mm ss SSS. */
#ifndef TOOLS_KFK_DATE_H
#define TOOLS_KFK_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false: the pattern has a letter that is not among these. */
bool date_format(char *out, size_t size, const char *pattern, int64_t wall_ms);

#endif
