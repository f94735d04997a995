#include "client/retry.h"

#include <kfk/kafka_errors.h>

/* A day: what is asked for beyond it would overflow, and nobody can tell it from never. */
#define LONGEST_MS INT64_C(86400000)

/* A fixed wait replaces the backoff; 0 only for the first attempt, so that nothing runs hot. Parts are no attempt at the
 * same again: each time they are smaller, and in the end a record is one. */
static const struct {
    kfk_err why;
    int64_t first_ms;
    int64_t later_ms; /* -1: exponential */
} exceptions[] = {
    {KFK__RETRY_NEW_LEADER, 0, -1},
    {KFK__RETRY_SPLIT, 0, 0},
    {KFK_ERR_NOT_COORDINATOR, 0, -1},
    {KFK_ERR_MEMBER_ID_REQUIRED, 0, -1},
    {KFK_ERR_REBALANCE_IN_PROGRESS, 0, -1},
    {KFK_ERR_UNKNOWN_MEMBER_ID, 0, -1},
    {KFK_ERR_ILLEGAL_GENERATION, 0, -1},
    {KFK_ERR_FENCED_MEMBER_EPOCH, 0, -1},
    {KFK_ERR_FETCH_SESSION_ID_NOT_FOUND, 0, -1},
    {KFK_ERR_INVALID_FETCH_SESSION_EPOCH, 0, -1},
    {KFK_ERR_CONCURRENT_TRANSACTIONS, 20, 20},
};

int64_t kfk__backoff_ns(const kfk__backoff *b, uint32_t attempts, const kfk__env *env)
{
    int64_t max = b->max_ms < LONGEST_MS ? b->max_ms : LONGEST_MS;
    int64_t ms = b->base_ms; /* and in the end ns */
    uint32_t chance;

    while (attempts-- > 0 && ms > 0 && ms < max)
        ms *= 2;
    if (max < 1)
        max = 1; /* 0 would be a loop that never waits */
    if (ms > max || ms < 1)
        ms = ms < 1 ? 1 : max;
    env->ops->random(env->ctx, &chance, sizeof chance);
    /* 80 % to 120 %, in steps of a 65,536th, and no more than the maximum. */
    ms = ms * KFK__MS / 10 * 8 + ms * KFK__MS / 10 * 4 / 65536 * (int64_t)(chance & 0xffff);
    return ms < max * KFK__MS ? ms : max * KFK__MS;
}

int64_t kfk__retry_at(kfk__retry *r, const kfk__backoff *b, kfk_err why, const kfk__env *env,
                      int64_t now)
{
    uint32_t attempt = r->attempts++;

    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
        int64_t ms;

        if (exceptions[i].why != why)
            continue;
        ms = attempt == 0 ? exceptions[i].first_ms : exceptions[i].later_ms;
        if (ms >= 0)
            return now + ms * KFK__MS;
        break;
    }
    return now + kfk__backoff_ns(b, attempt, env);
}
