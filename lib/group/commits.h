/* commits: what is done of the partitions (consumer/marks.h), and how the group's coordinator hears of it. */
#ifndef KFK_GROUP_COMMITS_H
#define KFK_GROUP_COMMITS_H

#include "group/handle.h"

/* What is done of all partitions; with |news| only where more is than was asked to be committed before, which it counts as now.
 * The i-th holds its partition (opaque). KFK_ERR_NOMEM. */
kfk_err kfk__done_collect(kfk_group *g, bool news, kfk_tp **out, size_t *n);
void kfk__done_drop(kfk_group *g, kfk_tp *tps, size_t n);
/* Of |tps|, leaves those of which it is not known that just that has been committed. Returns how many. */
size_t kfk__done_news(kfk_group *g, kfk_tp *tps, size_t n);
/* The Fetcher's: commits what is done, if that is due. When it is next. */
int64_t kfk__commits_tick(kfk_group *g, int64_t now);

#endif
