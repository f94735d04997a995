/* retry: the one gate that every retry passes.
 *
 * All waiting between two attempts at anything is decided here: exponential backoff with 20 % of jitter, except for the
 * rows of the table in retry.c, which go at once the first time, or after a fixed time. A path that retries without
 * asking is a bug. */
#ifndef KFK_CLIENT_RETRY_H
#define KFK_CLIENT_RETRY_H

#include "base/env.h"

/* retry.backoff.ms and retry.backoff.max.ms, or reconnect.backoff.ms and its max. */
typedef struct kfk__backoff {
    int64_t base_ms;
    int64_t max_ms;
} kfk__backoff;

/* How often one thing has been tried again. Zeroed at first, and when it succeeded. */
typedef struct kfk__retry {
    uint32_t attempts;
} kfk__retry;

/* Why something is retried, where that is not a code of Kafka's. */
enum {
    KFK__RETRY_NEW_LEADER = -2000, /* another leader is known by now, or the same one in a new term */
    KFK__RETRY_SPLIT = -2001       /* a batch that was too large, in parts */
};

/* Of many things that wait for the same broker, those that are due within so long may go along with one that is due now:
 * each has its own chance, and they would be as many requests. */
enum { KFK__RETRY_TOGETHER_MS = 50 };

/* Counts one more attempt after |why| and says when it may be made. */
int64_t kfk__retry_at(kfk__retry *r, const kfk__backoff *b, kfk_err why, const kfk__env *env,
                      int64_t now);
/* |base_ms| doubled |attempts| times, at most |max_ms|, 20 % more or less by chance; in ns. */
int64_t kfk__backoff_ns(const kfk__backoff *b, uint32_t attempts, const kfk__env *env);

#endif
