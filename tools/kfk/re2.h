/* re2: whether a text is a regular expression of RE2's, which brokers match the names of topics
 * with (KIP-848). */
#ifndef TOOLS_KFK_RE2_H
#define TOOLS_KFK_RE2_H

/* What is wrong with it, as RE2 says it; NULL: nothing. */
const char *re2_fault(const char *text);

#endif
