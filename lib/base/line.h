/* line: cache lines, and what they cost those who share them.
 *
 * A line that another processor has changed is up to a tenth of a microsecond away, which is more than a record costs. So
 * what one thread changes again and again lies in no line that another reads for each record. */
#ifndef KFK_BASE_LINE_H
#define KFK_BASE_LINE_H

/* What begins a line is alignas(KFK__LINE) in its struct, and that comes from kfk__zalloc_lines (mem.h). */
enum { KFK__LINE = 64 };

#endif
