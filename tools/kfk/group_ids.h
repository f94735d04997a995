/* group_ids: the group that a consumer is to be a member of, which may be said in several places.
 */
#ifndef TOOLS_KFK_GROUP_IDS_H
#define TOOLS_KFK_GROUP_IDS_H

#include <stddef.h>

enum { GROUP_IDS_MAX = 3 };

/* Those that differ, in the order in which they were said. */
typedef struct group_ids {
    char *v[GROUP_IDS_MAX];
    size_t n;
} group_ids;

/* |id| is copied; NULL: nothing was said. At most GROUP_IDS_MAX of them. */
void group_ids_add(group_ids *g, const char *id);
/* 'a', 'b': those that differ, in the order in which Kafka's tool names them, which is that of a
 * hash set of Java's. */
void group_ids_text(const group_ids *g, char *out, size_t size);
void group_ids_fini(group_ids *g);

#endif
