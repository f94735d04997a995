/* line: cache lines, and what they cost those who share them.
 *
 * A line that another processor has changed is up to a tenth of a microsecond away, which is more than a record costs. So
 * what one thread changes again and again lies in no line that another reads for each record. */
#ifndef KFK_BASE_LINE_H
#define KFK_BASE_LINE_H

/* What begins a line is alignas(KFK__LINE) in its struct, and that comes from kfk__zalloc_lines (mem.h). */
enum { KFK__LINE = 64 };

/* The line that |p| is in will be written to. Any address. Whoever takes a lock before that would wait for it there. */
static inline void kfk__line_wanted(const void *p)
{
#if defined(__x86_64__)
    /* gcc emits it only for processors that are known to have it; those of 64 bits that have not pass over it. */
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
    __builtin_prefetch(p, 1);
#endif
}

#endif
