/* date: times as text: by a pattern of Java's SimpleDateFormat, as far as numbers go (yyyy MM dd HH
 * mm ss SSS), and as ISO 8601 has them. */
#ifndef TOOLS_KFK_DATE_H
#define TOOLS_KFK_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false: the pattern has a letter that is not among these. */
bool date_format(char *out, size_t size, const char *pattern, int64_t wall_ms);

/* A point in time as "2024-05-31T18:30:00.000", in UTC or with Z, +01 or +01:00 behind it: ms since
 * 1970. What follows is passed over, as Kafka's tools do. */
bool date_parse(const char *text, int64_t *wall_ms);
/* A length of time as "P1DT2H3M4.5S", or some of its parts; below 0 with a - in front of it or of a
 * part. */
bool date_parse_duration(const char *text, int64_t *ms);

#endif
